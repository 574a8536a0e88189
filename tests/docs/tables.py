"""The generated parts of the pages: what is known of the code better than anybody could keep up by hand."""

from __future__ import annotations

import ast
import inspect
import re
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any, Final

from bench import page as performance
from kingpost import App
from kingpost.base.errors import Unsupported
from kingpost.doors.rest.codes import CODES as REST_CODES
from kingpost.doors.rest.settings import RestSettings
from kingpost.language.lower import lower
from kingpost.language.parse_text import parse_text
from kingpost.language.refusals import REFUSALS as LANGUAGE
from kingpost.language.tree import Expression, Keyed, Param, Root, identity
from kingpost.language.tree import Row as RowNode
from kingpost.language.types import BOOL, INT, Kind, Type, reference
from kingpost.model.refusals import REFUSALS as MODEL
from kingpost.model.schema import ModelSchema
from kingpost.operate.codes import CODES as COMMAND_CODES
from kingpost.plan.select import Select
from kingpost.protect.limits import Limits
from kingpost.stores.sql.dialects import POSTGRES, SQLITE, Dialect
from kingpost.stores.sql.translation.translate import translate
from tests.docs.expressions import GROUPS, Row
from tests.docs.pages import ROOT
from tests.language.found import FOUND
from tests.stores.sql.indexed import FORMS as INDEX_FORMS

RESOURCE: Final = "Book"
_LONGEST: Final = 120


# ------------------------------------------------------------------------------------------------------------ language


def understood(app: App, text: str, *, proven: bool, value: bool = False) -> Expression:
    """A text as the language reads it about a book. `me` acts, `wanted` and `least` are captured."""
    names: dict[str, RowNode | Expression] = {
        "self": Root(RESOURCE),
        "me": Keyed("Author", Param("me", reference("Author", nullable=True))),
        "wanted": Param("wanted", Type(Kind.LIST, element=INT)),
        "least": Param("least", INT),
    }
    return lower(
        parse_text(text), ModelSchema.of(app.model), names, prefix="text", expects=None if value else BOOL,
        proven=proven, root=Root(RESOURCE),
    ).expression  # fmt: skip


def sql(app: App, row: Row, dialect: Dialect) -> str:
    """What an example becomes: the condition behind WHERE, or the column."""
    expression = understood(app, row.example, proven=False, value=row.value)
    select = (
        Select(RESOURCE, (expression,))
        if row.value
        else Select(RESOURCE, (identity(Root(RESOURCE)),), where=expression)
    )
    try:
        text = re.sub(r"\s+", " ", translate(select, app.model, dialect).text)
    except Unsupported as error:
        return f"refused: {error.code}"
    if not row.value:
        return text.partition(" WHERE ")[2]
    return re.sub(r" AS \w+\Z", "", text.removeprefix("SELECT ").rpartition(" FROM book AS self")[0])


def language_tables(app: App) -> str:
    """The table, group by group, with what is too long for a cell below it."""
    parts: list[str] = []
    number = 0
    for group, rows in GROUPS.items():
        lines = [f"### {group}\n", "| construct | example | meaning, with None | refused | SQLite | PostgreSQL |"]
        lines.append("|---|---|---|---|---|---|")
        long: list[str] = []
        for row in rows:
            said = [sql(app, row, dialect) for dialect in (SQLITE, POSTGRES)]
            if any(len(text) > _LONGEST for text in said):
                number += 1
                long.append(f'<a id="sql-{number}"></a>\n**SQL {number}**, {_code(row.example)}:\n')
                lines_of = [f"-- {name}\n{text}" for name, text in zip(("SQLite", "PostgreSQL"), said)]
                long += ["```sql", *lines_of, "```\n"]
                cells = [f"[SQL {number}](#sql-{number})"] * 2
            else:
                cells = [_code(text) for text in said]
            refused = "<br>".join(f"{_code(text)} [{code}](#{code.lower()})" for text, code in row.refused)
            cells = [row.construct, _code(row.example), row.meaning, refused, *cells]
            lines.append(f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in cells)} |")
        parts.append("\n".join([*lines, "", *long]))
    return "\n".join(parts)


