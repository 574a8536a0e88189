"""Who acts in this task: a row of the resource that actors are rows of, or None."""

from __future__ import annotations

from contextvars import ContextVar
from typing import Any

acting: ContextVar[Any] = ContextVar("kingpost_actor", default=None)
