"""Fields: from an annotation and the options of `field` to a `FieldModel`."""

from __future__ import annotations

import dataclasses
import re
from datetime import datetime
from typing import Any, Final, cast
from uuid import UUID

from pydantic import BaseModel

from kingpost.base.ids import uuid7
from kingpost.language.types import DATETIME, INT, Kind, Type
from kingpost.model.annotations import Meaning
from kingpost.model.declaration import Member
from kingpost.model.declare import MISSING, OPTIONS, Marker, Options, actor, generated
from kingpost.model.draft import Draft, Drafts, is_key_type
from kingpost.model.model import Access, Constraints, Default, FieldModel
from kingpost.model.names import meant, words
from kingpost.model.resource import Resource
from kingpost.model.scalars import wrong_value

SIZED: Final = frozenset({Kind.TEXT, Kind.BYTES, Kind.LIST})
ORDERED: Final = frozenset(
    {Kind.INT, Kind.FLOAT, Kind.DECIMAL, Kind.DATETIME, Kind.DATE, Kind.TIME, Kind.DURATION, Kind.TEXT}
)
FITS: Final[dict[str, frozenset[Kind]]] = {
    **dict.fromkeys(("max_length", "min_length"), SIZED),
    **dict.fromkeys(("ge", "gt", "le", "lt"), ORDERED),
    **{name: frozenset(Kind) - {Kind.JSON, Kind.EMBEDDED, Kind.LIST} for name in ("key", "unique", "index")},
    **{name: frozenset({Kind.TEXT}) for name in ("pattern", "search")},
    **{name: frozenset({Kind.DECIMAL}) for name in ("max_digits", "decimal_places")},
    "multiple_of": frozenset({Kind.INT, Kind.DECIMAL, Kind.FLOAT}),
    "precision": frozenset({Kind.DATETIME}),
}
RELATIONAL: Final = frozenset({"ordered", "position", "table", "constrained", "on_delete", "nested"})
CHOICES: Final = {"on_delete": ("restrict", "cascade", "null"), "precision": ("us", "ms")}
FLAGS: Final = frozenset({
    "key", "unique", "index", "search", "readonly", "writeonly", "once", "personal", "ordered", "constrained", "nested",
})  # fmt: skip
TEXTS: Final = frozenset({"position", "table", "stored", "title", "help"})
TAKEN: Final = frozenset(name for name in dir(Resource) if not name.startswith("_"))
BOUNDS: Final = ("min_length", "max_length", "ge", "gt", "le", "lt", "pattern", "multiple_of")
VERSION: Final = "_version"
DELETED: Final = "_deleted_at"
NEW_KEY: Final = Default("factory", uuid7)
"""The default of the key that nobody declared; the engine takes its own ids instead."""


def fields(drafts: Drafts) -> None:
    """Understand every annotation, and make the fields of every draft. Relations are left for later."""
    for draft in drafts.by_name.values():
        if draft.shape.implicit_key:
            draft.fields["id"] = _implicit_id()
        for name, member in draft.shape.members.items():
            _name(drafts, draft, name)
            _options(drafts, draft, member)
            meaning = drafts.understood(draft, member)
            if meaning is None:
                continue
            if meaning.kind == "many" and meaning.nullable and meaning.target is not None:
                message = f"{draft.name}.{name} is many rows, perhaps none, but never None"
                drafts.refuse("KM202", message, f"{name}: list[{meaning.target.__name__}]", draft, name)
            draft.meanings[name] = meaning
            if meaning.kind == "scalar":
                draft.fields[name] = _field(drafts, draft, member, meaning)
        draft.fields[VERSION] = _version(draft.adopted)
        if draft.shape.keywords.get("soft_delete") is True:
            draft.fields[DELETED] = _hidden(DELETED, DATETIME.maybe(), Default("value", None), datetime)


def _implicit_id() -> FieldModel:
    never = Access(writable="never")
    return FieldModel("id", Type(Kind.UUID), "id", UUID, key=True, default=NEW_KEY, access=never, title="Id")


def _version(adopted: bool) -> FieldModel:
    if adopted:  # there is no column for a count, and others would not raise it
        return dataclasses.replace(_hidden(VERSION, INT, None, int), hashed=True)
    return _hidden(VERSION, INT, Default("value", 1), int)


def _hidden(name: str, type: Type, default: Default | None, python: Any) -> FieldModel:
    return FieldModel(name, type, name, python, default=default, access=Access(readable=False, writable="never"))


