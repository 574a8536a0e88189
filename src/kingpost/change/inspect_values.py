"""How types and defaults of columns are written in Python."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal, InvalidOperation
from typing import Final

from kingpost.language.types import Kind, Type
from kingpost.stores.sql.catalog import RealColumn
from kingpost.stores.sql.checks import without_casts
from kingpost.stores.sql.existing import Held
from kingpost.stores.sql.sql_text import Token, tokens

MODULES: Final = {
    Kind.DATETIME: ("datetime", "datetime"), Kind.DATE: ("datetime", "date"), Kind.TIME: ("datetime", "time"),
    Kind.DURATION: ("datetime", "timedelta"), Kind.DECIMAL: ("decimal", "Decimal"), Kind.UUID: ("uuid", "UUID"),
    Kind.JSON: ("kingpost", "Json"),
}  # fmt: skip
"""Where types come from that are not built in."""

_BUILT_IN: Final = {
    Kind.BOOL: "bool", Kind.INT: "int", Kind.FLOAT: "float", Kind.TEXT: "str", Kind.BYTES: "bytes",
}  # fmt: skip


def quoted(text: str) -> str:
    """A text as Python has it, in double quotes where that needs no more strokes."""
    shown = repr(text)
    return f'"{shown[1:-1]}"' if shown[0] == "'" and '"' not in text else shown


def python_type(type: Type, names: Mapping[Kind, str]) -> str:
    """The annotation of a type, without None. `names`: of types that are not built in."""
    if type.choices:
        return f"Literal[{', '.join(shown_choices(type))}]"
    if type.kind is Kind.LIST:
        element = type.element or Type(Kind.TEXT)
        return f"list[{python_type(element, names)}{' | None' if element.nullable else ''}]"
    return _BUILT_IN.get(type.kind) or names[type.kind]


def shown_choices(type: Type) -> list[str]:
    """The values of a Literal."""
    return [quoted(one) if isinstance(one, str) else str(one) for one in type.choices]


def default_of(column: RealColumn, held: Held) -> str | None:
    """The default in Python: a constant, `generated` for what only the database can make; None: there is none."""
    if not column.default:
        return "None" if column.nullable else None
    pieces = without_casts(tokens(column.says))
    while len(pieces) > 2 and pieces[0].says("(") and pieces[-1].says(")"):
        pieces = pieces[1:-1]
    negative = len(pieces) == 2 and pieces[0].says("-") and pieces[1].kind == "number"
    if column.made or not (len(pieces) == 1 or negative):
        return "generated"
    found = _constant(pieces[-1], held, negative=negative)
    return ("None" if column.nullable else "generated") if found is None else found


def _constant(token: Token, held: Held, *, negative: bool) -> str | None:
    """None for NULL."""
    text = f"-{token.value}" if negative else token.value
    word = token.kind == "word"
    if word and text.upper() == "NULL":
        return None
    match held.type.kind:
        case Kind.BOOL if text.lower() in ("0", "1", "t", "f", "true", "false"):
            return str(text.lower() in ("1", "t", "true"))
        case Kind.INT if not word and text.removeprefix("-").isdecimal():
            return text if not held.type.choices or int(text) in held.type.choices else "generated"
        case Kind.FLOAT | Kind.DECIMAL if not word and _number(text) is not None:
            return repr(float(text)) if held.type.kind is Kind.FLOAT else _decimal(text, held.type)
        case Kind.TEXT if token.kind == "text" and (held.length is None or len(text) <= held.length):
            return quoted(text) if not held.type.choices or text in held.type.choices else "generated"
        case _:
            return "generated"


def _number(text: str) -> Decimal | None:
    try:
        return Decimal(text)
    except InvalidOperation:
        return None


def _decimal(text: str, type: Type) -> str:
    number = Decimal(text)
    exponent = number.as_tuple().exponent
    fits = isinstance(exponent, int) and -exponent <= (type.places or 0)
    return f'Decimal("{number}")' if fits else "generated"


def bounds_of(held: Held) -> dict[str, str]:
    """The options that bound a number."""
    if held.type.choices:
        return {}
    found: dict[str, str] = {}
    for option, text in held.bounds:
        number = _number(text)
        if number is None or option in found:
            continue
        if held.type.kind is Kind.INT and number == number.to_integral_value():
            found[option] = str(int(number))
        elif held.type.kind is Kind.FLOAT:
            found[option] = repr(float(number))
        elif held.type.kind is Kind.DECIMAL:
            found[option] = f'Decimal("{number}")'
    return found
