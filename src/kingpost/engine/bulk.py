"""Many rows at once: each is checked by itself, and all are asked about and written together.

A row whose key is there already is changed, only in the members given, and left alone where they are the same. What is
wrong with one row is told of that row; the others are written. Forms, rules, references and validators are those of a
single write (`engine.writer`); the statements are a few for all rows together.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final

from kingpost.base.errors import Conflict, Forbidden, KingpostError, NotFound, Refused, Rejected, Stale, Unauthenticated
from kingpost.engine.bulk_work import Outcome, Preparation, Row, Work
from kingpost.engine.context import Context
from kingpost.engine.failures import explained, no_such_row
from kingpost.engine.loading import Key
from kingpost.engine.unwritten import Undecided
from kingpost.plan.select import Check, Operation, Update
from kingpost.plan.values import bound_key
from kingpost.stores.contract import (
    CheckFailed,
    OutOfRange,
    ReferenceViolation,
    RowRefused,
    StaleRow,
    StoreError,
    UniqueViolation,
)

if TYPE_CHECKING:
    from kingpost.engine.engine import Engine

OF_A_ROW: Final = (UniqueViolation, ReferenceViolation, CheckFailed, StaleRow, RowRefused, OutOfRange)
"""What a store reports that is the fault of a row; anything else would befall every row."""

ABOUT_A_ROW: Final = (Rejected, Refused, Forbidden, Unauthenticated, NotFound, Conflict, Stale)
"""The same, as the writer has it."""

ATTEMPTS: Final = 3
"""How often a row is tried that somebody else writes at the same time."""


class Bulk:
    """Stores rows of one resource.

    Args:
        engine: Of the application.
        resource: By name.
    """

    def __init__(self, engine: Engine, resource: str) -> None:
        self._engine = engine
        self._found = engine.model[resource]
        self._preparation = Preparation(engine, self._found)

    def read(self, given: Sequence[Mapping[str, Any]], context: Context) -> list[Row]:
        """Rows as they came in (JSON, or Python values), checked by the forms that check requests.

        The system may write every stored member, an actor those that doors write.
        """
        return [self._preparation.read(one, context) for one in given]

    async def write(self, rows: Sequence[Row], context: Context) -> None:
        """Store rows that have been read, no two with the same key; what became of each is noted on it.

        One transaction, if nothing is wrong with any: else what is wrong is found, and the others are stored. Raises
        what is no row's fault, such as `Unavailable`.
        """
        with self._engine.during(context):
            await self._write(rows, context, ATTEMPTS)

    async def _write(self, rows: Sequence[Row], context: Context, attempts: int) -> None:
        there = await self._preparation.there(rows, context)
        works: list[Work] = []
        for row in rows:
            try:
                work = self._preparation.work(row, None if row.key is None else there.get(row.key), context)
            except KingpostError as error:
                row.reject(error)
            else:
                if work is not None:
                    works.append(work)
        await self._together([work for work in works if work.values is not None], context, attempts)
        await self._through_writer([work for work in works if work.values is None], context)

    # Together

    async def _together(self, works: list[Work], context: Context, attempts: int) -> None:
        references = await self._referring(works, context)
        works = [work for work in works if work.row.outcome is None]
        if not works:
            return
        checks = self._checked(works, context)
        operations = [*self._stored(works, known=bool(checks)), *references, *checks]
        try:
            await self._engine.writer.run(self._found, operations)
        except OF_A_ROW as error:
            if len(works) > 1:
                middle = len(works) // 2
                for part in (works[:middle], works[middle:]):
                    await self._write([work.row for work in part], context, ATTEMPTS)
            elif attempts > 1 and isinstance(error, StaleRow | UniqueViolation):
                await self._write([works[0].row], context, attempts - 1)  # somebody else may have written it meanwhile
            else:
                works[0].row.reject(await self._told(works[0], error, operations, context))
        except StoreError as error:
            raise explained(error, self._found.store) from error
        else:
            _note(works)

    async def _told(
        self, work: Work, error: StoreError, operations: Sequence[Operation], context: Context
    ) -> KingpostError:
        """What is told of a row that the store did not take: first of all that the rules refuse it, if they do."""
        writer, after = self._engine.writer, work.after
        if after is not None and isinstance(error, UniqueViolation):
            row = Undecided("", after, self._found, work.values or {}, work.verb)
            try:
                await writer.unwritten.refuse(row, operations, context)
            except ABOUT_A_ROW as refused:
                return refused
        if after is not None and isinstance(error, CheckFailed) and error.reason == work.verb:
            return writer.checks.refused(after, self._found, context, work.verb)
        return explained(error, self._found.store, self._engine.plans.standing(context))

    async def _referring(self, works: Sequence[Work], context: Context) -> list[Operation]:
        """Rejects works whose references lead nowhere; answers what to ask of the others once they are there."""
        checks, found = self._engine.writer.checks, self._found
        created = {work.key for work in works if work.loaded is None}
        led: dict[str, list[Key]] = {}
        for name, relation in found.relations.items():
            if relation.kind != "one":
                continue
            keys = dict.fromkeys(key for work in works if (key := work.given.get(name)) is not None)
            asked = [key for key in keys if relation.target != found.name or key not in created]
            lost = await checks.lost(found, name, asked, context) if asked else set[Key]()
            if lost:
                for work in works:
                    if work.given.get(name) in lost:
                        work.row.reject(no_such_row((name,)))
            led[name] = [key for key in keys if key not in lost]
        together: list[Operation] = []
        for name, left in led.items():
            together.extend(await checks.references(found, {}, {name: left}, context))
        return together

    def _stored(self, works: Sequence[Work], *, known: bool) -> list[Operation]:
        """New rows as one insert, changed ones as updates. `known`: what the store makes of rows is asked for."""
        rows, name, inserts = self._engine.rows, self._found.name, self._engine.writer.inserts
        new = [work.values or {} for work in works if work.loaded is None]
        operations: list[Operation] = [*inserts.together(self._found, new, known=known)]
        for work in works:
            if work.loaded is not None:
                by_column = rows.changed(name, work.changed or {})
                operations.append(Update(name, work.loaded.key, by_column, work.loaded.version))
        return operations

    def _checked(self, works: Sequence[Work], context: Context) -> list[Operation]:
        """Where other rows have a part in the rules, the store is asked in the same transaction, once for each rule."""
        alike: dict[int, list[Work]] = {}
        for work in works:
            alike.setdefault(id(work.after), []).append(work)
        operations: list[Operation] = []
        for together in alike.values():
            one, keys = together[0], [bound_key(work.key or ()) for work in together]
            if one.after is None:
                continue
            for check in self._engine.writer.checks.check(one.after, one.key or (), context, one.verb):
                if isinstance(check, Check):
                    operations.append(Check(check.select, {**check.params, "keys": keys}, len(keys), check.reason))
        return operations

    # Through the writer, which knows lists, and operations that an action replaces

    async def _through_writer(self, works: Sequence[Work], context: Context) -> None:
        name = self._found.name

        async def create(part: Sequence[Work]) -> None:
            if len(part) == 1:  # then what is wrong is told without a place among many
                await self._engine.create(name, part[0].given, context)
            else:
                await self._engine.create(name, [work.given for work in part], context)

        async def update(part: Sequence[Work]) -> None:
            if len(part) == 1:
                await self._engine.update(name, part[0].key or (), part[0].given, context)
            else:
                await self._engine.update_many(name, [(work.key or (), work.given) for work in part], context)

        await self._tried([work for work in works if work.loaded is None], create)
        await self._tried([work for work in works if work.loaded is not None], update)

    async def _tried(self, works: Sequence[Work], write: Callable[[Sequence[Work]], Awaitable[None]]) -> None:
        """All of them, or where that fails each half by itself."""
        if not works:
            return
        try:
            await write(works)
        except ABOUT_A_ROW as error:
            if len(works) == 1:
                works[0].row.reject(error)
                return
            middle = len(works) // 2
            await self._tried(works[:middle], write)
            await self._tried(works[middle:], write)
        else:
            _note(works)


def _note(works: Sequence[Work]) -> None:
    for work in works:
        outcome: Outcome = "created" if work.loaded is None else "updated"
        work.row.outcome = outcome
