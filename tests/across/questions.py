"""Questions about the newspaper, written by chance as requests: filters, orders, includes, summaries, pages, actors."""

from __future__ import annotations

from dataclasses import dataclass
from random import Random
from urllib.parse import quote

ACTORS = (None, 1, 2, 5)

VALUES = {
    "int": ("0", "1", "2", "3", "-1"),
    "str": ("Ada", "ada", "Bob", "", "a", "Land at", "Zoë"),
    "bool": ("true", "false"),
    "Decimal": ("0.50", "2.00", "25.25"),
    "float": ("0.5", "1.25"),
    "date": ("1970-01-01", "1978-03-20"),
    "datetime": ("2026-05-01T12:00:00Z", "2026-05-01T10:00:00Z"),
    "code": ("AT", "XX"),
    "status": ("public", "draft"),
    "key": ("1", "3", "99"),
}
FIELDS = {
    "Country": {"code": "code", "name": "str", "people": "int"},
    "Author": {"id": "key", "name": "str", "born": "date", "chief": "bool", "salary": "Decimal", "public": "int"},
    "Article": {
        "id": "key", "title": "str", "status": "status", "stars": "int", "price": "Decimal", "at": "datetime",
        "popularity": "int", "minutes": "int", "loud": "bool", "longest": "int",
    },
    "Comment": {"id": "key", "text": "str", "loud": "bool", "hidden": "bool", "score": "int"},
    "Tag": {"id": "key", "name": "str", "weight": "float"},
}  # fmt: skip
ONE = {
    "Country": {},
    "Author": {"country": "Country"},
    "Article": {"author": "Author", "editor": "Author"},
    "Comment": {"article": "Article", "author": "Author"},
    "Tag": {},
}
MANY = {
    "Country": {"authors": "Author"},
    "Author": {"articles": "Article", "edited": "Article"},
    "Article": {"comments": "Comment", "tags": "Tag"},
    "Comment": {},
    "Tag": {"articles": "Article", "fans": "Author"},
}
PATHS = {"Country": "countries", "Author": "authors", "Article": "articles", "Comment": "comments", "Tag": "tags"}
KEYS = {"Country": ("AT", "DE", "ZZ"), **dict.fromkeys(("Author", "Article", "Comment", "Tag"), ("1", "2", "7", "99"))}
_ORDERED = {"int", "Decimal", "float", "date", "datetime"}


@dataclass(frozen=True)
class Question:
    """A request: an address with its query, and who asks."""

    path: str
    actor: int | None
    pages: bool = False
    """Whether the answer has further pages."""


def question(number: int) -> Question:
    """One question; the same for the same number."""
    return _Writer(Random(number)).question()


