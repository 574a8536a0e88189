"""SQL text read in pieces: where a catalogue keeps nothing of a table but the statement that made it."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

_TOKEN = re.compile(
    r"""(?P<space>\s+|--[^\n]*|/\*.*?\*/)
    |(?P<text>[xX]?'(?:[^']|'')*')
    |(?P<name>"(?:[^"]|"")*"|`(?:[^`]|``)*`|\[[^\]]*\])
    |(?P<number>\d+(?:\.\d*)?(?:[eE][+-]?\d+)?|\.\d+(?:[eE][+-]?\d+)?)
    |(?P<word>[^\W\d][\w$]*)
    |(?P<sign>::|<>|<=|>=|==|!=|\|\||!~\*|!~|~\*|->>|->|.)
    """,
    re.VERBOSE | re.DOTALL,
)

_WITHOUT_BRACKETS = re.compile(_TOKEN.pattern.replace(r"|\[[^\]]*\]", ""), _TOKEN.flags)


@dataclass(frozen=True, slots=True)
class Token:
    """A piece of SQL. `value` is a name or a text without its quotes, a word as it is written."""

    kind: Literal["text", "name", "number", "word", "sign"]
    value: str
    start: int
    end: int

    def says(self, *words: str) -> bool:
        """Whether it is one of these words or signs, in capital letters."""
        return self.kind in ("word", "sign") and self.value.upper() in words


def tokens(sql: str, *, brackets: bool = True) -> list[Token]:
    """The pieces of a text, without comments. `brackets`: they are quotes of names, as in SQLite."""
    return list(_tokens(sql, _TOKEN if brackets else _WITHOUT_BRACKETS))


def _tokens(sql: str, pieces: re.Pattern[str]) -> Iterator[Token]:
    for match in pieces.finditer(sql):
        text = match[0]
        match match.lastgroup:
            case "name":
                yield Token("name", _unquoted(text), *match.span())
            case "text" if text[0] == "'":
                yield Token("text", text[1:-1].replace("''", "'"), *match.span())
            case "text" | "number" | "word" | "sign" as kind:
                yield Token(kind, text, *match.span())
            case _:
                pass


def _unquoted(text: str) -> str:
    quote = text[-1]
    return text[1:-1].replace(quote * 2, quote)


@dataclass(frozen=True, slots=True)
class Made:
    """What a CREATE TABLE says: the pieces of each column behind its name, and those of each constraint."""

    sql: str
    columns: dict[str, list[Token]]
    constraints: list[list[Token]]

    def checks(self) -> dict[str, str]:
        """All conditions by name; those without one are numbered."""
        found: dict[str, str] = {}
        for part in (*self.columns.values(), *self.constraints):
            for place, token in enumerate(part):
                if not token.says("CHECK") or _depth(part, place):
                    continue
                named = place > 1 and part[place - 2].says("CONSTRAINT")
                inside = enclosed(part, place + 1)
                if inside:
                    name = part[place - 1].value if named else f"check {len(found) + 1}"
                    found[name] = self.sql[inside[0].start : inside[-1].end]
        return found

    def collation(self, column: str) -> str:
        """The collation that a column names, in capital letters; "" if none."""
        part = self.columns.get(column, [])
        for place, token in enumerate(part[:-1]):
            if token.says("COLLATE") and not _depth(part, place):
                return part[place + 1].value.upper()
        return ""


def made(sql: str) -> Made:
    """Read a CREATE TABLE."""
    pieces = tokens(sql)
    start = next((place for place, token in enumerate(pieces) if token.says("(")), len(pieces))
    columns: dict[str, list[Token]] = {}
    constraints: list[list[Token]] = []
    for part in split(enclosed(pieces, start)):
        if part[0].says("CONSTRAINT", "PRIMARY", "UNIQUE", "CHECK", "FOREIGN"):
            constraints.append(part)
        else:
            columns[part[0].value] = part[1:]
    return Made(sql, columns, constraints)


def condition_of_index(sql: str) -> str:
    """What stands behind WHERE in a CREATE INDEX; "" if nothing does."""
    pieces = tokens(sql)
    for place, token in enumerate(pieces):
        if token.says("WHERE") and not _depth(pieces, place):
            return sql[token.end :].strip().rstrip(";")
    return ""


def enclosed(pieces: Sequence[Token], place: int) -> list[Token]:
    """What stands between the parenthesis at `place` and the one that closes it; nothing if there is none."""
    if place >= len(pieces) or not pieces[place].says("("):
        return []
    depth = 0
    for end in range(place, len(pieces)):
        depth += pieces[end].says("(") - pieces[end].says(")")
        if not depth:
            return list(pieces[place + 1 : end])
    return list(pieces[place + 1 :])


def split(pieces: Sequence[Token]) -> list[list[Token]]:
    """The parts between commas that stand in no parentheses."""
    parts: list[list[Token]] = [[]]
    depth = 0
    for token in pieces:
        depth += token.says("(") - token.says(")")
        if token.says(",") and not depth:
            parts.append([])
        else:
            parts[-1].append(token)
    return [part for part in parts if part]


def _depth(pieces: Sequence[Token], place: int) -> int:
    return sum(token.says("(") - token.says(")") for token in pieces[:place])
