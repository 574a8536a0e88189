"""Where something was said: the syntax tree of a function or of a text, and the place of every part of it.

A `Source` answers two questions for those who read the tree: where a part was written (a `Place`, shown with carets
under it) and what a name in a function stands for now. Nothing is evaluated. `SourceError` is how the readers refuse;
its codes begin with KL. Functions are found by `read_source`, text is parsed by `parse_text`.
"""

from __future__ import annotations

import ast
import builtins
import unicodedata
from collections.abc import Mapping
from types import FunctionType
from typing import Any, Final, TypeAlias, cast

from msgspec import Struct, field

Function: TypeAlias = ast.Lambda | ast.FunctionDef | ast.AsyncFunctionDef

_EXCERPT_WIDTH: Final = 120


class Place(Struct, frozen=True):
    """Where something was said: file, line (from 1), columns (from 0, in characters, end excluded), the line's text.

    What goes on over several lines has its first line here.
    """

    file: str
    line: int
    column: int
    end_column: int
    text: str

    def __str__(self) -> str:
        return f"{self.file}:{self.line}"

    def excerpt(self) -> str:
        """The line and below it carets under the span; "" without text.

        Tabs become spaces, wide characters get two carets, characters that steer a terminal are replaced, and of a
        long line only the neighbourhood of the span is shown.
        """
        if not self.text:
            return ""
        start = max(0, self.column - _EXCERPT_WIDTH // 2) if len(self.text) > _EXCERPT_WIDTH else 0
        stop = min(len(self.text), start + _EXCERPT_WIDTH)
        shown, carets = ("…", " ") if start else ("", "")
        width = len(shown)
        for at in range(start, stop):
            piece, cells = _cells(self.text[at], width)
            shown += piece
            carets += ("^" if self.column <= at < self.end_column else " ") * cells
            width += cells
        if "^" not in carets:
            carets = carets.rstrip().ljust(_width(self.text, start, self.column, 1 if start else 0)) + "^"
        return f"{shown}{'…' if stop < len(self.text) else ''}\n{carets.rstrip()}"


def _width(text: str, start: int, stop: int, width: int) -> int:
    for character in text[start:stop]:
        width += _cells(character, width)[1]
    return width


def _cells(character: str, at: int) -> tuple[str, int]:
    """How a character is shown in a terminal, in which number of cells, when it comes at cell `at`."""
    if character == "\t":
        cells = 4 - at % 4
        return " " * cells, cells
    category = unicodedata.category(character)
    if category in ("Mn", "Me") or character in "\u200c\u200d":
        return character, 0
    if category in ("Cc", "Cf", "Cs", "Zl", "Zp"):
        return "\ufffd", 1
    return character, 2 if unicodedata.east_asian_width(character) in "WF" else 1


class SourceError(Exception):
    """The source cannot be read or may not be used. `code` is stable ("KL001"), `remedy` says what to write instead."""

    def __init__(self, code: str, message: str, place: Place | None = None, remedy: str = "") -> None:
        super().__init__(code, message, place, remedy)
        self.code = code
        self.message = message
        self.place = place
        self.remedy = remedy

    def __str__(self) -> str:
        parts = [f"{self.code} {self.message}"]
        if self.place is not None:
            parts += [f"  at {self.place}", *(f"    {line}" for line in self.place.excerpt().splitlines())]
        return "\n".join([*parts, f"  remedy: {self.remedy}"] if self.remedy else parts)


class Source(Struct, frozen=True, eq=False):
    """The parsed source of one function or text: what was written and where.

    `lines[0]` is line `first_line` of `file`. `function` is None for text. `bound` holds the parameters that already
    have a value: the object of a bound method, the arguments of a `functools.partial`.
    """

    node: Function | ast.Expression
    file: str
    lines: tuple[str, ...]
    first_line: int
    function: FunctionType | None
    bound: Mapping[str, object] = field(default_factory=dict[str, object])

    @property
    def parameters(self) -> tuple[str, ...]:
        """Names of the positional parameters that are not bound, in order; () for text."""
        return tuple(name for name in positional(self.node) if name not in self.bound)

    def binding(self, bound: Mapping[str, object]) -> Source:
        """The same source, with these values for names."""
        return Source(self.node, self.file, self.lines, self.first_line, cast(Any, self.function), bound)

    def place(self, node: ast.AST) -> Place:
        """The place of a part of `node`; of a part without a position (an operator), the place of what it holds."""
        spans = [span(node)] if hasattr(node, "lineno") else [span(n) for n in ast.walk(node) if hasattr(n, "lineno")]
        start, end = (min(s[0] for s in spans), max(s[1] for s in spans)) if spans else span(_root(self.node))
        index = start[0] - self.first_line
        text = self.lines[index] if 0 <= index < len(self.lines) else ""
        column = _characters(text, start[1])
        end_column = _characters(text, end[1]) if end[0] == start[0] else len(text.rstrip())
        return Place(self.file, start[0], column, max(column, end_column), text)

    def resolve(self, name: str) -> object:
        """The value of a name now, as Python finds it: parameter bound or with a default, closure, globals, builtins.

        Raises LookupError: the name has no value (or this is text, where names are fields only).
        """
        function = cast("object", self.function)  # pyright takes a field of this type for a descriptor
        if not isinstance(function, FunctionType):
            raise LookupError(f"name {name!r} is not defined: text names fields only")
        if name in self.bound:
            return self.bound[name]
        code, written = function.__code__, name
        name = _mangled(name, function)
        if name in code.co_freevars:
            try:
                return (function.__closure__ or ())[code.co_freevars.index(name)].cell_contents
            except ValueError:
                raise LookupError(f"name {name!r} has no value yet in the enclosing function") from None
        defaults = _defaults(function)
        if written in defaults:
            return defaults[written]
        if written in code.co_varnames[: code.co_argcount + code.co_kwonlyargcount]:
            raise LookupError(f"{written!r} is a parameter, it has no value yet")
        scopes = (function.__globals__, cast("Mapping[str, object]", getattr(function, "__builtins__", vars(builtins))))
        for scope in scopes:
            if name in scope:
                return scope[name]
        raise LookupError(f"name {name!r} is not defined")


def _root(node: ast.AST) -> ast.AST:
    return node.body if isinstance(node, ast.Expression) else node


def span(node: ast.AST) -> tuple[tuple[int, int], tuple[int, int]]:
    """Start and end as (line, column in UTF-8 bytes), which is how both the parser and code objects count."""
    at = cast("ast.expr", node)
    start = (at.lineno, at.col_offset)
    return start, (start if at.end_lineno is None else (at.end_lineno, at.end_col_offset or 0))


def _characters(text: str, offset: int) -> int:
    return len(text.encode("utf-8", "surrogatepass")[:offset].decode("utf-8", "replace"))


def positional(node: Function | ast.Expression) -> tuple[str, ...]:
    """Names of the parameters that may be given by position, in order; () for text."""
    if isinstance(node, ast.Expression):
        return ()
    return tuple(argument.arg for argument in (*node.args.posonlyargs, *node.args.args))


def _defaults(function: FunctionType) -> dict[str, object]:
    code, values = function.__code__, function.__defaults__ or ()
    names = code.co_varnames[code.co_argcount - len(values) : code.co_argcount]
    return {**dict(zip(names, values)), **(function.__kwdefaults__ or {})}


def _mangled(name: str, function: FunctionType) -> str:
    """Inside a class Python reads `__name` as `_Class__name`."""
    if name.startswith("__") and not name.endswith("__"):
        used = {*function.__code__.co_names, *function.__code__.co_freevars}
        for outer in reversed(function.__qualname__.split(".")):
            if (mangled := f"_{outer.lstrip('_')}{name}") in used:
                return mangled
    return name
