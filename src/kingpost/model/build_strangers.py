"""Names in class bodies that look like declarations and are none: refused, because they would be without effect."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final, cast

from kingpost.model.declaration import annotations_of
from kingpost.model.declare import Constraint, FieldSpec
from kingpost.model.draft import Draft, Drafts
from kingpost.model.resource import Resource

UNIQUE: Final = 'once_each = unique("author", "title")'
INDEX: Final = 'newest = index("-published_at")'
KEYWORDS: Final = 'class keywords, as in class {name}(Resource, table="..."), and ' + UNIQUE
OTHERS: Final = {
    "Meta": KEYWORDS, "Config": KEYWORDS, "model_config": KEYWORDS, "class_config": KEYWORDS, "__table_args__": UNIQUE,
    "__tablename__": 'class {name}(Resource, table="...")', "unique_together": UNIQUE, "index_together": INDEX,
    "ordering": 'the order in the query: {name}.all().sort("-published_at")', "validators": "@validate on a method",
    "permissions": '@allow("read") on a method', "permission_classes": '@allow("read") on a method',
}  # fmt: skip
"""Words of other frameworks, and what says the same here. Whoever wants a field of that name annotates it."""
LISTS: Final = {"constraints": UNIQUE, "uniques": UNIQUE, "indexes": INDEX, "indices": INDEX}
"""Names of lists whose elements are surely meant as constraints."""


def strangers(drafts: Drafts) -> None:
    """Refuse fields without annotation, words of other frameworks, and constraints that are none."""
    for draft in drafts.by_name.values():
        for owner in draft.cls.__mro__:
            if owner not in (object, Resource):
                for name, value in _bare(owner):
                    _judge(drafts, draft, f"{owner.__name__}.{name}", name, value)


def _bare(owner: type) -> Iterator[tuple[str, Any]]:
    known = annotations_of(owner)
    return ((name, value) for name, value in vars(owner).items() if name not in known)


def _judge(drafts: Drafts, draft: Draft, what: str, name: str, value: Any) -> None:
    if isinstance(value, FieldSpec):
        drafts.refuse("KM216", f"{what} = field(...) has no annotation", f"{name}: str = field(...)", draft, name)
    elif name in OTHERS and (isinstance(value, (type, str, list, tuple, dict, set)) or name.startswith("__")):
        message = f"{what} is a word of another framework, and says nothing here"
        drafts.refuse("KM111", message, OTHERS[name].format(name=draft.name), draft, name)
    elif isinstance(value, (list, tuple)):
        given = cast("list[object]", value)
        others = [each for each in given if not isinstance(each, Constraint)]
        if others and (name in LISTS or len(others) < len(given)):
            message = f"{what} holds {others[0]!r}, which is no unique(...) and no index(...)"
            drafts.refuse("KM111", message, LISTS.get(name, UNIQUE), draft, name)