class _Writer:
    def __init__(self, chance: Random) -> None:
        self._chance = chance

    def question(self) -> Question:
        chance = self._chance
        actor = chance.choice(ACTORS)
        resource = chance.choice(("Article", "Article", "Article", "Author", "Comment", "Tag", "Country"))
        match chance.randrange(8):
            case 0:
                path = f"/api/{PATHS[resource]}/{chance.choice(KEYS[resource])}"
                return Question(_with(path, self._shown(resource)), actor)
            case 1 if MANY[resource]:
                relation = chance.choice(list(MANY[resource]))
                path = f"/api/{PATHS[resource]}/{chance.choice(KEYS[resource])}/{relation}"
                return Question(_with(path, self._listed(MANY[resource][relation])), actor, pages=True)
            case 2:
                return Question(_with(f"/api/{PATHS[resource]}", self._summed(resource)), actor)
            case _:
                return Question(_with(f"/api/{PATHS[resource]}", self._listed(resource)), actor, pages=True)

    # Parameters

    def _listed(self, resource: str) -> dict[str, str]:
        chance = self._chance
        found = {**self._filters(resource), **self._shown(resource)}
        if chance.random() < 0.7:
            found["sort"] = ",".join(
                dict.fromkeys(chance.choice(("", "-")) + self._path(resource)[0] for _ in range(chance.randint(1, 3)))
            )
        if chance.random() < 0.6:
            found["limit"] = str(chance.choice((1, 2, 3, 7)))
        if chance.random() < 0.2:
            found["count"] = "exact"
        if chance.random() < 0.1 and "limit" in found:
            found["offset"] = str(chance.randrange(5))
        return found

    def _shown(self, resource: str) -> dict[str, str]:
        chance = self._chance
        found: dict[str, str] = {}
        if chance.random() < 0.4 and (paths := self._relations(resource)):
            found["include"] = ",".join(chance.sample(paths, min(len(paths), chance.randint(1, 2))))
        if chance.random() < 0.3:
            found["fields"] = ",".join({self._path(resource)[0] for _ in range(chance.randint(1, 4))})
            found.pop("include", None)
        return found

    def _relations(self, resource: str) -> list[str]:
        near = {**ONE[resource], **MANY[resource]}
        return [*near, *(f"{name}.{far}" for name, target in near.items() for far in (*ONE[target], *MANY[target]))]

    def _filters(self, resource: str) -> dict[str, str]:
        chance = self._chance
        found: dict[str, str] = {}
        for _ in range(chance.choice((0, 0, 1, 1, 2))):
            path, kind = self._path(resource)
            operator = chance.choice(("", "", "[ne]", "[in]"))
            if kind in _ORDERED and chance.random() < 0.5:
                operator = chance.choice(("[lt]", "[le]", "[gt]", "[ge]"))
            elif kind == "str" and chance.random() < 0.4:
                operator = chance.choice(("[startswith]", "[contains]"))
            value = chance.choice(VALUES[kind])
            if operator == "[in]":
                value = ",".join(chance.sample(VALUES[kind], 2))
            if chance.random() < 0.1:
                operator, value = "[none]", chance.choice(("true", "false"))
            found[path + operator] = value
        if chance.random() < 0.5:
            found["where"] = self._condition(resource, 2)
        return found

    def _summed(self, resource: str) -> dict[str, str]:
        chance = self._chance
        found = self._filters(resource)
        if chance.random() < 0.7:
            found["group"] = ",".join({self._path(resource)[0] for _ in range(chance.randint(1, 2))})
        found["count"] = "*"
        for kind in chance.sample(("sum", "min", "max", "avg"), chance.randrange(3)):
            path, type = self._path(resource)
            if type in ("int", "Decimal") or (kind in ("min", "max") and type in _ORDERED):
                found[kind] = path
        return found

    # Expressions

    def _path(self, resource: str) -> tuple[str, str]:
        """A value of the row, or of one that relations lead to."""
        chance, steps = self._chance, list[str]()
        while ONE[resource] and len(steps) < 3 and chance.random() < 0.45:
            steps.append(chance.choice(list(ONE[resource])))
            resource = ONE[resource][steps[-1]]
        name, kind = chance.choice(list(FIELDS[resource].items()))
        return ".".join([*steps, name]), kind

    def _condition(self, resource: str, depth: int, row: str = "") -> str:
        chance = self._chance
        if depth and chance.random() < 0.5:
            left, right = (self._condition(resource, depth - 1, row) for _ in range(2))
            return chance.choice((f"({left}) and ({right})", f"({left}) or ({right})", f"not ({left})"))
        relations = MANY[resource]
        if relations and not row and chance.random() < 0.4:
            relation, target = chance.choice(list(relations.items()))
            inner = self._condition(target, 0, "x.")
            return chance.choice(
                (
                    f"any({inner} for x in {relation})",
                    f"all({inner} for x in {relation})",
                    f"len({relation}) > {chance.randrange(3)}",
                    f"len({relation}) == {chance.randrange(3)}",
                    f"sum(1 for x in {relation} if {inner}) < 2",
                )
            )
        path, kind = self._path(resource)
        value = chance.choice(VALUES[kind])
        if kind in ("int", "float", "key"):
            return f"{row}{path} {chance.choice(('==', '!=', '<', '>='))} {value}"
        if kind == "bool":
            return f"{row}{path}"
        if kind in ("str", "code", "status"):
            return chance.choice((f"{row}{path} == {value!r}", f"{row}{path} != {value!r}", f"{row}{path} < {value!r}"))
        return f"{row}{path} is {chance.choice(('', 'not '))}None"


def _with(path: str, parameters: dict[str, str]) -> str:
    query = "&".join(f"{quote(name, safe='[].')}={quote(value, safe=',')}" for name, value in parameters.items())
    return f"{path}?{query}" if query else path
