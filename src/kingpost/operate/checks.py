"""Advice on a declaration that is valid: what was probably forgotten. Ids are in `operate.codes`."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, TypeAlias, cast

from kingpost.base.problems import Excerpt, Problem
from kingpost.language.types import Kind
from kingpost.model.declaration import declaration
from kingpost.model.model import Access, Model, ResourceModel
from kingpost.operate.checks_unique import combinations, tells
from kingpost.operate.dangling import Dangling
from kingpost.operate.tables import Differences, listed

Members: TypeAlias = tuple[str, ...]
Check: TypeAlias = Callable[[ResourceModel], Iterator[tuple[Members, Problem]]]
"""Answers warnings, each with the members that it is about."""


@dataclass(frozen=True, slots=True)
class Warned:
    """One warning. `reason`: why it is meant so, by the declaration; "" where it says nothing."""

    problem: Problem
    reason: str = ""


def warnings(model: Model) -> list[Warned]:
    """What the checks find, in the order of the declaration."""
    return [
        warned
        for found in model
        if found.cls is not None and not found.internal
        for warned in _of_resource(found, acknowledged(found))
    ]


def _of_resource(found: ResourceModel, stated: Mapping[Members, Mapping[str, str]]) -> Iterator[Warned]:
    left = {(members, code) for members, reasons in stated.items() for code in reasons}
    for check in CHECKS:
        for members, problem in check(found):
            left.discard((members, problem.code))
            yield Warned(problem, stated.get(members, {}).get(problem.code, ""))
    for members, code in sorted(left):
        message = f"{found.name}.{' and '.join(members)}: {code} is acknowledged, and not found there"
        yield Warned(Problem("KC107", message, f"leave {code} out of acknowledged=", _place(found, members[0])))


def acknowledged(found: ResourceModel) -> dict[Members, dict[str, str]]:
    """What the declaration says is meant so: reasons by id, of what members."""
    stated: dict[Members, dict[str, str]] = {}
    if found.cls is not None:
        for name, member in declaration(found.cls).members.items():
            stated[(name,)] = dict(member.spec.options.get("acknowledged", {}))
    for unique in found.uniques:
        stated.setdefault(unique.members, {}).update(unique.acknowledged)
    return stated


def dangling_warnings(found: Sequence[Dangling]) -> list[Problem]:
    """The relations of which some references lead to no row (KC108)."""
    problems: list[Problem] = []
    for one in found:
        if one.count:
            examples = ", ".join(map(_key, one.examples))
            more = ", for instance" if one.count > len(one.examples) else ""
            told = f"{one.count:,} of {one.rows:,} refer to no {one.target} that is there"
            message = f"{one.relation}: {told}{more}: {examples}"
            remedy = 'change or delete these rows, in kingpost shell --system "references that lead nowhere"'
            problems.append(Problem("KC108", message, remedy))
    return problems


def _key(key: object) -> str:
    return ",".join(map(str, cast("tuple[object, ...]", key))) if isinstance(key, tuple) else str(key)


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


def unreadable(found: ResourceModel) -> Iterator[tuple[Members, Problem]]:
    """KC102: no rule speaks of reading."""
    if not _ruled(found, "read"):
        message = f"nobody may read {found.name}: no rule speaks of it"
        remedy = 'read=anyone, read=nobody if that is meant, or @allow("read")'
        yield (), Problem("KC102", message, remedy, _place(found))


def uncallable(found: ResourceModel) -> Iterator[tuple[Members, Problem]]:
    """KC104: no rule speaks of an action."""
    for name in found.actions:
        if not _ruled(found, name):
            message = f"nobody may call {found.name}.{name}: no rule speaks of it"
            remedy = f'@allow("{name}") above the rule that decides it, or {name}=anyone'
            yield (name,), Problem("KC104", message, remedy, _place(found, name))


def unbounded(found: ResourceModel) -> Iterator[tuple[Members, Problem]]:
    """KC103: text of any length can be written."""
    if not _written(found):
        return
    for field in found.fields.values():
        plain = field.type.kind is Kind.TEXT and not field.type.choices and field.format != "markdown"
        bounded = field.constraints.max_length is not None or field.stored_computed or field.name.startswith("_")
        if plain and not bounded and _open_to_writers(field.access):
            message = f"{found.name}.{field.name} is text of any length"
            remedy = f"{field.name}: str = field(max_length=200), or {_meant('KC103')}"
            yield (field.name,), Problem("KC103", message, remedy, _place(found, field.name))


def telling(found: ResourceModel) -> Iterator[tuple[Members, Problem]]:
    """KC101: a conflict would tell that a hidden row has a value."""
    for unique in combinations(found):
        if not tells(found, unique):
            continue
        members = unique.members
        message = f"{found.name}: that {' and '.join(members)} is unique tells writers of rows that they may not read"
        tenant = _tenant(found) or "tenant"
        scoped = f"unique({', '.join(repr(name) for name in (tenant, *members))}) in a resource with a tenant"
        yield members, Problem("KC101", message, f"{scoped}, or {_meant('KC101')}", _place(found, members[0]))


CHECKS: Final[tuple[Check, ...]] = (unreadable, uncallable, telling, unbounded)


def _meant(code: str) -> str:
    return f'acknowledged={{"{code}": "why it is meant so"}}'


def _ruled(found: ResourceModel, verb: str) -> bool:
    """Whether somebody has thought of a verb: a rule allows it, or a keyword names it (`read=nobody`)."""
    return found.opens(verb) or (found.cls is not None and verb in declaration(found.cls).keywords)


def _written(found: ResourceModel) -> bool:
    """Whether any door lets anyone write rows."""
    return found.opens("create") or found.opens("update")


def _open_to_writers(access: Access) -> bool:
    return access.writable != "never"


def _tenant(found: ResourceModel) -> str:
    stated = declaration(found.cls).keywords.get("tenant") if found.cls is not None else None
    return stated if isinstance(stated, str) else ""


def _place(found: ResourceModel, name: str | None = None) -> Excerpt | None:
    return None if found.cls is None else declaration(found.cls).place(name)
