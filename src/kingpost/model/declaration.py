"""What the body of a class said, taken down when the class is created; nothing is resolved or judged yet."""

from __future__ import annotations

import ast
import inspect
import linecache
import re
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import TYPE_CHECKING, Any, ClassVar, cast, get_origin

from kingpost.language.source import Place
from kingpost.model.declare import MISSING, Computed, FieldSpec

if TYPE_CHECKING:
    from kingpost.model.model import Model, ResourceModel
    from kingpost.model.query_runner import Runner


@dataclass(frozen=True, slots=True)
class Member:
    """One annotated name. `annotation` is as written, perhaps text; `owner` the class whose body holds it."""

    name: str
    annotation: Any
    owner: type
    spec: FieldSpec


@dataclass(frozen=True, slots=True)
class Bound:
    """What a class needs of the model that it became part of.

    `parts`: of the key, in order: member, class of the target where it is a relation, number of columns.
    `targets`: classes at the end of relations. `mutable`: members whose values may change in place. `paths`: dotted
    paths that were looked at and found right.
    """

    model: Model
    resource: ResourceModel
    parts: tuple[tuple[str, type | None, int], ...]
    targets: Mapping[str, type]
    mutable: tuple[str, ...]
    paths: dict[str, tuple[str, ...]] = field(default_factory=dict[str, tuple[str, ...]])


@dataclass(slots=True)
class Declaration:
    """Everything one resource class said, inherited parts included.

    `names`: what the function around the class defines, for annotations that are text. `stored`: members that have a
    place in the store, or links. `bound` and `runner` come from the last `App` built with the class.
    """

    cls: type
    file: str
    line: int
    keywords: Mapping[str, Any]
    members: dict[str, Member]
    own: dict[str, Member]
    computed: dict[str, Computed[Any]]
    key: tuple[str, ...]
    names: Mapping[str, Any] = field(default_factory=dict[str, Any])
    bound: Bound | None = None
    runner: Runner | None = None

    @property
    def abstract(self) -> bool:
        """Whether the class only lends its declarations to others."""
        return self.keywords.get("abstract") is True

    @property
    def implicit_key(self) -> bool:
        """Whether the key is the `id` that nobody declared."""
        return self.key == ("id",) and "id" not in self.members

    def stored(self, name: str) -> bool:
        """Whether writing the row writes this member: not computed, not the other side of a relation."""
        member = self.members.get(name)
        if member is None:
            return name == "id" and self.implicit_key
        spec = member.spec
        return (spec.inverse is None and spec.through is None) or bool(spec.options.get("nested"))

    def place(self, name: str | None = None) -> Place:
        """Where the class, or one name in its body, is written."""
        owner = self.members[name].owner if name in self.members else self.cls
        for candidate in (owner, *(each for each in self.cls.__mro__ if each is not owner)):
            found = _place(candidate, name, self)
            if found is not None:
                return found
        return Place(self.file, self.line, 0, 0, linecache.getline(self.file, self.line).rstrip("\n"))


UNINHERITED = frozenset({"abstract", "path", "table"})
OWN_ID = Member("id", "UUID", object, FieldSpec())


def declaration(cls: type[Any]) -> Declaration:
    """What a resource class declared."""
    found: Declaration = cls.__kingpost__
    return found


def class_of(instance: object) -> type[Any]:
    """The class of any object."""
    return type(instance)


def take_down(cls: type, root: type, keywords: Mapping[str, Any]) -> Declaration:
    """Read the body of a new class; `root` is `Resource`."""
    frame = sys._getframe(1)  # pyright: ignore[reportPrivateUsage]
    while frame.f_code.co_name == "__init_subclass__" and frame.f_back is not None:
        frame = frame.f_back  # to the class statement
    members: dict[str, Member] = {}
    computed: dict[str, Computed[Any]] = {}
    inherited: dict[str, Any] = {}
    for owner in reversed(cls.__mro__):
        if owner in (object, root):
            continue
        base = vars(owner).get("__kingpost__") if owner is not cls else None
        body = base.own if base is not None else _annotated(owner)
        if base is not None:
            inherited.update({name: value for name, value in base.keywords.items() if name not in UNINHERITED})
        for name, value in vars(owner).items():
            if isinstance(value, Computed):
                computed[name] = value
                members.pop(name, None)
            elif name in computed and name not in body:
                del computed[name]
        for name, member in body.items():
            members[name] = member
            computed.pop(name, None)
    stated = {**inherited, **keywords}
    return Declaration(
        cls=cls,
        file=frame.f_code.co_filename,
        line=frame.f_lineno,
        keywords=stated,
        members=members,
        own=_annotated(cls),
        computed=computed,
        key=_key(stated.get("key"), members),
        names=_around(frame.f_locals, members) if "<locals>" in cls.__qualname__ else {},
    )