def _name(drafts: Drafts, draft: Draft, name: str) -> None:
    if name.startswith("_"):
        drafts.refuse("KM204", f"{draft.name}.{name} begins with an underscore", name.strip("_") or "name", draft, name)
    elif name in TAKEN:
        remedy = f'{name}_: ... = field(column="{name}"), or another name'
        drafts.refuse("KM203", f"{draft.name}.{name} would hide Resource.{name}()", remedy, draft, name)


def _options(drafts: Drafts, draft: Draft, member: Member) -> None:
    options, what = member.spec.options, f"{draft.name}.{member.name}"

    def clash(text: str, remedy: str) -> None:
        drafts.refuse("KM207", f"{what}: {text}", remedy, draft, member.name)

    for option in options:
        if option not in OPTIONS:
            hint = meant(option, OPTIONS)
            drafts.refuse("KM206", f"{what}: field() has no option {option!r}; {hint}", "", draft, member.name)
    for option, value in options.items():
        if expected := _expected(option, value):
            message = f"{what}: {option}={value!r} is not {expected}"
            drafts.refuse("KM215", message, f"{option}= with {expected}", draft, member.name)
    for option in ("read", "write"):
        value = options.get(option)
        if value is not None and not isinstance(value, (str, Marker)):
            drafts.refuse(
                "KM205", f"{what}: {option} is a marker or text", f'{option}="self == me"', draft, member.name
            )
    drafts.require_reasons(draft, member.name, options.get("acknowledged", {}))
    if member.spec.default is not MISSING and member.spec.default_factory is not None:
        clash("default and default_factory", "one of them")
    if options.get("readonly") and options.get("writeonly"):
        clash("readonly and writeonly", "one of them")
    if options.get("readonly") and (options.get("once") or options.get("write")):
        clash("readonly, and yet written", "once=True alone, or readonly=True alone")
    if options.get("writeonly") and options.get("read"):
        clash("writeonly, and yet read", "writeonly=True alone, or read=... alone")


def _expected(option: str, value: object) -> str:
    """What the value of an option should be; "" if it is."""
    if option in CHOICES:
        return "" if value in CHOICES[option] else " or ".join(f'"{each}"' for each in CHOICES[option])
    if option in FLAGS and not isinstance(value, bool):
        return "True or False"
    return "a text" if option in TEXTS and not isinstance(value, str) else ""


def _field(drafts: Drafts, draft: Draft, member: Member, meaning: Meaning) -> FieldModel:
    name, spec, options = member.name, member.spec, member.spec.options
    type, what = _exact(drafts, draft, member, meaning.type), f"{draft.name}.{member.name}"
    key = name in draft.key
    if spec.inverse is not None or spec.through is not None:
        remedy = 'list["Comment"] with the resource on the other side'
        drafts.refuse("KM205", f"{what} is no list of rows: it has no inverse and no links", remedy, draft, name)
    for option in options:
        if option in RELATIONAL or (option in FITS and type.kind not in FITS[option]):
            drafts.refuse("KM205", f"{what}: {option} says nothing about {type}", f"without {option}", draft, name)
    column = options.get("column", name)
    if not isinstance(column, str):
        drafts.refuse("KM205", f"{what} is one column, not {len(column)}", f'column="{name}"', draft, name)
        column = name
    if "stored" in options and not draft.adopted:
        message = f"{what}: stored says how others hold the values, and the table is our own"
        drafts.refuse("KM205", message, "adopted=True in the class, or without stored", draft, name)
    if key and not is_key_type(type):
        drafts.refuse("KM302", f"{what} is part of the key and {type}", "a value that is never None", draft, name)
    made = FieldModel(
        name=name, type=type, column=column, python=meaning.python, key=key, constraints=_bounds(options),
        access=access(options, key=key), unique=bool(options.get("unique")), index=bool(options.get("index")),
        search=bool(options.get("search")), personal=bool(options.get("personal")),
        format="markdown" if meaning.markdown else "", title=options.get("title") or words(name),
        help=options.get("help", ""), precision=options.get("precision", "us"), stored=options.get("stored", ""),
    )  # fmt: skip
    if not _sound(drafts, draft, made):
        return made
    made = dataclasses.replace(made, default=_default(drafts, draft, member, made))
    if key and made.default is not None and made.default.kind == "store":
        return dataclasses.replace(made, access=dataclasses.replace(made.access, writable="never"))
    return made


def _exact(drafts: Drafts, draft: Draft, member: Member, type: Type) -> Type:
    if type.kind is not Kind.DECIMAL:
        return type
    digits, places = member.spec.options.get("max_digits"), member.spec.options.get("decimal_places")
    if digits is None or places is None or not 0 <= places <= digits or not 0 < digits <= 38:
        message = f"{draft.name}.{member.name} does not say how many digits it has, and how many after the point"
        drafts.refuse("KM210", message, "field(max_digits=12, decimal_places=2)", draft, member.name)
        digits, places = 12, 2
    return dataclasses.replace(type, digits=digits, places=places)


