"""A select that one store can't answer alone, taken apart: what is found before, what the store does, what is left.

Conditions on rows of other stores become sets of keys that are looked up first (`Lookup`), so that the store still
filters, sorts and pages by itself. Where that can't be said, the store answers a superset, the rows that the rest
depends on are loaded by their keys, and the rest is answered in memory.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace

from kingpost.language.tree import (
    TRUE,
    And,
    Compare,
    Expression,
    Field,
    Identity,
    If,
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
    Summary,
    all_of,
    any_of,
    identity,
    transform,
)
from kingpost.language.types import BOOL, Kind, Type
from kingpost.model.columns import key_columns
from kingpost.model.model import Model
from kingpost.plan.crossing import Reach, Says, is_closed, rows_read, start_of, starts
from kingpost.plan.loads import Load, Needs, value_of
from kingpost.plan.rights import surely
from kingpost.plan.select import Select
from kingpost.plan.strict import holds_without

MAX_KEYS = 10_000
"""Keys that one look-up may find, or be asked with."""
MAX_ROWS = 10_000
"""Rows that may be looked at in memory to answer one select."""
MADE = "~"
"""What names of values begin with that are no members: nobody can declare one."""


@dataclass(frozen=True, slots=True)
class Given:
    """A value that the actor's row decides, in another store: bound as the parameter `name` when it is known."""

    name: str
    expression: Expression
    loads: tuple[Load, ...]


@dataclass(frozen=True, slots=True)
class Lookup:
    """Values, mostly keys, by which rows fulfil a condition `about` other stores: the list parameter `name`."""

    name: str
    select: Select
    about: Expression


@dataclass(frozen=True, slots=True)
class Made:
    """A value that the store computes for what is left: `strict`, None stands for unknown."""

    name: str
    width: int
    strict: bool


@dataclass(frozen=True, slots=True)
class Split:
    """A select taken apart.

    `home`: what the store of the resource is asked. `rest`: what is answered in memory of the rows that it finds; None
    where they are the answer. Then the columns of `home` are the row's key, its `members` and what is `made`; `below`
    is loaded for them, and what is `keyed` by parameters.
    """

    home: Select
    givens: tuple[Given, ...] = ()
    lookups: tuple[Lookup, ...] = ()
    rest: Select | None = None
    members: tuple[str, ...] = ()
    types: tuple[Type, ...] = ()
    made: tuple[Made, ...] = ()
    below: tuple[Load, ...] = ()
    keyed: tuple[Load, ...] = ()

    @property
    def whole(self) -> bool:
        """Whether rows may be left out in memory, so that the store can't tell how many are wanted."""
        return self.rest is not None and (self.rest.where is not None or self.rest.group is not None or self.sorts)

    @property
    def sorts(self) -> bool:
        """Whether the order is made in memory."""
        return self.rest is not None and bool(self.rest.order)


def split(
    select: Select,
    model: Model,
    says: Says | None = None,
    *,
    depth: int = 0,
    broad: frozenset[Expression] = frozenset(),
    unknown: frozenset[Expression] = frozenset(),
) -> Split | None:
    """Take a select apart; None where its store can answer it as it is.

    Args:
        model: What was declared, stores included.
        says: Whether the store has words for an expression about its own rows; None: for all.
        depth: How many selects this one is a part of; names of parameters are different at each.
        broad: Conditions that too many keys fulfil to be looked up.
        unknown: Values of givens that turned out to be unknown.
    """
    reach = Reach(model, model[select.resource].store, says)
    if all(map(reach.answers, select.expressions())):
        return None
    return _Splitter(select, model, reach, depth, broad, unknown).split()


