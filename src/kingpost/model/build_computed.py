"""Computed fields."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any, cast

from kingpost.base.problems import Problem
from kingpost.language.read_source import read_source
from kingpost.language.schema import Derived
from kingpost.language.source import SourceError
from kingpost.language.tree import Expression, Field, Root, walk
from kingpost.language.types import Kind
from kingpost.model.build_fields import access
from kingpost.model.build_language import Reader, members_access, not_its_own
from kingpost.model.declare import Options
from kingpost.model.draft import Draft, Drafts
from kingpost.model.model import ComputedModel, FieldModel
from kingpost.model.names import words


def derived(drafts: Drafts) -> tuple[dict[tuple[str, str], Derived], set[str]]:
    """The sources and declared types of computed fields by resource and name, and the names of those refused."""
    found: dict[tuple[str, str], Derived] = {}
    refused: set[str] = set()
    for draft in drafts.by_name.values():
        for name, declared in draft.shape.computed.items():
            made = _derived(drafts, draft, name, declared.function)
            if made is None:
                refused.add(name)
            else:
                found[draft.name, name] = made
    return found, refused


def _derived(drafts: Drafts, draft: Draft, name: str, function: Callable[..., Any]) -> Derived | None:
    what = f"{draft.name}.{name}"
    if not inspect.isfunction(function):
        return None  # `methods` has said so
    annotation = inspect.get_annotations(function).get("return")
    if annotation is None or annotation == "None":
        drafts.refuse("KM601", f"{what} does not say what it answers", f"def {name}(self) -> bool:", draft, name)
        return None
    meaning = drafts.read(draft, annotation, draft.cls, what, name)
    if meaning is None:
        return None
    if meaning.kind != "scalar":
        message = f"{what} answers rows; a computed field is a value"
        drafts.refuse("KM601", message, "a relation, or a value such as its key", draft, name)
        return None
    try:
        source = read_source(function, name=name)
    except SourceError as error:
        drafts.problems.append(Problem(error.code, error.message, error.remedy, error.place))
        return None
    if len(source.parameters) != 1:
        drafts.refuse("KM602", f"{what} takes parameters", f"def {name}(self) -> {meaning.type}:", draft, name)
        return None
    return Derived(source, meaning.type)


def computed(reader: Reader, draft: Draft) -> dict[str, ComputedModel]:
    """The computed fields of a draft."""
    made: dict[str, ComputedModel] = {}
    for name, declared in draft.shape.computed.items():
        known = reader.schema.sources.get((draft.name, name))
        if known is None:
            continue
        names = {known.source.parameters[0]: Root(draft.name)}
        lowered = reader.lower(draft, known.source, names, name, known.type)
        if lowered is None:
            continue
        if declared.stored and (reason := not_its_own(lowered.expression)):
            message = f"{draft.name}.{name} is stored, but {reason}"
            reader.drafts.refuse("KM603", message, "@computed without stored=True", draft, name)
        if declared.stored and (late := _made_later(draft, lowered.expression)):
            message = f"{draft.name}.{name} is stored, but the store makes {late}, after the row was computed"
            reader.drafts.refuse("KM603", message, "@computed without stored=True", draft, name)
        type = known.type
        if type.kind is Kind.DECIMAL:  # digits and places follow from the expression
            type = lowered.expression.type.maybe(type.nullable)
        options = cast(Options, {key: value for key, value in declared.options.items() if value is not None})
        made[name] = ComputedModel(
            name, type, known.source, lowered.expression, lowered.captures,
            members_access(reader, draft, name, options, access(options, derived=True)), declared.stored,
            options.get("title") or words(name), options.get("help") or inspect.getdoc(declared.function) or "",
        )  # fmt: skip
    return made


def _made_later(draft: Draft, expression: Expression) -> str:
    """A field in the expression whose value is known only when the row has been written."""
    for node in walk(expression):
        default = draft.fields[node.name].default if isinstance(node, Field) and node.name in draft.fields else None
        if default is not None and default.kind == "store":
            return cast(Field, node).name
    return ""


def stored(made: ComputedModel) -> FieldModel:
    """The column that keeps a stored computed field."""
    return FieldModel(
        made.name, made.type, made.name, Any, access=made.access, title=made.title, help=made.help, stored_computed=True
    )  # fmt: skip
