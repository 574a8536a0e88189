"""Writing many rows with one request: an array, all or nothing.

Rows are named by the members of their keys, in each element of the array; the same rules hold as for one row, and an
error points at the element that it is about (`/3/title`). There is no If-Match for many rows, and no member `_version`
instead of it: who must not overwrite what others did changes rows one by one.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterator, Sequence
from typing import Any, Final, Literal, TypeAlias

from kingpost.base.errors import Detail, Invalid, Rejected, Stale
from kingpost.doors.rest.answer import JSON, PRIVATE, Answer
from kingpost.doors.rest.body import check_type, decode, receive_body
from kingpost.doors.rest.formats import encode
from kingpost.doors.rest.guards import is_array
from kingpost.doors.rest.headers import versions, wants_minimal
from kingpost.doors.rest.query import Questions
from kingpost.doors.rest.request import Request
from kingpost.doors.rest.route import Entry, Target
from kingpost.doors.rest.settings import RestSettings
from kingpost.doors.rest.wishes import BODY, MINIMAL, repeat_of, replayed, require_acceptable
from kingpost.engine.engine import Engine
from kingpost.engine.repeats import Idempotency
from kingpost.model.model import Model

Key: TypeAlias = tuple[Any, ...]
Handler: TypeAlias = Callable[[Request, Target], Awaitable[Answer]]

FAULTS: Final = 100
"""So many of the faults of one array are told."""


class BulkWrites:
    """Answers arrays: POST, PUT, PATCH and DELETE of a collection."""

    def __init__(self, engine: Engine, model: Model, settings: RestSettings) -> None:
        self._engine = engine
        self._settings = settings
        self._inputs = model.inputs
        self._questions = Questions(settings)

    def handlers(self) -> Iterator[tuple[str, Handler]]:
        """What answers each method; POST comes by way of one object or many."""
        yield "PUT", self.replace
        yield "PATCH", self.change
        yield "DELETE", self.delete

    async def create(self, request: Request, entry: Entry, given: list[Any], repeat: Idempotency | None) -> Answer:
        """`POST /api/articles`: rows made together are answered by their keys, in the order given."""
        self._bounded(given)
        self._questions.none(request.query)
        name = entry.resource.name
        knows = self._engine.knows(request.context)
        data = self._each(given, lambda one, index: self._inputs.accept(name, "create", one, (index,), knows))
        keys: Sequence[Key] = ()
        if data:
            keys = await self._engine.create(name, data, request.context, idempotency=repeat)
        return self._keys(request, entry, keys, repeat, 201)

    async def replace(self, request: Request, target: Target) -> Answer:
        """`PUT /api/articles`: whole rows, each with its key; members that are not sent get their default."""
        return await self._update(request, target.entry, "replace each")

    async def change(self, request: Request, target: Target) -> Answer:
        """`PATCH /api/articles`: objects of a key and what changes, by JSON Merge Patch."""
        return await self._update(request, target.entry, "patch each")

    async def delete(self, request: Request, target: Target) -> Answer:
        """`DELETE /api/articles`: keys, bare or as objects. Without any nothing is deleted: there is no "all"."""
        entry = target.entry
        given, repeat = await self._array(request, entry)
        keys = self._inputs.keys(entry.resource.name, given)
        if keys:
            await self._engine.delete_many(entry.resource.name, keys, request.context, idempotency=repeat)
        return Answer(204, [*replayed(repeat), *PRIVATE])

    async def _update(self, request: Request, entry: Entry, purpose: Literal["replace each", "patch each"]) -> Answer:
        given, repeat = await self._array(request, entry)
        name = entry.resource.name
        knows = self._engine.knows(request.context)
        items = self._each(given, lambda one, index: self._inputs.accept_each(name, purpose, one, (index,), knows))
        keys: Sequence[Key] = ()
        if items:
            keys = await self._engine.update_many(
                name, items, request.context, replace=purpose == "replace each", idempotency=repeat
            )
        return self._keys(request, entry, keys, repeat, 200)

    # Parts

    async def _array(self, request: Request, entry: Entry) -> tuple[list[Any], Idempotency | None]:
        """What was sent, refused before anything is written where it or its answer can't be."""
        require_acceptable(request)
        self._questions.none(request.query)
        _require_unconditional(request)
        body = await receive_body(request.receive, request.headers, self._settings.max_body)
        if not body:
            raise Invalid("KP165", "the body must be a JSON array that names the rows")
        check_type(request.headers, BODY)
        given = decode(body, self._settings.max_depth)
        if not is_array(given):
            raise Invalid("KP165", "the body must be a JSON array; one row is written at its own address")
        self._bounded(given)
        return given, repeat_of(request, body)

    def _bounded(self, given: list[Any]) -> None:
        if len(given) > self._settings.max_bulk:
            raise Rejected("KP166", f"an array has at most {self._settings.max_bulk} elements")

    @staticmethod
    def _each(given: list[Any], accept: Callable[[Any, int], Any]) -> list[Any]:
        """All elements checked; what is wrong with any of them is told at once."""
        accepted: list[Any] = []
        faults: list[Detail] = []
        for index, each in enumerate(given):
            try:
                accepted.append(accept(each, index))
            except Rejected as error:
                faults += error.details
        if faults:
            raise Rejected("KP422", Rejected.title, faults[:FAULTS])
        return accepted

    @staticmethod
    def _keys(request: Request, entry: Entry, keys: Sequence[Key], repeat: Idempotency | None, status: int) -> Answer:
        headers = [*replayed(repeat), *PRIVATE]
        if wants_minimal(request.headers.get(b"prefer", b"")):
            headers.append(MINIMAL)
            if status != 201:  # the keys of what was created are not known otherwise
                return Answer(204, headers)
        return Answer(status, [JSON, *headers], encode({"items": [entry.keys.reference(key) for key in keys]}))


def _require_unconditional(request: Request) -> None:
    """A condition that can't be asked must not be taken for one that holds."""
    held, barred = request.headers.get(b"if-match"), request.headers.get(b"if-none-match")
    if (held is not None and versions(held) is not None) or barred is not None:
        raise Stale("KP171", "many rows have no one version: change them one by one, or without a condition")
