"""The learning site on each database, and who visits it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from kingpost import App
from kingpost.base.clock import FrozenClock
from kingpost.engine.context import as_system
from tests.doors.rest.client import Client
from tests.doors.rest.domain import RESOURCES, Article, Comment, Topic, User

START = datetime(2026, 3, 1, 12, tzinfo=UTC)


@dataclass
class Site:
    """An application with three people, two topics, and two articles by Ada: one public, one a draft."""

    app: App
    clock: FrozenClock
    ada: User
    bob: User
    eve: User
    sql: Topic
    http: Topic
    public: Article
    draft: Article

    @property
    def anonymous(self) -> Client:
        return Client(self.app)

    def as_(self, actor: Any) -> Client:
        return Client(self.app, actor)


@pytest.fixture(params=["memory", "sqlite", "postgres"])
def store_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    if request.param == "postgres":
        return str(request.getfixturevalue("postgres_url"))
    return "memory:" if request.param == "memory" else f"sqlite:///{tmp_path}/site.db"


@pytest.fixture
async def site(store_url: str) -> AsyncIterator[Site]:
    clock = FrozenClock(START)
    app = App("site", resources=RESOURCES, actor=User, stores={"main": store_url}, clock=clock)
    await app.start()
    await app.sync()
    with as_system("the rows of the tests"):
        ada = User(name="Ada", email="ada@example.org", role="author")
        bob = User(name="Bob", email="bob@example.org")
        eve = User(name="Eve", email="eve@example.org", role="editor")
        sql, http = Topic(name="SQL", hours=30), Topic(name="HTTP", hours=8)
        for row in (ada, bob, eve, sql, http):
            await row.save()
        public = Article(
            title="Joins",
            body="# Joins",
            author=ada,
            topics=[sql],
            published_at=START - timedelta(days=1),
            notes="mine",
        )
        draft = Article(title="Drafts", body="…", author=ada, topics=[sql, http])
        await public.save()
        await draft.save()
        for approved in (True, False, True):
            await Comment(article=public, author=bob, text="Good", approved=approved).save()
    yield Site(app, clock, ada, bob, eve, sql, http, public, draft)
    await app.stop()
