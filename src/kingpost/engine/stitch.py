"""Rows become objects: one function a shape, written once as Python source and compiled.

The source is made of column numbers and names that this module chose itself; nothing of a request or of a declaration
enters it as text. Objects are msgspec structs for doors, or instances of the declared classes for user code.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from itertools import starmap
from typing import Any, TypeAlias, cast

import msgspec

from kingpost.language.types import Type
from kingpost.plan.plan import Batch, Batched, Entry, Fetch, Leaf, One, Reference, Shape

Convert: TypeAlias = Callable[[Any], Any] | None
Forms: TypeAlias = Callable[[Type], Convert]
Make: TypeAlias = Callable[[str, tuple[str, ...], str | None], Callable[..., Any]]
Stitch: TypeAlias = Callable[[Sequence[Sequence[Any]], Sequence[Mapping[Any, Any]]], list[Any]]


def struct(resource: str, names: tuple[str, ...], via: str | None) -> Callable[..., Any]:
    """A struct type with these member names; made anew for every shape."""
    fields = [(f"m{index}", Any) for index in range(len(names))]
    rename = {f"m{index}": name for index, name in enumerate(names)}
    return msgspec.defstruct(resource.rpartition(".")[2] or "Summary", fields, rename=rename, gc=False)


def stitcher(fetch: Fetch, forms: Forms, make: Make = struct) -> Stitch:
    """The function that turns the rows of `fetch`, and what its batches found by key, into objects.

    `forms` answers how a value as the store gives it becomes what is wanted, or None where it is that already;
    `make` answers the constructor for an object of a resource with these members; `via` names the relation where it
    is a bare reference, and is None elsewhere.
    """
    return _Writer(forms, make).stitch(fetch)


class _Writer:
    def __init__(self, forms: Forms, make: Make) -> None:
        self.forms = forms
        self.make = make
        self.names: dict[str, Any] = {}

    def stitch(self, fetch: Fetch) -> Stitch:
        width = sum(1 for _ in fetch.shape.entries)
        if self._flat(fetch.shape) and width == _width(fetch):
            construct = self.make(fetch.shape.resource, tuple(entry.name for entry in fetch.shape.entries), None)
            return lambda rows, found: list(starmap(construct, rows))
        body = self._object(fetch.shape)
        taken = "".join(f"    b{index} = batches[{index}]\n" for index in range(len(fetch.batches)))
        source = f"def stitch(rows, batches):\n{taken}    return [{body} for r in rows]\n"
        exec(compile(source, f"<rows of {fetch.shape.resource}>", "exec"), self.names)  # noqa: S102
        made: Stitch = self.names["stitch"]
        return made

    def _flat(self, shape: Shape) -> bool:
        """Whether every member is the column of the same number, as it is."""
        return all(
            isinstance(entry, Leaf) and entry.column == index and self.forms(entry.type) is None
            for index, entry in enumerate(shape.entries)
        )

    def _object(self, shape: Shape) -> str:
        construct = self._name(self.make(shape.resource, tuple(entry.name for entry in shape.entries), None))
        return f"{construct}({', '.join(self._entry(shape, entry) for entry in shape.entries)})"

    def _entry(self, owner: Shape, entry: Entry) -> str:
        match entry:
            case Leaf(column=column, type=type):
                return self._value(column, type)
            case Reference():
                return self._reference(owner, entry)
            case One(present=present, shape=shape, reference=reference):
                return f"({self._object(shape)} if r[{present}] is not None else {self._reference(owner, reference)})"
            case Batched(batch=batch, columns=columns, many=True):
                return f"b{batch}.get({_key(columns)}, {self._name([])}[:])"
            case Batched(batch=batch, columns=columns, reference=reference):
                missing = "None" if reference is None else self._reference(owner, reference)
                return f"(b{batch}.get({_key(columns)}) or {missing})"

    def _reference(self, owner: Shape, reference: Reference) -> str:
        construct = self._name(self.make(reference.resource, reference.keys, f"{owner.resource}.{reference.name}"))
        values = [self._value(column, type) for column, type in zip(reference.columns, reference.types, strict=True)]
        return f"({construct}({', '.join(values)}) if r[{reference.columns[0]}] is not None else None)"

    def _value(self, column: int, type: Type) -> str:
        convert = self.forms(type)
        if convert is None:
            return f"r[{column}]"
        return f"({self._name(convert)}(v) if (v := r[{column}]) is not None else None)"

    def _name(self, value: Any) -> str:
        name = f"n{len(self.names)}"
        self.names[name] = value
        return name


def _key(columns: tuple[int, ...]) -> str:
    return f"r[{columns[0]}]" if len(columns) == 1 else f"({', '.join(f'r[{column}]' for column in columns)})"


def _width(fetch: Fetch) -> int:
    return len(fetch.select.columns)


def key_reader(columns: tuple[int, ...]) -> Callable[[Sequence[Any]], Any]:
    """Reads the key in these columns of a row: a scalar, or a tuple where there are several."""
    if len(columns) == 1:
        column = columns[0]
        return lambda row: row[column]
    return lambda row: tuple([row[column] for column in columns])


def grouped(batch: Batch, rows: Sequence[Sequence[Any]], objects: list[Any], unwrap: str | None) -> dict[Any, Any]:
    """What a batch found, by the key of the parent: lists, or single objects."""
    read = key_reader(batch.owner)
    found: dict[Any, Any] = {}
    if not batch.many:
        return dict(zip(map(read, rows), objects, strict=True))
    for row, value in zip(rows, objects, strict=True):
        if unwrap is not None:
            far: Any = cast("dict[str, Any]", value)[unwrap] if isinstance(value, dict) else value.m0
            if far is not None:
                found.setdefault(read(row), []).append(far)
            continue
        found.setdefault(read(row), []).append(value)
    return found
