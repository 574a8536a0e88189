"""Calls of actions from Python: each is the action itself, asked of whoever answers for the row.

Only where the body of an action is running on the same object is a call of one no more than a call: it is part of that
body, whose changes are written together. So are calls on an object that was never stored, which `save()` will write.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Generator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from functools import update_wrapper
from typing import Any, Final, cast

from kingpost.model.declaration import class_of, declaration
from kingpost.model.declare import ACTION
from kingpost.model.query_runner import Runner, current_runner
from kingpost.model.state import is_new

BODY: Final = "__kingpost_body__"
PLAIN: Final = frozenset({"create", "update"})
"""Actions that take part in `save()` through a door, and are no requests of their own."""


@dataclass(slots=True, eq=False)
class Running:
    """The body of an action on an object or, for one about all rows, on a class. Tasks that outlive it are outside."""

    on: object
    hold: bool = True


_running: ContextVar[tuple[Running, ...]] = ContextVar("kingpost_running", default=())


@contextmanager
def running(on: object) -> Generator[None]:
    """Inside, actions called on this object are part of the one that runs."""
    here = Running(on)
    token = _running.set((*_running.get(), here))
    try:
        yield
    finally:
        here.hold = False
        _running.reset(token)


def body_of(function: Callable[..., Any]) -> Callable[..., Any]:
    """What was written in the class, of a method that may have been replaced by its request."""
    return cast("Callable[..., Any]", getattr(function, BODY, function))


def ask_instead(cls: type) -> None:
    """Put requests in place of the methods of a class that are marked as actions."""
    for name in {name for owner in cls.__mro__ for name in vars(owner)}:
        static = inspect.getattr_static(cls, name)
        function = getattr(static, "__func__", static)
        if not inspect.isfunction(function) or not hasattr(function, ACTION):
            continue
        if isinstance(static, staticmethod):  # knows no class, and so is made anew for each
            setattr(cls, name, staticmethod(_request(body_of(function), name, (cls,))))
        elif not hasattr(function, BODY):
            request = _request(function, name, ())
            setattr(cls, name, classmethod(request) if isinstance(static, classmethod) else request)


def _request(body: Callable[..., Any], name: str, before: tuple[type, ...]) -> Callable[..., Any]:
    """What asks for the action; `before` its arguments comes what it is about, where that is not the first of them."""

    async def awaited(*args: Any, **named: Any) -> Any:
        on, *rest = (*before, *args) or (None,)
        runner = _runner(on, name)
        return await (body(*args, **named) if runner is None else runner.act(on, name, rest, named))

    def waited_for(*args: Any, **named: Any) -> Any:
        on, *rest = (*before, *args) or (None,)
        runner = _runner(on, name)
        return body(*args, **named) if runner is None else runner.act_from_thread(on, name, rest, named)

    request: Callable[..., Any] = awaited if inspect.iscoroutinefunction(body) else waited_for
    update_wrapper(request, body)
    setattr(request, BODY, body)
    return request


def _runner(on: Any, name: str) -> Runner | None:
    """Who is to be asked for an action; None where the call is no more than a call."""
    cls: type = on if isinstance(on, type) else class_of(on)
    inside = any(one.hold and one.on is on for one in _running.get())
    if inside or name in PLAIN or not hasattr(cls, "__kingpost__") or (cls is not on and is_new(on)):
        return None
    shape = declaration(cls)
    runner = current_runner.get() or shape.runner
    known = shape.bound is not None and name in shape.bound.resource.actions
    return runner if known else None
