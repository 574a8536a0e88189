"""What the store conformance suite works with: a small library of rows, and questions in Python values."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from kingpost.language.tree import Expression, Identity, Root, identity
from kingpost.language.types import Kind, Type
from kingpost.model.columns import key_columns
from kingpost.plan.select import Insert, Select
from kingpost.stores.contract import Store
from kingpost.testing.conformance_model import MODEL, get

ADA, BOB, CLEO = UUID(int=1), UUID(int=2), UUID(int=3)
NOBODY = UUID(int=99)
NEW_YEAR = datetime(2026, 1, 1, tzinfo=UTC)

LIBRARY = (
    Insert("Author", ("id", "name", "age", "boss_id"), [
        (ADA, "ada", 36, None),
        (BOB, "bob", None, ADA),
        (CLEO, "cleo", 20, BOB),
    ]),
    Insert("Article", ("id", "title", "score", "price", "at", "author_id", "editor_id"), [
        (1, "alpha", 10, Decimal("1.50"), NEW_YEAR, ADA, BOB),
        (2, "beta", None, None, None, ADA, None),
        (3, "gamma", 10, Decimal("2.25"), NEW_YEAR, BOB, ADA),
        (4, "", -5, Decimal("0.00"), None, BOB, None),
        (5, "ä𝒳", 7, Decimal("10.00"), None, ADA, None),
    ]),
    Insert("Tag", ("id", "name"), [(1, "red"), (2, "green")]),
    Insert("ArticleTag", ("article_id", "tag_id"), [(1, 1), (1, 2), (3, 2)]),
    Insert("Comment", ("id", "text", "stars", "article_id"), [
        (1, "good", 5, 1),
        (2, "so so", None, 1),
        (3, "bad", 1, 3),
    ]),
    Insert("Seat", ("row", "place", "taken"), [(1, "a", False), (1, "b", True), (2, "a", False)]),
    Insert("Ticket", ("id", "price", "seat_row", "seat_place"), [
        (1, Decimal("9.99"), 1, "b"),
        (2, Decimal("5"), None, None),
    ]),
)  # fmt: skip


def types(columns: tuple[Expression, ...]) -> list[Type]:
    """The types of the columns of an answer: a reference has as many as its key."""
    found: list[Type] = []
    for column in columns:
        if column.type.kind is Kind.REFERENCE:
            found.extend(part.type.maybe() for part in key_columns(MODEL, MODEL[column.type.name]))
        else:
            found.append(column.type)
    return found


async def ask(store: Any, select: Select, params: Mapping[str, object] | None = None, *, of: Any = None) -> list[Any]:
    """The rows of a select as Python values; of one column as bare values. `of`: the transaction to ask instead."""
    rows = await (of or store).fetch(store.prepare(select), params or {})
    return python(store, select, rows)


def python(store: Store, select: Select, rows: Any) -> list[Any]:
    """Rows as a store gives them, in Python values."""
    converts = [store.python_form(type) for type in types(select.columns)]
    found = [
        tuple(v if convert is None or v is None else convert(v) for convert, v in zip(converts, row, strict=True))
        for row in rows
    ]
    return [row[0] for row in found] if len(converts) == 1 else found


def select(resource: str, *columns: str | Expression, **more: Any) -> Select:
    """A select of columns named by path, or given as expressions; of the key where none is given."""
    wanted = tuple(get(resource, column) if isinstance(column, str) else column for column in columns)
    return Select(resource, wanted or (key(resource),), **more)


def key(resource: str) -> Identity:
    """The row itself, as its key."""
    return identity(Root(resource))


async def ids(store: Any, resource: str, where: Expression | None = None, **params: object) -> list[Any]:
    """The keys of the rows that fulfil a condition, sorted."""
    return sorted(await ask(store, select(resource, where=where), params))
