"""Names on a command line: the application, and what is declared in it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, TypeAlias

from cyclopts import Parameter

from kingpost.operate.failure import Failure

if TYPE_CHECKING:
    from kingpost.app import App
    from kingpost.model.model import ResourceModel

Application: TypeAlias = Annotated[
    str | None, Parameter(name="--app", env_var="KINGPOST_APP", help="The application: module:attribute.")
]
"""The application of a command whose arguments are something else."""


def find_resource(app: App, name: str) -> ResourceModel:
    """The resource of a name. Raises `Failure` (KC012)."""
    known = [one.name for one in app.model.resources.values() if not one.internal]
    if name not in known:
        raise unknown_name("there is no resource", name, known)
    return app.model[name]


def unknown_name(what: str, name: str, known: list[str], within: str = "") -> Failure:
    """The failure for a name that is not there, with those that are; `within` stands in front of them."""
    from kingpost.model.names import meant

    hint = meant(name, known)
    names = ", ".join(f"{within}.{one}" if within else one for one in dict.fromkeys(known))
    return Failure("KC012", f"{what} {name!r}" + (f"; {hint}" if hint else ""), f"one of {names}" if names else "")
