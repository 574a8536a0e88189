"""Every refusal of the language by its stable id, and the exception that carries those found in one expression.

Ids below KL100 are those of `source`: the text could not be read at all.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from kingpost.base.problems import Problem


@dataclass(frozen=True, slots=True)
class Refusal:
    """What is refused: a title, why in one sentence, and what to write in general.

    A `Problem` of the same id names the very expression, and its remedy is that expression rewritten.
    """

    title: str
    explanation: str
    remedy: str


REFUSALS: Final[dict[str, Refusal]] = {
    "KL101": Refusal(
        "statement not understood",
        "A function may hold a docstring, `if`, early `return` and assignments to one name, no loops and no effects.",
        "say the condition with if, return and single names; any(), all(), sum() go over relations",
    ),
    "KL102": Refusal(
        "expression not understood",
        "This form of Python has no translation that every store can carry out.",
        "comparisons, and/or/not, arithmetic, in, is None, conditional expressions and the known functions",
    ),
    "KL103": Refusal(
        "operator not understood",
        "Of the operators, + - * / // % and comparisons have a meaning in every store.",
        "arithmetic with + - * / // %, logic with and, or, not",
    ),
    "KL104": Refusal(
        "unknown function",
        "Functions are not called but translated, so only those of the language can be written.",
        "len any all sum min max abs round bool now, and the constructors timedelta datetime date Decimal UUID",
    ),
    "KL105": Refusal(
        "unknown method",
        "Methods are translated too: text has a few, and rows have their own rules.",
        "lower upper casefold strip startswith endswith on text; self.rule(me) for a rule",
    ),
    "KL106": Refusal(
        "arguments not understood",
        "The function is known, but not with these arguments.",
        "the plain form, such as len(x), x.startswith(text), round(x), min(… for … in …, default=0)",
    ),
    "KL107": Refusal(
        "generator not understood",
        "any, all, sum, min and max go over one relation with one generator.",
        "any(c.approved for c in self.comments if c.text)",
    ),
    "KL108": Refusal(
        "`is` between values",
        "Identity of objects means nothing in a store; `is` is for None, True and False.",
        "== instead of is",
    ),
    "KL109": Refusal(
        "subscript not understood",
        "Only slices of text with constant ends are defined for every length.",
        "text[0:1] instead of text[0]",
    ),
    "KL110": Refusal(
        "name of the language means something else here",
        "The module has an object of its own under the name of a builtin, so the words do not say what they seem to.",
        "rename the module's own object, or import the right one",
    ),
    "KL111": Refusal(
        "not a value",
        "A relation to many rows, a method, a class or a function can't be compared, returned or calculated with.",
        "len(self.comments), any(… for c in self.comments), or call the rule: self.mine(me)",
    ),
    "KL112": Refusal(
        "constructor is not constant",
        "Dates, Decimals and UUIDs are made before the statement runs, of constants and of variables from around the "
        "function; only timedelta is also made of int fields.",
        "timedelta(days=self.loan_days); or the value made outside, under a name",
    ),
    "KL201": Refusal(
        "unknown name",
        "The name is not a parameter, not assigned on every way here, and not defined around the function.",
        "a parameter of the function, or a variable that has a value",
    ),
    "KL202": Refusal(
        "unknown attribute",
        "The resource or the embedded value declares no such name.",
        "one of the declared names",
    ),
    "KL203": Refusal(
        "captured value of a type that can't be bound",
        "A variable from around the function must hold a plain value, a resource object, or a list of them.",
        "convert it to a str, int, Decimal, datetime, Enum member or list before",
    ),
    "KL204": Refusal(
        "captured value can't be read",
        "An attribute path on a variable from around the function leads nowhere.",
        "an attribute that it has",
    ),
    "KL205": Refusal(
        "computed field needs itself",
        "Computed fields and rules are put in place of their names, which must come to an end.",
        "take the name out of its own definition",
    ),
    "KL301": Refusal(
        "types never equal",
        "CPython would say False and some stores True ('1' == 1 in SQLite), so it is surely a mistake.",
        "a value of the field's own type",
    ),
    "KL302": Refusal(
        "no order",
        "Values of this type have no order, or none with the other side.",
        "== or in; order needs numbers, text, or dates of the same type",
    ),
    "KL303": Refusal(
        "no arithmetic between these types",
        "The operator has no exact meaning between the two types in every store.",
        "numbers of one type, text + text, datetime ± timedelta, timedelta * int, timedelta // timedelta",
    ),
    "KL304": Refusal(
        "not a bool",
        "A rule or filter answers True or False; the truth of another value has to be asked for in words.",
        'bool(self.title), self.title != "", self.flag is True',
    ),
    "KL305": Refusal(
        "branches of different types",
        "What `or`, `and`, `if … else` and several returns answer must have one type.",
        "values of one type in all branches",
    ),
    "KL306": Refusal(
        "not the declared type",
        "The function answers another type than its annotation says.",
        "the annotation that fits, or a value that does",
    ),
    "KL307": Refusal(
        "instant without a time zone",
        "A naive datetime is no instant: its meaning would depend on the machine.",
        "datetime(2026, 1, 1, tzinfo=UTC)",
    ),
    "KL308": Refusal(
        "not one of the choices",
        "The field can hold its declared choices only, so the comparison never holds.",
        "one of the declared values",
    ),
    "KL309": Refusal(
        "exact and floating numbers mixed",
        "Stores convert before they compare and so disagree with CPython, which compares exactly.",
        "numbers of one type; n / 1 makes a float of an int, and literals are converted by themselves",
    ),
    "KL310": Refusal(
        "number beyond 64 bits",
        "Stores hold 64-bit integers; a larger constant can only be compared with a field.",
        "a constant within -2**63 … 2**63 - 1",
    ),
    "KL311": Refusal(
        "equality of a sum of floats",
        "The sum of floats depends on the order of rows, so its last digits are no answer.",
        "< or >, or a Decimal field",
    ),
    "KL312": Refusal(
        "function of another type",
        "The function or method is defined for other types than this one.",
        "len and methods for text, abs for numbers and durations, round for numbers",
    ),
    "KL401": Refusal(
        "may be None",
        "CPython would raise on a row where the value is missing, so it must be tested first.",
        "self.age is not None and self.age < 18",
    ),
    "KL402": Refusal(
        "step through None",
        "The relation or value may be None, which has no attributes, so it must be tested first.",
        "self.author is not None and self.author.name == …",
    ),
    "KL403": Refusal(
        "None equals None, and one side is the actor",
        "Whoever is not logged in would match every row that has nobody.",
        "me is not None and self.author == me",
    ),
    "KL404": Refusal(
        "element may be None",
        "sum, min and max of values with None among them raise in CPython.",
        "sum(c.hours for c in self.courses if c.hours is not None)",
    ),
    "KL501": Refusal(
        "too large",
        "The expression has more nodes than are allowed once computed fields are put in their place.",
        "store a computed field (stored=True), or split the condition",
    ),
    "KL502": Refusal(
        "nested too deep",
        "The expression is nested deeper than stores can be expected to follow.",
        "flatter conditions",
    ),
}


class LanguageError(Exception):
    """What was refused in one expression; each problem has a stable id, a place and a remedy."""

    def __init__(self, problems: Iterable[Problem]) -> None:
        self.problems = tuple(problems)
        super().__init__("\n\n".join(str(problem) for problem in self.problems))
