"""What one question may cost: bounds on what an actor supplies, with everything that is put in its place.

They keep a short question from becoming a long statement, or one that looks at rows within rows within rows. They say
nothing of how many rows there are: how long a statement may run is for its store.
"""

from __future__ import annotations

from typing import Final

from kingpost.base.errors import Detail, Rejected
from kingpost.language.tree import (
    Aggregate,
    And,
    Arithmetic,
    Call,
    Const,
    Expression,
    Field,
    If,
    Node,
    Or,
    Quantify,
    Slice,
    Step,
    children,
    walk,
)
from kingpost.language.types import Kind
from kingpost.model.model import Model

PARTS: Final = 2_000
"""Fields, values and operations of all conditions, orders and summaries, computed fields and rules put in."""
LISTS: Final = 32
"""How often rows of a to-many relation are looked at."""
NESTED: Final = 5
"""How deep such looks may stand in one another."""
STEPS: Final = 30
"""Different steps along relations to one: each is a join."""
RELATIONS: Final = 32
"""Relations filled in in one answer."""
SOUGHT: Final = 1_000
"""Characters of a text that is looked for inside another: stores compare it at every place."""
TEXT: Final = 4_000_000
"""Characters that a text put together of others may have."""

_UNBOUND: Final = 1_000_000  # a text that was declared without a bound; a body holds no longer one
_GROWS: Final = {"upper": 3, "lower": 3, "casefold": 3}  # ΐ is three characters in upper case


class Cost:
    """Counts one question, and refuses it where it goes beyond a bound."""

    def __init__(self) -> None:
        self.parts = 0
        self.lists = 0
        self.relations = 0
        self._steps: set[Step] = set()

    def spend(self, expression: Expression, pointer: str) -> Expression:
        """Count an expression that is asked for; the same expression. Raises `Rejected` (KP123)."""
        waiting: list[tuple[Node, int]] = [(expression, 0)]
        while waiting:
            node, nested = waiting.pop()
            self.parts += 1
            if isinstance(node, Quantify | Aggregate):
                self.lists += 1
                nested += 1
                if nested > NESTED:
                    raise _too_much(pointer, f"lists are looked at inside of lists at most {NESTED} deep")
                if self.lists > LISTS:
                    raise _too_much(pointer, f"a question looks at most {LISTS} times at lists")
            elif isinstance(node, Step):
                self._steps.add(node)
                if len(self._steps) > STEPS:
                    raise _too_much(pointer, f"a question takes at most {STEPS} different steps along relations")
            if self.parts > PARTS:
                raise too_many_parts(pointer)
            waiting.extend((child, nested) for child in children(node))
        return expression

    def fill(self) -> None:
        """Count a relation that is filled in. Raises `Rejected` (KP122)."""
        self.relations += 1
        if self.relations > RELATIONS:
            message = f"an answer fills in at most {RELATIONS} relations: ask for the others in further requests"
            raise Rejected("KP122", message, [Detail("?include", "KP122", message)])


def size(expression: Expression, limit: int) -> int:
    """How many parts it has; not counted further than `limit`."""
    count = 0
    for count, _ in enumerate(walk(expression), 1):
        if count > limit:
            break
    return count


def too_many_parts(pointer: str) -> Rejected:
    """The error for a question of too many parts."""
    words = f"a question has at most {PARTS} parts, computed fields and rules put in their place"
    return _too_much(pointer, f"{words}: ask less at once, or store the computed fields")


def _too_much(pointer: str, message: str) -> Rejected:
    return Rejected("KP123", message, [Detail(pointer, "KP123", message)])


# --------------------------------------------------------------------------------------------------------------- texts


def bound_texts(expression: Expression, model: Model, pointer: str) -> None:
    """Refuse what looks for long texts inside of others, or grows them. Raises `Rejected` (KP124)."""
    for node in walk(expression):
        if isinstance(node, Call) and node.function == "contains":
            if longest(node.arguments[1], model) > SOUGHT:
                raise too_long(pointer, f"a text of at most {SOUGHT} characters is looked for: take a part of it, [:n]")
        elif isinstance(node, Arithmetic) and node.type.kind is Kind.TEXT and longest(node, model) > TEXT:
            raise too_long(pointer, f"a text that is put together has at most {TEXT} characters: take parts, [:n]")


def sought(text: str, pointer: str) -> str:
    """A text that is looked for inside of others. Raises `Rejected` (KP124)."""
    if len(text) > SOUGHT:
        raise too_long(pointer, f"a text of at most {SOUGHT} characters is looked for")
    return text


def too_long(pointer: str, message: str) -> Rejected:
    """The error for a text that is too long to look for, or becomes too long."""
    return Rejected("KP124", message, [Detail(pointer, "KP124", message)])


def longest(expression: Expression, model: Model) -> int:
    """The most characters that a text may have, by what was declared."""
    match expression:
        case Const(value=str() as text):
            return len(text)
        case Field(row=row, name=name):
            found = model[row.resource]
            if name in found.computed and not found.computed[name].stored:
                return longest(found.computed[name].expression, model)
            bound = found.fields[name].constraints.max_length if name in found.fields else None
            return _UNBOUND if bound is None else bound
        case Slice(operand=operand, start=start, stop=stop):
            whole = longest(operand, model)
            first = start or 0
            if stop is None or stop < 0 or first < 0:
                return min(whole, -first) if stop is None and first < 0 else whole
            return min(whole, max(stop - first, 0))
        case Arithmetic(left=left, right=right):
            return longest(left, model) + longest(right, model)
        case Call(function=function, arguments=arguments):
            return longest(arguments[0], model) * _GROWS.get(function, 1)
        case If(then=then, otherwise=otherwise):
            return max(longest(then, model), longest(otherwise, model))
        case And(operands=operands) | Or(operands=operands):
            return max(longest(one, model) for one in operands)
        case Aggregate(element=element) if element is not None:
            return longest(element, model)
        case _:
            return _UNBOUND