SOURCE_REFUSALS: Final[dict[str, tuple[str, str, str]]] = {
    "KL001": (
        "not a Python function",
        "Only functions written in Python have a source to read.",
        'a lambda or a function; for compiled modules text: where("n > 1")',
    ),
    "KL002": (
        "typed into a plain console",
        "Python does not keep what is typed or piped into it.",
        'where("n > 1"), or `kingpost shell`, which keeps it',
    ),
    "KL003": (
        "built from text",
        "A function made by exec or eval has no file.",
        'register its text in linecache.cache, or where("n > 1")',
    ),
    "KL004": ("no source", "The module's .py file can't be read.", "install the module with its .py file, or text"),
    "KL005": (
        "changed since import",
        "The file no longer says what is running, so reading it would be a guess.",
        "restart; a stale `__pycache__` may be deleted",
    ),
    "KL006": (
        "several lambdas on one line",
        "Python runs without columns (-X no_debug_ranges), so which is meant can't be told.",
        "one lambda per line",
    ),
    "KL007": (
        "a decorator's wrapper",
        "The decorator handed over its own function instead of the rule.",
        "@functools.wraps(function) on the wrapper",
    ),
    "KL008": ("async, or a generator", "Conditions are not carried out step by step.", "def and return"),
    "KL009": (
        "arguments it does not take",
        "A partial binds parameters that the function lacks.",
        "parameters that it has, each once",
    ),
    "KL010": ("text too long", "Text from outside is bounded: 10,000 characters.", "a shorter condition"),
    "KL011": ("nested too deep", "Text from outside is bounded: 100 levels.", "a flatter condition"),
    "KL012": ("not an expression", "The text is not one Python expression.", "one Python expression"),
    "KL013": (
        "not text",
        "NUL and lone surrogates can't be stored, so they are never looked for.",
        "the text without it",
    ),
    "KL014": ("an f-string", "Text is built with +, which every store has.", "'a' + name"),
}
"""Title, explanation and remedy of the refusals of `language/source.py`, which has no registry."""


def indexes() -> str:
    """Which conditions keep an index."""
    lines = ["| condition | example | SQLite | PostgreSQL |", "|---|---|---|---|"]
    for form in INDEX_FORMS:
        kept = ["yes" if form.kept in ("both", name) else "no" for name in ("SQLite", "PostgreSQL")]
        lines.append(f"| {form.words} | {_code(form.text)} | {' | '.join(kept)} |")
    return "\n".join([*lines, ""])


def found() -> str:
    """What generated expressions once showed to be wrong, and what holds it right."""
    lines = [f"| {_escaped(what)} | {_escaped(_code(text))} |" for what, text in FOUND.items()]
    return "\n".join(["| what | the expression that showed it |", "|---|---|", *lines, ""])


def language_refusals() -> str:
    """Every refusal of the language."""
    lines: list[str] = []
    for code, (title, text, remedy) in SOURCE_REFUSALS.items():
        lines.append(_line(code, title, text, remedy))
    lines += [_line(code, one.title, one.explanation, one.remedy) for code, one in LANGUAGE.items()]
    return "\n".join(["| id | what | why | write |", "|---|---|---|---|", *lines, ""])


def model_refusals() -> str:
    """Every refusal of a declaration."""
    lines = [_line(code, one.title, one.explanation) for code, one in MODEL.items()]
    return "\n".join(["| id | what | why |", "|---|---|---|", *lines, ""])


# ---------------------------------------------------------------------------------------------------------------- REST


def problems() -> str:
    """Every id that an answer may carry."""
    lines = [_line(one.id, one.title, one.text) for one in REST_CODES.values()]
    return "\n".join(["| id | title | what happened, and what to do |", "|---|---|---|", *lines, ""])


