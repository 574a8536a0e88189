"""Whether a conflict over a unique value can tell of a row that whoever writes does not see.

Two rows collide where their members of a unique combination are equal, so what a rule for writing demands of these
members, and of the actor, holds of both rows. Where that grants reading, the row that is in the way is seen anyway.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from itertools import product
from typing import Final, TypeAlias

from kingpost.language.narrow import NOTHING, assume
from kingpost.language.tree import (
    TRUE,
    And,
    Const,
    Expression,
    Field,
    Identity,
    IsNone,
    Many,
    Node,
    Not,
    Or,
    Root,
    Step,
    all_of,
    any_of,
    children,
    identity,
)
from kingpost.language.types import BOOL
from kingpost.model.model import ResourceModel, UniqueModel
from kingpost.plan.rights import surely

Case: TypeAlias = Mapping[Expression, bool]
"""What is known in one of the ways in which a condition can come out as it did."""

UNKNOWN: Final[Case] = {}

MOST: Final = 256
"""So many cases are told apart; of a rule with more nothing is taken to be known."""


def combinations(found: ResourceModel) -> list[UniqueModel]:
    """What has to be unique of a resource, single members among it."""
    alone = [field.name for field in found.fields.values() if field.unique]
    alone += [relation.name for relation in found.relations.values() if relation.unique]
    return list(dict.fromkeys([*found.uniques, *(UniqueModel((name,)) for name in alone)]))


def tells(found: ResourceModel, unique: UniqueModel) -> bool:
    """Whether somebody may write it who does not see every row that can be in the way."""
    read = _may(found, "read")
    among = [UNKNOWN] if unique.where is None else _cases(unique.where, True)
    for verb in ("create", "update"):
        written = all_of(_may(found, verb), _writes(found, unique.members)) or TRUE
        shared = [_about(case, unique.members) for case in _cases(written, True)]
        for given, kept in product(shared, among):
            known = _with_values({**given, **kept})
            if known is not None and surely(read, True, known) != TRUE:
                return True
    return False


def _may(found: ResourceModel, verb: str) -> Expression:
    rules = [rule for rule in found.rules if verb in rule.verbs]
    allowed = any_of(*(rule.expression for rule in rules if rule.effect == "allow"))
    return all_of(found.tenant, allowed, *(Not(rule.expression) for rule in rules if rule.effect == "deny")) or TRUE


def _writes(found: ResourceModel, members: Iterable[str]) -> Expression:
    """Who may write any of these members at all, as far as rules of their own go."""
    followed = any(name in found.fields and found.fields[name].stored_computed for name in members)
    owners = [found.fields.get(name) or found.relations[name] for name in members]
    written = [owner.access.write or TRUE for owner in owners if owner.access.writable != "never"]
    return TRUE if followed else any_of(*written)


def _cases(condition: Expression, outcome: bool) -> list[Case]:
    """The ways in which a condition comes out so; none: it never does."""
    match condition:
        case Const(value=value):
            return [UNKNOWN] if value is outcome else []
        case Not(operand=operand):
            return _cases(operand, not outcome)
        case And(operands=operands, type=type) | Or(operands=operands, type=type) if type == BOOL:
            parts = [_cases(operand, outcome) for operand in operands]
            if isinstance(condition, And) is not outcome:
                return [case for part in parts for case in part]
            joined: list[Case] = [UNKNOWN]
            for part in parts:
                joined = [{**one, **other} for one, other in product(joined, part) if _agree(one, other)]
                if len(joined) > MOST:
                    return [UNKNOWN]
            return joined
        case _:
            return [{condition: outcome}]


def _agree(one: Case, other: Case) -> bool:
    return all(one.get(condition, outcome) is outcome for condition, outcome in other.items())


def _about(case: Case, members: Iterable[str]) -> Case:
    """What is known of the actor and of these members alone, and so of any row that has the same."""
    kept = set(members)
    return {condition: outcome for condition, outcome in case.items() if kept.issuperset(_asked(condition))}


def _asked(node: Node) -> Iterator[str]:
    """The members of the row that a condition asks about; "" where it is about more of it."""
    match node:
        case Field(row=Root(), name=name) | Step(base=Root(), relation=name):
            yield name
        case Root() | Many(base=Root()):
            yield ""
        case Identity(row=Step(base=Root(), relation=name)):
            yield name
        case _:
            for child in children(node):
                yield from _asked(child)


def _with_values(case: Case) -> Case | None:
    """What is known, and which values can't be None then, nor the rows that they were read from; None: can't be."""
    sure = NOTHING
    for condition, outcome in case.items():
        sure = assume(condition, outcome, sure)
    for value in list(sure):
        row = value.row if isinstance(value, Field | Identity) else None
        while row is not None:
            sure |= {identity(row)}
            row = row.base if isinstance(row, Step) else None
    there: Case = {IsNone(value): False for value in sure}
    return {**case, **there} if _agree(case, there) else None
