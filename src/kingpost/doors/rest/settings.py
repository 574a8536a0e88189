"""What an operator may change about the REST door."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class RestSettings:
    """Bounds and habits of the REST door.

    Bounds: `max_body` and `max_query` in bytes (413, 414), `max_parameters` in a query, `max_depth` of JSON,
    `max_bulk` elements of an array that is written, `page_size` and `max_page_size` in rows, `max_offset` in rows (a
    cursor has no such bound).

    Habits: `require_if_match` answers 428 to a PUT, PATCH or DELETE without If-Match, and takes away those of many rows
    at once, which have no one version; `server_timing` sends the seconds
    of each stage; `challenge` is the WWW-Authenticate of a 401; `guard_csv` puts an apostrophe before text that a
    spreadsheet would run as a formula; `docs` serves `openapi.json` and the page made of it.

    Words for people: `title`, `version` and `description` of the API.
    """

    max_body: int = 1 << 20
    max_query: int = 1 << 16
    max_parameters: int = 100
    max_depth: int = 64
    max_bulk: int = 1_000
    page_size: int = 50
    max_page_size: int = 1_000
    max_offset: int = 1_000_000
    require_if_match: bool = False
    server_timing: bool = False
    challenge: str = "Bearer"
    guard_csv: bool = True
    docs: bool = True
    title: str = "API"
    version: str = "1"
    description: str = ""
