"""What resources in an API can't be or do, said when the application is built."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from kingpost.base.problems import DeclarationError, Problem
from kingpost.language.types import Kind, Type
from kingpost.model.api import Api
from kingpost.model.columns import member_columns
from kingpost.model.model import Model, ResourceModel

SENT = frozenset({
    Kind.BOOL, Kind.INT, Kind.FLOAT, Kind.DECIMAL, Kind.TEXT, Kind.UUID, Kind.DATETIME, Kind.DATE, Kind.TIME, Kind.ENUM,
    Kind.DURATION,
})  # fmt: skip
"""What can stand in an address."""


def check(model: Model, resources: Sequence[ResourceModel]) -> None:
    """Raises `DeclarationError` with all that does not go."""
    problems = [problem for resource in resources for problem in _problems(model, resource)]
    if problems:
        raise DeclarationError(problems)


def _problems(model: Model, resource: ResourceModel) -> Iterator[Problem]:
    name, source = resource.name, resource.source
    for verb in ("create", "update", "delete"):
        if resource.opens(verb):
            message = f"{name} has a rule for {verb}, and rows of an API are only read"
            yield Problem("KP313", message, f"take the rule away, or keep {name} in a database")
    if resource.counted is not None:
        message = f"{name} counts the versions of its rows, and an API does not"
        yield Problem("KP313", message, f"class {name}(Resource, adopted=True, ...): versions are hashes of rows then")
    if source is None:
        message = f"nothing says where in the API the rows of {name} are"
        yield Problem("KP313", message, f'class {name}(Resource, source=Api(list="/{resource.path or "rows"}"))')
        return
    for fault in source.faults():
        yield Problem("KP313", f"The source of {name} can't be used: {fault}", 'Api(list="/airlines", rows="items")')
    yield from _names(model, resource, source)


def _names(model: Model, resource: ResourceModel, source: Api) -> Iterator[Problem]:
    name = resource.name
    members = [*resource.fields, *(one.name for one in resource.relations.values() if one.kind == "one")]
    columns = {column.name: column.type for member in members for column in member_columns(model, resource, member)}
    for stated in source.names:
        if stated not in members and stated not in columns:
            yield Problem(
                "KP313", f"The source of {name} names {stated}, which is no field of it", "a field of the class"
            )
        elif stated in members and len(member_columns(model, resource, stated)) != 1:
            parts = " and ".join(column.name for column in member_columns(model, resource, stated))
            yield Problem(
                "KP313", f"The source of {name} has one name for {stated}, which has parts", f"names for {parts}"
            )
    for stated in source.where:
        types = [column.type for column in member_columns(model, resource, stated)] if stated in members else []
        if len(types) != 1 or not _is_sent(types[0]):
            message = f"The source of {name} has a parameter for {stated}, which is no single value of it"
            yield Problem("KP313", message, "where= with fields that stand in an address")
    if source.one:
        holes, key = source.holes(), [c for member in resource.key for c in member_columns(model, resource, member)]
        labels = {*(column.name for column in key), *(c.member for c in key if len(key) == len(resource.key))}
        if len(holes) != len(key) or not labels.issuperset(holes) or not all(_is_sent(c.type) for c in key):
            named = "".join(f"/{{{column.name}}}" for column in key)
            message = f"The source of {name} reads one row by {', '.join(holes) or 'nothing'}, which is not its key"
            yield Problem("KP313", message, f'Api(one="/{resource.path or "rows"}{named}")')


def _is_sent(type: Type) -> bool:
    return type.kind in SENT
