"""Reading lists of an API to their end, page by page: as a whole, or not at all."""

from __future__ import annotations

import re
from collections.abc import AsyncGenerator, Callable, Mapping
from typing import Any, Final, TypeAlias
from urllib.parse import urlencode, urljoin, urlsplit

from kingpost.model.api import Api, Cursor, Link, Offset, Page, parts
from kingpost.stores.contract import StoreDamaged
from kingpost.stores.http.address import origin_of
from kingpost.stores.http.cache import Answer
from kingpost.stores.http.client import Client, shown
from kingpost.stores.http.rows import Reading, at_path
from kingpost.stores.memory.state import Row

Made: TypeAlias = Callable[[Mapping[str, str]], str]
"""The address with these parameters more."""

MAX_PAGES: Final = 1_000

# RFC 8288, section 3: a target in angle brackets, then parameters.
_LINK: Final = re.compile(r'<([^<>]*)>((?:\s*;\s*[^\s=;,"]+(?:\s*=\s*(?:"(?:[^"\\]|\\.)*"|[^\s;,"]*))?)*)')
_RELATION: Final = re.compile(r';\s*rel\s*=\s*(?:"([^"]*)"|([^\s;,"]+))', re.IGNORECASE)


def with_query(url: str, query: Mapping[str, str]) -> str:
    """The URL with these parameters behind what it has."""
    if not query:
        return url
    return f"{url}{'&' if '?' in url else '?'}{urlencode(query)}"


async def pages(
    client: Client, source: Api, reading: Reading, url: str, query: Mapping[str, str]
) -> AsyncGenerator[list[Row], None]:
    """The rows of each page. Raises `StoreDown`, also where a page is missing or comes again."""
    given, walk = dict(query), _Walk(source, url)
    here: str | None = with_query(url, {**given, **walk.first})
    count = 0

    def made(more: Mapping[str, str]) -> str:
        return with_query(url, {**given, **more})

    for number in range(1, MAX_PAGES + 1):
        assert here is not None  # noqa: S101
        answer = await client.get(here)
        if answer is None:
            missing = "" if number == 1 else f": page {number} is missing, and what came before is not all"
            raise StoreDamaged(f"{shown(here)} is not there (404){missing}")
        body, rows = reading.many(answer)
        count += len(rows)
        yield rows
        here = walk.next(answer, body, rows, count, made)
        if here is None:
            return
    raise StoreDamaged(f"{shown(url)} has more than {MAX_PAGES} pages; more rows a page, or where= in the source")


class _Walk:
    """Where a list goes on."""

    def __init__(self, source: Api, url: str) -> None:
        self._page, self._url = source.page, url
        self._number = self._page.start if isinstance(self._page, Page) else 0
        self._seen = set[str]()
        self.first = self._at()

    def _at(self, before: int = 0) -> dict[str, str]:
        match self._page:
            case Page(parameter=parameter, size=size, rows=rows):
                return {parameter: str(self._number), **({size: str(rows)} if size else {})}
            case Offset(parameter=parameter, size=size, rows=rows):
                return {parameter: str(before), **({size: str(rows)} if size else {})}
            case _:
                return {}

    def next(self, answer: Answer, body: Any, rows: list[Row], count: int, made: Made) -> str | None:
        """The address of the next page, None behind the last one."""
        page = self._page
        match page:
            case None:
                return None
            case Page() | Offset():
                if self._done(answer, body, rows, count, page):
                    return None
                self._number += 1
                return made(self._at(count))
            case Cursor(next=path, parameter=parameter):
                told = at_path(body, parts(path))
                if told is None or told == "":
                    return None
                if isinstance(told, bool) or not isinstance(told, str | int):
                    raise StoreDamaged(f"{shown(answer.url)} has no cursor at {'.'.join(parts(path))}")
                return self._new(answer, made({parameter: str(told)}) if parameter else self._led(answer, str(told)))
            case Link():
                target = next_link(answer.headers.get("link", ""))
                return None if target is None else self._new(answer, self._led(answer, target))

    def _done(self, answer: Answer, body: Any, rows: list[Row], count: int, page: Page | Offset) -> bool:
        if not page.total:
            return not rows  # a page that is not full may be as full as they get
        total = at_path(body, parts(page.total))
        if isinstance(total, bool) or not isinstance(total, int):
            raise StoreDamaged(f"{shown(answer.url)} has no number of rows at {'.'.join(parts(page.total))}")
        if count < total and not rows:
            raise StoreDamaged(f"{shown(answer.url)} has {total} rows, and gave {count}: a page is missing")
        return count >= total

    def _led(self, answer: Answer, target: str) -> str:
        """An address that the API has named: on it the secret is sent, so that it has to be its own."""
        url = urljoin(answer.url, target).partition("#")[0]
        try:
            same = origin_of(url) == origin_of(self._url) and urlsplit(url).username is None
        except ValueError:
            same = False
        if not same:
            raise StoreDamaged(f"{shown(answer.url)} goes on at another place, {shown(url)}, which is not followed")
        return url

    def _new(self, answer: Answer, url: str) -> str:
        if url in self._seen:
            raise StoreDamaged(f"{shown(answer.url)} names a next page that was read already: it would never end")
        self._seen.add(url)
        return url


def next_link(header: str) -> str | None:
    """The target of `rel="next"`."""
    for found in _LINK.finditer(header):
        relation = _RELATION.search(found[2])
        if relation is not None and "next" in (relation[1] or relation[2] or "").lower().split():
            return found[1].strip()
    return None
