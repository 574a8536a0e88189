"""A tree back as Python that a person reads: for explanations, logs and error messages."""

from __future__ import annotations

from datetime import datetime, timedelta
from decimal import Decimal
from typing import Final
from uuid import UUID

from kingpost.language.tree import (
    Aggregate,
    And,
    Arithmetic,
    Call,
    Compare,
    Const,
    Expression,
    Field,
    Identity,
    If,
    In,
    IsNone,
    Item,
    Keyed,
    Many,
    Member,
    Negative,
    Not,
    Or,
    Param,
    Part,
    Quantify,
    Root,
    Row,
    Shown,
    Slice,
    Step,
    Summary,
    Truth,
)

# How tightly a form binds, loosest first; a part that binds looser than its place wants gets brackets.
_IF, _OR, _AND, _NOT, _COMPARE, _SUM, _PRODUCT, _SIGN, _ATOM = range(9)
_BINDS: Final = {"+": _SUM, "-": _SUM, "*": _PRODUCT, "/": _PRODUCT, "//": _PRODUCT, "%": _PRODUCT}
_METHODS: Final = frozenset({"lower", "upper", "casefold", "strip", "startswith", "endswith"})
_LETTERS: Final = "xyzuvwst"


def render(expression: Expression) -> str:
    """Python source text of a tree, with `self` for its row. Guards are not shown."""
    return _Renderer().text(expression, _IF)


