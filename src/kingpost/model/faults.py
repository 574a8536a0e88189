"""From what Pydantic finds wrong to `Detail`s: stable codes, JSON pointers, words that never hold the value."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from typing import Any, Final

from pydantic import ValidationError

from kingpost.base.errors import Detail
from kingpost.model.names import meant

TOLD: Final = 100
"""So many faults of one input are told: an answer must not be many times as long as what it answers."""
BRANCH: Final = "\0"
"""Begins the parts of a location that name a branch of a union, which no pointer has."""

_WORDS: Final[Mapping[str, tuple[str, str]]] = {
    "missing": ("required", "must be given"),
    "string_too_short": ("too_short", "must have at least {min_length} characters"),
    "string_too_long": ("too_long", "must have at most {max_length} characters"),
    "bytes_too_short": ("too_short", "must have at least {min_length} bytes"),
    "bytes_too_long": ("too_long", "must have at most {max_length} bytes"),
    "too_short": ("too_short", "must have at least {min_length} elements"),
    "too_long": ("too_long", "must have at most {max_length} elements"),
    "string_pattern_mismatch": ("pattern", "must match the pattern {pattern}"),
    "greater_than_equal": ("range", "must be at least {ge}"),
    "greater_than": ("range", "must be more than {gt}"),
    "less_than_equal": ("range", "must be at most {le}"),
    "less_than": ("range", "must be less than {lt}"),
    "multiple_of": ("multiple", "must be a multiple of {multiple_of}"),
    "literal_error": ("choice", "must be one of {expected}"),
    "decimal_max_digits": ("digits", "must have at most {max_digits} digits"),
    "decimal_whole_digits": ("digits", "must have at most {whole_digits} digits before the point"),
    "decimal_max_places": ("digits", "must have at most {decimal_places} digits after the point"),
    "finite_number": ("range", "must be a finite number"),
    "string_type": ("type", "must be text"),
    "string_unicode": ("text", "must not hold NUL or lone surrogates"),
    "int_type": ("type", "must be a whole number"),
    "int_parsing_size": ("range", "must be a whole number of at most 64 bits"),
    "float_type": ("type", "must be a number"),
    "bool_type": ("type", "must be true or false"),
    "list_type": ("type", "must be a list"),
    "dict_type": ("type", "must be an object"),
    "model_type": ("type", "must be an object"),
    "model_attributes_type": ("type", "must be an object"),
    "dataclass_type": ("type", "must be an object"),
    "recursion_loop": ("type", "must not hold itself"),
}


def details(
    error: ValidationError,
    known: Collection[str] = (),
    at: tuple[str | int, ...] = (),
    fixed: Callable[[str], str] = lambda name: "",
) -> tuple[Detail, ...]:
    """What is wrong, in the order found, the first hundred of it.

    `known`: names there are, for those that are not; `at`: where the input is; `fixed`: why a name that is not taken
    here can't be written, "" if there is none such.
    """
    return tuple(_detail(dict(each), known, at, fixed) for each in error.errors(include_url=False)[:TOLD])


def pointer(location: tuple[str | int, ...]) -> str:
    """A JSON pointer (RFC 6901); "" is the whole."""
    parts = (str(part) for part in location if not str(part).startswith(BRANCH))
    return "".join("/" + part.replace("~", "~0").replace("/", "~1") for part in parts)


def _detail(
    error: Mapping[str, Any], known: Collection[str], at: tuple[str | int, ...], fixed: Callable[[str], str]
) -> Detail:
    location: tuple[str | int, ...] = error["loc"]
    where, kind, context = pointer((*at, *location)), str(error["type"]), error.get("ctx", {})
    if kind in ("extra_forbidden", "unexpected_keyword_argument"):
        if len(location) == 1 and (why := fixed(str(location[0]))):
            return Detail(where, "readonly", why)
        hint = meant(str(location[-1]), known) if len(location) == 1 else ""
        return Detail(where, "unknown", "there is no such member" + (f"; {hint}" if hint else ""))
    if error.get("input") is None and kind != "missing":
        return Detail(where, "null", "must not be null")
    if kind.startswith("kingpost."):
        return Detail(where, kind.removeprefix("kingpost."), error["msg"])
    if kind == "value_error":  # words of a validator that users wrote
        return Detail(where, "invalid", str(context.get("error", "is not valid")))
    if isinstance(error.get("input"), str | bytes) and kind in ("too_short", "too_long"):
        kind = ("string_" if isinstance(error["input"], str) else "bytes_") + kind
    code, words = _WORDS.get(kind, ("invalid", "is not valid"))
    return Detail(where, code, words.format_map(_Context(context)))


class _Context(dict[str, Any]):
    def __missing__(self, key: str) -> str:
        return "…"
