"""A JSON array, element by element in bounded memory: a file of any length is never held as a whole.

The standard library's decoder takes one value from a text and says where it ended, so a window over the file that
grows only when a value is not complete in it is all there is to add. Nothing is evaluated twice but what the window
cuts.
"""

from __future__ import annotations

import codecs
import io
import json
from collections.abc import Iterator
from typing import Any, Final, TypeGuard

from kingpost.stores.files.faults import FileFault

LARGEST: Final = 1 << 24
"""Characters that one record, or one cell, may have."""

WINDOW: Final = 1 << 18
"""Bytes that are read at a time."""

CUT: Final = len("e+")
"""Characters of a number that are none yet: where the window ends there, the number before them is a part only."""

_SPACE: Final = " \t\r\n"


class NotJson(Exception):
    """What Python's decoder would take, and JSON is not."""


def _strict(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    made = dict(pairs)
    if len(made) != len(pairs):
        names = [name for name, _ in pairs]
        twice = next(name for name in made if names.count(name) > 1)
        raise NotJson(f"the member {twice[:100]!r} is given twice in one object")
    return made


def _constant(name: str) -> Any:
    raise NotJson(f"there is no {name} in JSON")


DECODER: Final = json.JSONDecoder(object_pairs_hook=_strict, parse_constant=_constant)
"""JSON as RFC 8259 has it, and no member twice."""


def is_object(value: Any) -> TypeGuard[dict[str, Any]]:
    """Whether a decoded value is an object."""
    return isinstance(value, dict)


def elements(stream: io.BufferedReader, window_size: int = WINDOW) -> Iterator[tuple[int, Any]]:
    """The elements of the array that a stream holds, numbered from 1. Raises `FileFault` where it is none."""
    window = _Window(stream, window_size)
    window.expect("[", "the file is no JSON array: it begins with no [")
    number = 0
    if window.next() == "]":
        window.take()
    else:
        while True:
            number += 1
            yield number, window.value(number)
            mark = window.next()
            window.take()
            if mark == "]":
                break
            if mark != ",":
                raise FileFault(f"a comma, or the end of the array, should follow element {number}")
    if window.next():
        raise FileFault(f"something follows the end of the array, after element {number}")


class _Window:
    """The part of the text that is looked at."""

    def __init__(self, stream: io.BufferedReader, size: int) -> None:
        self._stream, self._size = stream, size
        self._decode = codecs.getincrementaldecoder("utf-8-sig")().decode
        self._text = ""
        self._at = 0
        self._done = False

    def next(self) -> str:
        """The next character that is no space; "" at the end."""
        while True:
            text, at = self._text, self._at
            while at < len(text) and text[at] in _SPACE:
                at += 1
            self._at = at
            if at < len(text):
                return text[at]
            if not self._more(self._size):
                return ""

    def take(self) -> None:
        """Go behind this character."""
        self._at += 1

    def expect(self, mark: str, fault: str) -> None:
        """Go behind a character that must be here."""
        if self.next() != mark:
            raise FileFault(fault, "an array of objects, or one object a line (.ndjson)")
        self.take()

    def value(self, number: int) -> Any:
        """The value that begins here."""
        self.next()
        more = self._size
        while True:
            try:
                value, end = DECODER.raw_decode(self._text, self._at)
            except (NotJson, RecursionError) as error:
                raise FileFault(f"element {number} is not JSON: {error}") from None
            except ValueError as error:
                # It may only be cut off: look at twice as much, so that a long one is not read over and over.
                if len(self._text) - self._at > LARGEST or not self._more(more):
                    raise FileFault(f"element {number} is not JSON: {error}") from None
                more *= 2
                continue
            if len(self._text) - end <= CUT and self._more(self._size):
                continue  # what looks like a number may be the beginning of one
            self._at = end
            return value

    def _more(self, count: int) -> bool:
        """Read on, and forget what lies behind; False at the end of the stream."""
        if self._done:
            return False
        data = self._stream.read(count)
        self._done = not data
        try:
            text = self._decode(data, self._done)
        except UnicodeDecodeError as error:
            raise FileFault(f"JSON is in UTF-8, and this is not: {error.reason}") from None
        self._text, self._at = self._text[self._at :] + text, 0
        return True
