"""A library over three stores, in which every way of `on_delete` leads from store to store."""

from __future__ import annotations

from typing import Any

from kingpost import Resource, anyone, field

OPEN: dict[str, Any] = {"read": anyone, "write": anyone}


class Author(Resource, **OPEN):
    id: int = field(key=True)
    name: str = field(max_length=40, default="")
    books: list[Book] = field(inverse="author")


class Tag(Resource, **OPEN):
    id: int = field(key=True)


class Book(Resource, store="near", **OPEN):
    id: int = field(key=True)
    author: Author = field(on_delete="cascade")
    tags: list[Tag] = []


class Chapter(Resource, store="near", **OPEN):
    """Goes with its book by a cascade of their own store."""

    id: int = field(key=True)
    book: Book = field(on_delete="cascade")
    above: Chapter | None = field(on_delete="cascade", default=None)


class Mark(Resource, store="far", **OPEN):
    id: int = field(key=True)
    chapter: Chapter = field(on_delete="cascade")


class Note(Resource, store="far", **OPEN):
    id: int = field(key=True)
    book: Book | None = field(on_delete="null", default=None)


class Loan(Resource, store="far", **OPEN):
    id: int = field(key=True)
    book: Book = field(on_delete="restrict")


class Prize(Resource, store="far", **OPEN):
    id: int = field(key=True)
    author: Author = field(on_delete="restrict")


class Remark(Resource, store="far", **OPEN):
    """Says nothing of deletes: the reference reads as None then."""

    id: int = field(key=True)
    book: Book | None = None


SHELVES: list[type[Resource]] = [Author, Tag, Book, Chapter, Mark, Note, Loan, Prize, Remark]
