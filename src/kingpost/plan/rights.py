"""Rules as conditions: for a resource and a verb, the expression that must be surely true of a row.

1. `@allow` rules are OR-ed; `@deny` rules win: a row is spared only where the rule is surely false. No rule: nobody.
2. What depends on the actor, the instant and settings alone (the *leaves*) is evaluated when somebody asks; the
   expression folded by those outcomes is what is sent to a store. Outcomes, not values, tell plans apart.
3. Paths inside a rule are read with the declaration's rights, but never reach deleted rows.
4. The instant of a right is the present one (`present`), also where a cursor has frozen that of a list (`now`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from enum import Enum
from itertools import count
from typing import Any, TypeAlias

from kingpost.language.evaluate import Frame, compile_expression
from kingpost.language.lower import Capture
from kingpost.language.tree import (
    FALSE,
    TRUE,
    And,
    Const,
    Expression,
    Field,
    Identity,
    If,
    IsNone,
    Item,
    Keyed,
    Many,
    Node,
    Not,
    Or,
    Param,
    Root,
    Step,
    all_of,
    any_of,
    children,
    transform,
    walk,
)
from kingpost.language.types import BOOL, DATETIME
from kingpost.model.model import Model

Outcomes: TypeAlias = tuple[object, ...]


class Right:
    """One condition, its leaves, and its folded forms."""

    __slots__ = ("_folded", "captures", "declared", "expression", "leaves", "tests")

    def __init__(self, expression: Expression, captures: tuple[Capture, ...] = (), declared: bool = True) -> None:
        self.expression = expression
        self.captures = captures
        self.declared = declared
        self.leaves = tuple(dict.fromkeys(_leaves(expression)))
        self.tests: tuple[Callable[[Frame], object], ...] = tuple(map(compile_expression, self.leaves))
        self._folded: dict[Outcomes, Expression] = {}

    def outcomes(self, frame: Frame) -> Outcomes:
        """True, False or unknown for each leaf, for the one who asks; settings are read now."""
        if self.captures:
            captured = {capture.name: capture.read() for capture in self.captures}
            frame = Frame(frame.root, {**frame.params, **captured}, frame.world)
        return tuple([test(frame) for test in self.tests])

    def given(self, outcomes: Outcomes) -> Expression:
        """The condition with its leaves replaced: surely true where, and only where, the right is held."""
        known = self._folded.get(outcomes)
        if known is None:
            known = surely(self.expression, True, dict(zip(self.leaves, outcomes, strict=True)))
            if len(self._folded) < 256:
                self._folded[outcomes] = known
        return known


def surely(expression: Expression, wanted: bool, known: Mapping[Expression, object]) -> Expression:
    """An expression that is surely true exactly where `expression` is surely `wanted`, with `known` leaves put in."""
    if expression in known:
        return TRUE if known[expression] is wanted else FALSE
    match expression:
        case Const(value=value, type=type) if type.kind is BOOL.kind:
            return TRUE if value is wanted else FALSE
        case Not(operand=operand):
            return surely(operand, not wanted, known)
        case And(operands=operands, type=type) if type == BOOL:
            parts = [surely(operand, wanted, known) for operand in operands]
            return (all_of(*parts) or TRUE) if wanted else any_of(*parts)
        case Or(operands=operands, type=type) if type == BOOL:
            parts = [surely(operand, wanted, known) for operand in operands]
            return any_of(*parts) if wanted else (all_of(*parts) or TRUE)
        case If(condition=condition, then=then, otherwise=otherwise, type=type) if type == BOOL:
            return any_of(
                all_of(surely(condition, True, known), surely(then, wanted, known)) or TRUE,
                all_of(surely(condition, False, known), surely(otherwise, wanted, known)) or TRUE,
            )
        case _:
            return expression if wanted else Not(expression)


def _leaves(expression: Expression) -> Iterator[Expression]:
    """The boolean leaves that no row has a part in."""
    match expression:
        case Const():
            return
        case Not(operand=operand):
            yield from _leaves(operand)
        case And(operands=operands, type=type) | Or(operands=operands, type=type) if type == BOOL:
            for operand in operands:
                yield from _leaves(operand)
        case If(condition=condition, then=then, otherwise=otherwise, type=type) if type == BOOL:
            for part in (condition, then, otherwise):
                yield from _leaves(part)
        case _:
            if rowless(expression):
                yield expression


def rowless(node: Node) -> bool:
    """Whether the actor's own values, the instant and settings decide it: no row has to be looked at."""
    match node:
        case Root() | Item() | Many():
            return False
        case Identity(row=Step(base=Keyed())):
            return True  # the key that the actor's own row holds
        case Step():
            return False
        case _:
            return all(rowless(child) for child in children(node))


