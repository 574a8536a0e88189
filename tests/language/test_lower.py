"""What can be said and what it becomes; what is refused, under which id, at which place, with which remedy."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal
from typing import Any
from uuid import UUID

import pytest

from kingpost.language.lower import LanguageError, lower
from kingpost.language.parse_text import parse_text
from kingpost.language.read_source import read_source
from kingpost.language.refusals import REFUSALS
from kingpost.language.render import render
from kingpost.language.schema import Scalar
from kingpost.language.tree import Const, Field, Many, Param, Root, walk
from kingpost.language.types import BOOL, DATETIME, DURATION, FLOAT, INT, TEXT, Kind, Type
from tests.language.declared import DOMAIN, accept, declare, derived, problems, returning, shown, text_shown
from tests.language.domain import NOW, Domain, Person, Status
from tests.language.strategies import NAMES

ADA = Person({"id": 7})

ACCEPTED = {
    # logic, truth and choices
    "self.active and not self.active or self.active": None,
    "bool(self.nick)": None,
    "bool(self.nick or self.name)": "bool(self.nick) or bool(self.name)",
    "bool(self.boss)": None,
    "bool(self.status)": "self.status is not None",
    "bool(self.visits)": "any(True for x in self.visits)",
    "not self.visits": "not any(True for x in self.visits)",
    "(self.nick or self.name) == 'x'": None,
    "(self.active if self.score else not self.active)": "self.active if bool(self.score) else not self.active",
    "(self.ratio if self.active else 1) > 2": "(self.ratio if self.active else 1.0) > 2.0",
    "True": None,
    # comparisons
    "self.score == 3": None,
    "3 < self.score": "self.score > 3",
    "1 < self.score <= 3 != self.id": "self.score > 1 and self.score <= 3 and self.id != 3",
    "1 < len(self.visits) < 3": "len(self.visits) > 1 and len(self.visits) < 3",
    "self.nick is None": None,
    "self.nick == None": "self.nick is None",
    "None != self.nick": "self.nick is not None",
    "self.active is True": "self.active == True",
    "self.vip is not False": "self.vip != False",
    "self.active == 1": "self.active == True",
    "self.nick in ('a', None)": None,
    "self.name not in ['a', 'b']": "self.name not in ('a', 'b')",
    "self.score in (1, 1.5, 2.0, 2**70)": "self.score in (1, 2)",
    "self.score in ()": None,
    "'a' in self.name": None,
    "me in (self.home.mayor, self) if me is not None else False": None,
    "self.role == 'author'": None,
    "self.status == Status.LIVE": "self.status == 'live'",
    "self.photo == b'x'": None,
    # numbers brought together
    "self.score > 1.5": "self.score >= 2",
    "self.score < 1.5": "self.score <= 1",
    "1.5 >= self.score": "self.score <= 1",
    "self.score == 1.5": "self.score in ()",
    "self.score != 2.0": "self.score != 2",
    "self.score < 2**70": "self.score <= 9223372036854775807",
    "self.score > 2**70": "self.score > 9223372036854775807",
    "self.score >= -2**70": "self.score >= -9223372036854775808",
    "self.score <= -2**70": "self.score < -9223372036854775808",
    "self.score < 1e999": "self.score <= 9223372036854775807",
    "self.score == 2**70": "self.score in ()",
    "self.ratio == 3": "self.ratio == 3.0",
    "self.ratio > 2**53 + 1": "self.ratio >= 9007199254740994.0",
    "self.ratio == 2**53 + 1": "self.ratio in ()",
    "self.balance > self.score": None,
    "self.balance * 2 - self.score < Decimal('1.50')": "self.balance * Decimal('2') - self.score < Decimal('1.50')",
    # arithmetic
    "self.score // 2 + self.score % 2 * 3 - -self.score > 0": None,
    "self.score / 2 > 0.5": None,
    "abs(self.score) > round(self.ratio)": None,
    "round(self.score) == 1": "self.score == 1",
    "60 * 60 * 24 < self.score": "self.score > 86400",
    "self.name + '!' == 'x!'": None,
    "self.joined + timedelta(days=1) > now()": None,
    "self.joined - now() < timedelta(hours=2) * 2": "self.joined - now() < timedelta(seconds=14400)",
    "self.shift + timedelta(1) > timedelta(0)": "self.shift + timedelta(days=1) > timedelta(0)",
    "self.born is not None and self.born - timedelta(days=2) < self.born": None,
    "self.born is not None and (self.born - self.born).days > 1": (
        "self.born is not None and (self.born - self.born) // timedelta(days=1) > 1"
    ),
    "(now() - self.joined).days > 3": "(now() - self.joined) // timedelta(days=1) > 3",
    "self.shift.seconds > 3": "self.shift % timedelta(days=1) // timedelta(seconds=1) > 3",
    "self.shift.total_seconds() > 0.5": "self.shift / timedelta(seconds=1) > 0.5",
    "self.shift / timedelta(hours=2) > 0.5": "self.shift / timedelta(seconds=7200) > 0.5",
    "timedelta(hours=36).days == self.score": "self.score == 1",
    "-self.shift * 2 // 3 % timedelta(1) < abs(self.shift)": (
        "-self.shift * 2 // 3 % timedelta(days=1) < abs(self.shift)"
    ),
    "self.joined + timedelta(days=self.score) < now()": "self.joined + timedelta(days=1) * self.score < now()",
    "timedelta(1, minutes=self.score) > self.shift": (
        "timedelta(microseconds=1) * (86400000000 + self.score * 60000000) > self.shift"
    ),
    "timedelta(microseconds=self.score, hours=self.id) > self.shift": (
        "timedelta(microseconds=1) * (self.score + self.id * 3600000000) > self.shift"
    ),
    "self.shift > timedelta(days=LIMIT)": "self.shift > t.timedelta(days=LIMIT)",
    # text
    "self.name.strip().lower().upper().casefold() == ''": None,
    "self.name.startswith('a') and self.name.endswith(self.role)": None,
    "self.name[1:-1] == self.name[:2] + self.name[-3:]": None,
    "len(self.name) > 3": None,
    # constants made
    "self.joined > datetime(2026, 1, 1, tzinfo=UTC)": None,
    "self.born == date(2000, 2, 29)": None,
    "self.uuid == UUID('00000000-0000-0000-0000-000000000001')": None,
    # relations
    "self.home.name == 'x'": None,
    "self.home == self.home": None,
    "any(v.n > 3 for v in self.visits if v.done if v.n < 9)": "any(x.n > 3 for x in self.visits if x.done and x.n < 9)",
    "all(v.person == self for v in self.visits)": "all(x.person == self for x in self.visits)",
    "sum(1 for v in self.visits) == len(self.visits)": "len(self.visits) == len(self.visits)",
    "sum(v.done for v in self.visits) > 1": "sum(1 if x.done else 0 for x in self.visits) > 1",
    "min((v.n for v in self.visits), default=0) > 1": "min((x.n for x in self.visits), default=0) > 1",
    "max(v.at for v in self.visits) > now()": "max(x.at for x in self.visits) > now()",
    "any(any(w.n > v.n for w in self.visits) for v in self.visits)": (
        "any(any(y.n > x.n for y in self.visits) for x in self.visits)"
    ),
    # embedded values
    "self.office.street == 'x'": None,
    "self.address is not None and self.address.street == 'x'": None,
    # put in place
    "self.is_adult": "self.age is not None and self.age >= 18",
    "self.home.mayor is not None and self.home.mayor.label == 'x'": (
        "self.home.mayor is not None and (self.home.mayor.nick or self.home.mayor.name) == 'x'"
    ),
    "self.popularity > self.popularity": (
        "len(self.visits) + 5 * sum(1 for x in self.visits if x.done)"
        " > len(self.visits) + 5 * sum(1 for y in self.visits if y.done)"
    ),
    "self.chief is not None and self.chief.age is None": "self.boss is not None and self.boss.age is None",
    "self.mine(me)": "me is not None and self.boss == me",
    "self.boss is not None and self.boss.mine(me=me)": (
        "self.boss is not None and (me is not None and self.boss.boss == me)"
    ),
    "any(v.person.open() for v in self.visits)": "any(x.person.active for x in self.visits)",
}


@pytest.mark.parametrize("text", ACCEPTED)
def test_accepted(text: str) -> None:
    assert shown(text, date=date, UUID=UUID) == (ACCEPTED[text] or text)


FROM_TEXT = {
    "age > 3": "self.age > 3",
    "self.age > 3": "self.age > 3",
    "boss.name.lower() == 'x' and not visits": "self.boss.name.lower() == 'x' and not any(True for x in self.visits)",
    "status == 'live' and status in ('live', 'draft')": "self.status == 'live' and self.status in ('live', 'draft')",
    "any(v.n > 3 for v in visits)": "any(x.n > 3 for x in self.visits)",
    "any(name.n > 3 for name in visits)": "any(x.n > 3 for x in self.visits)",
    "joined > now() - timedelta(days=1)": "self.joined > now() - timedelta(days=1)",
    "joined > datetime(2026, 1, 1, tzinfo=UTC)": "self.joined > datetime(2026, 1, 1, tzinfo=UTC)",
    "balance == Decimal('1.5')": "self.balance == Decimal('1.5')",
    "boss == me": "self.boss == me",
    "is_adult": "self.age is not None and self.age >= 18",
}


@pytest.mark.parametrize("text", FROM_TEXT)
def test_text_names_attributes_of_the_row(text: str) -> None:
    assert text_shown(text) == FROM_TEXT[text]


def test_in_text_an_attribute_wins_over_a_function_of_its_name() -> None:
    domain = Domain({"Thing": {"len": Scalar(INT)}})
    found = lower(parse_text("len > 3"), domain, {}, prefix="t", expects=BOOL, proven=False, root=Root("Thing"))
    assert Field(Root("Thing"), "len", INT) in list(walk(found.expression))


# ---------------------------------------------------------------------------------------------------- whole functions

BODIES = {
    '''
    def rule(self, me):
        """Says why."""
        if me is None:
            return False
        return self.boss == me
    ''': "False if me is None else self.boss == me",
    """
    def rule(self, me):
        if self.active:
            return True
        return False
    """: "self.active",
    """
    def rule(self, me):
        if self.active:
            return False
        else:
            return True
    """: "not self.active",
    """
    def rule(self, me):
        if self.score > 3:
            limit = 1
        elif self.score > 2:
            limit = 2
        else:
            pass
            limit = 3
        limit = limit + 1
        return self.id > limit
    """: "self.id > 2 if self.score > 3 else self.id > 3 if self.score > 2 else self.id > 4",
    """
    def rule(self, me):
        age: int | None = self.age
        chief = self.boss
        if age is None or chief is None:
            return False
        return age > 3 and chief.score > age
    """: "False if self.age is None or self.boss is None else self.age > 3 and self.boss.score > self.age",
    """
    def rule(self, me):
        many = self.visits
        total = sum(v.n for v in many)
        return total > 3 and total < 9
    """: "sum(x.n for x in self.visits) > 3 and sum(y.n for y in self.visits) < 9",
}


@pytest.mark.parametrize("code", BODIES)
def test_statements_fold_into_one_expression(code: str) -> None:
    assert render(accept(read_source(declare(code))).expression) == BODIES[code]


def test_generators_of_a_tree_have_numbers_of_their_own() -> None:
    code = "def rule(self, me):\n    n = sum(v.n for v in self.visits)\n    return 1 < n < self.popularity < n"
    numbers = [n.var for n in walk(accept(read_source(declare(code))).expression) if isinstance(n, Many)]
    assert len(numbers) == len(set(numbers)) > 5


# ------------------------------------------------------------------------------------------------------------ refusals

REFUSED: list[tuple[str, str, str, str]] = [
    # id, expression, what the carets mark, remedy
    ("KL102", "f'{self.name}' == ''", "f'{self.name}'", "text joined with +"),
    (
        "KL102",
        "(n := self.score) > 1",
        "n := self.score",
        "the value itself, or name = … on a line of its own in a def",
    ),
    ("KL102", "(lambda: True)", "lambda: True", "the condition itself"),
    ("KL102", "self.score == [1]", "[1]", "x in (1, 2)"),
    ("KL102", "self.score == ...", "...", ""),
    ("KL102", "self.name == 'a\\0b'", "'a\\0b'", "the text without it"),
    ("KL103", "self.score ** 2 > 1", "self.score ** 2", ""),
    ("KL103", "self.score & 2 > 1", "self.score & 2", ""),
    ("KL103", "~self.score == 1", "~self.score", "not self.score"),
    ("KL103", "'%s' % self.name == ''", "'%s' % self.name", "text joined with +"),
    ("KL104", "isinstance(self.score, int)", "isinstance(self.score, int)", "x is not None"),
    ("KL104", "int(self.name) == 1", "int(self.name)", "the field itself, or a declared int field"),
    ("KL104", "me(self)", "", ""),
    ("KL105", "self.name.title() == ''", "self.name.title()", ""),
    (
        "KL105",
        "self.joined.date() == now()",
        "self.joined.date()",
        "comparisons with datetime(…), or with a variable: midnight = datetime.combine(now().date(), time(), UTC)",
    ),
    ("KL105", "self.delete()", "self.delete()", ""),
    ("KL105", "self.active()", "self.active()", "self.active"),
    ("KL106", "len(self.name, 1) == 1", "len(self.name, 1)", ""),
    ("KL106", "round(self.ratio, 2) > 1", "round(self.ratio, 2)", "round(self.ratio)"),
    ("KL106", "self.name.strip('x') == ''", "self.name.strip('x')", "self.name.strip()"),
    (
        "KL106",
        "self.name.startswith(('a', 'b'))",
        "self.name.startswith(('a', 'b'))",
        "self.name.startswith('a') or self.name.startswith('b')",
    ),
    ("KL106", "sum((v.n for v in self.visits), 1) > 1", "sum((v.n for v in self.visits), 1)", ""),
    ("KL106", "min(self.score, 1) > 1", "min(self.score, 1)", "a if a < b else b"),
    ("KL106", "self.mine()", "self.mine()", "self.mine(me)"),
    (
        "KL107",
        "any([v.done for v in self.visits])",
        "[v.done for v in self.visits]",
        "any(v.done for v in self.visits)",
    ),
    (
        "KL107",
        "any(v.n > w.n for v in self.visits for w in self.visits)",
        "(v.n > w.n for v in self.visits for w in self.visits)",
        "any(any(… for …) for …)",
    ),
    ("KL107", "any(a for a, b in self.visits)", "a, b", ""),
    ("KL107", "any(n > 1 for n in NUMBERS)", "NUMBERS", "x in (…), for membership"),
    (
        "KL107",
        "len([v for v in self.visits if v.done]) > 1",
        "len([v for v in self.visits if v.done])",
        "sum(1 for v in self.visits if v.done)",
    ),
    ("KL107", "all(self.visits)", "self.visits", ""),
    ("KL108", "self.boss is me", "self.boss is me", "self.boss == me"),
    ("KL108", "self.name is True", "self.name is True", "bool(self.name)"),
    ("KL109", "self.name[0] == 'a'", "self.name[0]", "self.name[0:1]"),
    ("KL109", "self.name[::2] == 'a'", "self.name[::2]", "self.name[0:10]"),
    ("KL109", "self.name[:self.score] == 'a'", "self.name[:self.score]", "self.name[0:10]"),
    ("KL109", "self.tags[:1] == 'a'", "self.tags[:1]", ""),
    ("KL111", "self.visits == 1", "self.visits", "len(self.visits), or any(… for x in self.visits)"),
    ("KL111", "self.visits.done", "self.visits", "any(x.done … for x in self.visits)"),
    ("KL111", "self.mine", "self.mine", "self.mine(me)"),
    ("KL111", "self.score == int", "int", ""),
    ("KL112", "self.shift > timedelta(days=self.ratio)", "self.ratio", ""),
    ("KL112", "self.shift > timedelta(days=self.score, hours=WORD)", "WORD", ""),
    ("KL112", "self.shift > timedelta(month=self.score)", "timedelta(month=self.score)", ""),
    ("KL112", "self.joined > datetime(self.score, 1, 1, tzinfo=UTC)", "self.score", ""),
    ("KL112", "self.shift > timedelta(days=WORD)", "timedelta(days=WORD)", ""),
    (
        "KL303",
        "self.shift / 2 > self.shift",
        "self.shift / 2",
        "d // n, in whole microseconds, or d / timedelta(hours=1)",
    ),
    ("KL303", "self.shift * 1.5 > self.shift", "self.shift * 1.5", "an int: d * 3 // 2"),
    ("KL310", "self.shift > timedelta(days=200_000_000)", "timedelta(days=200_000_000)", ""),
    ("KL401", "timedelta(days=self.age) > self.shift", "self.age", "self.age is not None and timedelta(days=self.age)"),
    ("KL112", "self.uuid == UUID('x')", "UUID('x')", ""),
    ("KL112", "self.balance == Decimal('NaN')", "Decimal('NaN')", ""),
    ("KL201", "self.score == nothing", "nothing", ""),
    ("KL202", "self.nam == 'x'", "self.nam", "self.name"),
    ("KL202", "self.office.flor == 1", "self.office.flor", "self.office.floor"),
    ("KL202", "self.joined.year == 1", "self.joined.year", "a comparison with datetime(…), date(…)"),
    ("KL203", "self.score == WORLD", "WORLD", "a plain value under a name of its own"),
    ("KL203", "self.score in MIXED", "MIXED", "a plain value under a name of its own"),
    ("KL204", "self.name == WORLD.nothing", "WORLD.nothing", ""),
    ("KL205", "self.circle", "def computed(self):", ""),
    ("KL301", "self.score == 'x'", "self.score == 'x'", ""),
    ("KL301", "self.name == 3", "self.name == 3", "self.name == '3'"),
    ("KL301", "self.status == 'live'", "self.status == 'live'", "self.status == Status.…"),
    ("KL301", "self.uuid == 'x'", "self.uuid == 'x'", "self.uuid == UUID('x')"),
    ("KL301", "self.boss == 7", "self.boss == 7", "self.boss.id == 7"),
    ("KL301", "self.boss == self.home", "self.boss == self.home", ""),
    ("KL301", "self.data == 'x'", "self.data == 'x'", ""),
    ("KL301", "self.joined == '2026-01-01'", "self.joined == '2026-01-01'", "datetime(2026, 1, 1, tzinfo=UTC)"),
    ("KL301", "self.born == now()", "self.born == now()", ""),
    ("KL301", "self.score in ('a',)", "self.score in ('a',)", ""),
    ("KL301", "self.score in SOME", "self.score in SOME", ""),
    ("KL301", "me in self.visits", "me in self.visits", ""),
    ("KL301", "'x' in self.tags", "'x' in self.tags", "a tuple, a captured list, a relation or text after `in`"),
    ("KL302", "self.active < True", "self.active < True", ""),
    ("KL302", "self.uuid < self.uuid", "self.uuid < self.uuid", ""),
    ("KL302", "self.status > Status.DRAFT", "self.status > Status.DRAFT", ""),
    ("KL302", "self.name < 3", "self.name < 3", ""),
    ("KL303", "self.name * 2 == ''", "self.name * 2", ""),
    ("KL303", "self.joined + now() == now()", "self.joined + now()", ""),
    ("KL303", "-self.name == ''", "-self.name", ""),
    ("KL303", "self.balance / 2 > 1", "self.balance / 2", ""),
    ("KL304", "self.name", "self.name", "bool(self.name)"),
    ("KL304", "self.name and self.active", "self.name", "bool(self.name)"),
    ("KL304", "self.vip", "self.vip", "self.vip is True"),
    ("KL304", "bool(self.data)", "self.data", "self.data is not None"),
    ("KL304", "self.visits and self.active", "self.visits", "len(self.visits) > 0"),
    ("KL305", "(self.name or self.score) == 1", "self.name or self.score", ""),
    ("KL305", "(self.name if self.active else 1) == 1", "self.name if self.active else 1", ""),
    ("KL307", "self.joined > datetime(2026, 1, 1)", "datetime(2026, 1, 1)", "datetime(2026, 1, 1, tzinfo=UTC)"),
    ("KL307", "self.joined > NAIVE", "NAIVE", ""),
    ("KL308", "self.role == 'autor'", "'autor'", "'author'"),
    ("KL308", "self.role in ('author', 'x')", "'x'", ""),
    ("KL309", "self.score == self.ratio", "self.score == self.ratio", ""),
    ("KL309", "self.score < self.ratio", "self.score < self.ratio", ""),
    ("KL309", "self.balance < 1.5", "self.balance < 1.5", "Decimal('1.5')"),
    ("KL309", "self.score * self.ratio > 1.0", "self.score * self.ratio", ""),
    ("KL310", "self.score + 99999999999999999999 > 1", "99999999999999999999", ""),
    ("KL310", "self.score > HUGE", "HUGE", ""),
    ("KL311", "sum(v.person.ratio for v in self.visits) == 1.5", "sum(v.person.ratio for v in self.visits) == 1.5", ""),
    ("KL312", "len(self.score) == 1", "len(self.score)", ""),
    ("KL312", "self.score.lower() == ''", "self.score.lower()", ""),
    ("KL312", "abs(self.name) == 1", "abs(self.name)", ""),
    ("KL312", "sum(v.at for v in self.visits) > now()", "v.at", ""),
    ("KL401", "self.age < 18", "self.age", "self.age is not None and self.age < 18"),
    ("KL401", "self.age + 1 > 18", "self.age", "self.age is not None and self.age + 1"),
    ("KL401", "self.nick.lower() == ''", "self.nick", "self.nick is not None and self.nick.lower()"),
    ("KL401", "len(self.nick) == 1", "self.nick", "self.nick is not None and len(self.nick)"),
    ("KL401", "'x' in self.nick", "self.nick", "self.nick is not None and 'x' in self.nick"),
    ("KL402", "me.score == 1", "me", "me is not None and me.score"),
    ("KL402", "self.boss.boss.score == 1", "self.boss", "self.boss is not None and self.boss.boss"),
    ("KL402", "self.address.street == ''", "self.address", "self.address is not None and self.address.street"),
    ("KL402", "self.boss.mine(me)", "self.boss", "self.boss is not None and self.boss.mine(me)"),
    ("KL403", "self.boss == me", "self.boss == me", "me is not None and self.boss == me"),
    ("KL403", "me in (self.boss,)", "me in (self.boss,)", "me is not None and me in (self.boss,)"),
    (
        "KL403",
        "me is not None and me.nick == self.nick",
        "me.nick == self.nick",
        "me.nick is not None and me.nick == self.nick",
    ),
    (
        "KL404",
        "sum(v.rating for v in self.visits) > 1",
        "v.rating",
        "sum(… for … in self.visits if v.rating is not None)",
    ),
    (
        "KL404",
        "min(v.rating for v in self.visits) > 1",
        "v.rating",
        "min(… for … in self.visits if v.rating is not None)",
    ),
    ("KL501", " and ".join(["self.score in (1, 2, 3, 4, 5, 6, 7, 8, 9)"] * 300), "def rule(self, me):", ""),
    ("KL502", "not " * 150 + "self.active", "def rule(self, me):", ""),
]  # fmt: skip

MODULE: dict[str, Any] = {
    "WORLD": object(),
    "MIXED": ["a", 1],
    "NAIVE": datetime(2026, 1, 1),
    "HUGE": 2**70,
    "UUID": UUID,
}


@pytest.mark.parametrize(("code", "text", "marked", "remedy"), REFUSED, ids=[f"{r[0]} {r[1][:60]}" for r in REFUSED])
def test_refused(code: str, text: str, marked: str, remedy: str) -> None:
    (found,) = problems(returning(text, **MODULE))
    assert found[0] == code
    assert found[1] == (marked or text)
    assert found[2] == (remedy or REFUSALS[code].remedy)


REFUSED_BODIES: list[tuple[str, str, int]] = [
    ("KL101", "for v in self.visits:\n    return True\nreturn False", 2),
    ("KL101", "n = 1\nn += 1\nreturn True", 3),
    ("KL101", "a, b = 1, 2\nreturn True", 2),
    ("KL101", "assert self.active\nreturn True", 2),
    ("KL101", "print(1)\nreturn True", 2),
    ("KL201", "if self.active:\n    n = 1\nreturn n == 1", 4),
    ("KL304", "if self.active:\n    return True", 1),
    ("KL304", "return", 2),
    ("KL401", "if self.age is None:\n    n = 1\nreturn self.age > 3", 4),
]


@pytest.mark.parametrize(("code", "body", "line"), REFUSED_BODIES)
def test_refused_statements(code: str, body: str, line: int) -> None:
    indented = "\n".join(f"    {one}" for one in body.splitlines())
    with pytest.raises(LanguageError) as error:
        accept(read_source(declare(f"def rule(self, me):\n{indented}")))
    (problem,) = error.value.problems
    assert (problem.code, problem.place and problem.place.line) == (code, line)


@pytest.mark.parametrize("name", ["len", "now", "any", "timedelta", "round"])
def test_a_name_of_the_language_must_be_the_object_it_says(name: str) -> None:
    def other(*given: object) -> int:
        return 1

    (found,) = problems(returning(f"{name}(self.name) == 1", **{name: other}))
    assert found[0] == "KL110"


@pytest.mark.parametrize(
    ("text", "type"),
    [("self.name", INT), ("self.age", INT), ("'x'", Type(Kind.TEXT, choices=("a", "b"))), ("self.score", FLOAT)],
)
def test_a_computed_field_answers_its_declared_type(text: str, type: Type) -> None:
    (found,) = problems(returning(text), expects=type)
    assert found[0] == "KL306"


@pytest.mark.parametrize(
    ("text", "type"),
    [
        ("1", FLOAT),
        ("self.score / 2", FLOAT),
        ("None", INT.maybe()),
        ("self.age", INT.maybe()),
        ("self.age if self.age is not None else 0", INT),
        ("'a'", Type(Kind.TEXT, choices=("a", "b"))),
        ("self.balance * 2", Type(Kind.DECIMAL)),
        ("self.boss", Type(Kind.REFERENCE, nullable=True, name="Person")),
    ],
)
def test_a_computed_field_may_answer(text: str, type: Type) -> None:
    assert accept(returning(text), expects=type).expression.type.kind is type.kind


def test_every_refusal_has_a_test() -> None:
    tested = {row[0] for row in REFUSED} | {row[0] for row in REFUSED_BODIES} | {"KL110", "KL306"}
    assert tested == set(REFUSALS)


def test_all_problems_come_at_once() -> None:
    source = returning("self.nam == 'x' or self.score == 'a' and self.role == 'x'")
    assert [found[0] for found in problems(source)] == ["KL202", "KL301", "KL308"]
    # What the first part would have proved is not missed a second time.
    source = returning("self.aeg is not None and self.age > 3")
    assert [found[0] for found in problems(source)] == ["KL202"]


def test_a_refusal_shows_place_and_remedy() -> None:
    with pytest.raises(LanguageError) as error:
        accept(returning("self.age < 18"))
    assert str(error.value).splitlines()[1:] == [
        "KL401 self.age may be None, and None has no order",
        "        return self.age < 18",
        "               ^^^^^^^^",
        "  Write: self.age is not None and self.age < 18",
    ]


def test_outside_of_declarations_none_is_left_to_run_time() -> None:
    assert shown("self.age < 18 and self.boss == me and me.score > 1", proven=False)


def test_text_does_not_reach_around() -> None:
    for text in ("LIMIT == 1", "__import__('os') == 1", "open == 1"):
        with pytest.raises(LanguageError) as error:
            text_shown(text)
        assert error.value.problems[0].code == "KL201"


# ------------------------------------------------------------------------------------------------------------ captures


class Settings:
    def __init__(self, limit: object) -> None:
        self.limit = limit


@pytest.mark.parametrize(
    ("value", "type", "bound"),
    [
        (3, INT, 3),
        ("x", TEXT, "x"),
        (1.5, FLOAT, 1.5),
        (Status.LIVE, Type(Kind.ENUM, choices=("draft", "live"), name="Status"), "live"),
        (datetime(2026, 1, 1, 2, tzinfo=timezone(timedelta(hours=2))), DATETIME, datetime(2026, 1, 1, tzinfo=UTC)),
        (ADA, Type(Kind.REFERENCE, name="Person"), 7),
        (Decimal("1.50"), Type(Kind.DECIMAL, places=2), Decimal("1.50")),
        ((1, None), Type(Kind.LIST, element=INT.maybe()), [1, None]),
        ({"a"}, Type(Kind.LIST, element=TEXT), ["a"]),
    ],
)
def test_captured_values(value: object, type: Type, bound: object) -> None:
    found = accept(returning("settings.limit", settings=Settings(value)), expects=None)
    (capture,) = found.captures
    assert found.expression == Param("t.settings.limit", type)
    assert (capture.name, capture.type, capture.read()) == ("t.settings.limit", type, bound)


def test_captured_values_are_read_when_asked_and_keep_their_type() -> None:
    settings = Settings(3)
    (capture,) = accept(returning("self.score > settings.limit", settings=settings)).captures
    settings.limit = 9
    assert capture.read() == 9
    settings.limit = "x"
    with pytest.raises(TypeError, match=r"settings\.limit was int"):
        capture.read()


def test_what_is_made_of_captured_values_is_made_when_asked() -> None:
    settings = Settings(3)
    (capture,) = accept(returning("self.shift > timedelta(days=settings.limit, hours=1)", settings=settings)).captures
    assert (capture.name, capture.type) == ("t.timedelta(days=settings.limit, hours=1)", DURATION)
    assert capture.read() == timedelta(days=3, hours=1)
    settings.limit = 0.5
    assert capture.read() == timedelta(hours=13)
    for wrong in ("x", 10**9):
        settings.limit = wrong
        with pytest.raises(TypeError):
            capture.read()


def test_captures_of_what_is_put_in_place_have_its_name() -> None:
    domain = DOMAIN.deriving("Person", rich=derived("self.score > LIMIT", BOOL))
    found = lower(returning("self.rich or self.score < LIMIT"), domain, NAMES, prefix="t", expects=BOOL)
    assert [capture.name for capture in found.captures] == ["Person.rich.LIMIT", "t.LIMIT"]


def test_instants_are_constants_in_utc() -> None:
    zone = timezone(timedelta(hours=2))
    found = accept(returning("datetime(2026, 3, 29, 3, tzinfo=zone)", zone=zone), expects=None)
    assert found.expression == Const(NOW, DATETIME)


def test_lambdas_read_their_closures() -> None:
    conditions = [lambda a: a.score > least for least in (3, 4)]  # noqa: B023 (that is the point)
    found = [lower(read_source(one), DOMAIN, {"a": Root("Person")}, prefix="w", proven=False) for one in conditions]
    assert found[0].expression == found[1].expression
    # Both closures are over the one variable of the comprehension.
    assert [capture.read() for one in found for capture in one.captures] == [4, 4]


def test_a_captured_row_is_bound_by_key() -> None:
    boss = ADA
    source = read_source(lambda a: a.boss == boss)
    found = lower(source, DOMAIN, {"a": Root("Person")}, prefix="w", expects=BOOL, proven=False)
    (capture,) = found.captures
    assert (capture.type.name, capture.read()) == ("Person", 7)


def test_a_captured_none_is_compared_as_none() -> None:
    assert shown("self.nick == nobody", nobody=None) == "self.nick is None"


def test_a_rule_may_leave_arguments_to_their_defaults() -> None:
    old = read_source(declare("def rule(self, least=18):\n    return self.score > least"))
    domain = Domain(DOMAIN.resources, {("Person", "old"): old})
    found = lower(returning("self.old() and self.old(3)"), domain, NAMES, prefix="t", expects=BOOL)
    assert [(capture.name, capture.read()) for capture in found.captures] == [("Person.old.least", 18)]
