"""The row version of documents that count none: a hash of what they hold of the declared columns."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import bson
import xxhash

from kingpost.stores.mongo.forms import CODEC

if TYPE_CHECKING:
    from kingpost.stores.mongo.layout import Layout


def version_of(layout: Layout, document: Mapping[str, Any]) -> int:
    """A whole number that another content has not, but for one chance in 2^63. What is missing counts as null."""
    held = {name: layout.value(document, name) for name in layout.columns}
    return xxhash.xxh3_64_intdigest(bson.encode(held, codec_options=CODEC)) >> 1
