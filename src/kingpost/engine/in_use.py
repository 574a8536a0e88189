"""What keeps a row from being deleted, as far as the actor may see it: by which relation, and how many rows."""

from __future__ import annotations

from typing import Any, Final

from kingpost.base.errors import Conflict
from kingpost.engine.context import Context
from kingpost.engine.federation import Federation
from kingpost.engine.plans import Plans, parameters
from kingpost.plan.in_use import keepers, plan_in_use
from kingpost.plan.select import Delete, Operation
from kingpost.plan.values import bound_key

NEXT: Final = "delete these first, or have them refer to another row"
FOR_GOOD: Final = "what is kept goes for good by a statement of your own, app.execute('DELETE FROM …')"


class InUse:
    """Asks, after a store has refused a delete, what the actor may know of the reason."""

    def __init__(self, plans: Plans, federation: Federation) -> None:
        self._plans = plans
        self._federation = federation

    async def conflict(self, operation: Operation, context: Context) -> Conflict | None:
        """The error (KP410) where the actor sees rows that stand in the way of this delete."""
        if not isinstance(operation, Delete):
            return None
        found = self._plans.rights.model[operation.resource]

        def make(standing: Any) -> Any:
            return [(one, self._federation.prepare(one.select)) for one in plan_in_use(standing, found.name)]

        told: list[str] = []
        steps: dict[str, None] = {}
        for one, asked in self._plans.find(("in use", found.name), context, make):
            params = {**parameters(context, one.captures), "key": bound_key(operation.key)}
            ((rows,),) = await asked.fetch(params)
            if rows:
                counted = f"{rows} row{'' if rows == 1 else 's'}{', deleted and kept' if one.deleted else ''}"
                told.append(f"{one.resource}.{'.'.join(one.path)} ({counted})")
                steps |= {FOR_GOOD if one.deleted else NEXT: None}
        if told:
            return Conflict("KP410", f"other rows still refer to this one: {', '.join(told)}; {'; '.join(steps)}")
        return self._unseen(found.name, context)

    def _unseen(self, resource: str, context: Context) -> Conflict | None:
        """Nobody sees rows that were deleted and are kept: it is told that there may be such, and not whether."""
        holders = self._plans.find(("keepers", resource), context, lambda standing: tuple(keepers(standing, resource)))
        if not holders:
            return None
        kept = f"rows of {' or '.join(holders)} that were deleted and are kept"
        words = f"rows that you do not see still refer to this one, or {kept}"
        return Conflict("KP410", f"{words}; whoever sees them, or runs the database, has to remove them first")
