"""A developer is told which rules refused; users never are."""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator
from typing import Any

import pytest

from kingpost import App, Resource, action, allow, anyone, authenticated, deny, field, nobody
from tests.doors.rest.client import Client


class User(Resource, read=anyone, write=anyone):
    name: str
    role: str = field(default="reader", write="me is not None and me.name == 'root'")


class Note(Resource, read=anyone, create=authenticated, delete=nobody):
    owner: User
    text: str = ""

    @allow("update")
    def mine(self, me: User | None) -> bool:
        return me is not None and self.owner == me

    @deny("update")
    def locked(self) -> bool:
        return self.text == "secret"

    @action
    def publish(self) -> None: ...


HERE = "test_rest_hints.py:"


@pytest.fixture
async def app() -> AsyncIterator[App]:
    app = App("notes", resources=[User, Note], actor=User, stores={"main": "memory:"}, debug=True)
    await app.start()
    yield app
    await app.stop()


async def _rows(app: App) -> tuple[User, str, str]:
    ask = Client(app)
    ada, bob = [(await ask("POST", "/api/users", {"name": name})).json["id"] for name in ("Ada", "Bob")]
    note = await Client(app, User(name="Ada"))("POST", "/api/notes", {"owner": ada, "text": "secret"})
    with app.acting(None):
        return await User.get(bob), f"/api/notes/{note.json['id']}", f"/api/users/{bob}"


async def test_the_rules_that_refused(app: App, caplog: pytest.LogCaptureFixture) -> None:
    bob, note, own = await _rows(app)
    ask = Client(app, bob)
    with caplog.at_level(logging.WARNING, "kingpost.access"):
        refused = await ask("PATCH", note, {"text": "x"})
    assert refused.status == 403
    hint = refused.json["hint"]
    assert '@allow("update") mine' in hint
    assert '@deny("update") locked' in hint
    assert hint.count(HERE) == 2
    assert "secret" not in refused.body.decode()
    assert hint in caplog.text
    assert "no rule allows delete" in (await ask("DELETE", note)).json["hint"]
    role = (await ask("PATCH", own, {"role": "editor"})).json["hint"]
    assert "role: ... = field(write=...)" in role
    assert "write=anyone" in role


async def test_a_rule_that_would_admit(app: App) -> None:
    bob, note, _ = await _rows(app)
    hint = (await Client(app, bob)("POST", f"{note}/publish")).json["hint"]
    assert '@allow("publish")\n    def may_publish(self, me: User | None) -> bool:' in hint
    assert f"class Note ({HERE}" in hint.replace("tests/doors/rest/", "")
    anonymous = await Client(app)("POST", f"{note}/publish")
    assert (anonymous.status, '@allow("publish")' in anonymous.json["hint"]) == (401, True)
    new = await Client(app)("POST", "/api/notes", {"owner": str(bob.id)})
    assert 'class Note(..., create="me is not None")' in new.json["hint"]


async def test_users_are_not_told(app: App, monkeypatch: pytest.MonkeyPatch, caplog: Any) -> None:
    bob, note, _ = await _rows(app)
    app.debug = False
    with caplog.at_level(logging.DEBUG, "kingpost.access"):
        refused = await Client(app, bob)("PATCH", note, {"text": "x"})
    assert (refused.status, "hint" in refused.json, caplog.text) == (403, False, "")
    monkeypatch.setenv("KINGPOST_DEVELOPMENT", "1")
    assert "hint" in (await Client(app, bob)("PATCH", note, {"text": "x"})).json
    missing = await Client(app, bob)("GET", "/api/notes/01936f2e-8a4b-7c1d-9e2f-3a4b5c6d7e8f")
    assert "hint" not in missing.json


async def test_endpoints_of_ones_own_tell_too(app: App) -> None:
    @app.get("/own")
    async def own() -> None:
        await (await Note.all().one()).delete()

    await _rows(app)
    reply = await Client(app)("GET", "/own")
    assert (reply.status, "no rule allows delete" in reply.json["hint"]) == (401, True)
