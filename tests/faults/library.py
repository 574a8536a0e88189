"""The application that `kill -9` between two stores is tried on; LIBRARY_MAIN and LIBRARY_NEAR name them."""

from __future__ import annotations

import os

from kingpost import App, Resource, anyone, field


class Author(Resource, read=anyone, write=anyone):
    id: int = field(key=True)


class Shelf(Resource, read=anyone, write=anyone):
    """Goes with its author in their own store."""

    id: int = field(key=True)
    author: Author = field(on_delete="cascade")


class Book(Resource, store="near", read=anyone, write=anyone):
    id: int = field(key=True)
    author: Author = field(on_delete="cascade")


class Mark(Resource, store="near", read=anyone, write=anyone):
    id: int = field(key=True)
    shelf: Shelf = field(on_delete="cascade")


class Note(Resource, store="near", read=anyone, write=anyone):
    id: int = field(key=True)
    author: Author | None = field(on_delete="null", default=None)


app = App(
    "library",
    resources=[Author, Shelf, Book, Mark, Note],
    stores={name: os.environ.get(f"LIBRARY_{name.upper()}", "memory:") for name in ("main", "near")},
    secret=b"library",
)
app.engine.relay.grace = 2
