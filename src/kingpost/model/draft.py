"""A model in the making: what is known so far of each resource, and what was found wrong."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, cast

from kingpost.base.problems import Excerpt, Problem
from kingpost.language.types import Kind, Type
from kingpost.model.annotations import Meaning, NotUnderstood, Scope, understand
from kingpost.model.api import Api
from kingpost.model.declaration import Declaration, Member, declaration
from kingpost.model.marks import ACTION, method
from kingpost.model.model import FieldModel, RelationModel
from kingpost.model.names import meant, path_name, table_name
from kingpost.model.refusals import REFUSALS
from kingpost.model.resource import Resource

VERBS = ("read", "create", "update", "delete", "write")
OPTIONS = ("store", "path", "table", "key", "adopted", "constrained", "soft_delete", "tenant", "source", "abstract")


@dataclass(frozen=True, slots=True)
class Method:
    """A function of the class body that a decorator has marked. `on`: of a row, or of the collection."""

    name: str
    function: Callable[..., Any]
    collection: bool


@dataclass(slots=True)
class Draft:
    """One resource in the making."""

    cls: type[Resource]
    shape: Declaration
    store: str
    path: str
    table: str
    meanings: dict[str, Meaning] = field(default_factory=dict[str, Meaning])
    fields: dict[str, FieldModel] = field(default_factory=dict[str, FieldModel])
    relations: dict[str, RelationModel] = field(default_factory=dict[str, RelationModel])

    @property
    def name(self) -> str:
        """The resource's name, that of its class."""
        return self.cls.__name__

    @property
    def key(self) -> tuple[str, ...]:
        """The members of the key."""
        return self.shape.key

    @property
    def adopted(self) -> bool:
        """Whether the rows are made by others, in a form that they gave them."""
        return self.shape.keywords.get("source") is not None or self.shape.keywords.get("adopted") is True

    @property
    def actions(self) -> dict[str, Method]:
        """Methods marked as actions, by name."""
        return self.methods(ACTION)

    def methods(self, mark: str) -> dict[str, Method]:
        """Functions of the class and those it inherits that carry a mark of `declare`."""
        found: dict[str, Method] = {}
        for owner in reversed(self.cls.__mro__):
            for name, value in vars(owner).items():
                function = method(value)
                bound = isinstance(value, (classmethod, staticmethod))
                # Rules and validators are about a row: `methods` refuses them on anything else.
                if function is not None and hasattr(function, mark) and (mark == ACTION or not bound):
                    spec = getattr(function, mark)
                    found[name] = Method(name, function, bound or bool(getattr(spec, "collection", False)))
                else:
                    found.pop(name, None)
        return found

    def scope(self, owner: type, others: dict[str, type[Resource]]) -> Scope:
        """Where annotations in the body of `owner`, this class or one it inherits from, are looked up."""
        shape = declaration(owner) if "__kingpost__" in vars(owner) else self.shape
        local = {} if "<locals>" not in owner.__qualname__ else others
        return Scope(owner.__module__, {**local, **shape.names, owner.__name__: owner}, dict(others))

    def members(self) -> list[str]:
        """Names of fields and relations that people know."""
        return [name for name in (*self.fields, *self.relations) if not name.startswith("_")]


@dataclass(slots=True)
class Drafts:
    """All resources in the making by name, and the problems found so far."""

    stores: frozenset[str]
    by_name: dict[str, Draft] = field(default_factory=dict[str, Draft])
    by_class: dict[type, Draft] = field(default_factory=dict[type, Draft])
    problems: list[Problem] = field(default_factory=list[Problem])

    @property
    def classes(self) -> dict[str, type[Resource]]:
        """The classes by name, for annotations that are text."""
        return {name: draft.cls for name, draft in self.by_name.items()}

    def refuse(
        self, code: str, message: str, remedy: str = "", draft: Draft | None = None, member: str | None = None,
        place: Excerpt | None = None,
    ) -> None:  # fmt: skip
        """Take down a problem."""
        assert code in REFUSALS, code  # noqa: S101
        if place is None and draft is not None:
            place = draft.shape.place(member)
        self.problems.append(Problem(code, message, remedy, place))

    def require_reasons(self, draft: Draft, name: str, given: object) -> None:
        """Refuse what is no mapping from ids of warnings to reasons."""
        pairs = cast("dict[object, object]", given).items() if isinstance(given, dict) else [(None, None)]
        if not all(isinstance(text, str) and text.strip() for pair in pairs for text in pair):
            message = f"{draft.name}.{name}: acknowledged says which warning is meant so, and why"
            self.refuse("KM214", message, 'acknowledged={"KC103": "a log has no bound"}', draft, name)

    def understood(self, draft: Draft, member: Member) -> Meaning | None:
        """What a member's annotation means, or a problem."""
        return self.read(draft, member.annotation, member.owner, f"{draft.name}.{member.name}", member.name)

    def read(self, draft: Draft, annotation: Any, owner: type, what: str, member: str | None) -> Meaning | None:
        """What an annotation in the body of `owner` means, or a problem about `what`."""
        try:
            meaning = understand(annotation, draft.scope(owner, self.classes))
        except NotUnderstood as error:
            code = "KM201" if error.unknown else "KM202"
            remedy = error.remedy
            if error.unknown:
                remedy = f"import {error.unknown}, or add it to App(resources=[...]) if it is a resource"
                if hint := meant(error.unknown, self.by_name):
                    remedy += f" ({hint})"
            self.refuse(code, f"{what}: {error.message}", remedy, draft, member)
            return None
        if meaning.target is not None and meaning.target not in self.by_class:
            target = meaning.target.__name__
            text = f"{what} refers to {target}, which is not among the resources of the App"
            self.refuse("KM401", text, f"App(resources=[..., {target}])", draft, member)
            return None
        return meaning


