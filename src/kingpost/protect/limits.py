"""What may be set about requests as a whole. Times are in seconds."""

from __future__ import annotations

import math
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Limits:
    """Bounds for every request, whatever it asks for. They hold for each process.

    Raises `ValueError` for what is not greater than zero.

    Args:
        deadline: How long an answer may take, from when the request is here as a whole to when the answer begins.
        in_flight: How many requests are worked on at once; one more is refused at once, which costs next to nothing.
            Requests that are still coming in and answers that are going out are not counted.
        slow: How long a client may keep a request from coming in, or an answer from going out, without a good rate.
    """

    deadline: float = 30
    in_flight: int = 256
    slow: float = 7

    def __post_init__(self) -> None:
        for name in self.__slots__:
            value = getattr(self, name)
            if not 0 < value < math.inf:
                raise ValueError(f"Limits.{name} is to be greater than 0, and is {value}")
