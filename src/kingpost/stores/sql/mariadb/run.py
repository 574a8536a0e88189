"""Carrying out a batch on a MariaDB connection, and saying in the model's terms what went wrong."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final

from asyncmy.errors import InterfaceError, MySQLError

from kingpost.plan.select import Insert, Made, Update
from kingpost.stores.contract import OutOfRange, Rows, StoreDown, StoreError, StoreFull, TooComplex, TooSlow
from kingpost.stores.sql.batch import Step
from kingpost.stores.sql.common import Ground
from kingpost.stores.sql.errors import check_count, stale
from kingpost.stores.sql.mariadb.connection import FAILURES
from kingpost.stores.sql.mariadb.literals import group, parts

COLLIDED: Final = (1213, 1020)
"""A deadlock, or a row that has changed since the snapshot: the transaction is rolled back, and may pass next time."""

LOST: Final = (1053, 1077, 1079, 1152, 1158, 1159, 1160, 1161, 1184, 1927, 2002, 2003, 2006, 2013, 2014, 2027, 4031)
"""After these the connection is not to be used again."""

READ_ONLY: Final = (1290, 1792, 1836)
RANGE: Final = (1264, 1265, 1292, 1365, 1366, 1411, 1406, 1441, 1690, 3020)
COMPLEX: Final = (1038, 1153, 1301, 1436, 1461, 1535)
MISFIT: Final = (1051, 1054, 1064, 1109, 1142, 1143, 1146, 1149, 1305, 1364, 1370, 1415)
CHUNK: Final = 1_000_000
"""Characters of one statement that adds many rows; a server takes 16 MB, or as little as 1 MB."""


class Collided(Exception):
    """The whole batch may be tried again: nothing of it has taken effect."""


def code(error: BaseException) -> int:
    """The server's number of an error; 0 if it is none of the server's."""
    found = error.args[0] if isinstance(error, MySQLError) and error.args else 0
    return found if isinstance(found, int) else 0


def is_lost(error: BaseException) -> bool:
    """Whether the connection can't be used any more."""
    return not isinstance(error, MySQLError) or isinstance(error, InterfaceError) or code(error) in (0, *LOST)


def was_refused(error: BaseException | None) -> bool:
    """Whether it is known that nothing was done, as the server takes no writes."""
    return error is not None and code(error) in READ_ONLY


