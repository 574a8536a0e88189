"""Plans are kept: under the shape of what is asked and the outcomes of the rights that were consulted.

A repeated shape costs look-ups; its values are bound as parameters. Both levels are bounded.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Hashable, Iterable
from dataclasses import dataclass, field
from typing import Any, TypeVar

from kingpost.engine.context import Context
from kingpost.language.evaluate import Frame
from kingpost.language.lower import Capture
from kingpost.model.state import key_of
from kingpost.plan.rights import ActorWorld, Right, Rights
from kingpost.plan.standing import Standing
from kingpost.plan.values import bound_key

T = TypeVar("T")


@dataclass(slots=True)
class _Known:
    rights: tuple[Right, ...]
    variants: dict[tuple[Any, ...], Any] = field(default_factory=dict[tuple[Any, ...], Any])


class Plans:
    """Finds or makes what was planned for a shape. At most `shapes` shapes, the least recently made goes first."""

    def __init__(self, rights: Rights, *, shapes: int = 1024, variants: int = 64) -> None:
        self.rights = rights
        self._shapes, self._variants = shapes, variants
        self._known: OrderedDict[Hashable, _Known] = OrderedDict()

    def find(self, shape: Hashable, context: Context, make: Callable[[Standing], T]) -> T:
        """What `make` answers for one who stands like `context`; asked again only when outcomes differ."""
        kind = (shape, context.system is not None, context.actor is not None)
        known = self._known.get(kind)
        if known is not None and not known.rights:  # it is the same for everyone
            found = known.variants.get(())
            if found is not None:
                return found  # type: ignore[no-any-return]
        frame = _frame(context)
        if known is not None:
            found = known.variants.get(tuple([right.outcomes(frame) for right in known.rights]))
            if found is not None:
                return found  # type: ignore[no-any-return]
        standing = Standing(self.rights, frame, system=context.system is not None, named=context.actor is not None)
        made = make(standing)
        told = tuple(right for right in standing.consulted if right.leaves)
        if known is None or set(told) - set(known.rights):
            known = self._known[kind] = _Known(tuple(dict.fromkeys((*(known.rights if known else ()), *told))))
            while len(self._known) > self._shapes:
                self._known.popitem(last=False)
        elif len(known.variants) >= self._variants:
            known.variants.clear()
        known.variants[tuple([right.outcomes(frame) for right in known.rights])] = made
        return made

    def forget(self) -> None:
        """Plan all anew: for when an application is given other stores."""
        self._known.clear()

    def standing(self, context: Context) -> Standing:
        """The rights of one who asks, where no plan is to be kept."""
        return Standing(
            self.rights, _frame(context), system=context.system is not None, named=context.actor is not None
        )


def _frame(context: Context) -> Frame:
    """What the leaves of rights are evaluated over: the actor, the instant, and settings read now."""
    return Frame(None, parameters(context, ()), ActorWorld(context.actor, _key))


def _key(instance: Any) -> object:
    return bound_key(key_of(instance))


def actor_key(context: Context) -> Any:
    """The key of the actor as a parameter; None for the anonymous one."""
    return None if context.actor is None else bound_key(key_of(context.actor))


def parameters(context: Context, captures: Iterable[Capture]) -> dict[str, Any]:
    """What rules may be about besides rows: the instant, the actor, and settings read now."""
    return {
        "now": context.now,
        "present": context.now,
        "me": actor_key(context),
        **{capture.name: capture.read() for capture in captures},
    }
