"""The frozen model: what `App` was told, checked and typed. Everything else is derived from these values."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any, Literal

from kingpost.language.lower import Capture
from kingpost.language.schema import Derived
from kingpost.language.source import Source
from kingpost.language.tree import Expression
from kingpost.language.types import Type
from kingpost.model.api import Api

if TYPE_CHECKING:
    from kingpost.model.inputs import Inputs


@dataclass(frozen=True, slots=True)
class Constraints:
    """Bounds of a value, as Pydantic names them."""

    min_length: int | None = None
    max_length: int | None = None
    ge: Any = None
    gt: Any = None
    le: Any = None
    lt: Any = None
    pattern: str | None = None
    multiple_of: Any = None


@dataclass(frozen=True, slots=True)
class Default:
    """Where a value comes from when none is given: a value, a factory, the actor, or the store that makes it."""

    kind: Literal["value", "factory", "actor", "store"]
    value: Any = None


@dataclass(frozen=True, slots=True)
class Access:
    """Who may read or write a field or relation. `rule` None: as the resource's own rules say.

    `never`: nobody through a door. `once`: written at creation only.
    """

    read: Expression | None = None
    write: Expression | None = None
    readable: bool = True
    writable: Literal["always", "once", "never"] = "always"


@dataclass(frozen=True, slots=True)
class FieldModel:
    """A stored scalar. `column` is its name in the store; `python` the annotation without `None`.

    A stored computed field is here and among `computed`: filters read the column, writes renew it. A `hashed` field
    is in no column: the store makes it of all that it holds of the row. `stored`: how a column that others made holds
    the values, where a store can't tell by itself.
    """

    name: str
    type: Type
    column: str
    python: Any
    key: bool = False
    default: Default | None = None
    constraints: Constraints = Constraints()
    access: Access = Access()
    unique: bool = False
    index: bool = False
    search: bool = False
    personal: bool = False
    format: Literal["", "markdown"] = ""
    title: str = ""
    help: str = ""
    stored_computed: bool = False
    precision: Literal["us", "ms"] = "us"
    hashed: bool = False
    stored: str = ""


@dataclass(frozen=True, slots=True)
class RelationModel:
    """A relation, by kind:

    `one`: `columns` of this row hold the key of the target. `many`: the target's to-one `inverse` points here.
    `linked` (many-to-many): rows of the resource `link` point here by `near` and to the target by `far`, in the order
    of `position` if there is one. `adopted`: the columns are in a table that others made. `borrowed`: they belong to
    other members, which alone are written. `constrained`: the store holds to it. `followed`: the target is in another
    store, and the engine does what `on_delete` says when it is deleted.
    """

    name: str
    kind: Literal["one", "many", "linked"]
    target: str
    nullable: bool = False
    columns: tuple[str, ...] = ()
    constrained: bool = True
    followed: bool = False
    on_delete: Literal["restrict", "cascade", "null"] = "restrict"
    inverse: str | None = None
    link: str = ""
    near: str = ""
    far: str = ""
    position: str | None = None
    through: bool = False
    default: Default | None = None
    access: Access = Access()
    nested: bool = False
    unique: bool = False
    key: bool = False
    adopted: bool = False
    borrowed: bool = False
    title: str = ""
    help: str = ""


@dataclass(frozen=True, slots=True)
class ComputedModel:
    """A computed field; `stored` ones are kept in a column of the same name by the engine."""

    name: str
    type: Type
    source: Source
    expression: Expression
    captures: tuple[Capture, ...] = ()
    access: Access = Access()
    stored: bool = False
    title: str = ""
    help: str = ""


@dataclass(frozen=True, slots=True)
class RuleModel:
    """One `@allow` or `@deny`. `source` is None for shorthands such as `read=anyone`."""

    name: str
    effect: Literal["allow", "deny"]
    verbs: frozenset[str]
    expression: Expression
    captures: tuple[Capture, ...] = ()
    source: Source | None = None


@dataclass(frozen=True, slots=True)
class Parameter:
    """An input of an action, from its signature."""

    name: str
    annotation: Any
    required: bool
    default: Any = None


@dataclass(frozen=True, slots=True)
class Acting:
    """The parameter of an action that is who acts; `of`: the action, as errors name it, `Copy.lend`.

    `required`: there has to be somebody.
    """

    of: str
    name: str
    required: bool


@dataclass(frozen=True, slots=True)
class ActionModel:
    """An operation of the domain: on one row, or on the collection. `me` is no input: it is filled in."""

    name: str
    function: Callable[..., Any]
    on: Literal["row", "collection"]
    parameters: tuple[Parameter, ...]
    returns: Any
    check: Literal["before", "both"] = "before"
    title: str = ""
    help: str = ""
    me: Acting | None = None


@dataclass(frozen=True, slots=True)
class UniqueModel:
    """A unique combination. `members` are names of fields and to-one relations.

    `acknowledged`: warnings about it that are meant so, with the reason.
    """

    members: tuple[str, ...]
    where: Expression | None = None
    acknowledged: Mapping[str, str] = field(default_factory=dict[str, str], compare=False)


@dataclass(frozen=True, slots=True)
class IndexModel:
    """An index. `members` are names (with `-` for descending); `where` makes it conditional."""

    members: tuple[str, ...]
    where: Expression | None = None


@dataclass(frozen=True, slots=True)
class Validator:
    """A check in plain Python on the row's own values, run before every write."""

    name: str
    function: Callable[[Any], Any]
    fields: tuple[str, ...] = ()


