"""Rows become objects: one function a shape, written once as Python source and compiled.

The source is made of column numbers and names that this module chose itself; nothing of a request or of a declaration
enters it as text. Objects are msgspec structs for doors, or instances of the declared classes for user code.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from itertools import starmap
from operator import itemgetter
from typing import Any, TypeAlias, cast

import msgspec

from kingpost.language.types import Type
from kingpost.plan.plan import Batch, Batched, Entry, Fetch, Leaf, One, Reference, Shape
from kingpost.stores.contract import Inline

Convert: TypeAlias = Callable[[Any], Any] | None
Forms: TypeAlias = Callable[[Type], Convert]
Make: TypeAlias = Callable[[str, tuple[str, ...], str | None], Callable[..., Any]]
Stitch: TypeAlias = Callable[[Sequence[Sequence[Any]], Sequence[Mapping[Any, Any]]], list[Any]]
Group: TypeAlias = Callable[[Sequence[Sequence[Any]], Sequence[Mapping[Any, Any]]], dict[Any, Any]]


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


def grouper(batch: Batch, forms: Forms, make: Make = struct) -> Group:
    """The function that answers what a batch found by the key of the parent: lists, or single objects."""
    return _Writer(forms, make).group(batch)


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
        return self._function(fetch, f"    return [{body} for r in rows]\n")  # type: ignore[no-any-return]

    def group(self, batch: Batch) -> Group:
        shape, key = batch.fetch.shape, _key(batch.owner)
        if not batch.many:
            body = f"    return {{{key}: {self._object(shape)} for r in rows}}\n"
            return self._function(batch.fetch, body)  # type: ignore[no-any-return]
        if batch.unwrap is None:
            value, wanted = self._object(shape), ""
        else:  # of a link only the far end is wanted, where it may be seen
            far = next(entry for entry in shape.entries if entry.name == batch.unwrap)
            value, wanted = self._entry(shape, far), "        if v is None: continue\n"
        body = f"""    found = {{}}
    for r in rows:
        v = {value}
{wanted}        k = {key}
        if k in found: found[k].append(v)
        else: found[k] = [v]
    return found
"""
        return self._function(batch.fetch, body)  # type: ignore[no-any-return]

    def _function(self, fetch: Fetch, body: str) -> Any:
        """A function of rows and of what the batches of `fetch` found."""
        taken = "".join(f"    b{index} = batches[{index}]\n" for index in range(len(fetch.batches)))
        source = f"def stitch(rows, batches):\n{taken}{body}"
        exec(compile(source, f"<rows of {fetch.shape.resource}>", "exec"), self.names)  # noqa: S102
        return self.names["stitch"]

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
                return f"(b{batch}.get({_key(columns)}) or [])"
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
        if isinstance(convert, Inline):
            written = convert.source.format(**{name: self._name(value) for name, value in convert.names.items()})
            return f"({written} if (v := r[{column}]) is not None else None)"
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
    return cast("Callable[[Sequence[Any]], Any]", itemgetter(*columns))
