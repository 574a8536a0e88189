"""Advice on a declaration that is valid: what was probably forgotten. Ids are in `operate.codes`."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Final, TypeAlias

from kingpost.base.problems import Excerpt, Problem
from kingpost.language.tree import TRUE
from kingpost.language.types import Kind
from kingpost.model.declaration import declaration
from kingpost.model.model import Access, Model, ResourceModel
from kingpost.operate.tables import Differences, listed

Check: TypeAlias = Callable[[Model, ResourceModel], Iterator[Problem]]

REPLACED: Final = ("create", "update", "delete")


def warnings(model: Model) -> list[Problem]:
    """What the checks find, in the order of the declaration."""
    return [
        problem
        for found in model.resources.values()
        if found.cls is not None and not found.internal
        for check in CHECKS
        for problem in check(model, found)
    ]


def table_warnings(differences: Sequence[Differences], target: str) -> list[Problem]:
    """What the stores lack (KC105), or have otherwise (KC106)."""
    found: list[Problem] = []
    for one in differences:
        if one.possible:
            message = f"the store {one.store} ({one.url}) is behind: {listed(one.possible)}"
            found.append(Problem("KC105", message, f"kingpost db sync {target}"))
        for change in one.refused:
            text, _, remedy = change.text.partition(" Next: ")
            found.append(Problem("KC106", f"the store {one.store} ({one.url}): {text}", remedy))
    return found


def unreadable(model: Model, found: ResourceModel) -> Iterator[Problem]:
    """KC102: no rule speaks of reading."""
    if not _ruled(found, "read"):
        message = f"nobody may read {found.name}: no rule speaks of it"
        yield Problem("KC102", message, 'read=anyone, read=nobody if that is meant, or @allow("read")', _place(found))


def uncallable(model: Model, found: ResourceModel) -> Iterator[Problem]:
    """KC104: no rule speaks of an action."""
    for name in found.actions:
        if not _ruled(found, name):
            message = f"nobody may call {found.name}.{name}: no rule speaks of it"
            remedy = f'@allow("{name}") above the rule that decides it, or {name}=anyone'
            yield Problem("KC104", message, remedy, _place(found, name))


def unbounded(model: Model, found: ResourceModel) -> Iterator[Problem]:
    """KC103: text of any length can be written."""
    if not _written(found):
        return
    for field in found.fields.values():
        plain = field.type.kind is Kind.TEXT and not field.type.choices and field.format != "markdown"
        bounded = field.constraints.max_length is not None or field.stored_computed or field.name.startswith("_")
        if plain and not bounded and _open_to_writers(field.access):
            message = f"{found.name}.{field.name} is text of any length"
            yield Problem("KC103", message, f"{field.name}: str = field(max_length=200)", _place(found, field.name))


def telling(model: Model, found: ResourceModel) -> Iterator[Problem]:
    """KC101: a conflict would tell that a hidden row has a value."""
    if not _restricted(found) or not _written(found):
        return
    tenant = _tenant(found)
    combinations = [unique.members for unique in found.uniques]
    combinations += [(field.name,) for field in found.fields.values() if field.unique]
    combinations += [(relation.name,) for relation in found.relations.values() if relation.unique]
    for members in dict.fromkeys(combinations):
        if tenant in members or not any(_open_to_writers(_access(found, name)) for name in members):
            continue
        message = f"{found.name}: that {' and '.join(members)} is unique tells writers of rows that they may not read"
        remedy = (
            f"unique({', '.join(repr(name) for name in (tenant or 'tenant', *members))}) in a resource with a tenant"
        )
        yield Problem("KC101", message, remedy, _place(found, members[0]))


CHECKS: Final[tuple[Check, ...]] = (unreadable, uncallable, telling, unbounded)


def _ruled(found: ResourceModel, verb: str) -> bool:
    """Whether somebody has thought of a verb: a rule allows it, or a keyword names it (`read=nobody`)."""
    allowed = any(rule.effect == "allow" and verb in rule.verbs for rule in found.rules)
    return allowed or (found.cls is not None and verb in declaration(found.cls).keywords)


def _written(found: ResourceModel) -> bool:
    """Whether any door lets anyone write rows."""
    return any(rule.effect == "allow" and rule.verbs & {"create", "update"} for rule in found.rules)


def _restricted(found: ResourceModel) -> bool:
    """Whether there may be rows that somebody who asks does not see."""
    reading = [rule for rule in found.rules if "read" in rule.verbs]
    everyone = any(rule.effect == "allow" and rule.expression == TRUE for rule in reading)
    return found.tenant is not None or not everyone or any(rule.effect == "deny" for rule in reading)


def _open_to_writers(access: Access) -> bool:
    return access.writable != "never"


def _access(found: ResourceModel, name: str) -> Access:
    return found.fields[name].access if name in found.fields else found.relations[name].access


def _tenant(found: ResourceModel) -> str:
    stated = declaration(found.cls).keywords.get("tenant") if found.cls is not None else None
    return stated if isinstance(stated, str) else ""


def _place(found: ResourceModel, name: str | None = None) -> Excerpt | None:
    return None if found.cls is None else declaration(found.cls).place(name)
