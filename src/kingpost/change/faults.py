"""What stands in the way of moving data as a whole, as against what is wrong with one row."""

from __future__ import annotations

from kingpost.stores.files.faults import FileFault


class HeaderFault(FileFault):
    """Columns that fit nothing in the resource, or a resource that needs others."""


class InspectFault(Exception):
    """Tables that were asked for and are not there. `remedy` is the next step."""

    def __init__(self, message: str, remedy: str) -> None:
        self.message, self.remedy = message, remedy
        super().__init__(message)
