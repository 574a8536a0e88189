"""Conditions on rows of other stores as keys: which of its own rows a store has to look for, found out beforehand."""

from __future__ import annotations

from dataclasses import dataclass, replace

from kingpost.language.tree import (
    TRUE,
    Aggregate,
    And,
    Compare,
    Const,
    Expression,
    In,
    IsNone,
    Item,
    Keyed,
    Many,
    Node,
    Not,
    Or,
    Param,
    Quantify,
    Root,
    Row,
    Step,
    all_of,
    any_of,
    identity,
)
from kingpost.language.types import BOOL, INT, Kind, Type
from kingpost.model.columns import key_columns
from kingpost.model.model import Model
from kingpost.plan.crossing import Reach, rows_read, start_of, starts
from kingpost.plan.folds import about, grouped, other_end
from kingpost.plan.loads import value_of
from kingpost.plan.select import Select
from kingpost.plan.strict import holds_without

MAX_KEYS = 10_000
"""Keys that one look-up may find, or be asked with."""


@dataclass(frozen=True, slots=True)
class Lookup:
    """Values, mostly keys, by which rows fulfil a condition `about` other stores: the list parameter `name`.

    `when`, a condition on parameters, says whether they are needed; else the list is empty.
    """

    name: str
    select: Select
    about: Expression
    when: Expression | None = None


