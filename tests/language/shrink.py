"""Makes an expression smaller as long as it still shows what it shows: what a disagreement is reported by."""

from __future__ import annotations

import ast
import copy
from collections.abc import Callable, Iterator

PLAIN = ("True", "0", "1", "'a'", "self.id", "self.name")
MOST = 2_000


def shrink(text: str, shows: Callable[[str], bool]) -> str:
    """The smallest expression found for which `shows` holds; it must hold for `text`. Its search is bounded."""
    left = MOST
    found = True
    while found:
        found = False
        for smaller in _smaller(text):
            left -= 1
            if left < 0:
                return text
            if len(smaller) < len(text) and shows(smaller):
                text, found = smaller, True
                break
    return text


def _smaller(text: str) -> Iterator[str]:
    """The text with one part replaced by a part of that part, or by something plain; large parts first."""
    tree = ast.parse(text, mode="eval")
    for place, node in enumerate(ast.walk(tree)):
        if isinstance(node, ast.expr) and not isinstance(getattr(node, "ctx", None), ast.Store):
            parts = [ast.unparse(part) for part in ast.walk(node) if isinstance(part, ast.expr) and part is not node]
            for part in (*sorted(dict.fromkeys(parts), key=len), *PLAIN):
                yield ast.unparse(_replaced(tree, place, part))


def _replaced(tree: ast.Expression, place: int, text: str) -> ast.Expression:
    made = copy.deepcopy(tree)
    target = list(ast.walk(made))[place]
    for parent in ast.walk(made):
        for name, value in ast.iter_fields(parent):
            if value is target:
                setattr(parent, name, ast.parse(text, mode="eval").body)
            elif isinstance(value, list) and any(part is target for part in value):
                new = [ast.parse(text, mode="eval").body if part is target else part for part in value]
                setattr(parent, name, new)
    return made
