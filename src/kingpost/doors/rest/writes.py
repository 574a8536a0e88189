"""Writing one row: conditions, the body, the engine, and what the row looks like afterwards."""

from __future__ import annotations

from collections.abc import Iterable
from time import perf_counter
from typing import Any, TypeAlias, cast

from pydantic import BaseModel

from kingpost.base.errors import Forbidden, Invalid, NotFound, Stale, Unauthenticated
from kingpost.doors.rest.answer import JSON, PRIVATE, Answer, Header
from kingpost.doors.rest.body import check_type, decode, receive_body
from kingpost.doors.rest.bulk import BulkWrites
from kingpost.doors.rest.formats import encode, encode_row
from kingpost.doors.rest.guards import is_array, is_object
from kingpost.doors.rest.headers import tags, versions, wants_minimal
from kingpost.doors.rest.keys import KeyForm
from kingpost.doors.rest.problem import Refused
from kingpost.doors.rest.query import Question, Questions
from kingpost.doors.rest.reads import row_tag
from kingpost.doors.rest.request import Request, server_timing
from kingpost.doors.rest.route import Entry, Target
from kingpost.doors.rest.settings import RestSettings
from kingpost.doors.rest.wishes import BODY, MINIMAL, PATCH_BODY, repeat_of, replayed, require_acceptable
from kingpost.engine.engine import Engine
from kingpost.engine.shown import Shown
from kingpost.model.inputs import Purpose
from kingpost.model.model import Model
from kingpost.model.state import key_of
from kingpost.plan.intent import Read

Key: TypeAlias = tuple[Any, ...]