class Lookups:
    """Looks for conditions that are exactly a look-up, and keeps what has to be looked up.

    Args:
        reach: How far the store reaches whose rows they are about.
        depth: How many selects this one is a part of; names of parameters are different at each.
        broad: Conditions that too many keys fulfil to be looked up.
    """

    def __init__(self, model: Model, reach: Reach, root: Root, depth: int, broad: frozenset[Expression]) -> None:
        self._model, self._reach, self._root = model, reach, root
        self._depth, self._broad = depth, broad
        self._made: dict[Expression, Lookup] = {}

    def all(self) -> tuple[Lookup, ...]:
        """What has to be looked up."""
        return tuple(self._made.values())

    def implied(self, part: Expression) -> Expression | None:
        """The same condition by look-ups; None where there is none that is exactly the same."""
        if self._reach.answers(part):
            return part
        match part:
            case And(operands=operands, type=type) if type == BOOL:
                parts = [self.implied(one) for one in operands]
                return None if None in parts else all_of(*parts) or TRUE
            case Or(operands=operands, type=type) if type == BOOL:
                others = [self.implied(one) for one in operands]
                return None if None in others else any_of(*(one for one in others if one is not None))
            case _:
                return self._looked_up(part)

    def _looked_up(self, part: Expression) -> Expression | None:
        """Whether a key is among those found by a look-up."""
        if part in self._broad:
            return None
        if (counted := self._through_count(part)) is not None:
            return counted
        found = self._through_step(part) or self._through_any(part) or self._through_list(part)
        if found is None:
            return None
        item, select = found
        among = self._among(item, select, part)
        if isinstance(part, Quantify) and isinstance(part.many.base, Step):
            # The key of a row that is not reached, or is gone, leads to no list: that is unknown, and not empty.
            base = part.many.base
            key = key_columns(self._model, self._model[base.resource])[0]
            first = about(value_of(self._model, Root(base.resource), key.member), Root(base.resource), base)
            return all_of(Not(IsNone(first)), among)
        return among

    def _through_step(self, part: Expression) -> tuple[Expression, Select] | None:
        """A condition on the one row of another store to which a relation leads."""
        read = [row for row in rows_read(part) if start_of(row) == self._root]
        ends = {self._reach.first_away(row) for row in read}
        if len(ends) != 1 or (end := ends.pop()) is None or starts(part) - {self._root} - keyed_by(part):
            return None
        if holds_without(part, end):
            return None
        root = Root(end.resource)
        where = all_of(end.guard, about(part, end, root))
        return identity(end), Select(end.resource, (identity(root),), where, limit=MAX_KEYS + 1)

    def _through_any(self, part: Expression) -> tuple[Expression, Select] | None:
        """Whether any of the rows fulfils a condition to which a relation leads: asked from the other end."""
        if not isinstance(part, Quantify) or part.kind != "any":
            return None
        many = part.many
        base, item = many.base, Item(many.var, many.resource)
        inner = [one for one in (part.condition, part.element) if one is not None]
        if start_of(base) != self._root or self._reach.crosses(base):
            return None
        if any(starts(one) - {item} - keyed_by(one) for one in inner):
            return None
        owner, target, there = other_end(self._model, many)
        where = all_of(*there, *(about(one, item, target) for one in inner))
        select = Select(start_of(target).resource, (owner,), where, group=(owner,), limit=MAX_KEYS + 1)
        return identity(base), select

    def _through_count(self, part: Expression) -> Expression | None:
        """How many rows there are, or their sum, compared with a known number: by the groups of which it holds.

        A row without any is in no group. So where it holds of 0, those are left out of which it does not hold.
        """
        compared, wanted = (part.operand, False) if isinstance(part, Not) else (part, True)
        if not isinstance(compared, Compare):
            return None
        node = next((side for side in (compared.left, compared.right) if isinstance(side, Aggregate)), None)
        if node is None or node.kind not in ("count", "sum") or node.type != INT or node.many.base != self._root:
            return None
        number = compared.right if node is compared.left else compared.left
        asked = grouped(self._model, node)
        if asked is None or not isinstance(number, Const | Param) or number.type != INT:
            return None

        def of(value: Expression, truth: bool) -> Expression:
            sides = (value, number) if node is compared.left else (number, value)
            same = replace(compared, left=sides[0], right=sides[1])
            return same if truth else Not(same)

        own, nothing = identity(self._root), Const(0, INT)
        holding = Select(asked.resource, (asked.owner,), asked.where, limit=MAX_KEYS + 1, group=(asked.owner,))
        found: list[Expression] = []
        for truth in (wanted, not wanted):
            about_it, when = (part, not wanted) if truth is wanted else (Not(part), wanted)
            if about_it in self._broad:
                return None
            select = replace(holding, having=of(asked.value, truth))
            found.append(self._among(own, select, about_it, of(nothing, when)))
        return any_of(all_of(of(nothing, wanted), Not(found[1])) or TRUE, found[0])

    def _through_list(self, part: Expression) -> tuple[Expression, Select] | None:
        """Whether a value of the row is among those of a list that the actor's row, or another known one, leads to."""
        match part:
            case Quantify(
                kind="any",
                many=Many(base=Keyed(key=key)) as many,
                condition=condition,
                element=Compare(op="==") as same,
            ):
                item = Item(many.var, many.resource)
            case _:
                return None
        sides = sorted((same.left, same.right), key=lambda side: item in starts(side))
        if starts(sides[0]) != {self._root} or starts(sides[1]) != {item} or not self._reach.answers(sides[0]):
            return None
        if condition is not None and starts(condition) - {item} - keyed_by(condition):
            return None
        owner, target, there = other_end(self._model, many)
        value = about(sides[1], item, target)
        inner = () if condition is None else (about(condition, item, target),)
        where = all_of(Compare("==", owner, key), *there, Not(IsNone(value)), *inner)
        return sides[0], Select(start_of(target).resource, (value,), where, limit=MAX_KEYS + 1)

    def _among(self, item: Expression, select: Select, part: Expression, when: Expression | None = None) -> Expression:
        known = self._made.get(part)
        if known is None:
            known = self._made[part] = Lookup(f"found{self._depth}.{len(self._made)}", select, part, when)
        return In(item, Param(known.name, Type(Kind.LIST, element=select.columns[0].type.maybe(False))))


def keyed_by(node: Node) -> set[Row]:
    """The rows known by a parameter that it starts from."""
    return {start for start in starts(node) if isinstance(start, Keyed)}
