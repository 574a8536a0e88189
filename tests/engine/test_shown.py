"""What a write answers is what a read would, also where the row is not read anew."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import datetime
from typing import Any
from unittest.mock import patch

import httpx2 as httpx
import pytest

from kingpost import App, Resource, allow, anyone, computed, field


class Owner(Resource, read=anyone, create=anyone):
    name: str = field(max_length=40)


class Item(Resource, create=anyone, update=anyone):
    name: str = field(max_length=40)
    owner: Owner | None = None
    at: datetime | None = None
    secret: bool = False
    price: int = field(default=1, read="not self.secret")

    @computed
    def shout(self) -> str:
        return self.name.upper()

    @allow("read")
    def shown(self) -> bool:
        return not self.name.startswith("hidden")


@pytest.fixture
async def app(store_url: str) -> AsyncIterator[App]:
    app = App("shown", resources=[Owner, Item], stores={"main": store_url})
    await app.start()
    await app.sync()
    yield app
    await app.stop()


async def ask(app: App, method: str, path: str, **more: Any) -> httpx.Response:
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://test") as client:
        return await client.request(method, path, **more)


SHAPES = ["", "?fields=name,at", "?include=owner", "?fields=name,shout", "?fields=owner.name", "?fields=id"]


@pytest.mark.parametrize("shape", SHAPES)
async def test_the_answer_to_a_write_is_that_to_a_read(app: App, shape: str) -> None:
    owner = (await ask(app, "POST", "/api/owners", json={"name": "Ada"})).json()
    body = {"name": "one", "owner": owner["id"], "at": "2024-02-29T12:00:00.5+02:00"}
    made = await ask(app, "POST", f"/api/items{shape}", json=body)
    place = made.headers["location"]
    read = await ask(app, "GET", f"{place}{shape}")
    assert (made.status_code, made.content, made.headers["etag"]) == (201, read.content, read.headers["etag"])
    changed = await ask(app, "PATCH", f"{place}{shape}", json={"name": "two", "owner": None})
    read = await ask(app, "GET", f"{place}{shape}")
    assert (changed.status_code, changed.content, changed.headers["etag"]) == (200, read.content, read.headers["etag"])
    assert made.headers["etag"] != changed.headers["etag"]


async def test_an_own_row_is_not_read_anew(app: App) -> None:
    reads: list[str] = []
    store = app.stores["main"]
    fetch = store.fetch

    async def counted(prepared: Any, params: Any) -> Any:
        reads.append(prepared.text)
        return await fetch(prepared, params)

    owner = {"name": "Ada"}
    with patch.object(store, "fetch", counted):
        made = await ask(app, "POST", "/api/owners", json=owner)
    assert made.json()["name"] == "Ada"
    assert reads == []


@pytest.mark.parametrize("body", [{"name": "hidden one"}, {"name": "hidden two", "secret": True}])
async def test_a_row_that_may_not_be_seen_is_not_shown(app: App, body: dict[str, Any]) -> None:
    made = await ask(app, "POST", "/api/items?fields=name", json=body)
    assert (made.status_code, made.json()) == (201, {"id": made.headers["location"].rpartition("/")[2]})
    seen = await ask(app, "POST", "/api/items", json={"name": "seen"})
    place = seen.headers["location"]
    changed = await ask(app, "PATCH", f"{place}?fields=name", json={"name": "hidden now"})
    assert (changed.status_code, changed.content) == (204, b"")
    assert (await ask(app, "GET", place)).status_code == 404


async def test_a_masked_member_stays_masked(app: App) -> None:
    made = await ask(app, "POST", "/api/items", json={"name": "seen", "secret": True, "price": 7})
    assert made.status_code == 201
    assert made.json()["price"] is None
