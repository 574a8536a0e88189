"""Answers that tell of errors, as the OpenAPI document has them."""

from __future__ import annotations

from typing import Final

from kingpost.doors.rest.schemas import Json, ref

PROBLEM_SCHEMA: Final[Json] = {
    "title": "Problem",
    "description": "What went wrong (RFC 9457). `type` leads to a page that explains it.",
    "type": "object",
    "properties": {
        "type": {"type": "string", "format": "uri-reference"},
        "title": {"type": "string"},
        "status": {"type": "integer", "minimum": 400, "maximum": 599},
        "detail": {"type": "string"},
        "instance": {"type": "string", "format": "uri-reference"},
        "hint": {"type": "string", "description": "In development: the rules that refused, or one that would not"},
        "errors": {
            "type": "array",
            "items": {
                "type": "object",
                "properties": {
                    "pointer": {"type": "string", "description": "A JSON pointer into the body, or `?parameter`"},
                    "code": {"type": "string"},
                    "message": {"type": "string"},
                },
                "required": ["pointer", "code", "message"],
            },
        },
    },
    "required": ["type", "title", "status"],
}

_WORDS: Final = {
    400: "The request is not understood",
    401: "Authentication is needed",
    403: "Not allowed",
    404: "No such row, or none that you may see",
    406: "None of the formats in Accept",
    409: "Conflict with the present state",
    412: "The row has changed",
    413: "The body is too large",
    414: "The query is too long",
    415: "The type of the body is not accepted",
    422: "The input is not accepted",
    428: "If-Match is missing",
    500: "An error in the server",
    503: "Temporarily unavailable",
}


def _response(status: int, words: str) -> Json:
    found: Json = {
        "description": words,
        "content": {"application/problem+json": {"schema": ref("schemas", "Problem")}},
    }
    if status == 401:
        found["headers"] = {"WWW-Authenticate": {"schema": {"type": "string"}}}
    if status == 503:
        found["headers"] = {"Retry-After": {"schema": {"type": "integer"}}}
    return found


RESPONSES: Final[Json] = {str(status): _response(status, words) for status, words in _WORDS.items()}
