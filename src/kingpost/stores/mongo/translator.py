"""Translates expressions; rows become places in the documents of a pipeline, by the stages that bring them there."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from kingpost.language.tree import Expression, Identity, Item, Keyed, Param, Root, Row, Step
from kingpost.model.columns import Column, relation_columns
from kingpost.stores.mongo import conditions, queries, values
from kingpost.stores.mongo.bind import literal
from kingpost.stores.mongo.scope import Place, Scope, Shared, joined, key_bounds
from kingpost.stores.mongo.value import Condition, Term, Value, choice


class Translator:
    """Translates expressions about one row, which is at `root`."""

    def __init__(
        self, scope: Scope, root: Place, items: dict[int, Place] | None = None, given: Mapping[Any, Value] | None = None
    ) -> None:
        self.scope, self.root = scope, root
        self.items: dict[int, Place] = {} if items is None else items
        self.given: Mapping[Any, Value] = {} if given is None else given

    @property
    def shared(self) -> Shared:
        return self.scope.shared

    def at(self, place: Place) -> Translator:
        """For expressions about another row, in its scope."""
        return Translator(place.scope, place, self.items)

    def inside(self, scope: Scope) -> Translator:
        """The same in a scope within this one."""
        return Translator(scope, self.root, self.items)

    # Conditions and values

    def rail(self, node: Expression, wanted: bool) -> Condition:
        """Where a condition is surely true if `wanted`, else surely false."""
        return conditions.rail(self, node, wanted)

    def true(self, node: Expression) -> Condition:
        return conditions.rail(self, node, True)

    def false(self, node: Expression) -> Condition:
        return conditions.rail(self, node, False)

    def value(self, node: Expression) -> Value:
        """Translate a value."""
        if self.given and node in self.given:
            return self.given[node]
        return values.value(self, node)

    def match(self, node: Expression, wanted: bool = True) -> None:
        """Keep the documents for which a condition is surely true; in words that an index knows, where there are."""
        found = queries.query(self, node, wanted)
        if found is None:
            condition = self.rail(node, wanted)
            if condition is True:
                return
            found = {"$expr": condition}
        if found:
            self.scope.stages.append({"$match": found})

    # Rows

    def place(self, row: Row) -> Place:
        """Where a row is; brings it there if it is not yet."""
        match row:
            case Root():
                return self.root
            case Item(var=var):
                return self.items[var]
            case Step():
                return self._step(row)
            case Keyed():
                return self._keyed(row)

    def term(self, place: Place, column: Column) -> Term:
        """A column of a row; null where it holds nothing."""
        path = f"${place.path(column)}"
        sure = place.reached is True and not column.type.nullable
        return self.scope.reach(place.scope, path if sure else {"$ifNull": [path, None]})

    def reached(self, place: Place) -> tuple[Condition, ...]:
        """Whether a row is there."""
        return () if place.reached is True else (self.scope.reach(place.scope, place.reached),)

    def column(self, place: Place, column: Column) -> Value:
        """A column of a row as a value."""
        known = self.reached(place)
        return Value((self.term(place, column),), column.type, known, bool(known) or column.type.nullable)

    def identity(self, node: Identity) -> Value:
        """A row as its key; that of a row at the end of a relation is held by the row before."""
        row = node.row
        if isinstance(row, Keyed):
            return self.key(row.key)
        if isinstance(row, Step):
            place = self.place(row.base)
            held = relation_columns(place.layout.model, place.layout.resource.relations[row.relation])
        else:
            place = self.place(row)
            held = place.layout.key
        known = self.reached(place)
        null = bool(known) or any(column.type.nullable for column in held)
        return Value(tuple(self.term(place, column) for column in held), node.type, known, null)

    def key(self, param: Param) -> Value:
        """A key that is a parameter."""
        bounds = key_bounds(self.shared.key(param.type.name), param)
        return Value(tuple(map(literal, bounds)), param.type, (), param.type.nullable)

    def _step(self, row: Step) -> Place:
        before = self.place(row.base)
        home, name_of = before.scope, (id(before), row.relation, row.guard)
        if name_of in home.places:
            return home.places[name_of]
        relation = before.layout.resource.relations[row.relation]
        target = self.shared.layout(relation.target, before.layout.resource.name)
        name = home.fresh("j")
        held = [before.path(column) for column in relation_columns(before.layout.model, relation)]
        home.stages.append({"$lookup": {**joined(held, target.key, target), "as": name}})
        home.stages.append({"$set": {name: {"$first": f"${name}"}}})
        place = home.places[name_of] = Place(home, target, f"{name}.", {"$gt": [f"${name}._id", None]}, before)
        if row.guard is not None:
            passes = self.at(place).true(row.guard)
            home.stages.append({"$set": {name: choice(passes, f"${name}", "$$REMOVE")}})
        return place

    def _keyed(self, row: Keyed) -> Place:
        if row in self.scope.places:
            return self.scope.places[row]
        target = self.shared.layout(row.resource, self.root.layout.resource.name)
        name = self.scope.fresh("j")
        wanted = {
            target.paths[column.name]: bound for column, bound in zip(target.key, key_bounds(target.key, row.key))
        }
        lookup = {"from": target.collection, "pipeline": [{"$match": wanted}], "as": name}
        self.scope.stages += [{"$lookup": lookup}, {"$set": {name: {"$first": f"${name}"}}}]
        place = self.scope.places[row] = Place(self.scope, target, f"{name}.", {"$gt": [f"${name}._id", None]})
        return place
