"""The OpenAPI 3.1 document of a model: every address, parameter, body and answer, exactly as this door treats them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final

import msgspec

from kingpost.doors.rest.answer import JSON as JSON_HEADER
from kingpost.doors.rest.answer import NOSNIFF, Answer, digest
from kingpost.doors.rest.body import MERGE_PATCH
from kingpost.doors.rest.docs import render
from kingpost.doors.rest.formats import CSV, JSON, NDJSON
from kingpost.doors.rest.forms import BULK_FORMS, FORMS, form_schemas
from kingpost.doors.rest.merging import merge
from kingpost.doors.rest.parameters import Parameters, shared
from kingpost.doors.rest.responses import PROBLEM_SCHEMA, RESPONSES
from kingpost.doors.rest.route import COLLECTION, Entry, Routes, key_name
from kingpost.doors.rest.schemas import Json, Schemas, ref, with_words
from kingpost.doors.rest.settings import RestSettings
from kingpost.model.model import ActionModel, Model, RelationModel

__all__ = ["Description", "Document", "merge"]

_READ_ERRORS: Final = (400, 401, 403, 404, 406, 414, 422, 500, 503)
_WRITE_ERRORS: Final = (400, 401, 403, 404, 406, 409, 412, 413, 414, 415, 422, 500, 503)
_ETAG: Final = {"schema": {"type": "string"}, "description": "Names these bytes; of a row its version, `-`, a digest"}
_LINK: Final = {"schema": {"type": "string"}, "description": 'The next page: `<?…>; rel="next"`'}
_LOCATION: Final = {"schema": {"type": "string", "format": "uri-reference"}, "description": "The new row"}
_BARE: Final = {"description": "Done; nothing to show, or `Prefer: return=minimal`"}


class Description:
    """The document and the page made of it; both made when first asked for."""

    def __init__(
        self,
        model: Model,
        routes: Routes,
        settings: RestSettings,
        others: Callable[[], Mapping[str, Any]] | None = None,
    ) -> None:
        self._make = Document(model, routes, settings).make
        self._others = others
        self._routes = routes
        self._known: Json | None = None
        self._bodies: dict[str, bytes] = {}

    def resources(self) -> Json:
        """The document of the resources alone."""
        if self._known is None:
            self._known = self._make()
        return self._known

    def whole(self) -> Json:
        """The document with that of the application's own routes."""
        return self.resources() if self._others is None else merge(self.resources(), self._others())

    def document(self) -> Answer:
        """`/api/openapi.json`"""
        return self._static(JSON_HEADER, lambda: msgspec.json.encode(self.whole()))

    def page(self) -> Answer:
        """`/api/docs`"""
        policy = (b"content-security-policy", b"default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'")
        html = (b"content-type", b"text/html; charset=utf-8")
        answer = self._static(html, lambda: render(self.whole(), f"{self._routes.prefix}/openapi.json").encode())
        answer.headers.append(policy)
        return answer

    def _static(self, kind: tuple[bytes, bytes], make: Callable[[], bytes]) -> Answer:
        name = kind[1].decode()
        body = self._bodies.get(name)
        if body is None:
            body = self._bodies[name] = make()
        tag = b'"%b"' % digest(body)
        return Answer(200, [kind, (b"etag", tag), (b"cache-control", b"public, no-cache"), NOSNIFF], body)


