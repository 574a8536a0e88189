"""The OpenAPI document is valid, stable, and merges with the application's own."""

from __future__ import annotations

import json
import re
from datetime import timedelta
from typing import Any

import jsonschema
import msgspec
import pytest
from jsonschema import FormatChecker
from openapi_spec_validator import validate

from kingpost.base.errors import Invalid
from kingpost.doors.rest.headers import idempotency_key, versions
from kingpost.doors.rest.openapi import Document, merge
from kingpost.doors.rest.route import Routes
from kingpost.doors.rest.settings import RestSettings
from kingpost.model.build import build
from tests.doors.rest.domain import RESOURCES, User


@pytest.fixture(scope="module")
def document() -> dict[str, Any]:
    model = build(RESOURCES, {"main"}, User)
    return Document(model, Routes(model, "/api"), RestSettings(title="Learn", description="Of `topics`.")).make()


def operations(document: dict[str, Any]) -> list[dict[str, Any]]:
    methods = ("get", "post", "put", "patch", "delete")
    return [item[method] for item in document["paths"].values() for method in methods if method in item]


def test_it_is_valid(document: dict[str, Any]) -> None:
    validate(document)
    assert document["openapi"].startswith("3.1")


def test_every_reference_leads_somewhere(document: dict[str, Any]) -> None:
    def walk(value: Any) -> None:
        if isinstance(value, dict):
            if isinstance(value.get("$ref"), str):
                section, name = value["$ref"].removeprefix("#/components/").split("/")
                assert name in document["components"][section], value["$ref"]
            for each in value.values():
                walk(each)
        elif isinstance(value, list):
            for each in value:
                walk(each)

    walk(document)


def test_operation_ids_are_unique_and_stable(document: dict[str, Any]) -> None:
    ids = [operation["operationId"] for operation in operations(document)]
    assert len(ids) == len(set(ids))
    assert {"Article.list", "Article.create", "Article.publish.call", "Article.author.read", "Seat.change"} <= set(ids)


def test_parameters_are_unique(document: dict[str, Any]) -> None:
    parameters = document["components"]["parameters"]
    for item in document["paths"].values():
        for operation in (item.get("get"), item.get("post")):
            named = (operation or {}).get("parameters", [])
            found = [parameters[each["$ref"].rpartition("/")[2]] for each in named if "$ref" in each]
            names = [(each["in"], each["name"].lower()) for each in found]
            assert len(names) == len(set(names))


def test_filters_follow_the_types(document: dict[str, Any]) -> None:
    names = {each["$ref"].rpartition("/")[2] for each in document["paths"]["/api/topics"]["get"]["parameters"]}
    assert {"Topic.hours", "Topic.hours.ge", "Topic.name.contains", "where", "limit"} <= names
    assert "Topic.hours.contains" not in names
    assert "Topic.hours.none" not in names
    parameters = document["components"]["parameters"]
    assert parameters["Topic.hours.ge"]["schema"]["type"] == "integer"
    assert "Thing.limit" not in parameters  # named like a control word
    assert parameters["Article.published_at.none"]["schema"] == {"type": "boolean"}


def test_what_nobody_may_read_or_write_is_not_described(document: dict[str, Any]) -> None:
    schemas = document["components"]["schemas"]
    assert "secret" not in schemas["Thing"]["properties"]
    assert "_version" not in json.dumps(document)
    create, patch = (_body(document, "/api/odd-things", "post"), _body(document, "/api/odd-things/{id}", "patch"))
    assert {"secret", "once"} <= create["properties"].keys()
    assert "once" not in patch["properties"]
    assert "fixed" not in create["properties"]
    assert create["required"] == ["price"]
    assert "required" not in patch


def _body(document: dict[str, Any], path: str, method: str) -> dict[str, Any]:
    schema = next(iter(document["paths"][path][method]["requestBody"]["content"].values()))["schema"]
    name = (schema["anyOf"][0] if "anyOf" in schema else schema)["$ref"].rpartition("/")[2]
    found: dict[str, Any] = document["components"]["schemas"][name]
    return found


