"""What one write does to one row, and the calls of user code that decide it."""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from typing import Any

import anyio.to_thread
from msgspec import Struct, field

from kingpost.engine.rows import Values
from kingpost.model.annotations import Scope, understand
from kingpost.model.calls import running, who_acts
from kingpost.model.model import ActionModel, Model, ResourceModel


class Changes(Struct):
    """Members to store, links to write anew, and rows to create below."""

    values: Values
    links: dict[str, list[tuple[Any, ...]]] = field(default_factory=dict[str, list[tuple[Any, ...]]])
    nested: dict[str, list[Mapping[str, Any]]] = field(default_factory=dict[str, list[Mapping[str, Any]]])


def sorted_out(found: ResourceModel, data: Mapping[str, Any]) -> Changes:
    """The members of an input by how they are stored."""
    change = Changes({})
    for name, value in data.items():
        relation = found.relations.get(name)
        if relation is None or relation.kind == "one":
            change.values[name] = value
        elif relation.kind == "linked":
            change.links[name] = list(value)
        elif relation.nested:
            change.nested[name] = list(value)
    return change


def referring(model: Model, action: ActionModel) -> dict[str, str]:
    """The inputs of an action that are rows, and of which resource."""
    meanings = {one.name: understand(one.annotation, Scope("", {}, {})) for one in action.parameters}
    return {name: model.classes[one.target] for name, one in meanings.items() if one.target is not None}


async def called(action: ActionModel, /, *args: Any, **kwargs: Any) -> Any:
    """The answer of the body of an action; sync ones run in a thread, with the present context.

    Who acts is filled in. Actions that it calls on the same object, or the same class, are part of it.
    """
    function, kwargs = action.function, {**kwargs, **who_acts(action)}
    with running(getattr(function, "__self__", args[0] if args else None)):
        if inspect.iscoroutinefunction(function):
            return await function(*args, **kwargs)
        return await anyio.to_thread.run_sync(lambda: function(*args, **kwargs))
