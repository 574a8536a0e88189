"""Between what forms answer and instances of declared classes: bodies of custom endpoints, defaults, plain values."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final, cast

from pydantic import GetCoreSchemaHandler
from pydantic_core import CoreSchema
from pydantic_core import core_schema as schemas

from kingpost.base.errors import Detail, Rejected
from kingpost.base.ids import uuid7
from kingpost.base.problems import DeclarationError, Problem
from kingpost.language.types import Kind
from kingpost.model.declaration import declaration
from kingpost.model.inputs import Form
from kingpost.model.inputs_keys import Key
from kingpost.model.model import FieldModel, Model, RelationModel
from kingpost.model.resource import Resource, serializer
from kingpost.model.state import refer

_SHOWN: Final = 80  # characters of a value that is not admitted


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
    """The values, with defaults for members not there; what the store makes is left out.

    Raises Rejected where the actor is a default and nobody acts, DeclarationError where a factory gives what its member
    does not admit.
    """
    filled = dict(values)
    from_factories: dict[str, Any] = {}
    for member in model[resource].defaulted:
        default = member.default
        if default is None or member.name in filled:
            continue
        if default.kind == "value":
            filled[member.name] = default.value
        elif default.kind == "factory":
            if default.value is uuid7:
                filled[member.name] = new_key()
            elif isinstance(member, RelationModel) and member.kind != "one":
                filled[member.name] = default.value()
            else:
                from_factories[member.name] = default.value()
        elif actor is not None:
            filled[member.name] = actor
        elif not isinstance(member, FieldModel) and member.nullable:
            filled[member.name] = None
        else:
            fault = Detail(f"/{member.name}", "required", "must be given, as nobody is logged in")
            raise Rejected("KP422", "The input is not accepted", (fault,))
    if from_factories:
        filled.update(_admitted(model, resource, from_factories))
    return filled


def _admitted(model: Model, resource: str, made: dict[str, Any]) -> dict[str, Any]:
    """What factories made, checked as what code gives. Whoever wrote the row can't help it: it is a bad declaration."""
    try:
        return model.inputs.accept(resource, "changed", made)
    except Rejected as error:
        raise DeclarationError([_wrong(model, resource, made, fault) for fault in error.details]) from None


def _wrong(model: Model, resource: str, made: Mapping[str, Any], fault: Detail) -> Problem:
    name = next(name for name in made if f"{fault.pointer}/".startswith(f"/{name}/"))
    owner, cls = model[resource].owner(name), model[resource].cls
    said = repr(made[name])
    said = said if len(said) <= _SHOWN else f"{said[:_SHOWN]}…"
    message = f"{resource}.{name}: the default_factory made {said}, and the value {fault.message}"
    instant = isinstance(owner, FieldModel) and owner.type.kind is Kind.DATETIME
    remedy = "field(default_factory=now)" if instant else "a default_factory that makes what the member admits"
    return Problem("KM209", message, remedy, None if cls is None else declaration(cls).place(name))