class Document:
    """Derives the document."""

    def __init__(self, model: Model, routes: Routes, settings: RestSettings) -> None:
        self._model = model
        self._routes = routes
        self._settings = settings
        self._forms: dict[tuple[str, str], str] = {}
        self._schemas = Schemas(model)
        self._parameters = Parameters(model, self._schemas)

    def make(self) -> Json:
        """The document."""
        entries = list(self._routes.table.values())
        self._forms, forms = form_schemas(self._model, self._routes)
        schemas: Json = {"Problem": PROBLEM_SCHEMA}
        parameters = shared(self._settings)
        paths: Json = {}
        tags: list[Json] = []
        for entry in entries:
            if entry.resource.opens("read"):
                schemas[entry.resource.name] = self._schemas.row(entry.resource)
                schemas[f"{entry.resource.name}.Page"] = self._schemas.page(entry.resource)
                parameters.update(self._parameters.components(entry.resource))
            found = {path: item for path, item in self._paths(entry) if item.keys() - {"parameters"}}
            if found:
                tags.append(with_words({"name": entry.resource.name}, "", entry.resource.help))
                paths.update(found)
        schemas.update(forms)
        info = {"title": self._settings.title, "version": self._settings.version}
        if self._settings.description:
            info["description"] = self._settings.description
        return {
            "openapi": "3.1.0",
            "info": info,
            "tags": tags,
            "paths": paths,
            "components": {"schemas": schemas, "parameters": parameters, "responses": RESPONSES},
        }

    # Addresses

    def _paths(self, entry: Entry) -> Iterator[tuple[str, Json]]:
        """What some rule lets somebody do. A row that nobody may read is found by nobody who would change it."""
        row, key = f"{entry.path}/{{{key_name(entry)}}}", self._key(entry)
        opens = entry.resource.opens
        many: Json = {}
        one: Json = {"parameters": [key]}
        if opens("read"):
            many["get"], one["get"] = self._list(entry), self._read(entry)
        if opens("create"):
            many["post"] = self._create(entry)
        if opens("read") and opens("update"):
            one["put"], one["patch"] = self._update(entry, "replace"), self._update(entry, "change")
            if self._routes.bulk:
                many["put"], many["patch"] = self._bulk(entry, "replace"), self._bulk(entry, "change")
        if opens("read") and opens("delete"):
            one["delete"] = self._delete(entry)
            if self._routes.bulk:
                many["delete"] = self._bulk_delete(entry)
        yield entry.path, many
        yield row, one
        below: dict[str, Json] = {}
        for relation in entry.relations.values():
            if opens("read") and self._model[relation.target].opens("read"):
                below[f"{row}/{relation.name}"] = {"parameters": [key], "get": self._relation(entry, relation)}
        for action in entry.actions.values():
            on_row = action.on == "row"
            if not opens(action.name) or (on_row and not opens("read")):
                continue
            path = f"{row if on_row else f'{entry.path}/{COLLECTION}'}/{action.name}"
            item = below.setdefault(path, {"parameters": [key]} if on_row else {})
            item["post"] = self._action(entry, action)
        yield from below.items()

    def _key(self, entry: Entry) -> Json:
        words = "The key"
        if self._schemas.composite(entry.resource):
            members = ",".join(column.label for column in entry.keys.columns)
            words = f"The key: {members}, separated by commas, each percent-encoded for itself"
        schema = self._schemas.address(entry.resource)
        return {"name": key_name(entry), "in": "path", "required": True, "schema": schema, "description": words}

    # Operations

    def _list(self, entry: Entry) -> Json:
        return self._operation(
            entry,
            "list",
            f"List {entry.resource.name} rows",
            parameters=[*self._parameters.of_list(entry.resource), ref("parameters", "If-None-Match")],
            responses={"200": self._rows(entry.resource.name), "304": {"description": "Nothing has changed"}},
            errors=_READ_ERRORS,
        )

    def _read(self, entry: Entry) -> Json:
        return self._operation(
            entry,
            "read",
            f"Read one {entry.resource.name}",
            parameters=[*self._parameters.of_row(entry.resource), ref("parameters", "If-None-Match")],
            responses={"200": self._row(entry.resource.name), "304": {"description": "Nothing has changed"}},
            errors=_READ_ERRORS,
        )

    def _relation(self, entry: Entry, relation: RelationModel) -> Json:
        target = self._model[relation.target]
        one = relation.kind == "one"
        parameters = self._parameters.of_row(target) if one else self._parameters.of_list(target)
        answer = self._row(target.name) if one else self._rows(target.name)
        return self._operation(
            entry,
            f"{relation.name}.{'read' if one else 'list'}",
            f"{'Read' if one else 'List'} the {relation.name} of one {entry.resource.name}",
            parameters=[*parameters, ref("parameters", "If-None-Match")],
            responses={"200": answer, "304": {"description": "Nothing has changed"}},
            errors=_READ_ERRORS,
        )

    def _create(self, entry: Entry) -> Json:
        name = entry.resource.name
        body = ref("schemas", self._forms[name, "create"])
        many = self._array(body)
        shown = [self._schemas.key(entry.resource), self._schemas.keys(entry.resource)]
        if entry.resource.opens("read"):
            shown.insert(0, ref("schemas", name))
        made = _content({"anyOf": shown}, "Created: the row, or its key if it is not shown, or the keys of several")
        made["headers"] = {"ETag": _ETAG, "Location": _LOCATION}
        return self._operation(
            entry,
            "create",
            f"Create one {name}, or several, all or nothing",
            parameters=self._write_parameters(entry, conditions=False),
            body={"required": True, "content": {JSON: {"schema": {"anyOf": [body, many]}}}},
            responses={"201": made},
            errors=_WRITE_ERRORS,
        )

    def _update(self, entry: Entry, kind: str) -> Json:
        name = entry.resource.name
        schema = {"schema": ref("schemas", self._forms[name, FORMS[kind]])}
        content = {JSON: schema} if kind == "replace" else {MERGE_PATCH: schema, JSON: schema}
        return self._operation(
            entry,
            kind,
            f"{kind.capitalize()} one {name}",
            parameters=self._write_parameters(entry),
            body={"required": True, "content": content},
            responses={"200": self._shown(name), "204": _BARE},
            errors=self._conditional(_WRITE_ERRORS),
        )

    def _bulk(self, entry: Entry, kind: str) -> Json:
        name = entry.resource.name
        schema = self._named(ref("schemas", self._forms[name, BULK_FORMS[kind]]))
        done = _content(self._schemas.keys(entry.resource), "The keys, in the order given")
        return self._operation(
            entry,
            f"{kind}.many",
            f"{kind.capitalize()} several {name} rows, all or nothing",
            parameters=[ref("parameters", name) for name in ("Prefer", "Idempotency-Key")],
            body={"required": True, "content": {JSON: {"schema": schema}}},
            responses={"200": done, "204": _BARE},
            errors=_WRITE_ERRORS,
        )

    def _bulk_delete(self, entry: Entry) -> Json:
        return self._operation(
            entry,
            "delete.many",
            f"Delete several {entry.resource.name} rows, all or nothing",
            parameters=[ref("parameters", "Idempotency-Key")],
            body={"required": True, "content": {JSON: {"schema": self._named(self._schemas.named(entry.resource))}}},
            responses={"204": {"description": "Deleted"}},
            errors=_WRITE_ERRORS,
        )

    def _array(self, items: Json) -> Json:
        return {"type": "array", "items": items, "maxItems": self._settings.max_bulk}

    def _named(self, items: Json) -> Json:
        """An array of which each element names another row, so that no two can be the same."""
        return {**self._array(items), "uniqueItems": True}

    def _delete(self, entry: Entry) -> Json:
        return self._operation(
            entry,
            "delete",
            f"Delete one {entry.resource.name}",
            parameters=[ref("parameters", name) for name in ("If-Match", "Idempotency-Key")],
            responses={"204": {"description": "Deleted"}},
            errors=self._conditional(_WRITE_ERRORS),
        )

    def _action(self, entry: Entry, action: ActionModel) -> Json:
        schema = ref("schemas", self._forms[entry.resource.name, f"action:{action.name}"])
        required = any(parameter.required for parameter in action.parameters)
        returned = self._model.classes.get(action.returns) if isinstance(action.returns, type) else None
        if returned is not None and not self._model[returned].opens("read"):
            returned = None
        row = action.on == "row"
        operation = self._operation(
            entry,
            f"{action.name}.call",
            action.title or f"{action.name} ({entry.resource.name})",
            parameters=self._write_parameters(entry, conditions=row),
            body={"required": required, "content": {JSON: {"schema": schema}}},
            responses={"200": _content({}, "What the action returned") if returned is None else self._shown(returned)},
            errors=_WRITE_ERRORS,
        )
        operation["responses"]["204"] = _BARE
        return with_words(operation, "", action.help)

    # Parts

    def _operation(
        self,
        entry: Entry,
        name: str,
        summary: str,
        *,
        parameters: list[Json],
        responses: Json,
        errors: tuple[int, ...],
        body: Json | None = None,
    ) -> Json:
        told = {**responses, **{str(status): ref("responses", str(status)) for status in errors}}
        return {
            "operationId": f"{entry.resource.name}.{name}",
            "tags": [entry.resource.name],
            "summary": summary,
            **({"parameters": parameters} if parameters else {}),
            **({"requestBody": body} if body is not None else {}),
            "responses": told,
        }

    def _write_parameters(self, entry: Entry, *, conditions: bool = True) -> list[Json]:
        names = (*(("If-Match",) if conditions else ()), "Prefer", "Idempotency-Key")
        return [*self._parameters.of_row(entry.resource), *(ref("parameters", name) for name in names)]

    def _conditional(self, errors: tuple[int, ...]) -> tuple[int, ...]:
        return (*errors, 428) if self._settings.require_if_match else errors

    def _rows(self, name: str) -> Json:
        summary = {
            "type": "object",
            "properties": {"items": {"type": "array", "items": {"type": "object"}}},
            "required": ["items"],
            "additionalProperties": False,
        }
        page = {"anyOf": [ref("schemas", f"{name}.Page"), summary]}
        answer = _content(page, "A page of rows; with group or a summary one object for each group")
        answer["content"][NDJSON] = {"schema": {"type": "string"}}
        answer["content"][CSV] = {"schema": {"type": "string"}}
        answer["headers"] = {"ETag": _ETAG, "Link": _LINK}
        return answer

    def _row(self, name: str) -> Json:
        answer = self._shown(name)
        answer["content"][NDJSON] = {"schema": {"type": "string"}}
        answer["content"][CSV] = {"schema": {"type": "string"}}
        return answer

    @staticmethod
    def _shown(name: str) -> Json:
        return {**_content(ref("schemas", name), "The row"), "headers": {"ETag": _ETAG}}


def _content(schema: Json, description: str) -> Json:
    return {"description": description, "content": {JSON: {"schema": schema}}}
