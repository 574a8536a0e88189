"""What a test for None proves, over which paths, and where it stops."""

from __future__ import annotations

import pytest

from kingpost.language.lower import LanguageError, lower
from kingpost.language.read_source import read_source
from kingpost.language.types import BOOL
from tests.language.declared import DOMAIN, declare, problems, returning
from tests.language.domain import Domain
from tests.language.strategies import NAMES

PROVED = [
    "self.age is not None and self.age < 18",
    "self.age is None or self.age < 18",
    "not (self.age is None or self.age < 18)",
    "not self.age is None and self.age < 18",
    "bool(self.age and self.age < 18)",
    "False if self.age is None else self.age < 18",
    "self.age < 18 if self.age else False",
    "self.age == 3 and self.age < 18",
    "self.age == self.score and self.age < 18",
    "3 == self.age and self.age < 18",
    "self.age in (1, 2) and self.age < 18",
    "self.age != 3 or self.age < 18",
    "(self.age is not None and self.active or self.age == 3) and self.age < 18",
    "self.boss is not None and self.boss.score > 1",
    "bool(self.boss) and self.boss.score > 1",
    "self.boss is not None and self.boss.boss is not None and self.boss.boss.score > 1",
    "me is not None and self.boss == me and self.boss.score > 1",
    "me is not None and me.age is not None and me.age > 3",
    "(self.age or 0) < 18",
    "(self.age if self.age is not None else self.score) < 18",
    "(self.nick or self.name).lower() == ''",
    "any(v.rating > 3 for v in self.visits if v.rating is not None)",
    "any(v.rating is not None and v.rating > 3 for v in self.visits)",
    "any(v.rating > 3 for v in self.visits if v.rating if v.done)",
    "sum(v.rating for v in self.visits if v.rating is not None) > 3",
    "self.age is not None and any(v.n > self.age for v in self.visits)",
    "self.age is not None and 1 < self.age < 3",
    "self.is_adult and self.age < 99",
    "self.vip is not None and self.vip",
    "self.vip is not None and (self.vip or self.active)",
    "self.address is not None and self.address.floor is not None and self.address.floor > 3",
    "max((v.rating for v in self.visits if v.rating), default=self.age) is not None",
]

NOT_PROVED = {
    "self.age < 18 and self.age is not None": "KL401",
    "self.age is not None or self.age < 18": "KL401",
    "self.age is None and self.age < 18": "KL401",
    "not self.age and self.age < 18": "KL401",
    "self.age != 3 and self.age < 18": "KL401",
    "self.age in (1, None) and self.age < 18": "KL401",
    "self.age not in (1,) and self.age < 18": "KL401",
    "self.age == self.credit and self.age < 18": "KL401",
    "(self.age is not None or self.active) and self.age < 18": "KL401",
    "(self.age and self.score) > 3": "KL401",
    "(self.age or self.age) > 3": "KL401",
    "self.boss is not None and self.boss.age > 1": "KL401",
    "self.boss is not None and self.boss.boss.score > 1": "KL402",
    "self.boss is not None and self.city.name == ''": "KL402",
    "any(v.rating is not None for v in self.visits) and any(v.rating > 1 for v in self.visits)": "KL401",
    "any(v.rating > 3 for v in self.visits if v.done)": "KL401",
    "self.boss == me": "KL403",
    "me is not None or self.boss == me": "KL403",
}


@pytest.mark.parametrize("text", PROVED)
def test_proved(text: str) -> None:
    assert problems(returning(text)) == []


@pytest.mark.parametrize("text", NOT_PROVED)
def test_not_proved(text: str) -> None:
    assert [found[0] for found in problems(returning(text))] == [NOT_PROVED[text]]


@pytest.mark.parametrize(
    "body",
    [
        "if self.age is None:\n    return False\nreturn self.age < 18",
        "if not self.age:\n    return False\nreturn self.age < 18",
        "if self.age is None or self.boss is None:\n    return False\nreturn self.age < self.boss.score",
        "if self.age is not None:\n    return self.age < 18\nreturn False",
        "age = self.age\nif age is None:\n    return False\nreturn self.age < 18",
        "age = self.age\nif age is None:\n    age = 3\nreturn age < 18",
        "boss = self.boss\nif boss is None:\n    return False\nelif boss.city is None:\n    return True\n"
        "return boss.city.name == ''",
        "if me is None:\n    return False\nif self.boss != me:\n    return False\nreturn self.boss.score > 1",
        "oldest = max((v.n for v in self.visits), default=None)\nreturn oldest is not None and oldest > 3",
    ],
)
def test_early_return_proves(body: str) -> None:
    indented = "\n".join(f"    {line}" for line in body.splitlines())
    assert problems(read_source(declare(f"def rule(self, me):\n{indented}"))) == []


def test_what_a_caller_has_proved_holds_in_the_rule_it_calls() -> None:
    young = read_source(declare("def rule(self):\n    return self.age < 18"))
    domain = Domain(DOMAIN.resources, {("Person", "young"): young})
    assert lower(returning("self.age is not None and self.young()"), domain, NAMES, prefix="t", expects=BOOL)
    with pytest.raises(LanguageError):
        lower(returning("self.young()"), domain, NAMES, prefix="t", expects=BOOL)