class _Splitter:
    def __init__(
        self,
        select: Select,
        model: Model,
        reach: Reach,
        depth: int,
        broad: frozenset[Expression],
        unknown: frozenset[Expression],
    ) -> None:
        self._model, self._reach, self._depth = model, reach, depth
        self._broad, self._unknown = broad, unknown
        self._root = Root(select.resource)
        self._givens: dict[Expression, Given] = {}
        self._lookups: dict[Expression, Lookup] = {}
        self._made: dict[Expression, tuple[Made, Expression]] = {}
        self._select = _changed(select, self._given)

    def split(self) -> Split:
        select = self._select
        where, left = self._where(select.where)
        shaped = [*(order.expression for order in select.order), *(select.group or ())]
        shaped += select.columns if select.group is not None else ()
        if not left and all(map(self._reach.answers, (*shaped, *([] if select.having is None else [select.having])))):
            if all(map(self._reach.answers, select.columns)):
                return self._answer(replace(select, where=where))
            # The store finds the rows of the answer, in order: what is left are columns.
            return self._finished(replace(select, where=where), Select(select.resource, select.columns))
        superset = Select(select.resource, (), where, limit=MAX_ROWS + 1)
        return self._finished(superset, replace(select, where=all_of(*left)))

    def _answer(self, home: Select) -> Split:
        return Split(home, tuple(self._givens.values()), tuple(self._lookups.values()))

    def _finished(self, home: Select, rest: Select) -> Split:
        """Split with something left to do in memory."""
        rest = Select(
            rest.resource,
            tuple(self._local(column, whole=True) for column in rest.columns),
            None if rest.where is None else self._local(rest.where),
            tuple(replace(order, expression=self._local(order.expression, whole=True)) for order in rest.order),
            rest.limit,
            rest.offset,
            None if rest.group is None else tuple(self._local(one, whole=True) for one in rest.group),
            None if rest.having is None else self._local(rest.having),
            rest.after,
        )
        needs = Needs(self._model, rest.resource)
        for expression in rest.expressions():
            needs.add(expression)
        members = tuple(name for name in needs.members if not name.startswith(MADE))
        values = [value_of(self._model, self._root, name) for name in members]
        computed = [expression for _, expression in self._made.values()]
        columns = (identity(self._root), *values, *computed)
        return replace(
            self._answer(replace(home, columns=columns)),
            rest=rest,
            members=members,
            types=tuple(one.type for one in columns),
            made=tuple(made for made, _ in self._made.values()),
            below=needs.below(),
            keyed=needs.keyed(),
        )

    # What the actor's row decides

    def _given(self, node: Node) -> Node | None:
        """The largest values that no row but the actor's has a part in, as parameters."""
        if isinstance(node, Root | Item | Step | Keyed | Many | Summary) or not self._reach.crosses(node):
            return None
        if not is_closed(node):
            return None
        if node in self._unknown:
            return _unknown_of(node.type)
        known = self._givens.get(node)
        if known is None:
            needs = Needs(self._model, self._root.resource)
            needs.add(node)
            known = self._givens[node] = Given(self._name("given", self._givens), node, needs.keyed())
        return Param(known.name, node.type)

    # Conditions

    def _where(self, where: Expression | None) -> tuple[Expression | None, list[Expression]]:
        """What the store can be asked, which holds of a superset, and what is left to ask of the rows it finds."""
        if where is None:
            return None, []
        parts = _conjuncts(surely(where, True, {}))
        pinned = any(map(self._pins, parts))
        asked: list[Expression] = []
        left: list[Expression] = []
        for part in parts:
            if self._reach.answers(part):
                asked.append(part)
                continue
            implied = None if pinned else self._implied(part)
            if implied is None:
                left.append(part)
                implied = self._superset(part)
            asked.append(implied)
        return all_of(*asked), left

    def _pins(self, part: Expression) -> bool:
        """Whether it names rows by key: then it is cheaper to look from them."""
        own = identity(self._root)
        match part:
            case Compare(op="==", left=left, right=Param()):
                return left == own
            case In(item=item, options=Param()):
                return item == own
            case _:
                return False

    def _implied(self, part: Expression) -> Expression | None:
        """The same condition by look-ups; None where there is none that is exactly the same."""
        if self._reach.answers(part):
            return part
        match part:
            case And(operands=operands, type=type) if type == BOOL:
                parts = [self._implied(one) for one in operands]
                return None if None in parts else all_of(*parts) or TRUE
            case Or(operands=operands, type=type) if type == BOOL:
                others = [self._implied(one) for one in operands]
                return None if None in others else any_of(*(one for one in others if one is not None))
            case _:
                return self._looked_up(part)

    def _superset(self, part: Expression) -> Expression:
        """What holds wherever the condition does."""
        if self._reach.answers(part):
            return part
        match part:
            case And(operands=operands, type=type) if type == BOOL:
                return all_of(*map(self._superset, operands)) or TRUE
            case Or(operands=operands, type=type) if type == BOOL:
                return any_of(*map(self._superset, operands))
            case _:
                return TRUE

    def _looked_up(self, part: Expression) -> Expression | None:
        """Whether a key is among those found by a look-up."""
        if part in self._broad:
            return None
        known = self._lookups.get(part)
        found = self._through_step(part) or self._through_any(part) or self._through_list(part)
        if found is None:
            return None
        item, select = found
        if known is None:
            known = self._lookups[part] = Lookup(self._name("found", self._lookups), select, part)
        among = In(item, Param(known.name, Type(Kind.LIST, element=select.columns[0].type.maybe(False))))
        if isinstance(part, Quantify) and isinstance(part.many.base, Step):
            # The key of a row that is not reached, or is gone, leads to no list: that is unknown, and not empty.
            base = part.many.base
            key = key_columns(self._model, self._model[base.resource])[0]
            first = _about(value_of(self._model, Root(base.resource), key.member), Root(base.resource), base)
            return all_of(Not(IsNone(first)), among)
        return among

    def _through_step(self, part: Expression) -> tuple[Expression, Select] | None:
        """A condition on the one row of another store to which a relation leads."""
        read = [row for row in rows_read(part) if start_of(row) == self._root]
        ends = {self._reach.first_away(row) for row in read}
        if len(ends) != 1 or (end := ends.pop()) is None or starts(part) - {self._root} - _keyed(part):
            return None
        if holds_without(part, end):
            return None
        root = Root(end.resource)
        where = all_of(end.guard, _about(part, end, root))
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
        if any(starts(one) - {item} - _keyed(one) for one in inner):
            return None
        owner, target, there = self._other_end(many)
        where = all_of(*there, *(_about(one, item, target) for one in inner))
        select = Select(start_of(target).resource, (owner,), where, group=(owner,), limit=MAX_KEYS + 1)
        return identity(base), select

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
        if condition is not None and starts(condition) - {item} - _keyed(condition):
            return None
        owner, target, there = self._other_end(many)
        value = _about(sides[1], item, target)
        inner = () if condition is None else (_about(condition, item, target),)
        where = all_of(Compare("==", owner, key), *there, Not(IsNone(value)), *inner)
        return sides[0], Select(start_of(target).resource, (value,), where, limit=MAX_KEYS + 1)

    def _other_end(self, many: Many) -> tuple[Expression, Row, tuple[Expression | None, ...]]:
        """The way back from the rows of a relation: the key that they hold, themselves, and that they are there."""
        relation = self._model[many.base.resource].relations[many.relation]
        if relation.kind == "many":
            root = Root(many.resource)
            back = self._model[many.resource].relations[relation.inverse or ""]
            return identity(Step(root, back.name, many.base.resource, back.nullable)), root, (many.guard,)
        link = Root(relation.link)
        far = Step(link, relation.far, many.resource, False, many.guard)
        key = key_columns(self._model, self._model[many.resource])[0]
        first = _about(value_of(self._model, Root(many.resource), key.member), Root(many.resource), far)
        owner = identity(Step(link, relation.near, many.base.resource, False))
        return owner, far, (many.link, Not(IsNone(first)))

    # What the store computes for the rest

    def _local(self, expression: Expression, *, whole: bool = False) -> Expression:
        """The expression with what the store can compute by itself taken out, to be asked of it."""

        def change(node: Node) -> Node | None:
            if isinstance(node, Root | Item | Step | Keyed | Many):
                return node
            if isinstance(node, Summary):  # of many rows: what it adds up is of each
                operand = node.operand
                return node if operand is None else replace(node, operand=self._local(operand, whole=True))
            if not self._may_make(node, whole=whole and node is expression):
                return None
            made = self._made.get(node)
            if made is None:
                kind = node.type.kind
                wide = kind is Kind.REFERENCE
                width = len(key_columns(self._model, self._model[node.type.name])) if wide else 1
                name = f"{MADE}{len(self._made)}"
                strict = not node.type.nullable
                made = self._made[node] = (Made(name, width, strict), node)
            return Field(self._root, made[0].name, node.type)

        changed: Expression = transform(expression, change)
        return changed

    def _may_make(self, node: Expression, *, whole: bool) -> bool:
        """Whether the store may be asked for a value: it must be told whether it is None or unknown."""
        if isinstance(node, Field | Identity) and starts(node) == {self._root} and not _through(node):
            return False  # a member of the row itself
        if self._root not in starts(node) or starts(node) - {self._root} - _keyed(node):
            return False
        return (whole or not node.type.nullable) and self._reach.answers(node)

    def _name(self, kind: str, known: Iterable[object]) -> str:
        return f"{kind}{self._depth}.{len(list(known))}"


