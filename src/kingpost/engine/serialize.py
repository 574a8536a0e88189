"""Objects that user code returns become plain values: what the actor may not read is left out."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from kingpost.engine.passed import passed
from kingpost.engine.plans import parameters
from kingpost.language.evaluate import Frame, compile_expression
from kingpost.language.tree import FALSE, TRUE
from kingpost.model.declare import NotLoaded
from kingpost.model.state import is_reference, key_of
from kingpost.plan.rights import ActorWorld
from kingpost.plan.values import bound_key
from kingpost.plan.write import is_local

if TYPE_CHECKING:
    from kingpost.engine.engine import Engine

_ABSENT = object()


class Serializer:
    """Makes plain values of a resource object, by the rights of whoever acts.

    Members that are not loaded are left out. A rule that the object's own values can't decide counts as not held,
    unless a query of the same actor has asked it (`engine.passed`).
    """

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def __call__(self, instance: Any) -> dict[str, Any]:
        """The members of one object by name; relations as objects, or as their keys where not loaded."""
        engine = self._engine
        context = engine.context()
        found = engine.model[type(instance).__name__]
        standing = engine.plans.standing(context)
        world = _ObjectWorld(context.actor)
        frame = Frame(instance, parameters(context, ()), world)
        answer: dict[str, Any] = {}
        noted = passed.get()
        for name in found.names:
            right = standing.member(found.name, name)
            if right == FALSE:
                continue
            if right != TRUE:
                holds = _holds(right, frame) if is_local(right) else None
                if not (noted is not None and noted.shows(instance, name, context) if holds is None else holds):
                    continue
            value = _value(instance, name, computed=name in found.computed)
            if value is not _ABSENT:
                answer[name] = self._plain(value) if name in found.relations else value
        return answer

    def _plain(self, value: Any) -> Any:
        if value is None:
            return None
        if isinstance(value, list):
            return [self._plain(one) for one in value]  # pyright: ignore[reportUnknownVariableType]
        if is_reference(value):
            key = key_of(value)
            names = self._engine.model[type(value).__name__].key
            return dict(zip(names, key, strict=True)) if len(names) == len(key) else {"key": list(key)}
        return self(value)


def _value(instance: Any, name: str, *, computed: bool) -> Any:
    if not computed:
        return instance.__dict__.get(name, _ABSENT)
    try:
        return getattr(instance, name)
    except NotLoaded:
        return _ABSENT


def _holds(right: Any, frame: Frame) -> bool | None:
    """None: the object's own values do not decide it."""
    try:
        return compile_expression(right)(frame) is True
    except (NotLoaded, LookupError):
        return None


class _ObjectWorld(ActorWorld):
    """Any object stands for its own row."""

    __slots__ = ()

    def __init__(self, actor: Any) -> None:
        super().__init__(actor, lambda instance: bound_key(key_of(instance)))
