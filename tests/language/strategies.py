"""Expressions as Hypothesis writes them: typed Python source text over the test domain, with functions made of it.

Every oracle test draws its expressions here, so that CPython, memory and every store are held to the same ones:

    text, type = expressions().example()        # 'self.boss is not None and self.boss.age > 3', BOOL
    source = parse_expression(text)              # what `lower` reads
    lowered = lower(source, SCHEMA, NAMES, prefix="t", expects=type, proven=False)
    python_function(text)(person)                # what CPython answers about a plain object, or raises

`expressions(without={"lower", "float"})` leaves out what a store can't do (the words are those of `FEATURES`);
`expressions(actor=True)` also writes about `me`, a Person | None, the second parameter.
`rows()` draws small data sets; `domain.NASTY` is one fixed large set that a store may load once.
"""

from __future__ import annotations

import itertools
import linecache
from collections.abc import Callable, Collection
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

from hypothesis import strategies as st

from kingpost.language.builtins import now
from kingpost.language.read_source import read_source
from kingpost.language.schema import Scalar, ToOne
from kingpost.language.source import Source
from kingpost.language.tree import Expression, Keyed, Param, Root, Row
from kingpost.language.types import BOOL, DATETIME, FLOAT, INT, TEXT, Type, reference
from tests.language.domain import DECIMAL, NASTY, RESOURCES, SCHEMA, Data, values

__all__ = [
    "FEATURES",
    "GLOBALS",
    "NAMES",
    "NASTY",
    "SCHEMA",
    "expressions",
    "guards",
    "parse_expression",
    "python_function",
    "rows",
]

FEATURES = frozenset({"lower", "upper", "casefold", "float", "divide", "decimal", "round", "date", "captured", "now"})
"""What `without` can leave out. `lower`, `upper`, `casefold`, `round`: the functions; `float`: arithmetic on floats."""

NAMES: dict[str, Row | Expression] = {
    "self": Root("Person"),
    "me": Keyed("Person", Param("me", reference("Person", nullable=True))),
}
GLOBALS: dict[str, Any] = {
    "now": now,
    "datetime": datetime,
    "timedelta": timedelta,
    "UTC": UTC,
    "Decimal": Decimal,
    "LIMIT": 3,
    "WORD": "Ada",
    "SOME": ["Ada", "a", None],
    "NUMBERS": (0, 3, 2**53 + 1),
    "SINCE": datetime(2026, 3, 28, 1, 0, tzinfo=UTC),
}
"""What the module of the written functions holds."""

_count = itertools.count()


def python_function(text: str) -> Callable[..., Any]:
    """`text` as the body of a real function of `self` and `me`, in a module with `GLOBALS`."""
    name = f"<written {next(_count)}>"
    code = f"def written(self, me=None):\n    return {text}\n"
    linecache.cache[name] = (len(code), None, code.splitlines(keepends=True), name)
    module = {**GLOBALS, "__name__": "written"}
    exec(compile(code, name, "exec"), module)
    function: Callable[..., Any] = module["written"]
    return function


def parse_expression(text: str) -> Source:
    """The source of `python_function(text)`."""
    return read_source(python_function(text))


# ---------------------------------------------------------------------------------------------------------------- rows


@st.composite
def rows(draw: st.DrawFn) -> Data:
    """Few rows of every resource, and relations among them."""
    people, cities = draw(st.integers(1, 4)), draw(st.integers(1, 2))
    visits = draw(st.integers(0, 6))
    sizes = {"Person": people, "City": cities, "Visit": visits}
    data: dict[str, list[dict[str, Any]]] = {}
    for resource, size in sizes.items():
        data[resource] = []
        for key in range(1, size + 1):
            row: dict[str, Any] = {"id": key}
            for name, attribute in RESOURCES[resource].items():
                if isinstance(attribute, Scalar) and name != "id":
                    row[name] = draw(st.sampled_from(values(attribute.type)))
                elif isinstance(attribute, ToOne):
                    keys: list[int | None] = list(range(1, sizes[attribute.resource] + 1))
                    row[name] = draw(st.sampled_from([*keys, None] if attribute.nullable else keys))
            data[resource].append(row)
    return data


# --------------------------------------------------------------------------------------------------------- expressions

