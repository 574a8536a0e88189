"""A query string becomes an intent, or a 400 that points at the parameter."""

from __future__ import annotations

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kingpost.base.errors import Detail, Invalid, KingpostError
from kingpost.doors.rest.query import Question, Questions, add_hint, exported
from kingpost.doors.rest.settings import RestSettings
from kingpost.plan.intent import Condition, Expressed, SortKey, SummaryOf


def many(query: str) -> Question:
    return Questions(RestSettings()).ask("Article", query.encode(), many=True)


def one(query: str) -> Question:
    return Questions(RestSettings()).ask("Article", query.encode(), many=False)


def refused(query: str) -> KingpostError:
    with pytest.raises(KingpostError) as caught:
        many(query)
    return caught.value


def test_filters() -> None:
    read = many("title=a+b%20c&hours[ge]=3&author.name%5Bin%5D=x,y&empty=").read
    assert read.conditions == (
        Condition(("title",), "eq", "a b c", True, "?title"),
        Condition(("hours",), "ge", "3", True, "?hours[ge]"),
        Condition(("author", "name"), "in", "x,y", True, "?author.name[in]"),
        Condition(("empty",), "eq", "", True, "?empty"),
    )


def test_where_is_parsed_but_not_judged() -> None:
    (condition,) = many("where=nothing_of_this_name%20>%203").read.conditions
    assert isinstance(condition, Expressed)
    assert condition.text


def test_shape_and_page() -> None:
    read = many("include=author,comments.author&fields=title,author.name&sort=-a,b.c&limit=7&offset=9&count=exact").read
    assert read.include == (("author",), ("comments", "author"))
    assert read.fields == (("title",), ("author", "name"))
    assert read.sort == (SortKey(("a",), True), SortKey(("b", "c")))
    assert (read.limit, read.offset, read.count, read.after) == (7, 9, True, None)
    assert many("").read.limit == 50
    assert many("").read.fields is None
    assert many("fields=").read.fields == ()


def test_summaries() -> None:
    question = many("group=author.name&count=*,title&sum=hours&title=x")
    assert question.kind == "summary"
    assert question.read.group == (("author", "name"),)
    assert question.read.summaries == (
        SummaryOf("count", (), "count"),
        SummaryOf("count", ("title",), "count.title"),
        SummaryOf("sum", ("hours",), "sum.hours"),
    )
    assert question.read.limit == 1001
    sorted_ = many("group=author.name&count=*&sum=hours&sort=-sum.hours,count&limit=3")
    assert sorted_.read.sort == (SortKey(("sum", "hours"), True), SortKey(("count",)))
    assert sorted_.read.limit == 3
    assert many("group=author,author&count=*").read.group == (("author",),)
    same = many("group=a,a&count=*,*,a&sum=hours,hours")  # a name given twice is one name, as in all lists of names
    assert same.read.group == (("a",),)
    assert [summary.name for summary in same.read.summaries] == ["count", "count.a", "sum.hours"]


def test_the_next_page_keeps_the_question() -> None:
    assert many("title=a%26b&limit=2&after=old").onward == "title=a%26b&limit=2&after="
    assert many("").onward == "after="
    assert "offset" not in many("offset=3&sort=x").onward


