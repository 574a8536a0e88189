"""The domain that the language is tested on: what it declares, its rows, and the same rows as plain Python objects.

    Person      nearly every kind of field, most of them twice: never None, and perhaps None
      office    Address, embedded; `address` perhaps None
      boss      Person | None
      city      City | None
      home      City
      visits    list[Visit], the other side of Visit.person
    City        name, size: int | None, mayor: Person | None
    Visit       person, city: City | None, n: int, rating: int | None, note: str | None, at: datetime, done: bool,
                fee: Decimal, gain: float | None, day: date, spent: timedelta

Rows are dicts; a to-one relation is held as the key of its target under the relation's own name.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from enum import Enum
from itertools import cycle, islice
from typing import Any, TypeAlias
from uuid import UUID

from kingpost.language.schema import Attribute, Derived, Scalar, ToMany, ToOne
from kingpost.language.source import Source
from kingpost.language.types import BOOL, DATETIME, DURATION, FLOAT, INT, TEXT, Kind, Type

Data: TypeAlias = Mapping[str, list[dict[str, Any]]]
"""Rows by resource."""


class Status(Enum):
    DRAFT = "draft"
    LIVE = "live"


DECIMAL = Type(Kind.DECIMAL, digits=12, places=2)
ROLE = Type(Kind.TEXT, choices=("reader", "author", "editor"))
STATUS = Type(Kind.ENUM, choices=("draft", "live"), name="Status")
_ROOM = Type(Kind.EMBEDDED, name="Room", members=(("number", INT),))
ADDRESS = Type(
    Kind.EMBEDDED,
    name="Address",
    members=(("street", TEXT), ("floor", INT.maybe()), ("area", FLOAT), ("open", BOOL), ("room", _ROOM.maybe())),
)
DATE = Type(Kind.DATE)

RESOURCES: dict[str, dict[str, Attribute]] = {
    "Person": {
        "id": Scalar(INT),
        "score": Scalar(INT),
        "age": Scalar(INT.maybe()),
        "name": Scalar(TEXT),
        "nick": Scalar(TEXT.maybe()),
        "active": Scalar(BOOL),
        "vip": Scalar(BOOL.maybe()),
        "joined": Scalar(DATETIME),
        "left": Scalar(DATETIME.maybe()),
        "balance": Scalar(DECIMAL),
        "credit": Scalar(DECIMAL.maybe()),
        "ratio": Scalar(FLOAT),
        "weight": Scalar(FLOAT.maybe()),
        "role": Scalar(ROLE),
        "mood": Scalar(Type(Kind.TEXT, nullable=True, choices=("calm", "", "wild"))),
        "level": Scalar(Type(Kind.INT, choices=(1, 2, 0, -1, 7, -3))),
        "uuid": Scalar(Type(Kind.UUID)),
        "status": Scalar(STATUS),
        "born": Scalar(DATE.maybe()),
        "address": Scalar(ADDRESS.maybe()),
        "office": Scalar(ADDRESS),
        "photo": Scalar(Type(Kind.BYTES)),
        "shift": Scalar(DURATION),
        "rest": Scalar(DURATION.maybe()),
        "boss": ToOne("Person", nullable=True),
        "city": ToOne("City", nullable=True),
        "home": ToOne("City", nullable=False),
        "visits": ToMany("Visit"),
    },
    "City": {
        "id": Scalar(INT),
        "name": Scalar(TEXT),
        "size": Scalar(INT.maybe()),
        "mayor": ToOne("Person", nullable=True),
    },
    "Visit": {
        "id": Scalar(INT),
        "person": ToOne("Person", nullable=False),
        "city": ToOne("City", nullable=True),
        "n": Scalar(INT),
        "rating": Scalar(INT.maybe()),
        "note": Scalar(TEXT.maybe()),
        "at": Scalar(DATETIME),
        "done": Scalar(BOOL),
        "fee": Scalar(DECIMAL),
        "gain": Scalar(FLOAT.maybe()),
        "day": Scalar(DATE),
        "spent": Scalar(DURATION),
    },
}
"""What stores hold: every store of the oracle has these."""

INVERSE = {("Person", "visits"): ("Visit", "person")}

EXTRA: dict[str, dict[str, Attribute]] = {
    "Person": {
        "data": Scalar(Type(Kind.JSON, nullable=True)),
        "tags": Scalar(Type(Kind.LIST, element=TEXT)),
    },
}
"""Kinds that the tests of `lower` need and the oracle does not."""


@dataclass(frozen=True)
class Domain:
    """A schema over dictionaries."""

    resources: Mapping[str, Mapping[str, Attribute]]
    rules: Mapping[tuple[str, str], Source] = field(default_factory=dict)

    def attribute(self, resource: str, name: str) -> Attribute | None:
        return self.resources[resource].get(name)

    def attributes(self, resource: str) -> Iterable[str]:
        return self.resources[resource]

    def key(self, resource: str) -> tuple[str, ...]:
        return ("id",)

    def rule(self, resource: str, name: str) -> Source | None:
        return self.rules.get((resource, name))

    def reference(self, value: object) -> tuple[str, object] | None:
        return (type(value).__name__, value.id) if isinstance(value, Row) else None

    def deriving(self, resource: str, **computed: Derived) -> Domain:
        """The same domain with computed fields on `resource`."""
        return Domain({**self.resources, resource: {**self.resources[resource], **computed}}, self.rules)


SCHEMA = Domain(RESOURCES)
EVERYTHING = Domain({name: {**own, **EXTRA.get(name, {})} for name, own in RESOURCES.items()})

# ------------------------------------------------------------------------------------------------------- nasty values

NOW = datetime(2026, 3, 29, 1, 0, tzinfo=UTC)

INTS = [0, 1, -1, 2, 3, 5, -7, 18, 2**31 - 1, 2**31, -(2**31), 2**53, 2**53 + 1, 2**62, -(2**62), 2**63 - 1, -(2**63)]
TEXTS = [
    "", "a", "A", "b", "ab", "aB", "abc", " a ", "Ada", "ada", "é", "e\u0301", "ß", "SS", "ss", "İ", "ı", "i̇", "ΑΣ",
    "ας", "ασ", "ﬀ", "𝒳y", "\U0001f469\u200d\U0001f680", "%_\\'", '"', "a%", "a_b", "\u00a0x\u3000", "\tx\n", "\x1f",
    "10", "9", "1", "\ud7ff", "\ue000", "a\U0010ffff", "z" * 40,
]  # fmt: skip
FLOATS = [0.0, 1.0, -1.0, 0.5, 2.5, 3.5, -2.5, 0.1, 0.30000000000000004, 5e-324, 1e300, -1e300, 2.0**53, 1e16, 1.5]
DECIMALS = [Decimal(t) for t in ("0.00", "0.01", "-0.01", "1.00", "1.50", "2.50", "-2.50", "10.00", "9999999999.99")]
INSTANTS = [
    NOW,
    NOW - timedelta(microseconds=1),
    NOW + timedelta(hours=1),
    datetime(2026, 3, 28, 1, 0, tzinfo=UTC),
    datetime(2026, 10, 25, 0, 30, tzinfo=UTC),
    datetime(2026, 10, 25, 1, 30, tzinfo=UTC),
    datetime(1, 1, 1, tzinfo=UTC),
    datetime(9999, 12, 31, 23, 59, 59, 999999, tzinfo=UTC),
    datetime(1969, 12, 31, 23, 59, 59, 999999, tzinfo=UTC),
    datetime(1970, 1, 1, tzinfo=UTC),
    datetime(2000, 2, 29, 12, tzinfo=UTC),
]
BOOLS = [True, False]
DAYS = [date(2026, 3, 29), date(1, 1, 1), date(9999, 12, 31), date(1969, 12, 31), date(2024, 2, 29)]
DURATIONS = [
    timedelta(0), timedelta(days=1), timedelta(hours=-1), timedelta(microseconds=1), timedelta(microseconds=-1),
    timedelta(days=400, hours=3), timedelta(days=-800_000), timedelta(days=3_650_000),
]  # fmt: skip
KEYS = [UUID(int=0), UUID("0190f5b5-7b1e-7e9f-8c3b-0123456789ab"), UUID(int=2**128 - 1)]
ADDRESSES = [
    {"street": street, "floor": floor, "area": area, "open": bool(place % 2), "room": room}
    for place, (street, floor, area, room) in enumerate([
        ("Main", None, 0.1, {"number": 3}), ("", 2**63 - 1, 1.0, None), ("%_\\'\"", 0, 1e300, {"number": 0}),
        ("é\U00010ffff", -1, 0.30000000000000004, {"number": -(2**63)}), ("Ada", 18, 5e-324, None),
        ("a", 3, -2.5, {"number": 2**53 + 1}), ("null", 1, 123456.789, {"number": 1}),
    ])
]  # fmt: skip

VALUES: dict[Kind, list[Any]] = {
    Kind.INT: INTS,
    Kind.TEXT: TEXTS,
    Kind.FLOAT: FLOATS,
    Kind.DECIMAL: DECIMALS,
    Kind.DATETIME: INSTANTS,
    Kind.BOOL: BOOLS,
    Kind.DATE: DAYS,
    Kind.DURATION: DURATIONS,
    Kind.UUID: KEYS,
    Kind.BYTES: [b"", b"\x00\xff", b"ab"],
    Kind.EMBEDDED: ADDRESSES,
}


def values(kind: Type) -> list[Any]:
    """Every nasty value that a field of the type may hold."""
    found: list[Any] = list(kind.choices) or VALUES[kind.kind]
    return [*found, None] if kind.nullable else found


def _nasty(people: int = 160, cities: int = 12) -> Data:
    # Strides prime to the lengths of the lists walk through combinations instead of pairing equal places.
    data: dict[str, list[dict[str, Any]]] = {"City": [], "Person": [], "Visit": []}

    def fill(resource: str, number: int) -> dict[str, Any]:
        row: dict[str, Any] = {}
        for place, (name, attribute) in enumerate(RESOURCES[resource].items(), start=1):
            if isinstance(attribute, Scalar) and name != "id":
                among = values(attribute.type)
                row[name] = among[(number * (2 * place + 1) + number // len(among) + place) % len(among)]
        return row

    for key in range(1, cities + 1):
        mayor = None if key % 3 == 0 else key * 7 % people + 1
        data["City"].append({"id": key, **fill("City", key), "mayor": mayor})
    visit = 0
    for key, children in islice(zip(range(1, people + 1), cycle((0, 1, 2, 3, 0, 2))), people):
        boss = None if key % 4 == 0 else (key if key % 11 == 0 else (key * 13) % people + 1)
        city = None if key % 3 == 0 else key % cities + 1
        home = key * 5 % cities + 1
        data["Person"].append({"id": key, **fill("Person", key), "boss": boss, "city": city, "home": home})
        for _ in range(children):
            visit += 1
            where = None if visit % 4 == 0 else visit % cities + 1
            data["Visit"].append({"id": visit, **fill("Visit", visit), "person": key, "city": where})
    return data


NASTY = _nasty()
"""160 people, 12 cities and their visits, the same on every run: load them into a store once, then ask much."""

# ---------------------------------------------------------------------------------------------- plain Python objects


class Row:
    """A row as CPython sees it; equal by class and key."""

    id: Any

    def __init__(self, fields: Mapping[str, Any]) -> None:
        self.__dict__.update(fields)

    def __getattr__(self, name: str) -> Any:
        raise AttributeError(f"{type(self).__name__} has no {name}")

    def __eq__(self, other: object) -> bool:
        return type(self) is type(other) and self.id == other.id

    def __hash__(self) -> int:
        return hash(self.id)

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.id})"


class Member(Row):
    """An embedded value."""

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Member) and self.__dict__ == other.__dict__

    __hash__ = None  # type: ignore[assignment]


class Person(Row):
    """The class of people."""


class City(Row):
    """The class of cities."""


class Visit(Row):
    """The class of visits."""


class Number(float):
    """A float that raises where it would compute NaN: what is no number is unknown, whatever CPython makes of it."""


def _numbers(name: str) -> Any:
    plain = getattr(float, name)

    def compute(self: float, *others: Any) -> Any:
        found = plain(self, *others)
        if isinstance(found, float) and found != found:
            raise OverflowError("not a number")
        return Number(found) if isinstance(found, float) else found

    return compute


for _name in ("add", "sub", "mul", "truediv", "floordiv", "mod"):
    setattr(Number, f"__{_name}__", _numbers(f"__{_name}__"))
    setattr(Number, f"__r{_name}__", _numbers(f"__r{_name}__"))
for _name in ("__neg__", "__abs__"):
    setattr(Number, _name, _numbers(_name))


def as_python(value: Any, type: Type) -> Any:
    """What CPython has for a value of a row: Enum members, embedded values as objects, floats that are never NaN."""
    if type.kind is Kind.FLOAT:
        return None if value is None else Number(value)
    if type.kind is Kind.ENUM:
        return None if value is None else Status(value)
    if type.kind is Kind.EMBEDDED:
        return None if value is None else Member({name: as_python(value[name], of) for name, of in type.members})
    return value


_OTHERWISE = (Kind.ENUM, Kind.EMBEDDED, Kind.FLOAT)
CLASSES: dict[str, type[Row]] = {"Person": Person, "City": City, "Visit": Visit}


def objects(data: Data) -> dict[str, dict[Any, Row]]:
    """Every row as an object, by resource and key, with relations as objects; a dangling one is None."""
    found = {name: {row["id"]: CLASSES[name](row) for row in data.get(name, [])} for name in RESOURCES}
    for name, rows in found.items():
        for relation, attribute in RESOURCES[name].items():
            for row in rows.values():
                if isinstance(attribute, ToOne):
                    setattr(row, relation, found[attribute.resource].get(getattr(row, relation)))
                elif isinstance(attribute, ToMany):
                    setattr(row, relation, [])
                elif isinstance(attribute, Scalar) and attribute.type.kind in _OTHERWISE:
                    setattr(row, relation, as_python(getattr(row, relation), attribute.type))
    for (name, relation), (target, back) in INVERSE.items():
        for row in found[target].values():
            owner = getattr(row, back)
            if owner is not None:
                getattr(found[name][owner.id], relation).append(row)
    return found


@dataclass(frozen=True)
class DictWorld:
    """The memory evaluator's view of `Data`."""

    data: Data
    keys: dict[str, dict[Any, dict[str, Any]]] = field(init=False)
    owned: dict[tuple[str, str, Any], list[dict[str, Any]]] = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "keys", {name: {row["id"]: row for row in rows} for name, rows in self.data.items()})
        owned: dict[tuple[str, str, Any], list[dict[str, Any]]] = {}
        for (name, relation), (target, back) in INVERSE.items():
            for row in self.data.get(target, []):
                owned.setdefault((name, relation, row[back]), []).append(row)
        object.__setattr__(self, "owned", owned)

    def value(self, row: Any, resource: str, field: str) -> Any:
        return row[field]

    def one(self, row: Any, resource: str, relation: str) -> Any:
        attribute = RESOURCES[resource][relation]
        assert isinstance(attribute, ToOne)
        return self.keys[attribute.resource].get(row[relation])

    def reference(self, row: Any, resource: str, relation: str) -> Any:
        return row[relation]

    def many(self, row: Any, resource: str, relation: str) -> Iterable[Any]:
        return self.owned.get((resource, relation, row["id"]), [])

    def linked(self, row: Any, resource: str, relation: str) -> Iterable[tuple[Any, Any]]:
        return []  # no row leads to another by links

    def keyed(self, resource: str, key: Any) -> Any:
        return self.keys[resource].get(key)

    def key_of(self, row: Any, resource: str) -> Any:
        return row["id"]


__all__ = [
    "DATE", "DECIMAL", "EVERYTHING", "INTS", "NASTY", "NOW", "RESOURCES", "SCHEMA", "TEXTS", "UUID", "City", "Data",
    "DictWorld", "Domain", "Member", "Person", "Row", "Status", "Visit", "date", "objects", "values",
]  # fmt: skip
