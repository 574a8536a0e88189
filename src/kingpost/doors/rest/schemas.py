"""JSON Schema (2020-12) of what this door answers, derived from the model."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, Final, TypeAlias

from kingpost.language.types import Kind, Type
from kingpost.model.columns import key_columns
from kingpost.model.model import ComputedModel, FieldModel, Model, RelationModel, ResourceModel
from kingpost.model.scalars_schema import incoming
from kingpost.plan.shapes import stores_of

Json: TypeAlias = dict[str, Any]

_PLAIN: Final[dict[Kind, Json]] = {
    Kind.NONE: {"type": "null"},
    Kind.BOOL: {"type": "boolean"},
    Kind.INT: {"type": "integer", "format": "int64"},
    Kind.FLOAT: {"type": "number", "format": "double"},
    Kind.DECIMAL: {"type": "string", "format": "decimal", "pattern": r"^-?[0-9]+(\.[0-9]+)?([eE][+-]?[0-9]+)?$"},
    Kind.TEXT: {"type": "string"},
    Kind.BYTES: {"type": "string", "contentEncoding": "base64"},
    Kind.UUID: {"type": "string", "format": "uuid"},
    Kind.DATETIME: {"type": "string", "format": "date-time"},
    Kind.DATE: {"type": "string", "format": "date"},
    Kind.TIME: {"type": "string", "pattern": r"^[0-9][0-9]:[0-9][0-9]:[0-9][0-9](\.[0-9]{1,6})?$"},
    # Not the format "duration", which knows no negative ones.
    Kind.DURATION: {"type": "string", "pattern": r"^-?P([0-9]+D)?(T[0-9]+(\.[0-9]{1,6})?S)?$"},
    Kind.JSON: {},
}
_EXAMPLES: Final[dict[Kind, Any]] = {
    Kind.BOOL: True,
    Kind.INT: 3,
    Kind.FLOAT: 1.5,
    Kind.DECIMAL: "12.50",
    Kind.TEXT: "text",
    Kind.BYTES: "aGVsbG8=",
    Kind.UUID: "01936f2e-8a4b-7c1d-9e2f-3a4b5c6d7e8f",
    Kind.DATETIME: "2026-01-31T12:00:00Z",
    Kind.DATE: "2026-01-31",
    Kind.TIME: "12:00:00",
    Kind.DURATION: "PT1H30M",
}
_WARNINGS: Final[Json] = {
    "type": "array",
    "description": "Optional includes that were left out, as a store did not answer",
    "items": {
        "type": "object",
        "properties": {
            "include": {"type": "string"},
            "code": {"type": "string"},
            "detail": {"type": "string"},
        },
        "required": ["include", "code", "detail"],
        "additionalProperties": False,
    },
}
_SOME: Final = "Not shown to everyone: by a rule of its own."


def ref(section: str, name: str) -> Json:
    """A reference into the document's components."""
    return {"$ref": f"#/components/{section}/{name}"}


