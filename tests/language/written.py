"""What `read_source` answers, in words for tests: what was written, or the refusal."""

from __future__ import annotations

import ast
from collections.abc import Callable
from typing import Any

import pytest

from kingpost.language.read_source import read_source
from kingpost.language.source import Source, SourceError

Rule = Callable[..., object]


def body(function: Rule) -> str:
    """What was written as a lambda's body."""
    node = read_source(function).node
    assert isinstance(node, ast.Lambda)
    return ast.unparse(node.body)


def returned(source: Source) -> str:
    """What a `def` returns at its end."""
    assert isinstance(source.node, ast.FunctionDef)
    last = source.node.body[-1]
    assert isinstance(last, ast.Return)
    assert last.value is not None
    return ast.unparse(last.value)


def refusal(function: Any, **options: Any) -> SourceError:
    """Why a function is not read; there is always a remedy."""
    with pytest.raises(SourceError) as caught:
        read_source(function, **options)
    assert caught.value.remedy
    return caught.value
