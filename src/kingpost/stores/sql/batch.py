"""The operations of a batch as SQL: text made once per shape, values turned into what the driver takes."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from itertools import chain
from typing import Any, Final, Protocol, cast

from msgspec import Struct, field

from kingpost.language.types import Kind
from kingpost.model.columns import Column, columns, key_columns, relation_columns
from kingpost.model.model import Model, ResourceModel
from kingpost.plan.made import makes, settled, waits
from kingpost.plan.select import Check, Clear, Delete, Insert, Made, Operation, Select, Update
from kingpost.stores.contract import Convert, Rows
from kingpost.stores.sql.dialects import Dialect

_SAME: Final = frozenset({Kind.UUID, Kind.INT, Kind.TEXT})
"""Kinds whose values drivers answer as they take them."""


class Shape(Struct, frozen=True):
    """The text of all operations that differ in values only, and how their values become arguments."""

    text: str
    converts: tuple[Convert | None, ...]
    key: tuple[int, ...] = ()
    """Of an insert whose rows may come with those of others: which values are the key."""

    def arguments(self, values: Sequence[object]) -> tuple[object, ...]:
        """The values as the driver takes them."""
        return tuple(
            value if convert is None else convert(value) for convert, value in zip(self.converts, values, strict=True)
        )


class Step(Struct, frozen=True):
    """One operation, ready to run: `text` once for every one of `rows`.

    `one`: exactly one row must be touched. `count`: so many rows must be found, which are the answer if it `answers`.
    `returns`: it answers rows, whose last columns are what the store `makes`, each with the way to its Python value.
    `later`: answers the step itself, when what it waits for has been made. `key`: the one row's, where the step may be
    done together with others of its text.
    """

    index: int
    operation: Operation
    text: str
    rows: Sequence[Sequence[object]]
    one: bool = False
    count: int | None = None
    returns: bool = False
    answers: bool = False
    makes: tuple[tuple[Made, Convert | None], ...] = ()
    later: Callable[[Mapping[Made, object]], Step] | None = None
    key: tuple[object, ...] = ()

    def made(self, rows: Rows) -> dict[Made, object]:
        """What the store has made, read off the answer."""
        if not self.makes:
            return {}
        values = tuple(rows[0])[-len(self.makes) :]
        pairs = zip(self.makes, values, strict=True)
        return {one: value if convert is None or value is None else convert(value) for (one, convert), value in pairs}


class Translated(Protocol):
    """A select as text and arguments."""

    @property
    def text(self) -> str: ...
    def arguments(self, params: Mapping[str, object]) -> Sequence[object]: ...


class Batches(Struct):
    """Makes steps from operations.

    Args:
        model: What was declared.
        dialect: How it is written.
        prepare: Translates the select of a `Check`.
    """

    model: Model
    dialect: Dialect
    prepare: Callable[[Select], Translated]
    _shapes: dict[tuple[object, ...], Shape] = field(default_factory=dict[tuple[object, ...], Shape])

    def steps(self, operations: Sequence[Operation]) -> list[Step]:
        """The operations in order, as SQL."""
        if not makes(operations):
            return [self._step(index, operation) for index, operation in enumerate(operations)]
        return [
            self._later(index, operation) if waits(operation) else self._step(index, operation)
            for index, operation in enumerate(operations)
        ]

    def together(self, steps: Sequence[Step]) -> Step:
        """One step instead of several of one text, each of one row; answers what they do, and behind it the key."""
        insert = cast(Insert, steps[0].operation)
        shape = self._shape(("insert", insert.resource, insert.columns, insert.returning, len(steps)), _insert)
        arguments = tuple(chain.from_iterable(step.rows[0] for step in steps))
        return Step(0, insert, shape.text, [arguments], returns=steps[0].returns)

    def answer(self, step: Step) -> Step:
        """What an update answers, as a statement of its own."""
        update = cast(Update, step.operation)
        shape = self._shape(("answer", update.resource, update.returning), _answer)
        return Step(step.index, update, shape.text, [shape.arguments(update.key)], returns=True)

    def _later(self, index: int, operation: Operation) -> Step:
        def step(made: Mapping[Made, object]) -> Step:
            return self._step(index, settled(operation, made))

        return Step(index, operation, "", (), later=step)

    def _step(self, index: int, operation: Operation) -> Step:
        match operation:
            case Insert():
                return self._insert(index, operation)
            case Update():
                return self._update(index, operation)
            case Delete():
                return self._delete(index, operation)
            case Clear():
                shape = self._shape(("clear", operation.resource, operation.relation), _clear)
                return Step(index, operation, shape.text, [shape.arguments(operation.key)])
            case Check():
                found = self.prepare(operation.select)
                rows = [found.arguments(operation.params)]
                answers = operation.answers
                return Step(index, operation, found.text, rows, count=operation.rows, returns=True, answers=answers)

    def _insert(self, index: int, insert: Insert) -> Step:
        returning = (*insert.returning, *insert.makes)
        shape = self._shape(("insert", insert.resource, insert.columns, returning), _insert)
        missing = len(shape.converts) - len(insert.columns)  # the row version, which starts at 1
        rows = [shape.arguments((*row, *(1,) * missing)) for row in insert.rows]
        writer = _Writer(self.model, self.model[insert.resource], self.dialect)
        made = tuple((one, writer.python(name)) for name, one in insert.makes.items())
        key = tuple([rows[0][place] for place in shape.key]) if shape.key and len(rows) == 1 else ()
        return Step(index, insert, shape.text, rows, returns=bool(returning), makes=made, key=key)

    def _update(self, index: int, update: Update) -> Step:
        version = () if update.version is None else (update.version,)
        names = (tuple(update.values), bool(version), update.returning)
        shape = self._shape(("update", update.resource, *names), _update)
        values = (*update.values.values(), *update.key, *version)
        return Step(index, update, shape.text, [shape.arguments(values)], one=True, returns=bool(update.returning))

    def _delete(self, index: int, delete: Delete) -> Step:
        version = () if delete.version is None else (delete.version,)
        shape = self._shape(("delete", delete.resource, bool(version)), _delete)
        return Step(index, delete, shape.text, [shape.arguments((*delete.key, *version))], one=True)

    def _shape(self, key: tuple[Any, ...], make: Callable[..., Shape]) -> Shape:
        shape = self._shapes.get(key)
        if shape is None:
            shape = make(_Writer(self.model, self.model[key[1]], self.dialect), *key[2:])
            if len(self._shapes) > 10_000:  # partial updates of wide rows have very many shapes
                self._shapes.clear()
            self._shapes[key] = shape
        return shape


class _Writer(Struct):
    """Writes the text of one shape and numbers its placeholders."""

    model: Model
    resource: ResourceModel
    dialect: Dialect
    converts: list[Convert | None] = field(default_factory=list[Convert | None])

    def quote(self, name: str) -> str:
        return self.dialect.quote(name)

    @property
    def table(self) -> str:
        return self.quote(self.resource.table)

    def column(self, name: str) -> Column:
        return next(column for column in columns(self.model, self.resource) if column.name == name)

    def place(self, column: Column) -> str:
        """The place of a value of a column."""
        convert, around = self.dialect.bound(column)
        return around.replace("{0}", self.mark(convert))

    def mark(self, convert: Convert | None) -> str:
        """The place of the next value, and how it becomes an argument."""
        self.converts.append(convert)
        return "?" if self.dialect.engine.paramstyle == "qmark" else f"${len(self.converts)}"

    def python(self, name: str) -> Convert | None:
        """How what the driver answers for a column becomes the Python value."""
        return self.dialect.forms.python_form(self.column(name).type)

    def equal(self, column: Column) -> str:
        return f"{self.quote(column.name)} = {self.place(column)}"

    def version(self) -> Column | None:
        """The column of the row version, if the resource counts one."""
        name = self.resource.counted
        return None if name is None else self.column(self.resource.fields[name].column)

    def known(self, versioned: bool) -> str:
        """The condition that finds one row by its key, and by its version."""
        wanted = [self.equal(column) for column in key_columns(self.model, self.resource)]
        if versioned:
            version = self.version()
            if version is not None:
                wanted.append(self.equal(version))
            elif self.resource.version is not None:
                wanted.append(f"{self.hashed()} = {self.mark(None)}")
            else:
                raise ValueError(f"{self.resource.name} keeps no row version; leave `version` out")
        return " AND ".join(wanted)

    def hashed(self) -> str:
        """The row version that is no column."""
        names = [column.name for column in columns(self.model, self.resource)]
        return self.dialect.row_version(self.table, names)

    def returned(self, names: Sequence[str]) -> str:
        """The clause that answers columns."""
        hashed = "" if self.resource.counted else self.resource.version
        found = [self.hashed() if name == hashed else self.dialect.answered(self.column(name)) for name in names]
        return f" RETURNING {', '.join(found)}" if found else ""

    def shape(self, text: str) -> Shape:
        return Shape(text, tuple(self.converts))


def _insert(writer: _Writer, names: tuple[str, ...], returning: tuple[str, ...], rows: int = 1) -> Shape:
    version = writer.version()
    given = [writer.column(name) for name in names]
    if version and version.name not in names:
        given.append(version)
    listed = ", ".join(writer.quote(column.name) for column in given)
    places = ", ".join(f"({', '.join(map(writer.place, given))})" for _ in range(rows))
    values = f"({listed}) VALUES {places}" if given else writer.dialect.no_values
    key = [column.name for column in key_columns(writer.model, writer.resource)]
    answered = (*returning, *key) if returning and rows > 1 else returning
    shape = writer.shape(f"INSERT INTO {writer.table} {values}{writer.returned(answered)}")
    known = [column.name for column in given if column.type.kind in _SAME]
    shared = not writer.resource.adopted and set(key) <= set(known)  # a trigger of others may look at its statement
    places_of_key = tuple([column.name for column in given].index(name) for name in key) if shared else ()
    return Shape(shape.text, shape.converts, places_of_key)


def _update(writer: _Writer, names: tuple[str, ...], versioned: bool, returning: tuple[str, ...]) -> Shape:
    version = writer.version()
    changes = [writer.equal(writer.column(name)) for name in names]
    if version and version.name not in names:
        changes.append(f"{writer.quote(version.name)} = {writer.quote(version.name)} + 1")
    if not changes:  # nothing to write, but the row must be there
        name = writer.quote(key_columns(writer.model, writer.resource)[0].name)
        changes.append(f"{name} = {name}")
    text = f"UPDATE {writer.table} SET {', '.join(changes)} WHERE {writer.known(versioned)}"
    return writer.shape(text + (writer.returned(returning) if writer.dialect.updates_return else ""))


def _answer(writer: _Writer, returning: tuple[str, ...]) -> Shape:
    names = writer.returned(returning).removeprefix(" RETURNING ")
    return writer.shape(f"SELECT {names} FROM {writer.table} WHERE {writer.known(False)}")


def _delete(writer: _Writer, versioned: bool) -> Shape:
    return writer.shape(f"DELETE FROM {writer.table} WHERE {writer.known(versioned)}")


def _clear(writer: _Writer, relation: str) -> Shape:
    held = relation_columns(writer.model, writer.resource.relations[relation])
    return writer.shape(f"DELETE FROM {writer.table} WHERE {' AND '.join(map(writer.equal, held))}")