def _around(scope: Mapping[str, Any], members: Mapping[str, Member]) -> dict[str, Any]:
    """The names of the enclosing function that annotations mention."""
    mentioned = {word for member in members.values() for word in re.findall(r"\w+", str(member.annotation))}
    return {name: scope[name] for name in mentioned & scope.keys()}


def _key(stated: Any, members: Mapping[str, Member]) -> tuple[str, ...]:
    if isinstance(stated, str):
        return (stated,)
    if isinstance(stated, (tuple, list)) and stated:
        return tuple(str(name) for name in cast("tuple[object, ...]", stated))
    return tuple(name for name, member in members.items() if member.spec.options.get("key")) or ("id",)


def _annotated(owner: type) -> dict[str, Member]:
    """The annotated names of one class body, class variables left out."""
    found: dict[str, Member] = {}
    for name, annotation in annotations_of(owner).items():
        text = annotation.replace("typing.", "") if isinstance(annotation, str) else ""
        if text.startswith("ClassVar") or annotation is ClassVar or get_origin(annotation) is ClassVar:
            continue
        given = vars(owner).get(name, MISSING)
        spec = given if isinstance(given, FieldSpec) else FieldSpec(default=given)
        found[name] = Member(name, annotation, owner, spec)
    return found


def annotations_of(owner: type) -> dict[str, Any]:
    """The annotations of one class body, as written."""
    if sys.version_info >= (3, 14):  # pragma: no cover  # names that do not exist yet must not raise here
        import annotationlib  # pyright: ignore[reportMissingImports]

        return dict(annotationlib.get_annotations(owner, format=annotationlib.Format.FORWARDREF))
    return dict(inspect.get_annotations(owner))


# -------------------------------------------------------------------------------------------------------------- places


def _place(owner: type, name: str | None, near: Declaration) -> Place | None:
    module = sys.modules.get(owner.__module__)
    file = near.file if owner is near.cls else getattr(module, "__file__", None) or ""
    line = near.line if owner is near.cls else 0
    lines = linecache.getlines(file, getattr(module, "__dict__", None)) if file else []
    found = [
        node for node in _classes("".join(lines)).get(owner.__qualname__, ()) if name is None or _inside(node, name)
    ]
    if not found:
        return None
    node = min(found, key=lambda each: abs(each.lineno - line) if line else 0)
    part = node if name is None else _inside(node, name)
    if part is None:
        return None
    start = part.lineno
    text = lines[start - 1].rstrip("\n")
    column = len(text) - len(text.lstrip())
    return Place(file, start, column, len(text.rstrip()), text)


def _inside(node: ast.ClassDef, name: str) -> ast.stmt | None:
    for statement in node.body:
        if isinstance(statement, ast.AnnAssign) and isinstance(statement.target, ast.Name):
            names = [statement.target.id]
        elif isinstance(statement, ast.Assign):
            names = [target.id for target in statement.targets if isinstance(target, ast.Name)]
        elif isinstance(statement, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            names = [statement.name]
        else:
            continue
        if name in names:
            return statement
    return None


@lru_cache(maxsize=64)
def _classes(text: str) -> dict[str, list[ast.ClassDef]]:
    """The class statements of a file by qualified name."""
    try:
        tree = ast.parse(text)
    except SyntaxError:
        return {}
    found: dict[str, list[ast.ClassDef]] = {}
    for prefix, node in _definitions(tree, ""):
        found.setdefault(prefix + node.name, []).append(node)
    return found


def _definitions(node: ast.AST, prefix: str) -> Iterator[tuple[str, ast.ClassDef]]:
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.ClassDef):
            yield prefix, child
            yield from _definitions(child, f"{prefix}{child.name}.")
        elif isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef):
            yield from _definitions(child, f"{prefix}{child.name}.<locals>.")
        else:
            yield from _definitions(child, prefix)
