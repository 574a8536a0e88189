"""Expressions as Hypothesis writes them: typed Python source text over the test domain, with functions made of it.

Every oracle test writes its expressions here or, where many are wanted, by `writer.py`, so that CPython, memory and
every store are held to the same ones:

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
from typing import Any

from hypothesis import strategies as st

from kingpost.language.read_source import read_source
from kingpost.language.schema import Scalar, ToOne
from kingpost.language.source import Source
from kingpost.language.tree import Expression, Keyed, Param, Root, Row
from kingpost.language.types import Type, reference
from tests.language.domain import NASTY, RESOURCES, SCHEMA, Data, values
from tests.language.writer import GLOBALS, TYPES, Writer

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


def _chance(draw: st.DrawFn) -> Callable[[int, int], int]:
    return lambda first, last: draw(st.integers(first, last))


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

    `type` is one of `TYPES`. `careful`: as declared functions are written, with tests for None, so that most is
    accepted with proof.
    """
    writer = Writer(_chance(draw), without=without, actor=actor, careful=careful)
    return writer.write(type, draw(st.integers(max(1, depth - 2), depth))), TYPES[type]


@st.composite
def guards(draw: st.DrawFn, depth: int = 3) -> str:
    """A condition about a path that is tested for None before it: mostly as one should, sometimes the wrong way."""
    return Writer(_chance(draw), actor=True, careful=True).reached(draw(st.integers(1, depth)))
