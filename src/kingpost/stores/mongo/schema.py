"""How a database differs from the declaration, and the commands for what can be added without loss.

A collection has a validator, made of the declaration: it is what keeps other programs from writing what can't be read
here, and what a later declaration is compared with. Nothing is ever dropped, renamed or converted.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from typing import Any, cast

from bson import json_util
from pymongo.asynchronous.database import AsyncDatabase
from pymongo.errors import OperationFailure

from kingpost.base.errors import Unsupported
from kingpost.language.types import Type
from kingpost.model.columns import Column
from kingpost.stores.contract import SchemaChange
from kingpost.stores.mongo.forms import bson_types
from kingpost.stores.mongo.indexes import Index, unique, wanted
from kingpost.stores.mongo.layout import Layout

Document = dict[str, Any]
EXISTS = 48
"""The code of MongoDB's error where a collection is there already."""


async def compare(database: AsyncDatabase[Document], layouts: Mapping[str, Layout]) -> list[SchemaChange]:
    """All differences: collections to create, then what to add, then what is refused."""
    infos = await (await database.list_collections()).to_list()
    real = {one["name"]: one for one in infos}
    found: list[SchemaChange] = []
    for layout in layouts.values():
        comparison = _Comparison(database, layout, layouts, real.get(layout.collection))
        found += [change async for change in comparison.differences()]
    return sorted(found, key=lambda change: ("create", "add", "refuse").index(change.kind))


async def apply(database: AsyncDatabase[Document], changes: Sequence[SchemaChange]) -> None:
    """Carry out what is not refused; what another process did first is done."""
    for change in changes:
        for statement in change.statements if change.kind != "refuse" else ():
            try:
                await database.command(json_util.loads(statement))
            except OperationFailure as error:
                if error.code != EXISTS:
                    raise


