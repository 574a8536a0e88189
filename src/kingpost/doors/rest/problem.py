"""Errors as RFC 9457 problems, and the page that explains each kind."""

from __future__ import annotations

import logging
from collections.abc import Iterable
from html import escape
from typing import Any, Final
from uuid import uuid4

import msgspec

from kingpost.base.errors import (
    Conflict,
    Detail,
    Forbidden,
    Incomplete,
    Invalid,
    KingpostError,
    NotFound,
    OutOfSpace,
    Rejected,
    Stale,
    TooSlow,
    Unauthenticated,
    Unavailable,
    Unsupported,
)
from kingpost.base.errors import Refused as Declined
from kingpost.doors.rest.answer import HTML, NO_STORE, NOSNIFF, PROBLEM, Answer, Header
from kingpost.doors.rest.codes import CODES, Code

log = logging.getLogger("kingpost.rest")

STATUS: Final[dict[type[KingpostError], int]] = {
    Invalid: 400,
    Unauthenticated: 401,
    Forbidden: 403,
    NotFound: 404,
    Incomplete: 408,
    Conflict: 409,
    Stale: 412,
    Rejected: 422,
    Unsupported: 422,
    Unavailable: 503,
    TooSlow: 504,
    OutOfSpace: 507,
}
RETRY_AFTER: Final[Header] = (b"retry-after", b"2")


class Refused(KingpostError):
    """A request refused for a reason that only HTTP knows; `headers` go with the answer."""

    def __init__(
        self, status: int, code: str, message: str, details: Iterable[Detail] = (), headers: Iterable[Header] = ()
    ) -> None:
        self.status = status
        self.headers = tuple(headers)
        super().__init__(code, message, details)

    @property
    def words(self) -> str:
        return CODES[self.code].title


def invalid(code: str, message: str, pointer: str) -> Invalid:
    """A 400 that points at one parameter or member."""
    return Invalid(code, message, [Detail(pointer, code, message)])


def status_of(error: KingpostError) -> int:
    """The HTTP status of an error."""
    if isinstance(error, Refused):
        return error.status
    if isinstance(error, Declined):
        return 422 if error.field else 409
    return next((STATUS[kind] for kind in type(error).__mro__ if kind in STATUS), 500)


def problem(error: KingpostError, *, challenge: str = "Bearer", hint: str = "") -> Answer:
    """The answer that tells of an error; `hint` is for developers only."""
    status = status_of(error)
    headers = [PROBLEM, NO_STORE, NOSNIFF]
    if isinstance(error, Refused):
        headers += error.headers
    elif status == 401:
        headers.append((b"www-authenticate", challenge.encode("latin-1")))
    elif status == 503:
        headers.append(RETRY_AFTER)
    elif status == 408:  # what is still to come of it can't be told from a next request (RFC 9110, section 15.5.9)
        headers.append((b"connection", b"close"))
    title = error.words if isinstance(error, Refused) else error.title
    return Answer(status, headers, _encode(status, error.code, title, error.message, error.details, hint=hint))


def crash(error: BaseException, where: str) -> Answer:
    """The answer to an error that nobody foresaw: an id to find it in the log by, and not a word of what it was."""
    id = str(uuid4())
    log.error("%s failed, request id %s", where, id, exc_info=error)
    message = "The log of the server tells more under the id in instance."
    body = _encode(500, "KP190", CODES["KP190"].title, message, (), instance=f"urn:uuid:{id}")
    return Answer(500, [PROBLEM, NO_STORE, NOSNIFF, (b"x-request-id", id.encode("ascii"))], body)


def _encode(
    status: int,
    code: str,
    title: str,
    detail: str,
    details: tuple[Detail, ...],
    instance: str | None = None,
    hint: str = "",
) -> bytes:
    body: dict[str, Any] = {"type": f"/problems/{code}", "title": title, "status": status, "detail": detail}
    if instance is not None:
        body["instance"] = instance
    if hint:
        body["hint"] = hint
    if details:
        body["errors"] = [{"pointer": d.pointer, "code": d.code, "message": d.message} for d in details]
    try:
        return msgspec.json.encode(body)
    except UnicodeEncodeError:  # a lone surrogate in a name that was repeated to the client
        body["detail"], body["errors"] = title, []
        return msgspec.json.encode(body)


# --------------------------------------------------------------------------------------------------------------- pages

_PAGE: Final = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{title}</title>
<style>
:root {{ color-scheme: light dark }}
body {{ font: 1rem/1.6 system-ui, sans-serif; max-width: 42rem; margin: 3rem auto; padding: 0 1.25rem }}
code {{ font-family: ui-monospace, monospace }}
dt {{ margin-top: 1rem; font-weight: 600 }}
dd {{ margin: 0 }}
</style>
</head>
<body>
<main>
{body}
</main>
</body>
</html>
"""


def explanation(code: Code) -> Answer:
    """The page at `/problems/{id}`."""
    body = f"<p><code>{code.id}</code></p>\n<h1>{escape(code.title)}</h1>\n<p>{escape(code.text)}</p>"
    return _page(f"{code.id} {code.title}", f'{body}\n<p><a href="/problems/">All problems</a></p>')


def explanations() -> Answer:
    """The page at `/problems/`."""
    entries = "\n".join(
        f'<dt><a href="/problems/{code.id}">{code.id}</a> {escape(code.title)}</dt>\n<dd>{escape(code.text)}</dd>'
        for code in CODES.values()
    )
    return _page(
        "Problems", f"<h1>Problems</h1>\n<p>The kinds of problem that answers name.</p>\n<dl>\n{entries}\n</dl>"
    )


def _page(title: str, body: str) -> Answer:
    text = _PAGE.format(title=escape(title), body=body)
    policy = (b"content-security-policy", b"default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'")
    headers = [HTML, NOSNIFF, (b"cache-control", b"public, max-age=3600"), policy]
    return Answer(200, headers, text.encode())
