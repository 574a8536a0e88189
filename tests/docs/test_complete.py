"""What the reference lists is all there is: names, options, refusals, problems, settings, commands."""

from __future__ import annotations

import inspect
import re
from dataclasses import fields, is_dataclass
from fnmatch import fnmatch
from pathlib import Path

import pytest

import kingpost
import kingpost.testing
from kingpost.language.lower import LanguageError
from kingpost.language.refusals import REFUSALS as LANGUAGE
from kingpost.language.source import SourceError
from kingpost.model.declare import OPTIONS
from kingpost.model.query import Query
from kingpost.model.query_groups import Grouped
from kingpost.model.refusals import REFUSALS as MODEL
from kingpost.stores.registry import BUILT_IN
from tests.docs import code, pages, regenerate
from tests.docs.expressions import GROUPS, Row
from tests.docs.tables import PARTS, SOURCE_REFUSALS, understood

SOURCE = pages.ROOT / "src" / "kingpost"
REFERENCE = pages.ROOT / "docs" / "reference"


def _python() -> str:
    return (REFERENCE / "python.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("name", PARTS)
def test_generated_parts_are_up_to_date(name: str) -> None:
    page = pages.ROOT / name
    found = pages.generated(page)
    assert set(found) == set(PARTS[name])
    for part, text in regenerate.parts(page).items():
        assert found[part] == text, f"{name}: {part} is old; python -m tests.docs.regenerate"


ROWS = [row for rows in GROUPS.values() for row in rows if row.refused]


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.example)
def test_what_the_table_says_is_refused_is(row: Row) -> None:
    page = REFERENCE / "language.md"
    with code.namespace(page) as names:
        names.run(pages.blocks(page, "python")[0])
        app = names.names["app"]
        for text, expected in row.refused:
            with pytest.raises((LanguageError, SourceError)) as refused:
                understood(app, text, proven=True)
            assert expected in _codes(refused.value), f"{text}: {refused.value}"


def _codes(error: Exception) -> list[str]:
    if isinstance(error, LanguageError):
        return [problem.code for problem in error.problems]
    assert isinstance(error, SourceError)
    return [error.code]


def _ids(pattern: str, *folders: str) -> set[str]:
    texts = (path.read_text(encoding="utf-8") for folder in folders for path in (SOURCE / folder).rglob("*.py"))
    return {code for text in texts for code in re.findall(pattern, text)}


def test_every_refusal_has_its_line() -> None:
    text = (REFERENCE / "language.md").read_text(encoding="utf-8")
    raised = _ids(r'"(K[LM]\d{3})"', "language", "model", "plan", "engine")
    known = {*SOURCE_REFUSALS, *LANGUAGE, *MODEL}
    assert raised == known
    assert {code for code in known if f'<a id="{code.lower()}"></a>{code} |' not in text} == set()


def test_every_problem_has_its_line() -> None:
    raised = _ids(r'"(KP[14]\d\d|KP30[345]|KP50\d)"', ".")
    text = (REFERENCE / "rest.md").read_text(encoding="utf-8")
    assert {code for code in raised if f"</a>{code} |" not in text} == set()
    of_declarations = _ids(r'"(KP3[1-9]\d)"', ".")
    assert {code for code in of_declarations if f"| {code} |" not in _python()} == set()


def test_every_id_of_the_command_has_its_line() -> None:
    text = (REFERENCE / "cli.md").read_text(encoding="utf-8")
    assert {code for code in _ids(r'"(KC\d{3})"', ".") if f"</a>{code} |" not in text} == set()


def test_every_public_name_is_documented() -> None:
    headed = set(re.findall(r"`(\w+)`", "\n".join(re.findall(r"^#+ .+$", _python(), re.MULTILINE))))
    tabled = set(re.findall(r"^\| `@?(\w+)", _python(), re.MULTILINE))
    assert {name for name in kingpost.__all__ if name not in headed | tabled} == set()
    assert {name for name in kingpost.testing.__all__ if name not in headed | tabled} == set()


def test_every_option_of_a_field_is_documented() -> None:
    listed = set(re.findall(r"`(\w+)`", "\n".join(re.findall(r"^\| (`.+?) \|", _python(), re.MULTILINE))))
    assert {name for name in OPTIONS if name not in listed} == set()
    for name in ("default", "default_factory", "inverse", "through"):
        assert name in listed


