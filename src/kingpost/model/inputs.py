"""Pydantic models derived from resources: what doors take in, and what the API says it gives out.

A form answers plain dicts: Python values by member, a to-one relation as the key of its target (a flat tuple), a
many-to-many one as a list of such keys, a nested one as a list of dicts. What was not given is not in them.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from decimal import Decimal
from functools import partial
from typing import Annotated, Any, Final, Literal, Optional, TypeAlias, Union, cast

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Discriminator,
    Field,
    GetCoreSchemaHandler,
    Tag,
    ValidationError,
    WithJsonSchema,
    WrapValidator,
    create_model,
)
from pydantic_core import CoreSchema, PydanticCustomError
from pydantic_core import core_schema as schemas

from kingpost.base.errors import Detail, Rejected
from kingpost.base.ids import uuid7
from kingpost.language.types import Kind, Type
from kingpost.model.annotations import Scope, understand
from kingpost.model.declaration import declaration
from kingpost.model.faults import BRANCH, details
from kingpost.model.model import ActionModel, Default, FieldModel, Model, RelationModel, ResourceModel
from kingpost.model.resource import Resource, serializer
from kingpost.model.scalars import CONFIG, annotation
from kingpost.model.state import changes, is_new, key_of, refer

Purpose: TypeAlias = Literal["create", "replace", "patch", "row", "changed"]
"""`row` and `changed` are for code: every stored member, all of them or those that changed."""

Key: TypeAlias = tuple[Any, ...]
_SUFFIX: Final[Mapping[Purpose, str]] = {
    "create": "In", "replace": "Replace", "patch": "Patch", "row": "Row", "changed": "Changed",
}  # fmt: skip
_NO_SCOPE: Final = Scope("", {}, {})
_PREFIX: Final = "m_"  # of Pydantic's own names, so that a member may be called `json` or `model_config`


class Form(BaseModel):
    """Base of everything that comes in."""

    model_config = CONFIG

    def plain(self) -> dict[str, Any]:
        """What was given, by member."""
        return {name.removeprefix(_PREFIX): getattr(self, name) for name in self.model_fields_set}


class Inputs:
    """The forms of one model, each made when it is first asked for."""

    def __init__(self, model: Model) -> None:
        self.model = model
        self._made: dict[tuple[str, str], type[Form]] = {}
        self._references: dict[str, Any] = {}
        self._outputs: dict[str, type[BaseModel]] = {}

    # ---------------------------------------------------------------------------------------------------------- taking

    def accept(self, resource: str, purpose: Purpose, data: object, at: tuple[str | int, ...] = ()) -> dict[str, Any]:
        """Check parsed JSON, or Python values, and answer Python values by member.

        Raises Rejected; `at` is where `data` is in what was sent. Defaults are not filled in.
        """
        return self._accept(self.form(resource, purpose), data, at)

    def arguments(self, resource: str, action: str, data: object) -> dict[str, Any]:
        """Check the inputs of an action. Raises Rejected."""
        return self._accept(self.action(resource, action), data, ())

    def check(self, instance: Resource) -> dict[str, Any]:
        """Check what a write of the instance would store: all of a new one, else its changes. Raises Rejected."""
        purpose: Purpose = "row" if is_new(instance) else "changed"
        name = self.model.classes[type(instance)]
        related = {n for n, r in self.model[name].relations.items() if r.kind == "many"}
        data = {member: value for member, value in changes(instance).items() if member not in related}
        return self.accept(name, purpose, data)

    @staticmethod
    def _accept(form: type[Form], data: object, at: tuple[str | int, ...]) -> dict[str, Any]:
        try:
            return form.model_validate(data).plain()
        except ValidationError as error:
            known = [field.alias or name for name, field in form.model_fields.items()]
            raise Rejected("KP422", "The input is not accepted", details(error, known, at)) from None

    # ----------------------------------------------------------------------------------------------------------- forms

    def form(self, resource: str, purpose: Purpose, without: str = "") -> type[Form]:
        """The form of a resource for a purpose; `without` one relation where it is nested in its target."""
        key = (resource, f"{purpose}:{without}")
        if key not in self._made:
            of = self.model[resource]
            members: dict[str, Any] = {}
            for field in of.fields.values():
                if _taken(field, purpose):
                    kind = annotation(field.type, field.python, field.constraints, field.precision)
                    members[field.name] = _member(field, kind, _optional(field.default, purpose))
            for relation in of.relations.values():
                if relation.name != without and _related(relation, purpose):
                    kind = self._relation(relation)
                    optional = relation.kind == "many" or _optional(relation.default, purpose)
                    members[relation.name] = _member(relation, kind, optional)
            name = f"{of.name}{_SUFFIX[purpose]}" + (f"Of{without.title()}" if without else "")
            self._made[key] = _create(name, members, of.help)
        return self._made[key]

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
            bare: Any = Annotated[self._key_part(of, of.key[0]), AfterValidator(_as_tuple), Tag(BRANCH + "key")]
            tagged = Annotated[Union[tagged, bare], Discriminator(_branch)]  # noqa: UP007  # a value here
        made = Annotated[tagged, WrapValidator(partial(_instance, of))]
        self._references[resource] = made
        return made

    def _key_part(self, of: ResourceModel, name: str) -> Any:
        if name in of.relations:
            return self.reference(of.relations[name].target)
        field = of.fields[name]
        return annotation(field.type, field.python, field.constraints, field.precision)

    def _relation(self, relation: RelationModel) -> Any:
        if relation.kind == "one":
            one = self.reference(relation.target)
            return Optional[one] if relation.nullable else one  # noqa: UP045  # a value here
        if relation.kind == "many":
            child: Any = self.form(relation.target, "create", without=relation.inverse or "")
            return list[Annotated[child, AfterValidator(Form.plain)]]
        return Annotated[list[self.reference(relation.target)], AfterValidator(_distinct)]  # type: ignore[misc]

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
        for field in of.fields.values():
            if field.access.readable:
                kind = _shown(field.type, field.python)
                info = _member(field, kind, not field.key)
                members[field.name] = info
        for relation in of.relations.values():
            if relation.access.readable:
                one: Any = relation.target if relation.kind == "one" else f"list[{relation.target!r}]"
                nullable = relation.kind == "one" and (relation.nullable or not relation.constrained)
                members[relation.name] = _member(relation, f"Optional[{one!r}]" if nullable else one, not relation.key)
        for computed in of.computed.values():
            if computed.access.readable and not computed.stored:
                members[computed.name] = _member(computed, _shown(computed.type, Any), True)
        fields: Any = {_PREFIX + name: value for name, value in members.items()}
        made: Any = create_model(of.name, __config__=ConfigDict(extra="forbid"), __doc__=of.help or None, **fields)
        return cast("type[BaseModel]", made)


# --------------------------------------------------------------------------------------------------------------- parts


def _create(name: str, members: Mapping[str, Any], words: str) -> type[Form]:
    fields: Any = {_PREFIX + member: value for member, value in members.items()}
    return create_model(name, __base__=Form, __doc__=words or None, **fields)


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
    if relation.kind == "many" and not relation.nested:
        return False
    return writable == "always" or (writable == "once" and purpose == "create")


def _optional(default: Default | None, purpose: Purpose) -> bool:
    return default is not None or purpose in ("patch", "changed")


def _branch(value: Any) -> str:
    return BRANCH + ("object" if isinstance(value, (dict, BaseModel)) else "key")


def _as_tuple(value: Any) -> Key:
    return value if isinstance(value, tuple) else (value,)  # pyright: ignore[reportUnknownVariableType]


def _flat(names: tuple[str, ...], form: Form) -> Key:
    return tuple(part for name in names for part in _as_tuple(getattr(form, _PREFIX + name)))


def _instance(of: ResourceModel, value: Any, handler: Callable[[Any], Any]) -> Any:
    if not isinstance(value, Resource):
        return handler(value)
    if type(value) is not of.cls:
        raise PydanticCustomError("kingpost.type", "must be another resource")
    return key_of(value)


def _distinct(keys: list[Key]) -> list[Key]:
    if len(set(keys)) != len(keys):
        raise PydanticCustomError("kingpost.duplicate", "must not name a row twice")
    return keys


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


# ------------------------------------------------------------------------------------------------------------- FastAPI


def core_schema(cls: type[Resource], handler: GetCoreSchemaHandler) -> CoreSchema:
    """How a resource serves as body and response of a custom endpoint. Raises TypeError: it is part of no App."""
    bound = declaration(cls).bound
    if bound is None:
        raise TypeError(f"{cls.__name__} is part of no App yet: build the App before endpoints that use its resources")
    form = bound.model.inputs.form(bound.resource.name, "create")

    def take(value: Any, inner: Callable[[Any], Any]) -> Any:
        return value if isinstance(value, cls) else instance(cls, cast(Form, inner(value)).plain())

    # What goes out is described as the output model, and written as whatever the serializer answers.
    output = handler.generate_schema(bound.model.inputs.output(bound.resource.name))
    given = schemas.lax_or_strict_schema(output, schemas.any_schema(), strict=False)
    return schemas.no_info_wrap_validator_function(
        take,
        handler.generate_schema(form),
        serialization=schemas.plain_serializer_function_ser_schema(serialize, return_schema=given),
    )


def instance(cls: type[Resource], values: Mapping[str, Any]) -> Resource:
    """A new instance from what a form answered."""
    bound = declaration(cls).bound
    assert bound is not None  # noqa: S101
    given = dict(values)
    nested: dict[str, list[Any]] = {}
    for name, relation in bound.resource.relations.items():
        if given.get(name) is None:
            continue
        target, via = bound.targets[name], f"{cls.__name__}.{name}"
        if relation.kind == "one":
            given[name] = refer(target, given[name], via=via)
        elif relation.kind == "linked":
            given[name] = [refer(target, key, via=via) for key in given[name]]
        else:
            nested[name] = given.pop(name)
    made = cls(**given)
    for name, children in nested.items():
        inverse = bound.resource.relations[name].inverse or ""
        made.__dict__[name] = [instance(bound.targets[name], {**child, inverse: None}) for child in children]
        for child in made.__dict__[name]:
            setattr(child, inverse, made)
    return made


def serialize(value: Any) -> Any:
    """An instance as plain values: by the app's serializer, else what no rule can forbid."""
    chosen = serializer.get()
    return value if not isinstance(value, Resource) else plain(value) if chosen is None else chosen(value)


