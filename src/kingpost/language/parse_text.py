"""One expression written as text: parsed within bounds, or refused at its place with a remedy.

The text may come from anyone, so its length and the depth of its nesting are checked before Python's parser sees it:
what would cost the parser its stack, or make it warn, is refused by a scan of the tokens. What an expression may say
is checked where it is lowered.
"""

from __future__ import annotations

import ast
import re
from typing import Final, Literal

from kingpost.base.texts import UNSTORABLE, is_storable
from kingpost.language.source import Place, Source, SourceError

TEXT_FILE: Final = "<text>"

_TOKEN: Final = re.compile(
    r"""(?P<space>[ \t\f\n]+|\#[^\n]*|\\\n)
    |(?P<string>(?P<prefix>[bB][rR]?|[rR][bB]?|[uU]|[fFtT][rR]?|[rR][fFtT])?(?P<quote>\"{3}|'{3}|["']))
    |(?P<number>\.?[0-9][\w.]*)
    |(?P<word>\w+)
    |(?P<open>[(\[{])|(?P<close>[)\]}])
    |(?P<sign>\*\*|[-+~])
    |(?P<other>.)""",
    re.VERBOSE | re.DOTALL,
)
_STRING_END: Final = {
    **{quote: re.compile(rf"(?:\\.|[^\\\n{quote}])*{quote}", re.DOTALL) for quote in ('"', "'")},
    **{quote: re.compile(rf"(?:\\.|(?!{quote})[^\\])*{quote}", re.DOTALL) for quote in ('"' * 3, "'" * 3)},
}
_BAD_ESCAPE: Final = re.compile(r"\\(?:[^\n\\'\"abfnrtvxNuU0-7]|[4-7][0-7][0-7])", re.S)
_RUN_ON_NUMBER: Final = re.compile(r"(?:and|else|for|if|in|is|or|not)\Z")
_CLOSES: Final = {"(": ")", "[": "]", "{": "}"}


def parse_text(text: str, *, max_length: int = 10_000, max_depth: int = 100) -> Source:
    """Parse one expression written as text (`?where=`, a saved filter); white space around it does not count.

    At most `max_length` characters, nested at most `max_depth` deep. Raises SourceError: longer, deeper, not one
    Python expression, or holding NUL, lone surrogates or f-strings. What it may say is checked elsewhere.
    """
    if len(text) > max_length:
        message = f"the text has {len(text)} characters, at most {max_length} are read"
        raise SourceError("KL010", message, None, "write a shorter condition")
    text = re.sub(r"\r\n?", "\n", text).strip(" \t\f\n")
    _scan(text, max_depth)
    try:
        tree = ast.parse(text, TEXT_FILE, mode="eval")
    except SyntaxError as error:
        at = _at(text, error.lineno or 1, (error.offset or 1) - 1, error.end_lineno, (error.end_offset or 0) - 1)
        raise SourceError("KL012", f"not an expression: {error.msg}", at, "write one Python expression") from None
    except (RecursionError, MemoryError):
        raise _too_deep(text, 0, max_depth) from None
    except (ValueError, OverflowError, SystemError) as error:
        raise SourceError(
            "KL012", f"not an expression: {error}", _at(text, 1, 0), "write one Python expression"
        ) from None
    source = Source(tree, TEXT_FILE, tuple(text.split("\n")), 1, None)
    _check_tree(source, max_depth)
    return source


