"""What queries are told by name or by lambda: paths, conditions and sort keys."""

from __future__ import annotations

import ast
from collections.abc import Callable
from copy import copy
from functools import lru_cache
from typing import Any, Final

from kingpost.language.parse_text import parse_text
from kingpost.language.read_source import read_source
from kingpost.language.source import Function, positional
from kingpost.model.declaration import Declaration, class_of, declaration
from kingpost.model.names import meant
from kingpost.model.query_parts import By, Path, Spoken

_PATHS_KEPT: Final = 1024


def speak(condition: Callable[..., Any] | str) -> Spoken:
    """Read a condition, and what it captured. Raises SourceError."""
    if isinstance(condition, str):
        return Spoken(parse_text(condition))
    source = read_source(condition)
    if source.function is condition and not source.bound:
        cells = _cells_of(source.node, condition.__code__.co_freevars)
        if cells is not None:
            closure: Any = condition.__closure__
            try:
                return Spoken(source.binding({name: _kept(closure[at].cell_contents) for name, at in cells}))
            except ValueError:  # one has no value yet, which translation tells
                pass
    captured = {name: _kept(value) for name, value in source.bound.items()} if source.bound else {}
    for name in _captured_in(source.node):
        try:
            value = source.resolve(name)
        except LookupError:  # the variable of a generator, or a name that translation will refuse
            continue
        captured[name] = _kept(value)
    return Spoken(source.binding(captured))


def _kept(value: object) -> object:
    """The value, whatever becomes of a list later."""
    return copy(value) if class_of(value) is list else value


@lru_cache(maxsize=8192)
def _cells_of(node: Function, free: tuple[str, ...]) -> tuple[tuple[str, int], ...] | None:
    """Where in the closure the names in a function are; None where one of them is anything else."""
    names = _captured_in(node)
    return tuple((name, free.index(name)) for name in names) if set(names) <= set(free) else None


@lru_cache(maxsize=8192)
def _captured_in(node: Function) -> tuple[str, ...]:
    """The names in a function that are not its parameters, each once.

    Nodes are equal to themselves only, and kept with the code they were of.
    """
    names = dict.fromkeys(one.id for one in ast.walk(node) if isinstance(one, ast.Name))
    return tuple(name for name in names if name not in positional(node))


def check_path(cls: type, path: str) -> Path:
    """The parts of a dotted path from `cls`. Raises ValueError naming the part that does not exist."""
    bound = declaration(cls).bound
    if bound is not None and path in bound.paths:
        return bound.paths[path]
    parts = tuple(path.split("."))
    at: type | None = cls
    for part in parts:
        if at is None:
            break
        shape = declaration(at)
        known = names_of(shape)
        if part not in known:
            raise ValueError(f"{at.__name__} has no {part!r}: {meant(part, known)}")
        if shape.bound is None:
            break
        at = shape.bound.targets.get(part)
    if bound is not None and len(bound.paths) < _PATHS_KEPT:
        bound.paths[path] = parts
    return parts


def names_of(shape: Declaration) -> list[str]:
    return [*(["id"] if shape.implicit_key else []), *shape.members, *shape.computed]


def target_of(cls: type, path: Path) -> type:
    at = cls
    for part in path:
        bound = declaration(at).bound
        if bound is None:
            return cls
        if part not in bound.targets:
            raise ValueError(f"{at.__name__}.{part} is no relation: {meant(part, bound.targets)}")
        at = bound.targets[part]
    return at


def sort_key(cls: type, by: Any, descending: bool) -> By:
    if not isinstance(by, str):
        return By(speak(by), descending)
    return By(check_path(cls, by.removeprefix("-")), by.startswith("-"))


def path_of(function: Callable[..., Any]) -> Path:
    """The path that `lambda a: a.author.company` names."""
    source = read_source(function)
    node = source.node.body
    parts: list[str] = []
    while isinstance(node, ast.Attribute):
        parts.insert(0, node.attr)
        node = node.value
    if not parts or not isinstance(node, ast.Name) or node.id not in source.parameters:
        raise ValueError(f"{source.place(source.node)}: a relation is named by a path such as lambda a: a.author")
    return tuple(parts)


def natural(rows: int, what: str) -> int:
    if class_of(rows) is not int:
        raise TypeError(f"{what} is a whole number of rows, and a {class_of(rows).__name__} was given")
    if rows < 0:
        raise ValueError(f"{what} is a number of rows, not below 0")
    return rows
