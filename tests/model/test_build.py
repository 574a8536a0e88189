"""What declarations become."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from enum import Enum
from typing import Any, Literal, Self, TypedDict

import pytest
from pydantic import BaseModel

from kingpost.language.builtins import now
from kingpost.language.tree import TRUE, And, Compare, IsNone, Not, Param, walk
from kingpost.language.types import Kind
from kingpost.model.build import build
from kingpost.model.columns import columns, key_columns
from kingpost.model.declare import (
    Json,
    Markdown,
    action,
    actor,
    allow,
    anyone,
    authenticated,
    computed,
    deny,
    field,
    index,
    nobody,
    unique,
    validate,
)
from kingpost.model.model import IndexModel, UniqueModel
from kingpost.model.names import path_name, snake
from kingpost.model.resource import Resource
from kingpost.model.schema import ModelSchema


class Color(Enum):
    RED = "red"


class Point(BaseModel):
    x: int
    label: str | None = None
    inner: list[Point] = []


class Extra(TypedDict, total=False):
    note: str


class Named:
    """A plain class as a mixin."""

    name: str = field(max_length=20)


class Base(Resource, abstract=True, read=anyone, store="main"):
    created_at: datetime = field(default_factory=now)

    @deny("delete")
    def old(self) -> bool:
        return self.created_at < now()


class Organisation(Resource):
    title: str


class Person(Resource):
    organisation: Organisation
    boss: Person | None = field(default=None, on_delete="null")
    reports: list[Person] = field(inverse="boss")
    friends: list[Person] = []


class Topic(Named, Base):
    requires: list[Topic] = field(default=[], ordered=True)
    required_by: list[Topic] = field(inverse="requires")


class Course(Resource, tenant="organisation", soft_delete=True, write=authenticated, delete=nobody, path="my/courses"):
    organisation: Organisation
    title: str = field(column="name")
    body: Markdown = ""
    price: Decimal = field(default=Decimal("0"), max_digits=8, decimal_places=2)
    color: Color | None = None
    level: Literal["low", "high"] = "low"
    place: Point | None = None
    extra: Extra | None = None
    anything: Json = None
    data: dict[str, Any] = {}
    tags: list[str] = []
    teacher: Person = field(default=actor, unique=True, read="self.teacher == me")
    students: list[Person] = field(through="Enrolment")
    enrolments: list[Enrolment] = field(inverse="course", nested=True)
    visits: list[Visit] = field(inverse="course")
    once_each = unique("title", "organisation")
    cheap = [index("-price", where=lambda c: c.price < Decimal("10.00")), index("level")]

    @computed
    def total(self) -> Decimal:
        return self.price + 1

    @computed(stored=True, title="Length of the text")
    def size(self) -> int:
        return len(self.body)

    @allow("read", "enrol")
    def open_to(self, me: Person) -> bool:
        return self.teacher == me

    @action(check="both")
    async def enrol(self, who: Person, at: datetime | None = None) -> Enrolment: ...  # type: ignore[empty-body]

    @action
    @classmethod
    def tidy(cls) -> int:
        return 0

    @action
    def touch(self) -> Self:
        return self

    @validate("title")
    def fine(self) -> None: ...


class Enrolment(Resource, key=("course", "student")):
    course: Course
    student: Person
    since: datetime = field(default_factory=now)


class Visit(Resource, store="events"):
    course: Course
    id: int = field(key=True)


MODEL = build([Organisation, Person, Topic, Course, Enrolment, Visit], ["main", "events"])
COURSE = MODEL["Course"]


def test_scalars():
    kinds = {name: (field.type.kind, field.type.nullable) for name, field in COURSE.fields.items()}
    assert kinds == {
        "id": (Kind.UUID, False),
        "title": (Kind.TEXT, False),
        "body": (Kind.TEXT, False),
        "price": (Kind.DECIMAL, False),
        "color": (Kind.ENUM, True),
        "level": (Kind.TEXT, False),
        "place": (Kind.EMBEDDED, True),
        "extra": (Kind.EMBEDDED, True),
        "anything": (Kind.JSON, True),
        "data": (Kind.JSON, False),
        "tags": (Kind.LIST, False),
        "_version": (Kind.INT, False),
        "_deleted_at": (Kind.DATETIME, True),
        "size": (Kind.INT, False),
    }
    assert COURSE.fields["title"].column == "name"
    assert COURSE.fields["body"].format == "markdown"
    assert str(COURSE.fields["price"].type) == "Decimal(8, 2)"
    assert COURSE.fields["level"].type.choices == ("low", "high")
    members = dict(COURSE.fields["place"].type.members)
    assert members["label"].nullable
    assert members["inner"].kind is Kind.LIST
    assert dict(COURSE.fields["extra"].type.members)["note"].nullable


def test_keys_and_columns():
    assert [column.name for column in key_columns(MODEL, MODEL["Enrolment"])] == ["course_id", "student_id"]
    assert [column.name for column in columns(MODEL, MODEL["Person"])] == [
        "id",
        "_version",
        "organisation_id",
        "boss_id",
    ]
    assert MODEL["Visit"].fields["id"].type.kind is Kind.INT
    assert MODEL["Visit"].fields["id"].access.writable == "once"
    assert COURSE.fields["id"].access.writable == "never"


def test_relations():
    person, topic = MODEL["Person"], MODEL["Topic"]
    assert person.relations["boss"].nullable
    assert person.relations["reports"].inverse == "boss"
    friends = person.relations["friends"]
    assert (friends.kind, friends.near, friends.far) == ("linked", "person", "other_person")
    link = MODEL["Person.friends"]
    assert link.internal
    assert link.table == "person_friends"
    assert link.version is None
    ordered, back = topic.relations["requires"], topic.relations["required_by"]
    assert ordered.position == "position"
    assert MODEL["Topic.requires"].fields["position"].type.kind is Kind.INT
    assert (back.link, back.near, back.far) == (ordered.link, ordered.far, ordered.near)
    students = COURSE.relations["students"]
    assert (students.through, students.link, students.near, students.far) == (True, "Enrolment", "course", "student")
    assert COURSE.relations["enrolments"].nested
    assert COURSE.relations["teacher"].default is not None
    assert COURSE.relations["teacher"].default.kind == "actor"


def test_a_relation_across_stores_is_not_constrained_and_may_dangle():
    relation = MODEL["Visit"].relations["course"]
    assert not relation.constrained
    assert not relation.nullable
    attribute: Any = ModelSchema.of(MODEL).attribute("Visit", "course")
    assert attribute.nullable


def test_mixins_lend_fields_rules_and_keywords():
    topic = MODEL["Topic"]
    assert list(topic.fields) == ["id", "created_at", "name", "_version"]
    assert topic.fields["name"].constraints.max_length == 20
    assert {rule.name: rule.effect for rule in topic.rules} == {"read": "allow", "old": "deny"}
    assert topic.rules[0].expression == TRUE


def test_rules():
    rules = {rule.name: rule for rule in COURSE.rules}
    assert rules["write"].verbs == {"create", "update", "delete"}
    assert isinstance(rules["write"].expression, Not)
    assert "delete" not in rules  # nobody grants nothing
    mine = rules["open_to"]
    assert mine.verbs == {"read", "enrol"}
    assert isinstance(mine.expression, And)
    first, second = mine.expression.operands
    assert isinstance(first, Not)
    assert isinstance(first.operand, IsNone)
    assert isinstance(second, Compare)
    assert all(node.type.nullable for node in walk(mine.expression) if isinstance(node, Param))
    assert MODEL.actor == "Person"


def test_access_tenant_and_soft_delete():
    assert COURSE.relations["teacher"].access.read is not None
    assert COURSE.relations["teacher"].unique
    assert isinstance(COURSE.tenant, And)
    assert COURSE.deleted == "_deleted_at"
    assert not COURSE.fields["_version"].access.readable
    assert COURSE.path == "my/courses"


def test_computed_fields():
    assert COURSE.computed["total"].type.places == 2
    assert COURSE.computed["size"].stored
    assert COURSE.fields["size"].stored_computed
    assert COURSE.computed["size"].title == "Length of the text"
    assert COURSE.names.count("size") == 1
    assert set(MODEL.sources) == {("Course", "total"), ("Course", "size")}


def test_constraints_actions_and_validators():
    assert COURSE.uniques == (UniqueModel(("title", "organisation")),)
    cheap, level = COURSE.indexes
    assert cheap.members == ("-price",)
    assert isinstance(cheap.where, Compare)
    assert level == IndexModel(("level",))
    enrol, tidy = COURSE.actions["enrol"], COURSE.actions["tidy"]
    assert (enrol.on, enrol.check, enrol.returns) == ("row", "both", Enrolment)
    assert [(each.name, each.required) for each in enrol.parameters] == [("who", True), ("at", False)]
    assert tidy.on == "collection"
    assert COURSE.actions["touch"].returns is Course
    assert tidy.function() == 0
    assert COURSE.validators[0].fields == ("title",)


def test_classes_inside_a_function_find_each_other():
    class Shade(Enum):
        DARK = "dark"

    class Parent(Resource):
        shade: Shade = Shade.DARK
        children: list[Child] = field(inverse="parent")

    class Child(Resource):
        parent: Parent

    model = build([Parent, Child])
    assert model["Parent"].fields["shade"].type.name == "Shade"
    assert model["Child"].relations["parent"].target == "Parent"


def test_a_class_may_be_part_of_two_apps():
    class Thing(Resource):
        name: str

    first, second = build([Thing]), build([Thing])
    assert first["Thing"].fields == second["Thing"].fields


@pytest.mark.parametrize(
    ("name", "path"),
    [
        ("Article", "articles"),
        ("Category", "categories"),
        ("Day", "days"),
        ("Box", "boxes"),
        ("Person", "people"),
        ("OrderLine", "order-lines"),
        ("HTTPServer", "http-servers"),
        ("News", "news"),
        ("CareerPath", "career-paths"),
    ],
)
def test_paths_are_plural(name, path):
    assert path_name(name) == path


def test_snake_case():
    assert snake("HTTPServerError") == "http_server_error"
    assert snake("already_snake") == "already_snake"
