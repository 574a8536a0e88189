"""Why an actor may do something to a row: the rules' own lines, with what each part of them is for the two.

The store says what each part is, in one statement; the verdict is the engine's own.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from rich.text import Text

from kingpost.base.errors import Unsupported
from kingpost.cli.actors import find_actor, read_key
from kingpost.cli.console import heading, output
from kingpost.cli.parts import Part, parts
from kingpost.cli.routes import rule_name
from kingpost.engine.context import Context
from kingpost.engine.plans import actor_key
from kingpost.language.lower import Capture
from kingpost.language.render import render
from kingpost.language.tree import TRUE, Compare, Expression, Param, Root, identity
from kingpost.language.types import reference
from kingpost.operate.failure import Failure, shown_path
from kingpost.plan.select import Select
from kingpost.plan.values import bound_key

if TYPE_CHECKING:
    from kingpost.app import App
    from kingpost.model.model import ResourceModel, RuleModel

MARKS = {True: ("true", "green"), False: ("false", "red"), None: ("unknown", "yellow")}


@dataclass(frozen=True, slots=True)
class Outcome:
    """A rule, and what it is for this row and actor: True, False, or None (unknown)."""

    rule: RuleModel
    value: bool | None

    @property
    def decides(self) -> bool:
        """Whether it lets the actor through: an `@allow` that is surely true, a `@deny` that is surely false."""
        return self.value is (self.rule.effect == "allow")


async def explain_access(app: App, found: ResourceModel, key_text: str, actor_text: str | None, verb: str) -> int:
    """Print the explanation; answers 0 where the actor may, else 1."""
    actor = None if actor_text is None else await find_actor(app, actor_text)
    context = Context(actor, app.engine.clock())
    key = read_key(app, found, key_text)
    asking = _Asking(app, found, key, context)
    if not await asking.ask([TRUE]):
        raise Failure(
            "KC013", f"there is no {found.name} with the key {key_text}", "its key, as in the path of the row"
        )
    who = "nobody is logged in" if actor is None else f"asked by {actor!r}"
    output.print(heading(f"{verb} {found.name} {key_text}", who))
    kept = await _guarded(asking)
    readable = await _explain_verb(asking, "read")
    allowed = readable if verb == "read" else await _explain_verb(asking, verb)
    may = kept and readable and allowed
    await _verdict(app, found, key, verb, context, may=may, seen=kept and readable)
    return 0 if may else 1


class _Asking:
    """Questions about one row, asked of its store."""

    def __init__(self, app: App, found: ResourceModel, key: tuple[Any, ...], context: Context) -> None:
        self.app, self.found, self.context = app, found, context
        self.params: dict[str, Any] = {"now": context.now, "me": actor_key(context), "key": bound_key(key)}

    async def ask(self, expressions: list[Expression], captures: tuple[Capture, ...] = ()) -> list[Any] | None:
        """The value of each condition, None for unknown; None where there is no such row. Raises `Failure`."""
        name = self.found.name
        closed = tuple(self.app.engine.plans.rights.closed(one) for one in expressions)
        condition = Compare("==", identity(Root(name)), Param("key", reference(name)))
        try:
            select = self.app.engine.federation.prepare(Select(name, closed, condition))
        except Unsupported as error:
            raise Failure("KC016", error.message) from error
        captured = {capture.name: capture.read() for capture in captures}
        rows = await select.fetch({**self.params, **captured})
        return [None if value is None else bool(value) for value in rows[0]] if rows else None


async def _guarded(asking: _Asking) -> bool:
    """Tenant and soft delete, which hold whatever the rules say."""
    guard = asking.app.engine.plans.rights.guard(asking.found.name)
    if guard.expression == TRUE:
        return True
    value = (await asking.ask([guard.expression], guard.captures) or [None])[0]
    output.print()
    output.print(heading("guard", "tenant and deletion"))
    output.print(Text(f"  {render(guard.expression)}  ").append(*_mark(value)))
    return value is True


async def _explain_verb(asking: _Asking, verb: str) -> bool:
    """All rules of a verb; whether together they let the actor through."""
    outcomes: list[Outcome] = []
    for rule in asking.found.rules:
        if verb in rule.verbs:
            outcomes.append(await _explain_rule(asking, rule, verb))
    if not any(one.rule.effect == "allow" for one in outcomes):
        output.print()
        output.print(heading(verb, "no rule allows it: nobody may"))
        return False
    granted = any(one.decides for one in outcomes if one.rule.effect == "allow")
    return granted and all(one.decides for one in outcomes if one.rule.effect == "deny")


async def _explain_rule(asking: _Asking, rule: RuleModel, verb: str) -> Outcome:
    output.print()
    name = rule.name if rule.source is not None else rule_name(rule)
    shown = parts(rule, asking.found.name, asking.app.engine.schema, asking.app.model.actor)
    expressions = [rule.expression, *(part.expression for part in shown)]
    captures = (*rule.captures, *(capture for part in shown for capture in part.captures))
    values = await asking.ask(expressions, captures) or []
    outcome = Outcome(rule, values[0])
    word, style = _mark(outcome.value)
    said = {True: "lets through", False: "does not let through"}[outcome.decides]
    output.print(
        heading(f"@{rule.effect} {verb}: {name}").append(f"  {word}", style).append(f", {said}", "dim not bold")
    )
    if rule.source is not None and rule.source.function is not None:
        _show_lines(rule, list(zip(shown, values[1:], strict=True)))
    return outcome


def _show_lines(rule: RuleModel, outcomes: list[tuple[Part, bool | None]]) -> None:
    """The source, and below each line what its parts are."""
    from kingpost.cli.explain_show import source_lines

    source = rule.source
    assert source is not None  # noqa: S101
    first, last = source_lines(source)
    output.print(f"  {shown_path(source.file)}:{first}", style="dim")
    for number in range(first, last + 1):
        text = source.lines[number - source.first_line]
        output.print(Text(f"  {number:4}  ", "dim").append(text, "default not dim"))
        for part, value in outcomes:
            if part.place.line == number:
                word, style = _mark(value)
                carets = "^" * max(1, part.place.end_column - part.place.column)
                output.print(Text(" " * (8 + part.place.column)).append(f"{carets} {word}", style))


def _mark(value: bool | None) -> tuple[str, str]:
    return MARKS[value]


async def _verdict(
    app: App, found: ResourceModel, key: tuple[Any, ...], verb: str, context: Context, *, may: bool, seen: bool
) -> None:
    """The answer, and what a request would get; the engine is asked too, so that the two can't differ unnoticed."""
    output.print()
    answer = await app.engine.allows(found.name, key, verb, context)
    if may:
        output.print(f"Allowed: {verb} {found.name}.", style="bold green")
    elif not seen:
        output.print(f"Refused: the row is not there for this actor; {verb} is answered 404.", style="bold red")
    else:
        status = "401" if context.actor is None else "403"
        output.print(f"Refused: the row is seen, but not for {verb}; a request is answered {status}.", style="bold red")
    if answer is not may:
        output.print(
            f"The engine says otherwise ({'allowed' if answer else 'refused'}): please report this.", style="bold"
        )
