"""Python blocks of a page, run one after another in one namespace.

`await` stands for itself, as in an asynchronous console. A line that ends in `# → value` is compared with what it says;
a block marked `<!-- refused: KM101 -->` must raise a problem of that id.
"""

from __future__ import annotations

import ast
import asyncio
import inspect
import linecache
import random
import re
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import count
from pathlib import Path
from types import CodeType, ModuleType
from typing import Any, Final, cast

import pytest

from kingpost import App, DeclarationError
from kingpost.base.ids import UUID7
from kingpost.language.lower import LanguageError
from kingpost.model.query_runner import current_runner
from tests.docs.pages import Block, name_of

_SAYS: Final = re.compile(r"#\s*→\s*(?P<value>.+?)\s*\Z")


class Namespace:
    """What the blocks of one page share: names, an event loop, and keys that are the same in every run."""

    def __init__(self, page: Path) -> None:
        self.module = ModuleType("docs_" + re.sub(r"\W", "_", name_of(page)))
        self._loop = asyncio.Runner()
        self._seeded: set[int] = set()
        ticks, entropy = count(), random.Random(0)
        self._ids = UUID7(lambda: next(ticks), entropy.randbytes)

    @property
    def names(self) -> dict[str, Any]:
        return vars(self.module)

    def run(self, block: Block) -> None:
        """Carry out a block; assertion errors say where."""
        refused = block.marks.get("refused")
        if refused is None:
            self._run(block)
        else:
            with pytest.raises((DeclarationError, LanguageError)) as error:
                self._run(block)
            problems = cast("DeclarationError | LanguageError", error.value).problems
            assert refused in [problem.code for problem in problems], f"{block.place}: {error.value}"
        for value in list(self.names.values()):
            if isinstance(value, App) and id(value) not in self._seeded:
                self._seeded.add(id(value))
                self.wait(self._seed, value)

    def wait(self, function: Callable[..., Any], *arguments: Any) -> Any:
        """The result of an asynchronous function, in the loop and context of the page."""
        return self._loop.run(function(*arguments))

    def close(self) -> None:
        self._loop.close()

    def _run(self, block: Block) -> None:
        # Numbered as in the page, and under a name of its own: the language reads rules back from their source.
        filename = f"{name_of(block.page)} (line {block.first})"
        text = "\n" * (block.first - 1) + block.text
        linecache.cache[filename] = (len(text), None, text.splitlines(keepends=True), filename)
        tree = _Checking(text.splitlines(), block.place).visit(ast.parse(text, filename))
        self.names["__says__"] = _says
        code = compile(ast.fix_missing_locations(tree), filename, "exec", ast.PyCF_ALLOW_TOP_LEVEL_AWAIT)
        self.wait(self._carry_out, code)

    async def _carry_out(self, code: CodeType) -> None:
        result = eval(code, self.names)
        if inspect.iscoroutine(result):
            await result

    async def _seed(self, app: App) -> None:
        app.engine.new_id = self._ids
        current_runner.set(app.runner)


@contextmanager
def namespace(page: Path) -> Iterator[Namespace]:
    """The namespace of a page, importable while it is in use."""
    made = Namespace(page)
    sys.modules[made.module.__name__] = made.module
    try:
        yield made
    finally:
        made.close()
        del sys.modules[made.module.__name__]


def runs(block: Block) -> bool:
    """Whether a block is run by itself: not if it is marked, or is part of a file of the tutorial."""
    return not block.marks.get("runs", "").startswith("no") and "file" not in block.marks


def _says(value: object, expected: str, place: str) -> None:
    said = repr(value)
    pattern = ".*".join(re.escape(part) for part in expected.split("…"))
    assert re.fullmatch(pattern, said, re.DOTALL), f"{place}: {said}, where the page says {expected}"


class _Checking(ast.NodeTransformer):
    """Puts a check around every expression behind which the page says what it is."""

    def __init__(self, lines: list[str], place: str) -> None:
        self._lines = lines
        self._page = place.partition(":")[0]

    def visit_Expr(self, node: ast.Expr) -> ast.AST:
        last = node.end_lineno or node.lineno
        match = _SAYS.search(self._lines[last - 1])
        if match is None:
            return node
        place = f"{self._page}:{last}"
        says = ast.Call(
            ast.Name("__says__", ast.Load()), [node.value, ast.Constant(match["value"]), ast.Constant(place)], []
        )
        return ast.copy_location(ast.Expr(ast.copy_location(says, node)), node)
