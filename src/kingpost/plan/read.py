"""From an intent to a read that can run: rules merged in, paths checked, the cost bounded."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from kingpost.base.errors import Asked, Detail, Forbidden, Invalid, Unauthenticated
from kingpost.language.lower import Capture
from kingpost.language.schema import Schema
from kingpost.language.tree import (
    FALSE,
    TRUE,
    Compare,
    Expression,
    Field,
    Identity,
    In,
    Item,
    Keyed,
    Many,
    Param,
    Quantify,
    Root,
    Step,
    Summary,
    all_of,
    identity,
    walk,
)
from kingpost.language.types import FLOAT, INT, Kind, reference
from kingpost.model.names import meant
from kingpost.plan.conditions import Conditions
from kingpost.plan.intent import Read, SortKey, SummaryOf
from kingpost.plan.orders import key_order
from kingpost.plan.plan import CursorPlan, Entry, Fetch, Leaf, ReadPlan, Shape
from kingpost.plan.select import Order, Select
from kingpost.plan.shapes import Columns, ShapePlanner, Tree, keys_of
from kingpost.plan.standing import Standing
from kingpost.plan.supplied import along

MAX_SORT = 8
_NUMERIC = {Kind.INT, Kind.FLOAT, Kind.DECIMAL, Kind.DURATION}
_UNORDERED = {Kind.JSON, Kind.EMBEDDED, Kind.LIST, Kind.REFERENCE, Kind.BOOL, Kind.ENUM}


@dataclass(frozen=True, slots=True)
class Planned:
    """A plan with how the values of its intent are read: by parameter, and by lambda what it captured."""

    plan: ReadPlan
    readers: dict[str, Callable[[Any], Any]]
    captured: dict[str, tuple[Capture, ...]]


class ReadPlanner:
    """Plans one read. `nones`: which sort values of the cursor are None, where the read goes on from one.

    `onward`: whether it is to be seen if more rows follow, and where.
    """

    def __init__(
        self,
        read: Read,
        standing: Standing,
        schema: Schema,
        nones: tuple[bool, ...] | None = None,
        *,
        onward: bool = True,
    ) -> None:
        self.read = read
        self.standing = standing
        self.model = standing.model
        self.conditions = Conditions(standing, schema)
        self.nones = nones
        self.onward = onward
        self.resource = read.resource
        if read.relation is not None:
            self.resource = self.model[read.resource].relations[read.relation].target

    def plan(self) -> Planned:
        """The whole plan; raises `Invalid`, `Forbidden`, `Unauthenticated` or `Rejected`."""
        read = self.read
        self._admit(self.resource)
        if read.summaries or read.group is not None:
            return self._summary()
        columns = Columns(self.model)
        shapes = ShapePlanner(
            self.standing, self.conditions, read.narrowed, whole=read.whole, optional=frozenset(read.optional)
        )  # fmt: skip
        fields = None if read.fields is None else Tree.of(read.fields, "?fields")
        shape, batches = shapes.fetch(self.resource, fields, Tree.of(read.include, "?include"), columns)
        where = self._where()
        found = self.model[self.resource]
        if read.key is not None and read.relation is None:
            version = None
            if found.version is not None:
                version = columns.add(Field(Root(self.resource), found.version, INT))[0]
            if not columns.expressions:
                columns.add(TRUE)
            select = Select(self.resource, tuple(columns.expressions), where)
            fetch = Fetch(found.store, select, shape, batches, self.resource)
            return self._planned(fetch, where, version=version)
        orders = self._orders()
        cursor = self._cursor(orders, columns) if self.onward or self.nones is not None else None
        after: tuple[Param | None, ...] = ()
        if self.nones is not None:
            types = [order.expression.type.maybe(False) for order in orders]
            after = tuple(None if none else Param(f"a{n}", types[n]) for n, none in enumerate(self.nones))
        if not columns.expressions:  # `fields=` with nothing in it: as many empty objects as there are rows
            columns.add(TRUE)
        select = Select(
            self.resource,
            tuple(columns.expressions),
            where,
            orders,
            _limit(read, more=self.onward),
            Param("offset", INT) if read.offset else None,
            after=after,
        )
        count = None
        if read.count:
            count = Select(self.resource, (Summary("count", None, INT),), where, group=())
        fetch = Fetch(found.store, select, shape, batches, self.resource)
        return self._planned(fetch, where, count=count, cursor=cursor)

    def _admit(self, resource: str) -> None:
        """No rule speaks of reading: nobody may."""
        if self.standing.system or self.standing.rights.verb(resource, "read").declared:
            return
        raise refused(self.standing, resource, "read")

    def _where(self) -> Expression | None:
        read, root = self.read, Root(self.resource)
        parts: list[Expression | None] = []
        if read.relation is not None:
            parts.append(self._related(read.relation))
        elif read.key is not None:
            parts.append(Compare("==", identity(root), Param("key", reference(self.resource))))
        if read.shows is not None:
            parts.append(self.standing.member(self.resource, read.shows))
        if read.keys is not None:
            parts.append(In(identity(root), keys_of(self.resource)))
        for index, condition in enumerate(read.conditions):
            parts.append(self.conditions.one(self.resource, condition, f"c{index}"))
        if read.search is not None:
            parts.append(self.conditions.search(self.resource, "q"))
        visible = self.standing.visible(self.resource)
        return all_of(*parts, visible)

    def _related(self, name: str) -> Expression:
        """The rows at the end of a relation of the row `key`, on which the actor may read it: see `shows`."""
        parent, relation = self.read.resource, self.model[self.read.resource].relations[name]
        root, key = Root(self.resource), Param("key", reference(parent))
        if relation.kind == "many":
            back = self.model[self.resource].relations[relation.inverse or ""]
            return Compare("==", identity(Step(root, back.name, parent, back.nullable)), key)
        base = Keyed(parent, key)
        if relation.kind == "one":
            return Compare("==", identity(Step(base, name, self.resource, relation.nullable)), identity(root))
        item = Item(self.standing.rights.fresh(), self.resource)
        many = Many(base, name, self.resource, item.var, link=self.standing.links(parent, name))
        return Quantify("any", many, None, Compare("==", identity(item), identity(root)))

    def _orders(self) -> tuple[Order, ...]:
        orders = self.conditions.orders(self.resource, self._sort(), "s")
        taken = {order.expression for order in orders}
        # In the direction of what goes before, so that one index serves an order and its reverse.
        down = orders[-1].descending if orders else False
        keys = key_order(self.model, self.resource, down)
        return orders + tuple(order for order in keys if order.expression not in taken)

    def _sort(self) -> tuple[SortKey, ...]:
        if len(self.read.sort) > MAX_SORT:
            self._refuse("?sort", f"sort takes at most {MAX_SORT} keys", "KP115")
        return self.read.sort

    @staticmethod
    def _cursor(orders: tuple[Order, ...], columns: Columns) -> CursorPlan:
        places = tuple(columns.add(order.expression)[0] for order in orders)
        return CursorPlan(places, tuple(order.expression.type for order in orders))

    def _summary(self) -> Planned:
        read = self.read
        columns = Columns(self.model)
        entries: list[Entry] = []
        groups: dict[str, Expression] = {}
        members: dict[str, Expression] = {}
        for path in read.group or ():
            value = along(self.standing, Root(self.resource), path, lambda value: value, "?group")
            self.standing.cost.spend(value, "?group")
            if value.type.kind in (Kind.JSON, Kind.EMBEDDED, Kind.LIST):
                self._refuse("?group", f"{'.'.join(path)} can't be grouped by")
            name = ".".join(path)
            groups[name] = value
            entries.append(Leaf(name, columns.add(value)[0], value.type))
        members.update(groups)
        for summary in read.summaries:
            value = members[summary.name] = self._summarised(summary)
            entries.append(Leaf(summary.name, columns.add(value)[0], value.type))
        where = self._where()
        orders = self._group_orders(groups, members)
        limit = _limit(read, more=self.onward) if groups else None
        group = tuple(groups.values())
        select = Select(self.resource, tuple(columns.expressions), where, orders, limit, group=group)
        found = self.model[self.resource]
        return self._planned(Fetch(found.store, select, Shape("", tuple(entries)), (), self.resource), where)

    def _group_orders(self, groups: Mapping[str, Expression], members: Mapping[str, Expression]) -> tuple[Order, ...]:
        """As asked, by members of the answer; then by what is grouped by, so that the order is whole."""
        orders: dict[Expression, Order] = {}
        for key in self._sort():
            name = ".".join(key.path)
            if name not in members:
                message = f"{name} is no member of these groups to sort by: {meant(name, members)}"
                self._refuse("?sort", message, "KP115")
            orders.setdefault(members[name], Order(members[name], key.descending))
        for value in groups.values():
            orders.setdefault(value, Order(value))
        return tuple(orders.values())

    def _summarised(self, summary: SummaryOf) -> Expression:
        kind, path = summary.kind, summary.path
        pointer = f"?{kind}"
        if summary.source is not None:
            value = self.conditions.spoken(self.resource, summary.source, f"{summary.name}.0")
        elif kind == "count" and path in ((), ("*",)):
            return Summary("count", None, INT)
        else:
            value = along(self.standing, Root(self.resource), path, lambda value: value, pointer)
            self.standing.cost.spend(value, pointer)
        if isinstance(value, Identity):
            if kind != "count":
                self._refuse(pointer, f"{'.'.join(path)} is a row, not a number")
            return Summary("count", value, INT)
        kinds = value.type.kind
        if (kind in ("sum", "avg") and kinds not in _NUMERIC) or (kind in ("min", "max") and kinds in _UNORDERED):
            self._refuse(pointer, f"{kind} of {'.'.join(path)} has no meaning")
        type = INT if kind == "count" else FLOAT.maybe() if kind == "avg" else value.type.maybe(kind != "sum")
        return Summary(kind, value, type)

    @staticmethod
    def _refuse(pointer: str, message: str, code: str = "KP116") -> None:
        raise Invalid(code, message, [Detail(pointer, code, message)])

    def _planned(
        self,
        fetch: Fetch,
        where: Expression | None,
        *,
        count: Select | None = None,
        cursor: CursorPlan | None = None,
        version: int | None = None,
    ) -> Planned:
        asked = [*_expressions(fetch), *(() if count is None else count.expressions())]
        consulted = [right.expression for right in self.standing.consulted]
        plan = ReadPlan(
            fetch=fetch,
            captures=self.standing.rights.captures(asked),
            public=not (self.standing.system or any(map(_personal, (*consulted, *asked)))),
            count=count,
            cursor=cursor,
            version=version,
            empty=where == FALSE and fetch.select.group != (),  # a summary of nothing is one row
        )
        return Planned(plan, self.conditions.readers, self.conditions.captured)


def _limit(read: Read, *, more: bool) -> int | Param | None:
    """As many rows as are wanted, and one to see whether there are `more`."""
    if read.limit is None:
        return None
    return read.limit + more if read.written_limit else Param("limit", INT)


def refused(standing: Standing, resource: str, verb: str) -> Forbidden | Unauthenticated:
    """The error for a verb that the rules do not give to this actor."""
    error: Forbidden | Unauthenticated
    if not standing.named:
        error = Unauthenticated("KP401", f"who may {verb} {resource} is for its rules to say, and nobody is logged in")
    else:
        error = Forbidden("KP403", f"the rules of {resource} do not let you {verb} it")
    error.asked = Asked(resource, verb)
    return error


def _expressions(fetch: Fetch) -> Iterator[Expression]:
    yield from fetch.select.expressions()
    for batch in fetch.batches:
        yield from _expressions(batch.fetch)


def _personal(expression: Expression) -> bool:
    """Whether it depends on who asks."""
    return any(isinstance(node, Param) and node.name == "me" for node in walk(expression))