class _Renderer:
    """Gives generators' items their names in the order met."""

    def __init__(self) -> None:
        self.items: dict[int, str] = {}

    def text(self, node: Expression, place: int) -> str:
        written, binds = self.form(node)
        return written if binds >= place else f"({written})"

    def form(self, node: Expression) -> tuple[str, int]:
        """Text and how tightly it binds."""
        match node:
            case Const(value=value):
                text = constant(value)
                return text, _SIGN if text.startswith("-") else _ATOM
            case Param(name=name):
                return ("now()" if name in ("now", "present") else name), _ATOM
            case Field(row=row, name=name):
                return f"{self.row(row)}.{name}", _ATOM
            case Member(operand=operand, name=name):
                return f"{self.text(operand, _ATOM)}.{name}", _ATOM
            case Identity(row=row):
                return self.row(row), _ATOM
            case Part(operand=operand, index=index):
                return f"{self.text(operand, _ATOM)}.key[{index}]", _ATOM
            case Not(operand=IsNone(operand=operand)):
                return f"{self.text(operand, _SUM)} is not None", _COMPARE
            case Not(operand=Compare(op="==", left=left, right=right)):
                return f"{self.text(left, _SUM)} != {self.text(right, _SUM)}", _COMPARE
            case Not(operand=In(item=item, options=options)):
                return f"{self.text(item, _SUM)} not in {self.options(options)}", _COMPARE
            case Not(operand=operand):
                return f"not {self.text(operand, _NOT)}", _NOT
            case And(operands=operands):
                return " and ".join(self.text(operand, _NOT) for operand in operands), _AND
            case Or(operands=operands):
                return " or ".join(self.text(operand, _AND) for operand in operands), _OR
            case Shown(operand=operand):
                return self.form(operand)
            case Truth(operand=operand):
                return f"bool({self.text(operand, _IF)})", _ATOM
            case If(condition=condition, then=then, otherwise=otherwise):
                parts = self.text(then, _OR), self.text(condition, _OR), self.text(otherwise, _IF)
                return "{} if {} else {}".format(*parts), _IF
            case Compare(op=op, left=left, right=right):
                return f"{self.text(left, _SUM)} {op} {self.text(right, _SUM)}", _COMPARE
            case IsNone(operand=operand):
                return f"{self.text(operand, _SUM)} is None", _COMPARE
            case In(item=item, options=options):
                return f"{self.text(item, _SUM)} in {self.options(options)}", _COMPARE
            case Negative(operand=operand):
                return f"-{self.text(operand, _SIGN)}", _SIGN
            case Arithmetic(op=op, left=left, right=right):
                binds = _BINDS[op]
                return f"{self.text(left, binds)} {op} {self.text(right, binds + 1)}", binds
            case Call(function=function, arguments=arguments):
                return self.call(function, arguments)
            case Slice(operand=operand, start=start, stop=stop):
                ends = f"{'' if start is None else start}:{'' if stop is None else stop}"
                return f"{self.text(operand, _ATOM)}[{ends}]", _ATOM
            case Quantify(kind=kind, many=many, condition=condition, element=element):
                self.item(many.var)  # named before those inside it
                return f"{kind}({self.text(element, _IF)}{self.clause(many, condition)})", _ATOM
            case Aggregate():
                return self.aggregate(node), _ATOM
            case Summary(kind=kind, operand=operand):
                return f"{kind}({'*' if operand is None else self.text(operand, _IF)})", _ATOM

    def row(self, row: Row) -> str:
        match row:
            case Root():
                return "self"
            case Item(var=var):
                return self.item(var)
            case Step(base=base, relation=relation):
                return f"{self.row(base)}.{relation}"
            case Keyed(key=key):
                return key.name

    def item(self, var: int) -> str:
        if var not in self.items:
            number = len(self.items)
            self.items[var] = _LETTERS[number] if number < len(_LETTERS) else f"x{number}"
        return self.items[var]

    def options(self, options: tuple[Expression, ...] | Param) -> str:
        if isinstance(options, Param):
            return options.name
        inside = ", ".join(self.text(option, _IF) for option in options)
        return f"({inside},)" if len(options) == 1 else f"({inside})"

    def call(self, function: str, arguments: tuple[Expression, ...]) -> tuple[str, int]:
        if function == "contains":
            whole, part = arguments
            return f"{self.text(part, _SUM)} in {self.text(whole, _SUM)}", _COMPARE
        if function in _METHODS:
            inside = ", ".join(self.text(argument, _IF) for argument in arguments[1:])
            return f"{self.text(arguments[0], _ATOM)}.{function}({inside})", _ATOM
        inside = ", ".join(self.text(argument, _IF) for argument in arguments)
        return f"{'len' if function == 'length' else function}({inside})", _ATOM

    def clause(self, many: Many, condition: Expression | None) -> str:
        text = f" for {self.item(many.var)} in {self.row(many.base)}.{many.relation}"
        return text if condition is None else f"{text} if {self.text(condition, _OR)}"

    def aggregate(self, node: Aggregate) -> str:
        if node.kind == "count" and node.condition is None:
            return f"len({self.row(node.many.base)}.{node.many.relation})"
        self.item(node.many.var)
        element = "1" if node.element is None else self.text(node.element, _IF)
        clause = self.clause(node.many, node.condition)
        if node.default is None:
            return f"{'sum' if node.kind == 'count' else node.kind}({element}{clause})"
        return f"{node.kind}(({element}{clause}), default={self.text(node.default, _IF)})"


def constant(value: object) -> str:
    """A constant as it would be written."""
    match value:
        case datetime():
            return _datetime(value)
        case timedelta():
            return _timedelta(value)
        case Decimal():
            return f"Decimal('{value}')"
        case UUID():
            return f"UUID('{value}')"
        case _:
            text = repr(value)
            return text.removeprefix("datetime.")


def _datetime(value: datetime) -> str:
    parts = [value.year, value.month, value.day, value.hour, value.minute, value.second, value.microsecond]
    while len(parts) > 3 and parts[-1] == 0:
        parts.pop()
    return f"datetime({', '.join(map(str, parts))}, tzinfo=UTC)"


def _timedelta(value: timedelta) -> str:
    parts = {"days": value.days, "seconds": value.seconds, "microseconds": value.microseconds}
    inside = ", ".join(f"{name}={number}" for name, number in parts.items() if number)
    return f"timedelta({inside or '0'})"
