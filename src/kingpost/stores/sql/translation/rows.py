"""Where the rows of an expression are: the FROM clause of each SELECT, and the joins that to-one steps add to it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

import sqlalchemy as sa

from kingpost.base.errors import Unsupported
from kingpost.language.tree import Expression, Item, Keyed, Many, Node, Root, Row, Step, walk
from kingpost.model.columns import Column, relation_columns
from kingpost.model.model import RelationModel, ResourceModel
from kingpost.stores.sql.phrases import Condition, Term
from kingpost.stores.sql.stored import alike, bare

if TYPE_CHECKING:
    from kingpost.stores.sql.translation.translator import Shared, Translator


class Scope:
    """The FROM clause of one SELECT. `places` are the rows joined to it, so that each path is joined once."""

    def __init__(self, source: sa.FromClause) -> None:
        self.source = source
        self.places: dict[object, Place] = {}


class Place:
    """Where the columns of one row are.

    Args:
        scope: The SELECT that the row is joined to.
        resource: Of the row.
        join: Joins the table and answers its alias; called when a column is needed that is not in `known`.
        known: Key columns that the rows before it hold.
        reached: Says where the row was reached; None: where its joined key is not NULL.
    """

    def __init__(
        self,
        shared: Shared,
        scope: Scope,
        resource: ResourceModel,
        join: Callable[[], str],
        known: Mapping[str, Term] | None = None,
        reached: tuple[Condition, ...] | None = (),
    ) -> None:
        self._shared, self._join, self._alias = shared, join, ""
        self.scope, self.resource = scope, resource
        self.known = dict(known or {})
        self._reached = reached

    def column(self, column: Column) -> Term:
        """A column of the row."""
        if column.name not in self.known:
            self.known[column.name] = self._shared.dialect.column(self.alias, column)
        return self.known[column.name]

    def version(self) -> Term:
        """The row version that is in no column."""
        dialect, names = self._shared.dialect, self._shared.column_names(self.resource)
        return sa.literal_column(dialect.row_version(dialect.quote(self.alias), names), sa.BigInteger())

    @property
    def alias(self) -> str:
        """The alias of the table, which is joined now if it was not needed before."""
        if not self._alias:
            self._alias = self._join()
        return self._alias

    @property
    def key(self) -> tuple[Term, ...]:
        """The key columns, in order."""
        return tuple(self.column(column) for column in self._shared.key_columns(self.resource.name))

    @property
    def reached(self) -> tuple[Condition, ...]:
        """Conditions that hold where there is such a row; none where there always is."""
        if self._reached is None:
            self._reached = (bare(self.key[0]).is_not(sa.null()),)
        return self._reached


# ----------------------------------------------------------------------------------------------------------------- rows


def place(t: Translator, row: Row) -> Place:
    """Where a row is."""
    match row:
        case Root():
            return t.root
        case Item(var=var):
            return t.items[var]
        case Step():
            base = t.place(row.base)
            places, token = base.scope.places, (id(base), row.relation, row.guard)
            if token not in places:
                places[token] = _step(t, row, base)
            return places[token]
        case Keyed():
            places = t.shared.outer.places
            if row not in places:
                places[row] = _keyed(t, row)
            return places[row]


def identity(t: Translator, row: Row) -> tuple[tuple[Term, ...], tuple[Condition, ...]]:
    """The key of a row as the row before it holds it, and where that is known. No guard of the row itself counts."""
    match row:
        case Step():
            base = t.place(row.base)
            return tuple(base.column(column) for column in _near(t, base, row.relation)), base.reached
        case Keyed():
            return t.param_key(row.key, row.resource), ()
        case _:
            return t.place(row).key, ()


def _step(t: Translator, row: Step, base: Place) -> Place:
    relation = base.resource.relations[row.relation]
    target = t.model[relation.target]
    if target.store != base.resource.store:
        raise elsewhere(relation)
    near = [base.column(column) for column in _near(t, base, row.relation)]
    keys = t.shared.key_columns(target.name)

    def join() -> str:
        alias = t.shared.alias(row.relation)
        key = [_same(t.dialect.column(alias, column), held) for column, held in zip(keys, near, strict=True)]
        guard = [] if row.guard is None else [_guarded(t, row, base, alias)]
        held_to = relation.constrained and t.dialect.references_hold
        there = held_to and not (row.nullable or guard or base.reached)
        _join(t, base.scope, target, alias, [*key, *guard], there=there)
        return alias

    if row.guard is not None or not relation.constrained:
        # The key held here does not tell whether the row is there, and may be read.
        return Place(t.shared, base.scope, target, join, reached=None)
    held = {column.name: term for column, term in zip(keys, near, strict=True)}
    reached = tuple(bare(term).is_not(sa.null()) for term in near) if row.nullable else base.reached
    return Place(t.shared, base.scope, target, join, held, reached)


def _guarded(t: Translator, row: Step, base: Place, alias: str) -> Condition:
    """Surely true of the row being joined as `alias`."""
    guard = row.guard
    assert guard is not None  # noqa: S101
    if _steps_from_root(guard):
        # The guard's own joins have to come before: they start from an unguarded join of the same row.
        approach = t.place(Step(row.base, row.relation, row.resource, nullable=True))
        return t.about(approach).true(guard)
    return t.about(Place(t.shared, base.scope, t.model[row.resource], lambda: alias)).true(guard)


def _steps_from_root(guard: Expression) -> bool:
    def starts_at_root(node: Node) -> bool:
        while isinstance(node, Step):
            node = node.base
        return isinstance(node, Root)

    return any(isinstance(node, Step) and starts_at_root(node) for node in walk(guard))


def _keyed(t: Translator, row: Keyed) -> Place:
    target, scope = t.model[row.resource], t.shared.outer
    if target.store != t.root.resource.store:
        raise Unsupported("KP304", f"{row.resource} is in another store than {t.root.resource.name}")
    keys = t.param_key(row.key, row.resource)

    def join() -> str:
        alias = t.shared.alias(row.key.name)
        columns = [t.dialect.column(alias, column) for column in t.shared.key_columns(target.name)]
        _join(t, scope, target, alias, [_same(a, b) for a, b in zip(columns, keys, strict=True)])
        return alias

    return Place(t.shared, scope, target, join, reached=None)


def _near(t: Translator, base: Place, relation: str) -> tuple[Column, ...]:
    return relation_columns(t.model, base.resource.relations[relation])


def _join(
    t: Translator, scope: Scope, target: ResourceModel, alias: str, on: list[Condition], *, there: bool = False
) -> None:
    """Join a table. `there`: its row surely is, so that the database may begin with either side."""
    scope.source = scope.source.join(sa.table(target.table).alias(alias), sa.and_(*on), isouter=not there)


def elsewhere(relation: RelationModel) -> Unsupported:
    """The refusal of a relation that no join can follow."""
    return Unsupported("KP304", f"{relation.name} leads to {relation.target}, which is in another store")


# --------------------------------------------------------------------------------------------------------- to-many rows


def many(t: Translator, node: Many) -> tuple[Scope, list[Condition], tuple[Condition, ...]]:
    """A new scope over the rows at the end of a to-many relation, each of them placed as `Item(var)`.

    Answers the scope, the conditions that make them these rows, and where the row they start from is known.
    """
    base = t.place(node.base)
    relation = base.resource.relations[node.relation]
    target = t.model[relation.target]
    if target.store != base.resource.store:
        raise elsewhere(relation)
    # The actor's key is a parameter: a child of it is found without a join, whether or not its row is still there.
    owner = t.param_key(node.base.key, node.base.resource) if isinstance(node.base, Keyed) else base.key
    if relation.kind == "linked":
        scope, links, item = _linked(t, relation, target, owner, node.link)
    else:
        alias = t.shared.alias(relation.name)
        scope = Scope(sa.table(target.table).alias(alias))
        item = Place(t.shared, scope, target, lambda: alias)
        links = _held(t, item, relation.inverse or "", owner)
    t.items[node.var] = item
    if node.guard is not None:
        links.append(t.about(item).true(node.guard))
    return scope, links, base.reached


def _linked(
    t: Translator, relation: RelationModel, target: ResourceModel, owner: tuple[Term, ...], guard: Expression | None
) -> tuple[Scope, list[Condition], Place]:
    link, link_alias = t.model[relation.link], t.shared.alias(relation.name + "_link")
    if link.store != target.store:
        raise elsewhere(relation)
    scope = Scope(sa.table(link.table).alias(link_alias))
    near = Place(t.shared, scope, link, lambda: link_alias)
    keys = t.shared.key_columns(target.name)
    far = link.relations[relation.far]
    held = [near.column(column) for column in relation_columns(t.model, far)]

    def join() -> str:
        alias = t.shared.alias(relation.name)
        on = [_same(t.dialect.column(alias, column), term) for column, term in zip(keys, held, strict=True)]
        scope.source = scope.source.join(sa.table(target.table).alias(alias), sa.and_(*on))
        return alias

    known = {column.name: term for column, term in zip(keys, held, strict=True)} if far.constrained else {}
    item = Place(t.shared, scope, target, join, known)
    if not far.constrained:
        _ = item.alias  # a link that leads nowhere is no row
    links = _held(t, near, relation.near, owner)
    if guard is not None:
        links.append(t.about(near).true(guard))
    return scope, links, item


def _held(t: Translator, child: Place, relation: str, owner: tuple[Term, ...]) -> list[Condition]:
    """The child's to-one relation holds the key of the owner."""
    return [_same(child.column(column), term) for column, term in zip(_near(t, child, relation), owner, strict=True)]


def _same(a: Term, b: Term) -> Condition:
    """Of two parts of keys, neither of them None."""
    left, right = alike(a, b)
    same: Condition = left == right
    return same
