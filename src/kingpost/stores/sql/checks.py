"""What a CHECK says of a single column, where it is one of the common things: choices, bounds, a length, JSON.

Everything else is left to the database, which holds its rows to it either way.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Final

from kingpost.stores.sql.sql_text import Token, enclosed, tokens

BOUNDS: Final = {">=": "ge", ">": "gt", "<=": "le", "<": "lt"}
_FLIPPED: Final = {">=": "<=", ">": "<", "<=": ">=", "<": ">"}
_LENGTHS: Final = ("LENGTH", "CHAR_LENGTH", "CHARACTER_LENGTH")
_MORE: Final = ("VARYING", "PRECISION", "WITH", "WITHOUT", "TIME", "ZONE")


@dataclass(frozen=True, slots=True)
class Condition:
    """`choices` are all texts or all whole numbers; `bounds` numbers as they are written, by option of `field`."""

    choices: tuple[str, ...] | tuple[int, ...] = ()
    bounds: tuple[tuple[str, str], ...] = ()
    longest: int | None = None
    json: bool = False

    def and_also(self, other: Condition) -> Condition:
        """Both."""
        return Condition(
            self.choices or other.choices, (*self.bounds, *other.bounds), self.longest or other.longest,
            self.json or other.json,
        )  # fmt: skip


def read(text: str, *, brackets: bool) -> dict[str, Condition]:
    """What a condition says, by column. `brackets`: they are quotes of names, as in SQLite."""
    found: dict[str, Condition] = {}
    for part in _conjuncts(without_casts(tokens(text, brackets=brackets))):
        for column, condition in _atom(part):
            found[column] = found.get(column, Condition()).and_also(condition)
    return found


def is_told(text: str, *, brackets: bool) -> bool:
    """Whether `read` leaves nothing of a condition out."""
    pieces = without_casts(tokens(text, brackets=brackets))
    return all(any(True for _ in _atom(part)) for part in _conjuncts(pieces))


def without_casts(pieces: Sequence[Token]) -> list[Token]:
    """The pieces without PostgreSQL's `::type`."""
    kept: list[Token] = []
    place = 0
    while place < len(pieces):
        if not pieces[place].says("::"):
            kept.append(pieces[place])
            place += 1
            continue
        place += 2
        while place < len(pieces) and (pieces[place].says(*_MORE) or pieces[place].kind == "name"):
            place += 1
        if place < len(pieces) and pieces[place].says("("):
            place += len(enclosed(pieces, place)) + 2
            while place < len(pieces) and pieces[place].says(*_MORE):  # timestamp(6) without time zone
                place += 1
        while place < len(pieces) and pieces[place].says("[", "]"):
            place += 1
    return kept


def _conjuncts(pieces: list[Token]) -> Iterator[list[Token]]:
    pieces = _bare(pieces)
    parts = _split(pieces, "AND")
    if len(parts) == 1:
        yield from [pieces] if pieces else []
        return
    place = 0
    while place < len(parts):
        part = parts[place]
        if any(token.says("BETWEEN") for token in part) and place + 1 < len(parts):
            part = [*part, *parts[place + 1]]
            place += 1
        place += 1
        yield from _conjuncts(part)


def _bare(pieces: list[Token]) -> list[Token]:
    """Without parentheses around all of it, and without `or it is NULL`, which a CHECK means anyway."""
    while pieces and pieces[0].says("(") and len(enclosed(pieces, 0)) == len(pieces) - 2:
        pieces = pieces[1:-1]
    parts = _split(pieces, "OR")
    telling = [part for part in parts if not _is_null(part)]
    return pieces if len(parts) == 1 or len(telling) != 1 else _bare(telling[0])


def _is_null(part: list[Token]) -> bool:
    flat = _flat(part)
    return len(flat) == 3 and flat[1].says("IS") and flat[2].says("NULL")


def _split(pieces: Sequence[Token], word: str) -> list[list[Token]]:
    parts: list[list[Token]] = [[]]
    depth = 0
    for token in pieces:
        depth += token.says("(") - token.says(")")
        if token.says(word) and not depth:
            parts.append([])
        else:
            parts[-1].append(token)
    return parts


def _flat(part: Sequence[Token]) -> list[Token]:
    """Without parentheses. What is left is only taken for something where nothing could have stood otherwise."""
    return [token for token in part if not token.says("(", ")", "[", "]")]


def _atom(part: Sequence[Token]) -> Iterator[tuple[str, Condition]]:
    flat = _signed(_flat(part))
    if len(flat) == 2 and flat[0].says("JSON_VALID"):
        yield flat[1].value, Condition(json=True)
    elif len(flat) == 4 and flat[0].says(*_LENGTHS) and flat[2].says("<=", "<") and flat[3].value.isdecimal():
        yield flat[1].value, Condition(longest=int(flat[3].value) - flat[2].says("<"))
    elif len(flat) == 4 and flat[1].says("BETWEEN") and _is_number(flat[2]) and _is_number(flat[3]):
        yield flat[0].value, Condition(bounds=(("ge", flat[2].value), ("le", flat[3].value)))
    elif len(flat) == 3 and flat[1].says(*BOUNDS):
        first, sign, second = flat
        if _is_name(first) and _is_number(second):
            yield first.value, Condition(bounds=((BOUNDS[sign.value], second.value),))
        elif _is_number(first) and _is_name(second):
            yield second.value, Condition(bounds=((BOUNDS[_FLIPPED[sign.value]], first.value),))
    elif len(flat) > 2 and _is_name(flat[0]):
        choices = _choices(flat[1:])
        if choices:
            yield flat[0].value, Condition(choices=choices)


def _choices(rest: Sequence[Token]) -> tuple[str, ...] | tuple[int, ...]:
    """Of `IN a, b` or `= ANY ARRAY a, b` or `= a`."""
    if rest[0].says("IN"):
        rest = rest[1:]
    elif rest[0].says("=") and len(rest) > 3 and rest[1].says("ANY") and rest[2].says("ARRAY"):
        rest = rest[3:]
    else:
        return ()
    values, commas = rest[::2], rest[1::2]
    if not all(comma.says(",") for comma in commas) or len(values) != len(commas) + 1:
        return ()
    if all(value.kind == "text" for value in values):
        return tuple(dict.fromkeys(value.value for value in values))
    if all(value.kind == "number" and value.value.lstrip("-").isdecimal() for value in values):
        return tuple(dict.fromkeys(int(value.value) for value in values))
    return ()


def _signed(flat: list[Token]) -> list[Token]:
    """A sign and its number as one."""
    found: list[Token] = []
    for token in flat:
        last = found[-1] if found else None
        before = found[-2] if len(found) > 1 else None
        alone = before is not None and before.kind in ("sign", "word")
        if token.kind == "number" and last is not None and last.says("-") and alone:
            found[-1] = replace(token, value=f"-{token.value}")
        else:
            found.append(token)
    return found


def _is_name(token: Token) -> bool:
    return token.kind in ("word", "name")


def _is_number(token: Token) -> bool:
    """Also one in quotes, as PostgreSQL writes negative ones."""
    text = token.value.removeprefix("-").replace(".", "", 1)
    return token.kind in ("number", "text") and text.isdecimal() and text.isascii()
