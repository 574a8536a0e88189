"""What references between tables become: relations of their own columns, relations over columns of others, or links."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from kingpost.stores.sql.catalog import RealReference, RealTable
from kingpost.stores.sql.existing import Existing

ON_DELETE: Final = {"CASCADE": "cascade", "SET NULL": "null"}


@dataclass(frozen=True, slots=True)
class Link:
    """A table that holds nothing but pairs of keys: `near` leads to the table whose list it is."""

    table: str
    near: RealReference
    far: RealReference


def followed(existing: Existing, table: RealTable) -> list[RealReference]:
    """The references that can be relations: they lead to the key of a table that is there, in the form of that key."""
    return [reference for reference in table.references if _leads_to_key(existing, table, reference)]


def _leads_to_key(existing: Existing, table: RealTable, reference: RealReference) -> bool:
    target = existing.tables.get(reference.table)
    if target is None or set(reference.targets) != set(key_of(existing, target)) or not reference.targets:
        return False
    return all(
        existing.fits(existing.held[target.name][there], table.columns[here])
        for here, there in zip(reference.columns, reference.targets)
    )


def key_of(existing: Existing, table: RealTable) -> tuple[str, ...]:
    """The columns by which rows are known: the key, else a unique combination without None, else what was seen."""
    if table.primary:
        return table.primary
    sound = [one for one in table.uniques if not any(table.columns[name].nullable for name in one)]
    if sound:
        wanted = min(sound, key=lambda one: (len(one), [list(table.columns).index(name) for name in sorted(one)]))
        return tuple(name for name in table.columns if name in wanted)
    key = existing.keys.get(table.name)
    return (key,) if key else ()


def in_key_order(reference: RealReference, key: tuple[str, ...]) -> tuple[str, ...]:
    """The columns of a reference in the order of the target's key."""
    by_target = dict(zip(reference.targets, reference.columns))
    return tuple(by_target[name] for name in key)


def links(existing: Existing) -> list[Link]:
    """The tables that are no more than the links of a many-to-many relation."""
    referred = {reference.table for table in existing.tables.values() for reference in table.references}
    found = (_link(existing, table) for name, table in existing.tables.items() if name not in referred)
    return [link for link in found if link is not None]


def _link(existing: Existing, table: RealTable) -> Link | None:
    followed_ = followed(existing, table)
    if table.kind != "table" or len(followed_) != 2 or len(table.references) != 2:
        return None
    first, second = followed_
    own = {*first.columns, *second.columns}
    both = {len(first.columns), len(second.columns)} == {1} and len(own) == 2
    others = [column for name, column in table.columns.items() if name not in own]
    held = frozenset(own) in table.uniques or set(table.primary) == own
    required = not any(table.columns[name].nullable for name in own)
    loose = first.loose or second.loose
    alike = len({ON_DELETE.get(one.on_delete, "restrict") for one in followed_} - {"null"}) == 1
    if not (both and held and required and alike) or loose or first.table == second.table:
        return None
    if any(one.on_delete == "SET NULL" for one in followed_) or not all(column.made == "identity" for column in others):
        return None
    swapped = not _is_named_after(table.name, first.table) and _is_named_after(table.name, second.table)
    return Link(table.name, second, first) if swapped else Link(table.name, first, second)


def _is_named_after(table: str, other: str) -> bool:
    return table.lower().startswith(other.lower().rstrip("s"))


def borrowing(table: RealTable, references: Iterable[RealReference]) -> set[RealReference]:
    """The references of which another one, or the key, has a column already: they lead on from columns of others."""
    found: set[RealReference] = set()
    taken: set[str] = set()
    # What is short comes first: a key of one column is most likely to be the thing itself.
    for reference in sorted(references, key=lambda one: len(one.columns)):
        part_of_key = len(reference.columns) > 1 and set(reference.columns) & set(table.primary)
        if taken & set(reference.columns) or (part_of_key and not set(reference.columns) <= set(table.primary)):
            found.add(reference)
        else:
            taken |= set(reference.columns)
    return found
