"""What decorators marked in class bodies: refused where it is lost, is on no method of the row, or is two things."""

from __future__ import annotations

import inspect
from collections.abc import Iterator
from functools import cached_property
from types import FunctionType
from typing import Any, Final

from kingpost.model.declare import Computed
from kingpost.model.draft import Draft, Drafts
from kingpost.model.marks import ACTION, MARKS, RULES, VALIDATOR, Note, layers, marked, method, notes

RULINGS: Final = ("@allow", "@deny")


def methods(drafts: Drafts) -> None:
    """Refuse whatever was marked and would not take effect. What is inherited is judged where it is written."""
    for draft in drafts.by_name.values():
        for owner in reversed(draft.cls.__mro__):
            for note in _marked(owner):
                if isinstance(note.thing, Computed):
                    _computed(drafts, draft, owner, note)
                else:
                    _method(drafts, draft, owner, note)


def _marked(owner: type) -> Iterator[Note]:
    """What was marked in a class body, also in one that took no notes, as of a class made by calling `type`."""
    seen: set[int] = set()
    for note in notes(owner):
        if id(note.thing) not in seen:  # several rules of one method
            seen.add(id(note.thing))
            yield note
    for name, value in vars(owner).items():
        function = next((each for each in layers(value) if isinstance(each, FunctionType) and _marks(each)), None)
        whole = {id(each) for each in layers(value)}
        if function is not None and not whole & seen and isinstance(getattr(function, "__name__", None), str):
            yield Note(_decorator(function), name, function)


def _marks(function: Any) -> list[str]:
    return [each for each in MARKS if hasattr(function, each)]


def _decorator(function: Any) -> str:
    first = _marks(function)[0]
    return {ACTION: "@action", VALIDATOR: "@validate"}.get(first) or f"@{getattr(function, RULES)[0].effect}"


def _computed(drafts: Drafts, draft: Draft, owner: type, note: Note) -> None:
    what = f"{owner.__name__}.{note.name}"
    name, value = _holder(owner, note)
    if value is None:
        _lost(drafts, draft, owner, note)
    elif value is not note.thing:
        message = f"{what} is @computed inside {_kind(value)}, so it is no field"
        drafts.refuse("KM604", message, f"@computed alone, above def {note.name}(self)", draft, name)
    elif not inspect.isfunction(note.thing.function):
        message = f"{what}: @computed is around {_kind(note.thing.function)}, and is for a plain method"
        drafts.refuse("KM604", message, f"@computed alone, above def {name}(self)", draft, name)
    elif also := _marks(note.thing.function):
        message = f"{what} is computed, and also {MARKS[also[0]]}"
        drafts.refuse("KM704", message, "two methods", draft, name)


def _method(drafts: Drafts, draft: Draft, owner: type, note: Note) -> None:
    name, value = _holder(owner, note)
    if value is None:
        _lost(drafts, draft, owner, note)
        return
    what, marks, function = f"{owner.__name__}.{name}", _marks(note.thing), method(value)
    if isinstance(value, Computed):
        if not any(each.thing is value for each in notes(owner)):  # else it is said of the computed field
            drafts.refuse("KM704", f"{what} is computed, and also {MARKS[marks[0]]}", "two methods", draft, name)
        return
    bound = isinstance(value, (classmethod, staticmethod))
    if function is None or not set(marks) <= set(_marks(function)) or (bound and marks != [ACTION]):
        code = "KM502" if RULES in marks else "KM804" if VALIDATOR in marks else "KM702"
        takes = ", me: User | None) -> bool" if RULES in marks else ") -> None"
        remedy = f"{note.decorator}(...) alone, above def {name}(self{takes}"
        message = f"{what}: {note.decorator} is on {_kind(value)}, and is for a method of the row"
        drafts.refuse(code, message, remedy, draft, name)
    elif len(marks) > 1:
        both = " and ".join(MARKS[each] for each in marks)
        drafts.refuse("KM704", f"{what} is {both}", "two methods", draft, name)


def _holder(owner: type, note: Note) -> tuple[str, Any]:
    """The name and value of a class that what was marked is part of."""
    for name, value in vars(owner).items():
        if any(each is note.thing for each in layers(value)):
            return name, value
    return note.name, None


def _lost(drafts: Drafts, draft: Draft, owner: type, note: Note) -> None:
    what = f"{note.decorator} {owner.__name__}.{note.name}"
    later = vars(owner).get(note.name)
    function, thing = marked(method(later) or later), marked(note.thing)
    if function is not None and thing is not None and function.__name__ == note.name:
        message = f"{what} is written in line {_line(thing)}, and lost by another {note.name} in line {_line(function)}"
        several = f'; several verbs are {note.decorator}("read", "update")' if note.decorator in RULINGS else ""
        remedy = f"another name for one of them{several}"
    elif function is not None:
        message = f"{what} is lost in {function.__qualname__}, which another decorator has put in its place"
        remedy = "@functools.wraps on the wrapper inside that decorator, or no such decorator"
    else:
        message = f"{what} is written in line {_line(thing)}, and not in the class any more"
        remedy = "another name, which nothing else in the class has"
    drafts.refuse("KM110", message, remedy, draft, note.name if note.name in vars(owner) else None)


def _line(function: FunctionType | None) -> int:
    return 0 if function is None else function.__code__.co_firstlineno


def _kind(value: Any) -> str:
    known: dict[type[Any], str] = {
        staticmethod: "staticmethod",
        classmethod: "classmethod",
        property: "property",
        cached_property: "cached_property",
    }
    name = next((known[each] for each in known if isinstance(value, each)), "")
    return f"a @{name}" if name else f"a {type(value).__name__}"
