"""APIs for tests: the conformance model behind HTTP, and a resource of one's own."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any
from urllib.parse import unquote

from kingpost.language.types import INT, TEXT, Type
from kingpost.model.api import Api as Source
from kingpost.model.api import Cursor, Link, Offset, Page, Paging
from kingpost.model.columns import columns, key_columns
from kingpost.model.model import Model, ResourceModel
from kingpost.plan.select import Check, Clear, Delete, Insert, Operation
from kingpost.stores.contract import OutOfRange, Rows, StoreDown
from kingpost.stores.http.store import HttpStore
from tests.services.api import Asked, Told, told
from tests.stores.files.harness import adopted, one_table, plain

NOTE = one_table(text=TEXT, number=INT.maybe())


def sourced(model: Model, source: Source) -> Model:
    """A model of one table with its source."""
    return replace(model, resources={"Row": replace(model["Row"], source=source)})


def row_model(source: Source, **types: Type) -> Model:
    """A model of one resource, Row, in an API."""
    return sourced(one_table(**types) if types else NOTE, source)


def in_api(model: Model, page: Paging | None) -> Model:
    """The same resources behind HTTP, the first key of each also in a path of its own."""
    known = adopted(model)
    return replace(known, resources={name: _in_api(known, one, page) for name, one in known.resources.items()})


def _in_api(model: Model, resource: ResourceModel, page: Paging | None) -> ResourceModel:
    keys = "".join(f"/{{{column.name}}}" for column in key_columns(model, resource))
    title = {"title": "named"} if "title" in resource.fields else {}
    source = Source(
        list=f"/{resource.table}", one=f"/{resource.table}{keys}", rows="data.items", row="data", page=page, where=title
    )
    return replace(resource, source=source)


class Tables:
    """What the server has, and how it answers."""

    def __init__(self, model: Model, page: Paging | None) -> None:
        self.model, self.page = model, page
        self.rows: dict[str, list[dict[str, Any]]] = {one.table: [] for one in model}
        self._shown: dict[str, tuple[list[dict[str, Any]], list[dict[str, Any]]]] = {}

    def shown(self, table: str) -> list[dict[str, Any]]:
        held = self.rows[table]
        known = self._shown.get(table)
        if known is None or known[0] != held:
            known = self._shown[table] = ([dict(row) for row in held], self._plain(table))
        return known[1]

    def _plain(self, table: str) -> list[dict[str, Any]]:
        resource = next(one for one in self.model if one.table == table)
        types = {column.name: column.type for column in columns(self.model, resource)}
        return [{name: plain(row.get(name), type) for name, type in types.items()} for row in self.rows[table]]

    def answer(self, asked: Asked) -> Told:
        _, table, *key = asked.path.split("/")
        rows = self.shown(table)
        if key:
            resource = next(one for one in self.model if one.table == table)
            names = [column.name for column in key_columns(self.model, resource)]
            wanted = [unquote(one) for one in key]
            found = [row for row in rows if [str(row[name]) for name in names] == wanted]
            return told({"data": found[0]}) if found else told({"error": "none"}, 404)
        if "named" in asked.query:
            rows = [row for row in rows if row["title"] == asked.query["named"]]
        return self._page(table, rows, asked)

    def _page(self, table: str, rows: list[dict[str, Any]], asked: Asked) -> Told:
        query: Mapping[str, str] = asked.query
        size = max(2, len(rows) // 50)
        match self.page:
            case Page():
                start = (int(query["page"]) - 1) * size
                return told({"data": {"items": rows[start : start + size]}})
            case Offset():
                start = int(query["offset"])
                return told({"data": {"items": rows[start : start + size]}, "meta": {"total": len(rows)}})
            case Cursor():
                start = int(query.get("after", "c0")[1:])
                more = {"next": f"c{start + size}"} if start + size < len(rows) else {}
                return told({"data": {"items": rows[start : start + size]}, **more})
            case Link():
                start = int(query.get("from", 0))
                named = "".join(f"&{name}={value}" for name, value in query.items() if name != "from")
                more = f'</{table}?from={start + size}{named}>; rel="next"' if start + size < len(rows) else ""
                return told({"data": {"items": rows[start : start + size]}}, Link=f'</{table}>; rel="first", {more}')
            case None:
                return told({"data": {"items": rows}})


class Served(HttpStore):
    """An API that the test changes for what the suite would write to the store: only its reads are under test."""

    tables: Tables

    async def write(self, operations: Sequence[Operation]) -> list[Rows]:
        """Insert, change and delete rows of the server; what does not fit is taken back."""
        before = {name: [dict(row) for row in held] for name, held in self.tables.rows.items()}
        changed: dict[str, None] = {}
        for one in operations:
            assert not isinstance(one, Check | Clear)
            resource = self.tables.model[one.resource]
            held = self.tables.rows[resource.table]
            changed[one.resource] = None
            if isinstance(one, Insert):
                held.extend(dict(zip(one.columns, row, strict=True)) for row in one.rows)
                continue
            (key,) = resource.key
            if isinstance(one, Delete):
                held[:] = [row for row in held if row[key] != one.key[0]]
            else:
                next(row for row in held if row[key] == one.key[0]).update(one.values)
        try:
            for name in changed:
                await self._listed(self._places[name], {}, None)
        except StoreDown as error:
            self.tables.rows = before
            raise OutOfRange(str(error)) from error
        return [[] for _ in operations]
