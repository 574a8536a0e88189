"""What stands in the way of reading a file as a whole, as against what is wrong with one row."""

from __future__ import annotations


class FileFault(Exception):
    """A file that can't be read on, or does not fit the resource. `remedy` is the next step."""

    def __init__(self, message: str, remedy: str = "") -> None:
        self.message, self.remedy = message, remedy
        super().__init__(message)
