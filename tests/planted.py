"""Faults that are planted to see whether the tests find them, where more than one kind of test has to."""

from __future__ import annotations

from typing import Any

import pytest

from kingpost.language.tree import Not
from kingpost.stores.sql.translation import conditions


def not_takes_unknown_for_false(patch: pytest.MonkeyPatch) -> None:
    """`not` as two-valued logic has it."""
    plain = conditions.rail

    def rail(t: Any, node: Any, wanted: bool) -> Any:
        if isinstance(node, Not) and wanted:
            return t.true(node.operand).is_not(True)
        return plain(t, node, wanted)

    patch.setattr(conditions, "rail", rail)
