"""`kingpost routes`: what is served, and who may use it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from kingpost.cli.command import Application

if TYPE_CHECKING:
    from kingpost.app import App
    from kingpost.model.model import ResourceModel

VERBS = {"GET": "read", "POST": "create", "PUT": "update", "PATCH": "update", "DELETE": "delete"}


def routes(app: Application = None, /) -> int:
    """List methods, paths, what they do, and by which rules; also routes of the application's own."""
    from kingpost.cli.console import output, plain_table
    from kingpost.operate.target import load, locate

    table = plain_table("Method", "Path", "What", "Who")
    loaded = load(locate(app))
    for row in (*_of_resources(loaded), *_of_application(loaded)):
        table.add_row(*row)
    output.print(table)
    return 0


def _of_resources(app: App) -> Iterator[tuple[str, str, str, str]]:
    from kingpost.operate.addresses import api_prefix

    prefix = api_prefix(app)
    shown = {f"{prefix}/{one.path.strip('/')}": one for one in app.model.resources.values() if not one.internal}
    # The longest path first: one resource may live below the path of another.
    bases = sorted(shown, key=len, reverse=True)
    for method, path, what in (*app.rest.routes(), *(() if app.health is None else app.health.routes())):
        base = next((one for one in bases if f"{path}/".startswith(f"{one}/")), None)
        if base is None:
            yield method, path, what, "anyone"
        else:
            yield method, path, what, _who(app, shown[base], method, path.removeprefix(base).split("/")[1:])


def _who(app: App, found: ResourceModel, method: str, rest: list[str]) -> str:
    name = rest[1] if len(rest) > 1 else ""
    if method == "POST" and name in found.actions:
        return who(found, name)
    if name in found.relations:
        target = app.model[found.relations[name].target]
        return f"{who(found, 'read')}; {target.name}: {who(target, 'read')}"
    return who(found, VERBS.get(method, "read"))


def who(found: ResourceModel, verb: str) -> str:
    """The rules for a verb: names of methods, or what a keyword says."""
    allowed = [rule_name(rule) for rule in found.rules if rule.effect == "allow" and verb in rule.verbs]
    denied = [rule_name(rule) for rule in found.rules if rule.effect == "deny" and verb in rule.verbs]
    if not allowed:
        return "nobody"
    return " or ".join(dict.fromkeys(allowed)) + "".join(f", not {name}" for name in dict.fromkeys(denied))


def rule_name(rule: Any) -> str:
    """A rule by name; one without a name by what it says."""
    if rule.source is not None and rule.source.function is not None:
        return str(rule.name)
    from kingpost.language.render import render
    from kingpost.language.tree import TRUE

    return "anyone" if rule.expression == TRUE else render(rule.expression)


def _of_application(app: App) -> Iterator[tuple[str, str, str, str]]:
    from kingpost.operate.addresses import own_routes

    for route in own_routes(app):
        yield ",".join(route.methods) or "any", route.path, route.what, "its own code"
