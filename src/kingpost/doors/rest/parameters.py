"""Parameters of the OpenAPI document: filters by field, and the control words of lists and rows."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any, Final

from kingpost.doors.rest.query import LIST_WORDS, SUMMARIES
from kingpost.doors.rest.schemas import Json, Schemas, members, ref
from kingpost.doors.rest.settings import RestSettings
from kingpost.language.types import BOOL, Kind, Type
from kingpost.model.model import Constraints, Model, RelationModel, ResourceModel
from kingpost.model.scalars_schema import decimal_text, incoming
from kingpost.plan.read import MAX_SORT
from kingpost.plan.shapes import stores_of

_UNORDERED: Final = {Kind.JSON, Kind.EMBEDDED, Kind.LIST, Kind.REFERENCE, Kind.BOOL, Kind.ENUM, Kind.NONE}
_NUMBERS: Final = {Kind.INT, Kind.FLOAT, Kind.DECIMAL, Kind.DURATION}
_WHOLE: Final = {Kind.JSON, Kind.EMBEDDED, Kind.LIST}
_WORDS: Final = {
    "eq": "equal to",
    "ne": "not equal to",
    "lt": "less than",
    "le": "at most",
    "gt": "greater than",
    "ge": "at least",
    "in": "one of these, separated by commas",
    "contains": "text that holds this",
    "startswith": "text that starts with this",
    "endswith": "text that ends with this",
    "none": "true: no value; false: any value",
}
_DEEPER: Final = r"^-?(count|[^.,]+(\.[^.,]+)+)$"
_TAGS: Final = {
    "type": "string",
    "format": "entity-tags",
    "pattern": r'^(\*|(W/)?"[!#-~]*"(, *(W/)?"[!#-~]*")*)$',
    "examples": ['"3-1f2e"'],
}
_REPEAT: Final = {
    "type": "string",
    "format": "idempotency-key",
    "pattern": r'^("([ !#-\[\]-~]|\\["\\]){1,255}"|[!#-~]{1,255})$',
    "examples": ['"8e03978e-40d5"'],
}


def query_parameter(name: str, schema: Json, description: str, *, listed: bool = False) -> Json:
    """A parameter of the query; `listed`: values separated by commas."""
    form = {"style": "form", "explode": False} if listed else {}
    return {"name": name, "in": "query", "schema": schema, "description": description, **form}


def header_parameter(name: str, schema: Json, description: str) -> Json:
    """A request header."""
    return {"name": name, "in": "header", "schema": schema, "description": description}


def shared(settings: RestSettings) -> Json:
    """Parameters that all resources have, by the name of their component."""
    rows = {"type": "integer", "minimum": 1, "maximum": settings.max_page_size}
    skipped = {"type": "integer", "minimum": 0, "maximum": settings.max_offset, "default": 0}
    condition = {"type": "string", "maxLength": 10_000, "format": "expression"}
    return {
        "where": query_parameter("where", condition, "A condition in the language, like `hours > 3 and name != 'x'`"),
        "limit": query_parameter("limit", {**rows, "default": settings.page_size}, "Rows of a page"),
        "after": query_parameter("after", {"type": "string", "format": "cursor"}, "`next` of the page before"),
        "offset": query_parameter("offset", skipped, "Rows to skip; a cursor is better"),
        "If-None-Match": header_parameter(
            "If-None-Match", {"type": "string"}, "ETags held already; what is none is passed over"
        ),
        "If-Match": header_parameter("If-Match", _TAGS, "ETag of the row as it was read"),
        "Prefer": header_parameter(
            "Prefer",
            {"type": "string", "examples": ["return=minimal"]},
            "`return=minimal`: no row is answered; other preferences are passed over",
        ),
        "Idempotency-Key": header_parameter(
            "Idempotency-Key", _REPEAT, "The same key with the same body is done once within 24 hours"
        ),
    }


class Parameters:
    """Parameters of the resources of one model."""

    def __init__(self, model: Model, schemas: Schemas) -> None:
        self._model = model
        self._schemas = schemas

    def components(self, resource: ResourceModel) -> Json:
        """All that are about a resource, by the name of their component; nothing where nobody may read it."""
        if not resource.opens("read"):
            return {}
        found = {component(resource, each["name"]): each for each in self._filters(resource)}
        for each in self._words(resource):
            found[component(resource, each["name"])] = each
        return found

    def of_list(self, resource: ResourceModel) -> list[Json]:
        """References to all that a list takes."""
        own = [ref("parameters", name) for name in self.components(resource)]
        return [*own, *(ref("parameters", name) for name in ("where", "limit", "after", "offset"))]

    def of_row(self, resource: ResourceModel) -> list[Json]:
        """References to all that a row takes."""
        names = [component(resource, word) for word in ("include", "fields")]
        return [ref("parameters", name) for name in names if name in self.components(resource)]

    def _filters(self, resource: ResourceModel) -> Iterator[Json]:
        for name, type in self.filterable(resource):
            schema = self._compared(type)
            for operator in operators(type):
                word = name if operator == "eq" else f"{name}[{operator}]"
                what = f"Rows whose {name} is {_WORDS[operator]}"
                if operator == "in" and type.kind is Kind.REFERENCE and self._schemas.composite(self._model[type.name]):
                    continue  # a comma is between the members of such a key
                if operator == "in":
                    yield query_parameter(word, {"type": "array", "items": schema, "minItems": 1}, what, listed=True)
                elif operator == "none":
                    yield query_parameter(word, self._schemas.of_type(BOOL), f"{name} has {_WORDS[operator]}")
                elif operator in ("contains", "startswith", "endswith"):
                    yield query_parameter(word, {"type": "string"}, f"{name} is {_WORDS[operator]}")
                else:
                    yield query_parameter(word, schema, what)

    def _compared(self, type: Type) -> Json:
        """What a value is compared with: in the form of bodies, decimals as text, a row by its key as in an address."""
        if type.kind is Kind.REFERENCE:
            return self._schemas.address(self._model[type.name])
        if type.kind is Kind.DECIMAL:
            return decimal_text(type)
        return incoming(type, Constraints()) or self._schemas.of_type(type.maybe(False))

    def filterable(self, resource: ResourceModel) -> Iterator[tuple[str, Type]]:
        """Names that a filter may begin with, with the type they are compared as."""
        for owner in members(resource):
            if owner.name in LIST_WORDS:  # such a field is reached by where=
                continue
            if isinstance(owner, RelationModel):
                if self._schemas.shows(owner):
                    yield owner.name, Type(Kind.REFERENCE, nullable=owner.nullable, name=owner.target)
            elif owner.type.kind not in _WHOLE:
                yield owner.name, owner.type

    def _words(self, resource: ResourceModel) -> Iterator[Json]:
        if any(field.search for field in resource.fields.values()):
            yield query_parameter("q", {"type": "string"}, "Rows in whose searched fields this text stands")
        relations = list(self._relations(resource))
        if relations:
            told = "Relations to fill in; deeper ones as `relation.relation`"
            if any(stores_of(self._model, one) != {resource.store} for one in self._own_relations(resource)):
                relations += [f"{name}?" for name in relations]
                told += ". `?` behind a name: it may be left out, where its store does not answer"
            yield _names("include", relations, told)
        yield _names("fields", list(self._paths(resource)), "What to answer; deeper ones as `relation.field`")
        sortable = [name for name, type in self._values(resource) if type.kind not in _UNORDERED]
        if sortable:
            both = [sign + name for name in sortable for sign in ("", "-")]
            told = "Order, `-` for descending; also `relation.field`; of groups, members of the answer like `-count`"
            yield _names("sort", both, told, _DEEPER, maxItems=MAX_SORT)
        groups = [name for name, _ in self._values(resource)]
        yield _names(
            "count",
            ["exact", "*", *groups],
            "`exact`: the total in `total`; else a summary: `*` counts rows",
            minItems=1,
        )
        if groups:
            yield _names("group", groups, "A summary by these; also `relation.field`", minItems=1)
        numbers = [name for name, type in self._values(resource) if type.kind in _NUMBERS]
        for kind in SUMMARIES:
            names = numbers if kind in ("sum", "avg") else sortable
            if names:
                yield _names(kind, names, f"A summary: the {kind} of these")

    def _values(self, resource: ResourceModel) -> list[tuple[str, Type]]:
        return [
            (owner.name, owner.type)
            for owner in members(resource)
            if not isinstance(owner, RelationModel) and owner.type.kind not in _WHOLE
        ]

    def _relations(self, resource: ResourceModel) -> Iterator[str]:
        for relation in self._own_relations(resource):
            yield relation.name
            for below in self._own_relations(self._model[relation.target]):
                yield f"{relation.name}.{below.name}"

    def _own_relations(self, resource: ResourceModel) -> list[RelationModel]:
        found = [owner for owner in members(resource) if isinstance(owner, RelationModel)]
        return [relation for relation in found if self._opens(relation)]

    def _opens(self, relation: RelationModel) -> bool:
        target = self._model[relation.target]
        return not target.internal and target.opens("read")

    def _paths(self, resource: ResourceModel) -> Iterator[str]:
        for owner in members(resource):
            if not isinstance(owner, RelationModel) or self._schemas.shows(owner):
                yield owner.name
            if isinstance(owner, RelationModel) and self._opens(owner):
                for below in members(self._model[owner.target]):
                    if not isinstance(below, RelationModel):
                        yield f"{owner.name}.{below.name}"


def operators(type: Type) -> list[str]:
    """The operators that a value of this type can be filtered by."""
    found = ["eq", "ne", "in"]
    if type.kind not in _UNORDERED:
        found += ["lt", "le", "gt", "ge"]
    if type.kind is Kind.TEXT:
        found += ["contains", "startswith", "endswith"]
    return [*found, "none"] if type.nullable else found


def component(resource: ResourceModel, name: str) -> str:
    """The name of a parameter among the components: `Article.hours.ge` for `hours[ge]`."""
    return re.sub(r"[^A-Za-z0-9._-]", "_", f"{resource.name}.{name.replace('[', '.').replace(']', '')}")


def _names(name: str, values: list[Any], description: str, further: str = "", **bounds: int) -> Json:
    """A list of these values; `further`: the pattern of what else there may be."""
    items: Json = {"type": "string", "enum": values}
    if further:
        items = {"anyOf": [items, {"type": "string", "pattern": further}]}
    return query_parameter(name, {"type": "array", "items": items, **bounds}, description, listed=True)
