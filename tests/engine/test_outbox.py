"""Deletes with dependants in other stores: restricted, cascaded, set to null, over each kind of store."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from kingpost import App, Resource, anyone, field
from kingpost.base.errors import Conflict, Unavailable
from kingpost.base.problems import DeclarationError
from kingpost.engine import outbox
from kingpost.plan.select import Insert, Update
from kingpost.testing import Client, fresh
from tests.engine.shelves import OPEN, SHELVES, Author
from tests.services.postgres import PostgresServer
from tests.services.proxy import Proxy, proxy

SPREADS = {
    "memory": "memory: memory: memory:",
    "sqlite": "sqlite sqlite sqlite",
    "postgres mariadb mongo": "postgres mariadb mongo",
    "mongo postgres mariadb": "mongo postgres mariadb",
    "mariadb mongo duckdb": "mariadb mongo duckdb",
}


@pytest.fixture(params=SPREADS.values(), ids=list(SPREADS))
async def shelves(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Client]:
    kinds = dict(zip(("main", "near", "far"), request.param.split(), strict=True))
    urls = {name: _url(request, tmp_path, name, kind) for name, kind in kinds.items()}
    app = App("shelves", resources=SHELVES, stores=urls, relay=False)
    async with Client(app) as client:
        await app.sync()
        app.engine.relay.grace = 0
        yield client


def _url(request: pytest.FixtureRequest, folder: Path, name: str, kind: str) -> str:
    if kind == "memory:":
        return kind
    if kind == "sqlite":
        return f"sqlite:///{folder}/{name}.db"
    if kind == "duckdb":
        return f"duckdb:///{folder}/{name}.duckdb"
    found: str = request.getfixturevalue(f"{kind}_url")
    return found


async def put(client: Client, **rows: list[dict[str, Any]]) -> None:
    for path, all_of_it in rows.items():
        answer = await client.post(f"/api/{path}", json=all_of_it)
        assert answer.status_code < 300, answer.text


async def ids(client: Client, path: str, more: str = "") -> list[int]:
    answer = await client.get(f"/api/{path}?fields=id&sort=id{more}")
    assert answer.status_code == 200, answer.text
    return [row["id"] for row in answer.json()["items"]]


def app_of(client: Client) -> App:
    app = client.app
    assert isinstance(app, App)
    return app


async def test_rows_in_other_stores_go_with_what_they_refer_to(shelves: Client) -> None:
    await put(
        shelves,
        authors=[{"id": 1}, {"id": 2}],
        tags=[{"id": 1}],
        books=[
            {"id": 1, "author": 1, "tags": [1]},
            {"id": 2, "author": 1},
            {"id": 3, "author": 2, "tags": [1]},
        ],
        chapters=[{"id": 1, "book": 1}, {"id": 2, "book": 1, "above": 1}, {"id": 3, "book": 3}],
        marks=[{"id": 1, "chapter": 1}, {"id": 2, "chapter": 2}, {"id": 3, "chapter": 3}],
        notes=[{"id": 1, "book": 1}, {"id": 2, "book": 3}],
        remarks=[{"id": 1, "book": 1}],
    )
    answer = await shelves.delete("/api/authors/1")
    assert answer.status_code == 204, answer.text
    assert await ids(shelves, "books") == [1, 2, 3]
    app = app_of(shelves)
    assert await app.engine.relay.waiting() == {"main": 1, "near": 0}
    await app.settle()
    assert await app.engine.relay.waiting() == {"main": 0, "near": 0}
    assert await ids(shelves, "books") == [3]
    assert await ids(shelves, "chapters") == [3]
    assert await ids(shelves, "marks") == [3]
    notes = (await shelves.get("/api/notes?sort=id")).json()["items"]
    assert [row["book"] for row in notes] == [None, {"id": 3}]
    assert (await shelves.get("/api/remarks/1?include=book")).json()["book"] == {"id": 1}
    assert (await shelves.get("/api/books/3?include=tags")).json()["tags"] == [{"id": 1}]


async def test_links_go_with_a_far_end_in_another_store(shelves: Client) -> None:
    await put(shelves, authors=[{"id": 1}], tags=[{"id": 1}, {"id": 2}], books=[{"id": 1, "author": 1, "tags": [1, 2]}])
    assert (await shelves.delete("/api/tags/1")).status_code == 204
    await app_of(shelves).settle()
    assert (await shelves.get("/api/books/1?include=tags")).json()["tags"] == [{"id": 2}]
    await put(shelves, tags=[{"id": 1}])
    assert (await shelves.get("/api/books/1?include=tags")).json()["tags"] == [{"id": 2}]


async def test_a_row_is_kept_by_rows_of_another_store(shelves: Client) -> None:
    await put(shelves, authors=[{"id": 1}, {"id": 2}], prizes=[{"id": 1, "author": 1}, {"id": 2, "author": 1}])
    answer = await shelves.delete("/api/authors/1")
    assert answer.status_code == 409
    assert answer.json()["type"].endswith("KP410")
    assert "Prize.author (2 rows)" in answer.json()["detail"]
    answer = await shelves.request("DELETE", "/api/authors", json=[{"id": 2}, {"id": 1}])
    assert answer.status_code == 409
    assert answer.json()["errors"][0]["pointer"] == "/1"
    assert await ids(shelves, "authors") == [1, 2]
    await shelves.delete("/api/prizes/1")
    await shelves.delete("/api/prizes/2")
    assert (await shelves.delete("/api/authors/1")).status_code == 204


async def test_what_would_go_with_a_row_may_keep_it(shelves: Client) -> None:
    """Author <- Book goes, in a second store, and Book <- Loan keeps, in a third one."""
    await put(shelves, authors=[{"id": 1}], books=[{"id": 1, "author": 1}], loans=[{"id": 1, "book": 1}])
    answer = await shelves.delete("/api/authors/1")
    assert answer.status_code == 409
    assert "Loan.book.author (1 row)" in answer.json()["detail"]
    await shelves.delete("/api/loans/1")
    assert (await shelves.delete("/api/authors/1")).status_code == 204
    await app_of(shelves).settle()
    assert await ids(shelves, "books") == []


async def test_a_key_is_free_again_when_its_delete_was_followed(shelves: Client) -> None:
    await put(shelves, authors=[{"id": 1}], books=[{"id": 1, "author": 1}])
    assert (await shelves.delete("/api/authors/1")).status_code == 204
    answer = await shelves.post("/api/authors", json={"id": 1, "name": "another"})
    assert answer.status_code == 409
    assert answer.json()["type"].endswith("KP415")
    assert await ids(shelves, "authors") == []
    answer = await shelves.post("/api/authors", json=[{"id": 7}, {"id": 1}])
    assert answer.json()["type"].endswith("KP415")
    await app_of(shelves).settle()
    assert (await shelves.post("/api/authors", json={"id": 1, "name": "another"})).status_code == 201
    await put(shelves, books=[{"id": 2, "author": 1}])
    await later(app_of(shelves))
    assert await ids(shelves, "books") == [2]


async def test_a_delete_that_did_not_happen_is_not_followed(shelves: Client) -> None:
    await put(shelves, authors=[{"id": 1}], books=[{"id": 1, "author": 1}])
    app = app_of(shelves)
    with pytest.raises(RuntimeError):
        async with app.transaction():
            with app.acting(None):
                await (await Author.get(1)).delete()
            raise RuntimeError
    await app.settle()
    assert await ids(shelves, "authors") == [1]
    assert await ids(shelves, "books") == [1]
    async with app.transaction():
        with app.acting(None):
            await (await Author.get(1)).delete()
    await app.settle()
    assert await ids(shelves, "books") == []


async def test_what_was_written_meanwhile_is_found_the_second_time(shelves: Client) -> None:
    """A writer saw the author just before the delete, and wrote just behind the relay."""
    await put(shelves, authors=[{"id": 1}, {"id": 2}], books=[{"id": 1, "author": 2}])
    app = app_of(shelves)
    await shelves.delete("/api/authors/1")
    await app.settle()
    await shelves.patch("/api/books/1", json={"id": 1})
    await app.stores["near"].write([Update("Book", (1,), {"author_id": 1})])
    await app.settle()
    assert await ids(shelves, "books") == [1]
    await later(app)
    assert await ids(shelves, "books") == []


async def later(app: App) -> None:
    """As if the time had come to look once more."""
    while sum([await app.engine.relay.work_off(store) for store in ("main", "near")]):
        pass


# ------------------------------------------------------------------------------------------------ when things go wrong


@pytest.fixture
async def between(postgres_server: PostgresServer) -> AsyncIterator[Proxy]:
    async with proxy(postgres_server.port) as made:
        yield made


@pytest.fixture
async def shaky(between: Proxy, postgres_url: str, tmp_path: Path) -> AsyncIterator[Client]:
    """Books stay at hand, and what is far can go."""
    far = f"{between.before(postgres_url)}?statement=2&wait=2"
    urls = {"main": f"sqlite:///{tmp_path}/main.db", "near": f"sqlite:///{tmp_path}/near.db", "far": far}
    app = App("shelves", resources=SHELVES, stores=urls, relay=False)
    async with Client(app) as client:
        await app.sync()
        app.engine.relay.grace = 0
        yield client


async def test_a_store_that_is_gone_is_followed_into_when_it_is_back(
    shaky: Client, between: Proxy, caplog: pytest.LogCaptureFixture
) -> None:
    await put(
        shaky,
        authors=[{"id": 1}, {"id": 2}],
        tags=[{"id": 1}],
        books=[{"id": 1, "author": 1, "tags": [1]}, {"id": 2, "author": 2}],
        chapters=[{"id": 1, "book": 1}],
        marks=[{"id": 1, "chapter": 1}],
        notes=[{"id": 1, "book": 1}, {"id": 2, "book": 2}],
    )
    app = app_of(shaky)
    assert (await shaky.delete("/api/books/2")).status_code == 204
    between.silent = True
    answer = await shaky.delete("/api/authors/1")
    assert answer.status_code == 503, "whether there are prizes can't be asked"
    assert "far" in answer.json()["detail"]
    assert (await shaky.delete("/api/chapters/1")).status_code == 204, "nothing there could keep a chapter"
    assert (await shaky.delete("/api/tags/1")).status_code == 204
    with pytest.raises(Unavailable, match="far"):
        await app.settle()
    assert await app.engine.relay.work_off("near") == 0
    assert "is not followed everywhere yet" in caplog.text
    assert await app.engine.relay.work_off("main") == 1
    assert (await shaky.get("/api/books/1?include=tags")).json()["tags"] == []
    between.silent = False
    await app.settle()
    assert await ids(shaky, "marks") == []
    assert (await shaky.get("/api/notes/2")).json()["book"] is None


async def test_rows_that_came_to_keep_it_hold_up_nothing_else(shaky: Client) -> None:
    """A loan is written between the question and the delete: its book can't go, the other one does."""
    await put(shaky, authors=[{"id": 1}], books=[{"id": 1, "author": 1}, {"id": 2, "author": 1}])
    app = app_of(shaky)
    assert (await shaky.delete("/api/authors/1")).status_code == 204
    await put(shaky, loans=[{"id": 1, "book": 1}])
    with pytest.raises(Conflict):
        await app.settle()
    assert await ids(shaky, "books") == [1]
    await shaky.delete("/api/loans/1")
    await app.settle()
    assert await ids(shaky, "books") == []