@dataclass(frozen=True, slots=True)
class Runner:
    """Runs steps; what MariaDB refuses becomes a `StoreError`, except where the batch may be tried again."""

    ground: Ground

    async def run(self, connection: Any, steps: Sequence[Step]) -> list[Rows]:
        """The answers of all steps; the caller sees to it that a failure leaves nothing."""
        made: dict[Made, object] = {}
        answers: list[Rows] = []
        for step in steps:
            ready = step if step.later is None else step.later(made)
            answers.append(await self._step(connection, ready))
            made.update(ready.made(answers[-1]))
        return answers

    async def say(self, connection: Any, text: str) -> None:
        """Run a statement that has no values."""
        try:
            await connection.do(text)
        except FAILURES as error:
            raise self.explain(error) from error

    async def _step(self, connection: Any, step: Step) -> Rows:
        if not step.rows:
            return []
        try:
            rows = await self._carried_out(connection, step)
        except FAILURES as error:
            if code(error) in COLLIDED:
                raise Collided from error
            connection.refuses_writes |= was_refused(error)
            raise self.explain(error, step) from error
        if step.count is not None:
            check_count(step, len(rows))
            return rows if step.answers else []
        return rows

    async def _carried_out(self, connection: Any, step: Step) -> Rows:
        if isinstance(step.operation, Update) and step.returns:
            if await connection.do(step.text, step.rows[0]) != 1:
                raise stale(step)
            answer = self.ground.batches.answer(step)
            rows: Rows = await connection.ask(answer.text, answer.rows[0])
            return rows
        if isinstance(step.operation, Insert) and len(step.rows) > 1 and step.rows[0]:
            return [row for text in _together(step) for row in await connection.ask(text)]
        if step.returns:
            return [row for arguments in step.rows for row in await connection.ask(step.text, arguments)]
        for arguments in step.rows:
            if await connection.do(step.text, arguments) != 1 and step.one:
                raise stale(step)
        return []

    def explain(self, error: Exception, step: Step | None = None) -> StoreError:
        """A driver's error in the terms of the contract; MariaDB's words hold values and are left out."""
        index = None if step is None else step.index
        words = str(error.args[1]) if len(error.args) > 1 else ""
        names = self.ground.names
        match code(error):
            case 1062 | 1586 | 1859:
                return self._unique(step, words)
            case 1451 | 1452 | 1216 | 1217 as found:
                table, constraint = _foreign_key(words)
                columns = names.constrained(table, constraint)
                return names.reference(step, table, columns, "missing" if found in (1452, 1216) else "in use")
            case 1048 | 1364:
                column = _quoted(words)
                return names.missing_value(step, self._table(step), [column])
            case 4025 | 3819:
                return names.refused(step, self._table(step), _quoted(words))
            case 1644:
                return names.refused(step, self._table(step), "")
            case found if found in RANGE:
                return OutOfRange("A computation or a value left what the store can hold", index)
            case found if found in COMPLEX:
                return TooComplex("The statement is larger than MariaDB reads", index)
            case 1969 | 1317 | 3024:
                return TooSlow("The statement ran longer than it may and was stopped", index)
            case found if found in READ_ONLY and step is None:
                return StoreError("Reads may not write: this connection is read-only", index)
            case found if found in READ_ONLY:
                return StoreDown("MariaDB takes no writes now: a replica, or set to read only", index)
            case 1021 | 1114:
                return StoreFull("MariaDB's disk is full", index)
            case 1037 | 1040 | 1041 | 1203 | 1226:
                return StoreDown("MariaDB is short of resources", index)
            case 1205:
                return StoreDown("A lock was not free in time", index)
            case 1213 | 1020:
                return StoreDown("The transaction collided with others; run it again", index)
            case found if found in MISFIT:
                return StoreError(f"The store does not fit the declaration: {words}", index)
            case found if found and not is_lost(error):
                return StoreError(f"MariaDB refused ({found})", index)
            case _:
                return StoreDown(f"The connection to MariaDB was lost: {type(error).__name__}", index)

    def _table(self, step: Step | None) -> str:
        resource = getattr(step and step.operation, "resource", "")
        table = self.ground.tables.get(resource)
        return "" if table is None else str(table.name)

    def _unique(self, step: Step | None, words: str) -> StoreError:
        # "Duplicate entry '...' for key 'name'": the value may hold anything, so the name is looked for at the end.
        named = re.search(r"for key '([^']*)'\Z", words)
        constraint = named[1].rpartition(".")[2] if named else ""
        table = self._table(step)
        if constraint == "PRIMARY":
            found = next((one for one in self.ground.tables.values() if one.name == table), None)
            columns = [] if found is None else [column.name for column in found.primary_key.columns]
        else:
            columns = list(self.ground.names.constrained(table, constraint))
        return self.ground.names.unique(step, table, columns)


def _together(step: Step) -> Iterator[str]:
    """An INSERT of many rows, cut where it grows too long."""
    first, *_, last = parts(step.text)
    start = first.rindex("(")
    rest = last[last.index(")") + 1 :]
    rows: list[str] = []
    size = 0
    for arguments in step.rows:
        text = group(arguments)
        if rows and size + len(text) > CHUNK:
            yield f"{first[:start]}{', '.join(rows)}{rest}"
            rows, size = [], 0
        rows.append(text)
        size += len(text)
    yield f"{first[:start]}{', '.join(rows)}{rest}"


def _foreign_key(words: str) -> tuple[str, str]:
    """The table that holds a reference, and the name of the constraint, out of MariaDB's words."""
    found = re.search(r'fails \([`"].*?[`"]\.[`"](.*?)[`"], CONSTRAINT [`"](.*?)[`"] FOREIGN KEY', words)
    return (found[1], found[2]) if found else ("", "")


def _quoted(words: str) -> str:
    found = re.search(r"'([^']*)'|`([^`]*)`|\"([^\"]*)\"", words)
    return next((one for one in found.groups() if one), "").rpartition(".")[2] if found else ""
