"""The commands there are, and what becomes of their errors."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import Annotated, TypeAlias

import cyclopts
from cyclopts import App, Parameter

from kingpost.base.problems import DeclarationError
from kingpost.operate.failure import Failure

Application: TypeAlias = Annotated[
    str | None,
    Parameter(
        name=["app", "--app"], env_var="KINGPOST_APP", help="module:attribute; else app of app.py or main.py here."
    ),
]
"""The application that a command is about."""

HELP = """Declare a domain once and serve it.

An application is named `module:attribute`, as Python imports it from here: `kingpost serve shop.web:app`. Without a
name it is `app` of app.py, else of main.py; the environment variable KINGPOST_APP names another one.

Begin with: `kingpost new blog && cd blog && kingpost serve`
"""

COMMANDS = {
    "new": "Make a project that serves at once.",
    "serve": "Serve the application.",
    "check": "Report everything wrong with the application, and what was probably forgotten.",
    "routes": "List what is served, and by which rules.",
    "explain": "Show what a rule, field or query becomes in each store, and why an actor may do something.",
    "db": "Compare tables with the declaration, and bring them up to it.",
    "inspect": "Write classes for the tables of a database that exists.",
    "load": "Load CSV, JSON or NDJSON files into a resource.",
    "relay": "Carry out in other stores what deletes mean for them, apart from the server.",
    "sql": "Ask all stores at once in SQL, for operators; no rule boundary.",
    "shell": "Open an asynchronous console with the application in it.",
}

command = App(name="kingpost", help=HELP, version_flags=["--version", "-V"])
for name, summary in COMMANDS.items():
    # By import path: a command's module is loaded when it is called. Groups keep the help they declare.
    command.command(f"kingpost.cli.{name}:{name}", name=name, help=summary)


def run(arguments: Sequence[str]) -> int:
    """Run one command line; answers the exit status."""
    try:
        answer = command(arguments, exit_on_error=False, print_error=True, result_action="return_value")
    except cyclopts.CycloptsError:  # it has been printed
        return 2
    except (Failure, DeclarationError) as error:
        from kingpost.cli.console import errors, show_problems

        if os.environ.get("KINGPOST_TRACEBACK"):
            raise
        show_problems(error.problems, errors)
        return error.status if isinstance(error, Failure) else 1
    return answer if isinstance(answer, int) else 0
