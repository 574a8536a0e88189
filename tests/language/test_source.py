"""Reading the source of functions, and of text: the right part of the right file, or a refusal with a remedy."""

from __future__ import annotations

import ast
import functools
import importlib.util
import linecache
import pickle
import subprocess
import sys
import textwrap
import threading
import zipfile
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from kingpost.language import source as source_module
from kingpost.language.source import Place, Source, SourceError, parse_text, read_source

Rule = Callable[..., object]
LIMIT = 7


def body(function: Rule) -> str:
    """What was written as a lambda's body."""
    node = read_source(function).node
    assert isinstance(node, ast.Lambda)
    return ast.unparse(node.body)


def refusal(function: Any, **options: Any) -> SourceError:
    with pytest.raises(SourceError) as caught:
        read_source(function, **options)
    assert caught.value.remedy
    return caught.value


def load(path: Path, text: str, name: str = "rules") -> ModuleType:
    path.write_text(text, encoding="utf-8")
    spec = importlib.util.spec_from_file_location(name, path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def run(arguments: list[str], stdin: str | None = None, cwd: Path | None = None) -> str:
    done = subprocess.run(
        [sys.executable, *arguments], input=stdin, capture_output=True, text=True, cwd=cwd, timeout=60, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


READ = "from kingpost.language.source import read_source, SourceError\nimport ast\n"
SHOW = textwrap.dedent("""
    def show(function):
        try:
            print(ast.unparse(read_source(function).node))
        except SourceError as error:
            print(error.code, error.message, '|', error.remedy)
""")

# ------------------------------------------------------------------------------------------------------ finding lambdas


def test_several_on_one_line() -> None:
    first, second, third = (lambda a: a.x > 1), (lambda a: a.x > 2), (lambda a: a.y)
    assert [body(f) for f in (first, second, third)] == ["a.x > 1", "a.x > 2", "a.y"]


def test_the_same_text_twice_on_one_line_has_two_places() -> None:
    # fmt: off
    first, second = (lambda a: a.x > 1), (lambda a: a.x > 1)
    # fmt: on
    one, two = read_source(first), read_source(second)
    assert one.node is not two.node
    assert one.place(one.node).column < two.place(two.node).column


def test_nested() -> None:
    outer = lambda a: lambda b: a.x + b.y  # noqa: E731
    assert body(outer) == "lambda b: a.x + b.y"
    assert body(outer(None)) == "a.x + b.y"  # type: ignore[no-untyped-call]


def test_over_several_lines() -> None:
    rule = lambda a: (  # noqa: E731
        a.x > 1
        and any(
            v.ok
            for v in a.views
        )
    )  # fmt: skip
    source = read_source(rule)
    assert body(rule) == "a.x > 1 and any((v.ok for v in a.views))"
    place = source.place(source.node)
    assert place.text[place.column :].startswith("lambda a: (")


@pytest.mark.parametrize(
    ("rule", "expected"),
    [
        (lambda a: True, "True"),
        (lambda a: None, "None"),
        (lambda a: a, "a"),
        (lambda a: 2 * 3 + 1, "2 * 3 + 1"),
        (lambda a: a.x if a.ok else a.y, "a.x if a.ok else a.y"),
        (lambda a: a.x if True else a.y, "a.x if True else a.y"),  # type: ignore[redundant-expr]
        (lambda a: a.x in (1, 2.0, -0.0), "a.x in (1, 2.0, -0.0)"),
        (lambda a: a.x in {"a", "b"}, "a.x in {'a', 'b'}"),
        (lambda a: 1 < a.x <= LIMIT, "1 < a.x <= LIMIT"),
        (lambda a: [x for x in a.xs if x], "[x for x in a.xs if x]"),
    ],
)
def test_bodies(rule: Rule, expected: str) -> None:
    assert body(rule) == expected


def test_text_before_the_column_that_takes_more_bytes_than_characters() -> None:
    # fmt: off
    names = {"héllo wörld 日本 🎉": lambda a: a.x, "ñ": lambda a: a.y}
    # fmt: on
    sources = [read_source(rule) for rule in names.values()]
    assert [body(rule) for rule in names.values()] == ["a.x", "a.y"]
    for source in sources:
        place = source.place(source.node)
        assert place.text[place.column : place.end_column] == ast.unparse(source.node)
    assert sources[0].file == __file__


def test_inside_a_rewritten_assert() -> None:
    wanted = 3
    assert body(lambda a: a.x == wanted) == "a.x == wanted"
    assert [body(f) for f in (lambda a: a.x, lambda a: a.y)] == ["a.x", "a.y"]


def test_a_function_whose_asserts_are_rewritten() -> None:
    def rule(a: Any) -> bool:
        assert a.x in (1, 2), f"not {a.y}"
        return bool(a.x == 1)

    node = read_source(rule).node
    assert isinstance(node, ast.FunctionDef)
    assert isinstance(node.body[0], ast.Assert)


# ------------------------------------------------------------------------------------- methods, wrappers, what is bound


def logged(function: Rule) -> Rule:
    @functools.wraps(function)
    def wrapper(*args: Any, **kwargs: Any) -> object:
        return function(*args, **kwargs)

    return wrapper


def careless(function: Rule) -> Rule:
    def wrapper(*args: Any, **kwargs: Any) -> object:
        return function(*args, **kwargs)

    return wrapper


class Base:
    limit = 3

    def plain(self, me: Any) -> object:
        """Docstrings are constants too."""
        return self.limit > me.age

    @logged
    @logged
    def wrapped(self) -> object:
        return self.limit > 1

    @careless
    def unwrapped(self) -> object:
        return self.limit > 1

    @staticmethod
    def static(a: Any, b: Any) -> object:
        return a.x > b.x

    @classmethod
    def of_class(cls, a: Any) -> object:
        return a.x > cls.limit

    def private(self) -> object:
        return self.__secret > __hidden  # type: ignore[name-defined, attr-defined]  # noqa: F821


class Derived(Base):
    pass


_Base__hidden = 5


def returned(source: Source) -> str:
    assert isinstance(source.node, ast.FunctionDef)
    last = source.node.body[-1]
    assert isinstance(last, ast.Return)
    assert last.value is not None
    return ast.unparse(last.value)


def test_methods() -> None:
    thing = Derived()
    assert returned(read_source(Base.plain)) == "self.limit > me.age"
    assert read_source(Base.plain).node is read_source(Derived.plain).node is read_source(thing.plain).node
    assert read_source(Derived.plain).parameters == ("self", "me")
    bound = read_source(thing.plain)
    assert bound.parameters == ("me",)
    assert bound.resolve("self") is thing
    assert returned(read_source(Base.static)) == returned(read_source(Base.__dict__["static"])) == "a.x > b.x"
    assert read_source(Base.of_class).parameters == ("a",)
    assert read_source(Derived.of_class).resolve("cls") is Derived
    assert read_source(Base.__dict__["of_class"]).parameters == ("cls", "a")


def test_names_that_a_class_mangles() -> None:
    assert read_source(Base.private).resolve("__hidden") == 5


def test_wraps_is_looked_through() -> None:
    source = read_source(Base.wrapped)
    assert returned(source) == "self.limit > 1"
    assert source.node.body
    assert source.function is not None
    assert source.function.__qualname__ == "Base.wrapped"
    assert returned(read_source(functools.lru_cache(Base.plain))) == "self.limit > me.age"


def test_a_wrapper_without_wraps_is_refused() -> None:
    error = refusal(Base.unwrapped)
    assert error.code == "KL007"
    assert "Base.unwrapped" in error.message
    assert "functools.wraps" in error.remedy
    assert error.place is not None

    def exact(function: Rule) -> Rule:
        def wrapper(self: Any) -> object:
            return function(self)

        return wrapper

    assert refusal(exact(Base.plain), name="plain").code == "KL007"


def test_a_helper_in_the_closure_is_no_wrapper() -> None:
    def helper(a: Any) -> object:
        return a.x

    def rule(a: Any) -> object:
        return helper(a)

    assert returned(read_source(rule, name="rule")) == "helper(a)"


def test_partial() -> None:
    def rule(limit: int, a: Any, *, extra: int = 2) -> object:
        return a.x > limit + extra

    source = read_source(functools.partial(functools.partial(rule, 3), extra=4))
    assert returned(source) == "a.x > limit + extra"
    assert source.parameters == ("a",)
    assert (source.resolve("limit"), source.resolve("extra")) == (3, 4)
    assert read_source(functools.partial(logged(rule), 5)).resolve("limit") == 5
    assert read_source(rule).resolve("extra") == 2
    as_rule: Rule = rule
    assert refusal(functools.partial(as_rule, 1, 2, 3)).code == "KL009"
    assert refusal(functools.partial(as_rule, 1, limit=3)).code == "KL009"
    assert refusal(functools.partial(as_rule, nowhere=3)).code == "KL009"


def test_decorated_over_several_lines() -> None:
    @functools.cache
    @logged
    def rule(
        a: Any,
        b: int = (lambda: 4)(),
    ) -> object:
        return a.x > b

    source = read_source(rule)
    assert returned(source) == "a.x > b"
    assert source.place(source.node).text.strip() == "def rule("


async def awaits(a: Any) -> object:
    return a.x


def yields(a: Any) -> Any:
    yield a.x


async def both(a: Any) -> Any:
    yield a.x


@pytest.mark.parametrize("rule", [awaits, yields, both, lambda a: (yield a)])
def test_async_and_generators_are_refused_at_their_place(rule: Rule) -> None:
    error = refusal(rule)
    assert error.code == "KL008"
    assert error.place is not None
    assert error.place.text


class Callable_:
    def __call__(self, a: Any) -> object:
        return a.x


@pytest.mark.parametrize("thing", [len, str.lower, int, Base, Callable_(), "a.x > 1", None, functools.partial(len)])
def test_what_is_no_python_function(thing: Any) -> None:
    assert refusal(thing).code == "KL001"


# --------------------------------------------------------------------------------------------------------------- names


def test_names_are_read_when_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    captured = 1
    rule = read_source(lambda a, fixed=captured: (a.x, captured, LIMIT, len, fixed, nowhere, later))  # type: ignore[name-defined] # noqa: F821
    captured = 2
    assert rule.resolve("captured") == 2
    assert rule.resolve("fixed") == 1
    assert rule.resolve("len") is len
    monkeypatch.setitem(globals(), "LIMIT", 8)
    assert rule.resolve("LIMIT") == 8
    for name in ("nowhere", "later", "a"):
        with pytest.raises(LookupError, match=name):
            rule.resolve(name)
    later = 3
    assert rule.resolve("later") == later


def test_one_code_with_several_closures() -> None:
    def above(n: int) -> Rule:
        return lambda a: a.x > n

    rules = [above(n) for n in range(3)]
    assert [read_source(rule).resolve("n") for rule in rules] == [0, 1, 2]
    assert len({id(read_source(rule).node) for rule in rules}) == 1


def test_text_resolves_nothing() -> None:
    with pytest.raises(LookupError, match="fields only"):
        parse_text("len > 1").resolve("len")


# ----------------------------------------------------------------------------------------------------- other situations


RULES = """\
rule = lambda a: a.x > 1

def other(a):
    return a.y == 'b' and a.n + 1 < 3 and any(v.ok for v in a.views)
"""


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("> 1", "> 2"),
        ("> 1", "< 1"),
        ("a.x", "a.z"),
        ("rule =", "rules ="),
        ("rule", "\nrule"),
        ("> 1", "> 1.0"),
        ("a.x > 1", "("),
    ],
)
def test_a_lambda_edited_since_import_is_refused(tmp_path: Path, old: str, new: str) -> None:
    path = tmp_path / "rules.py"
    module = load(path, RULES)
    path.write_text(RULES.replace(old, new, 1), encoding="utf-8")
    error = refusal(module.rule)
    assert error.code == "KL005"
    assert "since it was imported" in error.message
    assert "restart" in error.remedy


