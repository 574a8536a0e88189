"""The operations of a batch on documents, one after another in one session.

MongoDB knows no references: whether they lead somewhere is looked up in the same transaction, and what goes with a
document that is removed is removed here.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, cast

from pymongo import ReturnDocument
from pymongo.asynchronous.client_session import AsyncClientSession
from pymongo.asynchronous.collection import AsyncCollection
from pymongo.asynchronous.database import AsyncDatabase

from kingpost.language.types import Kind
from kingpost.model.columns import Column
from kingpost.model.model import RelationModel
from kingpost.plan.made import settled, waits
from kingpost.plan.select import Check, Clear, Delete, Insert, Made, Operation, Select, Update
from kingpost.stores.contract import CheckFailed, ReferenceViolation, Rows, StaleRow, StoreError
from kingpost.stores.mongo import locks
from kingpost.stores.mongo.errors import FAILURES, Again, explain, is_conflict
from kingpost.stores.mongo.layout import Layout
from kingpost.stores.mongo.select import Prepared
from kingpost.stores.mongo.versions import version_of

Document = dict[str, Any]
COUNTERS = "kingpost_counters"
"""The collection of the highest numbers made, by collection and column."""


@dataclass
class Writer:
    """Carries out operations. `session`: of the transaction that they are in; None: each is one by itself."""

    database: AsyncDatabase[Document]
    layouts: Mapping[str, Layout]
    prepare: Callable[[Select], Prepared]
    session: AsyncClientSession | None = None
    _referrers: dict[str, list[tuple[Layout, RelationModel]]] = field(init=False)

    def __post_init__(self) -> None:
        self._referrers = {}
        for layout in self.layouts.values():
            for relation in layout.resource.relations.values():
                if is_held(relation, self.layouts):
                    self._referrers.setdefault(relation.target, []).append((layout, relation))

    async def run(self, operations: Sequence[Operation]) -> tuple[list[Rows], list[Operation]]:
        """The answers, and the operations with what was made in them. Raises `StoreError` and `Again`."""
        made: dict[Made, object] = {}
        answers: list[Rows] = []
        done: list[Operation] = []
        for index, operation in enumerate(operations):
            one = settled(operation, made) if made and waits(operation) else operation
            layout = self.layouts[one.select.resource if isinstance(one, Check) else one.resource]
            try:
                answers.append(await self._carry_out(one, layout, made))
            except FAILURES as error:
                if is_conflict(error):
                    raise Again from error
                raise explain(error, layout, index, wrote=self.session is None) from error
            except StoreError as error:
                error.operation = index
                raise
            if isinstance(one, Insert) and one.makes:
                one = settled(one, made)
            done.append(one)
        return answers, done

    async def _carry_out(self, operation: Operation, layout: Layout, made: dict[Made, object]) -> Rows:
        match operation:
            case Insert():
                return await self._insert(operation, layout, made)
            case Update():
                return await self._update(operation, layout)
            case Delete():
                await self._delete(operation, layout)
            case Clear():
                await self._clear(operation, layout)
            case Check():
                return await self._check(operation)
        return []

    def _of(self, layout: Layout) -> AsyncCollection[Document]:
        return self.database[layout.collection]

    # ----------------------------------------------------------------------------------------------------- operations

    async def _insert(self, insert: Insert, layout: Layout, made: dict[Made, object]) -> Rows:
        if not insert.rows:
            return []
        rows = [dict(zip(insert.columns, row, strict=True)) for row in insert.rows]
        for name in (layout.resource.fields[one].column for one in sorted(layout.resource.made)):
            open_ = [row for row in rows if name not in row]
            numbers = await self._numbers(layout, layout.columns[name], len(open_)) if open_ else []
            for row, number in zip(open_, numbers):
                row[name] = number
        made.update((one, rows[0][name]) for name, one in insert.makes.items())
        documents = [self._document(layout, row) for row in rows]
        await self._of(layout).insert_many(documents, session=self.session)
        await self._check_references(layout, documents, None)
        returning = (*insert.returning, *insert.makes)
        return [returned(layout, document, returning) for document in documents] if returning else []

    async def _update(self, update: Update, layout: Layout) -> Rows:
        values = {name: value for name, value in update.values.items() if not self._same_key(update, layout, name)}
        changes = {layout.paths[name]: self._kept(layout, name, value) for name, value in values.items()}
        query = await self._query(update, layout)
        said: Document = {"$set": changes} if changes else {}
        if layout.version is not None and layout.version not in values:
            said["$inc"] = {layout.paths[layout.version]: 1}
        if said:
            found = await self._of(layout).find_one_and_update(
                query, said, return_document=ReturnDocument.AFTER, session=self.session
            )
        else:
            found = await self._of(layout).find_one(query, session=self.session)
        if found is None:
            raise stale(layout)
        await self._check_references(layout, [found], frozenset(values))
        return [returned(layout, found, update.returning)] if update.returning else []

    async def _delete(self, delete: Delete, layout: Layout) -> None:
        query = await self._query(delete, layout)
        if not self._referrers.get(layout.resource.name):
            if (await self._of(layout).delete_one(query, session=self.session)).deleted_count != 1:
                raise stale(layout)
            return
        found = await self._of(layout).find_one(query, session=self.session)
        if found is None:
            raise stale(layout)
        await self._remove(layout, found)

    async def _clear(self, clear: Clear, layout: Layout) -> None:
        relation = layout.resource.relations[clear.relation]
        key = [self._key_part(layout, relation, place, value) for place, value in enumerate(clear.key)]
        query = dict(zip(layout.held(relation), key, strict=True))
        if not self._referrers.get(layout.resource.name):
            await self._of(layout).delete_many(query, session=self.session)
            return
        async for document in self._of(layout).find(query, session=self.session):
            await self._remove(layout, document)

    async def _check(self, check: Check) -> Rows:
        prepared = self.prepare(check.select)
        found: Rows = []
        if not prepared.nothing(check.params):
            of = self.database[prepared.collection]
            cursor = await of.aggregate(prepared.pipeline(check.params), session=self.session)
            found = prepared.rows(await cursor.to_list())
        if len(found) != check.rows:
            words = f"A check on {check.select.resource} found {len(found)} rows, not {check.rows}"
            raise CheckFailed(f"{words}: {check.reason}" if check.reason else words, check.reason)
        return found if check.answers else []

    # -------------------------------------------------------------------------------------------------------- the parts

    def _document(self, layout: Layout, row: Mapping[str, object]) -> Document:
        unknown = set(row) - set(layout.columns)
        if unknown:
            raise StoreError(f"{layout.resource.name} has no column {', '.join(sorted(unknown))}")
        document: Document = {}
        for name in layout.columns:
            value = row.get(name, 1 if name == layout.version else None)
            kept = self._kept(layout, name, value)
            path = layout.paths[name]
            if path.startswith("_id.") and layout.nested:
                continue
            document[path] = kept
        if layout.nested:
            document = {"_id": {c.name: self._kept(layout, c.name, row.get(c.name)) for c in layout.key}, **document}
        elif "_id" in document:
            document = {"_id": document.pop("_id"), **document}
        return document

    def _kept(self, layout: Layout, name: str, value: object) -> Any:
        column = layout.columns.get(name)
        if column is None:
            raise StoreError(f"{layout.resource.name} has no column {name}")
        if value is None and not column.type.nullable:
            raise StoreError(f"{layout.resource.name}.{column.member} may not be None in the store")
        return layout.into[name](value)

    def _same_key(self, update: Update, layout: Layout, name: str) -> bool:
        """Whether a value is that of the key, which no document can change."""
        keys = [column.name for column in layout.key]
        if name not in keys or not layout.paths[name].startswith("_id"):
            return False
        if update.key[keys.index(name)] != update.values[name]:
            raise StoreError(f"The key of a {layout.resource.name} can't be changed in MongoDB: make another row")
        return True

    async def _query(self, operation: Update | Delete, layout: Layout) -> Document:
        """What finds the one document, if it still has the version."""
        query = layout.known(operation.key)
        if operation.version is None:
            return query
        if layout.version is not None:
            return {**query, layout.paths[layout.version]: operation.version}
        if layout.hashed is None:
            raise ValueError(f"{layout.resource.name} keeps no row version; leave `version` out")
        found = await self._of(layout).find_one(query, session=self.session)
        if found is None or version_of(layout, found) != operation.version:
            raise stale(layout)
        # What was hashed must still be there when it is written, also where no transaction holds it.
        return {
            **query,
            **{path: layout.value(found, name) for name, path in layout.paths.items() if path not in query},
        }

    async def _numbers(self, layout: Layout, column: Column, many: int) -> list[int]:
        """Whole numbers that no document has had in this column; outside of the transaction, so that all get others."""
        if column.type.kind is not Kind.INT:
            raise StoreError(f"MongoDB makes no {column.type} for {layout.resource.name}.{column.member}")
        counters, name = self.database[COUNTERS], f"{layout.collection}.{column.name}"
        found = await counters.find_one_and_update({"_id": name}, {"$inc": {"last": many}}, return_document=True)
        if found is None:
            path = layout.paths[column.name]
            highest = await self._of(layout).find_one({}, {path: 1}, sort=[(path, -1)])
            start = layout.value(highest, column.name) if highest else 0
            await counters.update_one({"_id": name}, {"$max": {"last": start}}, upsert=True)
            found = await counters.find_one_and_update({"_id": name}, {"$inc": {"last": many}}, return_document=True)
        last = int(cast(Document, found)["last"])
        return list(range(last - many + 1, last + 1))

    # ------------------------------------------------------------------------------------------------------- references

    async def _check_references(
        self, layout: Layout, documents: Sequence[Document], changed: frozenset[str] | None
    ) -> None:
        """Whether the references that documents hold lead somewhere. `changed`: by these columns only."""
        for relation in layout.resource.relations.values():
            if not is_held(relation, self.layouts):
                continue
            if changed is not None and changed.isdisjoint(relation.columns):
                continue
            target = self.layouts[relation.target]
            keys = {
                key: None
                for document in documents
                if None not in (key := tuple(layout.value(document, name) for name in relation.columns))
            }
            if keys:
                await locks.share(self.database, target.collection, keys, self.session)
            if keys and await self._found(target, list(keys)) < len(keys):
                words = f"{layout.resource.name}.{relation.name} points at a row that is not there"
                raise ReferenceViolation(words, layout.resource.name, (relation.name,), "missing")

    async def _found(self, target: Layout, keys: list[tuple[Any, ...]]) -> int:
        """How many of these keys there are."""
        of, found = self._of(target), 0
        for start in range(0, len(keys), 1000):
            part = keys[start : start + 1000]
            if target.nested:
                wanted: Document = {"_id": {"$in": [dict(zip((c.name for c in target.key), key)) for key in part]}}
            elif len(target.key) == 1:
                path = target.paths[target.key[0].name]
                wanted = {path: {"$in": [key[0] for key in part]} if len(part) > 1 else part[0][0]}
            else:
                paths = [target.paths[column.name] for column in target.key]
                wanted = {"$or": [dict(zip(paths, key)) for key in part]}
            found += await of.count_documents(wanted, session=self.session)
        return found

    def _key_part(self, layout: Layout, relation: RelationModel, place: int, value: object) -> Any:
        return layout.into[relation.columns[place]](value)

    async def _remove(self, layout: Layout, document: Document) -> None:
        """Remove a document, and what goes with it."""
        key = layout.key_of(document)
        if self._referrers.get(layout.resource.name):
            await locks.take(self.database, layout.collection, key, self.session)
        await self._of(layout).delete_one({"_id": document["_id"]}, session=self.session)
        for holder, relation in self._referrers.get(layout.resource.name, ()):
            query = dict(zip(holder.held(relation), key, strict=True))
            of = self._of(holder)
            match relation.on_delete:
                case "restrict":
                    if await of.find_one(query, {"_id": 1}, session=self.session) is not None:
                        name = holder.resource.name
                        words = f"The row is in use: {name}.{relation.name} points at it"
                        raise ReferenceViolation(words, name, (relation.name,), "in use")
                case "cascade":
                    for found in await of.find(query, session=self.session).to_list():
                        await self._remove(holder, found)
                case "null":
                    nothing = dict.fromkeys(holder.held(relation))
                    await of.update_many(query, {"$set": nothing}, session=self.session)


def is_held(relation: RelationModel, layouts: Mapping[str, Layout]) -> bool:
    """Whether documents of this store hold the key of others, which have to be there."""
    return relation.kind == "one" and relation.constrained and not relation.borrowed and relation.target in layouts


def stale(layout: Layout) -> StaleRow:
    """One document should have been found and was not."""
    return StaleRow(f"The {layout.resource.name} is gone, or has changed since it was read")


def returned(layout: Layout, document: Mapping[str, Any], names: Sequence[str]) -> tuple[Any, ...]:
    """Columns of a document as Python values."""
    found: list[Any] = []
    for name in names:
        if name == layout.hashed:
            found.append(version_of(layout, document))
            continue
        value = layout.value(document, name)
        found.append(None if value is None else layout.out[name](value))
    return tuple(found)
