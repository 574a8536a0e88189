"""What an answer looks like: members, relations filled in, and the columns and batches they need."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field, replace

from kingpost.base.errors import Detail, Rejected
from kingpost.language.tree import (
    FALSE,
    Expression,
    Field,
    In,
    IsNone,
    Many,
    Node,
    Not,
    Param,
    Root,
    Row,
    Step,
    all_of,
    identity,
    rebase,
    walk,
)
from kingpost.language.types import Kind, Type, reference
from kingpost.model.columns import key_columns
from kingpost.model.model import Model, RelationModel, ResourceModel
from kingpost.plan.conditions import Conditions
from kingpost.plan.intent import Narrowed
from kingpost.plan.orders import key_order
from kingpost.plan.plan import Batch, Batched, Entry, Fetch, Leaf, One, Reference, Shape
from kingpost.plan.select import Order, Select
from kingpost.plan.standing import Standing
from kingpost.plan.supplied import masked, unknown, value_of

MAX_DEPTH = 8
MAX_BATCH_ROWS = 10_000


@dataclass
class Tree:
    """Names asked for, and below each relation the names asked of it."""

    below: dict[str, Tree] = field(default_factory=dict["str", "Tree"])

    @classmethod
    def of(cls, paths: Iterable[tuple[str, ...]], pointer: str) -> Tree:
        root = cls()
        for path in paths:
            if len(path) > MAX_DEPTH:
                message = f"{'.'.join(path)} goes deeper than {MAX_DEPTH} relations"
                raise Rejected("KP120", message, [Detail(pointer, "KP120", message)])
            node = root
            for name in path:
                node = node.below.setdefault(name, cls())
        return root


class Columns:
    """The columns of one select, each value once."""

    def __init__(self, model: Model) -> None:
        self._model = model
        self.expressions: list[Expression] = []
        self._known: dict[Expression, tuple[int, ...]] = {}
        self._width = 0

    def add(self, expression: Expression, width: int = 1) -> tuple[int, ...]:
        """Where the value of the expression stands in a row: `width` columns, for keys with several members."""
        value = self._value(expression)
        places = self._known.get(value)
        if places is None:
            places = self._known[value] = tuple(range(self._width, self._width + width))
            self._width += width
            self.expressions.append(expression)
        return places

    def _value(self, expression: Expression) -> Expression:
        """The same for a row's key and the row itself, where the one can't be without the other."""
        if isinstance(expression, Field) and self._model[expression.row.resource].key == (expression.name,):
            row = expression.row
            if isinstance(row, Root) or (isinstance(row, Step) and row.guard is None and self._leads(row)):
                return identity(row)
        return expression

    def _leads(self, step: Step) -> bool:
        """Whether what the relation holds is the key of a row that is there."""
        return self._model[step.base.resource].relations[step.relation].constrained


class ShapePlanner:
    """Plans what the rows of one intent look like. `whole`: with key and version, for objects of the declaration.

    `optional`: the paths of relations that may be left out where another store does not answer.
    """

    def __init__(
        self,
        standing: Standing,
        conditions: Conditions,
        narrowed: Mapping[tuple[str, ...], Narrowed] | None = None,
        *,
        whole: bool = False,
        optional: Collection[tuple[str, ...]] = (),
    ) -> None:
        self.standing = standing
        self.model = standing.model
        self.conditions = conditions
        self.narrowed = narrowed or {}
        self.whole = whole
        self.optional = optional

    def fetch(
        self,
        resource: str,
        fields: Tree | None,
        include: Tree,
        columns: Columns,
        path: tuple[str, ...] = (),
        row: Row | None = None,
    ) -> tuple[Shape, tuple[Batch, ...]]:
        """The shape of the rows of `resource` (at `row` of the select), and the batches that complete them."""
        batches: list[Batch] = []
        shape = self._shape(row or Root(resource), fields, include, columns, path, batches)
        return shape, tuple(batches)

    def _shape(
        self,
        row: Row,
        fields: Tree | None,
        include: Tree,
        columns: Columns,
        path: tuple[str, ...],
        batches: list[Batch],
    ) -> Shape:
        found = self.model[row.resource]
        names = self._default(found, include) if fields is None else list(fields.below)
        names += [name for name in include.below if name not in names]
        entries: list[Entry] = []
        if self.whole:
            names += [name for name in found.key if name not in names]
            if found.version is not None:
                stored = found.fields[found.version]
                entries.append(Leaf(stored.name, columns.add(Field(row, stored.name, stored.type))[0], stored.type))
        for name in names:
            asked = fields is not None and name in fields.below
            below = fields.below[name] if fields is not None and asked else None
            deeper = include.below.get(name)
            right = self.standing.member_of(row, name)
            if right == FALSE or name not in found.names:
                raise unknown(self.standing, row.resource, name, "?fields" if asked else "?include")
            if name in found.relations:
                filled = deeper is not None or (below is not None and bool(below.below))
                relation = found.relations[name]
                if filled or relation.kind != "one":
                    inner = below if below is not None and below.below else None
                    if not self.whole:
                        self.standing.cost.fill()
                    entries.append(
                        self._filled(row, relation, right, inner, deeper or Tree(), columns, (*path, name), batches)
                    )
                else:
                    entries.append(self._reference(row, relation, right, columns))
            else:
                value = value_of(self.standing, row, name)
                if below is not None and below.below:
                    raise unknown(self.standing, row.resource, f"{name}.{next(iter(below.below))}", "?fields")
                if asked and name in found.computed and not self.whole:
                    self.standing.cost.spend(value, "?fields")
                entries.append(Leaf(name, columns.add(value)[0], value.type))
        return Shape(row.resource, tuple(entries))

    def _default(self, found: ResourceModel, include: Tree) -> list[str]:
        """What is answered when nobody says what, as declared: stored values, references, relations that are included,
        and computed fields of the row alone."""
        return [
            name
            for name in found.names
            if name in include.below or (_simple(found, name) and self.standing.member(found.name, name) != FALSE)
        ]

    def _reference(self, row: Row, relation: RelationModel, right: Expression, columns: Columns) -> Reference:
        target = key_columns(self.model, self.model[relation.target])
        step = identity(Step(row, relation.name, relation.target, relation.nullable))
        value = masked(step, right)
        places = columns.add(value, len(target))
        return Reference(
            relation.name,
            relation.target,
            places,
            tuple(column.label for column in target) if len(target) > 1 else (self.model[relation.target].key[0],),
            tuple(column.type for column in target),
        )

    def _filled(
        self,
        row: Row,
        relation: RelationModel,
        right: Expression,
        fields: Tree | None,
        include: Tree,
        columns: Columns,
        path: tuple[str, ...],
        batches: list[Batch],
    ) -> Entry:
        guard = self.standing.target(relation.target)
        if relation.kind == "one":
            reference_ = self._reference(row, relation, right, columns)
            if self.model[relation.target].store == self.model[row.resource].store:
                step = Step(row, relation.name, relation.target, relation.nullable, guard)
                key = self.model[relation.target].key[0]
                present = columns.add(masked(self._first_key(step, key), right))[0]
                shape = self._shape(step, fields, include, columns, path, batches)
                return One(relation.name, present, shape, reference_)
            batch = self._by_key(relation, reference_, fields, include, path)
            batches.append(replace(batch, optional=path in self.optional))
            return Batched(relation.name, len(batches) - 1, reference_.columns, False, reference_)
        owner = key_columns(self.model, self.model[row.resource])
        places = columns.add(masked(identity(row), right), len(owner))
        if relation.kind == "many":
            batch = self._of_many(row.resource, relation, places, fields, include, path)
        else:
            batch = self._of_link(row.resource, relation, places, fields, include, path)
        elsewhere = stores_of(self.model, relation) != {self.model[row.resource].store}
        batches.append(replace(batch, optional=elsewhere and path in self.optional))
        return Batched(relation.name, len(batches) - 1, places, True)

    def _first_key(self, row: Row, name: str) -> Expression:
        found = self.model[row.resource]
        if name in found.fields:
            return Field(row, name, found.fields[name].type)
        relation = found.relations[name]
        return identity(Step(row, name, relation.target, relation.nullable))

    def _by_key(
        self, relation: RelationModel, parent: Reference, fields: Tree | None, include: Tree, path: tuple[str, ...]
    ) -> Batch:
        """Rows of another store by their keys."""
        root = Root(relation.target)
        columns = Columns(self.model)
        own = columns.add(identity(root), len(parent.columns))
        shape, below = self.fetch(relation.target, fields, include, columns, path)
        where = all_of(
            In(identity(root), keys_of(relation.target)),
            self.standing.target(relation.target),
            *self._narrowing(relation.target, path),
        )
        select = Select(relation.target, tuple(columns.expressions), where, limit=MAX_BATCH_ROWS + 1)
        fetch = Fetch(self.model[relation.target].store, select, shape, below, ".".join(path))
        return Batch(fetch, parent.columns, own, many=False)

    def _of_many(
        self,
        resource: str,
        relation: RelationModel,
        parent: tuple[int, ...],
        fields: Tree | None,
        include: Tree,
        path: tuple[str, ...],
    ) -> Batch:
        """The rows whose to-one relation points here."""
        root = Root(relation.target)
        back = self.model[relation.target].relations[relation.inverse or ""]
        owner = identity(Step(root, back.name, resource, back.nullable))
        columns = Columns(self.model)
        own = columns.add(owner, len(parent))
        shape, below = self.fetch(relation.target, fields, include, columns, path)
        where = all_of(
            In(owner, keys_of(resource)), self.standing.target(relation.target), *self._narrowing(relation.target, path)
        )
        order = (*self._order(relation.target, path), *key_order(self.model, relation.target))
        select = Select(relation.target, tuple(columns.expressions), where, order, limit=MAX_BATCH_ROWS + 1)
        fetch = Fetch(self.model[relation.target].store, select, shape, below, ".".join(path))
        return Batch(fetch, parent, own, many=True)

    def _of_link(
        self,
        resource: str,
        relation: RelationModel,
        parent: tuple[int, ...],
        fields: Tree | None,
        include: Tree,
        path: tuple[str, ...],
    ) -> Batch:
        """The rows at the far end of links that point here."""
        link = self.model[relation.link]
        root = Root(relation.link)
        owner = identity(Step(root, relation.near, resource, False))
        guard = self.standing.target(relation.target)
        links = self.standing.links(resource, relation.name)
        far = Step(root, relation.far, relation.target, False, guard)
        columns = Columns(self.model)
        own = columns.add(owner, len(parent))
        places: tuple[Order, ...] = ()
        if relation.position is not None:
            places = (Order(Field(root, relation.position, link.fields[relation.position].type)),)
        if link.store == self.model[relation.target].store:
            shape, below = self.fetch(relation.target, fields, include, columns, path, row=far)
            key = self._first_key(far, self.model[relation.target].key[0])
            columns.add(key)
            narrowing = [rebase(one, far, self.standing.rights.fresh) for one in self._narrowing(relation.target, path)]
            where = all_of(In(owner, keys_of(resource)), Not(IsNone(key)), links, *narrowing)
            inner_order = (*self._order(relation.target, path), *places, *key_order(self.model, relation.target))
            order = tuple(
                one if one in places else Order(rebase(one.expression, far, self.standing.rights.fresh), one.descending)
                for one in inner_order
            )
            select = Select(relation.link, tuple(columns.expressions), where, order, limit=MAX_BATCH_ROWS + 1)
            return Batch(Fetch(link.store, select, shape, below, ".".join(path)), parent, own, many=True)
        target = key_columns(self.model, self.model[relation.target])
        keys = columns.add(identity(Step(root, relation.far, relation.target, False)), len(target))
        reference_ = Reference(
            relation.far, relation.target, keys, tuple(c.label for c in target), tuple(c.type for c in target)
        )
        inner = self._by_key(relation, reference_, fields, include, path)
        entry = Batched(relation.far, 0, keys, False, None)
        where = all_of(In(owner, keys_of(resource)), links)
        order = (*places, *key_order(self.model, relation.link))
        select = Select(relation.link, tuple(columns.expressions), where, order, limit=MAX_BATCH_ROWS + 1)
        fetch = Fetch(link.store, select, Shape(relation.link, (entry,)), (inner,), ".".join(path))
        return Batch(fetch, parent, own, many=True, unwrap=relation.far)

    def _narrowing(self, resource: str, path: tuple[str, ...]) -> list[Expression]:
        narrowed = self.narrowed.get(path)
        if narrowed is None:
            return []
        prefix = f"n.{'.'.join(path)}."
        found: list[Expression] = []
        for index, condition in enumerate(narrowed.conditions):
            found.append(self.conditions.one(resource, condition, f"{prefix}{index}"))
        return found

    def _order(self, resource: str, path: tuple[str, ...]) -> tuple[Order, ...]:
        narrowed = self.narrowed.get(path)
        if narrowed is None:
            return ()
        return self.conditions.orders(resource, narrowed.sort, f"n.{'.'.join(path)}.s.")


def stores_of(model: Model, relation: RelationModel) -> set[str]:
    """The stores that the rows at the end of a relation, and its links, are in."""
    return {model[name].store for name in (relation.target, relation.link) if name}


def keys_of(resource: str) -> Param:
    """The list parameter that a batch binds its keys to."""
    return Param("keys", Type(Kind.LIST, element=reference(resource)))


def _simple(found: ResourceModel, name: str) -> bool:
    """Whether the row itself holds it, or is all that is needed to compute it."""
    if name in found.relations:
        return found.relations[name].kind == "one"
    computed = found.computed.get(name)
    if computed is not None and not computed.stored:
        return not _crosses(computed.expression)
    return found.fields[name].access.readable


def _crosses(expression: Expression) -> bool:
    """Whether it looks at other rows."""
    return any(_other_row(node) for node in walk(expression))


def _other_row(node: Node) -> bool:
    return isinstance(node, Many) or (isinstance(node, Field) and isinstance(node.row, Step))