def test_documents_are_merged() -> None:
    ours = {
        "openapi": "3.1.0",
        "info": {"title": "ours", "version": "1"},
        "tags": [{"name": "A"}],
        "paths": {"/a": {"get": {"responses": {}}}},
        "components": {"schemas": {"X": {"type": "string"}, "Same": {}}},
    }
    theirs = {
        "info": {"title": "theirs", "version": "2"},
        "tags": [{"name": "A"}, {"name": "B"}],
        "paths": {
            "/a": {"post": {"responses": {}}},
            "/b": {"get": {"responses": {"200": {"x": {"$ref": "#/components/schemas/X"}}}}},
        },
        "components": {"schemas": {"X": {"type": "integer"}, "Same": {}}, "securitySchemes": {"k": {}}},
    }
    merged = merge(ours, theirs)
    assert merged["info"]["title"] == "theirs"
    assert merged["paths"]["/a"].keys() == {"get", "post"}
    assert merged["components"]["schemas"] == {"X": {"type": "string"}, "Same": {}, "X_2": {"type": "integer"}}
    assert merged["paths"]["/b"]["get"]["responses"]["200"]["x"] == {"$ref": "#/components/schemas/X_2"}
    assert [tag["name"] for tag in merged["tags"]] == ["A", "B"]
    assert "post" not in ours["paths"]["/a"]
    with pytest.raises(ValueError, match="GET /a"):
        merge(ours, {"paths": {"/a": {"get": {}}}})


def test_headers_are_described_as_they_are_read(document: dict[str, Any]) -> None:
    parameters = document["components"]["parameters"]
    tags, repeat = (re.compile(parameters[name]["schema"]["pattern"]) for name in ("If-Match", "Idempotency-Key"))
    for text in ("*", '"3-1f2e"', 'W/"a"', '"a", "b"', '""'):
        assert tags.search(text)
        versions(text.encode())
    for text in ("0", "", '"a', '"a" "b"', '*, "a"', "'a'"):
        assert not tags.search(text)
        with pytest.raises(Invalid):
            versions(text.encode())
    for text in ('"8e03978e-40d5"', "bare", '"a b"', '"a\\"b"', "a" * 255):
        assert repeat.search(text)
        assert idempotency_key(text.encode())
    for text in ("", "a b", '""', '"a\\b"', "a" * 256, "é"):
        assert not repeat.search(text)
        with pytest.raises(Invalid):
            idempotency_key(text.encode("latin-1"))
    for name in ("Prefer", "If-None-Match"):  # what is not understood is passed over
        assert not {"enum", "pattern"} & set(parameters[name]["schema"])


def test_arrays_that_name_rows_name_each_once(document: dict[str, Any]) -> None:
    for method in ("put", "patch", "delete"):
        content = document["paths"]["/api/topics"][method]["requestBody"]["content"]
        assert content["application/json"]["schema"]["uniqueItems"] is True
    made = document["paths"]["/api/topics"]["post"]["requestBody"]["content"]["application/json"]["schema"]
    assert "uniqueItems" not in made["anyOf"][1]


def test_filters_by_a_row_take_its_key(document: dict[str, Any]) -> None:
    parameters = document["components"]["parameters"]
    assert parameters["Article.author"]["schema"]["format"] == "uuid"
    assert parameters["Article.author.in"]["schema"]["minItems"] == 1


def test_bounds_are_words_of_json_schema(document: dict[str, Any]) -> None:
    hours = _body(document, "/api/topics", "post")["properties"]["hours"]
    assert (hours["minimum"], hours["maximum"], hours["format"]) == (0, 1000, "int64")
    assert "ge" not in hours
    name = document["paths"]["/api/topics"]["patch"]["requestBody"]["content"]["application/json"]["schema"]["items"]
    assert name["$ref"].startswith("#/components/schemas/")


def test_who_creates_is_shown_at_least_the_key(document: dict[str, Any]) -> None:
    made = document["paths"]["/api/topics"]["post"]["responses"]["201"]["content"]["application/json"]["schema"]
    assert {"type": "object", "required": ["id"]}.items() <= made["anyOf"][1].items()


def test_whole_numbers_inside_of_embedded_values_have_64_bits(document: dict[str, Any]) -> None:
    def walk(value: Any) -> None:
        if isinstance(value, dict):
            if value.get("type") == "integer" and "enum" not in value:
                assert value["format"] == "int64", value
            for each in value.values():
                walk(each)

    walk({name: each for name, each in document["components"]["schemas"].items() if name.endswith(("In", "Size"))})


@pytest.mark.parametrize(
    "value",
    [timedelta(0), timedelta(days=-30), timedelta(microseconds=-1), timedelta(days=3, hours=5, microseconds=70)],
)
def test_durations_are_as_they_are_written(document: dict[str, Any], value: timedelta) -> None:
    schema = document["components"]["schemas"]["Thing"]["properties"]["lasts"]
    jsonschema.validate(json.loads(msgspec.json.encode(value)), schema, format_checker=FormatChecker())
