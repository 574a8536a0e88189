"""Rules, from class keywords and methods; who the actor is; tenants."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator
from typing import Any, Final

from kingpost.language.lower import Lowered
from kingpost.language.parse_text import parse_text
from kingpost.language.source import Source
from kingpost.language.tree import (
    TRUE,
    Expression,
    IsNone,
    Keyed,
    Node,
    Not,
    Param,
    Root,
    Row,
    all_of,
    identity,
    transform,
)
from kingpost.language.types import BOOL
from kingpost.model.build_language import Reader, keyed
from kingpost.model.calls import is_actor
from kingpost.model.declare import Marker, RuleSpec
from kingpost.model.draft import VERBS, Draft, Drafts
from kingpost.model.marks import RULES
from kingpost.model.model import RuleModel
from kingpost.model.names import meant

WRITES: Final = frozenset({"create", "update", "delete"})


def find_actor(drafts: Drafts, stated: type | None) -> str | None:
    """The resource that actors are rows of: as stated, as rules and actions annotate `me`, else one named User."""
    asked: dict[str, tuple[Draft, str]] = {}
    for draft, name, annotation in (*_rules(drafts), *_actions(drafts)):
        if annotation is None or annotation[1] is inspect.Parameter.empty:
            continue
        meaning = drafts.read(draft, annotation[1], draft.cls, f"{draft.name}.{name}: {annotation[0]}", name)
        if meaning is not None and meaning.target is not None and meaning.kind == "one":
            asked.setdefault(meaning.target.__name__, (draft, name))
    if stated is not None:
        if stated not in drafts.by_class:
            message = f"actors are rows of {stated.__name__}, which is not among the resources of the App"
            drafts.refuse("KM401", message, f"App(resources=[..., {stated.__name__}])")
            return None
        chosen = stated.__name__
    elif asked:
        chosen = next(iter(asked))
    else:
        return "User" if "User" in drafts.by_name else None
    for other, (draft, name) in asked.items():
        if other != chosen:
            message = f"{draft.name}.{name} asks about {other}, and actors are rows of {chosen}"
            drafts.refuse("KM504", message, f"me: {chosen} | None, or App(actor={other})", draft, name)
    return chosen


def _rules(drafts: Drafts) -> Iterator[tuple[Draft, str, tuple[str, Any] | None]]:
    for draft in drafts.by_name.values():
        for name, method in draft.methods(RULES).items():
            yield draft, name, _me(method.function)


def _actions(drafts: Drafts) -> Iterator[tuple[Draft, str, tuple[str, Any]]]:
    for draft in drafts.by_name.values():
        for name, method in draft.actions.items():
            for parameter in filter(is_actor, inspect.signature(method.function).parameters.values()):
                yield draft, name, (parameter.name, parameter.annotation)


def _me(function: Callable[..., Any]) -> tuple[str, Any] | None:
    """Name and annotation of the second parameter, if there is one."""
    parameters = list(inspect.signature(function).parameters.values())
    return (parameters[1].name, parameters[1].annotation) if len(parameters) > 1 else None


def rules(reader: Reader, draft: Draft) -> tuple[RuleModel, ...]:
    """The rules of a draft: class keywords, then methods."""
    made: list[RuleModel] = []
    known = (*VERBS, *draft.actions)
    for verb, given in draft.shape.keywords.items():
        if verb not in known:
            continue
        if not isinstance(given, (Marker, str)):
            message = f"{draft.name}: {verb}={given!r} is no rule"
            reader.drafts.refuse("KM105", message, f'{verb}=anyone, or {verb}="self.author == me"', draft)
            continue
        lowered = reader.permission(draft, given, verb, None)
        if lowered is not None:
            made.append(RuleModel(verb, "allow", _verbs((verb,)), lowered.expression, lowered.captures))
    for name, method in draft.methods(RULES).items():
        specs: tuple[RuleSpec, ...] = getattr(method.function, RULES)
        for spec in specs:
            for verb in spec.verbs:
                if not isinstance(verb, str):  # pyright: ignore[reportUnnecessaryIsInstance]
                    message = f"{draft.name}.{name}: {verb!r} is no verb; verbs are texts, one after the other"
                    reader.drafts.refuse("KM501", message, f'@{spec.effect}("read", "create")', draft, name)
                elif verb not in known:
                    message = f"{draft.name}.{name}: there is no verb {verb!r}; {meant(verb, known)}"
                    reader.drafts.refuse("KM501", message, f'@{spec.effect}("read")', draft, name)
            if not spec.verbs:
                message = f"{draft.name}.{name} does not say what it is about"
                reader.drafts.refuse("KM505", message, f'@{spec.effect}("read")', draft, name)
        lowered, source = _rule(reader, draft, name, method.function)
        if lowered is not None:
            for spec in specs:
                verbs = _verbs(tuple(filter(known.__contains__, spec.verbs)))
                made.append(RuleModel(name, spec.effect, verbs, lowered.expression, lowered.captures, source))
    return tuple(made)


def _verbs(stated: tuple[str, ...]) -> frozenset[str]:
    writes = WRITES if "write" in stated else frozenset[str]()
    return frozenset(stated) - {"write"} | writes


def _rule(
    reader: Reader, draft: Draft, name: str, function: Callable[..., Any]
) -> tuple[Lowered | None, Source | None]:
    what = f"{draft.name}.{name}"
    source = reader.source(draft, function, name, name)
    if source is None:
        return None, None
    parameters = source.parameters
    asks = _me(function)
    unclear = asks is not None and asks[1] is inspect.Parameter.empty
    # Without `self` the actor's own name would stand for the row.
    if not 1 <= len(parameters) <= 2 or unclear or parameters[0] != "self":
        remedy = f"def {name}(self, me: {reader.actor or 'User'} | None) -> bool:"
        reader.drafts.refuse("KM502", f"{what} takes ({', '.join(parameters)})", remedy, draft, name)
        return None, source
    names: dict[str, Row] = {parameters[0]: Root(draft.name)}
    if asks is None:
        return reader.lower(draft, source, names, name, BOOL), source
    before = len(reader.drafts.problems)
    meaning = reader.drafts.read(draft, asks[1], draft.cls, f"{what}: {asks[0]}", name)
    if meaning is None:
        del reader.drafts.problems[before:]  # find_actor has said so
        return None, source
    if meaning.kind != "one" or meaning.target is None:
        remedy = f"def {name}(self, {asks[0]}: User | None) -> bool:"
        reader.drafts.refuse("KM502", f"{what}: {asks[0]} is who acts, a row or None", remedy, draft, name)
        return None, source
    names[parameters[1]] = keyed(meaning.target.__name__, nullable=meaning.nullable)
    lowered = reader.lower(draft, source, names, name, BOOL)
    if lowered is not None and not meaning.nullable:
        lowered = _for_somebody(lowered, keyed(meaning.target.__name__))
    return lowered, source


def _for_somebody(lowered: Lowered, me: Keyed) -> Lowered:
    """A rule that takes its actor for granted holds only where there is one."""

    def nobody_too(node: Node) -> Node | None:
        return me.key if isinstance(node, Param) and node.name == "me" else None

    body = transform(lowered.expression, nobody_too)
    whole = all_of(Not(IsNone(identity(me))), body)
    return Lowered(whole or TRUE, lowered.captures)


def tenant(reader: Reader, draft: Draft) -> Expression | None:
    """What every reach for a row of a tenant must fulfil."""
    name = draft.shape.keywords.get("tenant")
    if not isinstance(name, str) or not name:
        return None
    if reader.actor is None:
        message = f"{draft.name} belongs to a tenant, but there is no actor resource to compare with"
        reader.drafts.refuse("KM503", message, "App(actor=User)", draft)
        return None
    for owner in (draft, reader.drafts.by_name[reader.actor]):
        relation = owner.relations.get(name)
        if name not in owner.fields and (relation is None or relation.kind != "one"):
            message = (
                f"{draft.name} belongs to the tenant {name!r}, and {owner.name} has no such field or to-one relation"
            )
            reader.drafts.refuse("KM506", f"{message}; {meant(name, owner.members())}", "", draft)
            return None
    source = parse_text(f"me is not None and self.{name} == me.{name}")
    lowered = reader.lower(draft, source, {"self": Root(draft.name), "me": reader.me}, "tenant", BOOL)
    return None if lowered is None else lowered.expression
