"""Finding what was written for a function: the right part of the right file, or a refusal with a remedy.

A function's tree counts only if compiling its file gives, at the same place, the very code that runs: a file edited
since it was imported is refused, and of several lambdas on a line the columns of the code tell which it is. Nothing
is evaluated. Files and functions are kept once read, by content and by code.
"""

from __future__ import annotations
import __future__ as future_features

import ast
import functools
import inspect
import linecache
import re
import sys
import threading
from collections import OrderedDict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from types import CodeType, FunctionType, MethodType
from typing import Final, NoReturn, cast

from kingpost.language.source import Function, Place, Source, SourceError, positional, span

_FILES_KEPT: Final = 128
_FUNCTIONS_KEPT: Final = 8192
_FUTURES: Final = functools.reduce(
    int.__or__, (getattr(future_features, name).compiler_flag for name in future_features.all_feature_names)
)
_WRITE_TEXT: Final = 'write the condition as text, where("n > 1")'


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
_GENERATES: Final = inspect.CO_COROUTINE | inspect.CO_GENERATOR | inspect.CO_ASYNC_GENERATOR
_TAKES_ANY: Final = inspect.CO_VARARGS | inspect.CO_VARKEYWORDS


def read_source(function: Callable[..., object], *, name: str | None = None) -> Source:
    """Find what was written for `function`: a lambda, `def`, method, `functools.wraps` chain, partial.

    `name`, where known, is the name it was declared under; it helps to recognise a decorator without
    `functools.wraps`. Raises SourceError: no source, several candidates, changed since import, not a plain function.
    """
    if isinstance(function, FunctionType) and _is_plain(function):
        known = _found.get(id(function.__code__))
        if known is not None:  # read before: there is nothing to unwrap, to bind or to refuse
            return Source(known[1], known[0].co_filename, known[2], 1, function)
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
    if code.co_flags & _GENERATES:
        message = f"{plain.__qualname__} is async or a generator; the language has plain functions only"
        raise SourceError("KL008", message, source.place(node), "write it with def and return, without await and yield")
    return source


def _is_plain(function: FunctionType) -> bool:
    """Whether it is a lambda like most: no wrapper of anything."""
    return function.__name__ == "<lambda>" and not (
        function.__code__.co_flags & (_GENERATES | _TAKES_ANY) or vars(function)
    )


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
    names = positional(node)
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
    any_arguments = function.__code__.co_flags & _TAKES_ANY
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
    start, end = span(body)
    return start <= (line or 0, column or 0) and (end_line or 0, end_column or 0) <= end


def _extent(node: ast.AST) -> tuple[int, int]:
    start, end = span(node)
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