def _scan(text: str, max_depth: int) -> None:
    """Refuse before parsing what would cost the parser its stack, or make it warn."""
    if (bad := UNSTORABLE.search(text)) is not None:
        raise _wrong(text, bad.start(), "NUL and lone surrogates are not text", "remove the character", "KL013")
    if not text:
        raise SourceError("KL012", "the text is empty", _at(text, 1, 0), "write one Python expression")
    opened: list[tuple[int, int]] = []  # where, and the depth outside
    depth = chain = run = 0  # chain: operators that nest to the right in this bracket; run: prefixes in a row
    at = 0
    while (token := _TOKEN.match(text, at)) is not None:
        start, at, kind, what = at, token.end(), token.lastgroup, token[0]
        if kind == "space":
            continue
        if token["string"] is not None:
            kind, at = "string", _scan_string(text, token)
        if kind == "open":
            opened.append((start, depth))
            depth, chain, run = depth + chain + run + 1, 0, 0
        elif kind == "close":
            if not opened or _CLOSES[text[opened[-1][0]]] != what:
                raise _wrong(text, start, f"nothing is open that {what} could close", "balance the brackets")
            depth, chain, run = opened.pop()[1], chain, 0
        elif kind == "sign" or what in ("not", "await"):
            chain, run = (chain + 1, run) if what == "**" else (chain, run + 1)
        elif what in ("else", "lambda"):
            chain += 1
        elif what == ",":
            chain = run = 0
        else:
            run = 0
            if kind == "number" and _RUN_ON_NUMBER.search(what):
                raise _wrong(text, start, f"{what} is no number", "put a space between number and word")
        if depth + chain + run > max_depth:
            raise _too_deep(text, start, max_depth)
    if opened:
        what = text[opened[-1][0]]
        raise _wrong(text, opened[-1][0], f"{what} is never closed", f"add {_CLOSES[what]}")


def _scan_string(text: str, token: re.Match[str]) -> int:
    """The end of the string that begins at `token`."""
    prefix, quote = (token["prefix"] or "").lower(), token["quote"]
    if "f" in prefix or "t" in prefix:
        raise _wrong(text, token.start(), "f-strings are not read", "write a plain string, join with +", "KL014")
    body = _STRING_END[quote].match(text, token.end())
    if body is None:
        raise _wrong(text, token.start(), "the string is never closed", f"add {quote}")
    if "r" not in prefix:
        for escape in re.finditer(r"\\[0-7]{1,3}|\\.", body[0], re.S):
            if _BAD_ESCAPE.match(escape[0]) or ("b" in prefix and escape[0][1] in "NuU"):
                place = token.end() + escape.start()
                raise _wrong(text, place, f"{escape[0]} means nothing in a string", "write a backslash as two")
    return body.end()


def _check_tree(source: Source, max_depth: int) -> None:
    waiting: list[tuple[ast.AST, int]] = [(source.node, 0)]
    while waiting:
        node, depth = waiting.pop()
        if isinstance(node, ast.expr):
            depth += 1
        if depth > max_depth:
            # Its own place: the chain `1 + 1 + …` is deep at its left end.
            raise SourceError("KL011", *_deep_words(max_depth, source.place(node)))
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and not is_storable(node.value):
            remedy = "remove the escape"
            raise SourceError("KL013", "NUL and lone surrogates are not text", source.place(node), remedy)
        waiting += [(child, depth) for child in ast.iter_child_nodes(node)]


def _deep_words(max_depth: int, place: Place) -> tuple[str, Place, str]:
    return f"the expression is nested more than {max_depth} deep", place, "write a flatter condition"


def _too_deep(text: str, index: int, max_depth: int) -> SourceError:
    return SourceError("KL011", *_deep_words(max_depth, _at_index(text, index)))


def _wrong(
    text: str, index: int, message: str, remedy: str, code: Literal["KL012", "KL013", "KL014"] = "KL012"
) -> SourceError:
    return SourceError(code, message, _at_index(text, index), remedy)


def _at_index(text: str, index: int) -> Place:
    return _at(text, text.count("\n", 0, index) + 1, index - (text.rfind("\n", 0, index) + 1))


def _at(text: str, line: int, column: int, end_line: int | None = None, end_column: int = 0) -> Place:
    lines = text.split("\n")
    line = min(max(line, 1), len(lines))
    here = lines[line - 1]
    column = min(max(column, 0), len(here))
    end = min(end_column, len(here)) if end_line == line else 0
    return Place(TEXT_FILE, line, column, max(column + 1, end), here)
