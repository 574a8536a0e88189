"""The read stage: a raw query string becomes an intent, or a 400 that points at the parameter.

Which names there are is not looked at here. A name that does not exist and one that the actor may not read have to be
refused in the same words, so both are left to the planner.
"""

from __future__ import annotations

import re
from collections import OrderedDict
from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache
from typing import Final, Literal, NoReturn, get_args
from urllib.parse import quote, unquote_to_bytes

from msgspec import Struct
from msgspec.structs import replace

from kingpost.base.errors import Detail, Invalid
from kingpost.doors.rest.problem import Refused, invalid
from kingpost.doors.rest.settings import RestSettings
from kingpost.language.parse_text import parse_text
from kingpost.language.source import SourceError
from kingpost.model.names import closest, meant
from kingpost.plan.intent import Condition, Expressed, Operator, Read, SortKey, SummaryOf

OPERATORS: Final[tuple[Operator, ...]] = get_args(Operator)
SUMMARIES: Final[tuple[Literal["sum", "min", "max", "avg"], ...]] = ("sum", "min", "max", "avg")
ROW_WORDS: Final = ("include", "fields")
PAGE_WORDS: Final = ("after", "offset", *ROW_WORDS)
LIST_WORDS: Final = ("where", "q", *ROW_WORDS, "sort", "limit", "after", "offset", "count", "group", *SUMMARIES)

_PATH: Final = re.compile(r"[^\W\d]\w*(?:\.[^\W\d]\w*){0,31}\Z")
_FILTER: Final = re.compile(r"([^\[\]]+)(?:\[([^\[\]]*)\])?\Z")
_WHOLE: Final = re.compile(r"(?:0|-?[1-9][0-9]{0,17})\Z")
_BY_CURSOR: Final = "the next page is behind after= with the cursor in next, or offset= leaves out as many rows"
_BY_LIMIT: Final = "limit= says how many rows a page has"
_ELSEWHERE: Final = {
    **dict.fromkeys(("page", "page_number", "p", "skip", "start", "cursor"), _BY_CURSOR),
    **dict.fromkeys(("page_size", "pagesize", "per_page", "size", "take", "top"), _BY_LIMIT),
}
"""Names that other APIs have for what is said otherwise here."""

_SWITCHES: Final = frozenset({"", "true", "false", "yes", "no", "1", "0"})
_FIXED: Final = frozenset(word.encode() for word in LIST_WORDS if word != "after")
_PLAIN: Final = re.compile(rb"[\w.]+(?:(?:\[|%5[Bb])(?!none\b)\w+(?:\]|%5[Dd]))?\Z", re.ASCII)
_KEPT: Final = 2_048
_KEPT_LENGTH: Final = 1_024

Kind = Literal["row", "page", "summary"]

_quoted = lru_cache(maxsize=1_024)(quote)


class Question(Struct, frozen=True):
    """What a query string asks: a `read` without its key (of one row: an empty one), and what the door needs beside it.

    `given`: the parameters, decoded. `limited`: the client set the limit.
    """

    read: Read
    kind: Kind
    given: Mapping[str, str]
    limited: bool = False

    @property
    def onward(self) -> str:
        """The query string of the next page, but for the cursor at its end."""
        same = [f"{_quoted(n)}={_quoted(v)}&" for n, v in self.given.items() if n not in ("after", "offset")]
        return f"{''.join(same)}after="

    def about(self, values: Mapping[str, str]) -> Question:
        """The same question with other values to compare with, and another cursor."""
        template: Read = self.read.memo.get("lifted", self.read)  # as the engine keeps it, see `Reader`
        conditions = [
            Condition(one.path, one.operator, values[one.where[1:]], True, one.where)
            if isinstance(one, Condition) and one.where[1:] in values
            else one
            for one in template.conditions
        ]
        read = template.alike(conditions=tuple(conditions), after=values.get("after"))
        return Question(read, self.kind, {**self.given, **values}, self.limited)


