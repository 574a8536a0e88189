"""Text: its functions and tests, by code point."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import sqlalchemy as sa

from kingpost.base.errors import Unsupported
from kingpost.language.tree import Call, Const, Field, Param, Slice
from kingpost.language.types import TEXT, Kind
from kingpost.stores.sql.phrases import Condition, Phrase, Term, both, either, negated
from kingpost.stores.sql.translation import numbers

if TYPE_CHECKING:
    from kingpost.stores.sql.translation.translator import Translator

SPACES = (
    "\t\n\v\f\r\x1c\x1d\x1e\x1f \x85\xa0\u1680\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a"
    "\u2028\u2029\u202f\u205f\u3000"
)
"""What `str.strip` takes off: 29 characters, of which a database's own `trim` knows one."""

LAST = "\U0010ffff"
BEYOND = LAST * 1000
"""Stands for "no upper end" where a prefix known only at run time has no successor (it is "", or all U+10FFFF, which is
no character). Without it the condition would have to be an OR, which uses no index."""

ENDLESS = 2**31 - 2
"""A longer text than any."""


def call(t: Translator, node: Call) -> Term:
    """A function that answers a text or a number."""
    match node.function:
        case "lower" | "upper" | "casefold":

            def cased(text: Term) -> Term:
                return t.dialect.casing(node.function, text)

            return _once(t, node, cased)
        case "strip":
            return t.dialect.strip(t.value(node.arguments[0]).term, t.const(SPACES, TEXT))
        case "length":
            return _length(t, node)
        case "abs" | "round":
            return numbers.function(t, node)
        case _:
            raise Unsupported("KP304", f"{node.function} is not known to SQL stores")


def _length(t: Translator, node: Call) -> Term:
    (operand,) = node.arguments
    term = t.value(operand).term
    match operand.type.kind:
        case Kind.TEXT:
            return t.dialect.length(term)
        case Kind.BYTES:
            return t.dialect.byte_length(term)
        case _:
            raise Unsupported("KP304", f"len() of a {operand.type} can't be asked of this store")


def _once(t: Translator, node: Call, build: Callable[..., Term]) -> Term:
    return t.once(node.arguments, tuple(t.value(argument).term for argument in node.arguments), build)


# ---------------------------------------------------------------------------------------------------------------- tests


def test(t: Translator, node: Call, wanted: bool) -> Condition:
    """`startswith`, `endswith` and `in`."""
    text, part = node.arguments
    match node.function:
        case "startswith" if isinstance(text, Field) and isinstance(part, Const | Param) and not part.type.nullable:
            return _prefix(t, text, part, wanted)
        case "startswith":
            found = _once(t, node, t.dialect.starts)
        case "endswith":
            found = _once(t, node, t.dialect.ends)
        case "contains":
            found = t.dialect.contains(t.value(text).term, t.value(part).term)
        case _:
            raise Unsupported("KP304", f"{node.function} is not known to SQL stores")
    return found if wanted else negated(found)


def _prefix(t: Translator, text: Field, prefix: Const | Param, wanted: bool) -> Condition:
    """As a range, the only form that uses an index in prepared statements too."""
    term = t.value(text).term
    low = t.value(prefix).term
    if isinstance(prefix, Const):
        end = successor(str(prefix.value))
        if end is None:
            return term >= low if wanted else term < low
        high = t.const(end, TEXT)
    else:
        high = t.param(prefix, TEXT, lambda value: None if value is None else successor(value) or BEYOND, "successor")
    return both(term >= low, term < high) if wanted else either(term < low, term >= high)


def successor(prefix: str) -> str | None:
    """The lowest text above all that start with `prefix`; None if there is none."""
    kept = prefix.rstrip(LAST)
    if not kept:
        return None
    last = ord(kept[-1]) + 1
    return kept[:-1] + chr(0xE000 if last == 0xD800 else last)  # surrogates are no characters


# --------------------------------------------------------------------------------------------------------------- slices


def part(t: Translator, node: Slice) -> Term:
    """`text[start:stop]`, ends clamped as Python does."""
    text = t.value(node.operand).term
    start, stop = node.start or 0, node.stop
    if start >= 0 and (stop is None or stop >= 0):
        return _substring(
            t, text, str(min(start, ENDLESS)), None if stop is None else str(max(min(stop, ENDLESS) - start, 0))
        )

    def taken(found: Term) -> Term:
        return _from_the_end(t, found, start, stop)

    return t.once((node.operand,), (text,), taken)


def _from_the_end(t: Translator, text: Term, start: int, stop: int | None) -> Term:
    length = t.dialect.length(text)

    def clamped(end: int) -> Term:
        if end >= 0:
            return sa.literal_column(str(min(end, ENDLESS)), sa.Integer())
        return t.dialect.at_least_zero(Phrase(f"{{0}} - {min(-end, ENDLESS)}", sa.Integer(), length))

    first = clamped(start)
    if stop is None:
        return Phrase("substr({0}, {1} + 1)", sa.Text(), text, first)
    size = t.dialect.at_least_zero(Phrase("{0} - {1}", sa.Integer(), clamped(stop), first))
    return Phrase("substr({0}, {1} + 1, {2})", sa.Text(), text, first, size)


def _substring(t: Translator, text: Term, start: str, size: str | None) -> Term:
    template = f"substr({{0}}, {start} + 1)" if size is None else f"substr({{0}}, {start} + 1, {size})"
    return Phrase(template, sa.Text(), text)
