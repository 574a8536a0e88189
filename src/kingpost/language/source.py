"""Where something was said: the syntax tree of a function or of a text, with the place of every part of it.

A function's tree counts only if compiling its file gives, at the same place, the very code that runs. Nothing is
evaluated.
"""

from __future__ import annotations
import __future__ as future_features

import ast
import builtins
import functools
import inspect
import linecache
import re
import sys
import threading
import unicodedata
from collections import OrderedDict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from types import CodeType, FunctionType, MethodType
from typing import Final, Literal, NoReturn, TypeAlias, cast

Function: TypeAlias = ast.Lambda | ast.FunctionDef | ast.AsyncFunctionDef

TEXT_FILE: Final = "<text>"
_FILES_KEPT: Final = 128
_FUNCTIONS_KEPT: Final = 8192
_EXCERPT_WIDTH: Final = 120
_FUTURES: Final = functools.reduce(
    int.__or__, (getattr(future_features, name).compiler_flag for name in future_features.all_feature_names)
)
_WRITE_TEXT: Final = 'write the condition as text, where("n > 1")'


@dataclass(frozen=True, slots=True)
class Place:
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


@dataclass(frozen=True, slots=True, eq=False)
class Source:
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
        return tuple(name for name in _positional(self.node) if name not in self.bound)

    def place(self, node: ast.AST) -> Place:
        """The place of a part of `node`; of a part without a position (an operator), the place of what it holds."""
        spans = [_span(node)] if hasattr(node, "lineno") else [_span(n) for n in ast.walk(node) if hasattr(n, "lineno")]
        start, end = (min(s[0] for s in spans), max(s[1] for s in spans)) if spans else _span(_root(self.node))
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
        defaults = _defaults(function)
        if name in defaults:
            return defaults[name]
        code = function.__code__
        if name in code.co_varnames[: code.co_argcount + code.co_kwonlyargcount]:
            raise LookupError(f"{name!r} is a parameter, it has no value yet")
        name = _mangled(name, function)
        if name in code.co_freevars:
            try:
                return (function.__closure__ or ())[code.co_freevars.index(name)].cell_contents
            except ValueError:
                raise LookupError(f"name {name!r} has no value yet in the enclosing function") from None
        scopes = (function.__globals__, cast("Mapping[str, object]", getattr(function, "__builtins__", vars(builtins))))
        for scope in scopes:
            if name in scope:
                return scope[name]
        raise LookupError(f"name {name!r} is not defined")


def _root(node: ast.AST) -> ast.AST:
    return node.body if isinstance(node, ast.Expression) else node


def _span(node: ast.AST) -> tuple[tuple[int, int], tuple[int, int]]:
    """Start and end as (line, column in UTF-8 bytes), which is how both the parser and code objects count."""
    at = cast("ast.expr", node)
    start = (at.lineno, at.col_offset)
    return start, (start if at.end_lineno is None else (at.end_lineno, at.end_col_offset or 0))


def _characters(text: str, offset: int) -> int:
    return len(text.encode("utf-8", "surrogatepass")[:offset].decode("utf-8", "replace"))


def _positional(node: Function | ast.Expression) -> tuple[str, ...]:
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


# ----------------------------------------------------------------------------------------------------------- functions


@dataclass(frozen=True, slots=True)
class _File:
    """One parsed and compiled file; functions by first line and name, as code objects know them."""

    raw: Sequence[str]
    lines: tuple[str, ...]
    nodes: Mapping[tuple[int, str], list[Function]]
    codes: Mapping[tuple[int, str], list[CodeType]]


_lock = threading.RLock()
_files: OrderedDict[tuple[str, int], _File] = OrderedDict()
# By id: code objects compare equal when only their columns differ. The code is kept, so that its id stays its own.
_found: OrderedDict[int, tuple[CodeType, Function, tuple[str, ...]]] = OrderedDict()


