"""Every disagreement between CPython and a store that there was, as the shortest expression that shows it."""

from __future__ import annotations

FOUND = {
    "an aggregate of outer columns alone is one of the outer query": "sum(self.id for v in self.visits) < self.id",
    "NULL of a chosen first operand is None": (
        "(min(((self.id + self.id) for v in self.visits), default=self.city.size) and self.score) in (self.id,)"
    ),
    "NOT binds closer than AND": "'Ada'.endswith(self.name)",
    "a constant is no place of a column in ORDER BY": "((self.joined if self.joined is not None else now()) is None)",
    "an overflow is not told as a text too long": "(self.id + self.score) == (self.id + self.age)",
    "the first instant is not -infinity": "(self.joined + timedelta(days=1)) is None",
    "the value of `or` may be unknown though its truth is known": "self.score in (self.boss.age or self.id, None)",
    "`not` over a value of `or`": "not (self.name if self.active else (self.boss.nick or self.name))",
    "a difference added back crosses a change of the clock": "self.joined + (self.left - self.joined) == self.left",
    "zero is not divided by": "self.score != 0 and 10 // self.score < 3",
    "the default of min() may have more places than its elements": (
        "max((Decimal('1.5') for v in self.visits), default=self.balance) > 2"
    ),
    "a captured Decimal has as many places as it has": "self.balance > PRICE",
    "a captured Decimal is computed with": "self.balance + CONFIG.fee > PRICE",
    "one value or another, of different places": "(self.credit or PRICE) > 2",
    "a Decimal finer than the column needs no other scale": "self.balance < Decimal('1.505')",
    "a Decimal larger than all 64 bits is larger than all": "self.balance < Decimal('1e30')",
    "no balance has so many places": "self.balance == Decimal('1.505')",
    "a rounded float has all its digits": "round(self.weight if self.weight is not None else self.ratio) > 0",
    "rows are grouped by what looks at other rows": "sum(v.n for v in self.visits)",
    "an embedded value inside another is there or not": (
        "self.office.room is not None and self.office.room.number > 3"
    ),
    "infinity times zero is unknown": "(0 * (1 / self.ratio)) is None",
    "infinities of both signs have no sum": (
        "sum((1 / v.person.ratio if v.n else -1 / v.person.ratio) for v in self.visits) < 1.5"
    ),
    "`or` of bools is a condition wherever it stands": "(self.boss.active or self.active) == self.active",
    "what is known of an item is not in SQL, and so no column of it": (
        "max((0 if v.id is not None else self.score for v in self.visits), default=0) == 0"
    ),
    "a hidden value is not different from what is unknown": "me.score != (self.age if self.active else None)",
    "an average may be larger than a float": "round(self.weight) * round(self.weight)",
}

TYPES = {"rows are grouped by what looks at other rows": "int", "an average may be larger than a float": "int"}
"""Of those that are no conditions."""
