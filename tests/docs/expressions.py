"""The rows of the language's table: every construct with an example, what it means, and what is refused near it.

`tables` makes the SQL columns of them, and a test holds the refusals to what `lower` says.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

Refused = tuple[tuple[str, str], ...]
"""Expressions that are refused, with the id."""


@dataclass(frozen=True, slots=True)
class Row:
    """One construct. `value`: the example is a value, as a computed field or sort key would be, not a condition."""

    construct: str
    example: str
    meaning: str
    refused: Refused = ()
    value: bool = False


GROUPS: Final[dict[str, tuple[Row, ...]]] = {
    "Logic": (
        Row(
            "`and`",
            "signed and pages > 10",
            "True where both are, false where one is false; unknown `and` false is "
            "false, unknown `and` true is unknown",
        ),
        Row(
            "`or`",
            "pages > 10 or sold > 5",
            "True where one is, false where both are false; unknown `or` true is true, unknown `or` false is unknown",
        ),
        Row(
            "`not`",
            "not (sold > 5)",
            "Exchanges true and false. Unknown stays unknown, so a row without `sold` is found "
            "neither by `sold > 5` nor by this",
            (("~signed", "KL103"),),
        ),
        Row(
            "truth of a value: `bool(x)`, `if x`",
            "bool(subtitle)",
            'As in Python: false for None, `""`, 0, and a relation without rows',
            (("subtitle and signed", "KL304"), ("title", "KL304")),
        ),
        Row(
            "value of `a or b`, `a and b`",
            "subtitle or title",
            "The operand that Python answers; both of one type. An "
            "empty text is passed over like None, so this is never COALESCE",
            (("subtitle or pages", "KL305"),),
            True,
        ),
        Row(
            "`a if c else b`",
            "pages if signed else 0",
            "Unknown where `c` is",
            (("pages if signed else 'x'", "KL305"),),
            True,
        ),
    ),
    "Comparison": (
        Row(
            "`x == y`",
            "title == 'Emma'",
            "None equals None and nothing else",
            (("title == 3", "KL301"), ("kind == 'novle'", "KL308"), ("price == 0.1", "KL309")),
        ),
        Row("", "subtitle == 'A novel'", "A column that may be None needs no more: `=` is never true for NULL"),
        Row(
            "`x == y`, both may be None",
            "subtitle == author.nick",
            "True where both are None",
            (("editor == me", "KL403"),),
        ),
        Row("`x != y`", "subtitle != 'A novel'", "`not (x == y)`: true where `x` is None"),
        Row("`x is None`, `x == None`", "sold is None", "True for a stored None", (("title is 'x'", "KL108"),)),
        Row("", "editor.nick is None", "Unknown, not true, where there is no editor: the None has to be stored"),
        Row("`x is True`", "signed is True", "Of a `bool` only", (("pages is True", "KL108"),)),
        Row(
            "`<` `<=` `>` `>=`",
            "sold < 9",
            "Of numbers, text (by code point) and dates; unknown where a side is None. "
            "`not (x < y)` becomes `x >= y`, which can use an index",
            (("sold < 9", "KL401"), ("author < editor", "KL302"), ("pages < weight", "KL309")),
        ),
        Row("chain", "1 < pages < 900", "`1 < pages and pages < 900`"),
        Row(
            "`x in (…)`",
            "sold in (1, 2, None)",
            "Equal to one of them; None is found where the list holds it",
            (("[1, 2] == pages", "KL102"), ("pages in (1, 'x')", "KL301")),
        ),
        Row("`x not in (…)`", "sold not in (1, 2)", "`not (x in …)`: true where `x` is None"),
        Row(
            "`x in values`, captured",
            "pages in wanted",
            "`wanted` is a list, tuple or set of plain values around the function, read when the query is made",
        ),
    ),
    "Numbers": (
        Row(
            "`+` `-` `*`",
            "pages * 2 + sold",
            "Exact. `int`s are computed beyond 64 bits (PostgreSQL) or the statement "
            "fails with KP423 (SQLite); never rounded",
            (
                ("pages + weight", "KL309"),
                ("pages ** 2", "KL103"),
                ("sold + 1", "KL401"),
                ("pages > 2**70 - pages", "KL310"),
            ),
            True,
        ),
        Row("`/`", "pages / 2", "A `float`, also of two `int`s; by zero unknown", (("price / 2", "KL303"),), True),
        Row("`//`", "pages // 7", "Rounded down, also below zero, as in Python; by zero unknown", (), True),
        Row("`%`", "pages % 7", "Has the sign of the divisor, as in Python; by zero unknown", (), True),
        Row("`-x`, `abs(x)`", "abs(pages)", "", (("abs(title)", "KL312"),), True),
        Row(
            "`round(x)`",
            "round(price)",
            "Half to even, to an `int`. SQLite rounds halves of a `float` away from zero: there it is done in memory",
            (("round(price, 1)", "KL106"),),
            True,
        ),
        Row(
            "`Decimal`",
            "price > Decimal('9.99')",
            "At the declared scale; integers go with it",
            (("price > 9.5", "KL309"),),
        ),
        Row(
            "`float` literal and `int` field", "pages > 1.5", "Compared as Python does, exactly: the literal is folded"
        ),
        Row("literal beyond 64 bits", "pages < 2**70", "Legal, and folded: true for every page count"),
    ),
    "Text": (
        Row("`a + b`", "title + '!'", "", (("f'{title}'", "KL014"), ("title + pages", "KL303")), True),
        Row("`len(x)`", "len(title)", "Code points", (("len(pages)", "KL312"),), True),
        Row(
            "`lower()` `upper()` `casefold()`",
            "title.lower() == 'emma'",
            "Unicode, as CPython, except what is listed [below](#known-deviations)",
            (("title.title()", "KL105"),),
        ),
        Row("`strip()`", "title.strip()", "White space by Python's definition", (("title.strip('x')", "KL106"),), True),
        Row(
            "`startswith(x)` with a constant",
            "title.startswith('Em')",
            "A range, which can use an index",
            (("title.startswith(('a', 'b'))", "KL106"),),
        ),
        Row(
            "`startswith(x)`, `endswith(x)`", "title.endswith(author.name)", "No wildcards: `%` and `_` are characters"
        ),
        Row("`x in text`", "'mm' in title", "Case counts", (("pages in title", "KL301"), ("'x' in subtitle", "KL401"))),
        Row(
            "`x[a:b]`",
            "title[0:3]",
            "Constant ends; beyond the end empty",
            (("title[0]", "KL109"), ("title[::2]", "KL109")),
            True,
        ),
        Row("", "title[-3:]", "Counted from the end", (), True),
    ),
    "Dates and durations": (
        Row("`now()`", "printed <= now()", "One instant for the whole request, bound as a value"),
        Row(
            "constructors",
            "printed > datetime(2026, 1, 1, tzinfo=UTC)",
            "`datetime`, `date`, `time`, `timedelta`, `Decimal` and `UUID` of constants and of variables from around, "
            "made before the statement runs",
            (("printed > datetime(2026, 1, 1)", "KL307"), ("printed > datetime(pages, 1, 1, tzinfo=UTC)", "KL112")),
        ),
        Row(
            "`timedelta` of fields",
            "printed + timedelta(days=pages) > now()",
            "Of `int`s, exactly; a duration that Python does not have (beyond 999,999,999 days) is unknown",
            (("loan > timedelta(days=weight)", "KL112"),),
        ),
        Row(
            "instant `±` duration",
            "printed + loan",
            "Exact, in UTC, whatever the session's time zone; beyond the years 1 to 9999 unknown",
            (("printed.year", "KL202"),),
            True,
        ),
        Row(
            "instant `-` instant, date `-` date",
            "bought - printed",
            "A duration",
            (("bought - printed", "KL401"),),
            True,
        ),
        Row(
            "duration `//` duration",
            "(now() - printed) // timedelta(weeks=1)",
            "How often it goes into it, an `int` rounded down; `%` is what is left",
            (),
            True,
        ),
        Row(
            "duration `/` duration",
            "loan / timedelta(hours=1)",
            "A `float`, as of two `int`s in microseconds",
            (("loan / 2", "KL303"),),
            True,
        ),
        Row(
            "`d.days`",
            "(now() - printed).days > 14",
            "An `int`, rounded down as in Python; also `.seconds`, `.microseconds`",
        ),
        Row("`d.total_seconds()`", "loan.total_seconds()", "A `float`", (), True),
        Row(
            "duration `*` and `//` `int`, `-d`, `abs(d)`",
            "loan * 2",
            "Exact. SQLite computes up to 64 bits of microseconds (292,271 years); beyond them the statement fails "
            "with KP423",
            (("loan * 1.5", "KL303"),),
            True,
        ),
    ),
    "Relations": (
        Row("`a.b`, a relation to one", "author.name == 'Jane'", "A join; the relation is never None here"),
        Row("", "editor.name == 'Jane'", "Unknown where there is no editor", (("editor.name == 'Jane'", "KL402"),)),
        Row(
            "`relation == actor`", "author == me", "By key: no join. With `me` None false, as an author is always there"
        ),
        Row("`x in relation`", "me in readers", "", (("title in readers", "KL301"),)),
        Row(
            "`any(… for …)`",
            "any(c.pages > 9 for c in chapters)",
            "False for no rows",
            (("any(chapters)", "KL107"), ("any(c.pages > d.pages for c in chapters for d in chapters)", "KL107")),
        ),
        Row("with a condition", "any(c.pages > 9 for c in chapters if c.notes is not None)", ""),
        Row("`all(… for …)`", "all(c.pages > 9 for c in chapters)", "True for no rows"),
        Row("`len(relation)`", "len(chapters)", "", (("chapters > 3", "KL111"),), True),
        Row("`sum(1 for … if …)`", "sum(1 for c in chapters if c.pages > 9)", "How many", (), True),
        Row(
            "`sum(… for …)`",
            "sum(c.pages for c in chapters)",
            "0 for no rows; unknown where an element is None",
            (("sum(c.notes for c in chapters)", "KL404"), ("sum(c.title for c in chapters)", "KL312")),
            True,
        ),
        Row(
            "`min(…)`, `max(…)`",
            "max(c.pages for c in chapters)",
            "Unknown for no rows",
            (("max(pages, 3)", "KL106"),),
            True,
        ),
        Row("with `default=`", "max((c.pages for c in chapters), default=0)", "The default for no rows", (), True),
    ),
    "Embedded values, other declarations": (
        Row(
            "member of an embedded value",
            "size.width > 20",
            "Unknown where the value, or the member, is None",
            (("size.width > 20", "KL402"), ("size.depth > 20", "KL202")),
        ),
        Row("a computed field", "is_thick", "Put in place of its name (`self.is_thick` in a method)"),
        Row(
            "a rule",
            "self.open_to(me)",
            "Called with the actor, and put in place",
            (("self.open_to()", "KL106"), ("self.open_to", "KL111")),
        ),
        Row(
            "a variable from around",
            "pages > least",
            "Read when the query is made; in a rule, at every request",
            (("pages > missing", "KL201"),),
        ),
    ),
}