def read_source(function: Callable[..., object], *, name: str | None = None) -> Source:
    """Find what was written for `function`: a lambda, `def`, method, `functools.wraps` chain, partial.

    `name`, where known, is the name it was declared under; it helps to recognise a decorator without
    `functools.wraps`. Raises SourceError: no source, several candidates, changed since import, not a plain function.
    """
    plain, arguments, keywords = _unwrap(function)
    code = plain.__code__
    with _lock:
        known = _found.get(id(code))
    if known is None:
        node, lines = _find(plain)
        known = (code, node, lines)
        with _lock:
            _found[id(code)] = known
            while len(_found) > _FUNCTIONS_KEPT:
                _found.popitem(last=False)
    _, node, lines = known
    source = Source(node, code.co_filename, lines, 1, plain, _bind(node, plain, arguments, keywords))
    _refuse_wrapper(plain, source, name)
    if code.co_flags & (inspect.CO_COROUTINE | inspect.CO_GENERATOR | inspect.CO_ASYNC_GENERATOR):
        message = f"{plain.__qualname__} is async or a generator; the language has plain functions only"
        raise SourceError("KL008", message, source.place(node), "write it with def and return, without await and yield")
    return source


def _unwrap(given: object) -> tuple[FunctionType, tuple[object, ...], dict[str, object]]:
    """The innermost plain function, and the arguments it has already been given."""
    at, arguments, keywords = given, tuple[object, ...](), dict[str, object]()
    for _ in range(100):
        if isinstance(at, functools.partial):
            part = cast("functools.partial[object]", at)
            at, arguments, keywords = part.func, (*part.args, *arguments), {**part.keywords, **keywords}
        elif isinstance(at, MethodType):
            arguments = (at.__self__, *arguments)
            at = cast("object", at.__func__)
        elif isinstance(at, staticmethod | classmethod):
            at = cast("object", at.__func__)
        elif not isinstance(at, type) and (inner := getattr(at, "__wrapped__", None)) is not None:
            at = inner
        elif isinstance(at, FunctionType):
            return at, arguments, keywords
        else:
            break
    kind = type(at).__name__
    compiled = "builtin" in kind or "cython" in kind
    message = f"{getattr(at, '__qualname__', kind)} is no Python function ({'compiled, ' if compiled else ''}a {kind})"
    remedy = f"keep its module as plain Python, or {_WRITE_TEXT}" if compiled else "give a lambda or a function"
    raise SourceError("KL001", message, None, remedy)


def _bind(
    node: Function, function: FunctionType, arguments: tuple[object, ...], keywords: dict[str, object]
) -> dict[str, object]:
    names = _positional(node)
    allowed = {*names[len(node.args.posonlyargs) :], *(a.arg for a in node.args.kwonlyargs)} - {
        *names[: len(arguments)]
    }
    if len(arguments) > len(names) or not allowed.issuperset(keywords):
        message = f"{function.__qualname__} does not take the arguments that it is bound to"
        raise SourceError("KL009", message, None, "bind parameters that it has, each once")
    return {**dict(zip(names, arguments)), **keywords}


def _refuse_wrapper(function: FunctionType, source: Source, name: str | None) -> None:
    """A rule takes no *args and is called what it was declared as: else a decorator has handed over its wrapper."""
    held: list[object] = [value for value in _cells_of(function) if callable(value)]
    any_arguments = function.__code__.co_flags & (inspect.CO_VARARGS | inspect.CO_VARKEYWORDS)
    renamed = name not in (None, function.__name__) and function.__name__ != "<lambda>"
    if held and "<locals>" in function.__qualname__ and (any_arguments or renamed):
        inner = next((v.__qualname__ for v in held if isinstance(v, FunctionType)), "a function")
        message = f"{function.__qualname__} is a decorator's wrapper around {inner}; what it wraps is not known"
        remedy = "put @functools.wraps(function) on the wrapper inside the decorator, or leave the decorator out"
        raise SourceError("KL007", message, source.place(source.node), remedy)


def _cells_of(function: FunctionType) -> Iterator[object]:
    for cell in function.__closure__ or ():
        try:
            yield cell.cell_contents
        except ValueError:  # not assigned yet
            continue


def _find(function: FunctionType) -> tuple[Function, tuple[str, ...]]:
    code = function.__code__
    raw = _lines(function)
    if not raw:
        _refuse_missing(function)
    for attempt in range(2):
        file = _file(code.co_filename, raw, code.co_flags & _FUTURES)
        if file is not None and (node := _match(file, code)) is not None:
            return node, file.lines
        if attempt == 0:  # linecache may be older than the code: the module was edited and reloaded
            linecache.checkcache(code.co_filename)
            if not (raw := _lines(function)):
                break
    if code.co_filename.startswith("<"):
        _refuse_missing(function)
    message = f"{_called(code)} has changed in its file since it was imported"
    raise SourceError("KL005", message, _first_line(code), "restart; a stale __pycache__ of that file may be deleted")


