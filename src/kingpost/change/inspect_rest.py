"""What is in a table and in no declaration: said in comments, each with what becomes of it or the next step."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from kingpost.change.inspect_links import key_of
from kingpost.change.inspect_values import bounds_of
from kingpost.language.types import Kind
from kingpost.stores.sql import checks
from kingpost.stores.sql.catalog import RealIndex, RealReference, RealTable
from kingpost.stores.sql.checks import Condition
from kingpost.stores.sql.existing import Existing, Held
from kingpost.stores.sql.sql_text import enclosed, tokens

STRICT = "the database refuses rows that do not hold to it, and the answer is 422."


def conditions(existing: Existing, table: RealTable, fields: dict[str, str]) -> Iterator[str]:
    """The CHECKs that are not told by options of fields. `fields`: which field a column is."""
    held = existing.held[table.name]
    for text in table.checks.values():
        found = checks.read(text, brackets=existing.brackets)
        told = checks.is_told(text, brackets=existing.brackets) and all(
            column in fields and _says(held[column], condition) for column, condition in found.items()
        )
        if not told:
            shown = " ".join(text.split())
            yield f"CHECK ({_without_parentheses(shown)}): {STRICT} @validate says it in words of your own."


def _says(held: Held, condition: Condition) -> bool:
    """Whether a declaration says all that."""
    numbers = bounds_of(held)
    return (
        (not condition.choices or condition.choices == held.type.choices or _truth(held, condition))
        and (condition.longest is None or (held.length is not None and held.length <= condition.longest))
        and (not condition.json or held.type.kind is Kind.JSON)
        and all(bounds_of(replace(held, bounds=(one,))).items() <= numbers.items() for one in condition.bounds)
        and (not condition.bounds or bool(numbers))
    )


def _truth(held: Held, condition: Condition) -> bool:
    return held.type.kind is Kind.BOOL and {*condition.choices} == {0, 1}


def _without_parentheses(text: str) -> str:
    pieces = tokens(text)
    while pieces and pieces[0].says("(") and len(enclosed(pieces, 0)) == len(pieces) - 2:
        pieces = pieces[1:-1]
    return text[pieces[0].start : pieces[-1].end] if pieces else text


def index_of(index: RealIndex) -> str:
    """An index that no declaration says, and what becomes of it."""
    what = index.text or f"{'UNIQUE ' if index.unique else ''}INDEX {index.name}"
    shown = " ".join(what.split())
    if index.unique:
        return f"{shown}: the database holds the rows to it, and the answer is 409."
    return f"{shown}: it stays, and the database uses it where it can."


def reference(existing: Existing, table: RealTable, found: RealReference, classes: dict[str, str]) -> str:
    """A foreign key that is no relation, and why."""
    shown = f"FOREIGN KEY ({', '.join(found.columns)}) REFERENCES {found.table} ({', '.join(found.targets)})"
    target = existing.tables.get(found.table)
    if target is None:
        why = f"{found.table} is not among the tables that were read"
    elif found.table not in classes:
        why = f"{found.table} has no class"
    elif set(found.targets) != set(key_of(existing, target)):
        why = f"it does not lead to the key of {classes[found.table]}"
    else:
        why = f"its columns do not hold values as the key of {classes[found.table]} does"
    return f"{shown} is no relation, as {why}; the database holds the rows to it."


def more(table: RealTable) -> Iterator[str]:
    """What else decides about rows."""
    for text in table.more:
        if text.startswith("TRIGGER"):
            yield f"{text}: it runs as before, and what it refuses is answered 422."
        elif text.startswith("ROW LEVEL"):
            yield f"{text}: rows that the user of the database may not see are not there for Kingpost either."
        else:
            yield f"{text}: the database holds the rows to it, and the answer is 409."


def default_of_relation(name: str, column: str, says: str) -> str:
    """A default that can't be declared."""
    return f"{name}: the default {says} of {column} is not used, as rows are written with every column."
