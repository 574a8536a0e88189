"""A translated statement: its text, and how each of its parameters is made from the values of one request."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias

import sqlalchemy as sa

Bind: TypeAlias = Callable[[Mapping[str, object]], object]
"""Makes one positional parameter, in the driver's form, from the Python values by name."""


@dataclass(frozen=True, slots=True)
class Statement:
    """What the store is told. `binds` are in the order of the text's `?` or `$1`, `$2`, …"""

    text: str
    binds: tuple[Bind, ...]

    def arguments(self, params: Mapping[str, object]) -> tuple[object, ...]:
        """The positional parameters for one run."""
        return tuple([bind(params) for bind in self.binds])


class Bound(sa.BindParameter[Any]):
    """A parameter. `python` makes its Python value, where it has one."""

    inherit_cache = True

    def __init__(self, name: str, type: sa.types.TypeEngine[Any], binds: Binds, python: Bind | None) -> None:
        super().__init__(name, type_=type)
        self.binds, self.python = binds, python

    def again(self, form: str, convert: Callable[[Any], Any] | None, type: sa.types.TypeEngine[Any]) -> Bound:
        """The same value bound in another form."""
        python = self.python
        assert python is not None  # noqa: S101

        def make(params: Mapping[str, object]) -> object:
            value = python(params)
            return value if value is None or convert is None else convert(value)

        return self.binds.add((self.key, form), make, type)


class Binds:
    """Collects the parameters of a statement while it is being translated; equal ones are bound once."""

    def __init__(self) -> None:
        self._makers: dict[str, Bind] = {}
        self._known: dict[object, Bound] = {}

    def add(self, key: object, make: Bind, type: sa.types.TypeEngine[Any], python: Bind | None = None) -> Bound:
        """A parameter; the same one again for a `key` that was here before."""
        if key not in self._known:
            name = f"p{len(self._makers) + 1}"
            self._makers[name] = make
            self._known[key] = Bound(name, type, self, python)
        return self._known[key]

    def statement(self, query: sa.SelectBase, dialect: sa.Dialect) -> Statement:
        """Compile the query."""
        compiled = query.compile(dialect=dialect)
        names = compiled.positiontup or []
        # SQLAlchemy adds a bound 0 of its own where SQLite wants an OFFSET behind its LIMIT.
        return Statement(
            str(compiled), tuple(self._makers.get(name) or _fixed(compiled.params[name]) for name in names)
        )


def _fixed(value: object) -> Bind:
    return lambda params: value
