"""The typed expression tree: all that can be said, as a closed set of frozen values.

`lower` makes these trees from Python source; stores translate them; `evaluate` runs them in memory. Meaning, with
three outcomes (true, false, unknown), is written down in docs/reference/language.md.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, fields, replace
from typing import Any, Literal, TypeAlias, TypeVar, cast

from kingpost.language.types import BOOL, INT, Type, reference

# ---------------------------------------------------------------------------------------------------------------- rows


@dataclass(frozen=True, slots=True)
class Root:
    """The row that the expression is about: `self` of a rule, the row of a list."""

    resource: str


@dataclass(frozen=True, slots=True)
class Item:
    """The row that a generator is at. `var` is unique in the whole tree."""

    var: int
    resource: str


@dataclass(frozen=True, slots=True)
class Step:
    """The row at the end of a to-one relation of `base`.

    `nullable`: there may be none. `guard`, an expression over `Root(resource)`: the row is reached only where the guard
    is surely true (what the actor may read, tenant, soft delete); a row not reached is like a step through None.
    """

    base: Row
    relation: str
    resource: str
    nullable: bool
    guard: Expression | None = None


@dataclass(frozen=True, slots=True)
class Keyed:
    """The row of `resource` whose key is a parameter: the actor."""

    resource: str
    key: Param


Row: TypeAlias = Root | Item | Step | Keyed


@dataclass(frozen=True, slots=True)
class Many:
    """The rows at the end of a to-many relation of `base`, each in turn bound to `Item(var, resource)`.

    `guard`, an expression over `Root(resource)`: rows where it is not surely true do not exist for this expression.
    `link`, where rows between lead there, is the same about these: a link that does not exist leads nowhere.
    """

    base: Row
    relation: str
    resource: str
    var: int
    guard: Expression | None = None
    link: Expression | None = None


# -------------------------------------------------------------------------------------------------------------- values


@dataclass(frozen=True, slots=True)
class Const:
    """A constant; Enum members by value, instants in UTC."""

    value: object
    type: Type


@dataclass(frozen=True, slots=True)
class Param:
    """A value bound when the statement runs: `now`, `me`, `me.role`, a captured variable, a value of the request.

    A reference is bound as the key of the row: a scalar, or a tuple where the key has several fields.
    """

    name: str
    type: Type


@dataclass(frozen=True, slots=True)
class Field:
    """A stored scalar of a row."""

    row: Row
    name: str
    type: Type


@dataclass(frozen=True, slots=True)
class Member:
    """A member of an embedded value."""

    operand: Expression
    name: str
    type: Type


@dataclass(frozen=True, slots=True)
class Identity:
    """A row as a value: equal to another by resource and key. None where a nullable `Step` leads nowhere."""

    row: Row
    type: Type


@dataclass(frozen=True, slots=True)
class Part:
    """One column of a row as a value, counted from 0: what a reference is ordered by. Nobody writes it."""

    operand: Expression
    index: int
    type: Type


@dataclass(frozen=True, slots=True)
class Not:
    operand: Expression
    type: Type = BOOL


@dataclass(frozen=True, slots=True)
class And:
    """As a condition (`type` is bool) Kleene's; otherwise the operand that CPython would return."""

    operands: tuple[Expression, ...]
    type: Type = BOOL


@dataclass(frozen=True, slots=True)
class Or:
    """As a condition (`type` is bool) Kleene's; otherwise the operand that CPython would return."""

    operands: tuple[Expression, ...]
    type: Type = BOOL


@dataclass(frozen=True, slots=True)
class Truth:
    """`bool(operand)`, for operands that are not bool or may be None."""

    operand: Expression
    type: Type = BOOL


@dataclass(frozen=True, slots=True)
class Shown:
    """The operand as an answer shows it: None where it is unknown. Not said in the language: rows are sorted by it."""

    operand: Expression
    type: Type


@dataclass(frozen=True, slots=True)
class If:
    condition: Expression
    then: Expression
    otherwise: Expression
    type: Type


Comparison: TypeAlias = Literal["==", "<", "<=", ">", ">="]


@dataclass(frozen=True, slots=True)
class Compare:
    """`==` finds None equal to None; the others are unknown where an operand is None. `!=` is `Not` of `==`."""

    op: Comparison
    left: Expression
    right: Expression
    type: Type = BOOL


@dataclass(frozen=True, slots=True)
class IsNone:
    operand: Expression
    type: Type = BOOL


@dataclass(frozen=True, slots=True)
class In:
    """`item in (…)`. `options` is a tuple of expressions, or one list parameter."""

    item: Expression
    options: tuple[Expression, ...] | Param
    type: Type = BOOL


@dataclass(frozen=True, slots=True)
class Negative:
    operand: Expression
    type: Type


@dataclass(frozen=True, slots=True)
class Arithmetic:
    """On numbers, text (`+`), instants, dates (`+ -`) and durations (`+ - * / // %`)."""

    op: Literal["+", "-", "*", "/", "//", "%"]
    left: Expression
    right: Expression
    type: Type


Function: TypeAlias = Literal[
    "lower", "upper", "casefold", "strip", "startswith", "endswith", "contains", "length", "abs", "round"
]


@dataclass(frozen=True, slots=True)
class Call:
    """A function of values. `contains(text, part)` is `part in text`; `length` is `len(text)`."""

    function: Function
    arguments: tuple[Expression, ...]
    type: Type


