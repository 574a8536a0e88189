"""A select that one store can't answer alone, taken apart: what is found before, what the store does, what is left.

Conditions on rows of other stores become sets of keys that are looked up first (`Lookup`), so that the store still
filters, sorts and pages by itself. Where that can't be said, the store answers a superset, the rows that the rest
depends on are loaded by their keys, and the rest is answered in memory.
"""

from __future__ import annotations

from collections.abc import Callable
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
    Item,
    Keyed,
    Many,
    Node,
    Or,
    Param,
    Root,
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
from kingpost.plan.crossing import Reach, Says, is_closed, starts
from kingpost.plan.folds import Folds
from kingpost.plan.loads import Fold, Load, Needs, value_of
from kingpost.plan.lookups import Lookup, Lookups, keyed_by
from kingpost.plan.rights import surely
from kingpost.plan.select import Select

MAX_ROWS = 10_000
"""Rows that may be looked at in memory to answer one select."""
MADE = "~"
"""What names of values begin with that are no members: nobody can declare one."""


@dataclass(frozen=True, slots=True)
class Given:
    """A value that the actor's row decides, in another store: bound as the parameter `name` when it is known."""

    name: str
    expression: Expression
    folded: Expression
    """The same, with folds as members of rows."""
    loads: tuple[Load, ...]


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
    is loaded for them, `folds` are asked about them, and what is `keyed` by parameters is loaded.
    """

    home: Select
    givens: tuple[Given, ...] = ()
    lookups: tuple[Lookup, ...] = ()
    rest: Select | None = None
    members: tuple[str, ...] = ()
    types: tuple[Type, ...] = ()
    made: tuple[Made, ...] = ()
    below: tuple[Load, ...] = ()
    folds: tuple[Fold, ...] = ()
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
    whole: bool = False,
) -> Split | None:
    """Take a select apart; None where its store can answer it as it is.

    Args:
        model: What was declared, stores included.
        says: Whether the store has words for an expression about its own rows; None: for all.
        depth: How many selects this one is a part of; names of parameters are different at each.
        broad: Conditions that too many keys fulfil to be looked up.
        unknown: Values of givens that turned out to be unknown.
        whole: Leave all but conditions to memory: each part can be said, and all of them together can not.
    """
    reach = Reach(model, model[select.resource].store, says)
    if not whole and all(map(reach.answers, select.expressions())):
        return None
    return _Splitter(select, model, reach, depth, broad, unknown).split(whole=whole)


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
        self._unknown = unknown
        self._root = Root(select.resource)
        self._givens: dict[Expression, Given] = {}
        self._made: dict[Expression, tuple[Made, Expression]] = {}
        self._folds = Folds(model)
        self._lookups = Lookups(model, reach, self._root, depth, broad)
        self._select = _changed(select, self._given)

    def split(self, *, whole: bool) -> Split:
        select = self._select
        where, left = self._where(select.where)
        shaped = [*(order.expression for order in select.order), *(select.group or ())]
        shaped += select.columns if select.group is not None else ()
        if (
            not whole
            and not left
            and all(map(self._reach.answers, (*shaped, *([] if select.having is None else [select.having]))))
        ):
            if all(map(self._reach.answers, select.columns)):
                return self._answer(replace(select, where=where))
            # The store finds the rows of the answer, in order: what is left are columns.
            return self._finished(replace(select, where=where), Select(select.resource, select.columns))
        superset = Select(select.resource, (), where, limit=MAX_ROWS + 1)
        return self._finished(superset, replace(select, where=all_of(*left)))

    def _answer(self, home: Select) -> Split:
        return Split(home, tuple(self._givens.values()), self._lookups.all())

    def _finished(self, home: Select, rest: Select) -> Split:
        """Split with something left to do in memory."""
        rest = Select(
            rest.resource,
            tuple(self._left(column, whole=True) for column in rest.columns),
            None if rest.where is None else self._left(rest.where),
            tuple(replace(order, expression=self._left(order.expression, whole=True)) for order in rest.order),
            rest.limit,
            rest.offset,
            None if rest.group is None else tuple(self._left(one, whole=True) for one in rest.group),
            None if rest.having is None else self._left(rest.having),
            rest.after,
        )
        needs = Needs(self._model, rest.resource, self._folds.by_name())
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
            folds=needs.folds(),
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
            folded = self._folds.fold(node)
            needs = Needs(self._model, self._root.resource, self._folds.by_name())
            needs.add(folded)
            name = f"given{self._depth}.{len(self._givens)}"
            known = self._givens[node] = Given(name, node, folded, needs.keyed())
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
            implied = None if pinned else self._lookups.implied(part)
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

    # What is left for memory

    def _left(self, expression: Expression, *, whole: bool = False) -> Expression:
        """The expression with what others can compute taken out."""
        return self._folds.fold(self._local(expression, whole=whole))

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
        if self._root not in starts(node) or starts(node) - {self._root} - keyed_by(node):
            return False
        return (whole or not node.type.nullable) and self._reach.answers(node)


def _conjuncts(condition: Expression) -> tuple[Expression, ...]:
    if isinstance(condition, And) and condition.type == BOOL:
        return condition.operands
    return () if condition == TRUE else (condition,)


def _through(node: Field | Identity) -> bool:
    """Whether a step leads to the row whose value it is."""
    row = node.row.base if isinstance(node, Identity) and isinstance(node.row, Step) else node.row
    return isinstance(row, Step)


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
