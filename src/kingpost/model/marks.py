"""Marks that decorators leave on the methods of a class body, and notes of what was marked there.

A class keeps only the last of two definitions of one name, and what a decorator makes of a method may hide the mark.
So the body notes what was marked in it, for `build` to refuse what is lost: a lost `@deny` would open what it closes.
"""

from __future__ import annotations

import inspect
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from types import FunctionType
from typing import Any, Final

RULES: Final = "__kingpost_rules__"
ACTION: Final = "__kingpost_action__"
VALIDATOR: Final = "__kingpost_validator__"
MARKS: Final = {RULES: "a rule", ACTION: "an action", VALIDATOR: "a validator"}
"""The marks there are, and what each makes of a method."""

NOTES: Final = "__kingpost_notes__"
"""The attribute of a class with what was marked in its body."""

BODY: Final = "__kingpost_body__"
"""The attribute of what asks for an action with the method that was written."""

_HOLD: Final = ("__func__", "fget", "func", "function", "__wrapped__")
"""Where classmethod and staticmethod, property, partial and cached_property, Computed, and decorators keep a method."""
_DEEPEST: Final = 100
_AROUND: Final = 8
"""So many frames of helpers may be between a decorator and the class body that it is used in."""


@dataclass(frozen=True, slots=True)
class Note:
    """One thing that was marked in a class body: a function, or a computed field."""

    decorator: str
    name: str
    thing: Any


def layers(value: Any) -> Iterator[Any]:
    """A value, and what it is wrapped around, from outside."""
    for _ in range(_DEEPEST):
        yield value
        inside = (getattr(value, name, None) for name in _HOLD)
        value = next((each for each in inside if each is not None), None)
        if value is None or isinstance(value, type):
            return


def marked(value: Any) -> FunctionType | None:
    """The function that decorators mark: the outermost one of what they are put around."""
    return next((each for each in layers(value) if isinstance(each, FunctionType)), None)


def method(value: Any) -> Callable[..., Any] | None:
    """The function of a class body's value that is a method of rows or of the class; None: it is something else."""
    function = getattr(value, "__func__", value)
    function = getattr(function, BODY, function)
    return function if inspect.isfunction(function) else None


def mark(name: str, spec: object, decorator: str, value: Any) -> Any:
    """Leave a mark on the function of `value`, and answer `value`. Several rules of one function are kept together."""
    function = marked(value)
    if function is None:
        raise TypeError(f"{decorator} is for a method: it stands above a def of a class body, and not {value!r}")
    setattr(function, name, (*getattr(function, name, ()), spec) if name == RULES else spec)
    take_note(decorator, function)
    return value


def take_note(decorator: str, thing: Any) -> None:
    """Note in the class body that is being run that this was marked there."""
    frame = sys._getframe(1)  # pyright: ignore[reportPrivateUsage]
    inside = getattr(marked(thing), "__qualname__", "").rpartition(".")[0]
    for _ in range(_AROUND):
        # A class body has names that are no fast locals, and knows what it is called.
        if not frame.f_code.co_flags & inspect.CO_OPTIMIZED and frame.f_locals.get("__qualname__") == inside:
            name = getattr(marked(thing), "__name__", "")
            frame.f_locals.setdefault(NOTES, []).append(Note(decorator, name, thing))
            return
        if frame.f_back is None:
            return
        frame = frame.f_back


def notes(owner: type) -> list[Note]:
    """What was marked in the body of one class."""
    found: list[Note] = vars(owner).get(NOTES, [])
    return found
