"""Which conditions let an index of the column be entered, and where: the table of the language reference."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Kept = Literal["both", "SQLite", "PostgreSQL", "neither"]


@dataclass(frozen=True)
class Form:
    """A condition on a person, as text; `column`: of whose index it is."""

    words: str
    text: str
    column: str
    kept: Kept = "both"


FORMS = (
    Form("`==` with a value", "self.score == 3", "score"),
    Form("`==` of what may be None", "self.age == 3", "age"),
    Form("order", "self.age < 9", "age"),
    Form("order, the other way round", "9 > self.age", "age"),
    Form("chain", "1 < self.score < 9", "score"),
    Form("`not` of an order", "not (self.age < 9)", "age"),
    Form("`is None`", "self.age is None", "age"),
    Form("`in`", "self.age in (1, 2)", "age"),
    Form("`in`, with None among them", "self.age in (1, None)", "age"),
    Form("`in` a captured list", "self.score in NUMBERS", "score"),
    Form("`or` of conditions that each keep one", "self.score == 3 or self.score == 5", "score"),
    Form("`and` with one that keeps it", "self.score == 3 and len(self.name) == 3", "score"),
    Form("a `bool`", "self.active", "active"),
    Form("`not` of a `bool`", "not self.active", "active"),
    Form("`startswith` with a constant", "self.name.startswith('Ad')", "name"),
    Form("an instant", "self.joined < now()", "joined"),
    Form("an instant, with arithmetic on the other side", "self.joined < now() - timedelta(days=1)", "joined"),
    Form("a `Decimal`", "self.balance == Decimal('1.50')", "balance"),
    Form("a number, with arithmetic on the other side", "self.score < LIMIT + 1", "score"),
    Form("a relation to one, compared with the actor", "self.home == me.home", "home_id"),
    Form("the key of a relation to one", "self.home.id == 3", "home_id"),
    Form("a value that a right hides", "(self.age if self.vip is True else None) == 3", "age"),
    Form("`any` over a relation, per row", "self.id == 3 and any(v.n == 3 for v in self.visits)", "person_id"),
    Form("`len` of a relation, per row", "len(self.visits) > 2", "person_id"),
    Form("`!=`", "self.age != 3", "age", "neither"),
    Form("`not in`", "self.age not in (1, 2)", "age", "neither"),
    Form("arithmetic on the column", "self.score + 1 == 4", "score", "neither"),
    Form("a date moved on the column's side", "self.joined + timedelta(days=1) < now()", "joined", "neither"),
    Form("a function of the column", "self.name.lower() == 'ada'", "name", "neither"),
    Form("`endswith`", "self.name.endswith('a')", "name", "neither"),
    Form("`in` a text", "'da' in self.name", "name", "neither"),
    Form("`len` of a text", "len(self.name) == 3", "name", "neither"),
    Form("one value or another", "(self.age or self.score) == 3", "age", "neither"),
    Form("`or` with one that keeps none", "self.score == 3 or len(self.name) == 3", "score", "neither"),
)