def admit(resources: Sequence[Any], stores: frozenset[str]) -> Drafts:
    """Drafts for all classes that can be resources; judges classes and their keywords, not what is in them."""
    drafts = Drafts(stores)
    for cls in resources:
        if not (isinstance(cls, type) and issubclass(cls, Resource)) or cls is Resource:
            drafts.refuse("KM101", f"{cls!r} is no resource", "class Article(Resource): ...")
            continue
        shape = declaration(cls)
        keywords = shape.keywords
        path = keywords.get("path", path_name(cls.__name__))
        draft = Draft(
            cls, shape, keywords.get("store", "main"), path, keywords.get("table", table_name(cls.__name__))
        )  # fmt: skip
        if shape.abstract:
            message = f"{cls.__name__} is abstract: it has no rows"
            drafts.refuse("KM101", message, "the classes that derive from it", draft)
        elif cls.__name__ in drafts.by_name:
            if drafts.by_name[cls.__name__].cls is not cls:
                other = drafts.by_name[cls.__name__].shape.place()
                message = f"there are two resources named {cls.__name__}, the other one at {other}"
                drafts.refuse("KM102", message, "another name for one of them", draft)
        else:
            drafts.by_name[cls.__name__] = drafts.by_class[cls] = draft
            _judge(drafts, draft)
    _unique(drafts, "KM107", "path", "path", lambda draft: draft.path)
    _unique(drafts, "KM108", "table", "table", lambda draft: (draft.store, draft.table))
    return drafts


def _judge(drafts: Drafts, draft: Draft) -> None:
    keywords, name = draft.shape.keywords, draft.name
    for base in draft.cls.__mro__[1:]:
        shape = vars(base).get("__kingpost__")
        if shape is not None and not shape.abstract:
            message = f"{name} derives from {base.__name__}, which has rows of its own"
            drafts.refuse("KM103", message, f"class {base.__name__}(Resource, abstract=True), or a relation", draft)
    for keyword, value in keywords.items():
        expected = _expected(keyword, value)
        if expected:
            message = f"{name}: {keyword}={value!r} is not {expected}"
            drafts.refuse("KM105", message, f"{keyword}= with {expected}", draft)
        elif keyword not in (*OPTIONS, *VERBS, *draft.actions):
            hint = meant(keyword, (*OPTIONS, *VERBS, *draft.actions))
            drafts.refuse("KM104", f"{name}: there is no class keyword {keyword!r}; {hint}", "", draft)
    if keywords.get("constrained") is False and not draft.adopted:
        message = f"{name}: constrained=False is for tables that others made; ours hold rows to their key"
        drafts.refuse("KM105", message, "adopted=True besides, or without constrained", draft)
    if draft.store not in drafts.stores:
        hint = meant(str(draft.store), drafts.stores)
        remedy = f'App(stores={{"{draft.store}": "sqlite:///{draft.store}.db"}})'
        drafts.refuse(
            "KM106", f"{name} is kept in the store {draft.store!r}, which has no address; {hint}", remedy, draft
        )


def _expected(keyword: str, value: Any) -> str:
    if keyword in ("store", "path", "table", "tenant") and not (isinstance(value, str) and value):
        return "a text"
    if keyword == "path" and not all(part.isidentifier() for part in str(value).replace("-", "_").split("/")):
        return "a path of letters, digits and hyphens, without a slash before it"
    if keyword in ("adopted", "constrained", "soft_delete", "abstract") and not isinstance(value, bool):
        return "True or False"
    if keyword == "source":
        return "" if isinstance(value, Api) else 'an Api, such as Api(list="/airlines")'
    if keyword == "key" and not isinstance(value, (str, tuple, list)):
        return "a name or a tuple of names"
    return ""


def _unique(drafts: Drafts, code: str, what: str, keyword: str, of: Callable[[Draft], Any]) -> None:
    taken: dict[Any, Draft] = {}
    for draft in drafts.by_name.values():
        other = taken.setdefault(of(draft), draft)
        if other is not draft:
            message = f"{draft.name} has the {what} {getattr(draft, keyword)!r}, which {other.name} has already"
            drafts.refuse(code, message, f'class {draft.name}(Resource, {keyword}="...")', draft)


COMPARABLE = frozenset(Kind) - {Kind.JSON, Kind.EMBEDDED, Kind.LIST, Kind.FLOAT, Kind.NONE}


def is_key_type(type: Type) -> bool:
    """Whether values of the type can identify a row."""
    return type.kind in COMPARABLE and not type.nullable
