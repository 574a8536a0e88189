"""The model that the store conformance suite is about, and short ways to say expressions over it.

Author    key UUID, unique name, boss: Author | None, articles (the other side of Article.author)
Article   key int, author: Author (restrict), editor: Author | None (null), tags: list[Tag], comments
Tag       key int, unique name
Comment   key int, article: Article (cascade), stars: int | None
Vote      key int, comment: Comment (restrict)
Seat      key (row, place)
Ticket    key int, seat: Seat | None, price: Decimal
Thing     a field of every type, each once required and once nullable
Log       key int; no row version
Order     key int, made by the store; unique text
Line      key int, made by the store; order: Order (cascade)
Guest     key int, name, age; its row version is no column but a hash: the table is not ours
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from typing import Any, Literal
from uuid import UUID

from kingpost.language.tree import Compare, Comparison, Const, Expression, Field, Param, Root, Row, Step
from kingpost.language.types import BOOL, DATETIME, DURATION, FLOAT, INT, TEXT, Kind, Type, reference
from kingpost.model.model import Default, FieldModel, Model, RelationModel, ResourceModel, UniqueModel

STORE = "main"
UUIDS = Type(Kind.UUID)
MONEY = Type(Kind.DECIMAL, digits=12, places=2)
ROLE = Type(Kind.TEXT, choices=("reader", "author"))
STATUS = Type(Kind.ENUM, choices=("draft", "live"), name="Status")
ADDRESS = Type(Kind.EMBEDDED, name="Address", members=(("street", TEXT), ("floor", INT.maybe())))

TYPES: Mapping[str, tuple[Type, Any]] = {
    "flag": (BOOL, bool),
    "number": (INT, int),
    "ratio": (FLOAT, float),
    "money": (MONEY, Decimal),
    "text": (TEXT, str),
    "role": (ROLE, Literal["reader", "author"]),
    "raw": (Type(Kind.BYTES), bytes),
    "uid": (UUIDS, UUID),
    "moment": (DATETIME, datetime),
    "day": (Type(Kind.DATE), date),
    "hour": (Type(Kind.TIME), time),
    "lasting": (DURATION, timedelta),
    "status": (STATUS, str),
    "data": (Type(Kind.JSON), object),
    "address": (ADDRESS, dict),
    "words": (Type(Kind.LIST, element=TEXT), list),
}
"""The fields of Thing with their types; each is there again as `maybe_<name>`, nullable."""


def _field(name: str, type: Type, python: Any = object, **more: Any) -> FieldModel:
    return FieldModel(name, type, name, python, **more)


def _key(name: str, type: Type = INT, **more: Any) -> FieldModel:
    return _field(name, type, int, key=True, **more)


def _one(name: str, target: str, *columns: str, **more: Any) -> RelationModel:
    return RelationModel(name, "one", target, columns=columns or (f"{name}_id",), **more)


def _many(name: str, target: str, inverse: str) -> RelationModel:
    return RelationModel(name, "many", target, inverse=inverse)


VERSION = _field("_version", INT, int)
MADE = Default("store")


def _resource(
    name: str,
    fields: Iterable[FieldModel],
    relations: Iterable[RelationModel] = (),
    key: tuple[str, ...] = ("id",),
    *,
    versioned: bool = True,
    **more: Any,
) -> ResourceModel:
    kept = [*fields, VERSION] if versioned else fields
    return ResourceModel(
        name=name,
        cls=None,
        path=name.lower(),
        table=name.lower(),
        store=STORE,
        key=key,
        fields={field.name: field for field in kept},
        relations={relation.name: relation for relation in relations},
        version="_version" if versioned else None,
        **more,
    )


AUTHOR = _resource(
    "Author",
    [_key("id", UUIDS), _field("name", TEXT, str, unique=True), _field("age", INT.maybe(), int)],
    [_one("boss", "Author", nullable=True), _many("articles", "Article", "author")],
)
ARTICLE = _resource(
    "Article",
    [
        _key("id"),
        _field("title", TEXT, str, index=True),
        _field("score", INT.maybe(), int),
        _field("price", MONEY.maybe(), Decimal),
        _field("at", DATETIME.maybe(), datetime),
    ],
    [
        _one("author", "Author"),
        _one("editor", "Author", nullable=True, on_delete="null"),
        RelationModel("tags", "linked", "Tag", link="ArticleTag", near="article", far="tag"),
        _many("comments", "Comment", "article"),
    ],
    uniques=(UniqueModel(("author", "title")),),
)
TAG = _resource("Tag", [_key("id"), _field("name", TEXT, str, unique=True)])
ARTICLE_TAG = _resource(
    "ArticleTag",
    [],
    [_one("article", "Article", on_delete="cascade", key=True), _one("tag", "Tag", on_delete="cascade", key=True)],
    ("article", "tag"),
    versioned=False,
    internal=True,
)
COMMENT = _resource(
    "Comment",
    [_key("id"), _field("text", TEXT, str), _field("stars", INT.maybe(), int)],
    [_one("article", "Article", on_delete="cascade")],
)
VOTE = _resource("Vote", [_key("id")], [_one("comment", "Comment")])
SEAT = _resource("Seat", [_key("row"), _key("place", TEXT), _field("taken", BOOL, bool)], key=("row", "place"))
TICKET = _resource(
    "Ticket",
    [_key("id"), _field("price", MONEY, Decimal)],
    [_one("seat", "Seat", "seat_row", "seat_place", nullable=True)],
)
THING = _resource(
    "Thing",
    [
        _key("id"),
        *(_field(name, type, python) for name, (type, python) in TYPES.items()),
        *(_field(f"maybe_{name}", type.maybe(), python) for name, (type, python) in TYPES.items()),
    ],
)
LOG = _resource("Log", [_key("id"), _field("text", TEXT, str)], versioned=False)
ORDER = _resource("Order", [_key("id", default=MADE), _field("text", TEXT, str, unique=True)])
LINE = _resource(
    "Line", [_key("id", default=MADE), _field("text", TEXT, str)], [_one("order", "Order", on_delete="cascade")]
)
GUEST = replace(
    _resource(
        "Guest",
        [_key("id"), _field("name", TEXT, str), _field("age", INT.maybe(), int), replace(VERSION, hashed=True)],
        versioned=False,
    ),
    version="_version",
    adopted=True,
)

RESOURCES = (AUTHOR, ARTICLE, TAG, ARTICLE_TAG, COMMENT, VOTE, SEAT, TICKET, THING, LOG, ORDER, LINE, GUEST)


def model(*resources: ResourceModel) -> Model:
    """A model of these resources."""
    return Model({resource.name: resource for resource in resources}, actor="Author")


MODEL = model(*RESOURCES)


def with_field(resource: ResourceModel, field: FieldModel) -> Model:
    """The conformance model with one field more, or with another of that name, in `resource`."""
    changed = replace(resource, fields={**resource.fields, field.name: field})
    return model(*(changed if known.name == resource.name else known for known in RESOURCES))


# ------------------------------------------------------------------------------------------------------- expressions


def get(resource: str, path: str) -> Field:
    """A stored scalar: `get("Article", "author.name")`."""
    *steps, name = path.split(".")
    row: Row = Root(resource)
    for relation in steps:
        row = step(row, relation)
    return field_of(row, name)


def step(row: Row, relation: str) -> Step:
    """One step along a to-one relation."""
    declared = MODEL[row.resource].relations[relation]
    reached = row.nullable if isinstance(row, Step) else False
    return Step(row, relation, declared.target, declared.nullable or reached)


def field_of(row: Row, name: str) -> Field:
    """A stored scalar of a row."""
    return Field(row, name, MODEL[row.resource].fields[name].type)


def param(name: str, type: Type) -> Param:
    """A value bound when the statement runs."""
    return Param(name, type)


def keys(name: str, resource: str) -> Param:
    """A list of keys of `resource`, bound when the statement runs."""
    return Param(name, Type(Kind.LIST, element=reference(resource)))


def const(value: object, type: Type = INT) -> Const:
    """A constant."""
    return Const(value, type)


def is_(left: Expression, right: Expression, op: Comparison = "==") -> Compare:
    """A comparison."""
    return Compare(op, left, right)
