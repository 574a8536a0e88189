"""Relations: to-one with their columns, the other sides of those, and many-to-many with the links between."""

from __future__ import annotations

import dataclasses
from typing import Any, Final, Literal

from kingpost.language.types import INT
from kingpost.model.annotations import Meaning
from kingpost.model.build_fields import FITS, RELATIONAL, access
from kingpost.model.declaration import Member
from kingpost.model.declare import MISSING, actor, generated
from kingpost.model.draft import Draft, Drafts
from kingpost.model.model import Access, Default, FieldModel, RelationModel, ResourceModel
from kingpost.model.names import meant, snake, words

Links = dict[str, ResourceModel]
_NEVER: Final = Access(writable="never")
_FOR_ONE: Final = frozenset({"constrained", "on_delete", "key", "unique", "index", "column"})
_FOR_LINKS: Final = frozenset({"ordered", "position", "table", "column", "on_delete"})
_FOR_MANY: Final = _FOR_LINKS | {"nested"}


def relations(drafts: Drafts) -> Links:
    """Make all relations; answers the resources of their links."""
    widths = _Keys(drafts)
    for draft in drafts.by_name.values():
        for name, meaning in draft.meanings.items():
            if meaning.kind != "scalar":
                _options(drafts, draft, draft.shape.members[name], meaning)
            if meaning.kind == "one":
                draft.relations[name] = _one(drafts, draft, draft.shape.members[name], meaning, widths)
    links: Links = {}
    for second in (False, True):  # the other sides of many-to-many relations need the first
        for draft in drafts.by_name.values():
            for name, meaning in draft.meanings.items():
                member = draft.shape.members[name]
                if meaning.kind == "many" and name not in draft.relations:
                    made = _many(drafts, draft, member, meaning, links, second)
                    if made is not None:
                        draft.relations[name] = made
    _borrowing(drafts)
    _once_each(drafts)
    for draft in drafts.by_name.values():  # as declared, whatever the order of making
        draft.relations = {name: draft.relations[name] for name in draft.meanings if name in draft.relations}
    return links


def _options(drafts: Drafts, draft: Draft, member: Member, meaning: Meaning) -> None:
    what = f"{draft.name}.{member.name}"
    fitting = _FOR_ONE if meaning.kind == "one" else _FOR_MANY
    for option in member.spec.options:
        if option not in fitting and (option in _FOR_ONE | _FOR_MANY or option in FITS or option in RELATIONAL):
            kind = "to-one" if meaning.kind == "one" else "to-many"
            message = f"{what}: {option} says nothing about a {kind} relation"
            drafts.refuse("KM205", message, f"without {option}", draft, member.name)


# -------------------------------------------------------------------------------------------------------------- to one


def _borrowing(drafts: Drafts) -> None:
    """A relation that no door writes may lead on from columns that belong to other members."""
    for draft in drafts.by_name.values():
        ones = {name: one for name, one in draft.relations.items() if one.kind == "one"}
        own = {field.column for field in draft.fields.values()}
        own |= {column for one in ones.values() if not _readonly(draft, one) for column in one.columns}
        for name, one in ones.items():
            if _readonly(draft, one) and not one.key and own.issuperset(one.columns):
                draft.relations[name] = dataclasses.replace(one, borrowed=True)


def _readonly(draft: Draft, relation: RelationModel) -> bool:
    return bool(draft.shape.members[relation.name].spec.options.get("readonly"))


class _Keys:
    """The key columns of every draft, found through keys that are made of relations."""

    def __init__(self, drafts: Drafts) -> None:
        self._drafts = drafts
        self._known: dict[str, tuple[str, ...]] = {}
        self._open: list[str] = []

    def of(self, draft: Draft) -> tuple[str, ...]:
        """Names of the key's columns, by member."""
        if draft.name in self._known:
            return self._known[draft.name]
        if draft.name in self._open:
            ring = " and ".join(dict.fromkeys(self._open))
            self._drafts.refuse("KM303", f"the keys of {ring} are made of each other", "a key of its own", draft)
            self._known[draft.name] = ()
            return ()
        self._open.append(draft.name)
        found: list[str] = []
        for name in draft.key:
            meaning = draft.meanings.get(name)
            if name in draft.fields:
                found.append(name)
            elif meaning is not None and meaning.kind == "one" and meaning.target is not None:
                found += [f"{name}_{part}" for part in self.of(self._drafts.by_class[meaning.target])]
        self._open.pop()
        return self._known.setdefault(draft.name, tuple(found))


