"""Pydantic models derived from resources: what doors take in, and what the API says it gives out.

A form answers plain dicts: Python values by member, a to-one relation as the key of its target (a flat tuple), a
many-to-many one as a list of such keys, a nested one as a list of dicts. What was not given is not in them. In a patch
an object for an embedded value or a Json field is a `MergePatch`, until `merged` puts it into what the row holds.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal
from functools import partial
from typing import Annotated, Any, Final, Literal, Optional, TypeAlias, Union, cast

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Discriminator,
    Field,
    Tag,
    ValidationError,
    WithJsonSchema,
    WrapValidator,
    create_model,
    model_validator,
)
from pydantic_core import PydanticCustomError

from kingpost.base.errors import Detail, Rejected
from kingpost.language.types import Kind, Type
from kingpost.model.annotations import Scope, understand
from kingpost.model.faults import BRANCH, details
from kingpost.model.inputs_keys import Key, as_tuple, branch, by_member, distinct, key_of_row
from kingpost.model.model import ActionModel, Default, FieldModel, Model, RelationModel, ResourceModel
from kingpost.model.patches import MergePatch, mergeable, patched
from kingpost.model.resource import Resource
from kingpost.model.scalars import CONFIG, annotation
from kingpost.model.state import changes, is_new

Purpose: TypeAlias = Literal["create", "replace", "patch", "replace each", "patch each", "row", "changed"]
"""`each`: one of many, which names its key too. `row` and `changed` are for code: every stored member, all of them or
those that changed."""

Members: TypeAlias = frozenset[tuple[str, str]]
"""Members of resources, each by both names."""
Knows: TypeAlias = Callable[[str, str], bool]
"""Whether a member of a resource may be named to who sent something. Else there is none for him."""
_SUFFIX: Final[Mapping[Purpose, str]] = {
    "create": "In", "replace": "Replace", "patch": "Patch", "replace each": "ReplaceEach", "patch each": "PatchEach",
    "row": "Row", "changed": "Changed",
}  # fmt: skip
_NO_SCOPE: Final = Scope("", {}, {})
_READ_ONLY: Final = "is read-only"
_ONCE: Final = "is written when the row is created, and not changed"
_BELOW: Final = "is made with the row, and afterwards row by row at their own address"
_PREFIX: Final = "m_"  # of Pydantic's own names, so that a member may be called `json` or `model_config`


class Form(BaseModel):
    """Base of everything that comes in."""

    model_config = CONFIG

    def plain(self) -> dict[str, Any]:
        """What was given, by member."""
        given = self.model_fields_set
        return {name[len(_PREFIX) :]: value for name, value in self.__dict__.items() if name in given}


class Inputs:
    """The forms of one model, each made when it is first asked for."""

    def __init__(self, model: Model) -> None:
        self.model = model
        self._made: dict[tuple[object, ...], type[Form]] = {}
        self._guarded: dict[str, Members] = {}
        self._references: dict[str, Any] = {}
        self._outputs: dict[str, type[BaseModel]] = {}

    # ---------------------------------------------------------------------------------------------------------- taking

    def accept(
        self,
        resource: str,
        purpose: Purpose,
        data: object,
        at: tuple[str | int, ...] = (),
        knows: Knows = lambda resource, name: True,
    ) -> dict[str, Any]:
        """Check parsed JSON, or Python values, and answer Python values by member.

        Raises Rejected; `at` is where `data` is in what was sent, `knows` says which members may be named to who sent
        it. Defaults are not filled in.
        """
        of = self.model[resource]
        hidden = frozenset(one for one in self._ruled(resource) if not knows(*one))

        def fixed(name: str) -> str:
            owner = of.owner(name) if knows(resource, name) else None
            if isinstance(owner, RelationModel) and owner.nested:
                return _BELOW
            return "" if owner is None else _ONCE if owner.access.writable == "once" else _READ_ONLY

        return self._accept(self.form(resource, purpose, hidden=hidden), data, at, partial(knows, resource), fixed)

    def accept_each(
        self,
        resource: str,
        purpose: Literal["replace each", "patch each"],
        data: object,
        at: tuple[str | int, ...],
        knows: Knows = lambda resource, name: True,
    ) -> tuple[Key, dict[str, Any]]:
        """The same for one of many: its key, and the members beside."""
        members = self.accept(resource, purpose, data, at, knows)
        names = self.model[resource].key
        key = tuple(part for name in names for part in as_tuple(members[name]))
        return key, {name: value for name, value in members.items() if name not in names}

    def keys(self, resource: str, data: Sequence[object]) -> list[Key]:
        """Rows named by their keys, bare or as objects. Raises Rejected."""
        cached = (resource, "keys")
        if cached not in self._made:
            kind: Any = list[self.reference(resource)]  # type: ignore[misc]
            self._made[cached] = _create(f"{resource}Keys", {"rows": (kind, Field(alias="rows"))}, "")
        try:
            return cast("list[Key]", self._accept(self._made[cached], {"rows": data}, ())["rows"])
        except Rejected as error:
            found = [Detail(d.pointer.removeprefix("/rows"), d.code, d.message) for d in error.details]
            raise Rejected(error.code, error.message, found) from None

    def merged(self, resource: str, name: str, stored: object, patch: MergePatch) -> Any:
        """The value of a member after a patch, checked as if it had been sent whole. Raises Rejected."""
        field = self.model[resource].fields[name]
        cached = (resource, f"merged:{name}")
        if cached not in self._made:
            kind = annotation(field.type, field.python, field.constraints, field.precision)
            self._made[cached] = _create(f"{resource}Merged", {name: (kind, Field(alias=name))}, "")
        whole = patched(stored, patch.value, field.type, field.python)
        return self._accept(self._made[cached], {name: whole}, ())[name]

    def arguments(self, resource: str, action: str, data: object) -> dict[str, Any]:
        """Check the inputs of an action. Raises Rejected."""
        return self._accept(self.action(resource, action), data, ())

    def check(self, instance: Resource) -> dict[str, Any]:
        """Check what a write of the instance would store: all of a new one, else its changes. Raises Rejected."""
        purpose: Purpose = "row" if is_new(instance) else "changed"
        name = self.model.classes[type(instance)]
        related = {n for n, r in self.model[name].relations.items() if r.kind == "many"}
        data = {member: value for member, value in changes(instance).items() if member not in related}
        try:
            return self.accept(name, purpose, data)
        except Rejected as error:
            raise Rejected(error.code, f"This {name} is not accepted", error.details) from None

    @staticmethod
    def _accept(
        form: type[Form],
        data: object,
        at: tuple[str | int, ...],
        knows: Callable[[str], bool] = bool,
        fixed: Callable[[str], str] = lambda name: "",
    ) -> dict[str, Any]:
        try:
            return form.model_validate(data).plain()
        except ValidationError as error:
            known = [field.alias or name for name, field in form.model_fields.items()]
            told = details(error, list(filter(knows, known)), at, fixed)
            raise Rejected("KP422", "The input is not accepted", told) from None

    # ----------------------------------------------------------------------------------------------------------- forms

    def form(self, resource: str, purpose: Purpose, without: str = "", hidden: Members = frozenset()) -> type[Form]:
        """The form of a resource for a purpose; `without` one relation where it is nested in its target."""
        key = (resource, purpose, without, hidden)
        if key not in self._made:
            of = self.model[resource]
            base = cast(Purpose, purpose.removesuffix(" each"))
            members: dict[str, Any] = {}
            lacking = False
            for name in of.names:
                owner: Any = of.fields.get(name) or of.relations.get(name)
                if (resource, name) in hidden:
                    lacking |= base == "create" and owner.default is None and getattr(owner, "kind", "one") == "one"
                    continue
                if name in of.key and base != purpose:
                    members[name] = _member(owner, self._key_part(of, name), False)
                elif isinstance(owner, FieldModel) and _taken(owner, base):
                    members[name] = _member(owner, _kind(owner, base), _optional(owner.default, base))
                elif isinstance(owner, RelationModel) and name != without and _related(owner, base):
                    optional = owner.kind == "many" or _optional(owner.default, base)
                    members[name] = _member(owner, self._relation(owner, hidden), optional)
            title = f"{of.name}{_SUFFIX[purpose]}" + (f"Of{without.title()}" if without else "")
            self._made[key] = _create(title, members, of.help, lacking=lacking)
        return self._made[key]

    def _ruled(self, resource: str) -> Members:
        """Members that a rule of their own says who may write, also those of rows that are made with this one."""
        if resource not in self._guarded:
            found: set[tuple[str, str]] = set()
            left = [resource]
            for name in left:
                of = self.model[name]
                owners: list[FieldModel | RelationModel] = [*of.fields.values(), *of.relations.values()]
                found |= {(name, owner.name) for owner in owners if owner.access.write is not None}
                left += [one.target for one in of.relations.values() if one.nested and one.target not in left]
            self._guarded[resource] = frozenset(found)
        return self._guarded[resource]

    def action(self, resource: str, name: str) -> type[Form]:
        """The form of an action's inputs."""
        key = (resource, f"action:{name}")
        if key not in self._made:
            action: ActionModel = self.model[resource].actions[name]
            members: dict[str, Any] = {}
            for parameter in action.parameters:
                meaning = understand(parameter.annotation, _NO_SCOPE)
                if meaning.target is None:
                    kind = annotation(meaning.type, meaning.python)
                else:
                    one = self.reference(self.model.classes[meaning.target])
                    some = list[one] if meaning.kind == "many" else one  # type: ignore[valid-type]
                    kind = Optional[some] if meaning.nullable else some  # noqa: UP045  # a value here
                field = Field(alias=parameter.name) if parameter.required else _unset(alias=parameter.name)
                members[parameter.name] = (kind, field)
            title = "".join(part.title() for part in name.split("_"))
            self._made[key] = _create(f"{resource}{title}", members, action.help)
        return self._made[key]

    def reference(self, resource: str) -> Any:
        """How a row is named in what comes in: `{"id": …}` or the bare key; checked it is a flat tuple."""
        if resource in self._references:
            return self._references[resource]
        of = self.model[resource]
        members = {name: (self._key_part(of, name), Field(alias=name)) for name in of.key}
        form: Any = _create(f"{resource}Ref", members, "")
        tagged: Any = Annotated[form, AfterValidator(partial(_flat, of.key)), Tag(BRANCH + "object")]
        if len(of.key) == 1:
            bare: Any = Annotated[self._key_part(of, of.key[0]), AfterValidator(as_tuple), Tag(BRANCH + "key")]
            tagged = Annotated[Union[tagged, bare], Discriminator(branch)]  # noqa: UP007  # a value here
        by_column = partial(by_member, self.model, of) if not of.relations.keys().isdisjoint(of.key) else None
        made = Annotated[tagged, WrapValidator(partial(key_of_row, of.cls, by_column))]
        self._references[resource] = made
        return made

    def _key_part(self, of: ResourceModel, name: str) -> Any:
        if name in of.relations:
            return self.reference(of.relations[name].target)
        field = of.fields[name]
        return annotation(field.type, field.python, field.constraints, field.precision)

    def _relation(self, relation: RelationModel, hidden: Members) -> Any:
        if relation.kind == "one":
            one = self.reference(relation.target)
            return Optional[one] if relation.nullable else one  # noqa: UP045  # a value here
        if relation.kind == "many":
            child: Any = self.form(relation.target, "create", relation.inverse or "", hidden)
            return list[Annotated[child, AfterValidator(Form.plain)]]
        return Annotated[list[self.reference(relation.target)], AfterValidator(distinct)]  # type: ignore[misc]

    # ---------------------------------------------------------------------------------------------------------- giving

    def output(self, resource: str) -> type[BaseModel]:
        """What the API says of a row: the key always, other members as asked for and allowed."""
        if resource not in self._outputs:
            shown = {name: of for name, of in self.model.resources.items() if not of.internal}
            made = {name: self._output(of) for name, of in shown.items()}
            for each in made.values():
                each.model_rebuild(_types_namespace=made)
            self._outputs = made
        return self._outputs[resource]

    def _output(self, of: ResourceModel) -> type[BaseModel]:
        members: dict[str, Any] = {}
        for name in of.names:
            owner = of.owner(name)
            if owner is None or not owner.access.readable:
                continue
            if isinstance(owner, RelationModel):
                one: Any = owner.target if owner.kind == "one" else f"list[{owner.target!r}]"
                nullable = owner.kind == "one" and (owner.nullable or not owner.constrained)
                members[name] = _member(owner, f"Optional[{one!r}]" if nullable else one, not owner.key)
            elif isinstance(owner, FieldModel):
                members[name] = _member(owner, _shown(owner.type, owner.python), not owner.key)
            else:
                members[name] = _member(owner, _shown(owner.type, Any), True)
        fields: Any = {_PREFIX + name: value for name, value in members.items()}
        made: Any = create_model(of.name, __config__=ConfigDict(extra="forbid"), __doc__=of.help or None, **fields)
        return cast("type[BaseModel]", made)