def _lines(function: FunctionType) -> Sequence[str]:
    filename = function.__code__.co_filename
    # The function's globals tell linecache which loader to ask (zip files).
    lines = linecache.getlines(filename, function.__globals__)
    if not lines and filename == "<string>" and (text := _command()) is not None:
        return text.splitlines(keepends=True)
    return lines


def _command() -> str | None:
    """The text after `-c` on the interpreter's command line."""
    arguments = iter(sys.orig_argv[1:])
    for argument in arguments:
        if argument == "--check-hash-based-pycs":
            next(arguments, None)
        elif argument.startswith("-") and not argument.startswith("--"):
            option = re.search("[cmWX]", argument[1:])
            if option is not None:
                value = argument[1 + option.end() :] or next(arguments, "")
                if option[0] in "cm":
                    return value if option[0] == "c" else None
        elif not argument.startswith("--"):
            return None
    return None


def _called(code: CodeType) -> str:
    return f"the lambda of line {code.co_firstlineno}" if code.co_name == "<lambda>" else code.co_qualname


def _first_line(code: CodeType) -> Place:
    return Place(code.co_filename, code.co_firstlineno, 0, 0, "")


def _refuse_missing(function: FunctionType) -> NoReturn:
    code = function.__code__
    name, place = code.co_filename, _first_line(code)
    message = f"there is no source for {_called(code)}: "
    if name == "<stdin>":
        remedy = f"{_WRITE_TEXT}, or use `kingpost shell`, a console that keeps what is typed"
        raise SourceError("KL002", message + "Python does not keep what is typed or piped into it", place, remedy)
    if name.startswith("<") and not name.startswith("<frozen"):
        remedy = f"compile it under a name of its own, registered in linecache.cache with its text, or {_WRITE_TEXT}"
        raise SourceError("KL003", f"{message}it was built from text that is not kept ({name})", place, remedy)
    remedy = f"install the module with its .py file, or {_WRITE_TEXT}"
    raise SourceError("KL004", message + "its file cannot be read", place, remedy)


def _file(filename: str, raw: Sequence[str], futures: int) -> _File | None:
    """The parsed file, None if it is not Python (any more). Parsed once: one lock, kept by content."""
    with _lock:
        file = _files.get((filename, futures))
        if file is None or (file.raw is not raw and file.raw != raw):
            parsed = _parse(filename, raw, futures) or _parse(filename, raw, futures | ast.PyCF_ALLOW_TOP_LEVEL_AWAIT)
            if parsed is None:
                return None
            _files[filename, futures] = file = parsed
        _files.move_to_end((filename, futures))
        while len(_files) > _FILES_KEPT:
            _files.popitem(last=False)
        return file


def _parse(filename: str, raw: Sequence[str], flags: int) -> _File | None:
    text = "".join(raw)
    try:
        tree = cast("ast.Module", compile(text, filename, "exec", flags | ast.PyCF_ONLY_AST, dont_inherit=True))
        module = compile(text, filename, "exec", flags, dont_inherit=True)
    except (SyntaxError, ValueError, OverflowError, MemoryError, RecursionError):
        return None
    nodes: dict[tuple[int, str], list[Function]] = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.Lambda):
            nodes.setdefault((node.lineno, "<lambda>"), []).append(node)
        elif isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            line = node.decorator_list[0].lineno if node.decorator_list else node.lineno
            nodes.setdefault((line, node.name), []).append(node)
    codes: dict[tuple[int, str], list[CodeType]] = {}
    waiting = [module]
    while waiting:
        inner = [const for const in waiting.pop().co_consts if isinstance(const, CodeType)]
        waiting += inner
        for code in inner:
            codes.setdefault((code.co_firstlineno, code.co_name), []).append(code)
    return _File(raw, tuple(line.rstrip("\r\n") for line in raw), nodes, codes)


