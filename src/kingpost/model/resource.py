"""`Resource`: the class that users derive from, and what its instances can do."""

from __future__ import annotations

from collections.abc import Callable
from contextvars import ContextVar
from typing import TYPE_CHECKING, Any, ClassVar, Self, dataclass_transform, overload
from uuid import UUID

from pydantic import GetCoreSchemaHandler
from pydantic_core import CoreSchema

from kingpost.base.ids import uuid7
from kingpost.model import calls, construct, state
from kingpost.model.api import Api
from kingpost.model.declaration import Declaration, class_of, declaration, take_down
from kingpost.model.declare import MISSING, NotLoaded, Permission, field
from kingpost.model.names import meant, snake
from kingpost.model.query import Query
from kingpost.model.query_names import check_path
from kingpost.model.query_runner import current_runner, find_runner
from kingpost.model.shown import ANY_ROW, ShownFields

__all__ = ["NotLoaded", "Resource", "serializer"]

serializer: ContextVar[Callable[[Any], Any] | None] = ContextVar("kingpost_serializer", default=None)
"""How a resource that a custom endpoint returns becomes plain values; the app sets one that knows who asks.

Without it, an instance shows its own fields that carry no read rule, and relations as keys.
"""


class Attribute:
    """Stands in the class for every declared name, and is asked only where an instance has no value for it."""

    __slots__ = ("name", "owner")

    def __init__(self, owner: type, name: str) -> None:
        self.owner, self.name = owner, name

    def __repr__(self) -> str:
        return f"<{self.owner.__name__}.{self.name}>"

    def __get__(self, instance: Any, owner: type) -> Any:
        if instance is None:
            return self
        raise NotLoaded(_not_loaded(instance, self.name), self.name)


