"""Calls of actions from Python: each is the action itself, asked of whoever answers for the row.

Only where the body of an action is running on the same object is a call of one no more than a call: it is part of that
body, whose changes are written together. So are calls on an object that was never stored, which `save()` will write.

Whoever acts is no argument: where the action asks for it, it is filled in, and given by nobody.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Generator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from functools import update_wrapper
from typing import Any, Final, cast

from kingpost.base.acting import acting
from kingpost.base.errors import Unauthenticated
from kingpost.model.declaration import class_of, declaration
from kingpost.model.declare import actor
from kingpost.model.marks import ACTION, BODY
from kingpost.model.model import ActionModel
from kingpost.model.query_runner import Runner, current_runner
from kingpost.model.state import is_new

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


def is_actor(parameter: inspect.Parameter) -> bool:
    """Whether a parameter of an action is who acts: by its name, as in rules, or by its default."""
    return parameter.name == "me" or parameter.default is actor


def who_acts(action: ActionModel) -> dict[str, Any]:
    """The argument that is who acts, where an action asks. Raises `Unauthenticated` where there has to be somebody."""
    if action.me is None:
        return {}
    who = acting.get()
    if who is None and action.me.required:
        raise Unauthenticated("KP401", f"{action.me.of} has to know who acts, and nobody is logged in")
    return {action.me.name: who}


def arguments_of(
    action: ActionModel, row: Sequence[Any], args: Sequence[Any], named: Mapping[str, Any]
) -> dict[str, Any]:
    """What is given to an action by name, `row` (of one that is on a row) left out. Raises TypeError."""
    signature = inspect.signature(action.function)
    if action.me is not None:
        me = action.me.name
        if me in named:
            remedy = "leave it out, or call inside app.acting(...) for somebody else"
            raise TypeError(f"{action.me.of}: {me} is who acts, and is filled in; {remedy}")
        signature = signature.replace(parameters=[one for one in signature.parameters.values() if one.name != me])
    bound = signature.bind(*row, *args, **named).arguments
    return dict(list(bound.items())[len(row) :])


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
        if runner is None:
            return await _plainly(body, name, on, args, rest, named)
        return await runner.act(on, name, rest, named)

    def waited_for(*args: Any, **named: Any) -> Any:
        on, *rest = (*before, *args) or (None,)
        runner = _runner(on, name)
        if runner is None:
            return _plainly(body, name, on, args, rest, named)
        return runner.act_from_thread(on, name, rest, named)

    request: Callable[..., Any] = awaited if inspect.iscoroutinefunction(body) else waited_for
    update_wrapper(request, body)
    setattr(request, BODY, body)
    return request


def _plainly(
    body: Callable[..., Any], name: str, on: Any, args: Sequence[Any], rest: Sequence[Any], named: Mapping[str, Any]
) -> Any:
    """A call that is no more than a call, with who acts filled in where the class is part of an App."""
    cls: type = on if isinstance(on, type) else class_of(on)
    bound = declaration(cls).bound if hasattr(cls, "__kingpost__") else None
    action = None if bound is None else bound.resource.actions.get(name)
    if action is None or action.me is None:
        return body(*args, **named)
    row = () if on is cls else (on,)
    return action.function(*row, **arguments_of(action, row, rest, named), **who_acts(action))


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