@dataclass(frozen=True, slots=True)
class ActorWorld:
    """The world of the leaves: nothing but the actor."""

    actor: Any
    key: Callable[[Any], object]

    def keyed(self, resource: str, key: object) -> Any:
        return self.actor if key is not None else None

    def value(self, row: Any, resource: str, field: str) -> object:
        return bound(getattr(row, field))

    def reference(self, row: Any, resource: str, relation: str) -> object:
        target = getattr(row, relation)
        return None if target is None else self.key(target)

    def key_of(self, row: Any, resource: str) -> object:
        return self.key(row)

    def one(self, row: Any, resource: str, relation: str) -> Any:
        raise LookupError(relation)  # `rowless` lets no leaf step that far

    def many(self, row: Any, resource: str, relation: str) -> Any:
        raise LookupError(relation)

    def linked(self, row: Any, resource: str, relation: str) -> Any:
        raise LookupError(relation)


def bound(value: object) -> object:
    """A value that an object holds, as conditions compare it: a member of an Enum by its value."""
    return value.value if isinstance(value, Enum) else value


class Rights:
    """Every right of one model, made when first asked for."""

    def __init__(self, model: Model) -> None:
        self.model = model
        self._captures = {
            capture.name: capture
            for found in model.resources.values()
            for captures in (
                *(rule.captures for rule in found.rules),
                *(one.captures for one in found.computed.values()),
            )
            for capture in captures
        }
        self._rights: dict[tuple[str, ...], Right] = {}
        self._numbers = count(1_000_000)  # generator variables of what is put together here

    def verb(self, resource: str, verb: str) -> Right:
        """Who may do `verb`, by the rules; `declared` is False where no rule speaks of it."""
        return self._known((resource, "verb", verb), lambda: self._verb(resource, verb))

    def guard(self, resource: str) -> Right:
        """What holds whoever asks: the tenant, and that the row is not deleted."""
        return self._known((resource, "guard"), lambda: self._guard(resource))

    def kept(self, resource: str) -> Right:
        """Only that the row is not deleted: all that limits the system."""
        return self._known((resource, "kept"), lambda: self._right(self._kept(resource)))

    def member(self, resource: str, name: str, mode: str) -> Right | None:
        """The rule of its own that a field, relation or computed field has for `read` or `write`; None: none."""
        found = self.model[resource]
        owner = found.fields.get(name) or found.relations.get(name) or found.computed.get(name)
        expression = None if owner is None else owner.access.read if mode == "read" else owner.access.write
        if expression is None:
            return None
        rule = expression
        return self._known((resource, mode, name), lambda: self._right(rule))

    def _known(self, key: tuple[str, ...], make: Callable[[], Right]) -> Right:
        right = self._rights.get(key)
        if right is None:
            right = self._rights[key] = make()
        return right

    def _right(self, expression: Expression, *, declared: bool = True) -> Right:
        whole = transform(self.closed(expression), _at_present)
        return Right(whole, self.captures((whole,)), declared)

    def captures(self, expressions: Iterable[Expression]) -> tuple[Capture, ...]:
        """The settings that the declaration put into these expressions."""
        named = {node.name: None for one in expressions for node in walk(one) if isinstance(node, Param)}
        return tuple(self._captures[name] for name in named if name in self._captures)

    def _verb(self, resource: str, verb: str) -> Right:
        rules = [rule for rule in self.model[resource].rules if verb in rule.verbs]
        allowed = [rule.expression for rule in rules if rule.effect == "allow"]
        denied = [Not(rule.expression) for rule in rules if rule.effect == "deny"]
        return self._right(all_of(any_of(*allowed), *denied) or TRUE, declared=bool(allowed))

    def _guard(self, resource: str) -> Right:
        return self._right(all_of(self.model[resource].tenant, self._kept(resource)) or TRUE)

    def _kept(self, resource: str) -> Expression:
        found = self.model[resource]
        if found.deleted is None:
            return TRUE
        return IsNone(Field(Root(resource), found.deleted, found.fields[found.deleted].type))

    def closed(self, expression: Expression) -> Expression:
        """The same expression, its paths kept from deleted rows."""

        def change(node: Node) -> Node | None:
            match node:
                case Step(base=base, resource=resource, guard=None):
                    return replace(node, base=transform(base, change), guard=unless_true(self._kept(resource)))
                case Many(base=base, relation=name, resource=resource, guard=None):
                    relation = self.model[base.resource].relations[name]
                    link = unless_true(self._kept(relation.link)) if relation.through else None
                    guard = unless_true(self._kept(resource))
                    return replace(node, base=transform(base, change), guard=guard, link=link)
                case _:
                    return None

        return transform(expression, change)

    def fresh(self) -> int:
        """A number for a generator variable that no other has."""
        return next(self._numbers)


def unless_true(guard: Expression) -> Expression | None:
    """A guard, or None where it lets everything through."""
    return None if guard == TRUE else guard


def _at_present(node: Node) -> Node | None:
    return Param("present", DATETIME) if isinstance(node, Param) and node.name == "now" else None
