"""Text that every store can hold: none with NUL, or with half of a surrogate pair."""

from __future__ import annotations

import re
from typing import Final

UNSTORABLE: Final = re.compile("[\0\ud800-\udfff]")
"""A character that is in no stored text."""


def is_storable(text: str) -> bool:
    """Whether every store can hold the text."""
    return "\0" not in text and (text.isascii() or UNSTORABLE.search(text) is None)
