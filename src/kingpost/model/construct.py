"""Constructors, generated once per class: keyword-only, and as fast as if written by hand."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NoReturn, cast

from kingpost.model.declaration import OWN_ID, Declaration, Member, class_of, declaration
from kingpost.model.declare import MISSING, actor, generated
from kingpost.model.names import meant


def constructor(shape: Declaration, new_key: Callable[[], Any], acting: Callable[[type], Any]) -> Callable[..., None]:
    """An `__init__` for the class. `new_key` makes the key nobody declared, `acting` answers who acts (or MISSING)."""
    members = [member for member in shape.members.values() if member.spec.init]
    if shape.implicit_key:
        members.insert(0, OWN_ID)
    scope: dict[str, Any] = {"__MISSING": MISSING, "__new_key": new_key, "__acting": acting, "__refuse": _refuse}
    required = [member for member in members if not _optional(member)]
    optional = [member for member in members if _optional(member)]
    parameters = [member.name for member in required] + [f"{member.name}=__MISSING" for member in optional]
    star = "*, " if parameters else ""
    lines = [f"def __init__(__self, {star}{', '.join(parameters)}{', ' if parameters else ''}**__unknown):"]
    lines += ["    if __unknown: __refuse(__self, __unknown)", "    __values = __self.__dict__"]
    lines += [f"    __values[{member.name!r}] = {member.name}" for member in required]
    for number, member in enumerate(optional):
        lines += _assign(member, f"__default_{number}", scope)
    lines += ["    __set_slot(__self, '_kingpost_state', None)"]
    scope["__set_slot"] = object.__setattr__
    exec("\n".join(lines), scope)  # noqa: S102  # names are identifiers of the class body, values stay in the scope
    function = cast("Callable[..., None]", scope["__init__"])
    function.__qualname__ = f"{shape.cls.__qualname__}.__init__"
    function.__module__ = shape.cls.__module__
    return function


def _optional(member: Member) -> bool:
    return member is OWN_ID or member.spec.default is not MISSING or member.spec.default_factory is not None


def _assign(member: Member, default: str, scope: dict[str, Any]) -> list[str]:
    name, spec = member.name, member.spec
    if member is OWN_ID:
        return [f"    __values[{name!r}] = __new_key() if {name} is __MISSING else {name}"]
    if spec.default is generated:  # left out: it is made when the row is written
        return [f"    if {name} is not __MISSING: __values[{name!r}] = {name}"]
    if spec.default is actor:  # nobody acts: left out, and the write says so
        return [
            f"    if {name} is __MISSING: {name} = __acting(type(__self))",
            f"    if {name} is not __MISSING: __values[{name!r}] = {name}",
        ]
    if spec.default_factory is not None:
        scope[default] = spec.default_factory
        made = f"{default}()"
    elif class_of(spec.default) in (list, dict, set):
        empty = class_of(spec.default)  # pyright: ignore[reportUnknownVariableType, reportUnknownMemberType]
        scope[default] = empty
        made = f"{default}()"  # empty: others are refused when the App is built
    else:
        scope[default] = spec.default
        made = default
    return [f"    __values[{name!r}] = {made} if {name} is __MISSING else {name}"]


def _refuse(instance: Any, unknown: dict[str, Any]) -> NoReturn:
    cls = class_of(instance)
    shape = declaration(cls)
    name = next(iter(unknown))
    if name in shape.computed:
        raise TypeError(f"{cls.__name__}.{name} is computed and can't be given")
    if name in shape.members:
        inverse = shape.members[name].spec.inverse
        raise TypeError(f"{cls.__name__}.{name} is the other side of {inverse!r} and can't be given")
    known = [each for each, member in shape.members.items() if member.spec.init]
    raise TypeError(f"{cls.__name__} has no {name!r}: {meant(name, known)}")
