"""`kingpost explain`: what was declared, what it becomes in each store, and why somebody may do something."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Annotated, Any

import cyclopts
from cyclopts import Parameter

from kingpost.cli.names import Application, find_resource, unknown_name
from kingpost.operate.failure import Failure

if TYPE_CHECKING:
    from kingpost.app import App
    from kingpost.model.model import ResourceModel
    from kingpost.plan.intent import Read

As = Annotated[str | None, Parameter(name="--as", help="Key of the actor who asks; without it nobody is logged in.")]

explain = cyclopts.App(
    name="explain", help="Show what a rule, field or query becomes in each store, and why an actor may do something."
)


@explain.command
def rule(name: str, /, *, app: Application = None) -> int:
    """Show a rule: its source, how it was understood, and the SQL of both its outcomes.

    A rule grants where it is surely true; a @deny spares where it is surely false. Where it is neither (a step through
    None, for instance) it is unknown, and unknown never grants.

    Args:
        name: Resource.rule, such as Article.public_or_mine, or the verb of a shorthand: Topic.read.
    """
    from kingpost.cli.explain_show import show_rule

    loaded = _load(app)
    found, member = _named(loaded, name)
    rules = [one for one in found.rules if one.name == member]
    if not rules:
        raise unknown_name(f"{found.name} has no rule", member, [one.name for one in found.rules], found.name)
    for one in rules:
        show_rule(loaded, found, one)
    return 0


@explain.command
def field(name: str, /, *, app: Application = None) -> int:
    """Show a field, relation or computed field: its source or column, and the SQL that computes it.

    Args:
        name: Resource.field, such as Article.popularity.
    """
    from kingpost.cli.explain_show import show_computed, show_member

    loaded = _load(app)
    found, member = _named(loaded, name)
    if member in found.computed:
        show_computed(loaded, found, found.computed[member])
    elif member in found.names and not member.startswith("_"):
        show_member(loaded, found, member)
    else:
        known = [one for one in found.names if not one.startswith("_")]
        raise unknown_name(f"{found.name} has no field", member, known, found.name)
    return 0


@explain.command
def query(
    question: str,
    /,
    *,
    where: str | None = None,
    include: str | None = None,
    sort: str | None = None,
    limit: int | None = None,
    run: bool = False,
    actor: As = None,
    app: Application = None,
) -> int:
    """Show the plan of a query, with the rules merged in: its steps, and what each store is told.

    Args:
        question: A resource, or "Article where popularity > 10 include author sort -published_at limit 20".
        where: A condition in the language.
        include: Relations to fill in, separated by commas.
        sort: Names to sort by, separated by commas, - in front for descending.
        limit: Rows at most.
        run: Ask it, too, and tell of each step how many keys and rows it had, and how long it took.
    """
    from kingpost.cli.explain_query import read_of
    from kingpost.cli.explain_show import show_plan

    loaded = _load(app)
    name, _, rest = question.strip().partition(" ")
    read = read_of(find_resource(loaded, name).name, rest, where, include, sort, limit)
    asyncio.run(_planned(loaded, read, actor, show_plan, run=run))
    return 0


@explain.command
def access(resource: str, key: str, /, *, actor: As = None, verb: str = "read", app: Application = None) -> int:
    """Show why an actor may do something to a row, or not: the rules' own lines, each part true, false or unknown.

    Exit status 1 where he may not.

    Args:
        resource: Of the row.
        key: Of the row; the parts of a composite key separated by commas.
        verb: read, update, delete, or the name of an action.
    """
    from kingpost.cli.explain_access import explain_access

    loaded = _load(app)
    found = find_resource(loaded, resource)
    verbs = ["read", "create", "update", "delete", *found.actions]
    if verb not in verbs:
        raise unknown_name(f"{found.name} has no verb", verb, verbs)
    return asyncio.run(_running(loaded, lambda: explain_access(loaded, found, key, actor, verb)))


async def _planned(app: App, read: Read, actor: str | None, show: Any, *, run: bool) -> None:
    from kingpost.cli.actors import find_actor
    from kingpost.cli.console import output
    from kingpost.engine.context import Context

    if actor is None and not run:
        show(app, read, Context(None, app.engine.clock()))
        return

    async def work() -> int:
        context = Context(None if actor is None else await find_actor(app, actor), app.engine.clock())
        show(app, read, context)
        if run:
            told = await app.engine.measure(read, context)
            output.print()
            for line in told.splitlines():
                output.print(f"  {line}")
        return 0

    await _running(app, work)


async def _running(app: App, work: Any) -> int:
    from kingpost.cli.actors import started

    async with started(app):
        answer: int = await work()
        return answer


def _load(app: str | None) -> App:
    from kingpost.operate.target import load, locate

    return load(locate(app))


def _named(app: App, name: str) -> tuple[ResourceModel, str]:
    resource, dot, member = name.partition(".")
    found = find_resource(app, resource)
    if not dot or not member:
        raise Failure(
            "KC012", f"{name!r} names a resource and nothing in it", f"{found.name}.{_example(found)}", status=2
        )
    return found, member


def _example(found: ResourceModel) -> str:
    return next((one.name for one in found.rules), next(iter(found.names)))