def _one(drafts: Drafts, draft: Draft, member: Member, meaning: Meaning, keys: _Keys) -> RelationModel:
    assert meaning.target is not None  # noqa: S101
    name, spec, options = member.name, member.spec, member.spec.options
    target, what = drafts.by_class[meaning.target], f"{draft.name}.{name}"
    if spec.inverse is not None or spec.through is not None:
        remedy = f"{name}: list[{target.name}] = field(inverse=...)"
        drafts.refuse("KM205", f"{what} is one row, and the other side of a relation is many", remedy, draft, name)
    if name in draft.key and meaning.nullable:
        message = f"{what} is part of the key and may be None"
        drafts.refuse("KM302", message, f"{name}: {target.name}", draft, name)
    across = draft.store != target.store
    stated = options.get("constrained")
    if across and stated:
        message = f"{what} leads from store {draft.store!r} to {target.store!r}, and no store can hold to that"
        drafts.refuse("KM407", message, "without constrained; on_delete is carried out across stores", draft, name)
    if options.get("on_delete") == "null" and not meaning.nullable:
        message = f"{what} is never None, so it can't become None when its {target.name} is deleted"
        drafts.refuse("KM408", message, f"{name}: {target.name} | None, or on_delete='cascade'", draft, name)
    return RelationModel(
        name=name, kind="one", target=target.name, nullable=meaning.nullable,
        columns=_columns(drafts, draft, member, keys.of(target)),
        constrained=not across and stated is not False, followed=across and "on_delete" in options,
        on_delete=options.get("on_delete", "restrict"),
        default=_default(drafts, draft, member, meaning), access=access(options, key=name in draft.key),
        unique=bool(options.get("unique")), key=name in draft.key, adopted=draft.adopted,
        title=options.get("title") or words(name), help=options.get("help", ""),
    )  # fmt: skip


def _columns(drafts: Drafts, draft: Draft, member: Member, parts: tuple[str, ...]) -> tuple[str, ...]:
    stated = member.spec.options.get("column")
    if stated is None:
        return tuple(f"{member.name}_{part}" for part in parts)
    columns = (stated,) if isinstance(stated, str) else tuple(stated)
    if parts and len(columns) != len(parts):
        message = f"{draft.name}.{member.name} holds {len(parts)} columns ({', '.join(parts)}), not {len(columns)}"
        drafts.refuse("KM205", message, f"column=({', '.join(repr(part) for part in parts)})", draft, member.name)
        return tuple(f"{member.name}_{part}" for part in parts)
    return columns


def _default(drafts: Drafts, draft: Draft, member: Member, meaning: Meaning) -> Default | None:
    spec = member.spec
    if spec.default is actor:
        return Default("actor")  # whether the target is the actor resource is judged with the rules
    if spec.default_factory is not None:
        return Default("factory", spec.default_factory)
    if spec.default is MISSING:
        return None
    if spec.default is generated:
        message = f"{draft.name}.{member.name}: the database makes no rows to refer to"
        drafts.refuse("KM213", message, "None where that is allowed, actor, or no default", draft, member.name)
        return None
    if spec.default is not None or not meaning.nullable:
        message = f"{draft.name}.{member.name}: the default {spec.default!r} is no row"
        drafts.refuse("KM209", message, "None where that is allowed, actor, or no default", draft, member.name)
    return Default("value", None)


# ------------------------------------------------------------------------------------------------------------- to many