@dataclass(frozen=True)
class ResourceModel:
    """One resource. `key` names fields or to-one relations; `columns` of the store are read off fields and relations.

    `order`: fields and relations as declared; both mappings have an order of their own, of columns.
    `internal`: made by Kingpost (the link of a many-to-many relation, records of its own): no door shows it.
    Row version and deletion instant are ordinary fields that no door reads or writes, named by `version`, `deleted`.
    `adopted`: others made the table and may write to it; the row version is a hash of the row, and no count. Where it
    is not `constrained`, the database does not hold its rows to the key. `source`: where its rows are in an HTTP API.
    `guard`: what every reach for a row must fulfil whoever asks: tenant and soft delete.
    """

    name: str
    cls: type | None
    path: str
    table: str
    store: str
    key: tuple[str, ...]
    fields: Mapping[str, FieldModel]
    relations: Mapping[str, RelationModel]
    computed: Mapping[str, ComputedModel] = field(default_factory=dict[str, ComputedModel])
    rules: tuple[RuleModel, ...] = ()
    actions: Mapping[str, ActionModel] = field(default_factory=dict[str, ActionModel])
    uniques: tuple[UniqueModel, ...] = ()
    indexes: tuple[IndexModel, ...] = ()
    validators: tuple[Validator, ...] = ()
    version: str | None = "_version"
    deleted: str | None = None
    tenant: Expression | None = None
    internal: bool = False
    adopted: bool = False
    constrained: bool = True
    source: Api | None = None
    order: tuple[str, ...] = ()
    title: str = ""
    help: str = ""

    def opens(self, verb: str) -> bool:
        """Whether a rule gives `verb` to anybody at all: else nobody outside has a use for the names of members."""
        return any(rule.effect == "allow" and verb in rule.verbs for rule in self.rules)

    @cached_property
    def key_fields(self) -> tuple[FieldModel, ...]:
        """The scalars of the key in order, where the key has no relation among its members."""
        return tuple(self.fields[name] for name in self.key if name in self.fields)

    @cached_property
    def made(self) -> frozenset[str]:
        """The fields whose values the store makes, where none is given."""
        return frozenset(name for name, one in self.fields.items() if one.default and one.default.kind == "store")

    @cached_property
    def counted(self) -> str | None:
        """The row version, where it is a column that every write raises by one."""
        return None if self.version is None or self.fields[self.version].hashed else self.version

    @cached_property
    def names(self) -> tuple[str, ...]:
        """Fields and relations as declared, then computed fields: the order in which answers show them."""
        members = dict.fromkeys((*self.order, *self.fields, *self.relations))
        stored = [name for name in members if name not in self.computed and self.owner(name) is not None]
        return (*stored, *self.computed)

    @cached_property
    def stored(self) -> tuple[str, ...]:
        """Members that a row of the store holds: fields, and relations to one."""
        return (*self.fields, *(name for name, one in self.relations.items() if one.kind == "one"))

    @cached_property
    def defaulted(self) -> tuple[FieldModel | RelationModel, ...]:
        """Members with a default that is known before the store writes."""
        members: list[FieldModel | RelationModel] = [*self.fields.values(), *self.relations.values()]
        return tuple(one for one in members if one.default is not None and one.name not in self.made)

    def owner(self, name: str) -> FieldModel | RelationModel | ComputedModel | None:
        """The field, relation or computed field of a name; None: there is none."""
        return self.fields.get(name) or self.relations.get(name) or self.computed.get(name)


@dataclass(frozen=True)
class Model:
    """All resources by name, links included, and the resource that actors are rows of."""

    resources: Mapping[str, ResourceModel]
    actor: str | None = None
    stores: frozenset[str] = frozenset({"main"})
    classes: Mapping[type, str] = field(default_factory=dict[type, str])
    sources: Mapping[tuple[str, str], Derived] = field(default_factory=dict[tuple[str, str], Derived])

    @cached_property
    def inputs(self) -> Inputs:
        """The forms that check what comes in."""
        from kingpost.model.inputs import Inputs  # it needs this module

        return Inputs(self)

    def require_actor(self, who: object) -> None:
        """Whether this can be who acts: a row of the actor resource, or None. Raises TypeError.

        Rules compare keys only, so a row of another resource would have the rights of whoever has an equal key.
        """
        if who is None:
            return
        name = self.classes.get(type(who))
        if name is None or self.actor not in (name, None):
            wanted = "a row of this application" if self.actor is None else _one(self.actor)
            raise TypeError(f"the actor is {wanted}, and {_one(type(who).__name__)} was given")

    def __getitem__(self, name: str) -> ResourceModel:
        return self.resources[name]

    def __iter__(self) -> Iterator[ResourceModel]:
        return iter(self.resources.values())


def _one(name: str) -> str:
    """`a User`, `an Account`."""
    return f"{'an' if name[0] in 'AEIOaeio' else 'a'} {name}"