class Schemas:
    """Schemas of the rows of one model."""

    def __init__(self, model: Model) -> None:
        self._model = model
        self._spread = len({one.store for one in model if not one.internal}) > 1

    def of_type(self, type: Type) -> Json:
        """The schema of a value as this door writes it."""
        if type.kind is Kind.REFERENCE:
            schema = self.key(self._model[type.name])
        elif type.choices:
            schema = {"type": "integer" if isinstance(type.choices[0], int) else "string", "enum": [*type.choices]}
        elif type.kind is Kind.EMBEDDED:
            schema = {"type": "object", "properties": {name: self.of_type(member) for name, member in type.members}}
        elif type.kind is Kind.LIST:
            schema = {"type": "array", "items": self.of_type(type.element) if type.element else {}}
        else:
            schema = dict(_PLAIN.get(type.kind, {}))
        return nullable(schema) if type.nullable else schema

    def key(self, resource: ResourceModel, member: Callable[[ResourceModel, str], Json] | None = None) -> Json:
        """A reference to a row: its key, member by member."""
        properties = {name: (member or self._key_member)(resource, name) for name in resource.key}
        return {
            "type": "object",
            "properties": properties,
            "required": list(properties),
            "additionalProperties": False,
        }

    def address(self, resource: ResourceModel) -> Json:
        """A key as it stands in an address and in a query: its members with commas between."""
        columns = key_columns(self._model, resource)
        if self.composite(resource):
            return {"type": "string", "pattern": f"^[^,]+(,[^,]+){{{len(columns) - 1}}}$"}
        return self.of_type(columns[0].type.maybe(False))

    def composite(self, resource: ResourceModel) -> bool:
        """Whether its key has several members."""
        return len(key_columns(self._model, resource)) > 1

    def named(self, resource: ResourceModel) -> Json:
        """How a row is named in what comes in: by its key as an object, or bare where it has one member."""
        whole = self.key(resource, self._given_member)
        if len(resource.key) != 1:
            return whole
        name = resource.key[0]
        if name in resource.relations:
            return {"anyOf": [whole, self.named(self._model[resource.relations[name].target])]}
        return {"anyOf": [whole, self._given_member(resource, name)]}

    def keys(self, resource: ResourceModel) -> Json:
        """The keys of several rows."""
        items = {"type": "array", "items": self.key(resource)}
        return {"type": "object", "properties": {"items": items}, "required": ["items"], "additionalProperties": False}

    def _key_member(self, resource: ResourceModel, name: str) -> Json:
        if name in resource.fields:
            return self.of_type(resource.fields[name].type.maybe(False))
        return self.key(self._model[resource.relations[name].target])

    def _given_member(self, resource: ResourceModel, name: str) -> Json:
        field = resource.fields.get(name)
        if field is None:
            return self.key(self._model[resource.relations[name].target], self._given_member)
        type = field.type.maybe(False)
        return incoming(type, field.constraints) or self.of_type(type)

    def row(self, resource: ResourceModel) -> Json:
        """A row. No member is required: `fields` and the rules decide which are there."""
        properties: Json = {}
        for owner in members(resource):
            if isinstance(owner, RelationModel):
                if not self.shows(owner):
                    continue
                schema = self._relation(resource, owner)
            else:
                masked = owner.access.read is not None
                schema = self.of_type(owner.type.maybe(owner.type.nullable or masked))
                if isinstance(owner, FieldModel) and owner.format == "markdown":
                    schema["contentMediaType"] = "text/markdown"
            words = [owner.help or schema.get("description", ""), *((_SOME,) if owner.access.read is not None else ())]
            properties[owner.name] = with_words(schema, owner.title, " ".join(filter(None, words)))
        if self._spread:
            properties["_warnings"] = _WARNINGS
        schema = {"type": "object", "properties": properties, "additionalProperties": False}
        return with_words(schema, resource.title or resource.name, resource.help)

    def _relation(self, resource: ResourceModel, relation: RelationModel) -> Json:
        if not self._model[relation.target].opens("read"):
            key = self.key(self._model[relation.target])
            return {**(nullable(key) if relation.nullable or relation.access.read else key), "description": "Its key."}
        target = ref("schemas", relation.target)
        elsewhere = stores_of(self._model, relation) != {resource.store}
        if relation.kind != "one":
            kind: object = ["array", "null"] if elsewhere else "array"
            return {"type": kind, "items": target, "description": "Only where it is included."}
        none = elsewhere or relation.nullable or relation.access.read is not None
        schema = nullable(target) if none else target
        return {**schema, "description": "Its key; the whole row where it is included."}

    def shows(self, relation: RelationModel) -> bool:
        """Whether there is more to see of a relation than that it is empty."""
        target = self._model[relation.target]
        return not target.internal and (relation.kind == "one" or target.opens("read"))

    def page(self, resource: ResourceModel) -> Json:
        """A page of rows."""
        return {
            "type": "object",
            "properties": {
                "items": {"type": "array", "items": ref("schemas", resource.name)},
                "next": {"type": ["string", "null"], "description": "The cursor of the next page, for after="},
                "total": {"type": "integer", "minimum": 0, "description": "Only with count=exact"},
                **({"warnings": _WARNINGS} if self._spread else {}),
            },
            "required": ["items"],
            "additionalProperties": False,
        }


def members(resource: ResourceModel) -> Iterator[FieldModel | RelationModel | ComputedModel]:
    """What of a resource can be read through a door, as declared."""
    hidden = {resource.version, resource.deleted}
    for name in resource.names:
        owner = resource.owner(name)
        if owner is not None and owner.access.readable and name not in hidden:
            yield owner


def nullable(schema: Json) -> Json:
    """The same, or null."""
    kind = schema.get("type")
    if isinstance(kind, str) and "enum" not in schema:
        return {**schema, "type": [kind, "null"]}
    return {"anyOf": [schema, {"type": "null"}]} if schema else schema


def with_words(schema: Json, title: str, help: str) -> Json:
    """The schema with words for people."""
    words = {name: text for name, text in (("title", title), ("description", help)) if text}
    return {**schema, **words}


def example(type: Type) -> Any:
    """A small value of a type."""
    if type.choices:
        return type.choices[0]
    if type.kind is Kind.EMBEDDED:
        return {name: example(member) for name, member in type.members}
    if type.kind is Kind.LIST:
        return [example(type.element)] if type.element else []
    return _EXAMPLES.get(type.kind)