def _many(
    drafts: Drafts, draft: Draft, member: Member, meaning: Meaning, links: Links, second: bool
) -> RelationModel | None:
    assert meaning.target is not None  # noqa: S101
    target, spec = drafts.by_class[meaning.target], member.spec
    if spec.inverse is not None or spec.through is not None:
        for option in sorted(spec.options.keys() & (_FOR_LINKS - {"position"})):
            message = f"{draft.name}.{member.name}: {option} is about links of its own, and there are none"
            drafts.refuse("KM205", message, f"without {option}", draft, member.name)
    if spec.inverse is not None:
        return _inverse(drafts, draft, member, target, spec.inverse, second)
    if second:
        return None
    default: object = spec.default
    if default is not MISSING and default != []:
        message = f"{draft.name}.{member.name}: the default of a relation to many is the empty list"
        drafts.refuse("KM208", message, f"{member.name}: list[{target.name}] = []", draft, member.name)
    if spec.through is not None:
        return _through(drafts, draft, member, target, spec.through)
    back = _pointing(target, draft)
    plain = spec.default is MISSING and spec.default_factory is None and not spec.options.keys() & _FOR_MANY
    if plain and back:
        message = (
            f"{draft.name}.{member.name} could be the other side of {target.name}.{back[0]}, or have links of its own"
        )
        remedy = f'field(inverse="{back[0]}") for the one, = [] for the other'
        drafts.refuse("KM404", message, remedy, draft, member.name)
        return None
    return _linked(drafts, draft, member, target, links)


def _pointing(source: Draft, target: Draft) -> list[str]:
    """The to-one relations of `source` that lead to `target`."""
    return [
        name for name, meaning in source.meanings.items() if meaning.kind == "one" and meaning.target is target.cls
    ]  # fmt: skip


def _inverse(
    drafts: Drafts, draft: Draft, member: Member, target: Draft, inverse: str, second: bool
) -> RelationModel | None:
    what = f"{draft.name}.{member.name}"
    meaning = target.meanings.get(inverse)
    if meaning is None or meaning.target is None:
        if second:
            return None
        back = _pointing(target, draft)
        if inverse in target.shape.members and meaning is None:
            return None  # it could not be read, which was said
        remedy = f'inverse="{back[0]}"' if back else f"class {target.name}: {snake(draft.name)}: {draft.name}"
        hint = meant(inverse, back) if back else ""
        message = f"{what} is the other side of {target.name}.{inverse}, which is no relation; {hint}".rstrip("; ")
        drafts.refuse("KM402", message, remedy, draft, member.name)
        return None
    if meaning.target is not draft.cls:
        if not second:
            message = f"{what} is the other side of {target.name}.{inverse}, which leads to {meaning.target.__name__}"
            remedy = " or ".join(f'inverse="{name}"' for name in _pointing(target, draft)) or f"list of {draft.name}"
            drafts.refuse("KM403", message, remedy, draft, member.name)
        return None
    options = member.spec.options
    shared = _shared(member)
    if meaning.kind == "one":
        nested = bool(options.get("nested"))
        writable: Literal["always", "never"] = "always" if nested else "never"
        rights = dataclasses.replace(access(options), writable=writable)
        return RelationModel(
            member.name, "many", target.name, inverse=inverse, nested=nested, access=rights, **shared
        )  # fmt: skip
    other = target.relations.get(inverse)
    if other is None or not other.link:
        if second:
            message = f"{what} and {target.name}.{inverse} are each the other side of the other"
            drafts.refuse("KM403", message, f"{target.name}.{inverse}: list[{draft.name}] = []", draft, member.name)
        return None
    rights = dataclasses.replace(access(options), writable="never")
    return RelationModel(
        member.name, "linked", target.name, inverse=inverse, link=other.link, near=other.far, far=other.near,
        through=other.through, access=rights, **shared,
    )  # fmt: skip


def _shared(member: Member) -> dict[str, Any]:
    options = member.spec.options
    return {"title": options.get("title") or words(member.name), "help": options.get("help", "")}