@pytest.mark.parametrize(
    ("old", "new"), [("'b'", "'c'"), ("a.n + 1", "a.n - 1"), ("v.ok", "v.no"), ("other", "another")]
)
def test_a_function_edited_since_import_is_refused(tmp_path: Path, old: str, new: str) -> None:
    path = tmp_path / "rules.py"
    module = load(path, RULES)
    path.write_text(RULES.replace(old, new, 1), encoding="utf-8")
    assert refusal(module.other).code == "KL005"


def test_swapped_on_one_line_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "rules.py"
    module = load(path, "one, two = (lambda a: a.x), (lambda a: a.yyy)\n")
    path.write_text("one, two = (lambda a: a.yyy), (lambda a: a.x)\n", encoding="utf-8")
    assert refusal(module.one).code == refusal(module.two).code == "KL005"


def test_a_reloaded_module_is_read_again(tmp_path: Path) -> None:
    path = tmp_path / "rules.py"
    assert body(load(path, RULES).rule) == "a.x > 1"
    assert body(load(path, RULES.replace("> 1", "> 1234")).rule) == "a.x > 1234"


def test_a_missing_file_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "rules.py"
    module = load(path, RULES)
    path.unlink()
    assert refusal(module.rule).code == "KL004"


def test_future_annotations_encodings_and_line_ends(tmp_path: Path) -> None:
    text = (
        "from __future__ import annotations\r\n"
        "x = 'é'; rule = lambda a: a.x > 'é'\r\n"
        "def other(a: int) -> str:\r\n    return a.é\r\n"
    )
    path = tmp_path / "rules.py"
    path.write_bytes(b"# -*- coding: latin-1 -*-\r\n" + text.encode("latin-1"))
    spec = importlib.util.spec_from_file_location("rules", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    source = read_source(module.rule)
    place = source.place(source.node)
    assert place.text[place.column : place.end_column] == "lambda a: a.x > 'é'"
    assert returned(read_source(module.other)) == "a.é"


def test_built_text_is_refused_unless_registered() -> None:
    text = "rule = lambda a: a.x > 1"
    scope: dict[str, Any] = {}
    exec(compile(text, "<built rules>", "exec"), scope)
    error = refusal(scope["rule"])
    assert error.code == "KL003"
    assert "linecache" in error.remedy
    linecache.cache["<built rules>"] = (len(text), None, [text], "<built rules>")
    try:
        assert body(scope["rule"]) == "a.x > 1"
    finally:
        del linecache.cache["<built rules>"]


def test_a_zip_file(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "rules.zip", "w") as archive:
        archive.writestr("zipped.py", RULES)
    program = f"{READ}{SHOW}\nimport sys; sys.path.insert(0, 'rules.zip')\nimport zipped\nshow(zipped.rule)\n"
    assert run(["-c", program], cwd=tmp_path) == "lambda a: a.x > 1\n"


@pytest.mark.parametrize("options", [["-c"], ["-Bc"], ["-X", "utf8", "-W", "default", "-c"], ["-OO", "-c"]])
def test_the_command_line(options: list[str]) -> None:
    program = f"{READ}{SHOW}\nshow(lambda a: a.x > 1); exec('show(lambda a: a.y)')\n"
    read, built = run([*options, program, "-c", "no"]).splitlines()
    assert read == "lambda a: a.x > 1"
    assert built.startswith("KL003")


def test_stdin() -> None:
    answer = run(["-"], f"{READ}{SHOW}\nshow(lambda a: a.x > 1)\n")
    assert answer.startswith("KL002")
    assert 'where("n > 1")' in answer
    assert "kingpost shell" in answer


def test_without_columns(tmp_path: Path) -> None:
    program = (
        READ
        + SHOW
        + textwrap.dedent("""
        one = lambda a: a.x > 1
        two, three = (lambda a: a.x), (lambda a: a.y)
        def four(a):
            return (a.x
                    and a.y)
        for function in (one, two, four):
            show(function)
    """)
    )
    (tmp_path / "rules.py").write_text(program, encoding="utf-8")
    one, two, *four = run(["-X", "no_debug_ranges", "rules.py"], cwd=tmp_path).splitlines()
    assert one == "lambda a: a.x > 1"
    assert two.startswith("KL006")
    assert "one lambda per line" in two
    assert four == ["def four(a):", "    return a.x and a.y"]


@pytest.mark.parametrize("options", [["-O"], ["-OO"]])
def test_optimised(options: list[str], tmp_path: Path) -> None:
    rule = 'def rule(a):\n    """Words."""\n    assert a.x\n    return a.y\n'
    text = f"{READ}{SHOW}\n{rule}show(rule)\nshow(lambda a: a.x)\n"
    (tmp_path / "rules.py").write_text(text, encoding="utf-8")
    assert run([*options, "rules.py"], cwd=tmp_path).endswith("return a.y\nlambda a: a.x\n")


def test_only_compiled(tmp_path: Path) -> None:
    (tmp_path / "rules.py").write_text(RULES, encoding="utf-8")
    program = (
        f"import py_compile, os; py_compile.compile('rules.py', 'rules.pyc'); os.remove('rules.py')\n{READ}{SHOW}\n"
    )
    assert run(["-c", f"{program}import rules; show(rules.rule)"], cwd=tmp_path).startswith("KL004")


def test_coverage(tmp_path: Path) -> None:
    pytest.importorskip("coverage")
    text = f"{READ}{SHOW}\nshow(lambda a: a.x)\ndef rule(a):\n    return a.x\nshow(rule)\n"
    (tmp_path / "rules.py").write_text(text, encoding="utf-8")
    answer = run(["-m", "coverage", "run", "--branch", "rules.py"], cwd=tmp_path)
    assert answer == "lambda a: a.x\ndef rule(a):\n    return a.x\n"


def test_a_file_is_parsed_once_also_by_many_threads(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    module = load(tmp_path / "many.py", "".join(f"def rule{n}(a):\n    return a.x > {n}\n" for n in range(200)))
    parsed: list[str] = []
    parse = source_module._parse

    def counted(filename: str, *rest: Any) -> Any:
        parsed.append(filename)
        return parse(filename, *rest)

    monkeypatch.setattr(source_module, "_parse", counted)
    answers: list[str] = []

    def work() -> None:
        answers.extend(returned(read_source(getattr(module, f"rule{n}"))) for n in range(200))

    threads = [threading.Thread(target=work) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(parsed) == 1
    assert sorted(answers) == sorted([f"a.x > {n}" for n in range(200)] * 8)


# --------------------------------------------------------------------------------------------------------------- places


@pytest.mark.parametrize(
    ("text", "column", "end", "expected"),
    [
        ("a.x > 1", 0, 3, "a.x > 1\n^^^"),
        ("\tif a.x", 4, 7, "    if a.x\n       ^^^"),
        ("'日本' == a", 8, 9, "'日本' == a\n          ^"),
        ("日本", 0, 1, "日本\n^^"),
        ("e\u0301 == a", 6, 7, "e\u0301 == a\n     ^"),
        ("a\x1b[2J\u202e", 0, 1, "a\ufffd[2J\ufffd\n^"),
        ("a >", 3, 4, "a >\n   ^"),
        ("", 0, 0, ""),
    ],
)
def test_excerpts(text: str, column: int, end: int, expected: str) -> None:
    assert Place("f.py", 1, column, end, text).excerpt() == expected


def test_the_excerpt_of_a_long_line_is_short() -> None:
    line, carets = Place("f.py", 1, 5000, 5003, "x" * 5000 + "abc" + "y" * 5000).excerpt().splitlines()
    assert len(line) < 130
    assert line[carets.index("^") : carets.rindex("^") + 1] == "abc"


def test_places_of_parts_without_a_position() -> None:
    source = parse_text("a.x > 1 and (\n  b.y < 'é' + c)")
    assert source.place(source.node) == Place("<text>", 1, 0, 13, "a.x > 1 and (")
    assert isinstance(source.node, ast.Expression)
    assert isinstance(source.node.body, ast.BoolOp)
    second = source.node.body.values[1]
    assert isinstance(second, ast.Compare)
    place = source.place(second.comparators[0])
    assert (place.line, place.text[place.column : place.end_column]) == (2, "'é' + c")
    assert source.place(second.ops[0]).line == 1
    loop = ast.parse("any(v.ok for v in a.views)", mode="eval")
    source = parse_text("any(v.ok for v in a.views)")
    assert ast.dump(loop) == ast.dump(source.node)
    clause = next(node for node in ast.walk(source.node) if isinstance(node, ast.comprehension))
    assert source.place(clause).column == 13


def test_errors_show_place_and_remedy_and_can_be_pickled() -> None:
    with pytest.raises(SourceError) as caught:
        parse_text("a.x > > 1")
    words = str(caught.value)
    assert "a.x > > 1" in words
    assert "\n          ^" in words
    assert "remedy: " in words
    again = pickle.loads(pickle.dumps(caught.value))
    assert (again.code, again.place, str(again)) == (caught.value.code, caught.value.place, words)


# ---------------------------------------------------------------------------------------------------------------- text


def test_text_is_one_expression() -> None:
    source = parse_text("  n > 1\r\n")
    assert source.lines == ("n > 1",)
    assert (source.parameters, source.function, source.first_line) == ((), None, 1)
    assert ast.unparse(source.node) == "n > 1"
    for fine in (
        "(a\r\n or b)",
        "x in [" + "-1, " * 300 + "]",
        "a" + " and not b" * 200,
        "'((((' != a # ((",
        "ﬁeld == 1",
    ):
        parse_text(fine)


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("", "KL012"), ("  \n", "KL012"), ("a = 1", "KL012"), ("a; b", "KL012"), ("import os", "KL012"),
        ("a\nb", "KL012"),
        ("(a", "KL012"), ("a)", "KL012"), ("(a]", "KL012"), ("'a", "KL012"), ('"""a', "KL012"), ("'a\n'", "KL012"),
        (r"'\d'", "KL012"), (r"'\777'", "KL012"), ("1or 2", "KL012"), ("0xfor x", "KL012"), ("9" * 5000, "KL012"),
        (r"'\N{no such}'", "KL012"), ("a\0", "KL013"), ("'\ud800'", "KL013"), (r"'\0'", "KL013"),
        (r"'\ud800'", "KL013"),
        ("f'{a}'", "KL014"), ("Rf'{a}'", "KL014"), ("a" * 10_001, "KL010"), ("(" * 101 + "a" + ")" * 101, "KL011"),
        ("not " * 1000 + "a", "KL011"), ("- " * 1000 + "a", "KL011"), ("~" * 101 + "a", "KL011"),
        ("a" + " + a" * 2000, "KL011"), ("a" + "**a" * 3000, "KL011"), ("a" + ".b" * 4000, "KL011"),
        ("a" + " if b else a" * 500, "KL011"), ("lambda: " * 500 + "a", "KL011"), ("a" + "()" * 3000, "KL011"),
        ("(" * 60 + "not " * 60 + "a" + ")" * 60, "KL011"),
    ],
)  # fmt: skip
def test_refused_text(text: str, code: str) -> None:
    with pytest.raises(SourceError) as caught:
        parse_text(text)
    assert caught.value.code == code
    assert caught.value.remedy
    assert len(str(caught.value)) < 800


def test_bounds_are_settings() -> None:
    parse_text("((a))", max_depth=3, max_length=5)
    for bound in ({"max_depth": 1}, {"max_length": 4}):
        with pytest.raises(SourceError):
            parse_text("((a))", **bound)


PIECES = st.sampled_from(
    [*"()[]{},:.+-*/~<>=!@#%&|^;\\\n\r\t\f 'b\"", '"""', "'''", "not ", "and ", "if ", "else ", "lambda ", "for ",
     "in ", "f'", "rb'", "\\N", "\\x", "1", "0x", "1e", "_", "é", "ﬁ", "日", "\ufeff", "\ud800", "\0", "await ",
     "yield ", ":="]
)  # fmt: skip


def parsed_or_refused(text: str) -> Source | SourceError:
    try:
        return parse_text(text)
    except SourceError as error:
        return error


@given(st.text() | st.lists(PIECES, max_size=60).map("".join))
@example("\f(\n")
@example("(" * 5000)
@example("a\\\n")
@example("'\\\n'\n\r(")
def test_arbitrary_text_is_parsed_or_refused(text: str) -> None:
    answer = parsed_or_refused(text)
    if isinstance(answer, SourceError):
        assert answer.remedy
        assert str(answer)
        return
    for node in ast.walk(answer.node):
        place = answer.place(node)
        assert 1 <= place.line <= len(answer.lines)
        assert place.text == answer.lines[place.line - 1]
        assert 0 <= place.column <= place.end_column <= len(place.text)
        place.excerpt()