def rest_settings() -> str:
    """Every setting with its default."""
    meanings = _SETTINGS
    lines = [
        f"| `{name}` | `{_default(name)!r}` | {meanings[name]} |" for name in inspect.signature(RestSettings).parameters
    ]
    return "\n".join(["| setting | default | meaning |", "|---|---|---|", *lines, ""])


def limits() -> str:
    """Every limit of requests with its default."""
    lines = [
        f"| `{name}` | `{parameter.default!r}` | {_LIMITS[name]} |"
        for name, parameter in inspect.signature(Limits).parameters.items()
    ]
    return "\n".join(["| limit | default | meaning |", "|---|---|---|", *lines, ""])


_LIMITS: Final[Mapping[str, str]] = {
    "deadline": "seconds from when the request is here as a whole to when the answer begins",
    "in_flight": "how many requests one process works on at once; one more is refused at once",
    "slow": "seconds that a client may keep a body from coming in, unless at 10 kB/s, or a stream from going out",
}


def _default(name: str) -> Any:
    return inspect.signature(RestSettings).parameters[name].default


_SETTINGS: Final[Mapping[str, str]] = {
    "max_body": "bytes of a body; more is 413",
    "max_query": "bytes of a query string; more is 414",
    "max_parameters": "parameters of a query",
    "max_depth": "levels of nesting in a JSON body",
    "max_bulk": "elements of an array that is written",
    "page_size": "rows of a page where `limit` is not given",
    "max_page_size": "the largest `limit`, and the most groups of a summary",
    "max_offset": "the largest `offset`; a cursor has no such bound",
    "require_if_match": "answer 428 to a PUT, PATCH or DELETE without `If-Match`",
    "server_timing": "send `Server-Timing` with the milliseconds of each stage",
    "challenge": "the `WWW-Authenticate` of a 401",
    "guard_csv": "put an apostrophe before text that a spreadsheet would run as a formula",
    "docs": "serve `openapi.json` and the page made of it",
    "title": "title of the API; by default the application's",
    "version": "version of the API; by default the application's",
    "description": "description of the API; by default the application's",
}


# ------------------------------------------------------------------------------------------------------------- command


def commands() -> str:
    """Every command with its arguments and options, from the command itself."""
    from kingpost.cli.command import command

    parts: list[str] = []
    for words, one in _commands(command, ("kingpost",)):
        arguments = [
            argument for argument in one.assemble_argument_collection() if argument.parameter.show is not False
        ]
        parts.append(f"### `{' '.join(words)}`\n")
        text = inspect.getdoc(one.default_command) or "" if one.default_command else ""
        body = re.split(r"\n\s*Args:\n", text)[0]
        parts.append(re.sub(r"(?<!`)(?<!\w)(--[a-z][a-z-]+)", r"`\1`", body) + "\n")
        if arguments:
            parts.append("| argument or option | default | meaning |\n|---|---|---|")
            said = _arguments_said(text)
            parts += [_argument(argument, said) for argument in arguments]
            parts[-1] += "\n"
    return "\n".join(parts)


def _commands(app: Any, words: tuple[str, ...]) -> Iterable[tuple[tuple[str, ...], Any]]:
    from kingpost.cli.command import COMMANDS

    names = list(COMMANDS) if len(words) == 1 else [name for name in app if not name.startswith("-")]
    for name in names:
        one = app[name]
        if one.default_command is not None:
            yield (*words, name), one
        yield from _commands(one, (*words, name)) if any(not n.startswith("-") for n in one) else ()