@dataclass_transform(kw_only_default=True, field_specifiers=(field,))
class Resource:
    """A thing of the domain, declared once: `class Article(Resource): ...`.

    Class keywords: `store` (default "main"), `path` and `table` (by rule from the name), `key` (names of the members
    that are the key), `adopted` (others made the table, and it keeps their form), `constrained` (False: nothing holds
    its rows to the key), `soft_delete`, `tenant` (the relation that says whose row it is), `source` (where its rows
    are in an HTTP API), `abstract` (lends its declarations only), and rules by verb: `read`, `create`, `update`,
    `delete`, `write` (the last three), or the name of an action. A rule is a marker (`anyone`, `authenticated`,
    `nobody`) or text over `self` and `me`.

    Instances are equal by class and key. Attribute access never queries: what is not loaded raises `NotLoaded`.
    """

    __slots__ = ("__dict__", "__weakref__", "_kingpost_state", "_kingpost_via")

    # What FastAPI, Pydantic and dataclasses look for. To type checkers it is a plain dict, as the protocol has it.
    if TYPE_CHECKING:
        __dataclass_fields__: ClassVar[dict[str, Any]] = {}
    else:
        __dataclass_fields__ = ShownFields()
        __pydantic_serializer__ = ANY_ROW

    if TYPE_CHECKING:
        # Any, or `id: int = field(key=True)` in a subclass is an override error. Not there where a key is declared.
        id: Any = field(default_factory=uuid7)

        __kingpost__: ClassVar[Declaration]

    def __init_subclass__(
        cls,
        *,
        store: str | None = None,
        path: str | None = None,
        table: str | None = None,
        key: str | tuple[str, ...] | None = None,
        adopted: bool | None = None,
        constrained: bool | None = None,
        soft_delete: bool | None = None,
        tenant: str | None = None,
        source: Api | None = None,
        abstract: bool | None = None,
        read: Permission | None = None,
        create: Permission | None = None,
        update: Permission | None = None,
        delete: Permission | None = None,
        write: Permission | None = None,
        **actions: Any,
    ) -> None:
        super().__init_subclass__()
        stated = dict(
            store=store, path=path, table=table, key=key, adopted=adopted, constrained=constrained,
            soft_delete=soft_delete, tenant=tenant, source=source, abstract=abstract, read=read, create=create,
            update=update, delete=delete, write=write,
        )  # fmt: skip
        keywords = {**{name: value for name, value in stated.items() if value is not None}, **actions}
        shape = take_down(cls, Resource, keywords)
        cls.__kingpost__ = shape
        if "__init__" not in vars(cls):
            setattr(cls, "__init__", construct.constructor(shape, _new_key, _acting))  # noqa: B010
        calls.ask_instead(cls)
        for name in [*shape.members, *(["id"] if shape.implicit_key else [])]:
            hidden = name in vars(cls) and name not in shape.own  # by a method
            if not hidden and not hasattr(Resource, name):  # both are refused when the App is built
                setattr(cls, name, Attribute(cls, name))

    # ------------------------------------------------------------------------------------------------------- questions

    @overload
    @classmethod
    def where(cls, condition: Callable[[Self], bool], /, **equal: object) -> Query[Self]: ...
    @overload
    @classmethod
    def where(cls, condition: str | None = None, /, **equal: object) -> Query[Self]: ...
    @classmethod
    def where(cls, condition: Callable[[Self], bool] | str | None = None, /, **equal: object) -> Query[Self]:
        """The rows for which the condition is surely true: a lambda, text, or keywords for equality."""
        return Query(cls).where(condition, **equal)

    @classmethod
    def all(cls) -> Query[Self]:
        """All rows that may be read."""
        return Query(cls)

    @classmethod
    async def get(cls, key: object, /) -> Self:
        """The row with this key (a tuple where the key has several parts). Raises NotFound."""
        return await find_runner(cls).get(cls, key)

    # ---------------------------------------------------------------------------------------------------------- writes

    async def save(self) -> None:
        """Create the row, or write what has changed. Raises what a write through any door raises."""
        await find_runner(type(self)).save(self)

    async def delete(self) -> None:
        """Delete the row."""
        await find_runner(type(self)).delete(self)

    async def load(self, *names: str) -> None:
        """Fetch relations, computed fields or, of a reference, fields that are not here yet; none: all fields."""
        await find_runner(type(self)).load(self, [check_path(type(self), name) for name in names])

    async def allows(self, verb: str, /) -> bool:
        """Whether the actor may do this to the row: "read", "update", "delete", or an action."""
        return await find_runner(type(self)).allows(self, verb)

    # ------------------------------------------------------------------------------------------------------- as objects

    if not TYPE_CHECKING:  # or misspelt names could be assigned

        def __setattr__(self, name: str, value: Any) -> None:
            shape = type(self).__kingpost__
            if name in shape.members or (name == "id" and shape.implicit_key):
                values = self.__dict__
                values[name] = value
                for computed in shape.computed:  # what the store computed is about the row as it was
                    values.pop(computed, None)
            elif name in shape.computed or name.startswith("_"):
                object.__setattr__(self, name, value)
            else:
                known = [*shape.members, *shape.computed]
                raise AttributeError(
                    f"{type(self).__name__} has no {name!r}: {meant(name, known)}", name=name, obj=self
                )

    def __eq__(self, other: object) -> bool:
        if self is other:
            return True
        if type(self) is not type(other):
            return NotImplemented
        try:
            mine = state.key_of(self)
            return None not in mine and mine == state.key_of(other)
        except NotLoaded:
            return False

    def __hash__(self) -> int:
        return hash((type(self), state.key_of(self)))

    def __repr__(self) -> str:
        # The key only: reprs end up in logs.
        values = ", ".join(f"{name}={self.__dict__.get(name, MISSING)!r}" for name in type(self).__kingpost__.key)
        return f"{type(self).__name__}({values})"

    @classmethod
    def __get_pydantic_core_schema__(cls, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        from kingpost.model.instances import core_schema  # it needs this module

        return core_schema(cls, handler)


def _new_key() -> UUID:
    runner = current_runner.get()
    return uuid7() if runner is None else runner.new_key()


def _acting(cls: type) -> Any:
    runner = current_runner.get() or declaration(cls).runner
    who = None if runner is None else runner.actor()
    return MISSING if who is None else who


def _not_loaded(instance: Any, name: str) -> str:
    cls = class_of(instance)
    shape = declaration(cls)
    what, it = f"{cls.__name__}.{name} is not loaded: ", snake(cls.__name__)
    if state.is_new(instance):
        return what + "the object is new and nothing was given for it"
    if state.is_reference(instance):
        owner, _, relation = state.reached_by(instance).partition(".")
        if not relation:
            return f'{what}{it} holds only its key; await {it}.load("{name}")'
        holds = f"{owner}.{relation} holds only the key; "
        return f'{what}{holds}add .include("{relation}") to the query, or await {snake(owner)}.load("{relation}")'
    if shape.bound is not None and name in shape.bound.targets:
        return f'{what}add .include("{name}") to the query, or await {it}.load("{name}")'
    return f'{what}add "{name}" to .fields(...) of the query, or await {it}.load("{name}")'