async def test_no_more_rows_go_along_than_can_be_looked_at(shaky: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(outbox, "MOST", 10)
    books = [{"id": number, "author": 1} for number in range(1, 12)]
    await put(shaky, authors=[{"id": 1}], books=books)
    answer = await shaky.delete("/api/authors/1")
    assert answer.status_code == 409
    assert answer.json()["type"].endswith("KP416")
    assert "delete rows of Book first" in answer.json()["detail"]
    await shaky.delete("/api/books/1")
    await shaky.delete("/api/books/2")
    assert (await shaky.delete("/api/authors/1")).status_code == 204


async def test_thousands_follow(shaky: Client) -> None:
    await put(shaky, authors=[{"id": 1}], books=[{"id": 1, "author": 1}])
    app = app_of(shaky)
    await app.stores["far"].write([Insert("Note", ("id", "book_id"), [(number, 1) for number in range(2_500)])])
    assert (await shaky.delete("/api/books/1")).status_code == 204
    await app.settle()
    assert (await shaky.get("/api/notes?book[none]=true&count=exact&limit=1")).json()["total"] == 2_500


# ------------------------------------------------------------------------------------------------------- who does it


def three_files(folder: Path) -> dict[str, str]:
    return {name: f"sqlite:///{folder}/{name}.db" for name in ("main", "near", "far")}


async def test_an_application_that_runs_does_it_by_itself(tmp_path: Path) -> None:
    app = App("shelves", resources=SHELVES, stores=three_files(tmp_path))
    async with Client(app) as client:
        await app.sync()
        await put(client, authors=[{"id": 1}], books=[{"id": 1, "author": 1}], notes=[{"id": 1, "book": 1}])
        assert (await client.delete("/api/authors/1")).status_code == 204
        async with asyncio.timeout(10):
            while await ids(client, "books") or await ids(client, "notes", "&book[none]=false"):  # noqa: ASYNC110
                await asyncio.sleep(0.01)


async def test_one_of_two_does_it_and_the_other_takes_over(tmp_path: Path) -> None:
    urls = three_files(tmp_path)
    first = App("shelves", resources=SHELVES, stores=urls, relay=False)
    second = App("shelves", resources=SHELVES, stores=urls, relay=False)
    async with Client(first) as client, Client(second):
        await first.sync()
        await put(client, authors=[{"id": 1}, {"id": 2}], books=[{"id": 1, "author": 1}, {"id": 2, "author": 2}])
        await client.delete("/api/authors/1")
        await first.settle()
        await client.delete("/api/authors/2")
        assert await second.engine.relay.work_off("main") == 0, "the first has the lease"
        assert await ids(client, "books") == [2]
        await first.engine.relay.stop()
        assert await second.engine.relay.work_off("main") == 1
        assert await ids(client, "books") == []


async def test_both_at_once_do_no_harm(tmp_path: Path) -> None:
    urls = three_files(tmp_path)
    apps = [App("shelves", resources=SHELVES, stores=urls, relay=False) for _ in range(2)]
    async with Client(apps[0]) as client, Client(apps[1]):
        await apps[0].sync()
        books = [{"id": number, "author": number % 20 + 1} for number in range(1, 101)]
        await put(client, authors=[{"id": number} for number in range(1, 21)], books=books)
        for app in apps:  # as if each had the lease, which two have for a moment when clocks differ
            for lease in app.engine.relay.leases.values():
                lease.hold = _always
        for number in range(1, 20):
            assert (await client.delete(f"/api/authors/{number}")).status_code == 204
        await asyncio.gather(*(app.settle() for app in apps))
        assert await ids(client, "books") == [number for number in range(1, 101) if number % 20 == 19]


async def _always() -> bool:
    return True


def test_each_test_of_an_application_has_stores_of_its_own() -> None:
    """`fresh` gives it others, again and again, and each time in another event loop."""
    app = App("shelves", resources=SHELVES, stores=dict.fromkeys(("main", "near", "far"), "memory:"))

    async def once() -> None:
        async with fresh(app), Client(app) as client:
            await put(client, authors=[{"id": 1}], books=[{"id": 1, "author": 1}], prizes=[{"id": 1, "author": 1}])
            assert (await client.delete("/api/authors/1")).status_code == 409
            assert (await client.delete("/api/prizes/1")).status_code == 204
            assert (await client.delete("/api/authors/1")).status_code == 204
            async with asyncio.timeout(10):
                while await ids(client, "books"):  # noqa: ASYNC110
                    await asyncio.sleep(0.01)

    for _ in range(3):
        asyncio.run(once())


async def test_a_note_that_is_none_holds_up_no_other(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    app = App("shelves", resources=SHELVES, stores=three_files(tmp_path), relay=False)
    async with Client(app) as client:
        await app.sync()
        columns = ("id", "resource", "row", "digest", "again", "tries", "due")
        rows = [("0", "Author", "no key", "", False, 0, datetime(2026, 1, 1, tzinfo=UTC))]
        await app.stores["main"].write([Insert("_outbox.main", columns, rows)])
        await put(client, authors=[{"id": 1}], books=[{"id": 1, "author": 1}])
        assert (await client.delete("/api/authors/1")).status_code == 204
        assert await app.engine.relay.work_off("main") == 1
        assert await ids(client, "books") == []
        assert "is not followed everywhere yet" in caplog.text


# --------------------------------------------------------------------------------------------- what can't be followed


class Shelf(Resource, **OPEN):
    id: int = field(key=True)


class Line(Resource, store="files", read=anyone, adopted=True):
    id: int = field(key=True)
    shelf: Shelf | None = field(on_delete="null", default=None)


def test_files_are_not_changed_when_a_row_goes(tmp_path: Path) -> None:
    (tmp_path / "line.csv").write_text("id,shelf_id\n1,1\n")
    with pytest.raises(DeclarationError, match=r"KP321 Line\.shelf") as error:
        App("shelves", resources=[Shelf, Line], stores={"main": "memory:", "files": f"csv://{tmp_path}"})
    assert "without on_delete" in str(error.value)


def test_only_stores_whose_deletes_are_followed_hold_an_outbox() -> None:
    app = App("shelves", resources=SHELVES, stores=dict.fromkeys(("main", "near", "far"), "memory:"))
    assert {name for name in app.model.resources if name.startswith("_outbox")} == {"_outbox.main", "_outbox.near"}
