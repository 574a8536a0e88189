"""Inputs of actions: keys of rows become the rows, as the actor may see them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final, cast

from kingpost.base.errors import Detail, Forbidden, Rejected, Unauthenticated
from kingpost.engine.changes import referring
from kingpost.engine.context import Context
from kingpost.engine.failures import no_such_row
from kingpost.engine.reader import Reader
from kingpost.model.calls import who_acts
from kingpost.model.model import ActionModel
from kingpost.model.state import key_of
from kingpost.plan.intent import Read

MAX_ROWS: Final = 1_000
"""How many rows one input may name."""


async def with_rows(
    reader: Reader, action: ActionModel, arguments: Mapping[str, Any], context: Context
) -> dict[str, Any]:
    """The inputs with rows in place of keys, one statement for each input. Raises `Rejected`.

    Raises `Unauthenticated` before it, where somebody has to act.
    """
    who_acts(action)
    given = dict(arguments)
    for name, target in referring(reader.model, action).items():
        value = given.get(name)
        if isinstance(value, list):
            given[name] = await _rows(reader, name, target, cast("list[object]", value), context)
        elif isinstance(value, tuple):
            given[name] = (await _rows(reader, name, target, [cast(object, value)], context))[0]
    return given


async def _rows(reader: Reader, name: str, target: str, given: Sequence[object], context: Context) -> list[object]:
    """Which of the rows are not there, or not for the actor, is not told."""
    keys = tuple(dict.fromkeys(cast("tuple[object, ...]", each) for each in given if isinstance(each, tuple)))
    if len(keys) > MAX_ROWS:
        message = f"at most {MAX_ROWS} rows are taken"
        raise Rejected("KP166", message, [Detail(f"/{name}", "KP166", message)])
    if not keys:
        return list(given)
    try:
        page = await reader.page(Read(target, keys=keys, whole=True, limit=None), context)
    except (Forbidden, Unauthenticated):
        raise no_such_row((name,)) from None
    found = {key_of(row): row for row in page.items}
    if len(found) < len(keys):
        raise no_such_row((name,))
    return [found[cast("tuple[object, ...]", each)] if isinstance(each, tuple) else each for each in given]