def _bounds(options: Options) -> Constraints:
    given: dict[str, Any] = {name: options.get(name) for name in BOUNDS}
    return Constraints(**given)


def access(options: Options, *, key: bool = False, derived: bool = False) -> Access:
    """Who reads and writes, as far as markers say; rules in text are put in later."""
    read, write = options.get("read"), options.get("write")
    hidden = options.get("writeonly") or (isinstance(read, Marker) and read.name == "nobody")
    never = derived or options.get("readonly") or (isinstance(write, Marker) and write.name == "nobody")
    once = options.get("once") or key
    return Access(readable=not hidden, writable="never" if never else "once" if once else "always")


def _sound(drafts: Drafts, draft: Draft, field: FieldModel) -> bool:
    """Whether the bounds of a field can be used."""
    what, bounds, sound = f"{draft.name}.{field.name}", field.constraints, True
    if bounds.pattern is not None:
        try:
            re.compile(bounds.pattern)
        except (re.error, TypeError) as error:
            sound = False
            drafts.refuse(
                "KM211", f"{what}: the pattern can't be read: {error}", r'pattern=r"^\d+$"', draft, field.name
            )
    plain = dataclasses.replace(field, constraints=Constraints(), type=field.type.maybe(False))
    for option in ("ge", "gt", "le", "lt", "multiple_of"):
        bound = getattr(bounds, option)
        if bound is not None and field.type.kind in ORDERED and wrong_value(plain, bound):
            sound = False
            remedy = f"{option}= with a value that the field could have"
            drafts.refuse("KM212", f"{what}: {option}={bound!r} is no {field.type}", remedy, draft, field.name)
    for option in ("min_length", "max_length"):
        bound = getattr(bounds, option)
        if bound is not None and (not isinstance(bound, int) or bound < 0):
            sound = False
            drafts.refuse("KM212", f"{what}: {option}={bound!r} is no length", f"{option}=80", draft, field.name)
    return sound


def _default(drafts: Drafts, draft: Draft, member: Member, field: FieldModel) -> Default | None:
    spec, what = member.spec, f"{draft.name}.{member.name}"
    if spec.default_factory is not None:
        if spec.default_factory is list or spec.default_factory is dict:
            _require_admitted(drafts, draft, field, cast("object", spec.default_factory()))
        return Default("factory", spec.default_factory)
    value = spec.default
    if value is MISSING:
        return None
    if value is generated:
        return _generated(drafts, draft, field)
    if value is actor:
        remedy = "actor is a default of relations: author: User = field(default=actor)"
        drafts.refuse("KM409", f"{what} is {field.type}, and the actor is a row", remedy, draft, member.name)
        return None
    if _is_mutable(value):
        remedy = f"field(default_factory=lambda: {value!r})"
        drafts.refuse("KM208", f"{what}: all rows would share one {_kind(value)}", remedy, draft, member.name)
        return None
    if not _require_admitted(drafts, draft, field, value):
        return None
    if isinstance(value, (list, dict)):
        return Default("factory", dict if isinstance(value, dict) else list)
    return Default("value", value)


def _require_admitted(drafts: Drafts, draft: Draft, field: FieldModel, value: object) -> bool:
    """Whether the field admits a default; a problem if not."""
    fault = wrong_value(field, value)
    if fault:
        message = f"{draft.name}.{field.name}: the default {value!r} is refused: {fault}"
        drafts.refuse("KM209", message, "a default that the field admits", draft, field.name)
    return not fault


def _generated(drafts: Drafts, draft: Draft, field: FieldModel) -> Default | None:
    number = draft.key == (field.name,) and field.type == INT
    if draft.adopted or number:
        return Default("store")
    message = (
        f"{draft.name}.{field.name}: in tables of our own the database makes nothing but a whole number as the key"
    )
    remedy = f"{field.name}: int = field(key=True, default=generated), or default_factory="
    drafts.refuse("KM213", message, remedy, draft, field.name)
    return None


def _is_mutable(value: Any) -> bool:
    if isinstance(value, (list, dict, set)):
        return value not in ([], {})
    if isinstance(value, BaseModel):
        return not value.model_config.get("frozen")
    if not dataclasses.is_dataclass(value) or isinstance(value, type):
        return False
    return not type(value).__dataclass_params__.frozen  # type: ignore[attr-defined]


def _kind(value: object) -> str:
    return type(value).__name__