@pytest.mark.parametrize("owner", ["App", "Resource", "Query"])
def test_every_public_method_is_documented(owner: str) -> None:
    of = getattr(kingpost, owner)
    inherited = set(dir(of.__mro__[1]))
    own = {name for name in vars(of) if not name.startswith("_") and (name not in inherited or owner != "App")}
    text = _python()
    assert {
        name for name in own if not re.search(rf"`(?:await |async with |async for \w+ in |\w+\.)*{name}\b", text)
    } <= {"resource", "asked"}


def _documented(name: str, of: str) -> str:
    """What the reference of queries says under the heading of a method."""
    text = (REFERENCE / "query.md").read_text(encoding="utf-8")
    found = re.search(rf"^### `{name}`{of}\n(.*?)(?=^##|\Z)", text, re.MULTILINE | re.DOTALL)
    assert found is not None, f"query.md has no heading of {name}{of}"
    return found[1]


@pytest.mark.parametrize(("cls", "of"), [(Query, ""), (Grouped, " of groups")])
def test_every_method_of_a_query_has_its_parameters_errors_and_an_example(cls: type, of: str) -> None:
    data = {one.name for one in fields(cls)} if is_dataclass(cls) else set(cls.__struct_fields__)  # type: ignore[attr-defined]
    for name, method in vars(cls).items():
        if (name.startswith("_") and name != "__await__") or name in data:
            continue
        heading = name.strip("_")
        text = _documented(heading, of)
        signature, _, rest = text.strip().partition("\n\n")
        called = f"await {(of.strip() and 'grouped') or 'query'}" if heading == "await" else f"{heading}("
        assert called in signature or isinstance(method, property), name
        assert "->" in signature or "async for" in signature, name
        named = [] if isinstance(method, property) else list(inspect.signature(method).parameters)[1:]
        for parameter in named:
            assert re.search(rf"\b{parameter}\b", signature), f"{name}: {parameter}"
        example = re.search(r"```python\n(.*?)```", rest, re.DOTALL)
        assert example is not None, f"{name} has no example"
        assert f".{heading}" in example[1] or "await" in (heading, example[1][:5]), name
        said = method.fget.__doc__ if isinstance(method, property) else method.__doc__
        if "Raises" in (said or ""):
            assert re.search(r"^Raises |errors as", rest + signature, re.MULTILINE), (
                f"{name} does not say what it raises"
            )


@pytest.mark.parametrize("page", pages.PAGES, ids=pages.name_of)
def test_links_lead_somewhere(page: Path) -> None:
    for target in pages.links(page):
        if re.match(r"[a-z]+:", target):
            continue
        path, _, anchor = target.partition("#")
        to = (page.parent / path).resolve() if path else page
        assert to.exists(), f"{pages.name_of(page)}: {target}"
        if anchor:
            assert anchor in pages.anchors(to), f"{pages.name_of(page)}: {target}"


def test_the_entry_page_leads_everywhere() -> None:
    index = pages.ROOT / "docs" / "index.md"
    reached = {(index.parent / target.partition("#")[0]).resolve() for target in pages.links(index)}
    assert {pages.name_of(page) for page in pages.PAGES if page != index} - {
        pages.name_of(page) for page in pages.PAGES if page in reached
    } == set()


@pytest.mark.parametrize("page", pages.PAGES, ids=pages.name_of)
def test_pages_name_no_machine(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    assert not re.search(r"/(?:root|home|tmp|work|Users)/\w", text)


def test_modules_named_in_the_architecture_exist() -> None:
    text = (pages.ROOT / "docs" / "explanation" / "architecture.md").read_text(encoding="utf-8")
    there = {path.name for path in SOURCE.rglob("*.py")}
    for named in re.findall(r"`(?:[\w/]+/)?([\w*]+\.py)`", text):
        assert any(fnmatch(name, named) for name in there), named


def test_every_kind_of_store_is_told() -> None:
    text = (REFERENCE / "python.md").read_text(encoding="utf-8")
    told = re.findall(r"`([a-z+]+):", text.partition("Addresses of stores:")[2].partition("| id |")[0])
    assert set(BUILT_IN) == set(told)