@dataclass(frozen=True, slots=True)
class Slice:
    """`operand[start:stop]` of a text, the ends constant."""

    operand: Expression
    start: int | None
    stop: int | None
    type: Type


@dataclass(frozen=True, slots=True)
class Quantify:
    """`any(element for item in many if condition)`, or `all`."""

    kind: Literal["any", "all"]
    many: Many
    condition: Expression | None
    element: Expression
    type: Type = BOOL


@dataclass(frozen=True, slots=True)
class Aggregate:
    """`sum`, `min`, `max` of `element` over `many`, or the count of its rows (`element` is None).

    `default` answers for `min` and `max` of nothing; without it they are unknown.
    """

    kind: Literal["count", "sum", "min", "max"]
    many: Many
    condition: Expression | None
    element: Expression | None
    default: Expression | None = None
    type: Type = INT


@dataclass(frozen=True, slots=True)
class Summary:
    """One value for a whole group of rows: only a column of a grouped `Select`, never inside a condition.

    None elements are passed over; `operand` is None for `count` of rows.
    """

    kind: Literal["count", "sum", "min", "max", "avg"]
    operand: Expression | None
    type: Type


Expression: TypeAlias = (
    Const
    | Param
    | Field
    | Member
    | Identity
    | Part
    | Not
    | And
    | Or
    | Truth
    | Shown
    | If
    | Compare
    | IsNone
    | In
    | Negative
    | Arithmetic
    | Call
    | Slice
    | Quantify
    | Aggregate
    | Summary
)
Node: TypeAlias = Expression | Row | Many

TRUE = Const(True, BOOL)
FALSE = Const(False, BOOL)

# ---------------------------------------------------------------------------------------------------------------- tools


def children(node: Node) -> Iterator[Node]:
    """The nodes directly below; guards included."""
    for name in PARTS[type(node)]:
        value = getattr(node, name)
        for child in cast("tuple[object, ...]", value) if isinstance(value, tuple) else (value,):
            if type(child) in PARTS:
                yield cast("Node", child)


def walk(node: Node) -> Iterator[Node]:
    """The node and all below it, parents first."""
    stack = [node]
    while stack:
        found = stack.pop()
        yield found
        stack.extend(children(found))


N = TypeVar("N", bound="Node")


def transform(node: N, change: Callable[[Node], Node | None]) -> N:
    """Rebuild a tree from the top: where `change` answers a node it is taken, and not looked into; else go below."""
    new = change(node)
    if new is not None:
        return cast(N, new)
    changed: dict[str, object] = {}
    for name in PARTS[type(node)]:
        value = getattr(node, name)
        if type(value) in PARTS:
            below: object = transform(cast("Node", value), change)
        elif isinstance(value, tuple) and value and type(cast("tuple[object, ...]", value)[0]) in PARTS:
            below = tuple(transform(child, change) for child in cast("tuple[Node, ...]", value))
        else:
            continue
        if below != value:
            changed[name] = below
    return replace(node, **cast("dict[str, Any]", changed)) if changed else node


def rebase(expression: Expression, row: Row, fresh: Callable[[], int]) -> Expression:
    """The same expression about another row: `Root` becomes `row`, and generator variables get fresh numbers."""
    numbers: dict[int, int] = {}

    def renumber(var: int) -> int:
        if var not in numbers:
            numbers[var] = fresh()
        return numbers[var]

    def change(node: Node) -> Node | None:
        match node:
            case Root():
                return row
            case Item(var=var):
                return replace(node, var=renumber(var))
            case Step(base=base):  # a guard is about its own root
                return replace(node, base=transform(base, change))
            case Many(base=base, var=var):
                return replace(node, base=transform(base, change), var=renumber(var))
            case _:
                return None

    return transform(expression, change)


def all_of(*conditions: Expression | None) -> Expression | None:
    """The conjunction of those that are there; None where there is none."""
    flat: list[Expression] = []
    for condition in conditions:
        if isinstance(condition, And) and condition.type == BOOL:
            flat.extend(condition.operands)
        elif condition is not None and condition != TRUE:
            flat.append(condition)
    if FALSE in flat:
        return FALSE
    return None if not flat else flat[0] if len(flat) == 1 else And(tuple(flat))


def any_of(*conditions: Expression) -> Expression:
    """The disjunction; false of nothing."""
    flat: list[Expression] = []
    for condition in conditions:
        if isinstance(condition, Or) and condition.type == BOOL:
            flat.extend(condition.operands)
        elif condition != FALSE:
            flat.append(condition)
    if TRUE in flat:
        return TRUE
    return FALSE if not flat else flat[0] if len(flat) == 1 else Or(tuple(flat))


def identity(row: Row) -> Identity:
    """The row as a value. A guard on the row itself does not count: its key is stored on the row before it."""
    nullable = row.nullable if isinstance(row, Step) else row.key.type.nullable if isinstance(row, Keyed) else False
    return Identity(row, reference(row.resource, nullable=nullable))


ROWS = (Root, Item, Step, Keyed)
EXPRESSIONS = (
    Const,
    Param,
    Field,
    Member,
    Identity,
    Part,
    Not,
    And,
    Or,
    Truth,
    Shown,
    If,
    Compare,
    IsNone,
    In,
    Negative,
    Arithmetic,
    Call,
    Slice,
    Quantify,
    Aggregate,
    Summary,
)
NODES = (*ROWS, Many, *EXPRESSIONS)
PARTS: dict[type, tuple[str, ...]] = {node: tuple(part.name for part in fields(node)) for node in NODES}
"""What each kind of node is made of."""
