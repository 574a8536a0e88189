"""What schemathesis has to know of the castle: how values of its formats are made, and what no schema can say.

Loaded by schemathesis itself, as its hooks.
"""

from __future__ import annotations

import json
from typing import Any, Final
from urllib.parse import urlencode

import schemathesis
from hypothesis import strategies as st
from schemathesis import Case, CheckContext, HookContext, Response

_TAG: Final = st.from_regex(r'"[!#-~]{0,20}"', fullmatch=True)
schemathesis.openapi.format(
    "entity-tags",
    st.one_of(st.just("*"), _TAG, _TAG.map("W/{}".format), st.lists(_TAG, min_size=2, max_size=3).map(", ".join)),
)
schemathesis.openapi.format(
    "idempotency-key", st.from_regex(r'"([ !#-\[\]-~]|\\["\\]){1,40}"|[!#-~]{1,40}', fullmatch=True)
)
schemathesis.openapi.format("expression", st.sampled_from(["1 < 2", "not (1 < 2)", "1 == 1 or 2 == 3"]))

UNSAID: Final = {
    "KP113": "`where` is in a language of its own",
    "KP115": "groups are sorted by what they have",
    "KP117": "cursors are signed",
    "KP121": "how many rows an include reaches, the rows decide",
    "KP122": "how many relations are filled in, include and fields decide together",
    "KP123": "what a question costs, its parameters decide together",
    "KP153": "how many parameters there are",
    "KP154": "NUL in a query",
    "KP159": "parameters that do not go together",
    "KP422": "references lead to rows that are there",
    "KP423": "what rows sum up to",
    "KP426": "what is computed of values that do not go together: a division by one that is zero",
    "KP431": "an Idempotency-Key was used before",
    "duplicate": "two elements name one row in two ways",
    "range": "whole numbers inside of Json have 64 bits",
    "text": "NUL in a text; in a schema, a pattern at each text there is",
    "digits": "a number has but so many digits behind its point; multipleOf does not work with binary fractions",
}
"""Refusals of input that its schema admits, and what the schema can't say."""
_ANSWERS: Final = frozenset({401, 403, 404, 409, 412})
"""Of the rows that there are, not of the input."""


@schemathesis.hook
def filter_query(context: HookContext, query: dict[str, Any] | None) -> bool:
    """A list of one empty text is written like a list of none: which of them is wrong, the server can't tell.

    And longer queries never come to the application: the server itself answers, with 414 and no more.
    """
    if not query:
        return True
    return not any(value in ([], [""], "", None) for value in query.values()) and _written(query) < 20_000


def _written(query: dict[str, Any]) -> int:
    """How long it is in an address, where each byte beyond ASCII takes three characters."""
    return len(urlencode(query, doseq=True, errors="replace"))


@schemathesis.check
def what_its_schema_admits_is_understood(context: CheckContext, response: Response, case: Case) -> None:
    """In place of positive_data_acceptance, which knows statuses only: there 422 is either always right or never."""
    if case.meta is None or not case.meta.generation.mode.is_positive:
        return
    if response.status_code < 400 or response.status_code in _ANSWERS or response.status_code >= 500:
        return
    problem = json.loads(response.content)
    details = problem.get("errors") or [{"pointer": "", "code": problem["type"].rpartition("/")[2]}]
    wrong = [
        each
        for each in details
        if each["code"] not in UNSAID
        and not _is_whole(case.body, each["pointer"])
        and not _is_composite((case.query or {}).get(each["pointer"].removeprefix("?")))
        and not (each["code"] == "KP155" and isinstance(case.body, list))  # include and fields are of one object
        and not (each["code"] == "required" and case.method == "PATCH" and each["pointer"].count("/") > 1)
        and not (each["pointer"] == "?sort" and _is_beyond((case.query or {}).get("sort")))
    ]
    if wrong:
        raise AssertionError(f"refused, though its schema admits it: {wrong}")


def _is_beyond(sort: Any) -> bool:
    """Whether an order is by something that there is in some answers only: of another row, or of groups."""
    return any("." in word or word.lstrip("-") == "count" for word in ([sort] if isinstance(sort, str) else sort or ()))


def _is_whole(body: Any, pointer: str) -> bool:
    """Whether it is a number like 5.0, which JSON Schema takes for an integer."""
    found = body
    try:
        for part in pointer.split("/")[1:]:
            found = found[int(part) if isinstance(found, list) else part]
    except (KeyError, TypeError, ValueError, IndexError):
        return False
    return isinstance(found, float) and found.is_integer()


def _is_composite(value: Any) -> bool:
    """Whether it names a row by several members, of which the schema says only how many there are."""
    return isinstance(value, str) and "," in value