class Questions:
    """Parses queries, and remembers the last ones that were good: a known shape costs one look-up.

    Queries that differ only in what fields are compared with, or in the cursor, are one shape.
    """

    def __init__(self, settings: RestSettings) -> None:
        self._settings = settings
        self._length = min(_KEPT_LENGTH, settings.max_query)
        self._known: OrderedDict[tuple[str, bool, bytes], Question] = OrderedDict()

    def ask(self, resource: str, query: bytes, *, many: bool) -> Question:
        """The question about one row of a resource, or about many."""
        if len(query) > self._length:
            return self._asked(resource, query, many=many)
        shape, values = _apart(query)
        key = (resource, many, shape)
        found = self._known.get(key)
        if found is None:
            found = self._asked(resource, query, many=many)
            _ = found.read.shape  # worked out here, it is kept together with the question
            self._known[key] = found
            if len(self._known) > _KEPT:
                self._known.popitem(last=False)
            return found
        self._known.move_to_end(key)
        return found.about({_decoded(name): _decoded(value) for name, value in values}) if values else found

    def none(self, query: bytes) -> None:
        """Refuse every parameter: where no row is answered, there is nothing to say of it."""
        for name in parameters(query, self._settings):
            if name in ROW_WORDS:
                raise invalid("KP155", f"no row is answered here that {name}= could say something of", f"?{name}")
            raise unknown_parameter(name, ())

    def _asked(self, resource: str, query: bytes, *, many: bool) -> Question:
        return self._many(resource, query) if many else self._one(resource, query)

    def _one(self, resource: str, query: bytes) -> Question:
        given = parameters(query, self._settings)
        for name in given:
            if name not in ROW_WORDS:
                raise unknown_parameter(name, ROW_WORDS)
        include, optional = _includes(given)
        read = Read(resource, (), fields=_fields(given), include=include, optional=optional, limit=None)
        return Question(read, "row", given)

    def _many(self, resource: str, query: bytes) -> Question:
        given = parameters(query, self._settings)
        summaries = _summaries(given)
        group = _paths(given, "group") if "group" in given else None
        conditions = tuple(_conditions(given))
        search = given.get("q")
        limit = self._bounded(given, "limit", 1, self._settings.max_page_size)
        if summaries or group is not None:
            _exclude(given, PAGE_WORDS, "a summary", "group, count, sum, min, max and avg")
            if not group:
                _exclude(given, ("sort",), "a summary of all rows", "which is one row")
            # One more than is answered, so that a cut does not go unnoticed.
            cut = limit or self._settings.max_page_size + 1
            sort = tuple(_sort(given))
            read = Read(
                resource,
                conditions=conditions,
                search=search,
                sort=sort,
                limit=cut,
                group=group or (),
                summaries=summaries,
            )
            return Question(read, "summary", given, limited=limit is not None)
        if "after" in given and "offset" in given:
            message = "a page starts after a cursor or at an offset, not both"
            raise Invalid("KP159", message, [Detail("?offset", "KP159", message)])
        include, optional = _includes(given)
        read = Read(
            resource,
            conditions=conditions,
            search=search,
            fields=_fields(given),
            include=include,
            optional=optional,
            sort=tuple(_sort(given)),
            limit=self._settings.page_size if limit is None else limit,
            offset=self._bounded(given, "offset", 0, self._settings.max_offset) or 0,
            after=given.get("after"),
            count=given.get("count") == "exact",
        )
        return Question(read, "page", given, limited=limit is not None)

    @staticmethod
    def _bounded(given: dict[str, str], name: str, least: int, most: int) -> int | None:
        text = given.get(name)
        if text is None:
            return None
        value = int(text) if _WHOLE.match(text) else None
        if value is None or not least <= value <= most:
            raise invalid("KP157", f"{name} takes a whole number from {least} to {most}", f"?{name}")
        return value


def exported(read: Read, *, limited: bool) -> Read:
    """The read of an export: all rows unless the client set a limit; pages and totals have no place in it."""
    if read.after is not None or read.count:
        name = "after" if read.after is not None else "count"
        raise invalid("KP159", f"{name} does not go with a streamed format, which sends all rows", f"?{name}")
    require_whole(read)
    return read if limited else replace(read, limit=None)


def require_whole(read: Read) -> None:
    """Only JSON has a place to say that something was left out."""
    if read.optional:
        message = f"{'.'.join(read.optional[0])}? may be left out, which is told in JSON only"
        raise invalid("KP159", message, "?include")


# ---------------------------------------------------------------------------------------------------------- parameters


def _apart(query: bytes) -> tuple[bytes, list[tuple[bytes, bytes]]]:
    """The query without the values that plans do not depend on, and these by the raw names of their parameters.

    They stay where the parser may have to refuse them, or where there is more to a value than its text.
    """
    kept: list[bytes] = []
    values: list[tuple[bytes, bytes]] = []
    for part in query.split(b"&"):
        name, equal, value = part.partition(b"=")
        if equal and name not in _FIXED and _PLAIN.match(name):
            values.append((name, value))
            kept.append(name + b"=")
        else:
            kept.append(part)
    return (b"&".join(kept), values) if values else (query, values)


def parameters(query: bytes, settings: RestSettings) -> dict[str, str]:
    """Names and values, decoded; each name once."""
    if len(query) > settings.max_query:
        raise Refused(414, "KP153", f"a query has at most {settings.max_query} bytes")
    found: dict[str, str] = {}
    parts = query.split(b"&") if query else []
    if len(parts) > settings.max_parameters:
        raise Invalid("KP153", f"a query has at most {settings.max_parameters} parameters")
    for part in filter(None, parts):
        name, _, value = part.partition(b"=")
        word, text = _decoded(name), _decoded(value)
        if word in found:
            raise invalid("KP156", f"{word} is given twice", f"?{word}")
        found[word] = text
    return found


def _decoded(raw: bytes) -> str:
    try:
        text = (unquote_to_bytes(raw.replace(b"+", b" ")) if b"%" in raw or b"+" in raw else raw).decode()
    except UnicodeDecodeError:
        raise Invalid("KP154", "the query is not percent-encoded UTF-8") from None
    if "\0" in text:
        raise Invalid("KP154", "the query holds a NUL character")
    return text


