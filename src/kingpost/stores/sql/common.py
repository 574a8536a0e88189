"""What the SQL stores have in common: tables, translation, forms."""

from __future__ import annotations

from dataclasses import dataclass, field

import sqlalchemy as sa

from kingpost.language.types import Type
from kingpost.model.model import Model, ResourceModel
from kingpost.plan.select import Select
from kingpost.stores.contract import Abilities, Convert
from kingpost.stores.sql.batch import Batches
from kingpost.stores.sql.dialects import Dialect
from kingpost.stores.sql.errors import Names
from kingpost.stores.sql.statement import Statement
from kingpost.stores.sql.tables import tables
from kingpost.stores.sql.translation.translate import translate


@dataclass(slots=True)
class Ground:
    """One store's part of the model in one dialect. `name` is the store's, as resources know it."""

    model: Model
    name: str
    dialect: Dialect
    abilities: Abilities = field(default_factory=Abilities)
    tables: dict[str, sa.Table] = field(init=False)
    names: Names = field(init=False)
    batches: Batches = field(init=False)
    _translated: dict[Select, Statement] = field(init=False, default_factory=dict[Select, Statement])

    def __post_init__(self) -> None:
        self.tables = dict(tables(self.model, self.name, self.dialect))
        self.names = Names(self.model, self.tables)
        self.batches = Batches(self.model, self.dialect, self._check)

    @property
    def resources(self) -> tuple[ResourceModel, ...]:
        """The resources that live here."""
        return tuple(self.model[name] for name in self.tables)

    def translate(self, select: Select) -> Statement:
        """A select as SQL; raises `Unsupported`."""
        return translate(select, self.model, self.dialect)

    def json_form(self, type: Type) -> Convert | None:
        return self.dialect.forms.json_form(type)

    def python_form(self, type: Type) -> Convert | None:
        return self.dialect.forms.python_form(type)

    def _check(self, select: Select) -> Statement:
        """Checks come as values with every batch; those of one shape are translated once."""
        try:
            known = self._translated.get(select)
        except TypeError:  # it holds a constant that can't be hashed, such as JSON
            return self.translate(select)
        if known is None:
            if len(self._translated) > 1000:
                self._translated.clear()
            known = self._translated[select] = self.translate(select)
        return known
