"""The inside of resource instances, for the engine: making them from stored values, and what has changed since.

Values live in `__dict__` under the names of members, so that reading an attribute costs what it costs in any class.
Beside it are two slots. `_kingpost_state`: None while the row was never stored, else the values as they were loaded,
which `_stored` reads.
`_kingpost_via`: for an instance that holds its key only, the relation it was reached by, for the words of `NotLoaded`;
`reached_by` reads it.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from copy import copy, deepcopy
from typing import Any, Final, TypeVar, cast

from kingpost.model.declaration import Declaration, class_of, declaration
from kingpost.model.declare import MISSING, NotLoaded

R = TypeVar("R")
_set: Final = object.__setattr__


def set_state(instance: Any, state: dict[str, Any] | None) -> None:
    """Say which values the store has for the instance; None: no row yet."""
    _set(instance, "_kingpost_state", state)


def reached_by(instance: Any) -> str:
    """The relation by which an instance was reached that holds its key only; else ""."""
    try:
        return cast(str, object.__getattribute__(instance, "_kingpost_via"))
    except AttributeError:
        return ""


def materialise(cls: type[R], values: dict[str, Any], *, via: str = "") -> R:
    """An instance of `cls` as loaded, without validation. `values` are taken over: do not use them again.

    Names are members, hidden fields such as `_version`, and computed fields whose value the store has computed. To-one
    relations are instances (`refer` for those not loaded) or None, to-many ones lists, left out when not loaded.
    """
    instance = object.__new__(cls)
    instance.__dict__.update(values)
    if via:
        _set(instance, "_kingpost_via", via)
    _set(instance, "_kingpost_state", _frozen(declaration(cls), values))
    return instance


def materialiser(
    cls: type[R],
    names: Sequence[str],
    converts: Mapping[str, Callable[[Any], Any]] | None = None,
    *,
    via: str = "",
) -> Callable[..., R]:
    """What makes instances as `materialise` does, of values in this order: written out, for many rows of one shape.

    `converts`: for some of the names, what becomes of a value that is not None.
    """
    bound = declaration(cls).bound
    scope: dict[str, Any] = {"new": object.__new__, "cls": cls, "names": tuple(names), "via": via}
    for slot in ("__dict__", "_kingpost_via", "_kingpost_state"):
        scope[f"set{slot}"] = _slot(cls, slot)
    given, stored = [f"v{index}" for index in range(len(names))], ["names"]
    lines: list[str] = []
    for name, value in zip(names, given, strict=True):
        if converts and name in converts:
            scope[f"convert_{value}"] = converts[name]
            lines.append(f"if {value} is not None: {value} = convert_{value}({value})")
        changing = bound is not None and name in bound.mutable
        if changing:
            scope[f"copy_{value}"] = _copier(declaration(cls), name)
        stored.append(f"copy_{value}({value})" if changing else value)
    held = ", ".join(f"{name!r}: {value}" for name, value in zip(names, given, strict=True))
    lines += ["instance = new(cls)", f"set__dict__(instance, {{{held}}})"]
    lines += ["set_kingpost_via(instance, via)"] if via else []
    lines += [f"set_kingpost_state(instance, ({', '.join(stored)},))", "return instance"]
    body = "".join(f"    {line}\n" for line in lines)
    exec(compile(f"def make({', '.join(given)}):\n{body}", f"<{cls.__name__} of a row>", "exec"), scope)  # noqa: S102
    return cast("Callable[..., R]", scope["make"])


def _slot(cls: type, name: str) -> Callable[[Any, Any], None]:
    """What sets an attribute, without looking for it first."""
    owner = next(one for one in cls.__mro__ if name in vars(one))
    return cast("Callable[[Any, Any], None]", vars(owner)[name].__set__)


def _copier(shape: Declaration, name: str) -> Callable[[Any], Any]:
    """How a value is copied that may change in place: of rows only the list."""
    return copy if shape.bound is not None and name in shape.bound.targets else deepcopy


def _stored(instance: Any) -> dict[str, Any] | None:
    """The values as they were loaded, by name; None: no row yet."""
    state = cast("dict[str, Any] | tuple[Any, ...] | None", instance._kingpost_state)
    if isinstance(state, tuple):  # as a materialiser leaves it: names, then the values
        state = dict(zip(state[0], state[1:], strict=True))
        set_state(instance, state)
    return state


def as_found(instance: Any, name: str) -> bool:
    """Whether a member has the value with which a materialiser made the instance, that nothing has filled in since."""
    state = cast("dict[str, Any] | tuple[Any, ...] | None", instance._kingpost_state)
    if not isinstance(state, tuple):
        return False
    names, *values = state
    if name not in names or name not in instance.__dict__:
        return False
    return not _differs(values[names.index(name)], instance.__dict__[name])


def refer(cls: type[R], key: tuple[Any, ...], *, via: str = "") -> R:
    """An instance that holds its key only: what an unloaded to-one relation is. `key` is flat, as of `key_of`."""
    shape = declaration(cls)
    if shape.bound is None:
        return materialise(cls, dict(zip(shape.key, key, strict=True)), via=via)
    parts = shape.bound.parts
    if len(parts) == len(key) == 1 and parts[0][1] is None:
        return materialise(cls, {parts[0][0]: key[0]}, via=via)
    values: dict[str, Any] = {}
    at = 0
    for name, target, width in parts:
        values[name] = key[at] if target is None else refer(target, key[at : at + width], via=f"{cls.__name__}.{name}")
        at += width
    if at != len(key):
        raise ValueError(f"the key of {cls.__name__} has {at} parts, not {len(key)}")
    return materialise(cls, values, via=via)


def referrer(cls: type[R], via: str) -> Callable[..., R]:
    """What makes instances as `refer` does, of the parts of a key; quicker, for many rows."""
    bound = declaration(cls).bound
    if bound is not None and len(bound.parts) == 1 and bound.parts[0][1] is None:
        return materialiser(cls, (bound.parts[0][0],), via=via)
    return lambda *key: refer(cls, key, via=via)


def key_of(instance: Any) -> tuple[Any, ...]:
    """The key, flat: where a member is a relation, the key of its target. Raises NotLoaded."""
    return tuple(_parts(instance))


def _parts(instance: Any) -> Iterator[Any]:
    cls = class_of(instance)
    values = instance.__dict__
    for name in declaration(cls).key:
        value = values.get(name, MISSING)
        if value is MISSING:
            raise NotLoaded(f"{cls.__name__} has no {name} yet, which is part of its key", name)
        if "__kingpost__" in vars(class_of(value)):
            yield from _parts(value)
        else:
            yield value


def is_new(instance: Any) -> bool:
    """Whether the instance was made here and never stored."""
    state: object = instance._kingpost_state
    return state is None


def is_reference(instance: Any) -> bool:
    """Whether the instance stands for a row of which nothing but the key is known."""
    cls = class_of(instance)
    return not is_new(instance) and instance.__dict__.keys() <= set(declaration(cls).key)


def changes(instance: Any) -> dict[str, Any]:
    """The members that a write has to store, by name: of a new instance all it has, else those that differ."""
    cls = class_of(instance)
    shape = declaration(cls)
    state, values = _stored(instance), instance.__dict__
    if state is None:
        return {name: value for name, value in values.items() if shape.stored(name)}
    return {
        name: value
        for name, value in values.items()
        if shape.stored(name) and (name not in state or _differs(state[name], value))
    }


def settle(instance: Any, values: Mapping[str, Any]) -> None:
    """After a write: take in what the store now has (version, defaults), and count everything as stored."""
    cls = class_of(instance)
    instance.__dict__.update(values)
    set_state(instance, _frozen(declaration(cls), dict(instance.__dict__)))


def take_in(instance: Any, values: Mapping[str, Any]) -> None:
    """Add values that were loaded later; what had been changed before stays changed."""
    instance.__dict__.update(values)
    loaded = _frozen(declaration(class_of(instance)), dict(values))
    set_state(instance, {**(_stored(instance) or {}), **loaded})


def renew(instance: R, row: R, follows: Iterable[str]) -> R:
    """Make the instance, of which nothing is to be saved, what the row is now.

    What is loaded of other rows stays where the relation still leads there. `follows`: computed fields that follow from
    the row alone, to be computed again when they are asked for.
    """
    values, fresh = instance.__dict__, dict(row.__dict__)
    values.update(_unchanged(instance))
    for name, value in fresh.items():
        kept = values.get(name)
        if "__kingpost__" in vars(class_of(value)) and class_of(kept) is class_of(value) and bool(kept == value):
            fresh[name] = kept
    for name in follows:
        values.pop(name, None)
    take_in(instance, fresh)
    return instance


@contextmanager
def kept(instance: Any) -> Generator[None]:
    """Where the block fails, the instance is what it was before, which is what is stored."""
    values, state = dict(instance.__dict__), _stored(instance)
    try:
        yield
    except BaseException:
        set_state(instance, state)
        instance.__dict__.clear()
        instance.__dict__.update(values)
        instance.__dict__.update(_unchanged(instance))
        raise


def _unchanged(instance: Any) -> dict[str, Any]:
    """The values that may have been changed in place, as they are stored."""
    shape = declaration(class_of(instance))
    mutable = () if shape.bound is None else shape.bound.mutable
    stored = _stored(instance) or {}
    return _frozen(shape, {name: stored[name] for name in mutable if name in stored and name in instance.__dict__})


def _frozen(shape: Declaration, values: dict[str, Any]) -> dict[str, Any]:
    """The values, with copies of those that may change in place."""
    if shape.bound is not None:
        for name in shape.bound.mutable:
            if name in values:
                values[name] = _copier(shape, name)(values[name])
    return values


def _differs(old: Any, new: Any) -> bool:
    return old is not new and (class_of(old) is not class_of(new) or bool(old != new))
