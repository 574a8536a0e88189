"""What users write inside a resource: fields, computed fields, rules, actions, validators and constraints.

Everything here only takes notes. `build` reads them, when all classes of an `App` are known.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from dataclasses import field as attribute
from decimal import Decimal
from functools import partial
from typing import (
    Annotated,
    Any,
    Final,
    Generic,
    Literal,
    Never,
    Self,
    TypeAlias,
    TypedDict,
    TypeVar,
    Unpack,
    cast,
    overload,
)

from kingpost.base.acting import acting
from kingpost.model.marks import ACTION, RULES, VALIDATOR, mark, marked, take_note

T = TypeVar("T")
F = TypeVar("F", bound=Callable[..., Any])
Rule = TypeVar("Rule", bound=Callable[..., bool])

# ------------------------------------------------------------------------------------------------------------- markers


@dataclass(frozen=True, slots=True)
class Marker:
    """A rule that needs no expression."""

    name: Literal["anyone", "nobody", "authenticated"]

    def __repr__(self) -> str:
        return self.name


anyone: Final = Marker("anyone")
"""Everybody, logged in or not: `class Topic(Resource, read=anyone)`."""

nobody: Final = Marker("nobody")
"""No one through any door; code inside `as_system` still may."""

authenticated: Final = Marker("authenticated")
"""Whoever is logged in."""

Permission: TypeAlias = Marker | str
"""A marker, or a condition over `self` and `me` as text: `"self.author == me"`."""


class Sentinel:
    """A value that stands for something else."""

    def __init__(self, name: str) -> None:
        self._name = name

    def __repr__(self) -> str:
        return self._name


class Actor(Sentinel):
    """Stands for whoever acts, and answers who that is."""

    def __call__(self) -> Any:
        """Who acts now, a row of the actor resource; None is the anonymous one."""
        return acting.get()


actor: Final[Any] = Actor("actor")
"""As a default: whoever is acting, `author: User = field(default=actor)`. Called: who that is now, or None."""

generated: Final[Any] = Sentinel("generated")
"""As a default: the database makes the value. `number: int = field(key=True, default=generated)`."""

MISSING: Final[Any] = Sentinel("MISSING")
"""No value was given."""


class MarkdownText:
    """Marks text as Markdown."""


class JsonValue:
    """Marks a value as JSON of any shape."""


Markdown: TypeAlias = Annotated[str, MarkdownText()]
"""Text in Markdown: a `str` to Python and to type checkers, rendered and cleaned where pages show it."""

Json: TypeAlias = Annotated[Any, JsonValue()]
"""Anything that JSON can say. The language does not look into it."""

# -------------------------------------------------------------------------------------------------------------- fields


class Options(TypedDict, total=False):
    """What `field` takes besides its default.

    Bounds, as Pydantic names them: `max_length` and `min_length` (code points, bytes or elements), `ge`, `gt`, `le`,
    `lt`, `pattern` (a regular expression found in the text), `multiple_of`; `max_digits` and `decimal_places` of a
    Decimal, which needs both; `precision="ms"` for stores that hold no microseconds.

    Storage: `key` (part of the key), `unique`, `index`, `column` (its name in the store; for a relation to a composite
    key a sequence), `stored` (how a column that others made holds the values), `search` (people's search looks here).

    Access: `read` and `write` (a marker, or text over `self` and `me`), `readonly` (no door writes it), `writeonly`
    (no door reads it), `once` (written at creation only), `personal` (data about a person).

    Relations: `ordered` (many-to-many that keeps its order), `position` (the field of the link that holds the order),
    `table` (of the links of a many-to-many relation, whose `column`s are those that lead here and those that lead
    there), `constrained` (False: the reference may dangle), `on_delete` (of the target: "restrict", "cascade", "null";
    across stores the engine carries it out), `nested` (written together with this row).

    Words for people: `title`, `help`. For those who check: `acknowledged`, which warnings of `kingpost check` about it
    are meant so, by id, with the reason: `{"KC103": "a log has no bound"}`.
    """

    max_length: int
    min_length: int
    ge: Any
    gt: Any
    le: Any
    lt: Any
    pattern: str
    multiple_of: int | float | Decimal
    max_digits: int
    decimal_places: int
    precision: Literal["us", "ms"]
    key: bool
    unique: bool
    index: bool
    column: str | Sequence[str]
    stored: str
    search: bool
    read: Permission
    write: Permission
    readonly: bool
    writeonly: bool
    once: bool
    personal: bool
    ordered: bool
    position: str
    table: str
    constrained: bool
    on_delete: Literal["restrict", "cascade", "null"]
    nested: bool
    title: str
    help: str
    acknowledged: Mapping[str, str]


OPTIONS: Final = frozenset(Options.__annotations__)


@dataclass(frozen=True, slots=True)
class FieldSpec:
    """What one call of `field` said."""

    default: Any = MISSING
    default_factory: Callable[[], Any] | None = None
    inverse: str | None = None
    through: type | str | None = None
    init: bool = True
    options: Options = attribute(default_factory=Options)


@overload
def field(*, inverse: str, init: Literal[False] = False, **options: Unpack[Options]) -> Any: ...
@overload
def field(*, through: type | str, init: Literal[False] = False, **options: Unpack[Options]) -> Any: ...
@overload
def field(*, default: T, **options: Unpack[Options]) -> T: ...
@overload
def field(*, default_factory: Callable[[], T], **options: Unpack[Options]) -> T: ...
@overload
def field(**options: Unpack[Options]) -> Any: ...
def field(
    *,
    default: Any = MISSING,
    default_factory: Callable[[], Any] | None = None,
    inverse: str | None = None,
    through: type | str | None = None,
    init: bool = True,
    **options: Any,
) -> Any:
    """Say more about a field or relation than its annotation does; `Options` lists what.

    `default` is a value, `actor` or `generated`; `default_factory` is called for each new row. With `inverse` the
    relation is the other side of that relation of the target; with `through` its links are the rows of another
    resource: both are not stored here, and no argument of the constructor.
    """
    init = init and inverse is None and through is None
    return FieldSpec(default, default_factory, inverse, through, init, cast(Options, options))


# ------------------------------------------------------------------------------------------------------------ computed


class Computed(Generic[T]):
    """A field whose value follows from others. In Python it is evaluated when all that it needs is loaded."""

    # Generic in the result only: with the type of self in it, overriding in a subclass fails in pyright.
    def __init__(self, function: Callable[[Any], T], *, stored: bool = False, **options: Any) -> None:
        self.function = function
        self.stored = stored
        self.options: dict[str, Any] = options
        self.name: str = getattr(function, "__name__", "")  # of what is no function `build` says so
        take_note("@computed", self)
        self.__doc__ = function.__doc__

    def __set_name__(self, owner: type, name: str) -> None:
        self.name = name

    @overload
    def __get__(self, instance: None, owner: type) -> Self: ...
    @overload
    def __get__(self, instance: object, owner: type | None = None) -> T: ...
    def __get__(self, instance: object | None, owner: type | None = None) -> Self | T:
        if instance is None:
            return self
        values = instance.__dict__
        if self.name in values:
            value: T = values[self.name]
            return value
        try:
            return self.function(instance)
        except NotLoaded as missing:
            what = f"{type(instance).__name__}.{self.name} needs what is not loaded ({missing.name}): "
            remedy = f'add "{self.name}" to .fields(...) of the query, or await its .load("{self.name}")'
            raise NotLoaded(what + remedy, self.name) from None

    def __set__(self, instance: object, value: Never) -> None:
        raise AttributeError(f"{type(instance).__name__}.{self.name} is computed: set what it is computed from")


class NotLoaded(Exception):
    """A value was not asked for, so it is not here, and attribute access never queries.

    Not an AttributeError: `hasattr` and `getattr` with a default would hide it. `name` is that of the attribute.
    """

    def __init__(self, message: str, name: str = "") -> None:
        super().__init__(message)
        self.name = name


@overload
def computed(function: Callable[[Any], T], /) -> Computed[T]: ...
@overload
def computed(
    *, stored: bool = False, read: Permission = ..., title: str = "", help: str = ""
) -> Callable[[Callable[[Any], T]], Computed[T]]: ...
def computed(function: Callable[[Any], T] | None = None, /, *, stored: bool = False, **options: Any) -> Any:
    """Declare a computed field: a method of `self` alone, in the language, whose return type is annotated.

    It may be filtered and sorted by. `stored=True`: kept in a column, renewed whenever the row is written; then it
    may use the row's own fields only, and not `now()`.
    """
    if function is not None:
        return Computed(function)

    def decorate(decorated: Callable[[Any], T]) -> Computed[T]:
        return Computed(decorated, stored=stored, **options)

    return decorate


# --------------------------------------------------------------------------------------------------- rules and actions


@dataclass(frozen=True, slots=True)
class RuleSpec:
    """One `@allow` or `@deny` on a method."""

    effect: Literal["allow", "deny"]
    verbs: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class ActionSpec:
    """One `@action`."""

    check: Literal["before", "both"] = "before"
    collection: bool = False
    title: str = ""
    help: str = ""


@dataclass(frozen=True, slots=True)
class ValidatorSpec:
    """One `@validate`."""

    fields: tuple[str, ...] = ()


def allow(*verbs: str) -> Callable[[Rule], Rule]:
    """Grant `verbs` on the rows for which the method is surely true.

    Verbs are read, create, update, delete, write (the last three together) and the names of actions. The method takes
    `self` and, if it wants to know who asks, `me: User | None`; with `me: User` it grants to nobody who is not logged
    in. Rules of one verb are OR-ed; `@deny` wins.
    """
    return _ruling("allow", verbs)


def deny(*verbs: str) -> Callable[[Rule], Rule]:
    """Refuse `verbs` on all rows but those for which the method is surely false, whatever `@allow` says."""
    return _ruling("deny", verbs)


def _ruling(effect: Literal["allow", "deny"], verbs: tuple[Any, ...]) -> Callable[[Any], Any]:
    if len(verbs) == 1 and marked(verbs[0]) is not None:  # `@deny` without its verbs: noted, for `build` to refuse
        given: Callable[[Any], Any] = _ruling(effect, ())(verbs[0])
        return given

    def decorate(function: Rule) -> Rule:
        given: Rule = mark(RULES, RuleSpec(effect, verbs), f"@{effect}", function)
        return given

    return decorate


@overload
def action(function: F, /) -> F: ...
@overload
def action(
    *, check: Literal["before", "both"] = "before", collection: bool = False, title: str = "", help: str = ""
) -> Callable[[F], F]: ...
def action(function: Any = None, /, **options: Any) -> Any:
    """Declare an operation of the domain; its inputs are the parameters of the method, each annotated.

    A parameter named `me`, or one with `actor` as its default, is no input but who acts: `*, me: User = actor`. With
    `me: User` nobody who is not logged in can call it, with `me: User | None` it is None then.

    On a row (`POST /articles/{id}/publish`) it changes `self`; what it changed is written when it returns. On a class
    method, or with `collection=True` on a static one, it is about all of them (`POST /articles/-/import`).
    `check="both"`: the rule must also hold on the row after. An action named create, update or delete replaces it.
    """
    spec = ActionSpec(**options)
    return partial(mark, ACTION, spec, "@action") if function is None else mark(ACTION, spec, "@action", function)


@overload
def validate(function: F, /) -> F: ...
@overload
def validate(*fields: str) -> Callable[[F], F]: ...
def validate(*given: Any) -> Any:
    """Declare a check in plain Python on the row's own values, run before every write.

    The method raises ValueError with words for people; they must not repeat the value. `@validate("ends_at")` says
    which fields the error is about, and runs only when one of them is written.
    """
    if len(given) == 1 and not isinstance(given[0], str):
        return mark(VALIDATOR, ValidatorSpec(), "@validate", given[0])
    return partial(mark, VALIDATOR, ValidatorSpec(given), "@validate")


# --------------------------------------------------------------------------------------------------------- constraints


@dataclass(frozen=True, slots=True)
class Constraint:
    """One `unique` or `index` of a class body."""

    kind: Literal["unique", "index"]
    members: tuple[str, ...]
    where: Callable[[Any], bool] | str | None = None
    acknowledged: Mapping[str, str] = attribute(default_factory=dict[str, str])


def unique(
    *members: str, where: Callable[[Any], bool] | str | None = None, acknowledged: Mapping[str, str] | None = None
) -> Constraint:
    """Together these members are unique, among the rows for which `where` is surely true.

    Written in the class body, by itself or in a list; the name is free:

        once_each = unique("article", "author", where=lambda r: not r.withdrawn)

    `acknowledged` as in `Options`: `{"KC101": "whoever signs up has to be told"}`.
    """
    return Constraint("unique", members, where, acknowledged or {})


def index(*members: str, where: Callable[[Any], bool] | str | None = None) -> Constraint:
    """An index over these members, `-` before a name for descending; with `where` over those rows only.

    Written in the class body, by itself or in a list; the name is free:

        newest = index("-published_at", where=lambda a: a.approved)
    """
    return Constraint("index", members, where)
