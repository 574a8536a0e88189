"""The `kingpost` command: one module per command, each a thin face of `operate` and of the engine's own words.

Decides what is typed and what is printed. Must not hold anything that a program would want to call. Nothing but the
chosen command is imported, so that help, version and completion answer at once.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence

__all__ = ["main"]


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command; answers its exit status: 0, 1 for what was found wrong, 2 for a command line in error."""
    given = list(sys.argv[1:] if arguments is None else arguments)
    if given in (["--version"], ["-V"]):
        from importlib.metadata import version

        print(f"kingpost {version('kingpost')}")
        return 0
    from kingpost.cli.command import run

    try:
        return run(given)
    except KeyboardInterrupt:
        return 130
    except BrokenPipeError:  # `kingpost routes | head`
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 141
