"""Which column of a file goes where: by the name of the member, or of its column in the store, or as it was mapped."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, TypeAlias

from kingpost.base.errors import Detail
from kingpost.change.faults import HeaderFault
from kingpost.change.load_rejects import LINE, REASONS
from kingpost.language.types import Kind
from kingpost.model.model import FieldModel, Model, RelationModel, ResourceModel
from kingpost.model.names import meant
from kingpost.stores.files.arrays import is_object
from kingpost.stores.files.cells import Convert, Stated, converter, document

Path: TypeAlias = tuple[str, ...]
Mapped: TypeAlias = Mapping[str, Sequence[str]]
"""Where a column goes: to these members, `weather.origin` for a part of a key; to none, and it is left out."""

LEFT_OUT: Final[Any] = object()
"""An empty cell that says nothing: a new row gets the default, one that is there keeps what it has."""

REFUSED: Final[Any] = object()
"""An empty cell where something has to be."""


@dataclass(frozen=True, slots=True)
class Target:
    """Where a cell goes. `empty`: what an empty one means."""

    path: Path
    convert: Convert
    empty: Any


class Columns:
    """Makes members of records.

    Args:
        model: Of the application.
        resource: What the rows are.
        mapped: What was said of columns by name.
        stated: What was said of cells.
    """

    def __init__(self, model: Model, resource: ResourceModel, mapped: Mapped, stated: Stated) -> None:
        self._model, self._resource, self._mapped, self._stated = model, resource, mapped, stated
        self._by_column = {one.column: one.name for one in resource.fields.values() if not one.name.startswith("_")}
        for relation in resource.relations.values():
            if len(relation.columns) == 1:
                self._by_column[relation.columns[0]] = relation.name
        self._known: dict[str, list[Path]] = {}
        self.computed: dict[str, None] = {}
        """Columns that were left out because their members are computed."""

    def paths(self, name: str) -> list[Path]:
        """Where a column goes: its own name where it is not known."""
        found = self._known.get(name)
        return self._led(name) if found is None else found

    def _led(self, name: str) -> list[Path]:
        path = tuple(name.split("."))
        first = path[0] if self._resource.owner(path[0]) else self._by_column.get(path[0], path[0])
        led = [(first, *path[1:])]
        if name in self._mapped:
            led = [tuple(target.split(".")) for target in self._mapped[name]]
        elif name in (LINE, REASONS):
            led = []
        elif first in self._resource.computed:
            self.computed[name] = None
            led = []
        elif self._resource.owner(first) is None:
            return led  # of names that fit nothing there may be any number
        self._known[name] = led
        return led

    # Tables

    def table(self, header: Sequence[str]) -> Callable[[Sequence[str]], tuple[dict[str, Any], list[Detail]]]:
        """What makes members of the cells of a row, with what is wrong with some. Raises `HeaderFault`."""
        unknown = [name for name in self._mapped if name not in header]
        if unknown:
            hint = meant(unknown[0], header)
            raise HeaderFault(f"--map names the column {unknown[0]!r}, which the file does not have; {hint}")
        plan: list[tuple[int, Target]] = []
        faults: list[str] = []
        for place, name in enumerate(header):
            for path in self.paths(name):
                try:
                    plan.append((place, self._target(path)))
                except HeaderFault as fault:
                    faults.append(fault.message)
        if faults:
            remedy = "--map COLUMN=member, or --map COLUMN= to leave a column out"
            raise HeaderFault("; ".join(faults), remedy)
        self._refuse_twice([target.path for _, target in plan])
        return _reader(plan, self._stated.nulls)

    def _refuse_twice(self, paths: Sequence[Path]) -> None:
        for place, path in enumerate(paths):
            for other in paths[:place]:
                if path == other[: len(path)] or other == path[: len(other)]:
                    name = ".".join(path)
                    raise HeaderFault(f"two columns go to {name}", "--map COLUMN= leaves one of them out")

    def _target(self, path: Path) -> Target:
        owner, of = self._resource.owner(path[0]), self._resource
        shown = ".".join(path)
        if owner is None or path[0].startswith("_"):
            known = [name for name in of.names if not name.startswith("_") and name not in of.computed]
            raise HeaderFault(f"{of.name} has no {shown!r}; {meant(path[0], known)}")
        if isinstance(owner, RelationModel) and owner.kind != "one":
            return Target(path, document, LEFT_OUT)
        if isinstance(owner, RelationModel):
            field = self._key_part(owner, path[1:], shown)
            empty = None if owner.nullable else REFUSED if owner.default is None else LEFT_OUT
            return Target(path, converter(field.type, self._stated), empty)
        if isinstance(owner, FieldModel) and len(path) == 1:
            return Target(path, converter(owner.type, self._stated), _empty(owner))
        raise HeaderFault(f"{of.name} has no {shown!r}: {path[0]} has no parts that columns could go to")

    def _key_part(self, relation: RelationModel, rest: Path, shown: str) -> FieldModel:
        """The field at the end of a path through keys."""
        target = self._model[relation.target]
        if not rest and len(target.key) > 1:
            parts = " and ".join(f"{shown}.{name}" for name in target.key)
            raise HeaderFault(f"{shown} names rows by a key of several parts: {parts} take a column each")
        name = rest[0] if rest else next(iter(target.key))
        if name not in target.key:
            raise HeaderFault(f"{name!r} is no part of the key of {target.name}; {meant(name, target.key)}")
        if name in target.relations:
            return self._key_part(target.relations[name], rest[1:], shown)
        if rest[1:]:
            raise HeaderFault(f"{shown}: {name} has no parts")
        return target.fields[name]

    # Objects

    def renamed(self, given: Mapping[str, Any]) -> tuple[dict[str, Any], list[Detail]]:
        """The members of an object, where they go."""
        found: dict[str, Any] = {}
        for name, value in given.items():
            for path in self.paths(name):
                _put(found, path, value)
        return found, []


def _empty(field: FieldModel) -> Any:
    """What an empty cell means for a field."""
    if field.type.nullable:
        return None
    if field.type.kind is Kind.TEXT and not field.type.choices:
        return ""
    return REFUSED if field.default is None else LEFT_OUT


def _reader(
    plan: Sequence[tuple[int, Target]], nulls: frozenset[str]
) -> Callable[[Sequence[str]], tuple[dict[str, Any], list[Detail]]]:
    flat = [(place, one) for place, one in plan if len(one.path) == 1]
    deep = [(place, one) for place, one in plan if len(one.path) > 1]
    simple = [(place, one.path[0], one.convert, one.empty) for place, one in flat]

    def read(cells: Sequence[str]) -> tuple[dict[str, Any], list[Detail]]:
        found: dict[str, Any] = {}
        try:
            for place, name, convert, empty in simple:
                cell = cells[place]
                value = convert(cell) if cell and cell not in nulls else None if cell else empty
                if value is LEFT_OUT:
                    continue
                if value is REFUSED:
                    return _faulty(plan, nulls, cells)
                found[name] = value
            for place, one in deep:
                cell = cells[place]
                value = one.convert(cell) if cell and cell not in nulls else None if cell else one.empty
                if value is REFUSED:
                    return _faulty(plan, nulls, cells)
                if value is not LEFT_OUT:
                    _put(found, one.path, value)
        except ValueError:
            return _faulty(plan, nulls, cells)
        for _, one in deep:
            _without_none(found, one)
        return found, []

    return read


def _faulty(
    plan: Sequence[tuple[int, Target]], nulls: frozenset[str], cells: Sequence[str]
) -> tuple[dict[str, Any], list[Detail]]:
    """All that is wrong with the cells of a row."""
    faults: list[Detail] = []
    for place, one in plan:
        cell, pointer = cells[place], "/" + "/".join(one.path)
        if not cell and one.empty is REFUSED:
            faults.append(Detail(pointer, "empty", "must not be empty"))
        elif cell and cell not in nulls:
            try:
                one.convert(cell)
            except ValueError as error:
                faults.append(Detail(pointer, "format", str(error)))
    return {}, faults


def _put(found: dict[str, Any], path: Path, value: Any) -> None:
    """Set a value behind objects that are made on the way."""
    for name in path[:-1]:
        inner: Any = found.get(name)
        if not is_object(inner):
            inner = found[name] = dict[str, Any]()
        found = inner
    found[path[-1]] = value


def _without_none(found: dict[str, Any], one: Target) -> None:
    """A reference of which no part is given is None."""
    name = one.path[0]
    value = found.get(name)
    if one.empty is None and is_object(value) and all(part is None for part in _parts(value)):
        found[name] = None


def _parts(value: Any) -> Iterator[Any]:
    if not is_object(value):
        yield value
        return
    for one in value.values():
        yield from _parts(one)
