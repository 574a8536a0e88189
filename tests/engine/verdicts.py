"""What CPython says of a rule set for one actor: what he sees of which row, and what he may write."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import cached_property
from typing import Any

from kingpost.language.builtins import instant
from tests.engine.society import AT, DATA, Data, Row, graph
from tests.engine.society_rules import Rules
from tests.language.kleene import RAISES, kleene_function

ALL = graph(DATA)
"""Every row as it is: what rules look at."""


class Verdict:
    """One rule set and one actor, by his key; None is nobody."""

    def __init__(self, rules: Rules, me: int | None) -> None:
        self.rules, self.me = rules, me
        self.actor = None if me is None else ALL["Person"][me]
        self.visible = {
            name: [id for id, row in rows.items() if rules.holds(name, "read", row, self.actor)]
            for name, rows in ALL.items()
        }
        """The keys of the rows that he sees."""

    @cached_property
    def _masked(self) -> tuple[dict[str, dict[int, Row]], dict[int, Any]]:
        seen = graph(DATA, lambda name, id: id in self.visible[name])
        shown: dict[int, Any] = {}
        rule = self.rules.stars
        for id in self.visible["Note"]:
            row, before = seen["Note"][id], ALL["Note"][id]
            shown[id] = before.stars
            if rule is not None and not rule.surely(True, before, self.actor):
                shown[id] = None
                if rule.surely(False, before, self.actor):
                    row.__dict__["stars"] = None
                else:
                    del row.__dict__["stars"]
        return seen, shown

    @property
    def seen(self) -> dict[str, dict[int, Row]]:
        """The rows as he sees them. Where the rule of `stars` decides nothing, they are unknown."""
        return self._masked[0]

    @property
    def stars(self) -> dict[int, Any]:
        """The `stars` that he is shown of each note that he sees."""
        return self._masked[1]

    @property
    def notes(self) -> list[Row]:
        """The notes that he sees."""
        return [self.seen["Note"][id] for id in self.visible["Note"]]

    def nick(self, row: Row | None) -> Any:
        """The nick of a person as he sees it."""
        return row.nick if row is not None and row._key in self.visible["Person"] else None

    def finds(self, where: str) -> list[int]:
        """The notes that a condition of his finds."""
        decide = kleene_function(where, condition=True)
        return [note.id for note in self.notes if _surely(decide, note, self._me_as_seen)]

    @cached_property
    def _me_as_seen(self) -> Row | None:
        """The actor's own values are known to him, whether or not he may read his row; what lies behind is not."""
        if self.me is None:
            return None
        row = Row("Person", self.me)
        values = DATA["Person"][self.me]
        boss = values["boss"]
        row.__dict__.update(values, id=self.me, boss=None if boss is None else self.seen["Person"][boss])
        row.__dict__["notes"] = [note for note in self.notes if note.author == row]
        return row

    def may(self, verb: str, resource: str, id: int) -> bool:
        """Whether he sees the row and may do this to it."""
        return id in self.visible[resource] and (
            verb == "read" or self.rules.holds(resource, verb, ALL[resource][id], self.actor)
        )

    def may_change(self, id: int, change: Mapping[str, Any]) -> bool:
        """Whether he may give a note these values."""
        after = {**DATA["Note"], id: {**DATA["Note"][id], **change}}
        return self.may("update", "Note", id) and self._referable(change) and self._holds_after("update", id, after)

    def may_create(self, id: int, values: Mapping[str, Any]) -> bool:
        """Whether he may add this note."""
        return self._referable(values) and self._holds_after("create", id, {**DATA["Note"], id: dict(values)})

    def _referable(self, values: Mapping[str, Any]) -> bool:
        people = {values[name] for name in ("author", "reader") if values.get(name) is not None}
        return people <= set(self.visible["Person"]) and set(values.get("tags", ())) <= set(self.visible["Tag"])

    def _holds_after(self, verb: str, id: int, notes: dict[int, dict[str, Any]]) -> bool:
        data: Data = {**DATA, "Note": notes}
        rows = graph(data)
        actor = None if self.me is None else rows["Person"][self.me]
        return self.rules.holds("Note", verb, rows["Note"][id], actor)


def _surely(decide: Callable[..., Any], row: Row, me: Row | None) -> bool:
    try:
        with instant(AT):
            return bool(decide(row, me))
    except RAISES:
        return False
