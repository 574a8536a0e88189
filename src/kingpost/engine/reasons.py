"""Why a store refused a batch, in words for whoever wrote: no more than he may know."""

from __future__ import annotations

from kingpost.base.errors import Asked, KingpostError
from kingpost.engine.batch import Batch
from kingpost.engine.checks import refusal
from kingpost.engine.context import Context
from kingpost.engine.failures import explained, no_such_row, within
from kingpost.engine.federation import Federation
from kingpost.engine.in_use import InUse
from kingpost.engine.plans import Plans
from kingpost.engine.unwritten import Unwritten
from kingpost.model.model import Model
from kingpost.plan.select import Check, Operation
from kingpost.stores.contract import CheckFailed, ReferenceViolation, StoreError, UniqueViolation


class Reasons:
    """Asks further where the store's own word is too little, or too much."""

    def __init__(self, plans: Plans, federation: Federation, unwritten: Unwritten) -> None:
        self._plans = plans
        self._unwritten = unwritten
        self._in_use = InUse(plans, federation)

    async def told(self, error: StoreError, batch: Batch, context: Context, store: str) -> KingpostError:
        """The error that the caller gets of a batch that failed."""
        try:
            if isinstance(error, UniqueViolation):  # who may not write the row is not told that a value is taken
                for row in batch.undecided:
                    with within(row.pointer):
                        await self._unwritten.refuse(row, batch.operations, context)
            with within(batch.place(error)):
                raise await self._about(error, batch, context, store)
        except KingpostError as told:
            return told

    async def _about(self, error: StoreError, batch: Batch, context: Context, store: str) -> KingpostError:
        failed = None if error.operation is None else batch.operations[error.operation]
        found: KingpostError | None = None
        if isinstance(error, CheckFailed):
            found = _barred(error, failed, context)
        elif isinstance(error, ReferenceViolation) and error.kind == "missing":
            linking = _linking(error, self._plans.rights.model)
            found = None if linking is None else no_such_row((linking,))
        elif isinstance(error, ReferenceViolation) and failed is not None:
            found = await self._in_use.conflict(failed, context)
        return found or explained(error, store, self._plans.standing(context))


def _barred(error: CheckFailed, failed: Operation | None, context: Context) -> KingpostError | None:
    """The error where the store found that the rules do not hold, in the words of the engine."""
    if not isinstance(failed, Check) or error.reason.startswith("reference "):
        return None
    resource = failed.select.resource
    message = f"the rules of {resource} do not let you {error.reason} a row like this"
    return refusal(context, message, Asked(resource, error.reason))


def _linking(error: ReferenceViolation, model: Model) -> str | None:
    """The relation whose links lead nowhere: what the caller wrote, who knows nothing of rows in between."""
    if not model[error.resource].internal:
        return None
    relations = (one for resource in model for one in resource.relations.values() if one.link == error.resource)
    return next((one.name for one in relations if one.far in error.members), None)