class Writes:
    """Answers POST, PUT, PATCH and DELETE."""

    def __init__(self, engine: Engine, model: Model, settings: RestSettings) -> None:
        self._engine = engine
        self._model = model
        self._settings = settings
        self._inputs = model.inputs
        self._questions = Questions(settings)
        self.bulk = BulkWrites(engine, model, settings)

    async def create(self, request: Request, target: Target) -> Answer:
        """`POST /api/articles`: one object, or an array of them, all or nothing."""
        entry = target.entry
        question = self._before(request, entry)
        body = await self._body(request, BODY)
        given = decode(body, self._settings.max_depth)
        repeat = repeat_of(request, body)
        if is_array(given):
            return await self.bulk.create(request, entry, given, repeat)
        data = self._accepted(request, entry, "create", given)
        shown = self._engine.shown(question.read, request.context)
        keys = await self._engine.create(entry.resource.name, data, request.context, idempotency=repeat, shown=shown)
        key = keys[0]
        headers = [*replayed(repeat), (b"location", _location(request, entry, key))]
        return await self._shown(request, question.read, key, 201, headers, shown)

    async def replace(self, request: Request, target: Target) -> Answer:
        """`PUT /api/articles/{id}`: members that are not sent get their default."""
        return await self._update(request, target, BODY, replace=True)

    async def change(self, request: Request, target: Target) -> Answer:
        """`PATCH /api/articles/{id}`: JSON Merge Patch (RFC 7396)."""
        return await self._update(request, target, PATCH_BODY, replace=False)

    async def _update(self, request: Request, target: Target, accepted: tuple[str, ...], *, replace: bool) -> Answer:
        entry, key = target.entry, target.key or ()
        name = entry.resource.name
        question = self._before(request, entry)
        self._demand_version(request)
        body = await self._body(request, accepted)
        given = decode(body, self._settings.max_depth)
        data = self._accepted(request, entry, "replace" if replace else "patch", given)
        repeat = repeat_of(request, body)
        version = await self._version(request, entry, key)
        shown = self._engine.shown(question.read, request.context)
        await self._engine.update(
            name, key, data, request.context, replace=replace, version=version, idempotency=repeat, shown=shown
        )
        return await self._shown(request, question.read, key, 200, replayed(repeat), shown)

    async def delete(self, request: Request, target: Target) -> Answer:
        """`DELETE /api/articles/{id}`"""
        entry, key = target.entry, target.key or ()
        self._questions.none(request.query)
        self._demand_version(request)
        repeat = repeat_of(request, b"")
        version = await self._version(request, entry, key)
        await self._engine.delete(entry.resource.name, key, request.context, version=version, idempotency=repeat)
        return Answer(204, [*replayed(repeat), *PRIVATE])

    async def act(self, request: Request, target: Target) -> Answer:
        """`POST /api/articles/{id}/{action}` and `POST /api/articles/-/{action}`"""
        entry, key = target.entry, target.key
        action = entry.actions[target.name]
        question = self._before(request, entry)
        body = await receive_body(request.receive, request.headers, self._settings.max_body)
        given: dict[str, Any] = {}
        if body:
            check_type(request.headers, BODY)
            given = _object(decode(body, self._settings.max_depth))
        arguments = self._inputs.arguments(entry.resource.name, action.name, given)
        repeat = repeat_of(request, body)
        version = None if key is None else await self._version(request, entry, key)
        result = await self._engine.act(
            entry.resource.name, key, action.name, arguments, request.context, version=version, idempotency=repeat
        )
        headers = replayed(repeat)
        if repeat is not None and repeat.replayed and key is not None and self._named(action.returns) is not None:
            return await self._shown(request, question.read, key, 200, headers)
        return await self._result(request, question.read, result, headers)

    # Before the write

    def _before(self, request: Request, entry: Entry) -> Question:
        """What would only be found wrong when the row is written already."""
        require_acceptable(request)
        return self._questions.ask(entry.resource.name, request.query, many=False)

    def _accepted(self, request: Request, entry: Entry, purpose: Purpose, given: Any) -> dict[str, Any]:
        knows = self._engine.knows(request.context)
        return self._inputs.accept(entry.resource.name, purpose, _object(given), (), knows)

    async def _body(self, request: Request, accepted: tuple[str, ...]) -> bytes:
        check_type(request.headers, accepted)
        return await receive_body(request.receive, request.headers, self._settings.max_body)

    def _demand_version(self, request: Request) -> None:
        if self._settings.require_if_match and b"if-match" not in request.headers:
            raise Refused(428, "KP172", "send the ETag of the row that you read in If-Match")

    async def _version(self, request: Request, entry: Entry, key: Key) -> int | None:
        """The version that the row must still have (RFC 9110, section 13.1); the digest in a tag is not compared."""
        held, barred = request.headers.get(b"if-match"), request.headers.get(b"if-none-match")
        if barred is not None:
            await self._check_barred(request, entry, key, barred)
        admitted = None if held is None else versions(held)
        if admitted is None:
            return None
        if len(admitted) == 1:
            return admitted.pop()
        present = await self._present(request, entry, key)
        if present not in admitted:
            raise Stale("KP171", "the row does not have a version named in If-Match")
        return present

    async def _check_barred(self, request: Request, entry: Entry, key: Key, value: bytes) -> None:
        found = tags("If-None-Match", value)
        present = await self._present(request, entry, key)
        if found is None or str(present) in {text.partition("-")[0] for _, text in found}:
            raise Stale("KP173", "the row is as If-None-Match bars it")

    async def _present(self, request: Request, entry: Entry, key: Key) -> int | None:
        members = tuple((name,) for name in entry.resource.key)
        return (await self._engine.one(Read(entry.resource.name, key, fields=members), request.context)).version

    # After the write

    async def _shown(
        self,
        request: Request,
        template: Read,
        key: Key,
        status: int,
        headers: list[Header],
        shown: Shown | None = None,
    ) -> Answer:
        """The row as it is now, as far as the actor may read it; `shown` may have it from the write itself."""
        if wants_minimal(request.headers.get(b"prefer", b"")):
            return self._unshown(template, key, status, [*headers, MINIMAL])
        try:
            found = shown.one if shown is not None else None
            if found is None:
                found = await self._engine.one(template.alike(key=key), request.context)
        except (NotFound, Forbidden, Unauthenticated):  # written, but not for these eyes
            return self._unshown(template, key, status, headers)
        began = perf_counter()
        body = encode_row(found)
        headers = [JSON, (b"etag", row_tag(found.version, body)), *PRIVATE, *headers]
        if self._settings.server_timing:
            headers.append(server_timing(request, perf_counter() - began))
        return Answer(status, headers, body)

    def _unshown(self, template: Read, key: Key, status: int, headers: list[Header]) -> Answer:
        """Of a row that was created at least its key, which its address has too; of others nothing."""
        if status != 201:
            return _bare(headers)
        named = KeyForm(self._model, self._model[template.resource]).reference(key)
        return Answer(201, [JSON, *headers, *PRIVATE], encode(named))

    async def _result(self, request: Request, template: Read, result: Any, headers: list[Header]) -> Answer:
        """What an action returned: a row is read anew, so that rules decide what is seen of it."""
        if result is None:
            return _bare(headers)
        name = self._named(type(result))
        if name is not None:
            same = template if name == template.resource else Read(name, ())
            return await self._shown(request, same, key_of(result), 200, headers)
        return Answer(200, [JSON, *PRIVATE, *headers], encode(self._plain(result)))

    def _plain(self, value: Any) -> Any:
        """Rows inside of other values are told by their keys."""
        if isinstance(value, BaseModel):
            return {name: self._plain(getattr(value, name)) for name in type(value).model_fields}
        if is_object(value):
            return {key: self._plain(each) for key, each in value.items()}
        if isinstance(value, list | tuple | set | frozenset):
            return [self._plain(each) for each in cast("Iterable[Any]", value)]
        name = self._named(type(value))
        return value if name is None else KeyForm(self._model, self._model[name]).reference(key_of(value))

    def _named(self, cls: Any) -> str | None:
        return self._model.classes.get(cls) if isinstance(cls, type) else None


def _object(given: Any) -> dict[str, Any]:
    if not is_object(given):
        raise Invalid("KP165", "the body must be one JSON object")
    return given


def _bare(headers: list[Header]) -> Answer:
    """Done, and nothing to show."""
    return Answer(204, [*headers, *PRIVATE])


def _location(request: Request, entry: Entry, key: Key) -> bytes:
    root = request.scope.get("root_path", "")
    return f"{root}{entry.path}/{entry.keys.write(key)}".encode("latin-1")
