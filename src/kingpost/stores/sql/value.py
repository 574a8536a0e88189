"""A value as SQL has it."""

from __future__ import annotations

from dataclasses import dataclass

import sqlalchemy as sa

from kingpost.language.types import Type
from kingpost.stores.sql.phrases import Condition, Term
from kingpost.stores.sql.stored import bare


@dataclass(frozen=True, slots=True)
class Value:
    """A translated value: one term, or several for a reference by a composite key.

    The terms are NULL where the value is None and where it is unknown; the two are told apart by `defined`, conditions
    that all hold where the value is known. They say nothing else, and there are none where it always is.
    """

    terms: tuple[Term, ...]
    type: Type
    defined: tuple[Condition, ...] = ()

    @property
    def term(self) -> Term:
        """The only term."""
        (term,) = self.terms
        return term

    def is_null(self) -> Condition:
        """None or unknown. A composite key of which a part is missing refers to nothing."""
        return sa.or_(*(bare(term).is_(sa.null()) for term in self.terms))

    def not_null(self) -> Condition:
        """Neither None nor unknown."""
        return sa.and_(*(bare(term).is_not(sa.null()) for term in self.terms))
