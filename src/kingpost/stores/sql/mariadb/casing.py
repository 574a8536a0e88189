"""`lower`, `upper` and `casefold` as Python has them, in MariaDB.

In its newest collation MariaDB maps characters as Unicode does, but always one to one: `ß` has no capital there, `İ`
loses its dot, and of sigma it does not know the form at the end of a word. Texts with such a character are spelled out.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable, Mapping
from functools import cache
from typing import Final

SIGMA, FINAL = "\u03a3", "\u03c2"
CASED_END: Final = 0x20000
"""No character from here on has a case."""


@cache
def template(function: str, *, guarded: bool) -> str:
    """SQL around a text, `{0}`. `guarded`: that is short, and said more than once to spare plain texts the work."""
    match function:
        case "lower":
            return _choice("lower", _sigmas(_replaced("{0}", {"\u0130": "i\u0307"})), f"[\u0130{SIGMA}]", guarded)
        case "upper":
            many = {char: char.upper() for char in _chars() if len(char.upper()) > 1}
            return _choice("upper", _replaced("{0}", many), _class(many), guarded)
        case _:
            # What folds to something else than its small letter is looked at before and after that.
            large = [char for char in _chars() if char.lower() != char]
            before = {c: c.casefold() for c in large if len(c.lower()) > 1 or c.lower() != c.casefold()}
            after = {c: c.casefold() for c in _chars() if c.lower() == c != c.casefold()}
            marks = {char: mark for char, mark in before.items() if mark.lower() == mark}
            spelled = _replaced(_plain("lower", _replaced("{0}", marks)), after)
            return _guarded("lower", spelled, _class([*before, *after]), guarded)


def _choice(function: str, spelled: str, odd: str, guarded: bool) -> str:
    return _guarded(function, _plain(function, spelled), odd, guarded)


def _guarded(function: str, spelled: str, odd: str, guarded: bool) -> str:
    if not guarded:
        return spelled
    return f"CASE WHEN {{0}} REGEXP '{odd}' THEN {spelled} ELSE {_plain(function, '{0}')} END"


def _plain(function: str, text: str) -> str:
    return f"({function}({text} COLLATE utf8mb4_uca1400_as_cs) COLLATE utf8mb4_nopad_bin)"


def _replaced(text: str, pairs: Mapping[str, str]) -> str:
    for char, wanted in pairs.items():
        text = f"replace({text}, '{char}', '{wanted}')"
    return text


def _sigmas(text: str) -> str:
    """The text with capital sigmas at the ends of words written as final ones: behind a letter that has case and before
    none, whatever is passed over between (Unicode, table 3-17, Final_Sigma)."""
    chars = [chr(code) for code in (*range(1, 0xD800), *range(0xE000, CASED_END), *range(0xE0000, 0xE0200))]
    cased = {char for char in chars if (char + SIGMA).lower().endswith(FINAL)}
    passed = _class([c for c in chars if c not in cased and ("A" + c + SIGMA).lower().endswith(FINAL)])
    letters = _class(cased)
    return f"regexp_replace({text}, '({letters}{passed}*){SIGMA}(?!{passed}*{letters})', '\\1{FINAL}')"


def _chars() -> Iterable[str]:
    return (chr(code) for code in range(128, min(CASED_END, sys.maxunicode)) if not 0xD800 <= code < 0xE000)


def _class(chars: Iterable[str]) -> str:
    """A character class."""
    runs: list[list[int]] = []
    for code in sorted(map(ord, chars)):
        if runs and code == runs[-1][1] + 1:
            runs[-1][1] = code
        else:
            runs.append([code, code])
    said = "".join(f"\\x{{{first:x}}}" + (f"-\\x{{{last:x}}}" if last > first else "") for first, last in runs)
    return f"[{said}]"