@pytest.mark.parametrize(
    ("query", "pointer"),
    [
        ("limit=0", "?limit"),
        ("limit=-1", "?limit"),
        ("limit=1000000000", "?limit"),
        ("limit=1e3", "?limit"),
        ("limit=", "?limit"),
        ("limit=٣", "?limit"),
        (f"limit={'9' * 5000}", "?limit"),
        ("offset=-1", "?offset"),
        ("offset=99999999", "?offset"),
        ("after=x&offset=1", "?offset"),
        ("title=a&title=b", "?title"),
        ("limit=1&limit=2", "?limit"),
        ("hours[ge]=1&hours[ge]=2", "?hours[ge]"),
        ("hours[gee]=1", "?hours[gee]"),
        ("hours[]=1", "?hours[]"),
        ("a..b=1", "?a..b"),
        ("a%20b=1", "?a b"),
        ("=1", "?"),
        ("[ge]=1", "?[ge]"),
        ("a[b][c]=1", "?a[b][c]"),
        ("sort=a,,b", "?sort"),
        ("sort=--a", "?sort"),
        ("include=a.", "?include"),
        ("fields=a;drop", "?fields"),
        ("include=" + ".".join("a" * 40), "?include"),
        ("group=", "?group"),
        ("group=a&include=b", "?include"),
        ("sum=a&sort=sum.a", "?sort"),
        ("sum=a&group=b&offset=1", "?offset"),
        ("sum=a&count=exact", "?count"),
        ("count=exact,*", "?count"),
        ("where=1+%2B", "?where"),
        ("where=" + "(" * 1000 + ")" * 1000, "?where"),
        ("where=" + "a" * 20_000, "?where"),
        ("where=", "?where"),
    ],
)
def test_what_is_refused_is_pointed_at(query: str, pointer: str) -> None:
    error = refused(query)
    assert isinstance(error, Invalid)
    assert [detail.pointer for detail in error.details] == [pointer]


@pytest.mark.parametrize(
    ("query", "code"),
    [
        ("title=%FF", "KP154"),
        ("title=a%00", "KP154"),
        ("title=%ED%A0%80", "KP154"),
        ("&".join(f"a{n}=1" for n in range(200)), "KP153"),
        ("where=" + "a" * 100_000, "KP153"),
    ],
)
def test_what_is_no_query_at_all(query: str, code: str) -> None:
    assert refused(query).code == code


def test_a_row_takes_include_and_fields_only() -> None:
    assert one("include=author&fields=title").read.include == (("author",),)
    with pytest.raises(Invalid) as caught:
        one("field=title")
    assert caught.value.code == "KP155"
    assert "'fields'" in caught.value.message


def test_a_known_question_is_not_parsed_again() -> None:
    questions = Questions(RestSettings())
    assert questions.ask("A", b"limit=3", many=True) is questions.ask("A", b"limit=3", many=True)
    assert questions.ask("B", b"limit=3", many=True) is not questions.ask("A", b"limit=3", many=True)
    for number in range(5_000):
        questions.ask("A", b"limit=3&x%d=1" % number, many=True)
    assert len(questions._known) == 2_048
    questions.ask("A", b"x=" + b"a" * 10_000, many=True)
    assert all(len(query) <= 1_024 for _, _, query in questions._known)


def test_keyed_reads_share_a_shape() -> None:
    template = one("include=author").read
    read = template.alike(key=(3,))
    assert read.key == (3,)
    assert template.key == ()
    assert read.shape is template.shape
    assert read.include == template.include


def test_exports_have_no_pages() -> None:
    assert exported(many("").read, limited=False).limit is None
    assert exported(many("limit=3").read, limited=True).limit == 3
    for query in ("after=x", "count=exact"):
        with pytest.raises(Invalid):
            exported(many(query).read, limited=False)


def test_a_control_word_is_hinted_at_after_the_planner_refused() -> None:
    error = Invalid("KP110", "x", [Detail("?limt", "KP110", "Topic has no field 'limt'")])
    assert add_hint(error).details[0].message.endswith("there is also the parameter 'limit'")
    other = Invalid("KP110", "x", [Detail("?zzz", "KP110", "Topic has no field 'zzz'")])
    assert add_hint(other) is other
    for name, word in (("page", "after="), ("page_size", "limit=")):
        error = Invalid("KP110", "x", [Detail(f"?{name}", "KP110", f"Topic has no field {name!r}")])
        assert f"no field {name!r}; " in add_hint(error).details[0].message
        assert word in add_hint(error).details[0].message


def test_count_is_no_switch() -> None:
    for value in ("true", "1", "False", ""):
        with pytest.raises(Invalid, match=r"count takes exact .*, \* "):
            many(f"count={value}")


@given(st.text(max_size=60))
def test_no_query_breaks_the_reader(text: str) -> None:
    with contextlib.suppress(KingpostError):
        many(text.encode("utf-8", "surrogatepass").decode("latin-1"))