def unknown_parameter(name: str, words: Iterable[str]) -> Invalid:
    """The error for a parameter that this address does not take."""
    hint = meant(name, words)
    return invalid("KP155", f"there is no parameter {name!r} here{'; ' if hint else ''}{hint}", f"?{name}")


def add_hint(error: Invalid, words: Sequence[str] = LIST_WORDS) -> Invalid:
    """For a filter that names no field: the control word that was perhaps meant.

    The planner has refused the name already, so the hint tells nothing about fields that are hidden.
    """
    if error.code != "KP110" or len(error.details) != 1:
        return error
    detail = error.details[0]
    name = detail.pointer.removeprefix("?")
    close = closest(name, words, cutoff=0.75)
    if name in words or not (close or name in _ELSEWHERE):
        return error
    hint = _ELSEWHERE.get(name) or f"there is also the parameter {close!r}"
    message = f"{detail.message}; {hint}"
    return Invalid(error.code, message, [Detail(detail.pointer, error.code, message)])


# ------------------------------------------------------------------------------------------------------- what they say


def _conditions(given: dict[str, str]) -> Iterable[Condition | Expressed]:
    for name, value in given.items():
        if name == "where":
            yield expressed(value)
        elif name not in LIST_WORDS:
            yield _condition(name, value)


def _condition(name: str, value: str) -> Condition:
    match = _FILTER.match(name)
    if match is None or not _PATH.match(match[1]):
        raise unknown_parameter(name, ())
    operator = "eq" if match[2] is None else match[2]
    if operator not in OPERATORS:
        message = f"there is no operator {operator!r}; {meant(operator, OPERATORS)}"
        raise invalid("KP158", message, f"?{name}")
    return Condition(tuple(match[1].split(".")), operator, value, raw=True, where=f"?{name}")


def expressed(text: str) -> Expressed:
    """The condition of `where=`."""
    try:
        source = parse_text(text)
    except SourceError as error:
        remedy = f"; {error.remedy}" if error.remedy else ""
        message = f"where: {error.message}{remedy}"
        raise Invalid("KP113", message, [Detail("?where", error.code, message)]) from None
    return Expressed(source, shape=text, values={}, text=True)


def _fields(given: dict[str, str]) -> tuple[tuple[str, ...], ...] | None:
    return _paths(given, "fields") if "fields" in given else None


def _paths(given: dict[str, str], name: str) -> tuple[tuple[str, ...], ...]:
    """Paths separated by commas; "" is none."""
    text = given.get(name, "")
    return tuple(dict.fromkeys(_path(part, name) for part in text.split(","))) if text else ()


def _includes(given: dict[str, str]) -> tuple[tuple[tuple[str, ...], ...], tuple[tuple[str, ...], ...]]:
    """The relations to fill in, and those of them that end with `?`: they may be left out."""
    text = given.get("include", "")
    parts = text.split(",") if text else []
    paths = dict.fromkeys(_path(part.removesuffix("?"), "include") for part in parts)
    return tuple(paths), tuple(dict.fromkeys(_path(part[:-1], "include") for part in parts if part.endswith("?")))


def _path(text: str, name: str) -> tuple[str, ...]:
    if not _PATH.match(text):
        _malformed(name)
    return tuple(text.split("."))


def _sort(given: dict[str, str]) -> Iterable[SortKey]:
    text = given.get("sort", "")
    for part in text.split(",") if text else ():
        yield SortKey(_path(part.removeprefix("-"), "sort"), part.startswith("-"))


def _summaries(given: dict[str, str]) -> tuple[SummaryOf, ...]:
    found: list[SummaryOf] = []
    count = given.get("count")
    if count not in (None, "exact"):
        parts = dict.fromkeys(given["count"].split(","))
        if not _SWITCHES.isdisjoint(part.lower() for part in parts):
            message = (
                "count takes exact (the total beside the rows), * (the number alone), or names whose values it counts"
            )
            raise invalid("KP157", message, "?count")
        if "exact" in parts:
            raise invalid("KP159", "count=exact does not go with a summary: count=* counts rows", "?count")
        for part in parts:
            rows = part == "*"
            found.append(SummaryOf("count", () if rows else _path(part, "count"), "count" if rows else f"count.{part}"))
    for kind in SUMMARIES:
        found += [SummaryOf(kind, path, f"{kind}.{'.'.join(path)}") for path in _paths(given, kind)]
    if "group" in given and not given["group"]:
        raise invalid("KP157", "group takes the names to group by", "?group")
    if not {summary.name for summary in found}.isdisjoint(given.get("group", "").split(",")):
        raise invalid("KP156", "count is the name of the count of rows: give the group another way", "?count")
    return tuple(found)


def _exclude(given: dict[str, str], words: Iterable[str], what: str, whose: str) -> None:
    for word in words:
        if word in given:
            raise invalid("KP159", f"{word} does not go with {what} ({whose})", f"?{word}")
    if given.get("count") == "exact":
        raise invalid("KP159", f"count=exact does not go with {what}: count=* counts rows", "?count")


def _malformed(name: str) -> NoReturn:
    raise invalid("KP157", f"{name} takes names separated by commas, like {name}=title,author.name", f"?{name}")
