"""Classes written down as a Python module, in the form that formatters leave alone."""

from __future__ import annotations

import textwrap
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from kingpost.change.inspect_classes import Class, Classes, Written
from kingpost.change.inspect_names import Names, camel
from kingpost.change.inspect_values import MODULES, python_type, quoted
from kingpost.language.types import Kind, Type

WIDTH: Final = 88
"""Characters of a line."""
INDENT: Final = " " * 4
SHORT: Final = 40
"""Characters of a Literal that stands in the annotation itself."""
TIMES: Final = (Kind.DATETIME, Kind.DATE, Kind.TIME, Kind.DURATION)


@dataclass(slots=True)
class Module:
    """A module in the making: `used` names of modules, `aliases` of long annotations."""

    kinds: Mapping[Kind, str]
    used: set[tuple[str, str]] = field(default_factory=set[tuple[str, str]])
    aliases: dict[str, tuple[str, list[str]]] = field(default_factory=dict[str, tuple[str, list[str]]])
    names: Names = field(default_factory=Names)


def written(classes: Classes, app: str, url: str, head: str, *, public: bool) -> str:
    """The text of a module. `url` is Python, `head` says where the tables are from; `public`: anyone reads all."""
    found = list(classes.by_table.values())
    module = Module(_kinds(found), names=Names(one.name for one in found))
    if public:
        for one in found:
            one.keywords["read"] = "anyone"
    module.used |= {("kingpost", "App"), ("kingpost", "Resource")} | ({("kingpost", "anyone")} if public else set())
    blocks = ["\n".join(_class(module, one)) for one in found]
    aliases = ["\n".join(broken("", f"{name} = Literal[", parts, "]")) for name, parts in module.aliases.values()]
    end = [*_left_out(classes.without), *_app(module, app, [one.name for one in found], url)]
    top = f'"""{head}"""\n\nfrom __future__ import annotations\n\n' + "\n".join(_imports(module))
    return (
        "\n\n\n".join(["\n\n".join([top, *(["\n".join(aliases)] if aliases else [])]), *blocks, "\n".join(end)]) + "\n"
    )


def _kinds(found: Sequence[Class]) -> dict[Kind, str]:
    """What types are called: by themselves, but behind their module where a member has the name of one."""
    members = {member.name for one in found for member in one.members}
    hidden = any(MODULES[kind][1] in members for kind in TIMES)
    return {kind: f"dt.{name}" if hidden and kind in TIMES else name for kind, (_, name) in MODULES.items()}


# ------------------------------------------------------------------------------------------------------------- classes


def _class(module: Module, one: Class) -> Iterator[str]:
    yield from comment("", one.note)
    keywords = [f"{name}={value}" for name, value in one.keywords.items()]
    yield from broken("", f"class {one.name}(", ["Resource", *keywords], "):")
    if one.table.comment:
        yield from _docstring(one.table.comment)
    for member in one.members:
        yield from comment(INDENT, member.note)
        yield from _member(module, one, member)
    constraints = [*(("unique", names) for names in one.uniques), *(("index", names) for names in one.indexes)]
    if constraints:
        yield ""
    for kind, names in constraints:
        module.used.add(("kingpost", kind))
        name = one.names.give("_".join([kind, *(name.removeprefix("-") for name in names)]))
        yield from broken(INDENT, f"{INDENT}{name} = {kind}(", list(map(quoted, names)), ")")
    if one.remarks:
        yield ""
    for remark in one.remarks:
        yield from comment(INDENT, remark)


def _docstring(text: str) -> Iterator[str]:
    plain = " ".join(text.split()).replace("\\", "\\\\").replace('"""', "'''")
    lines = textwrap.wrap(plain, WIDTH - 10, break_long_words=False, break_on_hyphens=False)
    lines[-1] += " " if plain.endswith('"') else ""
    if len(lines) == 1:
        yield f'{INDENT}"""{lines[0]}"""'
    else:
        yield f'{INDENT}"""{lines[0]}'
        yield from (f"{INDENT}{line}" for line in lines[1:])
        yield f'{INDENT}"""'
    yield ""


def _member(module: Module, one: Class, member: Written) -> list[str]:
    annotation = member.type if isinstance(member.type, str) else _annotation(module, one, member, member.type)
    annotation = f"list[{annotation}]" if member.many else annotation
    json = isinstance(member.type, Type) and member.type.kind is Kind.JSON
    annotation += " | None" if member.nullable and not json else ""
    start, options = f"{INDENT}{member.name}: {annotation}", member.options
    module.used |= {("kingpost", "generated")} if options.get("default") == "generated" else set()
    module.used |= (
        {("decimal", "Decimal")} if any(value.startswith("Decimal(") for value in options.values()) else set()
    )
    if not options:
        return [start]
    if set(options) == {"default"} and options["default"] != "generated" and len(f"{start} = ") < WIDTH:
        return [f"{start} = {options['default']}"]
    module.used.add(("kingpost", "field"))
    return broken(INDENT, f"{start} = field(", [f"{name}={value}" for name, value in options.items()], ")")


