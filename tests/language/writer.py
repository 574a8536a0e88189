"""Writes expressions by chance: typed Python source text over the test domain.

Where chance comes from is for the caller to say: Hypothesis, which shrinks, or a seed, which is a hundred times faster.

    writer = Writer(random.Random(7).randint, actor=True)
    writer.write("bool", depth=4)                # 'self.boss is not None and self.boss.age > 3'

`writer_forms.py` has the forms of each type.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from types import SimpleNamespace
from typing import Any, TypeAlias
from uuid import UUID
from zoneinfo import ZoneInfo

from kingpost.language.builtins import now
from kingpost.language.schema import Scalar, ToOne
from kingpost.language.types import BOOL, DATETIME, DURATION, FLOAT, INT, TEXT, Kind, Type
from tests.language import writer_forms
from tests.language.domain import DATE, DECIMAL, RESOURCES, Status, date

Chance: TypeAlias = Callable[[int, int], int]
"""A number from the first to the last, both among them."""

GLOBALS: dict[str, Any] = {
    "now": now,
    "datetime": datetime,
    "date": date,
    "timedelta": timedelta,
    "UTC": UTC,
    "Decimal": Decimal,
    "UUID": UUID,
    "Status": Status,
    "LIMIT": 3,
    "WORD": "Ada",
    "SOME": ["Ada", "a", None],
    "NUMBERS": (0, 3, 2**53 + 1),
    "SINCE": datetime(2026, 3, 28, 1, 0, tzinfo=UTC),
    # Behind the gap of the night in which clocks go forward. For comparisons: CPython adds to it by the clock on the
    # wall, and the language to the instant that it is.
    "LOCAL": datetime(2026, 3, 29, 3, 0, tzinfo=ZoneInfo("Europe/Amsterdam")),
    "PRICE": Decimal("2.5"),
    "SHARE": 0.1,
    "WHILE": timedelta(days=1, microseconds=-1),
    "DAY": date(2026, 3, 29),
    "KEY": UUID(int=0),
    "MOOD": Status.LIVE,
    "CONFIG": SimpleNamespace(
        limit=2**31, word="", since=datetime(1, 1, 1, tzinfo=UTC), share=1.5, fee=Decimal("0.01")
    ),
}
"""What the module of the written functions holds."""

LITERALS = {
    "int": ["0", "1", "-1", "2", "3", "18", "2**53 + 1", "9007199254740993", "2147483648", "4611686018427387904"],
    "small": ["0", "1", "-1", "2", "3", "7"],
    "text": ["''", "'a'", "'A'", "'ada'", "'Ada'", "'ß'", "'%'", "'_'", "' '", "'\\\\'", "'é'", "'\U0010ffff'", "'ab'"],
    "datetime": ["datetime(2026, 3, 29, 1, tzinfo=UTC)", "datetime(1970, 1, 1, tzinfo=UTC)"],
    "duration": ["timedelta(days=1)", "timedelta(hours=1)", "timedelta(microseconds=1)", "timedelta(days=-400)"],
    "decimal": ["Decimal('0.00')", "Decimal('1.5')", "Decimal('2.50')", "3", "Decimal('-0.01')"],
    "float": ["0.5", "1.5", "2.0", "-1.0", "0.1", "5e-324", "1e300"],
    "date": ["date(2026, 3, 29)", "date(1, 1, 1)", "date(9999, 12, 31)"],
}
CAPTURED = {
    "int": ["LIMIT", "CONFIG.limit"],
    "small": ["LIMIT"],
    "text": ["WORD", "CONFIG.word"],
    "datetime": ["SINCE", "CONFIG.since"],
    "duration": ["WHILE"],
    "decimal": ["PRICE", "CONFIG.fee"],
    "float": ["SHARE", "CONFIG.share"],
    "date": ["DAY"],
}
TYPES = {
    "bool": BOOL,
    "int": INT,
    "small": INT,
    "text": TEXT,
    "datetime": DATETIME,
    "duration": DURATION,
    "decimal": DECIMAL,
    "float": FLOAT,
    "date": DATE,
}
"""The types that are written about. `small`: integers of which every store makes the same quotient."""

_INSTEAD = {
    "bool": "False",
    "int": "3",
    "text": "'a'",
    "datetime": "now()",
    "duration": "timedelta(hours=1)",
    "date": "date(2026, 3, 29)",
    "float": "1.5",
    "decimal": "Decimal('1.50')",
}


class Writer:
    """Writes one expression. A family of forms per type; each draws its parts from one level below.

    `rows` are the names of rows in sight with their resources. A careful writer tests for None first, as declared
    functions must; `tested` are the fields that have been. `rough`: what was written is a float whose last digits
    differ from store to store.
    """

    def __init__(
        self, chance: Chance, *, without: Collection[str] = (), actor: bool = False, careful: bool = False
    ) -> None:
        self.draw = chance
        self.without = without
        self.careful = careful
        self.tested: list[str] = []
        self.actor = actor
        self.rows: list[tuple[str, str]] = [("self", "Person")]
        if actor and not careful:  # a careful writer has `me` in sight only where it is not None
            self.rows.append(("me", "Person"))
        self.serial = 0
        self.rough = False

    def pick(self, options: Sequence[Any]) -> Any:
        return options[self.draw(0, len(options) - 1)]

    def chance(self, percent: int) -> bool:
        return self.draw(0, 99) >= 100 - percent

    def write(self, type: str, depth: int) -> str:
        """An expression of a type of `TYPES`, at most `depth` levels deep."""
        forms = writer_forms.forms(self, type, depth) if depth > 0 else []
        if not forms or self.chance(25 if depth < 3 else 8):
            return self.leaf(type)
        form: Callable[[], str] = self.pick(forms)
        return form()

    def leaf(self, type: str) -> str:
        if type != "bool" and self.chance(15):
            return self.literal(type)
        if type == "datetime" and "now" not in self.without and self.chance(20):
            return "now()"
        if "captured" not in self.without and type in CAPTURED and self.chance(8):
            return str(self.pick(CAPTURED[type]))
        if type == "small":
            return str(self.pick([f"{self.row('Person')[0]}.level", f"len({self.row('Person')[0]}.visits)"]))
        return self.column(type)

    def literal(self, type: str) -> str:
        return str(self.pick(LITERALS[type]))

    # ---------------------------------------------------------------------------------------------------- rows, columns

    def row(self, resource: str | None = None) -> tuple[str, str]:
        """A row, perhaps a step or two away, with its resource."""
        text, found = self.pick(self.rows[-2:] if self.chance(70) else self.rows)
        for _ in range(3):
            if (resource is None or found == resource) and not self.chance(35):
                return text, found
            steps = [(n, a) for n, a in RESOURCES[found].items() if isinstance(a, ToOne)]
            if self.careful and not (steps := [step for step in steps if not step[1].nullable]):
                break
            name, relation = self.pick(steps)
            found = relation.resource
            text = f"{text}.{name}"
        if resource is not None and found != resource:
            return "self", resource
        return text, found

    def column(self, type: str) -> str:
        """A field of about this type, or a member of one: often one that may be None."""
        text, resource = self.row()
        if not (fits := COLUMNS[resource, TYPES[type].kind]):
            text, resource = "self", "Person"
            fits = COLUMNS[resource, TYPES[type].kind]
        path, may_be_none, through_none = self.pick(fits)
        column = f"{text}.{path}"
        if not self.careful or column in self.tested or not (may_be_none or through_none):
            return column
        if type == "bool" and not through_none:
            return column
        test = f"{column} is not None"
        if through_none:
            test = f"{text}.{path.partition('.')[0]} is not None" + (f" and {test}" if may_be_none else "")
        return f"({column} if {test} else {_INSTEAD[type]})"

    def reached(self, depth: int) -> str:
        """A condition about a row, or about a field, that has been tested for None."""
        text, found = self.row()
        steps = [(n, a) for n, a in RESOURCES[found].items() if isinstance(a, ToOne | Scalar) and nullable(a)]
        name, attribute = self.pick(steps) if steps else ("", None)
        path = f"{text}.{name}" if name else text
        before = list(self.rows), list(self.tested)
        if self.actor and self.chance(20):
            path, attribute = "me", ToOne("Person", nullable=True)
        if isinstance(attribute, ToOne):
            self.rows.append((path, attribute.resource))
        else:
            self.tested.append(path)
        inside = self.needing(path, attribute) if self.chance(50) else self.write("bool", depth)
        self.rows, self.tested = before
        other = self.write("bool", depth - 1)
        tests = [
            f"({path} is not None and {inside})",
            f"({path} is None or {inside})",
            f"({inside} if {path} else {other})",
            f"(not ({path} is None) and {inside})",
            f"({inside} if ({path} is not None and {other}) else {other})",
            f"(not ({path} is None or {other}) and {inside})",
            f"({other} if ({other} or {path} is None) else {inside})",
        ]
        tests_of_nothing = [
            f"({path} is None and {inside})",
            f"({path} is not None or {inside})",
            f"({inside} if not {path} else {other})",
            f"({inside} if ({path} is not None or {other}) else {other})",
            f"(not ({path} is None and {other}) and {inside})",
        ]
        return str(self.pick(tests_of_nothing if self.chance(20) else tests))

    def needing(self, path: str, attribute: ToOne | Scalar | None) -> str:
        """A condition that raises where the path is None."""
        if not isinstance(attribute, Scalar):
            return f"{path}.id > {self.leaf('int')}"
        for name, type in TYPES.items():
            if name not in ("bool", "small") and type.kind is attribute.type.kind:
                return f"{path} {self.pick(['<', '>='])} {self.literal(name)}"
        if attribute.type.kind is Kind.EMBEDDED:
            return f"{path}.street == {self.leaf('text')}"
        return f"{path} is True"


def nullable(attribute: ToOne | Scalar) -> bool:
    """Whether None is among the values."""
    return attribute.nullable if isinstance(attribute, ToOne) else attribute.type.nullable


def _columns(resource: str, kind: Kind) -> list[tuple[str, bool, bool]]:
    """Paths to the fields of a kind: whether the value may be None, and whether one before it may."""
    found: list[tuple[str, bool, bool]] = []

    def members(path: str, type: Type, through: bool) -> None:
        if type.kind is kind:
            found.append((path, type.nullable, through))
        for name, member in type.members:
            members(f"{path}.{name}", member, through or type.nullable)

    for name, attribute in RESOURCES[resource].items():
        if isinstance(attribute, Scalar):
            members(name, attribute.type, False)
    # Plain fields come thrice as often as members of embedded values.
    return [one for one in found for _ in range(1 if "." in one[0] else 3)]


COLUMNS = {(resource, kind): _columns(resource, kind) for resource in RESOURCES for kind in Kind}
