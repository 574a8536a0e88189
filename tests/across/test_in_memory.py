"""What a store has no words for is finished in memory: the answer is that of stores that have them."""

from __future__ import annotations

import base64
from pathlib import Path

import pytest

from kingpost import App, Resource, anyone, field
from kingpost.testing import Client


class Stone(Resource, read=anyone, write=anyone):
    id: int = field(key=True)
    raw: bytes = b""
    weight: float = 0


@pytest.fixture(params=["mongo", "sqlite"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    return str(request.getfixturevalue("mongo_url")) if request.param == "mongo" else f"sqlite:///{tmp_path}/x.db"


async def test_orders_and_conditions_without_words(url: str) -> None:
    """MongoDB sorts bytes by their length first; SQLite rounds halves away from zero."""
    app = App("stones", resources=[Stone], stores={"main": url})
    async with Client(app) as client:
        await app.sync()
        for id, (raw, weight) in enumerate([(b"b", 0.5), (b"aa", 1.5), (b"a", 2.5), (b"", 2.4), (b"ab", 3.5)]):
            sent = {"id": id, "raw": base64.b64encode(raw).decode(), "weight": weight}
            assert (await client.post("/api/stones", json=sent)).status_code == 201
        found: list[int] = []
        query = "sort=-raw&limit=2"
        while query:
            page = (await client.get(f"/api/stones?{query}")).json()
            found += [item["id"] for item in page["items"]]
            query = f"sort=-raw&limit=2&after={page['next']}" if page["next"] else ""
        assert found == [0, 4, 1, 2, 3]
        rounded = (await client.get("/api/stones?where=round(weight)==2&sort=id&count=exact")).json()
        assert ([item["id"] for item in rounded["items"]], rounded["total"]) == ([1, 2, 3], 3)
        none = (await client.get("/api/stones?where=round(weight)==0&sort=raw&limit=1")).json()
        assert [item["id"] for item in none["items"]] == [0]
