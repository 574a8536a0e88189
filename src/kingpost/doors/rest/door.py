"""The REST door: an ASGI application over one model. Its stages: route, identity, read (or body), engine, render."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, TypeAlias
from urllib.parse import quote

from kingpost.base.errors import KingpostError, NotFound
from kingpost.doors.rest.answer import NOSNIFF, Answer, Receive, Scope, Send, send_answer
from kingpost.doors.rest.body import MERGE_PATCH
from kingpost.doors.rest.codes import CODES
from kingpost.doors.rest.formats import JSON
from kingpost.doors.rest.headers import allow
from kingpost.doors.rest.openapi import Description
from kingpost.doors.rest.problem import Refused, crash, explanation, explanations, problem
from kingpost.doors.rest.reads import Pages, Reads
from kingpost.doors.rest.request import Request, asker, raw_path
from kingpost.doors.rest.route import READS, Routes, Target, nothing_here
from kingpost.doors.rest.settings import RestSettings
from kingpost.doors.rest.writes import Writes
from kingpost.engine.context import Context
from kingpost.engine.engine import Engine
from kingpost.model.model import Model
from kingpost.plan.hints import admitting

log = logging.getLogger("kingpost.rest")
access = logging.getLogger("kingpost.access")

Handler: TypeAlias = Callable[[Request, Target], Awaitable[Answer | None]]
Static: TypeAlias = Callable[[], Answer]

PROBLEMS = "/problems/"


class RestDoor:
    """Serves the resources of a model under `prefix`, their description, and the pages of problems.

    The actor is `scope["kingpost.actor"]`: an instance of the model's actor resource, or None. `pages` says for which
    resources HTML is answered, and by what. `others` answers the OpenAPI document of routes that are served elsewhere.
    `development` says whether it is developers who ask: they are told which rules refused.
    """

    def __init__(
        self,
        engine: Engine,
        model: Model,
        *,
        prefix: str = "/api",
        settings: RestSettings | None = None,
        pages: Pages | None = None,
        others: Callable[[], Mapping[str, Any]] | None = None,
        development: Callable[[], bool] = bool,
    ) -> None:
        self._model = model
        self._development = development
        self.settings = settings or RestSettings()
        self._engine = engine
        self._routes = Routes(model, prefix, bulk=not self.settings.require_if_match)
        self.description = Description(model, self._routes, self.settings, others)
        reads = Reads(engine, model, self.settings, pages if pages is not None else {})
        writes = Writes(engine, model, self.settings)
        self._handlers: dict[tuple[str, str], Handler] = {
            ("collection", "GET"): reads.collection,
            ("collection", "HEAD"): reads.collection,
            ("collection", "POST"): writes.create,
            **({("collection", method): bulk for method, bulk in writes.bulk.handlers()} if self._routes.bulk else {}),
            ("row", "GET"): reads.row,
            ("row", "HEAD"): reads.row,
            ("row", "PUT"): writes.replace,
            ("row", "PATCH"): writes.change,
            ("row", "DELETE"): writes.delete,
            ("relation", "GET"): reads.relation,
            ("relation", "HEAD"): reads.relation,
            ("row action", "POST"): writes.act,
            ("collection action", "POST"): writes.act,
        }
        self._statics: dict[str, Static] = {}
        if self.settings.docs:
            root = self._routes.prefix
            self._statics = {f"{root}/openapi.json": self.description.document, f"{root}/docs": self.description.page}

    def matches(self, path: str) -> bool:
        """Whether this door answers at a (decoded) path; all others belong to the application's own routes."""
        return self._routes.entry(path) is not None or path in self._statics or path.startswith(PROBLEMS)

    def routes(self) -> list[tuple[str, str, str]]:
        """Method, path and description of all that is served, in the order of the declaration."""
        found = list(self._routes.list())
        found += [("GET", path, "The description of this API") for path in self._statics]
        return [*found, ("GET", f"{PROBLEMS}{{code}}", "What a kind of problem means")]

    def hint(self, error: KingpostError) -> str:
        """For developers the rules that refused, in the log too, where a browser shows no more than the status."""
        if error.asked is None or not self._development():
            return ""
        hint = admitting(self._model, error.asked)
        access.warning("%s %s: %s", error.code, error.message, hint)
        return hint

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one HTTP request. Every fault becomes a problem, unless the answer has begun."""
        request: Request | None = None
        try:
            request = self._identify(scope, receive, send)
            answer = await self._answer(request)
        except KingpostError as error:
            answer = problem(error, challenge=self.settings.challenge, hint=self.hint(error))
        except Exception as error:
            if request is not None and request.started:
                # The status has been sent: only a connection cut short still tells that something is missing.
                log.exception("%s broke off", _in_log(scope))
                raise
            if scope.get("kingpost.raise"):  # a test wants the error itself
                raise
            answer = crash(error, _in_log(scope))
        if answer is not None:
            await send_answer(send, answer, head=scope["method"] == "HEAD")

    # Stages

    def _identify(self, scope: Scope, receive: Receive, send: Send) -> Request:
        """Who asks, and the one instant of the request."""
        return Request(scope, receive, send, Context(asker(scope, self._model), self._engine.clock()))

    async def _answer(self, request: Request) -> Answer | None:
        path = raw_path(request.scope)
        found = self._routes.entry(path)
        if found is None:
            return self._static(request, path)
        target = self._routes.target(*found, request.method)
        if target.place == "relation" and self._is_hidden(request, target):
            raise nothing_here()
        handler = self._handlers.get((target.place, request.method))
        if handler is not None:
            return await handler(request, target)
        return _other_method(request, self._routes.allowed(target), target)

    def _is_hidden(self, request: Request, target: Target) -> bool:
        """Whether it is a relation that the actor may read on no row, which is none to him."""
        ruled = target.entry.relations[target.name].access.read is not None
        return ruled and not self._engine.reads(target.entry.resource.name, target.name, request.context)

    def _static(self, request: Request, path: str) -> Answer:
        """What is the same for everyone: the description of the API and the pages of problems."""
        make = self._statics.get(path)
        if make is None and path.startswith(PROBLEMS):
            code = path.removeprefix(PROBLEMS)
            if code not in CODES and code:
                raise NotFound("KP150", "there is no problem of this id")
            make = explanations if not code else lambda: explanation(CODES[code])
        if make is None:
            raise nothing_here()
        if request.method not in READS:
            return _other_method(request, (*READS, "OPTIONS"), None)
        answer = make()
        tag = next((value for name, value in answer.headers if name == b"etag"), None)
        if tag is not None and request.headers.get(b"if-none-match") == tag:
            return Answer(304, answer.headers)
        return answer


def _in_log(scope: Scope) -> str:
    """Method and path in characters that make no second line of one."""
    return f"{scope['method']} {quote(scope['path'], safe='/', errors='replace')}"


def _other_method(request: Request, methods: tuple[str, ...], target: Target | None) -> Answer:
    """OPTIONS, or 405."""
    if request.method != "OPTIONS":
        message = f"{request.method} is not among the methods of this address: {', '.join(methods)}"
        raise Refused(405, "KP151", message, headers=[allow(methods)])
    headers = [allow(methods), NOSNIFF]
    if target is not None and "PATCH" in methods:
        # An array is no merge patch (RFC 7396, section 1): it would replace the whole collection.
        accepted = JSON if target.place == "collection" else f"{MERGE_PATCH}, {JSON}"
        headers.append((b"accept-patch", accepted.encode("ascii")))
    if target is not None and "POST" in methods:
        headers.append((b"accept-post", JSON.encode("ascii")))
    return Answer(204, headers)
