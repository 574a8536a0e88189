"""For developers: which rules refused, and what would admit the request. Names and places of rules, never a value."""

from __future__ import annotations

from pathlib import Path

from kingpost.base.errors import Asked
from kingpost.language.render import render
from kingpost.language.source import Place
from kingpost.language.tree import FALSE, TRUE
from kingpost.model.declaration import declaration
from kingpost.model.model import Model, ResourceModel, RuleModel


def admitting(model: Model, asked: Asked) -> str:
    """The rules that were asked, with their places; where no rule allows the verb, one that would."""
    found = model.resources.get(asked.resource)
    if found is None:
        return ""
    rules = [rule for rule in found.rules if asked.verb in rule.verbs]
    if not any(rule.effect == "allow" for rule in rules):
        me = "" if model.actor is None else f", me: {model.actor} | None"
        rule = f'    @allow("{asked.verb}")\n    def may_{asked.verb}(self{me}) -> bool:\n        return ...'
        return f"no rule allows {asked.verb}; in class {found.name} ({_of_class(found)}) this one could:\n{rule}"
    lines = [f"asked whether one may {asked.verb} {found.name}, these rules did not agree:"]
    lines += [f"    {_told(found, rule)}" for rule in rules]
    lines += [f"    {name}: ... = field(write=...)  # {_of_class(found, name)}" for name in asked.members]
    return "\n".join(lines)


def _told(found: ResourceModel, rule: RuleModel) -> str:
    if rule.source is not None and rule.source.function is not None:
        verbs = ", ".join(f'"{verb}"' for verb in sorted(rule.verbs))
        return f"@{rule.effect}({verbs}) {rule.name}  # {_place(rule.source.place(rule.source.node))}"
    said = f'"{render(rule.expression)}"'
    if rule.expression in (TRUE, FALSE):
        said = "anyone" if rule.expression == TRUE else "nobody"
    return f"class {found.name}(..., {rule.name}={said})  # {_of_class(found)}"


def _of_class(found: ResourceModel, member: str | None = None) -> str:
    return "" if found.cls is None else _place(declaration(found.cls).place(member))


def _place(place: Place) -> str:
    """File and line, the file as seen from where the server was started."""
    path = Path(place.file)
    if path.is_relative_to(Path.cwd()):
        path = path.relative_to(Path.cwd())
    return f"{path}:{place.line}"
