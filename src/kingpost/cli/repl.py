"""A console on a running event loop, whose lines the language can read."""

from __future__ import annotations

import ast
import asyncio
import contextvars
import inspect
import linecache
import signal
import sys
from code import InteractiveConsole
from collections.abc import Callable
from concurrent.futures import Future
from types import CodeType, FunctionType
from typing import Any

NAME = "<kingpost-shell-"


class Repl(InteractiveConsole):
    """Reads in a thread and runs on the loop, so that tasks go on while somebody types.

    Everything runs in one context: who acts, and what a line sets, holds for the next one too.
    """

    def __init__(self, names: dict[str, Any], banner: str) -> None:
        super().__init__(names, "<console>")
        self.compile.compiler.flags |= ast.PyCF_ALLOW_TOP_LEVEL_AWAIT
        self._banner = banner if sys.stdin.isatty() else ""
        self._piped = not sys.stdin.isatty()
        self._statements = 0
        self._status = 0
        self._calling = False
        self._task: asyncio.Task[Any] | None = None

    async def run(self) -> int:
        """Until the end of input; answers the exit status."""
        self._loop = asyncio.get_running_loop()
        self._context = contextvars.copy_context()
        if not self._piped:
            _enable_editing(self.locals)
            signal.signal(signal.SIGINT, self._interrupt)
        await asyncio.to_thread(self._read)
        return self._status

    def _interrupt(self, number: int, frame: object) -> None:
        """Ctrl-C ends what is running, not the console: asyncio's own way would wait for the thread that reads."""
        if self._calling:
            raise KeyboardInterrupt
        if self._task is not None:
            self._loop.call_soon_threadsafe(self._task.cancel)

    def _read(self) -> None:
        try:
            if self._piped:
                self._script(sys.stdin.read())
            else:
                self.interact(banner=self._banner, exitmsg="")
        except SystemExit as ended:
            self._status = _status(ended)

    def _script(self, text: str) -> None:
        """Run what was piped in like a file, as far as its first error; values of expressions are shown, too."""
        name = self._keep(text)
        try:
            statements = ast.parse(text, name).body
        except (SyntaxError, ValueError):
            self.showsyntaxerror(name)
            return
        for statement in statements:
            self.runcode(self.compile.compiler(ast.Interactive([statement]), name, "single"))  # type: ignore[arg-type]
            if self._status:
                return

    def _keep(self, text: str) -> str:
        """A name of its own for a text, under which a lambda in it is found again."""
        name = f"{NAME}{self._statements}>"
        linecache.cache[name] = (len(text), None, [f"{line}\n" for line in text.split("\n")], name)
        return name

    def runsource(self, source: str, filename: str = "", symbol: str = "single") -> bool:
        """Compile what was typed, under a name of its own."""
        more = super().runsource(source, self._keep(source), symbol)
        if not more:
            self._statements += 1
        return more

    def runcode(self, code: CodeType) -> None:
        """Run on the loop, and wait."""
        waiting: Future[Any] = Future()

        def begin() -> None:
            self._calling = True
            try:
                answer = FunctionType(code, self.locals)()
            except BaseException as error:
                waiting.set_exception(error)
                return
            finally:
                self._calling = False
            if not inspect.iscoroutine(answer):
                waiting.set_result(answer)
                return
            self._task = self._loop.create_task(answer, context=self._context)
            self._task.add_done_callback(lambda done: _hand_over(done, waiting))

        self._loop.call_soon_threadsafe(begin, context=self._context)
        try:
            waiting.result()
        except SystemExit:
            raise
        except KeyboardInterrupt:
            self.write("\nKeyboardInterrupt\n")
        except BaseException as error:
            self._status = int(self._piped)
            self._tell(error)
        finally:
            self._task = None

    def showsyntaxerror(self, filename: str | None = None, **options: Any) -> None:
        """As Python does; a script that is piped in ends there."""
        self._status = int(self._piped)
        super().showsyntaxerror(filename)

    def _tell(self, error: BaseException) -> None:
        """What Kingpost refuses is told in its own words, anything else with its traceback."""
        from kingpost.base.errors import KingpostError
        from kingpost.language.refusals import LanguageError
        from kingpost.language.source import SourceError
        from kingpost.model.declare import NotLoaded

        if isinstance(error, KingpostError):
            self.write(f"{type(error).__name__}: {error}\n")
            for detail in error.details:
                self.write(f"  {detail.pointer or '/'}: {detail.message}\n")
        elif isinstance(error, LanguageError | SourceError | NotLoaded):
            self.write(f"{type(error).__name__}: {error}\n")
        else:
            import traceback

            frames = error.__traceback__
            while frames is not None and not frames.tb_frame.f_code.co_filename.startswith(NAME):
                frames = frames.tb_next  # how the console called it is not of interest
            self.write("".join(traceback.format_exception(type(error), error, frames)))


def _status(ended: SystemExit) -> int:
    """The exit status that a script asks for, as Python has it: words are said, and count as 1."""
    if ended.code is None or isinstance(ended.code, int):
        return ended.code or 0
    print(ended.code, file=sys.stderr)
    return 1


def _hand_over(done: asyncio.Task[Any], waiting: Future[Any]) -> None:
    if done.cancelled():
        waiting.set_exception(KeyboardInterrupt())
    elif (error := done.exception()) is not None:
        waiting.set_exception(error)
    else:
        waiting.set_result(done.result())


def _enable_editing(names: dict[str, Any]) -> None:
    """History and completion, where Python was built with readline."""
    try:
        import readline
        import rlcompleter
    except ImportError:
        return
    complete: Callable[[str, int], str | None] = rlcompleter.Completer(names).complete
    readline.set_completer(complete)
    readline.parse_and_bind("tab: complete")
