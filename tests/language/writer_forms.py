"""The forms that `Writer` writes, by type. Each is a thunk that draws its parts when it is chosen."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, TypeAlias

if TYPE_CHECKING:
    from tests.language.writer import Writer

Forms: TypeAlias = list[Callable[[], str]]

_COMPARED = ["int", "int", "text", "text", "datetime", "float", "decimal", "date", "duration"]
_ELEMENTS = ["int", "int", "datetime", "text", "decimal", "float", "date", "duration"]
_UNITS = ["weeks", "days", "hours", "seconds", "milliseconds", "microseconds"]
_ENDS = ["", "0", "1", "2", "-1", "-2", "5"]


def forms(w: Writer, type: str, depth: int) -> Forms:
    """What an expression of this type may look like at the top."""
    return FAMILIES[type](w, depth - 1)


def _bool(w: Writer, below: int) -> Forms:
    def logic() -> str:
        return f"({w.write('bool', below)} {w.pick(['and', 'or'])} {w.write('bool', below)})"

    def guarded() -> str:
        column = w.column(w.pick(["int", "text", "datetime"]))
        test = w.pick([f"{column} is not None", column])
        return f"(bool({test}) and {w.write('bool', below)})"

    def rows_equal() -> str:
        left, resource = w.row()
        right, _ = w.row(resource)
        return f"({left} {w.pick(['==', '!='])} {right})"

    def affix() -> str:
        method = w.pick(["startswith", "endswith"])
        return f"{w.write('text', below)}.{method}({w.write('text', below - 1)})"

    def none() -> str:
        row, _ = w.row()
        type = w.pick(["int", "text", "datetime", "duration", "date"])
        what = w.pick([w.write(type, below), row])
        if what[0] in "'0123456789-":  # CPython warns of `1 is None`
            what = row
        return f"({what} is {w.pick(['None', 'not None'])})"

    def embedded() -> str:
        path = w.pick(["self.address", "self.office.room", "self.address.room", "self.boss.address"])
        return f"({path} is {w.pick(['None', 'not None'])})"

    def captured() -> str:
        text, number, at = w.write("text", below), w.write("int", below), w.write("datetime", below)
        return str(w.pick([f"({text} in SOME)", f"({number} not in NUMBERS)", f"({at} >= LOCAL)", f"({at} == LOCAL)"]))

    def kinds() -> str:
        row = w.row("Person")[0]
        return str(
            w.pick([
                f"({row}.status {w.pick(['==', '!='])} {w.pick(['Status.LIVE', 'MOOD', 'self.status'])})",
                f"({row}.uuid {w.pick(['==', '!='])} {w.pick(['KEY', 'UUID(int=0)', 'self.uuid'])})",
                f"({row}.uuid in (KEY, self.uuid))",
                f"bool({row}.photo)",
                f"({row}.role == {w.pick(['self.role', repr('author')])})",
            ])
        )  # fmt: skip

    whole = ["int", "text", "bool", "datetime", "duration", "decimal", "float"]
    found: Forms = [
        *([lambda: _compare(w, below)] * 4),
        lambda: _chain(w, below),
        logic,
        logic,
        guarded,
        lambda: _membership(w, below),
        none,
        none,
        embedded,
        rows_equal,
        lambda: _generator(w, w.pick(["any", "all"]), "bool", below),
        lambda: f"(not {w.write('bool', below)})",
        lambda: f"(not {w.write('bool', below)})",
        lambda: f"bool({_exactly(w, w.pick(whole), below)})",
        lambda: f"({w.write('bool', below)} if {w.write('bool', below)} else {w.write('bool', below)})",
        affix,
        lambda: w.reached(below),
        lambda: w.reached(below),
        lambda: f"({w.write('text', below)} {w.pick(['in', 'not in'])} {w.write('text', below)})",
        lambda: f"({w.column('bool')} is {w.pick(['True', 'False', 'not True'])})",
        lambda: f"({w.row('Person')[0]} in ({w.row('Person')[0]}, {w.row('Person')[0]}))",
        kinds,
    ]
    return found + ([captured] if "captured" not in w.without else [])


def _compare(w: Writer, below: int) -> str:
    type = w.pick([type for type in _COMPARED if type not in w.without])
    operator = w.pick(["==", "!=", "<", "<=", ">", ">="])
    if type == "float":
        return _compare_floats(w, operator, below)
    left = w.write(type, below)
    if w.chance(25):
        sides = [left, w.literal("float" if type == "int" and w.chance(40) else type)]
        return f" {operator} ".join(sides if w.chance(50) else sides[::-1])
    return f"{left} {operator} {w.write(type, below)}"


def _exactly(w: Writer, type: str, below: int) -> str:
    """A value that every store computes to the last digit; rough floats are for answers only."""
    rough, w.rough = w.rough, False
    text = w.write(type, below)
    if w.rough:
        text = w.column("float")
    w.rough = rough
    return text


def _compare_floats(w: Writer, operator: str, below: int) -> str:
    left = _exactly(w, "float", below)
    if w.chance(20):
        return f"{left} {operator} {w.literal('int')}"
    return f"{left} {operator} {w.column('float') if w.chance(50) else w.literal('float')}"


def _chain(w: Writer, below: int) -> str:
    type = w.pick(["int", "text", "datetime", "decimal"])
    first, second = w.pick(["<", "<=", "=="]), w.pick(["<", ">=", "!="])
    return f"({w.write(type, below)} {first} {w.write(type, below - 1)} {second} {w.write(type, below)})"


def _membership(w: Writer, below: int) -> str:
    type = w.pick(["int", "text", "decimal", "date", "duration"])
    word = w.pick(["in", "not in"])
    items = [w.write(type, below - 1) for _ in range(w.draw(0, 3))]
    if w.chance(30):
        items.append("None")
    inside = ", ".join(items) + ("," if len(items) == 1 else "")
    return f"({w.write(type, below)} {word} ({inside}))"


def _int(w: Writer, below: int) -> Forms:
    exact = ["decimal"] if "round" in w.without else ["decimal", "float"]
    return [
        lambda: f"({w.write('int', below)} {w.pick(['+', '-', '*'])} {w.write('int', below)})",
        lambda: f"({w.write('int', below)} {w.pick(['//', '%'])} {w.write('int', below)})",
        lambda: f"(-{w.write('int', below)})",
        lambda: f"abs({w.write('int', below)})",
        lambda: f"len({w.write('text', below)})",
        lambda: f"len({w.row('Person')[0]}.visits)",
        lambda: _generator(w, "sum", w.pick(["int", "one", "bool"]), below),
        lambda: _generator(w, w.pick(["min", "max"]), "int", below),
        lambda: f"round({w.column(w.pick(exact))})",
        lambda: f"({w.write('duration', below)} // {w.write('duration', below)})",
        lambda: f"({w.write('duration', below)}).{w.pick(['days', 'seconds', 'microseconds'])}",
        *_choices(w, "int", below),
    ]


def _small(w: Writer, below: int) -> Forms:
    return [
        lambda: f"({w.write('small', below)} {w.pick(['+', '-', '*', '//', '%'])} {w.write('small', below)})",
        lambda: f"len({w.write('text', below)})",
        lambda: f"abs({w.write('small', below)})",
    ]


def _text(w: Writer, below: int) -> Forms:
    methods = [method for method in ("lower", "upper", "casefold") if method not in w.without] + ["strip"]
    return [
        lambda: f"{w.write('text', below)}.{w.pick(methods)}()",
        lambda: f"({w.write('text', below)} + {w.write('text', below)})",
        lambda: f"{w.write('text', below)}[{w.pick(_ENDS)}:{w.pick(_ENDS)}]",
        lambda: _generator(w, w.pick(["min", "max"]), "text", below),
        *_choices(w, "text", below),
    ]


def _datetime(w: Writer, below: int) -> Forms:
    if "date" in w.without:
        return _choices(w, "datetime", below)
    return [
        lambda: f"({w.write('datetime', below)} {w.pick(['+', '-'])} {w.write('duration', below)})",
        lambda: f"({w.write('duration', below)} + {w.write('datetime', below)})",
        lambda: _generator(w, w.pick(["min", "max"]), "datetime", below),
        *_choices(w, "datetime", below),
    ]


def _duration(w: Writer, below: int) -> Forms:
    return [
        lambda: f"({w.write('datetime', below)} - {w.write('datetime', below)})",
        lambda: f"({w.write('date', below)} - {w.write('date', below)})",
        lambda: f"({w.write('duration', below)} {w.pick(['+', '-', '%'])} {w.write('duration', below)})",
        lambda: f"({w.write('duration', below)} {w.pick(['*', '//'])} {w.write(w.pick(['small', 'int']), below)})",
        lambda: f"({w.write('small', below)} * {w.write('duration', below)})",
        lambda: f"{w.pick(['-', 'abs'])}({w.write('duration', below)})",
        lambda: f"timedelta({w.pick(_UNITS)}={w.write(w.pick(['small', 'int']), below)})",
        lambda: f"timedelta(hours={w.write('small', below)}, minutes={w.write('small', below)}, days=1)",
        lambda: _generator(w, w.pick(["min", "max"]), "duration", below),
        *_choices(w, "duration", below),
    ]


def _date(w: Writer, below: int) -> Forms:
    return [
        lambda: f"({w.write('date', below)} {w.pick(['+', '-'])} {w.write('duration', below)})",
        lambda: f"({w.write('duration', below)} + {w.write('date', below)})",
        lambda: _generator(w, w.pick(["min", "max"]), "date", below),
        *_choices(w, "date", below),
    ]


def _decimal(w: Writer, below: int) -> Forms:
    return [
        lambda: f"({w.write('decimal', below)} {w.pick(['+', '-'])} {w.write('decimal', below)})",
        lambda: f"({w.write('decimal', below)} {w.pick(['+', '-', '*'])} {w.write('small', below)})",
        lambda: f"({w.column('decimal')} * {w.literal('decimal')})",
        lambda: f"(-{w.write('decimal', below)})",
        lambda: f"abs({w.write('decimal', below)})",
        lambda: _generator(w, w.pick(["sum", "min", "max"]), "decimal", below),
        *_choices(w, "decimal", below),
    ]


def _float(w: Writer, below: int) -> Forms:
    def quotient() -> str:
        w.rough = True
        return f"({w.write('int', below)} / {w.write('int', below)})"

    def share() -> str:
        w.rough = True
        duration = w.write("duration", below)
        return f"({duration}).total_seconds()" if w.chance(30) else f"({duration} / {w.write('duration', below)})"

    def total() -> str:
        w.rough = True
        return _generator(w, "sum", "float", below)

    found = _choices(w, "float", below)
    if "divide" not in w.without:
        found += [quotient, share, lambda: f"({w.write('small', below)} / {w.write('small', below)})"]
    if "float" not in w.without:
        found += [
            lambda: f"({w.write('float', below)} {w.pick(['+', '-', '*', '/'])} {w.write('float', below)})",
            lambda: f"abs({w.write('float', below)})",
            lambda: f"(-{w.write('float', below)})",
            lambda: _generator(w, w.pick(["min", "max"]), "float", below),
            total,
        ]
    return found


def _choices(w: Writer, type: str, below: int) -> Forms:
    """The forms that answer one of their operands."""

    def guarded() -> str:
        column = w.column(type)
        return f"({column} if {column} is not None else {w.write(type, below)})"

    return [
        guarded,
        guarded,
        lambda: f"({w.write(type, below)} if {w.write('bool', below)} else {w.write(type, below)})",
        lambda: f"({w.write(type, below)} {w.pick(['or', 'or', 'and'])} {w.write(type, below)})",
    ]


def _generator(w: Writer, function: str, type: str, depth: int) -> str:
    w.serial += 1
    item = f"v{w.serial}"
    owner, _ = w.row("Person")
    w.rows.append((item, "Visit"))
    element = "1" if type == "one" else w.write(type, depth)
    condition = f" if {w.write('bool', depth)}" if w.chance(40) else ""
    w.rows.pop()
    inside = f"{element} for {item} in {owner}.visits{condition}"
    if function in ("min", "max") and w.chance(60) and not (w.careful and type == "datetime"):
        return f"{function}(({inside}), default={w.leaf(type)})"
    return f"{function}({inside})"


FAMILIES: dict[str, Callable[[Writer, int], Forms]] = {
    "bool": _bool,
    "int": _int,
    "small": _small,
    "text": _text,
    "datetime": _datetime,
    "duration": _duration,
    "date": _date,
    "decimal": _decimal,
    "float": _float,
}
