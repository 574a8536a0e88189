"""A plan in words: its steps in order, each with what the store is told."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from kingpost.engine.running import Ready, RunningFetch


def explained_plan(ready: Ready) -> str:
    """The steps of a prepared read."""
    if ready.plan.empty:
        return "nothing is asked: the rules leave no row for this actor"
    lines: list[str] = []
    _step(ready.running, "1", "", lines)
    if ready.count is not None:
        lines += ["", "count", *_indented(ready.count.text)]
    return "\n".join(lines)


def _step(running: RunningFetch, number: str, how: str, lines: list[str]) -> None:
    if lines:
        lines.append("")
    lines.append(f"{number} {running.fetch.title} from {running.fetch.store}{how}")
    lines.extend(_indented(running.asked.text))
    for index, one in enumerate(running.batches, 1):
        _step(one.below, f"{number}.{index}", ", for the distinct keys found", lines)


def _indented(text: str) -> list[str]:
    return [f"    {line}" for line in text.splitlines()]
