"""Arithmetic of instants, dates and durations. Durations are whole microseconds in every dialect."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kingpost.base.errors import Unsupported
from kingpost.language.tree import Arithmetic, Call, Expression, Negative
from kingpost.language.types import FLOAT, Kind
from kingpost.language.unknown import beyond_durations
from kingpost.stores.sql.phrases import Phrase, Term

if TYPE_CHECKING:
    from kingpost.stores.sql.translation.translator import Translator

MOMENTS = (Kind.DATETIME, Kind.DATE)


def arithmetic(t: Translator, node: Arithmetic) -> Term:
    """`+ - * / // %` where a duration, an instant or a date has a part in it."""
    left, right = node.left.type.kind, node.right.type.kind
    match node.op, left, right:
        case "+", Kind.DURATION, Kind.DATETIME | Kind.DATE:
            return _shifted(t, node, node.right, node.left)
        case "+" | "-", Kind.DATETIME | Kind.DATE, Kind.DURATION:
            return _shifted(t, node, node.left, node.right)
        case "-", Kind.DATETIME, Kind.DATETIME:
            return t.dialect.elapsed(*_terms(t, node))
        case "-", Kind.DATE, Kind.DATE:
            return t.dialect.elapsed_dates(*_terms(t, node))
        case "+" | "-" | "*", _, _ if node.type.kind is Kind.DURATION:
            return bounded(t, node, _computed(t, node))
        case "//" | "%", Kind.DURATION, _:
            a, b = (t.dialect.integer(term) for term in _terms(t, node))
            divide = t.dialect.floor_divide if node.op == "//" else t.dialect.modulo
            found = t.once((node.left, node.right), (a, b), divide)
            return bounded(t, node, found) if beyond_durations(node) else found
        case "/", Kind.DURATION, Kind.DURATION if node.type == FLOAT:
            a, b = (t.dialect.real(term) for term in _terms(t, node))
            return t.dialect.divide(a, b)
        case _:
            raise Unsupported("KP304", f"{node.left.type} {node.op} {node.right.type} is not known to SQL stores")


def negative(t: Translator, node: Negative) -> Term:
    """A duration with the other sign."""
    term = t.dialect.integer(t.value(node.operand).term)
    return bounded(t, node, Phrase("-{0}", term.type, term))


def bounded(t: Translator, node: Negative | Arithmetic | Call, term: Term, *, shifting: bool = False) -> Term:
    """A computed duration, NULL where it is one that `timedelta` does not have."""
    if not beyond_durations(node):
        return t.dialect.exact(term)
    return t.once((node,), (term,), t.dialect.far_shift if shifting else t.dialect.duration)


def _computed(t: Translator, node: Arithmetic) -> Term:
    a, b = (t.dialect.integer(term) for term in _terms(t, node))
    return Phrase(f"{{0}} {node.op} {{1}}", a.type, a, b)


def _terms(t: Translator, node: Arithmetic) -> tuple[Term, Term]:
    return t.value(node.left).term, t.value(node.right).term


def _shifted(t: Translator, node: Arithmetic, moment: Expression, by: Expression) -> Term:
    """An instant or a date, a duration later or earlier."""
    term = t.value(moment).term
    if isinstance(by, Arithmetic) and by.op == "*":
        duration = bounded(t, by, _computed(t, by), shifting=True)
    else:
        duration = t.value(by).term
    shift = t.dialect.shift_date if moment.type.kind is Kind.DATE else t.dialect.shift

    def moved(start: Term, by: Term) -> Term:
        return shift(start, by, node.op)

    return t.once((moment, by), (term, duration), moved)
