"""`lower`, `upper` and `casefold` as Python has them, in DuckDB.

DuckDB maps one character to one: `ß` has no capital there, and `İ` loses its dot. Where its own function and Python's
differ is asked of both when a database is opened, as each has its own version of Unicode. A text with such a character,
or with a capital sigma, which is another letter at the end of a word, is spelled out.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any

SIGMA, FINAL = "\u03a3", "\u03c2"
CASED_END = 0x20000
"""No character from here on has a case."""


_KNOWN: list[str] = []


def macros(fetch: Callable[[str], Iterable[tuple[Any, ...]]]) -> Sequence[str]:
    """The statements that make `memory.main.kp_lower` and its like, found out once per process.

    `fetch` answers the rows of a statement.
    """
    if not _KNOWN:
        _KNOWN.extend(_found_out(fetch))
    return _KNOWN


def _found_out(fetch: Callable[[str], Iterable[tuple[Any, ...]]]) -> list[str]:
    theirs = list(
        fetch(
            f"SELECT chr(i::INT) AS c, lower(c), upper(c) FROM range(128, {CASED_END}) t(i) "
            "WHERE i NOT BETWEEN 55296 AND 57343"
        )
    )
    lower = {char: char.lower() for char, found, _ in theirs if found != char.lower()}
    upper = {char: char.upper() for char, _, found in theirs if found != char.upper()}
    # What folds is looked at when it is small, and capitals that are small letters of another fold before that.
    before = {char: char.casefold() for char, found, _ in theirs if found.casefold() != char.casefold()}
    folds = {char: char.casefold() for char, found, _ in theirs if found == char != char.casefold()}
    odd = _class([*before, *(char for char, found, _ in theirs if found in folds)])
    return [
        _macro("lower", f"lower({_replaced(_sigmas(), lower)})", _class([*lower, SIGMA])),
        _macro("upper", f"upper({_replaced('x', upper)})", _class(upper)),
        _macro("casefold", _replaced(f"lower({_replaced('x', before)})", folds), odd),
    ]


def _macro(name: str, spelled: str, odd: str) -> str:
    plain = "upper(x)" if name == "upper" else "lower(x)"
    is_plain = f"strlen(x) = length(x) OR NOT regexp_matches(x, '{odd}')"
    return f"CREATE OR REPLACE MACRO memory.main.kp_{name}(x) AS CASE WHEN {is_plain} THEN {plain} ELSE {spelled} END"


def _replaced(text: str, pairs: dict[str, str]) -> str:
    """The text with some characters replaced by others, which none of the pairs replaces again."""
    single = {char: wanted for char, wanted in pairs.items() if len(wanted) == 1}
    if single:
        text = f"translate({text}, '{''.join(single)}', '{''.join(single.values())}')"
    for char, wanted in pairs.items():
        if char not in single:
            text = f"replace({text}, '{char}', '{wanted}')"
    return text


def _sigmas() -> str:
    """The text with capital sigmas at the ends of words written as final ones: behind a letter that has case and before
    none, whatever is passed over between (Unicode, table 3-17, Final_Sigma)."""
    codes = (*range(1, 0xD800), *range(0xE000, CASED_END), *range(0xE0000, 0xE0200))
    chars = list(map(chr, codes))
    cased = [char for char in chars if (char + SIGMA).lower().endswith(FINAL)]
    known = set(cased)
    over = [char for char in chars if char not in known and ("A" + char + SIGMA).lower().endswith(FINAL)]
    passed, neither = f"{_class(over)}*", _class([*cased, *over], inverse=True)
    pattern = f"({_class(cased)}{passed}){SIGMA}({passed})(\\z|{neither})"
    return f"regexp_replace(x, '{pattern}', '\\1{FINAL}\\2\\3', 'g')"


def _class(chars: Iterable[str], *, inverse: bool = False) -> str:
    """A character class of RE2."""
    codes = sorted(map(ord, chars))
    runs: list[list[int]] = []
    for code in codes:
        if runs and code == runs[-1][1] + 1:
            runs[-1][1] = code
        else:
            runs.append([code, code])
    said = "".join(f"\\x{{{first:x}}}-\\x{{{last:x}}}" for first, last in runs)
    return f"[^{said}]" if inverse else f"[{said}]"
