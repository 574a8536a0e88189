"""`in`: membership in values written out, or in one list parameter."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import sqlalchemy as sa

from kingpost.language.tree import Compare, Const, Expression, In, IsNone, Param
from kingpost.language.types import BOOL, NONE, Kind, Type
from kingpost.stores.sql.phrases import Condition, Term, both, either, negated
from kingpost.stores.sql.stored import Read, Stored, alike, bare

if TYPE_CHECKING:
    from kingpost.stores.sql.translation.translator import Translator
    from kingpost.stores.sql.value import Value

PLAIN = (Kind.TEXT, Kind.INT, Kind.UUID, Kind.ENUM, Kind.DATETIME, Kind.DATE)


def among(t: Translator, node: In, wanted: bool) -> Condition:
    """Surely in, or surely not in. Never NOT IN alone: it is NULL for None, and where a None is in the list."""
    if isinstance(node.options, Param):
        return _in_parameter(t, node.item, node.options, wanted)
    constants = [option for option in node.options if isinstance(option, Const)]
    if len(constants) == len(node.options) > 1 and _alike(node.item, constants):
        return _in_constants(t, node.item, constants, wanted)
    if not node.options:
        return both(*t.value(node.item).defined) if not wanted else sa.false()
    pairs = [t.rail(_same(node.item, option), wanted) for option in node.options]
    return either(*pairs) if wanted else both(*pairs)


def _same(item: Expression, option: Expression) -> Expression:
    if isinstance(option, Const) and option.value is None:
        return IsNone(item)
    return Compare("==", item, option)


def _alike(item: Expression, constants: list[Const]) -> bool:
    return item.type.kind in PLAIN and all(c.value is None or c.type.kind is item.type.kind for c in constants)


def _in_constants(t: Translator, item: Expression, constants: list[Const], wanted: bool) -> Condition:
    value = t.value(item)
    terms = [t.const(constant.value, constant.type) for constant in constants if constant.value is not None]
    with_none = len(terms) < len(constants)
    pairs = [alike(value.term, term) for term in terms]
    column, terms = pairs[0][0], [term for _, term in pairs]
    if wanted:
        found = column.in_(terms)
        return either(found, _none(value)) if with_none and value.type.nullable else found
    missing = column.not_in(terms)
    return missing if with_none or not value.type.nullable else either(missing, _none(value))


def _none(value: Value) -> Condition:
    return both(value.is_null(), *value.defined)


# ------------------------------------------------------------------------------------------------------- list parameter


def _in_parameter(t: Translator, item: Expression, options: Param, wanted: bool) -> Condition:
    element = options.type.element or NONE
    value = t.value(item)
    types, forms = _types(t, item.type, element), _forms(value)
    terms = value.terms if forms is None else tuple(map(bare, value.terms))
    lists = [_bind_list(t, options, place, types, forms) for place in range(len(t.dialect.list_form(types, forms)))]
    found = t.dialect.among(terms, types, lists, forms)
    # Nones are left out of the list that is bound; whether there was one is a parameter of its own.
    may_be_none = value.type.nullable
    has_none = t.param(options, BOOL, _has_none, "None") if may_be_none else sa.false()
    if wanted:
        return either(found, both(_none(value), has_none == sa.true())) if may_be_none else found
    missing = both(negated(found), *value.defined)  # defined: nothing, not even NULL, is in an empty list
    if not may_be_none:
        return missing
    return either(both(missing, value.not_null()), both(_none(value), has_none == sa.false()))


def _types(t: Translator, item: Type, element: Type) -> tuple[Type, ...]:
    """What the items of the list are, part by part, in the form of what they are compared with."""
    if item.kind is Kind.REFERENCE:
        return tuple(column.type for column in t.shared.key_columns(item.name or element.name))
    return (item,)


def _forms(value: Value) -> tuple[Stored | None, ...] | None:
    """How the items are stored, where they can be looked for in a list as they are; None: in our own form."""
    forms = tuple(term.form if isinstance(term, Read) else None for term in value.terms)
    fitting = all(form is None or (form.exact and form.listed) for form in forms)
    return forms if fitting and any(form is not None for form in forms) else None


def _bind_list(
    t: Translator, options: Param, place: int, types: tuple[Type, ...], forms: tuple[Stored | None, ...] | None
) -> Term:
    make, type = t.dialect.list_form(types, forms)[place]
    scalar = len(types) == 1

    def bind(params: Any) -> Any:
        rows = [item for item in params[options.name] if item is not None]
        return make([(item,) for item in rows] if scalar else rows)

    return t.shared.binds.add((options.name, "list", place, types, forms), bind, type)


def _has_none(items: Any) -> bool:
    return any(item is None for item in items)
