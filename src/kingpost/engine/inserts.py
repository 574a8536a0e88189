"""New rows as they are stored: what their members are where nobody says, and the links between rows."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeAlias

from kingpost.engine.context import Context
from kingpost.engine.rows import Rows, Values
from kingpost.model.instances import fill
from kingpost.model.model import Model, ResourceModel
from kingpost.model.state import key_of
from kingpost.plan.made import is_open
from kingpost.plan.select import Insert, Made, Operation

Key: TypeAlias = tuple[Any, ...]


class Inserts:
    """Makes the new rows of one model."""

    def __init__(self, model: Model, rows: Rows, new_id: Callable[[], Any]) -> None:
        self._model = model
        self._rows = rows
        self._new_id = new_id

    def values(self, found: ResourceModel, given: Values, context: Context | None) -> Values:
        """All that is stored of a new row: what was given, else its default, else None or what the store makes."""
        actor = None if context is None or context.actor is None else key_of(context.actor)
        filled = fill(self._model, found.name, given, actor=actor, new_key=self._new_id)
        values: Values = {name: filled.get(name) for name in found.stored}
        values.update((name, Made()) for name in found.made if name not in filled)
        self._rows.follow(found, values)
        if found.counted is not None:
            values[found.counted] = 1
        return values

    def defaults(self, resource: str, context: Context) -> Values:
        """What members that a door may write are, where nobody says."""
        found = self._model[resource]
        values = self.values(found, {}, context)
        return {
            name: value
            for name, value in values.items()
            if name not in found.key
            and _writable(found, name)
            and not (value is None and _required(found, name))
            and not is_open(value)
        }

    def row(self, found: ResourceModel, values: Values, returned: tuple[str, ...] = ()) -> Insert:
        """Adds one row, and asks for columns of it and for what the store makes."""
        names, row = self._rows.column_names(found.name), self._rows.flat(found.name, values)
        if not found.made:
            return Insert(found.name, names, [row], returned)
        own = {found.fields[name].column for name in found.made}
        makes = {name: one for name, one in zip(names, row, strict=True) if name in own and isinstance(one, Made)}
        given = [(name, one) for name, one in zip(names, row, strict=True) if name not in makes]
        columns, values_given = tuple(name for name, _ in given), tuple(one for _, one in given)
        return Insert(found.name, columns, [values_given], returned, makes)

    def together(self, found: ResourceModel, rows: Sequence[Values], *, known: bool) -> list[Insert]:
        """Adds several rows, with as few statements as it takes. `known`: what the store makes is needed later on."""
        if not rows:
            return []
        if not found.made:
            flat = [self._rows.flat(found.name, values) for values in rows]
            return [Insert(found.name, self._rows.column_names(found.name), flat)]
        alone = [self.row(found, values) for values in rows]
        if known:
            return alone
        alike: dict[tuple[str, ...], list[Sequence[object]]] = {}
        for one in alone:
            alike.setdefault(one.columns, []).extend(one.rows)
        return [Insert(found.name, columns, together) for columns, together in alike.items()]

    def links(self, found: ResourceModel, key: Key, links: Mapping[str, Sequence[Key]]) -> list[Operation]:
        """What leads from the row of `key` to those of other keys, by relation."""
        operations: list[Operation] = []
        for name, targets in links.items():
            relation = found.relations[name]
            link = self._model[relation.link]
            rows: list[Key] = []
            for place, target in enumerate(dict.fromkeys(targets)):
                values = self.values(link, {relation.near: key, relation.far: target}, None)
                if relation.position is not None:
                    values[relation.position] = place
                rows.append(self._rows.flat(link.name, values))
            if rows:
                operations.append(Insert(link.name, self._rows.column_names(link.name), rows))
        return operations


def _writable(found: ResourceModel, name: str) -> bool:
    owner = found.fields.get(name) or found.relations[name]
    return owner.access.writable == "always" and owner.access.readable


def _required(found: ResourceModel, name: str) -> bool:
    field = found.fields.get(name)
    return not (field.type.nullable if field is not None else found.relations[name].nullable)