def _conjuncts(condition: Expression) -> tuple[Expression, ...]:
    if isinstance(condition, And) and condition.type == BOOL:
        return condition.operands
    return () if condition == TRUE else (condition,)


def _keyed(node: Node) -> set[Row]:
    return {start for start in starts(node) if isinstance(start, Keyed)}


def _through(node: Field | Identity) -> bool:
    """Whether a step leads to the row whose value it is."""
    row = node.row.base if isinstance(node, Identity) and isinstance(node.row, Step) else node.row
    return isinstance(row, Step)


def _about(expression: Expression, row: Row, other: Row) -> Expression:
    """The same expression about another row in place of one; guards are about rows of their own."""

    def change(node: Node) -> Node | None:
        if node == row:
            return other
        match node:
            case Step(base=base) | Many(base=base):
                return replace(node, base=transform(base, change))
            case _:
                return None

    changed: Expression = transform(expression, change)
    return changed


def _changed(select: Select, change: Callable[[Node], Node | None]) -> Select:
    def new(expression: Expression) -> Expression:
        found: Expression = transform(expression, change)
        return found

    return replace(
        select,
        columns=tuple(map(new, select.columns)),
        where=None if select.where is None else new(select.where),
        order=tuple(replace(order, expression=new(order.expression)) for order in select.order),
        group=None if select.group is None else tuple(map(new, select.group)),
        having=None if select.having is None else new(select.having),
    )


def _unknown_of(type: Type) -> Expression:
    """What is unknown, whatever is asked of it."""
    if type == BOOL:
        return Compare("<", Param("none", BOOL.maybe()), Param("none", BOOL.maybe()))
    value = Param("none", type.maybe())
    return If(Param("none", BOOL.maybe()), value, value, type)
