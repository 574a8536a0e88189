"""What one row of many is going to be: read by the forms, compared with the row that is there, checked by itself."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

from kingpost.base.errors import Detail, Forbidden, KingpostError, Rejected, Unauthenticated
from kingpost.engine.checks import After
from kingpost.engine.context import Context
from kingpost.engine.loading import Key, Loaded, Seen
from kingpost.engine.rows import Values
from kingpost.model.inputs import Purpose
from kingpost.model.model import ResourceModel
from kingpost.model.patches import MergePatch

if TYPE_CHECKING:
    from kingpost.engine.engine import Engine

Outcome: TypeAlias = Literal["created", "updated", "unchanged", "rejected"]


@dataclass(slots=True, eq=False)
class Row:
    """One row to be stored. `given` is what came in; `outcome` and `details` are what became of it.

    `members`: as checked for a new row, None where it can't be one, for the reasons in `fault`. `key` is None where the
    row is to get a new one.
    """

    given: Mapping[str, Any]
    key: Key | None = None
    members: Values | None = None
    fault: KingpostError | None = None
    outcome: Outcome | None = None
    details: tuple[Detail, ...] = ()

    def reject(self, error: KingpostError) -> None:
        """Note what is wrong, member by member."""
        self.outcome = "rejected"
        self.details = tuple(error.details) or (Detail("", error.code, error.message),)


@dataclass(slots=True, eq=False)
class Work:
    """One row to be written: `given` are the members that are, `changed` those that will differ from `loaded`.

    `loaded` is None for a new row. `values` (the whole row as it will be) and `after` (what must hold of it) are None
    where the writer is to see to all that.
    """

    row: Row
    key: Key | None
    given: Values
    loaded: Loaded | None
    values: Values | None = None
    changed: Values | None = None
    after: After | None = None

    @property
    def verb(self) -> str:
        """What is done to the row."""
        return "create" if self.loaded is None else "update"


class Preparation:
    """Makes works of the rows of one resource.

    Args:
        engine: Of the application.
        found: The resource.
    """

    def __init__(self, engine: Engine, found: ResourceModel) -> None:
        self._engine = engine
        self._found = found
        self._writer = engine.writer
        self._inputs = engine.model.inputs
        self._replaced = not {"create", "update"}.isdisjoint(found.actions)
        self._lists = {name for name, one in found.relations.items() if one.kind != "one"}
        self._afters: dict[tuple[str, tuple[str, ...]], After] = {}

    # What came in

    def read(self, given: Mapping[str, Any], context: Context) -> Row:
        """A row, checked by the form of new rows; where it does not pass, its key at least."""
        row = Row(given)
        try:
            purpose: Purpose = "create" if context.system is None else "row"
            knows = self._engine.knows(context)
            row.members = self._inputs.accept(self._found.name, purpose, given, (), knows)
            row.key = self._key(row.members)
        except Rejected as error:
            row.fault = error
            row.key = self._known_key(given)
        return row

    def _key(self, members: Mapping[str, Any]) -> Key | None:
        parts: list[Any] = []
        for name in self._found.key:
            if name not in members:
                return None
            if name in self._found.relations:
                parts.extend(members[name])
            else:
                parts.append(members[name])
        return tuple([part.value if isinstance(part, Enum) else part for part in parts])

    def _known_key(self, given: Mapping[str, Any]) -> Key | None:
        """The key of what can't be a new row: it may be there already, and then some of its members will do."""
        if any(name not in given for name in self._found.key):
            return None
        try:
            named = self._inputs.keys(self._found.name, [{name: given[name] for name in self._found.key}])
        except Rejected:
            return None
        return named[0]

    # What is there

    async def there(self, rows: Sequence[Row], context: Context) -> dict[Key, Seen]:
        """Those of the rows that are stored, as the actor may see them."""
        self._afters.clear()  # who asks, and when, may be another
        keys = [row.key for row in rows if row.key is not None]
        if not keys:
            return {}
        written = {name for row in rows for name in row.given}
        try:
            return await self._writer.loader.some(self._found.name, keys, "update", context, written)
        except (Forbidden, Unauthenticated):  # no rule lets anybody change them: what is there stays as it is
            return {}

    # What is to be done

    def work(self, row: Row, seen: Seen | None, context: Context) -> Work | None:
        """What is to be written; None where the row is the same already. Raises what is wrong with it."""
        work = self._new(row) if seen is None else self._old(row, seen, context)
        if work is not None and not self._replaced and self._lists.isdisjoint(work.given):
            self._check(work, context)
        return work

    def _new(self, row: Row) -> Work:
        if row.members is None:
            raise row.fault or Rejected("KP422", Rejected.title)
        return Work(row, row.key, row.members, None)

    def _old(self, row: Row, seen: Seen, context: Context) -> Work | None:
        given = self._changes(row, seen.loaded, context)
        stored = seen.loaded.values
        same = self._engine.rows.stored
        if all(name in stored and same(self._found.name, name, value) == stored[name] for name, value in given.items()):
            row.outcome = "unchanged"
            return None
        refused = seen.refusal(given)
        if refused is not None:
            raise refused
        return Work(row, row.key, given, seen.loaded)

    def _changes(self, row: Row, loaded: Loaded, context: Context) -> Values:
        """The members that a row gives, besides its key."""
        name = self._found.name
        if context.system is None:
            given = self._inputs.accept_each(name, "patch each", row.given, (), self._engine.knows(context))[1]
            for member, value in given.items():
                if isinstance(value, MergePatch):
                    stored = self._engine.rows.plain(name, member, loaded.values[member])
                    given[member] = self._inputs.merged(name, member, stored, value)
            return given
        members = self._inputs.accept(name, "changed", row.given) if row.members is None else row.members
        return {member: value for member, value in members.items() if member not in self._found.key}

    def _check(self, work: Work, context: Context) -> None:
        """What must hold of the row by itself; what follows from its values is added to them."""
        found, checks, loaded = self._found, self._writer.checks, work.loaded
        asked = (work.verb, tuple(work.given))
        after = self._afters.get(asked)
        if after is None:
            after = self._afters[asked] = checks.after(found, work.verb, context, asked[1])
        work.after = after
        if loaded is None:
            values = self._writer.inserts.values(found, work.given, context)
        else:
            values = {**loaded.values, **work.given}
        work.values = values
        self._engine.rows.follow(found, values)
        checks.validate(found, values)
        checks.compute(found, values, context)
        work.key = self._engine.rows.key(found, values)
        checks.refuse_unless(after, found, values, context, work.verb)
        if loaded is not None:
            if work.key != loaded.key:
                names = [Detail(f"/{name}", "KP424", "a key does not change") for name in found.key]
                raise Rejected("KP424", "the key of a row does not change", names)
            work.changed = {name: value for name, value in values.items() if loaded.values.get(name) != value}
