"""Unique combinations and indexes."""

from __future__ import annotations

from typing import cast

from kingpost.language.tree import Expression, Root, Row
from kingpost.language.types import BOOL
from kingpost.model.build_language import Reader, not_its_own
from kingpost.model.declare import Constraint
from kingpost.model.draft import Draft
from kingpost.model.model import IndexModel, UniqueModel
from kingpost.model.names import meant


def constraints(reader: Reader, draft: Draft) -> tuple[tuple[UniqueModel, ...], tuple[IndexModel, ...]]:
    """The unique combinations and indexes of a draft."""
    uniques: list[UniqueModel] = []
    indexes: list[IndexModel] = []
    for name, member in draft.shape.members.items():
        if name in draft.relations and member.spec.options.get("index"):
            indexes.append(IndexModel((name,)))
    for name, stated in _stated(draft.cls).items():
        for one in stated:
            made = _constraint(reader, draft, name, one)
            if isinstance(made, UniqueModel):
                uniques.append(made)
            elif made is not None:
                indexes.append(made)
    return tuple(uniques), tuple(indexes)


def _stated(cls: type) -> dict[str, list[Constraint]]:
    found: dict[str, list[Constraint]] = {}
    for owner in reversed(cls.__mro__):
        for name, value in vars(owner).items():
            several = cast("list[object]", value) if isinstance(value, (list, tuple)) else [value]
            kept = [each for each in several if isinstance(each, Constraint)]
            found.pop(name, None)
            if kept:
                found[name] = kept
    return found


def _constraint(reader: Reader, draft: Draft, name: str, stated: Constraint) -> UniqueModel | IndexModel | None:
    possible = [*draft.fields, *(each for each, one in draft.relations.items() if one.kind == "one")]
    for member in stated.members:
        plain = member.removeprefix("-") if stated.kind == "index" else member
        if plain not in possible and plain not in reader.broken:
            message = f"{draft.name}: {stated.kind} over {plain!r}, which is no field or to-one relation"
            reader.drafts.refuse("KM801", f"{message}; {meant(plain, draft.members())}", "", draft, name)
            return None
    if not stated.members:
        message = f"{draft.name}: {stated.kind} over nothing"
        reader.drafts.refuse("KM801", message, f'{stated.kind}("title")', draft, name)
        return None
    where: Expression | None = None
    if stated.where is not None:
        source = reader.source(draft, stated.where, name, name)
        names: dict[str, Row] = {"self": Root(draft.name)}
        if source is not None and source.parameters:
            names = {source.parameters[0]: Root(draft.name)}
        lowered = None if source is None else reader.lower(draft, source, names, name, BOOL, member=name)
        if lowered is None:
            return None
        where = lowered.expression
        if reason := not_its_own(where):
            message = f"{draft.name}: the condition of {name} is about the row alone, but {reason}"
            reader.drafts.refuse("KM803", message, "a condition over the row's own fields", draft, name)
    if stated.kind == "unique":
        reader.drafts.require_reasons(draft, name, stated.acknowledged)
        return UniqueModel(stated.members, where, stated.acknowledged)
    return IndexModel(stated.members, where)