_LITERALS = {
    "int": ["0", "1", "-1", "2", "3", "18", "2**53 + 1", "9007199254740993", "2147483648", "4611686018427387904"],
    "text": ["''", "'a'", "'A'", "'ada'", "'Ada'", "'ß'", "'%'", "'_'", "' '", "'\\\\'", "'é'", "'\U0010ffff'", "'ab'"],
    "datetime": ["datetime(2026, 3, 29, 1, tzinfo=UTC)", "datetime(1970, 1, 1, tzinfo=UTC)"],
    "duration": ["timedelta(days=1)", "timedelta(hours=1)", "timedelta(microseconds=1)", "timedelta(days=-400)"],
    "decimal": ["Decimal('0.00')", "Decimal('1.5')", "Decimal('2.50')", "3", "Decimal('-0.01')"],
    "float": ["0.5", "1.5", "2.0", "-1.0", "0.1"],
}
_TYPES = {"bool": BOOL, "int": INT, "text": TEXT, "datetime": DATETIME, "decimal": DECIMAL, "float": FLOAT}


class _Writer:
    """Writes one expression. A method per type; each draws a form, and the forms' parts from one level below.

    `rows` are the names of rows in sight with their resources. A careful writer tests for None first, as declared
    functions must; `tested` are the fields that have been.
    """

    def __init__(self, draw: st.DrawFn, without: Collection[str], actor: bool, careful: bool) -> None:
        self.draw = draw
        self.without = without
        self.careful = careful
        self.tested: list[str] = []
        self.actor = actor
        self.rows: list[tuple[str, str]] = [("self", "Person")]
        if actor and not careful:  # a careful writer has `me` in sight only where it is not None
            self.rows.append(("me", "Person"))
        self.serial = 0

    def pick(self, options: list[Any]) -> Any:
        return options[self.draw(st.integers(0, len(options) - 1))]

    def chance(self, percent: int) -> bool:
        return bool(self.draw(st.integers(0, 99)) >= 100 - percent)

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

    def column(self, kind: Type) -> str:
        """A field of about this type: often one that may be None."""
        text, resource = self.row()
        fits = [n for n, a in RESOURCES[resource].items() if isinstance(a, Scalar) and a.type.kind is kind.kind]
        if not fits:
            text, resource = "self", "Person"
            fits = [n for n, a in RESOURCES[resource].items() if isinstance(a, Scalar) and a.type.kind is kind.kind]
        name = self.pick(fits)
        column, attribute = f"{text}.{name}", RESOURCES[resource][name]
        may_be_none = isinstance(attribute, Scalar) and attribute.type.nullable
        if self.careful and may_be_none and column not in self.tested and kind.kind is not BOOL.kind:
            literals = {INT: "3", TEXT: "'a'", DATETIME: "now()", FLOAT: "1.5", DECIMAL: "Decimal('1.50')"}
            return f"({column} if {column} is not None else {literals[kind]})"
        return column

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
        for kind, type in _TYPES.items():
            if kind != "bool" and type.kind is attribute.type.kind:
                return f"{path} {self.pick(['<', '>='])} {self.pick(_LITERALS[kind])}"
        return f"{path} is True"

    def write(self, type: str, depth: int) -> str:
        forms = getattr(self, f"{type}_forms")(depth) if depth > 0 else []
        if not forms or self.chance(25 if depth < 3 else 8):
            return self.leaf(type)
        form: Callable[[], str] = self.pick(forms)
        return form()

    def leaf(self, type: str) -> str:
        if type == "duration" or (type != "bool" and self.chance(15)):
            return str(self.pick(_LITERALS[type]))
        if type == "datetime" and "now" not in self.without and self.chance(20):
            return "now()"
        if "captured" not in self.without and self.chance(6):
            captured = {"int": "LIMIT", "text": "WORD", "datetime": "SINCE"}.get(type)
            if captured:
                return captured
        return self.column(_TYPES[type])

    # ------------------------------------------------------------------------------------------------- forms by type

    def bool_forms(self, depth: int) -> list[Callable[[], str]]:
        below = depth - 1
        comparable = ["int", "text", "datetime", "float"] + (["decimal"] if "decimal" not in self.without else [])

        def compare() -> str:
            type = self.pick(comparable)
            operator = self.pick(["==", "!=", "<", "<=", ">", ">="])
            left = self.write(type, below)
            if type in _LITERALS and self.chance(25):
                literals = _LITERALS["float" if type == "int" and self.chance(40) else type]
                sides = [left, self.pick(literals)]
                return f" {operator} ".join(sides if self.chance(50) else sides[::-1])
            if type == "float" and self.chance(30):
                return f"{left} {operator} {self.pick(_LITERALS['int'])}"
            if type == "float":
                right = self.pick(["self.ratio", "self.weight", *_LITERALS["float"]])
                return f"{left} {operator} {right}"
            return f"{left} {operator} {self.write(type, below)}"

        def chain() -> str:
            type = self.pick(["int", "text", "datetime"])
            first, second = self.pick(["<", "<=", "=="]), self.pick(["<", ">=", "!="])
            return (
                f"({self.write(type, below)} {first} {self.write(type, below - 1)} {second} {self.write(type, below)})"
            )

        def logic() -> str:
            word = self.pick(["and", "or"])
            return f"({self.write('bool', below)} {word} {self.write('bool', below)})"

        def guarded() -> str:
            column = self.column(self.pick([INT, TEXT, DATETIME]))
            test = self.pick([f"{column} is not None", column])
            return f"(bool({test}) and {self.write('bool', below)})"

        def membership() -> str:
            type = self.pick(["int", "text"])
            word = self.pick(["in", "not in"])
            items = [self.write(type, below - 1) for _ in range(self.draw(st.integers(0, 3)))]
            if self.chance(30):
                items.append("None")
            inside = ", ".join(items) + ("," if len(items) == 1 else "")
            return f"({self.write(type, below)} {word} ({inside}))"

        def captured() -> str:
            text, number = self.write("text", below), self.write("int", below)
            return str(self.pick([f"({text} in SOME)", f"({number} not in NUMBERS)"]))

        def quantified() -> str:
            word = self.pick(["any", "all"])
            return self.generator(word, "bool", below)

        def rows_equal() -> str:
            left, resource = self.row()
            right, _ = self.row(resource)
            return f"({left} {self.pick(['==', '!='])} {right})"

        def affix() -> str:
            method = self.pick(["startswith", "endswith"])
            return f"{self.write('text', below)}.{method}({self.write('text', below - 1)})"

        def none() -> str:
            row, _ = self.row()
            type = self.pick(["int", "text", "datetime"])
            what = self.pick([self.write(type, below), row])
            if what in _LITERALS[type]:  # CPython warns of `1 is None`
                what = row
            return f"({what} is {self.pick(['None', 'not None'])})"

        forms: list[Callable[[], str]] = [
            compare,
            compare,
            compare,
            chain,
            logic,
            logic,
            guarded,
            membership,
            none,
            none,
            rows_equal,
            quantified,
            lambda: f"(not {self.write('bool', below)})",
            lambda: f"bool({self.write(self.pick(['int', 'text', 'bool', 'datetime']), below)})",
            lambda: f"({self.write('bool', below)} if {self.write('bool', below)} else {self.write('bool', below)})",
            affix,
            lambda: self.reached(below),
            lambda: self.reached(below),
            lambda: f"({self.write('text', below)} {self.pick(['in', 'not in'])} {self.write('text', below)})",
            lambda: f"({self.column(BOOL)} is {self.pick(['True', 'False', 'not True'])})",
            lambda: f"({self.row('Person')[0]} in ({self.row('Person')[0]}, {self.row('Person')[0]}))",
        ]
        return forms + ([captured] if "captured" not in self.without else [])

    def int_forms(self, depth: int) -> list[Callable[[], str]]:
        below = depth - 1
        return [
            lambda: f"({self.write('int', below)} {self.pick(['+', '-', '*'])} {self.write('int', below)})",
            lambda: f"({self.write('int', below)} {self.pick(['//', '%'])} {self.write('int', below)})",
            lambda: f"(-{self.write('int', below)})",
            lambda: f"abs({self.write('int', below)})",
            lambda: f"len({self.write('text', below)})",
            lambda: f"len({self.row('Person')[0]}.visits)",
            lambda: self.generator("sum", self.pick(["int", "one"]), below),
            lambda: self.generator(self.pick(["min", "max"]), "int", below),
            *self.choices("int", below),
        ]

    def text_forms(self, depth: int) -> list[Callable[[], str]]:
        below = depth - 1
        methods = [m for m in ("lower", "upper", "casefold") if m not in self.without] + ["strip"]
        ends = ["", "0", "1", "2", "-1", "-2", "5"]
        return [
            lambda: f"{self.write('text', below)}.{self.pick(methods)}()",
            lambda: f"({self.write('text', below)} + {self.write('text', below)})",
            lambda: f"{self.write('text', below)}[{self.pick(ends)}:{self.pick(ends)}]",
            *self.choices("text", below),
        ]

    def datetime_forms(self, depth: int) -> list[Callable[[], str]]:
        below = depth - 1
        if "date" in self.without:
            return self.choices("datetime", below)
        return [
            lambda: f"({self.write('datetime', below)} {self.pick(['+', '-'])} {self.write('duration', below)})",
            lambda: self.generator(self.pick(["min", "max"]), "datetime", below),
            *self.choices("datetime", below),
        ]

    def duration_forms(self, depth: int) -> list[Callable[[], str]]:
        below = depth - 1
        return [lambda: f"({self.write('datetime', below)} - {self.write('datetime', below)})"]

    def decimal_forms(self, depth: int) -> list[Callable[[], str]]:
        below = depth - 1
        return [
            lambda: f"({self.write('decimal', below)} {self.pick(['+', '-'])} {self.write('decimal', below)})",
            *self.choices("decimal", below),
        ]

    def float_forms(self, depth: int) -> list[Callable[[], str]]:
        below = depth - 1
        forms = self.choices("float", below)
        if "divide" not in self.without:
            forms.append(lambda: f"({self.write('int', below)} / {self.write('int', below)})")
        if "float" not in self.without:
            forms.append(
                lambda: f"({self.write('float', below)} {self.pick(['+', '-', '*'])} {self.write('float', below)})"
            )
        return forms

    def choices(self, type: str, below: int) -> list[Callable[[], str]]:
        """The forms that answer one of their operands."""

        def guarded() -> str:
            column = self.column(_TYPES[type])
            return f"({column} if {column} is not None else {self.write(type, below)})"

        return [
            guarded,
            guarded,
            lambda: f"({self.write(type, below)} if {self.write('bool', below)} else {self.write(type, below)})",
            lambda: f"({self.write(type, below)} {self.pick(['or', 'or', 'and'])} {self.write(type, below)})",
        ]

    def generator(self, function: str, type: str, depth: int) -> str:
        self.serial += 1
        item = f"v{self.serial}"
        owner, _ = self.row("Person")
        self.rows.append((item, "Visit"))
        element = "1" if type == "one" else self.write(type, depth)
        condition = f" if {self.write('bool', depth)}" if self.chance(40) else ""
        self.rows.pop()
        inside = f"{element} for {item} in {owner}.visits{condition}"
        if function in ("min", "max") and self.chance(60) and not (self.careful and type == "datetime"):
            return f"{function}(({inside}), default={self.leaf(type)})"
        return f"{function}({inside})"


@st.composite
def expressions(
    draw: st.DrawFn,
    type: str = "bool",
    depth: int = 4,
    *,
    without: Collection[str] = (),
    actor: bool = False,
    careful: bool = False,
) -> tuple[str, Type]:
    """Source text and its type. Not every text is one that `lower` accepts: skip those it refuses.

    `type` is one of "bool", "int", "text", "datetime", "decimal", "float". `careful`: as declared functions are
    written, with tests for None, so that most is accepted with proof.
    """
    return _Writer(draw, without, actor, careful).write(type, draw(st.integers(max(1, depth - 2), depth))), _TYPES[type]


@st.composite
def guards(draw: st.DrawFn, depth: int = 3) -> str:
    """A condition about a path that is tested for None before it: mostly as one should, sometimes the wrong way."""
    return _Writer(draw, (), actor=True, careful=True).reached(draw(st.integers(1, depth)))


def nullable(attribute: ToOne | Scalar) -> bool:
    """Whether None is among the values."""
    return attribute.nullable if isinstance(attribute, ToOne) else attribute.type.nullable
