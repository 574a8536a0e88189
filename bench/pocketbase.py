"""PocketBase made ready: its collections made by its own API, its rows put into its file, its answers read."""

from __future__ import annotations

import json
import secrets
import sqlite3
import subprocess
import urllib.request
from collections import defaultdict
from contextlib import closing
from datetime import datetime
from pathlib import Path
from typing import Any
from uuid import UUID

from bench import servers
from bench.data import Data
from bench.implementations import ALL, Place, pocketbase

SUPERUSER = "bench@example.org"
# The keys are those of the other stores; a key that PocketBase makes has its own form.
KEY = {"name": "id", "type": "text", "primaryKey": True, "required": True, "system": True, "min": 15, "max": 36}
KEY |= {"pattern": "^[a-z0-9-]+$", "autogeneratePattern": "[a-z0-9]{15}"}
OPEN = {"type": "base", "listRule": "", "viewRule": ""}


def file(folder: Path) -> Path:
    """Its database."""
    return folder / "pocketbase" / "data" / "data.db"


def instant(value: datetime) -> str:
    """As PocketBase stores it."""
    return value.strftime("%Y-%m-%d %H:%M:%S.000Z")


def prepare(folder: Path, rows: Data) -> None:
    """Make its collections and fill them. The log of requests is turned off, as Kingpost in production has none."""
    password = secrets.token_hex(16)
    program, _, *options = pocketbase(Place(0, 1, folder))
    options = [option for option in options if not str(option).startswith("--http")]
    (folder / "pocketbase").mkdir()
    subprocess.run([program, "superuser", "upsert", SUPERUSER, password, *options], check=True, capture_output=True)
    server = servers.start(next(each for each in ALL if each.name == "pocketbase"), folder, {})
    try:
        credentials = {"identity": SUPERUSER, "password": password}
        told = _call(server.port, "POST", "/api/collections/_superusers/auth-with-password", credentials)
        _make(server.port, told["token"])
    finally:
        server.stop()
    _fill(file(folder), rows)


def plain(record: dict[str, Any]) -> dict[str, Any]:
    """A record in the shape of the other implementations: relations filled in, nothing about the collection."""
    expanded = record.get("expand", {})
    author = expanded.get("author")
    found = {name: value for name, value in record.items() if name not in ("collectionId", "collectionName", "expand")}
    found["author"] = _bare(author) if author else {"id": record["author"]}
    found["published_at"] = record["published_at"].replace(" ", "T")
    if "tags" in expanded:
        found["tags"] = [_bare(tag) for tag in expanded["tags"]]
    else:
        del found["tags"]  # their keys, which the others do not tell
    return found


def _bare(record: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in record.items() if not name.startswith("collection")}


def _make(port: int, token: str) -> None:
    def make(name: str, *fields: dict[str, Any], **more: Any) -> str:
        made = _call(port, "POST", "/api/collections", {"name": name, **OPEN, "fields": [KEY, *fields], **more}, token)
        identity: str = made["id"]
        return identity

    authors = make("authors", _text("name", 80), _text("email", 120))
    tags = make("tags", _text("name", 40))
    make(
        "articles",
        *(_text("title", 200), _text("summary", 500), _text("body", 20_000)),
        {"name": "words", "type": "number", "onlyInt": True, "min": 0},
        {"name": "published_at", "type": "date", "required": True},
        {"name": "author", "type": "relation", "collectionId": authors, "maxSelect": 1, "required": True},
        {"name": "tags", "type": "relation", "collectionId": tags, "maxSelect": 99},
        createRule="",
        indexes=[f"CREATE INDEX ix_articles_{name} ON articles ({name})" for name in ("author", "published_at")],
    )
    _call(port, "PATCH", "/api/settings", {"logs": {"maxDays": 0}}, token)


def _text(name: str, longest: int) -> dict[str, Any]:
    return {"name": name, "type": "text", "required": True, "max": longest}


def _fill(database: Path, rows: Data) -> None:
    tags: defaultdict[UUID, list[str]] = defaultdict(list)
    for article, tag in rows.links:
        tags[article].append(str(tag))
    with closing(sqlite3.connect(database)) as connection:
        authors = ((str(id), name, email) for id, name, email in rows.authors)
        connection.executemany("INSERT INTO authors (id, name, email) VALUES (?, ?, ?)", authors)
        connection.executemany("INSERT INTO tags (id, name) VALUES (?, ?)", ((str(id), name) for id, name in rows.tags))
        articles = (
            (str(id), title, summary, body, words, instant(at), str(author), json.dumps(tags[id]))
            for id, title, summary, body, words, at, author in rows.articles
        )
        connection.executemany(
            """INSERT INTO articles (id, title, summary, body, words, published_at, author, tags)
            VALUES (?, ?, ?, ?, ?, ?, ?, ?)""",
            articles,
        )
        connection.commit()
        connection.execute("ANALYZE")


def _call(port: int, method: str, path: str, body: Any, token: str = "") -> Any:
    headers = {"Content-Type": "application/json", **({"Authorization": token} if token else {})}
    asked = urllib.request.Request(
        f"http://127.0.0.1:{port}{path}", json.dumps(body).encode(), headers=headers, method=method
    )
    with urllib.request.urlopen(asked, timeout=30) as answer:
        return json.loads(answer.read())
