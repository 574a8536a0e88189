"""A small chart as SVG, drawn here: no script, no font, and nothing of it from elsewhere.

The image says in words what it shows (WAI-ARIA Graphics Module, role `img` with title and description); every value is
also in the table beside it.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from html import escape
from typing import Final, Literal, TypeAlias

Kind: TypeAlias = Literal["bar", "line"]
Points: TypeAlias = Sequence[tuple[str, float | None]]
_Scale: TypeAlias = Callable[[float], float]

WIDTH: Final = 720
HEIGHT: Final = 360
LEFT: Final = 72
BOTTOM: Final = 56
TOP: Final = 16
RIGHT: Final = 16
MOST: Final = 500
"""Points that can be told apart."""
LABELS: Final = 12
_INK: Final = "#1f4e79"


def svg(points: Points, *, kind: Kind, title: str) -> str:
    """The image. Raises ValueError for more points than can be told apart."""
    if len(points) > MOST:
        raise ValueError(f"{len(points)} points are more than a chart shows: aggregate, or limit to {MOST}")
    known = [value for _, value in points if value is not None and math.isfinite(value)]
    low, high = min((0.0, *known)), max((0.0, *known))
    steps = _steps(low, high)
    low, high = min(low, steps[0]), max(high, steps[-1])
    wide, tall = WIDTH - LEFT - RIGHT, HEIGHT - TOP - BOTTOM

    def up(value: float) -> float:
        return TOP + tall * (high - value) / (high - low)

    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" role="img" '
        f'font-family="sans-serif" font-size="12" fill="#222">',
        f"<title>{escape(title)}</title><desc>{escape(_said(points, known))}</desc>",
    ]
    for step in steps:
        y = up(step)
        parts.append(f'<path d="M{LEFT} {y:.1f}H{WIDTH - RIGHT}" stroke="#ccc"/>')
        parts.append(f'<text x="{LEFT - 8}" y="{y + 4:.1f}" text-anchor="end">{escape(_number(step))}</text>')
    slot = wide / max(len(points), 1)
    middles = [LEFT + slot * (index + 0.5) for index in range(len(points))]
    parts += _bars(points, middles, slot, up) if kind == "bar" else _line(points, middles, up)
    every = max(1, math.ceil(len(points) / LABELS))
    for index in range(0, len(points), every):
        text = points[index][0]
        text = text if len(text) <= 14 else f"{text[:13]}…"
        parts.append(f'<text x="{middles[index]:.1f}" y="{HEIGHT - BOTTOM + 20}" text-anchor="middle">')
        parts.append(f"{escape(text)}</text>")
    return "".join((*parts, "</svg>"))


def figure(image: str, columns: Sequence[str], rows: Sequence[Sequence[str]], title: str) -> str:
    """The image with its caption, and what it shows as a table."""
    head = "".join(f'<th scope="col">{escape(name)}</th>' for name in columns)
    body = "".join(f"<tr>{''.join(f'<td>{escape(one)}</td>' for one in row)}</tr>" for row in rows)
    caption = f"<figcaption>{escape(title)}</figcaption>"
    table = f"<table><caption>{escape(title)}</caption><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"
    return f"<figure>{image}{caption}<details><summary>Values</summary>{table}</details></figure>"


def _bars(points: Points, middles: Sequence[float], slot: float, up: _Scale) -> list[str]:
    found: list[str] = []
    for (text, value), middle in zip(points, middles, strict=True):
        if value is None or not math.isfinite(value):
            continue
        top, foot = min(up(value), up(0)), max(up(value), up(0))
        found.append(
            f'<rect x="{middle - slot * 0.4:.1f}" y="{top:.1f}" width="{slot * 0.8:.1f}" height="{foot - top:.1f}" '
            f'fill="{_INK}"><title>{escape(text)}: {escape(_number(value))}</title></rect>'
        )
    return found


def _line(points: Points, middles: Sequence[float], up: _Scale) -> list[str]:
    path, pen = "", "M"
    for (_, value), middle in zip(points, middles, strict=True):
        if value is None or not math.isfinite(value):
            pen = "M"  # what is not known leaves a gap
            continue
        path += f"{pen}{middle:.1f} {up(value):.1f}"
        pen = "L"
    return [f'<path d="{path}" fill="none" stroke="{_INK}" stroke-width="2"/>']


def _steps(low: float, high: float) -> list[float]:
    """Round numbers from below the least to above the greatest."""
    span = (high - low) or 1.0
    size = 10.0 ** math.floor(math.log10(span / 4))
    size *= next(factor for factor in (1, 2, 5, 10) if span / (size * factor) <= 5)
    first, last = math.floor(low / size), math.ceil((high if high > low else low + 1) / size)
    return [index * size for index in range(first, last + 1)]


def _said(points: Points, known: Sequence[float]) -> str:
    if not known:
        return f"{len(points)} points, no value"
    return f"{len(points)} points; least {_number(min(known))}, greatest {_number(max(known))}"


def _number(value: float) -> str:
    return f"{value:,.0f}" if abs(value) >= 1000 or value == int(value) else f"{value:.4g}"