class _Comparison:
    """One declared collection beside the real one."""

    def __init__(
        self,
        database: AsyncDatabase[Document],
        layout: Layout,
        layouts: Mapping[str, Layout],
        real: Mapping[str, Any] | None,
    ) -> None:
        self._layout, self._layouts, self._real = layout, layouts, real
        self._of = database[layout.collection]
        self._waiting: set[str] = set()
        told = cast("Mapping[str, Any]", (real or {}).get("options", {}))
        schema = cast("Mapping[str, Any]", told.get("validator", {})).get("$jsonSchema") or dict[str, Any]()
        self._schema: Document | None = dict(schema) if schema else None

    async def differences(self) -> AsyncIterator[SchemaChange]:
        name = self._layout.collection
        if self._real is None:
            columns = list(self._layout.columns.values())
            made = _said({"create": name, "validator": {"$jsonSchema": self._wanted(columns, None)}})
            indexes = [self._made(index) for index in self._indexes() if isinstance(index, Index)]
            yield SchemaChange("create", f"create collection {name}", (made, *indexes))
            for index in self._indexes():
                if isinstance(index, str):
                    yield self._refused(index, "leave it out, or check it in a rule")
            return
        if self._layout.resource.adopted:  # its form is a matter of others
            return
        async for change in self._columns():
            yield change
        there = [one async for one in await self._of.list_indexes()]
        for index in self._indexes():
            if isinstance(index, str):
                yield self._refused(index, "leave it out, or check it in a rule")
            elif not self._waiting.intersection(index.columns) and not any(_same(index, one) for one in there):
                yield await self._missing(index)

    # ---------------------------------------------------------------------------------------------------------- columns

    async def _columns(self) -> AsyncIterator[SchemaChange]:
        layout, name = self._layout, self._layout.collection
        real, required = _members(self._schema), _required(self._schema)
        known = [column for column in layout.columns.values() if layout.paths[column.name] in real]
        filled: bool | None = None
        for column in layout.columns.values():
            path = layout.paths[column.name]
            if path in real:
                if _shape(real[path]) != _shape(_property(column.type)):
                    now, then = " or ".join(_shape(real[path])[0]), " or ".join(_shape(_property(column.type))[0])
                    words = f"member {path} is declared as {column.type} ({then}), and its validator says {now}"
                    yield self._refused(words, "convert the documents, and set the validator by collMod")
                continue
            if filled is None:
                filled = await self._of.find_one({}, {"_id": 1}) is not None
            if filled and not column.type.nullable and not await self._has(path):
                self._waiting.add(column.name)
                words = f"member {path} is required, and there are documents without it"
                yield self._refused(words, "declare it `| None`, or set it in all documents first")
                continue
            known.append(column)
            modified = {"collMod": name, "validator": {"$jsonSchema": self._wanted(known, self._schema)}}
            yield SchemaChange("add", f"add member {path} to collection {name}", (_said(modified),))
        declared = set(layout.paths.values())
        for path in sorted(required - declared):
            words = f"member {path} is required by the validator and not declared: documents could not be added"
            yield self._refused(words, "declare it, or take it out of the validator by collMod")

    async def _has(self, path: str) -> bool:
        """Whether all documents hold something there."""
        return await self._of.find_one({path: None}, {"_id": 1}) is None

    def _wanted(self, columns: Sequence[Column], real: Mapping[str, Any] | None) -> Document:
        """The schema that a validator holds documents to; what it says already of a member stays as it is."""
        layout, told = self._layout, _members(real)
        properties: Document = dict((real or {}).get("properties", {}))
        required: list[str] = list((real or {}).get("required", ()))
        for column in columns:
            path = layout.paths[column.name]
            if path.startswith("_id.") and layout.nested:
                continue
            properties[path] = told.get(path) or _property(column.type)
            if not column.type.nullable and path not in required:
                required.append(path)
        if layout.nested:
            inner = {column.name: _property(column.type) for column in layout.key}
            properties["_id"] = {"bsonType": "object", "required": list(inner), "properties": inner}
            required = ["_id", *(name for name in required if name != "_id")]
        return {"bsonType": "object", "required": required, "properties": properties}

    # ---------------------------------------------------------------------------------------------------------- indexes

    def _indexes(self) -> list[Index | str]:
        """The indexes, or what is refused of them."""
        found: list[Index | str] = []
        resource = self._layout.resource
        try:
            return list(wanted(self._layout, self._layouts))
        except Unsupported:
            for one in resource.uniques:
                try:
                    found.append(unique(self._layout, one.members, one.where, self._layouts))
                except Unsupported as error:
                    found.append(error.message)
        return found

    async def _missing(self, index: Index) -> SchemaChange:
        name, members = self._layout.collection, " and ".join(index.members)
        if index.unique and await self._twice(index):
            return self._refused(f"{members} is to be unique, and some documents have the same", "change them first")
        what = f"that {members} is unique" if index.unique else f"an index on {members}"
        return SchemaChange("add", f"add {what} to collection {name}", (self._made(index),))

    async def _twice(self, index: Index) -> bool:
        """Whether any documents have the same values."""
        keys = {f"k{place}": f"${path}" for place, (path, _) in enumerate(index.keys)}
        stages: list[Mapping[str, Any]] = [{"$match": index.filter}] if index.filter else []
        stages += [{"$group": {"_id": keys, "n": {"$sum": 1}}}, {"$match": {"n": {"$gt": 1}}}, {"$limit": 1}]
        return bool(await (await self._of.aggregate(stages)).to_list())

    def _made(self, index: Index) -> str:
        return _said({"createIndexes": self._layout.collection, "indexes": [index.said()]})

    def _refused(self, why: str, remedy: str) -> SchemaChange:
        return SchemaChange("refuse", f"collection {self._layout.collection}: {why}; {remedy}")


def _said(command: Document) -> str:
    return json_util.dumps(command, json_options=json_util.CANONICAL_JSON_OPTIONS, ensure_ascii=False)


def _property(type: Type) -> Document:
    """What a validator says of a member. Its title tells apart what BSON does not: an instant, a duration, a number."""
    kinds = bson_types(type)
    return {"bsonType": [*kinds, "null"] if type.nullable else kinds, "title": type.kind.value}


def _shape(property: Mapping[str, Any]) -> tuple[list[str], str]:
    told = property.get("bsonType", [])
    return sorted([told] if isinstance(told, str) else told), property.get("title", "")


def _members(schema: Mapping[str, Any] | None) -> Mapping[str, Mapping[str, Any]]:
    """What a schema says of each path."""
    found = dict(cast("Mapping[str, Any]", (schema or {}).get("properties", {})))
    inner = found.get("_id", {}).get("properties", {})
    return {**found, **{f"_id.{name}": one for name, one in inner.items()}}


def _required(schema: Mapping[str, Any] | None) -> set[str]:
    return {name for name in (schema or {}).get("required", ()) if name != "_id"}


def _same(index: Index, real: Mapping[str, Any]) -> bool:
    """Whether it is there, under whatever name."""
    keys = tuple((name, way) for name, way in real["key"].items())
    if keys != index.keys or bool(real.get("unique")) < index.unique:
        return False
    theirs = real.get("partialFilterExpression")
    if index.unique:
        return _plain(theirs or {}) == _plain(index.filter)
    return not theirs


def _plain(filter: Any) -> str:
    return json_util.dumps(filter, sort_keys=True, json_options=json_util.CANONICAL_JSON_OPTIONS)
