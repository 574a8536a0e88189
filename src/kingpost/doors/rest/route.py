"""The route stage: what a path and a method lead to, by one look-up of the path's first part."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final, Literal, TypeAlias

from msgspec import Struct

from kingpost.base.errors import NotFound
from kingpost.doors.rest.keys import KeyForm
from kingpost.model.model import ActionModel, Model, RelationModel, ResourceModel

Place: TypeAlias = Literal["collection", "row", "relation", "row action", "collection action"]

READS: Final = ("GET", "HEAD")
ALLOWED: Final[Mapping[Place, tuple[str, ...]]] = {
    "collection": (*READS, "POST", "PUT", "PATCH", "DELETE", "OPTIONS"),
    "row": (*READS, "PUT", "PATCH", "DELETE", "OPTIONS"),
    "relation": (*READS, "OPTIONS"),
    "row action": ("POST", "OPTIONS"),
    "collection action": ("POST", "OPTIONS"),
}
BULK: Final = frozenset({"PUT", "PATCH", "DELETE"})
"""What changes many rows at once, asked of a collection."""
COLLECTION: Final = "-"
"""The segment that stands for all rows, before the name of an action; a key of this text is written `%2D`."""
REPLACING: Final = frozenset({"create", "update", "delete"})
"""Actions of these names replace the operation itself; they have no address of their own."""


class Entry(Struct, frozen=True):
    """One resource as this door serves it; names that no actor may read are not among its relations."""

    resource: ResourceModel
    path: str
    keys: KeyForm
    relations: Mapping[str, RelationModel]
    actions: Mapping[str, ActionModel]


class Target(Struct, frozen=True):
    """Where a request arrives. `name`: of the relation or action."""

    place: Place
    entry: Entry
    key: tuple[Any, ...] | None = None
    name: str = ""


class Routes:
    """The table of one model: path of a resource to its entry. `bulk`: whether many rows can be changed at once."""

    def __init__(self, model: Model, prefix: str, *, bulk: bool = True) -> None:
        self.prefix = prefix.rstrip("/")
        self.bulk = bulk
        self.table: dict[str, Entry] = {}
        for resource in model.resources.values():
            if resource.internal:
                continue
            path = resource.path.strip("/")
            self.table[path] = Entry(
                resource,
                f"{self.prefix}/{path}",
                KeyForm(model, resource),
                {name: found for name, found in resource.relations.items() if served(model, found)},
                {name: found for name, found in resource.actions.items() if name not in REPLACING},
            )
        # Nearly always (1,): a path= of several segments costs one look-up more.
        self._depths = sorted({path.count("/") + 1 for path in self.table}, reverse=True)
        self._root = f"{self.prefix}/"

    def entry(self, path: str) -> tuple[Entry, list[str]] | None:
        """The resource that a path leads to, and the segments behind it."""
        if not path.startswith(self._root):
            return None
        segments = path[len(self._root) :].split("/")
        for depth in self._depths:
            found = self.table.get(segments[0] if depth == 1 else "/".join(segments[:depth]))
            if found is not None:
                return found, segments[depth:]
        return None

    def target(self, entry: Entry, rest: list[str], method: str) -> Target:
        """What the segments behind the path of a resource lead to. Raises `NotFound`."""
        match rest:
            case []:
                return Target("collection", entry)
            case [text]:
                return Target("row", entry, _key(entry, text))
            case ["-", name]:
                if name in entry.actions and entry.actions[name].on == "collection":
                    return Target("collection action", entry, name=name)
            case [text, name]:
                acts = name in entry.actions and entry.actions[name].on == "row"
                if acts and (method == "POST" or name not in entry.relations):
                    return Target("row action", entry, _key(entry, text), name)
                if name in entry.relations:
                    return Target("relation", entry, _key(entry, text), name)
            case _:
                pass
        raise nothing_here()

    def allowed(self, target: Target) -> tuple[str, ...]:
        """The methods that an address takes."""
        methods = ALLOWED[target.place]
        if target.place == "collection" and not self.bulk:
            methods = tuple(method for method in methods if method not in BULK)
        if target.place in ("relation", "row action"):  # both may have one name
            action = target.entry.actions.get(target.name)
            reads = READS if target.name in target.entry.relations else ()
            methods = (*reads, *(("POST",) if action is not None and action.on == "row" else ()), "OPTIONS")
        return methods

    def list(self) -> Iterator[tuple[str, str, str]]:
        """Method, path and description of everything served."""
        for entry in self.table.values():
            name, row = entry.resource.name, f"{entry.path}/{{{key_name(entry)}}}"
            yield "GET", entry.path, f"List {name} rows"
            yield "POST", entry.path, f"Create one {name}, or several"
            if self.bulk:
                yield "PUT", entry.path, f"Replace several {name} rows"
                yield "PATCH", entry.path, f"Change several {name} rows"
                yield "DELETE", entry.path, f"Delete several {name} rows"
            yield "GET", row, f"Read one {name}"
            yield "PUT", row, f"Replace one {name}"
            yield "PATCH", row, f"Change one {name}"
            yield "DELETE", row, f"Delete one {name}"
            for relation in entry.relations.values():
                what = "Read" if relation.kind == "one" else "List"
                yield "GET", f"{row}/{relation.name}", f"{what} the {relation.name} of one {name}"
            for action in entry.actions.values():
                where = row if action.on == "row" else f"{entry.path}/{COLLECTION}"
                yield "POST", f"{where}/{action.name}", action.title or f"{action.name} ({name})"


def nothing_here() -> NotFound:
    """The error for an address that nothing is served at."""
    return NotFound("KP150", "nothing is served at this address")


def served(model: Model, relation: RelationModel) -> bool:
    """Whether a relation has an address: somebody may read it, and its target is shown by doors at all."""
    return relation.access.readable and not model[relation.target].internal


def _key(entry: Entry, text: str) -> tuple[Any, ...]:
    key = entry.keys.read(text)
    if key is None:
        raise NotFound("KP404", f"no such {entry.resource.name}")
    return key


def key_name(entry: Entry) -> str:
    """The name of the key in the template of a path."""
    return entry.resource.key[0] if len(entry.keys.columns) == 1 else "key"
