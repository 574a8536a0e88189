"""Declarations on the screen: source, tree, and what each kind of store is told."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from typing import TYPE_CHECKING

from rich.text import Text

from kingpost.base.errors import KingpostError, Unsupported
from kingpost.base.problems import Problem
from kingpost.cli.console import heading, output
from kingpost.cli.routes import who
from kingpost.language.render import render
from kingpost.language.source import Source
from kingpost.language.tree import TRUE, Expression, Not, Root, identity
from kingpost.operate.failure import Failure, shown_path
from kingpost.plan.select import Select
from kingpost.stores.sql.dialects import POSTGRES, SQLITE, Dialect
from kingpost.stores.sql.translation.translate import translate

if TYPE_CHECKING:
    from kingpost.app import App
    from kingpost.engine.context import Context
    from kingpost.engine.running import RunningFetch
    from kingpost.model.model import ComputedModel, Model, ResourceModel, RuleModel
    from kingpost.plan.intent import Read

DIALECTS: tuple[tuple[str, Dialect], ...] = (("SQLite", SQLITE), ("PostgreSQL", POSTGRES))
IN_DIALECTS = ("sqlite", "postgres", "postgresql", "memory")
"""Of questions to these stores both are shown; of others what they are told."""


def show_rule(app: App, found: ResourceModel, rule: RuleModel) -> None:
    """A rule, what it was understood as, and both rails in each kind of SQL."""
    verb = "allows" if rule.effect == "allow" else "denies"
    output.print(heading(f"{found.name}.{rule.name}", f"{verb} {', '.join(sorted(rule.verbs))}"))
    show_source(rule.source)
    expression = app.engine.plans.rights.closed(rule.expression)
    _show_tree(expression)
    if expression == TRUE:
        return
    _show_sql(app.model, found, "surely true", expression)
    _show_sql(app.model, found, "surely false", Not(expression))


def show_computed(app: App, found: ResourceModel, computed: ComputedModel) -> None:
    """A computed field, and the column that it becomes."""
    stored = ", stored" if computed.stored else ""
    output.print(heading(f"{found.name}.{computed.name}", f"computed: {computed.type}{stored}"))
    show_source(computed.source)
    expression = app.engine.plans.rights.closed(computed.expression)
    _show_tree(expression)
    select = Select(found.name, (identity(Root(found.name)), expression))
    for name, dialect in DIALECTS:
        _show_statement(name, _said(select, app.model, dialect))


def show_member(app: App, found: ResourceModel, name: str) -> None:
    """A stored field or a relation."""
    if name in found.fields:
        field = found.fields[name]
        output.print(heading(f"{found.name}.{name}", str(field.type)))
        rows = [("column", f"{found.table}.{field.column} in the store {found.store}")]
        bounds = field.constraints
        said = {one: getattr(bounds, one) for one in type(bounds).__slots__}
        rows += [(one, str(value)) for one, value in said.items() if value is not None]
        access = field.access
    else:
        relation = found.relations[name]
        what = {"one": "a row of", "many": "rows of", "linked": "linked rows of"}[relation.kind]
        output.print(
            heading(f"{found.name}.{name}", f"{what} {relation.target}{' or None' if relation.nullable else ''}")
        )
        rows = [("columns", ", ".join(relation.columns))] if relation.columns else []
        rows += [("inverse", f"{relation.target}.{relation.inverse}")] if relation.inverse else []
        rows += [("link", relation.link)] if relation.link else []
        access = relation.access
    rows.append(("read", render(access.read) if access.read else who(found, "read") if access.readable else "nobody"))
    written = render(access.write) if access.write else who(found, "update")
    rows.append(("written", {"always": written, "once": "at creation only", "never": "by no door"}[access.writable]))
    for label, value in rows:
        output.print(f"  {label:10} {value}")


def show_plan(app: App, read: Read, context: Context) -> None:
    """The steps of a read, each in each kind of SQL."""
    try:
        ready = app.engine.structs.ready(read, context, None)
    except KingpostError as error:
        failure = Failure("KC014", error.message)
        failure.problems = tuple(Problem(detail.code, detail.message) for detail in error.details) or (
            Problem(error.code, error.message),
        )
        raise failure from None
    who_asks = "nobody is logged in" if context.actor is None else f"for {context.actor!r}"
    output.print(heading(f"Query of {read.resource}", who_asks))
    if ready.plan.empty:
        output.print("  Nothing is asked: the rules leave no row for this actor.")
        return
    for number, running, how in steps(ready.running, "1", ""):
        fetch = running.fetch
        output.print()
        output.print(heading(f"{number}  {fetch.title or fetch.select.resource}", f"from {fetch.store}{how}"))
        if fetch.select.where is not None:
            output.print(Text("  where  ", "green").append(render(fetch.select.where), "default"))
        if not running.asked.store or app.stores[fetch.store].url.partition(":")[0] not in IN_DIALECTS:
            _show_statement(running.asked.where, running.asked.text)
            continue
        for name, dialect in DIALECTS:
            _show_statement(name, _said(fetch.select, app.model, dialect))


def steps(running: RunningFetch, number: str, how: str) -> Iterator[tuple[str, RunningFetch, str]]:
    """The statements of a plan in order, numbered."""
    yield number, running, how
    for index, batch in enumerate(running.batches, 1):
        yield from steps(batch.below, f"{number}.{index}", ", once, for all distinct keys found")


def show_source(source: Source | None) -> None:
    """The lines that were written."""
    if source is None or source.function is None:
        return
    first, last = source_lines(source)
    output.print(f"  {shown_path(source.file)}:{first}", style="dim")
    for number in range(first, last + 1):
        output.print(Text(f"  {number:4}  ", "dim").append(source.lines[number - source.first_line], "default not dim"))


def source_lines(source: Source) -> tuple[int, int]:
    """The first and the last line of a function, decorators included."""
    node = source.node
    if isinstance(node, ast.Expression):
        return source.first_line, source.first_line
    decorators = [] if isinstance(node, ast.Lambda) else node.decorator_list
    return min([node.lineno, *(one.lineno for one in decorators)]), node.end_lineno or node.lineno


def _show_tree(expression: Expression) -> None:
    text = "anyone" if expression == TRUE else render(expression)
    output.print(Text("  Understood as  ", "green").append(text, "default"))


def _show_sql(model: Model, found: ResourceModel, rail: str, expression: Expression) -> None:
    """One rail: the condition behind WHERE."""
    output.print(Text(f"  {rail[0].upper()}{rail[1:]}", "bold"))
    for name, dialect in DIALECTS:
        text = _said(Select(found.name, (identity(Root(found.name)),), expression), model, dialect)
        _, where, condition = text.partition("WHERE ")
        _show_statement(name, condition if where else text)


def _show_statement(name: str, text: str) -> None:
    output.print(f"    {name}", style="dim")
    for line in text.splitlines():
        output.print(f"      {line}")


def _said(select: Select, model: Model, dialect: Dialect) -> str:
    try:
        return translate(select, model, dialect).text
    except Unsupported as error:
        return f"-- not possible: {error.message}"