def plain(value: Resource) -> dict[str, Any]:
    """Own loaded fields without a read rule, relations as keys: what may be shown without knowing who asks."""
    bound = declaration(type(value)).bound
    shown: dict[str, Any] = {}
    if bound is None:
        return shown
    of, loaded = bound.resource, value.__dict__
    for field in of.fields.values():
        open_to_all = field.access.readable and field.access.read is None and not field.personal
        if field.name in loaded and (field.key or open_to_all):
            shown[field.name] = loaded[field.name]
    for relation in of.relations.values():
        if relation.kind == "one" and relation.name in loaded and relation.access.readable and not relation.access.read:
            target = loaded[relation.name]
            shown[relation.name] = None if target is None else _named(target)
    return shown


def _named(target: Resource) -> dict[str, Any]:
    key: dict[str, Any] = {}
    for name in declaration(type(target)).key:
        part = target.__dict__[name]
        key[name] = _named(part) if isinstance(part, Resource) else part
    return key


def fill(
    model: Model, resource: str, values: Mapping[str, Any], *, actor: Key | None, new_key: Callable[[], Any]
) -> dict[str, Any]:
    """The values, with defaults for members not there. Raises Rejected where the actor is one and nobody acts."""
    of, filled = model[resource], dict(values)
    members: list[FieldModel | RelationModel] = [*of.fields.values(), *of.relations.values()]
    for member in members:
        default = member.default
        if default is None or member.name in filled:
            continue
        if default.kind == "value":
            filled[member.name] = default.value
        elif default.kind == "factory":
            filled[member.name] = new_key() if default.value is uuid7 else default.value()
        elif actor is not None:
            filled[member.name] = actor
        elif not isinstance(member, FieldModel) and member.nullable:
            filled[member.name] = None
        else:
            fault = Detail(f"/{member.name}", "required", "must be given, as nobody is logged in")
            raise Rejected("KP422", "The input is not accepted", (fault,))
    return filled
