"""`kingpost.testing`, on the blog."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from starlette.types import ASGIApp, Receive, Scope, Send

from kingpost import App, Resource, Unauthenticated, action, actor, anyone, as_system, now
from kingpost.testing import Client, freeze, fresh, seed_ids
from tests.blog import AT, Article, User, blog
from tests.services.postgres import PostgresServer


@pytest.fixture
async def app() -> AsyncIterator[App]:
    async with fresh(lambda: blog("sqlite:///nowhere/at-all.db")) as app:
        yield app


async def people() -> tuple[User, User]:
    with as_system("test data"):
        ada, bob = User(name="Ada", email="ada@x.org"), User(name="Bob", email="bob@x.org")
        await ada.save()
        await bob.save()
        await Article(title="Draft", author=ada).save()
    return ada, bob


async def test_a_call_is_made_in_the_name_of_its_actor(app: App) -> None:
    ada, bob = await people()
    async with Client(app, actor=bob) as client:

        async def seen(who: Client, **options: object) -> int:
            return len((await who.get("/api/articles", **options)).json()["items"])

        assert await seen(client) == 0
        assert await seen(client, actor=ada) == 1
        assert await seen(client, actor=None) == 0
        assert await seen(client.acting(ada)) == 1
        assert await seen(client.acting(ada), actor=bob) == 0
        answer = await client.post("/api/articles", json={"title": "New"}, actor=ada)
        assert answer.status_code == 201
        path = f"/api/articles/{answer.json()['id']}"
        assert (await client.patch(path, json={"title": "Newer"}, actor=ada)).json()["title"] == "Newer"
        assert (await client.delete(path, actor=ada)).status_code == 204
        assert (await client.head("/api/articles")).status_code == 200
        assert "PATCH" in (await client.options(path)).headers["allow"]


async def test_the_actor_reaches_custom_endpoints(app: App) -> None:
    ada, _ = await people()

    @app.get("/count")
    async def count() -> int:
        return await Article.all().count()

    async with Client(app) as client:
        assert (await client.get("/count", actor=ada)).json() == 1
        assert (await client.get("/count")).json() == 0


class Fragile(Resource, read=anyone, breaks=anyone):
    @action(collection=True)
    @classmethod
    async def breaks(cls) -> None:
        raise ZeroDivisionError("on purpose")


async def test_what_the_application_raises_is_raised_unless_it_shall_not_be() -> None:
    app = App("fragile", resources=[Fragile], stores={"main": "memory:"})

    @app.get("/broken")
    async def broken() -> None:
        raise ZeroDivisionError("on purpose")

    async with fresh(app), Client(app) as client:
        for method, path in (("GET", "/broken"), ("POST", "/api/fragiles/-/breaks")):
            with pytest.raises(ZeroDivisionError):
                await client.request(method, path)
            quiet = Client(app, raise_errors=False)
            assert (await quiet.request(method, path)).status_code == 500


async def test_the_lifespan_is_the_servers() -> None:
    events: list[str] = []

    async def application(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await receive()
            scope["state"]["pool"] = "open"
            events.append("up")
            await send({"type": "lifespan.startup.complete"})
            await receive()
            events.append("down")
            await send({"type": "lifespan.shutdown.complete"})
            return
        body = scope["state"]["pool"].encode()
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": body})

    async with Client(application) as client:
        assert events == ["up"]
        assert (await client.get("/")).text == "open"
        assert (await client.acting(None).get("/")).text == "open"
    assert events == ["up", "down"]


async def test_an_application_that_does_not_start_says_why() -> None:
    async def application(scope: Scope, receive: Receive, send: Send) -> None:
        raise ZeroDivisionError("no start")

    with pytest.raises(ZeroDivisionError):
        async with Client(application):
            pass


async def test_time_stands_still_for_application_and_test(app: App) -> None:
    ada, _ = await people()
    article = await _draft(app, ada)
    async with Client(app) as client:
        with freeze(app, datetime(2030, 1, 1, tzinfo=UTC)) as clock:
            assert now() == datetime(2030, 1, 1, tzinfo=UTC)
            await client.post(f"/api/articles/{article.id}/publish", json={"at": "2030-01-02T00:00:00Z"}, actor=ada)
            assert len((await client.get("/api/articles")).json()["items"]) == 0
            clock.advance(timedelta(days=1))
            assert len((await client.get("/api/articles")).json()["items"]) == 1
    assert app.engine.clock() == AT


async def _draft(app: App, ada: User) -> Article:
    with app.acting(ada):
        return (await Article.all())[0]


async def test_ids_are_the_same_in_every_run(app: App) -> None:
    made: list[list[object]] = []
    for _ in range(2):
        with seed_ids(app, 7):
            made.append([User(name="Ada", email="a").id, app.engine.new_id()])
    assert made[0] == made[1]
    assert len(set(made[0])) == 2
    with seed_ids(app, 8):
        assert User(name="Ada", email="a").id not in made[0]
    assert User(name="Ada", email="a").id != User(name="Ada", email="a").id


async def test_fresh_databases_are_empty_each_time_and_the_own_ones_come_back() -> None:
    app = blog("sqlite:///nowhere/at-all.db")
    own = dict(app.stores)
    for _ in range(2):
        async with fresh(app), Client(app) as client:
            ada, _ = await people()
            assert (await client.get("/api/users?count=exact")).json()["total"] == 2
            with app.acting(None), pytest.raises(Unauthenticated):
                await ada.delete()
    assert dict(app.stores) == own


async def test_fresh_on_a_named_store(postgres_url: str) -> None:
    """Empty each time, whatever a test before has left, and nothing of it stays."""
    app = blog(postgres_url)
    await app.start()
    await app.sync()
    await people()
    await app.stop()
    for _ in range(2):
        async with fresh(app, main=f"{postgres_url}?wait=5"):
            assert await User.all().count() == 0
            await people()
            assert await User.all().count() == 2
    with pytest.raises(RuntimeError, match="a test"):
        async with fresh(app, main=postgres_url):
            raise RuntimeError("a test that fails")
    await app.start()
    with as_system("which schemas there are"):
        found = await app.execute("SELECT nspname FROM pg_namespace WHERE nspname LIKE 'kingpost_test_%'")
    assert len(found) == 0
    assert await User.all().count() == 2  # what was there before is untouched
    await app.stop()


async def test_fresh_on_a_named_file(tmp_path: Path) -> None:
    for before in (0, 2):
        async with fresh(blog("memory:"), main=f"sqlite:///{tmp_path / 'kept.db'}"):
            assert await User.all().count() == before
            if not before:
                await people()


async def test_fresh_needs_to_make_a_schema(postgres_url: str, postgres_server: PostgresServer) -> None:
    postgres_server.sql("CREATE USER tester PASSWORD 'tester'")
    url = urlsplit(postgres_url)
    theirs = url._replace(netloc=f"tester:tester@{url.hostname}:{url.port}").geturl()
    app = blog("memory:")
    own = dict(app.stores)
    with pytest.raises(Exception, match="permission denied") as refused:
        async with fresh(app, main=theirs):
            pass
    assert "GRANT CREATE ON DATABASE" in refused.value.__notes__[0]
    assert dict(app.stores) == own


class FromHeader:
    """Middleware of an application: whoever the header names asks, else nobody."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            name = dict(scope["headers"]).get(b"x-name", b"").decode()
            with as_system("who asks"):
                found = await User.where(name=name).first()
            scope = {**scope, "kingpost.actor": found}
        await self.app(scope, receive, send)


@pytest.mark.parametrize("around", [False, True], ids=["added", "around"])
async def test_who_is_named_asks_whatever_middleware_finds(around: bool) -> None:
    async def who() -> str | None:
        return None if actor() is None else actor().name

    app = blog("memory:")
    app.get("/who")(who)
    served: ASGIApp = FromHeader(app) if around else app
    if not around:
        app.add_middleware(FromHeader)
    async with fresh(app), Client(served) as client:
        ada, bob = await people()

        async def asked(who: Client, name: str = "", **options: object) -> tuple[str | None, int]:
            headers = {"x-name": name}
            said = (await who.get("/who", headers=headers, **options)).json()
            return said, len((await who.get("/api/articles", headers=headers, **options)).json()["items"])

        assert await asked(client) == (None, 0)
        assert await asked(client, "Ada") == ("Ada", 1)
        assert await asked(client, actor=ada) == ("Ada", 1)
        assert await asked(client, "Ada", actor=bob) == ("Bob", 0)
        assert await asked(client, "Ada", actor=None) == (None, 0)
        assert await asked(client.acting(ada), "Bob") == ("Ada", 1)
        assert await asked(client.acting(None), "Ada") == (None, 0)