def _linked(drafts: Drafts, draft: Draft, member: Member, target: Draft, links: Links) -> RelationModel:
    """Many-to-many with links of its own: a resource that nobody declared."""
    options = member.spec.options
    near, far = snake(draft.name), snake(target.name)
    far = f"other_{far}" if far == near else far
    position = options.get("position", "position") if options.get("ordered") or "position" in options else None
    name = f"{draft.name}.{member.name}"

    columns = _link_columns(drafts, draft, member, target, (near, far))

    def side(relation: str, other: Draft) -> RelationModel:
        return RelationModel(
            relation, "one", other.name, columns=columns[relation], key=True, adopted=draft.adopted,
            constrained=other.store == draft.store, followed=other.store != draft.store,
            on_delete=options.get("on_delete", "cascade"),
        )  # fmt: skip

    fields: dict[str, FieldModel] = {}
    if position is not None:
        fields[position] = FieldModel(position, INT, position, int)
    links[name] = ResourceModel(
        name=name, cls=None, path="", table=options.get("table", f"{draft.table}_{member.name}"), store=draft.store,
        key=(near, far), fields=fields, relations={near: side(near, draft), far: side(far, target)}, version=None,
        internal=True, adopted=draft.adopted,
    )  # fmt: skip
    empty = None if member.spec.default is MISSING and member.spec.default_factory is None else Default("factory", list)
    return RelationModel(
        member.name, "linked", target.name, link=name, near=near, far=far, position=position, default=empty,
        access=access(options), **_shared(member),
    )  # fmt: skip


def _link_columns(
    drafts: Drafts, draft: Draft, member: Member, target: Draft, sides: tuple[str, str]
) -> dict[str, tuple[str, ...]]:
    """The columns of links: those that lead here, and those that lead to the target."""
    options, keys = member.spec.options, _Keys(drafts)
    if options.get("on_delete") == "null":
        message = f"{draft.name}.{member.name}: a link that leads nowhere is none"
        drafts.refuse("KM408", message, "on_delete='cascade' or 'restrict'", draft, member.name)
    derived = {side: tuple(f"{side}_{part}" for part in keys.of(one)) for side, one in zip(sides, (draft, target))}
    stated = options.get("column")
    if stated is None:
        return derived
    near, far = (len(derived[side]) for side in sides)
    if isinstance(stated, str) or len(stated) != near + far:
        named = ", ".join(name for side in sides for name in derived[side])
        message = f"{draft.name}.{member.name}: its links hold {near + far} columns ({named})"
        drafts.refuse("KM205", message, "a name for each of them", draft, member.name)
        return derived
    return {sides[0]: tuple(stated[:near]), sides[1]: tuple(stated[near:])}


def _through(drafts: Drafts, draft: Draft, member: Member, target: Draft, through: type | str) -> RelationModel | None:
    what = f"{draft.name}.{member.name}"
    name = through if isinstance(through, str) else through.__name__
    link = drafts.by_name.get(name)
    if link is None:
        message = (
            f"{what} goes through {name}, which is not among the resources of the App; {meant(name, drafts.by_name)}"
        )
        drafts.refuse("KM401", message, f"App(resources=[..., {name}])", draft, member.name)
        return None
    near, far = _pointing(link, draft), _pointing(link, target)
    if draft is target and len(near) == 2:
        near, far = near[:1], near[1:]
    if len(near) != 1 or len(far) != 1 or near == far:
        message = f"{what}: {name} needs one relation to {draft.name} and one to {target.name}"
        message += f"; it has {', '.join(dict.fromkeys([*near, *far])) or 'neither'}"
        drafts.refuse("KM406", message, f"class {name}: {snake(draft.name)}: {draft.name}", draft, member.name)
        return None
    position = member.spec.options.get("position")
    if position is not None and position not in link.fields:
        message = f"{what}: {name} has no field {position!r} to hold the order; {meant(position, link.fields)}"
        drafts.refuse("KM406", message, f"class {name}: {position}: int", draft, member.name)
    rights = dataclasses.replace(access(member.spec.options), writable="never")
    return RelationModel(
        member.name, "linked", target.name, link=name, near=near[0], far=far[0], position=position, through=True,
        access=rights, **_shared(member),
    )  # fmt: skip


def _once_each(drafts: Drafts) -> None:
    for draft in drafts.by_name.values():
        claimed: dict[tuple[str, str | None], str] = {}
        for name, relation in draft.relations.items():
            if relation.inverse is None:
                continue
            first = claimed.setdefault((relation.target, relation.inverse), name)
            if first != name:
                message = f"{draft.name}.{name} and {draft.name}.{first} are both the other side of {relation.inverse}"
                drafts.refuse("KM405", message, f"only {first}", draft, name)
