"""From classes to a checked, frozen `Model`; everything that is wrong is reported together."""

from __future__ import annotations

import ast
import dataclasses
import inspect
from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Any

from kingpost.base.problems import DeclarationError
from kingpost.language.schema import Derived
from kingpost.language.types import Kind
from kingpost.model.build_actions import actions, validators
from kingpost.model.build_computed import computed, derived, stored
from kingpost.model.build_constraints import constraints
from kingpost.model.build_fields import DELETED, VERSION, fields
from kingpost.model.build_language import Reader, members_access
from kingpost.model.build_methods import methods
from kingpost.model.build_relations import relations
from kingpost.model.build_rules import find_actor, rules, tenant
from kingpost.model.build_strangers import strangers
from kingpost.model.columns import columns, key_columns, relation_columns
from kingpost.model.declaration import Bound, declaration
from kingpost.model.draft import Draft, Drafts, admit
from kingpost.model.model import Model, ResourceModel
from kingpost.model.names import meant, words
from kingpost.model.query_runner import Runner
from kingpost.model.schema import ModelSchema


def build(resources: Sequence[Any], stores: Collection[str] = ("main",), actor: type | None = None) -> Model:
    """The model of these classes. Raises DeclarationError with every problem there is.

    `stores` are the names that have an address. `actor` is the class that actors are rows of; without it the one that
    rules annotate `me` with, else the one named User.
    """
    drafts = admit(resources, frozenset(stores))
    methods(drafts)
    strangers(drafts)
    fields(drafts)
    links = relations(drafts)
    _keys(drafts)
    bare = {**{draft.name: _bare(draft) for draft in drafts.by_name.values()}, **links}
    sources, refused = derived(drafts)
    broken = _broken(drafts, sources, refused)
    who = find_actor(drafts, actor)
    reader = Reader(drafts, ModelSchema(bare, sources), who, broken)
    made = {name: _whole(reader, drafts.by_name[name], one) if one.cls else one for name, one in bare.items()}
    _default_actors(drafts, who)
    kept = {key: value for key, value in sources.items() if key[1] in made[key[0]].computed}
    model = Model(made, who, drafts.stores, {draft.cls: draft.name for draft in drafts.by_name.values()}, kept)
    if not drafts.problems:  # columns are known only where everything else is
        _columns(drafts, model)
    if drafts.problems:
        raise DeclarationError(dict.fromkeys(drafts.problems))
    for draft in drafts.by_name.values():
        draft.shape.bound = _bound(model, draft)
    return model


def set_runner(model: Model, runner: Runner | None) -> None:
    """Let `runner` answer for the classes of a model, wherever no other was set for the task."""
    for cls in model.classes:
        declaration(cls).runner = runner


def _bare(draft: Draft) -> ResourceModel:
    """A resource without what is said in the language."""
    members = [*draft.key, *draft.shape.members]
    order = [name for name in dict.fromkeys((*members, *draft.fields)) if name in draft.fields]
    return ResourceModel(
        name=draft.name, cls=draft.cls, path=draft.path, table=draft.table, store=draft.store, key=draft.key,
        fields={name: draft.fields[name] for name in order}, relations=draft.relations,
        version=VERSION, deleted=DELETED if DELETED in draft.fields else None, adopted=draft.adopted,
        source=draft.shape.keywords.get("source"),
        constrained=draft.shape.keywords.get("constrained") is not False,
        order=(*(["id"] if draft.shape.implicit_key else []), *draft.shape.members),
        title=words(draft.name), help=_doc(draft.cls),
    )  # fmt: skip


def _doc(cls: type) -> str:
    return inspect.cleandoc(vars(cls).get("__doc__") or "")


def _whole(reader: Reader, draft: Draft, bare: ResourceModel) -> ResourceModel:
    """A resource with everything that was declared."""
    made = computed(reader, draft)
    members = draft.shape.members

    def with_rules(name: str, one: Any) -> Any:
        if name not in members:
            return one
        return dataclasses.replace(
            one, access=members_access(reader, draft, name, members[name].spec.options, one.access)
        )

    uniques, indexes = constraints(reader, draft)
    return dataclasses.replace(
        bare,
        fields={
            **{name: with_rules(name, one) for name, one in bare.fields.items()},
            **{name: stored(one) for name, one in made.items() if one.stored},
        },
        relations={name: with_rules(name, one) for name, one in bare.relations.items()},
        computed=made,
        rules=rules(reader, draft),
        actions=actions(reader.drafts, draft, reader.actor),
        uniques=uniques,
        indexes=indexes,
        validators=validators(reader.drafts, draft),
        tenant=tenant(reader, draft),
    )


def _keys(drafts: Drafts) -> None:
    for draft in drafts.by_name.values():
        for name in draft.key:
            relation = draft.relations.get(name)
            unread = name in draft.shape.members and name not in draft.meanings
            if name not in draft.fields and not unread and (relation is None or relation.kind != "one"):
                message = f"{draft.name}: the key names {name!r}, which is no field or to-one relation"
                drafts.refuse("KM301", f"{message}; {meant(name, draft.members())}", "", draft)


def _broken(drafts: Drafts, sources: Mapping[tuple[str, str], Derived], refused: set[str]) -> set[str]:
    """Names that mean nothing because of another problem, and computed fields that mention them."""
    broken = set(refused)
    for draft in drafts.by_name.values():
        broken |= draft.shape.members.keys() - draft.fields.keys() - draft.relations.keys()
    growing = bool(broken)
    while growing:
        before = len(broken)
        broken |= {name for (_, name), one in sources.items() if broken & set(_mentioned(one.source.node))}
        growing = len(broken) > before
    return broken


def _mentioned(node: ast.AST) -> Iterator[str]:
    return (part.attr for part in ast.walk(node) if isinstance(part, ast.Attribute))


def _default_actors(drafts: Drafts, actor: str | None) -> None:
    for draft in drafts.by_name.values():
        for name, relation in draft.relations.items():
            if relation.default is not None and relation.default.kind == "actor" and relation.target != actor:
                message = f"{draft.name}.{name} is a {relation.target}, and actors are rows of {actor or 'no resource'}"
                drafts.refuse("KM409", message, f"{name}: {actor}" if actor else "App(actor=...)", draft, name)


def _columns(drafts: Drafts, model: Model) -> None:
    for resource in model.resources.values():
        taken: dict[str, str] = {}
        draft = drafts.by_name.get(resource.name)
        for column in columns(model, resource):
            other = taken.setdefault(column.name, column.member)
            if other != column.member:
                message = f"{resource.name}.{column.member} and {resource.name}.{other} have the column {column.name!r}"
                member = column.member if draft is not None and column.member in draft.shape.members else None
                drafts.refuse("KM109", message, 'field(column="...")', draft, member)


def _bound(model: Model, draft: Draft) -> Bound:
    resource = model[draft.name]
    by_name = {name: cls for cls, name in model.classes.items()}
    parts = tuple(
        (name, None, 1)
        if name in resource.fields
        else (name, by_name[resource.relations[name].target], len(relation_columns(model, resource.relations[name])))
        for name in resource.key
    )
    assert sum(width for _, _, width in parts) == len(key_columns(model, resource))  # noqa: S101
    inplace = (Kind.LIST, Kind.JSON, Kind.EMBEDDED)
    mutable = [name for name, field in resource.fields.items() if field.type.kind in inplace]
    mutable += [name for name, relation in resource.relations.items() if relation.kind != "one"]
    targets = {name: by_name[relation.target] for name, relation in resource.relations.items()}
    return Bound(model, resource, parts, targets, tuple(mutable))