def _annotation(module: Module, one: Class, member: Written, type: Type) -> str:
    scalar = type.element if type.kind is Kind.LIST and type.element is not None else type
    if scalar.kind in MODULES and not scalar.choices:
        name = module.kinds[scalar.kind]
        module.used.add(("datetime", "dt") if name.startswith("dt.") else MODULES[scalar.kind])
    text = python_type(type, module.kinds)
    if not type.choices:
        return text
    module.used.add(("typing", "Literal"))
    if len(text) <= SHORT:
        return text
    parts = [quoted(choice) if isinstance(choice, str) else str(choice) for choice in type.choices]
    if text not in module.aliases:
        wanted = f"{one.name}{camel(member.name)}"
        module.aliases[text] = (module.names.give(wanted, f"{wanted}Choice"), parts)
    return module.aliases[text][0]


# ---------------------------------------------------------------------------------------------------- the rest of it


def _imports(module: Module) -> Iterator[str]:
    plain = ["import datetime as dt"] if ("datetime", "dt") in module.used else []
    plain += ["import os"] if ("os", "os") in module.used else []
    yield from plain
    by_module: dict[str, list[str]] = {}
    for name, what in sorted(module.used - {("datetime", "dt"), ("os", "os")}):
        by_module.setdefault(name, []).append(what)
    standard = sorted(name for name in by_module if name != "kingpost")
    for name in standard:
        yield f"from {name} import {', '.join(by_module[name])}"
    if plain or standard:
        yield ""
    yield from broken("", "from kingpost import ", sorted(by_module["kingpost"], key=_as_sorted), "")


def _as_sorted(name: str) -> tuple[bool, str]:
    """Classes before functions, as isort has them."""
    return name[0].islower(), name


def _left_out(without: Mapping[str, str]) -> Iterator[str]:
    for table, reason in without.items():
        yield from comment("", f"The table {table} has no class: {reason}.")
    if without:
        yield ""


def _app(module: Module, name: str, classes: Sequence[str], url: str) -> Iterator[str]:
    if "os." in url:
        module.used.add(("os", "os"))
    parts = [quoted(name), f"resources=[{', '.join(classes)}]", f'stores={{"main": {url}}}']
    one = f"app = App({', '.join(parts)})"
    if len(one) <= WIDTH:
        yield one
        return
    if len(INDENT + ", ".join(parts)) <= WIDTH:
        yield from broken("", "app = App(", parts, ")")
        return
    yield from ("app = App(", f"{INDENT}{parts[0]},")
    *lines, last = _listing(INDENT, "resources=[", classes, "]", behind=1)
    yield from (*lines, f"{last},")
    *lines, last = _listing(INDENT, "stores={", [f'"main": {url}'], "}", behind=1)
    yield from (*lines, f"{last},", ")")


def comment(indent: str, text: str) -> Iterator[str]:
    """A text behind `#`, in as many lines as it takes."""
    for line in textwrap.wrap(text, WIDTH - len(indent) - 2, break_long_words=False, break_on_hyphens=False):
        yield f"{indent}# {line}"


def broken(indent: str, start: str, parts: Sequence[str], end: str) -> list[str]:
    """A call, in one line if it fits; else all its parts in one line; else one in each."""
    start = start if start.startswith(indent) else indent + start
    one = f"{start}{', '.join(parts)}{end}"
    if len(one) <= WIDTH or not end:
        return [one]
    together = f"{indent}{INDENT}{', '.join(parts)}"
    if len(together) <= WIDTH:
        return [start, together, f"{indent}{end}"]
    return [start, *(f"{indent}{INDENT}{part}," for part in parts), f"{indent}{end}"]


def _listing(indent: str, start: str, parts: Iterable[str], end: str, *, behind: int = 0) -> list[str]:
    """A list, in one line if it fits, with room for so many characters behind it; else with a line for each part."""
    parts = list(parts)
    one = f"{indent}{start}{', '.join(parts)}{end}"
    if len(one) + behind <= WIDTH:
        return [one]
    return [f"{indent}{start}", *(f"{indent}{INDENT}{part}," for part in parts), f"{indent}{end}"]
