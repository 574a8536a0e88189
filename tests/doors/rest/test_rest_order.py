"""Members come in the order in which they are declared, in every format and in the description."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from typing import Any

import pytest

from kingpost import App, Resource, anyone, computed, field
from tests.doors.rest.client import Client


class Maker(Resource, read=anyone, write=anyone):
    name: str = ""
    things: list[Piece] = field(inverse="maker")


class Piece(Resource, read=anyone, write=anyone):
    zeal: int = 1

    @computed
    def double(self) -> int:
        return self.zeal * 2

    maker: Maker
    code: str = field(key=True)
    tags: list[Maker] = []
    after: Maker | None = None

    @computed(stored=True)
    def both(self) -> str:
        return self.code + "!"

    end: str = ""


DECLARED = ["zeal", "maker", "code", "after", "end", "double", "both"]
ALL = ["zeal", "maker", "code", "tags", "after", "end", "double", "both"]


@pytest.fixture
async def ask(store_url: str) -> AsyncIterator[Client]:
    app = App("pieces", resources=[Maker, Piece], stores={"main": store_url})
    await app.start()
    await app.sync()
    ask = Client(app)
    maker = (await ask("POST", "/api/makers", {})).json["id"]
    assert (await ask("POST", "/api/pieces", {"code": "a", "maker": maker})).status == 201
    yield ask
    await app.stop()


async def test_as_declared_computed_ones_last(ask: Client) -> None:
    row = await ask("GET", "/api/pieces/a")
    assert list(row.json) == DECLARED
    assert [list(each) for each in (await ask("GET", "/api/pieces")).json["items"]] == [DECLARED]
    (line,) = (await ask("GET", "/api/pieces", accept="application/x-ndjson")).body.splitlines()
    assert list(json.loads(line)) == DECLARED
    head = (await ask("GET", "/api/pieces", accept="text/csv")).body.split(b"\r\n")[0].decode()
    assert head == "zeal,maker.id,code,after.id,end,double,both"
    assert list((await ask("GET", "/api/makers")).json["items"][0]) == ["id", "name"]


async def test_what_is_included_stands_where_it_is_declared(ask: Client) -> None:
    row = (await ask("GET", "/api/pieces/a?include=tags,maker.things")).json
    assert list(row) == ALL
    assert list(row["maker"]["things"][0]) == DECLARED


async def test_fields_come_as_asked(ask: Client) -> None:
    assert list((await ask("GET", "/api/pieces/a?fields=end,zeal")).json) == ["end", "zeal"]


async def test_the_description_has_the_same_order(ask: Client) -> None:
    schemas: dict[str, Any] = (await ask("GET", "/api/openapi.json")).json["components"]["schemas"]
    assert list(schemas["Piece"]["properties"]) == ALL
    assert list(schemas["PieceIn"]["properties"]) == ["zeal", "maker", "code", "tags", "after", "end"]
    assert list(schemas["PiecePatchEach"]["properties"]) == ["zeal", "maker", "code", "tags", "after", "end"]