# --------------------------------------------------------------------------------------------------------------- parts


def _create(name: str, members: Mapping[str, Any], words: str, *, lacking: bool = False) -> type[Form]:
    fields: Any = {_PREFIX + member: value for member, value in members.items()}
    checks: Any = {"lacking": model_validator(mode="after")(_refused)} if lacking else None
    return create_model(name, __base__=Form, __doc__=words or None, __validators__=checks, **fields)


def _refused(form: Form) -> Form:
    raise PydanticCustomError("kingpost.required", "can't be made without what is not yours to give")


def _member(of: Any, kind: Any, optional: bool) -> tuple[Any, Any]:
    words: dict[str, Any] = {"alias": of.name, "title": of.title or None, "description": of.help or None}
    default: Default | None = getattr(of, "default", None)
    if not optional:
        return kind, Field(**words)
    if default is not None and default.kind == "value" and default.value is not None:
        return kind, Field(default=default.value, **words)
    return kind, _unset(**words)


def _unset(**words: Any) -> Any:
    return Field(default_factory=_nothing, **words)  # a factory is not shown in the schema


def _nothing() -> None:
    return None


def _kind(field: FieldModel, purpose: Purpose) -> Any:
    whole = annotation(field.type, field.python, field.constraints, field.precision)
    return mergeable(field, whole) if purpose == "patch" else whole


