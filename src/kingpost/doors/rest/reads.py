"""Reading rows: negotiate, ask the engine, render."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from time import perf_counter
from typing import Any, TypeAlias

from msgspec.structs import replace

from kingpost.base.errors import Detail, Invalid, Rejected
from kingpost.doors.rest.answer import PRIVATE, PUBLIC, Answer, Header, Receive, Scope, Send, digest
from kingpost.doors.rest.formats import (
    CONTENT_TYPES,
    HTML,
    JSON,
    OFFERED,
    WITH_PAGES,
    encode,
    encode_page,
    encode_row,
    line_writer,
)
from kingpost.doors.rest.headers import known, negotiate
from kingpost.doors.rest.problem import Refused
from kingpost.doors.rest.query import Question, Questions, add_hint, exported, require_whole
from kingpost.doors.rest.request import Request, server_timing
from kingpost.doors.rest.route import Target
from kingpost.doors.rest.settings import RestSettings
from kingpost.engine.engine import Engine
from kingpost.model.model import Model, ResourceModel
from kingpost.plan.intent import Read

Chunks: TypeAlias = AsyncIterator[Sequence[Any]]
Pages: TypeAlias = Mapping[str, Callable[[Scope, Receive, Send], Awaitable[None]]]
"""For each resource that has pages, the application that answers where HTML is preferred."""


class Reads:
    """Answers GET and HEAD; None where the answer has been sent already (a stream, or a page)."""

    def __init__(self, engine: Engine, model: Model, settings: RestSettings, pages: Pages) -> None:
        self._engine = engine
        self._model = model
        self._settings = settings
        self._pages = pages
        self._questions = Questions(settings)

    async def collection(self, request: Request, target: Target) -> Answer | None:
        """`GET /api/articles`"""
        resource = target.entry.resource
        media = self._media(request, resource)
        if media == HTML:
            await self._page(request, resource)
            return None
        question = self._questions.ask(resource.name, request.query, many=True)
        try:
            return await self._many(request, resource, question, question.read, media)
        except Invalid as error:
            raise add_hint(error) from None

    async def relation(self, request: Request, target: Target) -> Answer | None:
        """`GET /api/articles/{id}/{relation}`: a list with all its parameters, or the one row."""
        relation = target.entry.relations[target.name]
        resource = self._model[relation.target]
        many = relation.kind != "one"
        media = self._media(request, resource, html=False)
        question = self._questions.ask(resource.name, request.query, many=many)
        source = target.entry.resource.name
        read = replace(question.read, resource=source, key=target.key, relation=relation.name)
        if not many:
            return await self._one(request, resource, read, media)
        try:
            return await self._many(request, resource, question, read, media)
        except Invalid as error:
            raise add_hint(error) from None

    async def row(self, request: Request, target: Target) -> Answer | None:
        """`GET /api/articles/{id}`"""
        resource = target.entry.resource
        media = self._media(request, resource)
        if media == HTML:
            await self._page(request, resource)
            return None
        question = self._questions.ask(resource.name, request.query, many=False)
        return await self._one(request, resource, question.read.alike(key=target.key or ()), media)

    # Stages

    def _media(self, request: Request, resource: ResourceModel, *, html: bool = True) -> str:
        offered = WITH_PAGES if html and resource.name in self._pages else OFFERED
        accept = request.headers.get(b"accept")
        media = JSON if accept is None or accept == b"*/*" else negotiate(accept, offered)
        if media is None:
            raise Refused(406, "KP152", f"this address has {', '.join(offered)}")
        return media

    async def _page(self, request: Request, resource: ResourceModel) -> None:
        await self._pages[resource.name](request.scope, request.receive, request.send)

    async def _one(self, request: Request, resource: ResourceModel, read: Read, media: str) -> Answer:
        answer = await self._engine.one(read, request.context)
        began = perf_counter()
        if media == JSON:
            body = encode_row(answer)
        else:
            require_whole(read)
            body = self._lines(media, resource, read)([answer.item])
        return self._finish(request, media, body, began, row_tag(answer.version, body), public=answer.public)

    async def _many(
        self, request: Request, resource: ResourceModel, question: Question, read: Read, media: str
    ) -> Answer | None:
        if question.kind == "summary":
            items = await self._engine.summary(read, request.context)
            began = perf_counter()
            if not question.limited and len(items) > self._settings.max_page_size:
                message = f"there are more than {self._settings.max_page_size} groups: filter, or give limit"
                raise Rejected("KP168", message, [Detail("?group", "KP168", message)])
            if media == JSON:
                body = b'{"items":%b}' % encode(items)
            else:
                body = self._lines(media, resource, read)(items)
            return self._finish(request, media, body, began)
        if media != JSON:
            await self._stream(request, resource, exported(read, limited=question.limited), media)
            return None
        page = await self._engine.page(read, request.context)
        began = perf_counter()
        body = encode_page(page)
        extra: list[Header] = []
        if page.next is not None:
            # A reference of a query alone: it is resolved against the address that was asked (RFC 3986, section 5.2).
            extra.append((b"link", f'<?{question.onward}{page.next}>; rel="next"'.encode("ascii")))
        return self._finish(request, media, body, began, public=page.public, extra=extra)

    def _lines(self, media: str, resource: ResourceModel, read: Read) -> Any:
        return line_writer(media, self._model, resource, read, guard=self._settings.guard_csv)

    def _finish(
        self,
        request: Request,
        media: str,
        body: bytes,
        began: float,
        tag: bytes | None = None,
        *,
        public: bool = False,
        extra: Sequence[Header] = (),
    ) -> Answer:
        """The answer to a read: 304 where the client has these bytes already."""
        tag = b'"%b"' % digest(body) if tag is None else tag
        headers: list[Header] = [CONTENT_TYPES[media], (b"etag", tag), *(PUBLIC if public else PRIVATE), *extra]
        if self._settings.server_timing:
            headers.append(server_timing(request, perf_counter() - began))
        held = request.headers.get(b"if-none-match")
        if held is not None and known(held, tag):
            return Answer(304, headers[1:])
        return Answer(200, headers, body)

    # Streams

    async def _stream(self, request: Request, resource: ResourceModel, read: Read, media: str) -> None:
        """All rows, chunk by chunk. The first chunk is made before the status is sent, so that errors can be told."""
        write = self._lines(media, resource, read)
        async with _closing(self._engine.stream(read, request.context)) as chunks:
            first = write(await anext(chunks, None) or ())
            headers = [CONTENT_TYPES[media], (b"cache-control", b"private, no-store"), *PRIVATE[1:]]
            request.started = True
            await request.send({"type": "http.response.start", "status": 200, "headers": headers})
            if request.method != "HEAD":
                await request.send({"type": "http.response.body", "body": first, "more_body": True})
                gone = asyncio.ensure_future(_disconnected(request))
                try:
                    async for chunk in chunks:
                        if gone.done():
                            return
                        await request.send({"type": "http.response.body", "body": write(chunk), "more_body": True})
                finally:
                    gone.cancel()
                    with suppress(asyncio.CancelledError, OSError):
                        await gone
            await request.send({"type": "http.response.body", "body": b""})


@asynccontextmanager
async def _closing(chunks: Chunks) -> AsyncGenerator[Chunks]:
    """Ends a stream that is left in the middle, so that its connection goes back."""
    try:
        yield chunks
    finally:
        if isinstance(chunks, AsyncGenerator):
            await chunks.aclose()


async def _disconnected(request: Request) -> None:
    while (await request.receive())["type"] != "http.disconnect":
        pass


def row_tag(version: int | None, body: bytes) -> bytes:
    """The entity tag of a row: `"version-digest"`. Without a version it is weak, so that no If-Match can name it."""
    return b'W/"%b"' % digest(body) if version is None else b'"%d-%b"' % (version, digest(body))
