"""Pieces of SQL that SQLAlchemy has no words for, and the names that both dialects share."""

from __future__ import annotations

import re
from typing import Any, TypeAlias

import sqlalchemy as sa
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.elements import Grouping

Term: TypeAlias = sa.ColumnElement[Any]
Condition: TypeAlias = sa.ColumnElement[bool]

_HOLE = re.compile(r"\{(\d)\}")


class Phrase(sa.ColumnElement[Any]):
    """A template of SQL: `{0}`, `{1}` stand for the operands, each in parentheses where it needs them."""

    inherit_cache = False
    leaf = False
    """Whether it stands for a column, and needs no parentheses."""

    def __init__(self, template: str, type: sa.types.TypeEngine[Any], *operands: Term) -> None:
        self.template, self.type, self.operands = template, type, operands

    def self_group(self, against: Any = None) -> Any:
        return Grouping(self)


@compiles(Phrase)
def _compile(phrase: Phrase, compiler: Any, **options: Any) -> str:
    # Odd parts are the numbers of operands. Processed where they stand: positional parameters follow the text.
    parts = _HOLE.split(phrase.template)
    for place in range(1, len(parts), 2):
        operand = phrase.operands[int(parts[place])]
        text = compiler.process(operand, **options)
        parts[place] = text if is_leaf(operand) or isinstance(operand, sa.Function | sa.Cast) else f"({text})"
    return "".join(parts)


def is_leaf(term: Term) -> bool:
    """Whether saying it twice costs nothing: a column or a parameter."""
    if isinstance(term, sa.Cast):
        return is_leaf(term.clause)
    if isinstance(term, Phrase) and term.leaf:
        return True
    return isinstance(term, sa.ColumnClause | sa.BindParameter | sa.True_ | sa.False_ | sa.Null)


def is_constant(term: Term) -> bool:
    """Whether it is one value for the whole statement, plainly."""
    return isinstance(term, sa.BindParameter | sa.True_ | sa.False_ | sa.Null)


def both(*conditions: Condition) -> Condition:
    """The conjunction; true of nothing."""
    if any(isinstance(condition, sa.False_) for condition in conditions):
        return sa.false()
    rest = [condition for condition in conditions if not isinstance(condition, sa.True_)]
    return sa.and_(*rest) if len(rest) > 1 else rest[0] if rest else sa.true()


def either(*conditions: Condition) -> Condition:
    """The disjunction; false of nothing."""
    if any(isinstance(condition, sa.True_) for condition in conditions):
        return sa.true()
    rest = [condition for condition in conditions if not isinstance(condition, sa.False_)]
    return sa.or_(*rest) if len(rest) > 1 else rest[0] if rest else sa.false()


def negated(condition: Condition) -> Condition:
    """NOT, which leaves NULL as it is. For values only: on a rail a comparison has its inverse instead."""
    if isinstance(condition, sa.True_ | sa.False_):
        return sa.false() if isinstance(condition, sa.True_) else sa.true()
    return Phrase("NOT {0}", sa.Boolean(), condition)


def once(operands: tuple[Term, ...], build: Any) -> Term:
    """`build(*operands)`, with operands that are more than a column computed once.

    Repeating them makes the text grow exponentially with depth. The sub-select is correlated and has one row.
    """
    if all(map(is_leaf, operands)):
        result: Term = build(*operands)
        return result
    inner = sa.select(*(term.label(f"v{place}") for place, term in enumerate(operands))).subquery("once")
    names = [sa.literal_column(f"once.v{place}", term.type) for place, term in enumerate(operands)]
    return sa.select(build(*names)).select_from(inner).scalar_subquery()