def _taken(field: FieldModel, purpose: Purpose) -> bool:
    if field.stored_computed or field.name.startswith("_"):
        return False
    writable = field.access.writable
    return purpose in ("row", "changed") or writable == "always" or (writable == "once" and purpose == "create")


def _related(relation: RelationModel, purpose: Purpose) -> bool:
    if purpose in ("row", "changed"):
        return relation.kind == "one" or (
            relation.kind == "linked" and relation.inverse is None and not relation.through
        )
    writable = relation.access.writable
    if relation.kind == "many" and (not relation.nested or purpose != "create"):
        return False  # rows below are made with their owner; afterwards they are changed one by one
    return writable == "always" or (writable == "once" and purpose == "create")


def _optional(default: Default | None, purpose: Purpose) -> bool:
    return default is not None or purpose in ("patch", "changed")


def _flat(names: tuple[str, ...], form: Form) -> Key:
    return tuple(part for name in names for part in as_tuple(getattr(form, _PREFIX + name)))


def _shown(type: Type, python: Any) -> Any:
    """The type of a value that goes out, for the schema."""
    if type.kind is Kind.DECIMAL:
        kind: Any = Annotated[Decimal, WithJsonSchema({"type": "string", "format": "decimal"})]
    elif type.kind is Kind.BYTES:
        kind = Annotated[bytes, WithJsonSchema({"type": "string", "contentEncoding": "base64"})]
    elif python is Any:
        kind = annotation(type.maybe(False), Any)
    else:
        kind = python
    return Optional[kind] if type.nullable else kind  # noqa: UP045  # a value here
