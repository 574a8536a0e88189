"""Two OpenAPI documents made one: what this door serves, and the application's own routes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from kingpost.doors.rest.guards import is_array, is_object
from kingpost.doors.rest.schemas import Json


def merge(document: Mapping[str, Any], fastapi_document: Mapping[str, Any]) -> Json:
    """Both in one. A component of the second with a name that the first has, but of other content, is renamed.

    Raises ValueError if both serve one method of one path.
    """
    merged: Json = {**document, "paths": {**document.get("paths", {})}}
    sections: Json = {name: {**part} for name, part in document.get("components", {}).items()}
    renamed: dict[str, str] = {}
    for section, part in fastapi_document.get("components", {}).items():
        own = sections.setdefault(section, {})
        for name, value in part.items():
            if own.get(name, value) != value:
                fresh = _fresh(name, {*own, *part})
                renamed[f"#/components/{section}/{name}"] = f"#/components/{section}/{fresh}"
    for section, part in fastapi_document.get("components", {}).items():
        for name, value in part.items():
            target = renamed.get(f"#/components/{section}/{name}", str(name)).rpartition("/")[2]
            sections[section][target] = _pointing(value, renamed)
    for path, item in fastapi_document.get("paths", {}).items():
        own = merged["paths"].get(path, {})
        twice = [method for method in item if method in own]
        if twice:
            raise ValueError(f"{twice[0].upper()} {path} is served by a resource and by a route of the application")
        merged["paths"][path] = {**own, **_pointing(item, renamed)}
    merged["components"] = sections
    known = {tag["name"] for tag in document.get("tags", ())}
    merged["tags"] = [
        *document.get("tags", ()),
        *(t for t in fastapi_document.get("tags", ()) if t["name"] not in known),
    ]
    for name in ("security", "servers", "webhooks", "externalDocs"):
        if name in fastapi_document:
            merged.setdefault(name, fastapi_document[name])
    info = {**document.get("info", {}), **fastapi_document.get("info", {})}
    return {**merged, "info": info}


def _fresh(name: str, taken: set[str]) -> str:
    number = 2
    while f"{name}_{number}" in taken:
        number += 1
    return f"{name}_{number}"


def _pointing(value: Any, renamed: Mapping[str, str]) -> Any:
    """The same value, its references following what was renamed."""
    if is_object(value):
        return {
            name: renamed.get(part, part) if name == "$ref" and isinstance(part, str) else _pointing(part, renamed)
            for name, part in value.items()
        }
    if is_array(value):
        return [_pointing(part, renamed) for part in value]
    return value
