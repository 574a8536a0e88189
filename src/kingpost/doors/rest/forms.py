"""JSON Schema of what comes in: the very Pydantic models that check it."""

from __future__ import annotations

from typing import Any, Final

from pydantic.json_schema import models_json_schema

from kingpost.doors.rest.guards import is_array, is_object
from kingpost.doors.rest.route import Routes
from kingpost.doors.rest.schemas import Json
from kingpost.model.inputs import Purpose
from kingpost.model.model import Model

FORMS: Final[dict[str, Purpose]] = {"create": "create", "replace": "replace", "change": "patch"}
"""Which form an operation takes."""
BULK_FORMS: Final[dict[str, Purpose]] = {"replace": "replace each", "change": "patch each"}
"""Which form each element of an array has."""


def form_schemas(model: Model, routes: Routes) -> tuple[dict[tuple[str, str], str], Json]:
    """Component names by resource and purpose (`action:publish` for an action), and the components."""
    inputs = model.inputs
    forms: dict[tuple[str, str], Any] = {}
    for entry in routes.table.values():
        name, opens = entry.resource.name, entry.resource.opens
        for purpose in (*FORMS.values(), *(BULK_FORMS.values() if routes.bulk else ())):
            if opens("create" if purpose == "create" else "update"):
                forms[name, purpose] = inputs.form(name, purpose)
        for action in filter(opens, entry.actions):
            forms[name, f"action:{action}"] = inputs.action(name, action)
    by_model, made = models_json_schema(
        [(form, "validation") for form in forms.values()], ref_template="#/components/schemas/{model}"
    )
    names = {key: by_model[form, "validation"]["$ref"].rpartition("/")[2] for key, form in forms.items()}
    schemas: Json = made.get("$defs", {})
    _bound(schemas)
    return names, schemas


def _bound(schema: Any) -> None:
    """Whole numbers inside of embedded values have 64 bits too, which their own classes do not say."""
    if is_object(schema):
        if schema.get("type") == "integer":
            schema.setdefault("format", "int64")
        for each in schema.values():
            _bound(each)
    elif is_array(schema):
        for each in schema:
            _bound(each)
