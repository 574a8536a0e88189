"""A question on a command line as an intent."""

from __future__ import annotations

import re

from kingpost.base.problems import Problem
from kingpost.language.parse_text import parse_text
from kingpost.language.source import SourceError
from kingpost.operate.failure import Failure
from kingpost.plan.intent import Expressed, Read, SortKey

WORDS = ("where", "include", "sort", "limit")
LIMIT = 50

_STRING = r"""'(?:\\.|[^'\\])*'|"(?:\\.|[^"\\])*\""""
_SPLIT = re.compile(rf"({_STRING})|(?<!\S)({'|'.join(WORDS)})(?!\S)")


def read_of(
    resource: str, rest: str, where: str | None, include: str | None, sort: str | None, limit: int | None
) -> Read:
    """The read of `where ... include ... sort ... limit ...` and of options, which win."""
    said = clauses(rest)
    text = where if where is not None else said.get("where")
    number = str(limit) if limit is not None else said.get("limit", str(LIMIT))
    if not number.isdigit():
        raise Failure("KC014", f"limit takes a number of rows, not {number!r}", "limit 20", status=2)
    return Read(
        resource,
        conditions=() if text is None else (_condition(text),),
        include=tuple(tuple(path.split(".")) for path in _listed(include or said.get("include", ""))),
        sort=tuple(
            SortKey(tuple(path.removeprefix("-").split(".")), path.startswith("-"))
            for path in _listed(sort or said.get("sort", ""))
        ),
        limit=int(number),
    )


def clauses(text: str) -> dict[str, str]:
    """The text behind each word; words inside quotes do not count. Raises `Failure` (KC014)."""
    found: dict[str, str] = {}
    word, begin = "", 0
    for match in _SPLIT.finditer(text):
        if match[2] is None:
            continue
        _keep(found, word, text[begin : match.start()])
        word, begin = match[2], match.end()
    _keep(found, word, text[begin:])
    return found


def _keep(found: dict[str, str], word: str, text: str) -> None:
    text = text.strip()
    if not word and not text:
        return
    example = '"Article where hours > 3 include topics sort -hours limit 20"'
    if not word:
        raise Failure("KC014", f"{text!r} comes before any of {', '.join(WORDS)}", example, status=2)
    if not text or word in found:
        fault = "is said twice" if word in found else "has nothing behind it"
        raise Failure("KC014", f"{word} {fault}", example, status=2)
    found[word] = text


def _listed(text: str) -> list[str]:
    return [part.strip() for part in text.split(",") if part.strip()]


def _condition(text: str) -> Expressed:
    try:
        return Expressed(parse_text(text), shape=text, text=True)
    except SourceError as error:
        failure = Failure("KC014", "")
        failure.problems = (Problem(error.code, error.message, error.remedy, error.place),)
        raise failure from None