def _match(file: _File, code: CodeType) -> Function | None:
    """The node that `code` was compiled from, None if the file does not hold it as it runs.

    Raises SourceError: the code has no columns and its line several lambdas.
    """
    key = (code.co_firstlineno, code.co_name)
    compiled = file.codes.get(key, [])
    if not any(_same(one, code) or _same_but_asserts(one, code) for one in compiled):
        return None
    nodes = file.nodes.get(key, [])
    if code.co_name != "<lambda>":
        return nodes[0] if len(nodes) == 1 else None
    positions = [(p[0], p[1], p[2], p[3]) for p in code.co_positions() if p[2] is not None and p[2:] != (0, 0)]
    if not positions and len(nodes) > 1:
        message = f"line {key[0]} has {len(nodes)} lambdas, and Python runs without columns (no_debug_ranges)"
        raise SourceError("KL006", message, _first_line(code), "write one lambda per line")
    holding = [node for node in nodes if all(_holds(cast("ast.Lambda", node).body, p) for p in positions)]
    # Of nested lambdas the inner: the outer's body holds its instructions as well.
    return min(holding, key=_extent, default=None)


def _holds(body: ast.AST, position: tuple[int | None, int | None, int | None, int | None]) -> bool:
    line, end_line, column, end_column = position
    start, end = _span(body)
    return start <= (line or 0, column or 0) and (end_line or 0, end_column or 0) <= end


def _extent(node: ast.AST) -> tuple[int, int]:
    start, end = _span(node)
    return end[0] - start[0], end[1] - start[1]


def _same(one: CodeType, other: CodeType) -> bool:
    """Whether two code objects do the same at the same place. (`==` of code objects disregards columns in 3.11.)"""
    return (
        one.co_code == other.co_code
        and _signature(one) == _signature(other)
        and len(one.co_consts) == len(other.co_consts)
        and all(map(_same_constant, one.co_consts, other.co_consts))
        and _same_positions(one, other)
    )


def _signature(code: CodeType) -> tuple[object, ...]:
    names = (code.co_name, code.co_names, code.co_varnames, code.co_freevars, code.co_cellvars)
    return *names, code.co_argcount, code.co_posonlyargcount, code.co_kwonlyargcount, code.co_flags


def _same_positions(one: CodeType, other: CodeType) -> bool:
    positions, others = list(one.co_positions()), list(other.co_positions())
    if all(p[2] is None for p in positions) or all(p[2] is None for p in others):
        return [p[0] for p in positions] == [p[0] for p in others]
    return positions == others


def _same_constant(one: object, other: object) -> bool:
    if type(one) is not type(other):
        return False
    if isinstance(one, CodeType) and isinstance(other, CodeType):
        return _same(one, other)
    if isinstance(one, tuple) and isinstance(other, tuple):
        these, those = cast("tuple[object, ...]", one), cast("tuple[object, ...]", other)
        return len(these) == len(those) and all(map(_same_constant, these, those))
    if isinstance(one, float | complex):
        return repr(one) == repr(other)  # 0.0 and -0.0 are equal, nan is not
    if isinstance(one, frozenset) and isinstance(other, frozenset):
        return {(type(v), v) for v in cast("frozenset[object]", one)} == {
            (type(v), v) for v in cast("frozenset[object]", other)
        }
    return one == other


def _same_but_asserts(one: CodeType, other: CodeType) -> bool:
    """pytest adds to a function with asserts; what was written must still all be there."""
    if "@pytest_ar" not in other.co_names and "@py_builtins" not in other.co_names:
        return False
    return set(_mentioned(one)) <= set(_mentioned(other))


def _mentioned(code: CodeType) -> Iterator[tuple[str, object]]:
    for name in (*code.co_names, *code.co_varnames, *code.co_freevars, *code.co_cellvars):
        yield "name", name
    waiting = list(cast("tuple[object, ...]", code.co_consts))
    while waiting:
        value = waiting.pop()
        if isinstance(value, CodeType):
            yield from _mentioned(value)
        elif isinstance(value, tuple | frozenset):
            waiting += cast("tuple[object, ...]", tuple(value))
        else:
            yield type(value).__name__, value


# ---------------------------------------------------------------------------------------------------------------- text

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
    if (bad := re.search("[\0\ud800-\udfff]", text)) is not None:
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
        if (
            isinstance(node, ast.Constant)
            and isinstance(node.value, str)
            and re.search("[\0\ud800-\udfff]", node.value)
        ):
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