def _argument(argument: Any, said: Mapping[str, str]) -> str:
    name = argument.field_info.name
    default = argument.field_info.default
    if argument.field_info.kind is inspect.Parameter.POSITIONAL_ONLY:
        shown = f"`{argument.names[0].lstrip('-').upper()}`" if argument.names else f"`{name.upper()}`"
    else:
        # --no-… only says what already is, where False is the default.
        shown = ", ".join(f"`{one}`" for one in argument.names if default is not False or not one.startswith("--no-"))
    env = argument.parameter.env_var or ()
    variables = [env] if isinstance(env, str) else list(env)
    note = "".join(f" Or the environment variable `{one}`." for one in variables)
    help = _escaped(argument.parameter.help or said.get(name, ""))
    required = default is inspect.Parameter.empty
    given = "" if default is None or default is False else f"`{str(default).lower()}`"
    return f"| {shown} | {'required' if required else given} | {help}{note} |"


def _arguments_said(docstring: str) -> dict[str, str]:
    """The words of an `Args:` section by name."""
    _, _, section = docstring.partition("Args:\n")
    found = re.findall(r"^    (\w+): (.+(?:\n {6,}.+)*)", section, re.MULTILINE)
    return {name: " ".join(text.split()) for name, text in found}


def command_codes() -> str:
    """Every id that the command reports."""
    lines = [_line(id, one.title, one.text) for id, one in COMMAND_CODES.items()]
    return "\n".join(["| id | what | why, and what to do |", "|---|---|---|", *lines, ""])


# -------------------------------------------------------------------------------------------------------- architecture

_ROOMS: Final = (
    "base",
    "language",
    "model",
    "plan",
    "stores",
    "engine",
    "change",
    "doors",
    "operate",
    "cli",
    "testing",
)


def modules() -> str:
    """Every module by room, with the first sentence of its docstring."""
    source = ROOT / "src" / "kingpost"
    parts = ["| module | what it holds |\n|---|---|\n" + _module(source / "app.py", source)]
    for room in _ROOMS:
        files = sorted((source / room).rglob("*.py"), key=lambda path: (path.parent, path.name))
        lines = [_module(path, source) for path in files if path.name != "__init__.py"]
        parts.append("\n".join([f"#### `{room}/`\n", "| module | what it holds |", "|---|---|", *lines]))
    return "\n\n".join(parts) + "\n"


def _module(path: Path, source: Path) -> str:
    said = ast.get_docstring(ast.parse(path.read_text(encoding="utf-8"))) or ""
    first = re.split(r"\n\n|(?<=[.!?]) (?=[A-Z`])", said)[0]
    return f"| `{path.relative_to(source)}` | {_escaped(' '.join(first.split()))} |"


# --------------------------------------------------------------------------------------------------------------- parts


def _line(id: str, *words: str) -> str:
    """A row about an id that other pages can link to."""
    cells = [f'<a id="{id.lower()}"></a>{id}', *(_escaped(one) for one in words)]
    return f"| {' | '.join(cells)} |"


def _escaped(text: str) -> str:
    """Plain words in a cell; what stands in backticks is left as it is."""

    def plain(part: str) -> str:
        return re.sub(r"([*_])", r"\\\1", part.replace("&", "&amp;").replace("<", "&lt;"))

    parts = text.split("`")
    shown = "`".join(part if number % 2 else plain(part) for number, part in enumerate(parts))
    return shown.replace("|", "\\|")


def _code(text: str) -> str:
    return f"``{text}``" if "`" in text else f"`{text}`"


PARTS: Final[dict[str, dict[str, Callable[..., str]]]] = {
    "docs/explanation/architecture.md": {"modules": modules},
    "docs/reference/language.md": {
        "language": language_tables,
        "language refusals": language_refusals,
        "model refusals": model_refusals,
        "found": found,
        "indexes": indexes,
    },
    "docs/reference/rest.md": {"problems": problems, "settings": rest_settings},
    "docs/reference/cli.md": {"commands": commands, "command codes": command_codes},
    "docs/reliability.md": {"limits": limits},
    "docs/performance.md": {**performance.PARTS},
}
"""What makes each generated part, by page. `language` is given the App that the page declares."""
