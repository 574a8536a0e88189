"""Rows that queries of this request found with the rights of whoever asked: their values have passed the rules.

A rule for a member in which other rows have a part is asked by the store, with the query: what it hides is None in the
object. So when the object is shown to the same actor, the value may be shown as it was loaded. That holds of objects
that are as the query made them: whatever else fills one in (an action, `save()`, `load()`) has asked other questions.
"""

from __future__ import annotations

from collections.abc import Iterable
from contextvars import ContextVar
from typing import Any

from kingpost.engine.context import Context
from kingpost.engine.plans import actor_key
from kingpost.model.model import Model
from kingpost.model.resource import Resource
from kingpost.model.state import as_found
from kingpost.plan.write import is_local


class Passed:
    """What queries of one request found, for whom."""

    def __init__(self) -> None:
        self._known: dict[int, tuple[Any, object]] = {}

    def take(self, rows: Iterable[Any], context: Context) -> None:
        """Note rows as a query found them, before anybody can have put others among them or below."""
        if context.system is not None:
            return
        who, left = actor_key(context), list(rows)
        while left:
            one = left.pop()
            if isinstance(one, list):
                left.extend(one)  # pyright: ignore[reportUnknownArgumentType]
            elif isinstance(one, Resource) and id(one) not in self._known:
                self._known[id(one)] = (one, who)
                left.extend(one.__dict__.values())

    def shows(self, instance: Any, name: str, context: Context) -> bool:
        """Whether a member is as a query of this actor found it."""
        found = self._known.get(id(instance))
        return found is not None and found[1] == actor_key(context) and as_found(instance, name)


passed: ContextVar[Passed | None] = ContextVar("kingpost_passed", default=None)
"""Where there is something to be noted for: the request to an endpoint of the application's own."""


def asks_others(model: Model) -> bool:
    """Whether other rows have a part in a rule for any member: only then is there anything to note."""
    owners = (
        owner
        for found in model
        for owners in (found.fields, found.relations, found.computed)
        for owner in owners.values()
    )
    return any(owner.access.read is not None and not is_local(owner.access.read) for owner in owners)
