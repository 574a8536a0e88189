"""What the language has to know of a model, while it is made and after."""

from __future__ import annotations

import inspect
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from kingpost.language.read_source import read_source
from kingpost.language.schema import Attribute, Derived, Scalar, ToMany, ToOne
from kingpost.language.source import Source
from kingpost.model.model import Model, ResourceModel
from kingpost.model.resource import Resource
from kingpost.model.state import key_of


@dataclass(frozen=True, slots=True)
class ModelSchema:
    """Answers `kingpost.language.schema.Schema` from resources and the sources of their computed fields."""

    resources: Mapping[str, ResourceModel]
    sources: Mapping[tuple[str, str], Derived]

    @classmethod
    def of(cls, model: Model) -> ModelSchema:
        """The schema of a model."""
        return cls(model.resources, model.sources)

    def attribute(self, resource: str, name: str) -> Attribute | None:
        """What `name` is on a row. Hidden fields are none; a reference that may dangle may be None."""
        of = self.resources[resource]
        field = of.fields.get(name)
        if field is not None:
            return None if name.startswith("_") else Scalar(field.type)
        relation = of.relations.get(name)
        if relation is not None:
            if relation.kind == "one":
                return ToOne(relation.target, relation.nullable or not relation.constrained)
            return ToMany(relation.target)
        return self.sources.get((resource, name))

    def attributes(self, resource: str) -> Iterable[str]:
        """All names there are."""
        of = self.resources[resource]
        derived = (name for owner, name in self.sources if owner == resource)
        return [name for name in dict.fromkeys((*of.fields, *of.relations, *derived)) if not name.startswith("_")]

    def key(self, resource: str) -> tuple[str, ...]:
        """The members of the key."""
        return self.resources[resource].key

    def rule(self, resource: str, name: str) -> Source | None:
        """The source of a rule or plain method of the class; None for what can't be put in place of its name."""
        cls = self.resources[resource].cls
        if cls is None or hasattr(Resource, name):
            return None
        function = inspect.getattr_static(cls, name, None)
        if not inspect.isfunction(function) or inspect.iscoroutinefunction(function):
            return None
        return read_source(function, name=name)

    def reference(self, value: object) -> tuple[str, object] | None:
        """The resource and key of an instance; the key is a scalar where it has one column."""
        if not isinstance(value, Resource):
            return None
        key = key_of(value)
        return type(value).__name__, key[0] if len(key) == 1 else key
