"""What resources in files can't be or do, said when the application is built."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from kingpost.base.problems import DeclarationError, Problem
from kingpost.model.model import ResourceModel
from kingpost.stores.files.address import Location
from kingpost.stores.settings import url_problem


def check(url: str, location: Location, resources: Sequence[ResourceModel]) -> None:
    """Raises `DeclarationError` with all that does not go."""
    sheets = location.kind == "xlsx" and location.sheet is None
    if len(resources) > 1 and not location.is_folder and not sheets:
        names = ", ".join(resource.name for resource in resources)
        raise url_problem(
            url, f"it is of one table, and several live there: {names}",
            f"a folder with a file for each: {location.kind}:///folder",
        )  # fmt: skip
    problems = [problem for resource in resources for problem in _problems(location, resource)]
    if problems:
        raise DeclarationError(problems)


def _problems(location: Location, resource: ResourceModel) -> Iterator[Problem]:
    name = resource.name
    if resource.counted is not None or (not resource.adopted and not resource.internal):
        message = f"{name} counts the versions of its rows, and a file has no column for that"
        yield Problem("KP313", message, f"class {name}(Resource, adopted=True, ...): versions are hashes of rows then")
    elsewhere = f"keep {name} in a database; `kingpost load` brings the file there"
    for verb in ("update", "delete"):
        if resource.opens(verb):
            message = f"{name} has a rule for {verb}, and rows of files are not changed"
            yield Problem("KP313", message, f"take the rule away, or {elsewhere}")
    if resource.opens("create") and not location.append:
        message = f"{name} has a rule for create, and its files are only read"
        remedy = f"{location.kind}:///...?append=yes, or take the rule away, or {elsewhere}"
        yield Problem("KP313", message, remedy)
    if location.append and resource.made:
        message = f"{name}.{', '.join(sorted(resource.made))} is to be made by the store, and files number no rows"
        yield Problem("KP313", message, "a key that is given, such as a UUID")
