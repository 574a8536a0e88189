"""Every refusal has a declaration that earns it, and all that is wrong is reported at once."""

from __future__ import annotations

import inspect
from datetime import datetime
from decimal import Decimal
from functools import cached_property
from pathlib import Path
from typing import Any, Self

import pytest
from pydantic import BaseModel

from kingpost.base.problems import DeclarationError
from kingpost.language.builtins import now
from kingpost.model.build import build
from kingpost.model.declare import (
    action,
    actor,
    allow,
    anyone,
    authenticated,
    computed,
    deny,
    field,
    generated,
    index,
    unique,
    validate,
)
from kingpost.model.refusals import REFUSALS
from kingpost.model.resource import Resource

CASES: dict[str, Any] = {}


def case(code: str, *more: str, **options: Any):
    """A function that answers the classes of a declaration wrong in one way."""

    def keep(function: Any) -> Any:
        CASES[f"{code} {function.__name__}"] = (function, [code, *more], options)
        return function

    return keep


class Point(BaseModel):
    x: int


class User(Resource):
    name: str


class Topic(Resource):
    name: str


def one(**body: Any) -> list[type]:
    """One resource with this body: annotations by name, or (annotation, value)."""
    annotations = {name: given[0] if isinstance(given, tuple) else given for name, given in body.items()}
    values = {name: given[1] for name, given in body.items() if isinstance(given, tuple)}
    return [type("Thing", (Resource,), {"__annotations__": annotations, "__module__": __name__, **values})]


@case("KM101")
def something_else():
    return [Point]


@case("KM101")
def an_abstract_class():
    class Base(Resource, abstract=True):
        name: str

    return [Base]


@case("KM102")
def one_name_twice():
    class Topic(Resource):
        name: str

    return [Topic, globals()["Topic"]]


@case("KM103")
def heir_of_rows():
    class Admin(User):
        level: int

    return [Admin]


@case("KM104")
def misspelt_keyword():
    class Thing(Resource, tabel="things"):
        name: str

    return [Thing]


@case("KM105")
def keyword_of_the_wrong_kind():
    class Thing(Resource, soft_delete="yes"):
        name: str

    return [Thing]


@case("KM105")
def rule_of_the_wrong_kind():
    class Thing(Resource, read=True):
        name: str

    return [Thing]


@case("KM106")
def unknown_store():
    class Thing(Resource, store="mian"):
        name: str

    return [Thing]


@case("KM107")
def one_path_twice():
    class Thing(Resource, path="topics"):
        name: str

    return [Thing, Topic]


@case("KM108")
def one_table_twice():
    class Thing(Resource, table="topic"):
        name: str

    return [Thing, Topic]


@case("KM109")
def one_column_twice():
    return one(topic=(str, field(column="title")), title=str)


@case("KM201")
def unknown_name():
    return one(topic="Tpoic")


@case("KM202")
def unknown_type():
    return one(numbers=set[int])


@case("KM203")
def name_of_a_method():
    return one(where=str)


@case("KM204")
def underscore():
    return one(_name=str)


@case("KM205")
def length_of_a_number():
    return one(hours=(int, field(max_length=3)))


@case("KM205")
def inverse_of_a_scalar():
    return one(hours=(int, field(inverse="thing")))


@case("KM205")
def order_of_one():
    return [*one(topic=(Topic, field(ordered=True))), Topic]


@case("KM206")
def misspelt_option():
    return one(name=(str, field(max_lenght=3)))  # type: ignore[call-overload]


@case("KM207")
def readonly_and_writeonly():
    return one(name=(str, field(readonly=True, writeonly=True)))


@case("KM208")
def shared_list():
    return one(tags=(list[str], ["a"]))


@case("KM208")
def shared_model():
    return one(point=(Point, Point(x=1)))


@case("KM209")
def default_of_another_type():
    return one(hours=(int, "many"))


@case("KM209")
def default_out_of_bounds():
    return one(hours=(int, field(default=-1, ge=0)))


@case("KM209")
def empty_list_where_one_element_is_asked():
    return one(tags=(list[str], field(default=[], min_length=1)))


@case("KM209")
def factory_of_another_type():
    return one(tags=(list[str], field(default_factory=dict)))


@case("KM210")
def decimal_of_any_size():
    return one(price=Decimal)


@case("KM211")
def broken_pattern():
    return one(code=(str, field(pattern="[")))


@case("KM212")
def bound_of_another_type():
    return one(hours=(int, field(ge="zero")))


@case("KM214")
def acknowledged_for_no_reason():
    return one(code=(str, field(acknowledged={"KC103": " "})))


@case("KM214")
def acknowledged_for_no_reason_in_a_constraint():
    class Thing(Resource):
        code: str
        once = unique("code", acknowledged=["KC101"])  # type: ignore[arg-type]

    return [Thing]


@case("KM301")
def key_of_nothing():
    class Thing(Resource, key="coed"):
        code: str

    return [Thing]


@case("KM302")
def key_that_may_be_none():
    return one(code=(str | None, field(key=True)))


@case("KM303")
def keys_of_each_other():
    class A(Resource):
        b: B = field(key=True)

    class B(Resource):
        a: A = field(key=True)

    return [A, B]


@case("KM401")
def outsider():
    return one(topic=Topic)


@case("KM402")
def missing_inverse():
    class Thing(Resource):
        topics: list[Owned] = field(inverse="thng")

    class Owned(Resource):
        thing: Thing

    return [Thing, Owned]


@case("KM403")
def inverse_to_another():
    class Thing(Resource):
        topics: list[Owned] = field(inverse="topic")

    class Owned(Resource):
        topic: Topic

    return [Thing, Owned, Topic]


@case("KM404")
def inverse_or_links():
    class Thing(Resource):
        parts: list[Part]

    class Part(Resource):
        thing: Thing

    return [Thing, Part]


@case("KM405")
def two_for_one():
    class Thing(Resource):
        parts: list[Part] = field(inverse="thing")
        pieces: list[Part] = field(inverse="thing")

    class Part(Resource):
        thing: Thing

    return [Thing, Part]


@case("KM406")
def through_nothing():
    class Thing(Resource):
        topics: list[Topic] = field(through=User)

    return [Thing, Topic, User]


@case("KM407", stores=("main", "other"))
def constraint_across():
    class Thing(Resource, store="other"):
        topic: Topic = field(constrained=True)

    return [Thing, Topic]


@case("KM213")
def generated_text():
    return one(code=(str, field(key=True, default=generated)))


@case("KM213")
def generated_beside_another_key():
    return one(number=(int, field(default=generated)))


@case("KM213")
def generated_relation():
    return [*one(topic=(Topic, field(default=generated))), Topic]


@case("KM603")
def stored_of_what_the_database_makes():
    class Thing(Resource):
        number: int = field(key=True, default=generated)

        @computed(stored=True)
        def label(self) -> int:
            return self.number + 1

    return [Thing]


@case("KM408")
def null_on_delete():
    return [*one(topic=(Topic, field(on_delete="null"))), Topic]


@case("KM409")
def actor_elsewhere():
    return [*one(topic=(Topic, field(default=actor))), Topic, User]


@case("KM501")
def misspelt_verb():
    class Thing(Resource):
        name: str

        @allow("raed")
        def rule(self) -> bool:
            return True

    return [Thing]


@case("KM502")
def actor_without_annotation():
    class Thing(Resource):
        name: str

        @allow("read")
        def rule(self, me) -> bool:
            return True

    return [Thing, User]


@case("KM502")
def actor_in_place_of_the_row():
    class Thing(Resource):
        name: str

        @allow("update")
        def rule(me: User) -> bool:
            return me.name == "a"

    return [Thing, User]


@case("KM502")
def rule_of_the_class():
    class Thing(Resource):
        name: str

        @deny("read")
        @classmethod
        def secret(cls) -> bool:
            return True

    return [Thing]


@case("KM502")
def rule_on_a_static_method():
    class Thing(Resource):
        name: str

        @deny("read")
        @staticmethod
        def secret(self) -> bool:
            return True

    return [Thing]


@case("KM502")
def rule_in_a_static_method():
    class Thing(Resource):
        name: str

        @staticmethod
        @deny("read")
        def secret(self) -> bool:
            return True

    return [Thing]


@case("KM502")
def rule_on_a_property():
    class Thing(Resource):
        name: str

        @deny("read")
        @property
        def secret(self) -> bool:
            return True

    return [Thing]


@case("KM502")
def rule_in_a_property():
    class Thing(Resource):
        name: str

        @property
        @deny("read")
        def secret(self) -> bool:
            return True

    return [Thing]


@case("KM502")
def rule_in_a_cached_property():
    class Thing(Resource):
        name: str

        @cached_property
        @deny("read")
        def secret(self) -> bool:
            return True

    return [Thing]


@case("KM502")
def rule_without_verbs_on_a_property():
    class Thing(Resource):
        name: str

        @deny  # type: ignore[arg-type]
        @property
        def secret(self) -> bool:
            return True

    return [Thing]


@case("KM502")
def inherited_rule_on_a_property():
    class Hidden:
        @deny("read")
        @property
        def secret(self) -> bool:
            return True

    class Thing(Hidden, Resource):
        name: str

    class Other(Hidden, Resource):
        name: str

    return [Thing, Other]


@case("KM502")
def rule_on_a_property_in_a_class_that_takes_no_notes():
    return [type("Other", (Resource,), {"secret": property(deny("read")(lambda self: True))})]


@case("KM110", "KM110")
def rules_of_one_name():
    class Thing(Resource):
        name: str

        @deny("read")
        def secret(self) -> bool:
            return self.name == "a"

        @deny("update")
        def secret(self) -> bool:  # type: ignore[no-redef]  # noqa: F811
            return self.name == "b"

        @allow("update")
        def secret(self) -> bool:  # type: ignore[no-redef]  # noqa: F811
            return True

    return [Thing]


@case("KM110")
def rule_lost_to_a_plain_method():
    class Thing(Resource):
        name: str

        @deny("read")
        def secret(self) -> bool:
            return self.name == "a"

        def secret(self) -> bool:  # type: ignore[no-redef]  # noqa: F811
            return False

    return [Thing]


@case("KM110")
def rule_lost_to_a_field():
    class Thing(Resource):
        name: str

        @deny("read")
        def secret(self) -> bool:
            return self.name == "a"

        secret: bool = False  # type: ignore[no-redef]  # noqa: F811

    return [Thing]


@case("KM110")
def rule_lost_in_a_wrapper():
    def watched(function):
        return lambda self: function(self)

    class Thing(Resource):
        name: str

        @watched
        @deny("read")
        def secret(self) -> bool:
            return self.name == "a"

    return [Thing]


@case("KM110")
def actions_of_one_name():
    class Thing(Resource):
        name: str

        @action
        def go(self) -> None: ...

        @action
        async def go(self, far: int) -> None: ...  # type: ignore[no-redef]  # noqa: F811

    return [Thing]


@case("KM110")
def validators_of_one_name():
    class Thing(Resource):
        name: str

        @validate
        def check(self) -> None: ...

        @validate("name")
        def check(self) -> None: ...  # type: ignore[no-redef]  # noqa: F811

    return [Thing]


@case("KM110")
def computed_fields_of_one_name():
    class Thing(Resource):
        name: str

        @computed
        def loud(self) -> bool:
            return self.name == "A"

        @computed
        def loud(self) -> str:  # type: ignore[no-redef]  # noqa: F811
            return self.name

    return [Thing]


@case("KM110")
def inherited_rules_of_one_name():
    class Base(Resource, abstract=True):
        @deny("read")
        def secret(self) -> bool:
            return True

        @deny("update")
        def secret(self) -> bool:  # type: ignore[no-redef]  # noqa: F811
            return True

    class Thing(Base):
        name: str

    return [Thing]


@case("KM503")
def nobody_to_be():
    class Thing(Resource, read=authenticated):
        name: str

    return [Thing]


@case("KM504")
def two_kinds_of_actors():
    class Thing(Resource):
        name: str

        @allow("read")
        def a(self, me: User | None) -> bool:
            return True

        @allow("update")
        def b(self, me: Topic | None) -> bool:
            return True

    return [Thing, User, Topic]


@case("KM505")
def rule_over_nothing():
    class Thing(Resource):
        name: str

        @deny()
        def rule(self) -> bool:
            return True

    return [Thing]


@case("KM505")
def rule_without_parentheses():
    class Thing(Resource):
        name: str

        @deny
        def rule(self) -> bool:
            return True

    return [Thing]


@case("KM506")
def unknown_tenant():
    class Thing(Resource, tenant="company"):
        name: str

    return [Thing, User]


@case("KM601")
def computed_of_no_type():
    class Thing(Resource):
        name: str

        @computed
        def loud(self):
            return self.name

    return [Thing]


@case("KM602")
def computed_of_parameters():
    class Thing(Resource):
        name: str

        @computed
        def loud(self, much: int) -> str:
            return self.name

    return [Thing]


@case("KM603")
def stored_and_moving():
    class Thing(Resource):
        at: datetime

        @computed(stored=True)
        def past(self) -> bool:
            return self.at < now()

    return [Thing]


@case("KM604")
def computed_on_a_property():
    class Thing(Resource):
        name: str

        @computed
        @property
        def loud(self) -> str:
            return self.name

    return [Thing]


@case("KM604")
def computed_in_a_property():
    class Thing(Resource):
        name: str

        @property
        @computed
        def loud(self) -> str:
            return self.name

    return [Thing]


@case("KM704")
def rule_on_a_computed_field():
    class Thing(Resource):
        name: str

        @deny("read")
        @computed
        def secret(self) -> bool:
            return True

    return [Thing]


@case("KM704")
def rule_in_a_computed_field():
    class Thing(Resource):
        name: str

        @computed
        @deny("read")
        def secret(self) -> bool:
            return True

    return [Thing]


@case("KM702")
def action_on_a_property():
    class Thing(Resource):
        name: str

        @action
        @property
        def go(self) -> None: ...

    return [Thing]


@case("KM804")
def validator_of_the_class():
    class Thing(Resource):
        name: str

        @validate("name")
        @classmethod
        def check(cls) -> None: ...

    return [Thing]


@case("KM701")
def input_without_annotation():
    class Thing(Resource):
        name: str

        @action
        def rename(self, name) -> None: ...

    return [Thing]


@case("KM702")
def create_of_a_row():
    class Thing(Resource):
        name: str

        @action
        def create(self) -> None: ...

    return [Thing]


@case("KM706")
def check_at_no_time():
    class Thing(Resource):
        name: str

        @action(check="bth")
        def rename(self) -> None: ...

    return [Thing]


@case("KM703")
def action_and_field():
    class Named:
        rename: str

    class Thing(Named, Resource):
        @action
        def rename(self) -> None: ...

    return [Thing]


@case("KM704")
def action_and_rule():
    class Thing(Resource):
        name: str

        @action
        @allow("read")
        def rule(self) -> bool:
            return True

    return [Thing]


def acting(annotation: Any, default: Any = inspect.Parameter.empty, **more: Any) -> list[type]:
    """An action whose `me` is annotated and defaulted like this."""

    def take(self, *, me=None, by=None) -> None: ...

    parameters = [inspect.Parameter("self", inspect.Parameter.POSITIONAL_OR_KEYWORD)]
    given = {"me": (annotation, default), **more}
    for name, (kind, value) in given.items():
        parameters.append(inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, annotation=kind, default=value))
    take.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]
    return [User, type("Thing", (Resource,), {"__annotations__": {"name": str}, "take": action(take)})]


@case("KM705", actor=User)
def actor_that_is_a_text():
    return acting(str)


@case("KM705", actor=User)
def actors_that_are_several():
    return acting(list[User])


@case("KM705", actor=User)
def unannotated_actor_of_an_action():
    return acting(inspect.Parameter.empty)


@case("KM705", actor=User)
def two_actors():
    return acting(User, by=(User, actor))


@case("KM705", actor=User)
def actor_with_another_default():
    return acting(User, 7)


@case("KM504", actor=User)
def actor_of_an_action_that_is_another_row():
    return [*acting(Topic), Topic]


@case("KM201")
def actor_that_is_not_known():
    return acting("Usr")


@case("KM704")
def rule_and_validator():
    class Thing(Resource):
        name: str

        @deny("read")
        @validate
        def rule(self) -> bool:
            return True

    return [Thing]


def replaced(**methods: Any) -> list[type]:
    return [type("Thing", (Resource,), {"__annotations__": {"name": str}, "__module__": __name__, **methods})]


@case("KM707")
def update_with_inputs():
    def update(self, loud: bool) -> None: ...

    return replaced(update=action(update))


@case("KM707")
def delete_with_inputs():
    def delete(self, why: str = "") -> None: ...

    return replaced(delete=action(delete))


@case("KM707")
def create_of_parts():
    def create(cls, name: str) -> Self: ...  # type: ignore[empty-body]

    return replaced(create=action(classmethod(create)))


@case("KM707")
def create_of_nothing():
    def create(cls) -> Self: ...  # type: ignore[empty-body]

    return replaced(create=action(classmethod(create)))


@case("KM707")
def create_with_inputs():
    def create(cls, new: Self, loud: bool = False) -> Self: ...  # type: ignore[empty-body]

    return replaced(create=action(classmethod(create)))


@case("KM707")
def create_by_keyword():
    def create(cls, *, new: Self) -> Self: ...  # type: ignore[empty-body]

    return replaced(create=action(classmethod(create)))


@case("KM707")
def create_of_another_row():
    def create(cls, new: Topic) -> Self: ...  # type: ignore[empty-body]

    return [*replaced(create=action(classmethod(create))), Topic]


@case("KM707")
def create_that_answers_nothing():
    def create(cls, new: Self) -> None: ...

    return replaced(create=action(classmethod(create)))


@case("KM701")
def action_without_self():
    class Thing(Resource):
        name: str

        @action
        def go() -> None: ...  # type: ignore[misc]

    return [Thing]


@case("KM201")
def action_that_answers_nobody_knows_what():
    class Thing(Resource):
        name: str

        @action
        def go(self) -> Tpoic: ...  # type: ignore[name-defined]  # noqa: F821

    return [Thing]


@case("KM501")
def verbs_in_a_list():
    class Thing(Resource):
        name: str

        @allow(["read", "create"])  # type: ignore[arg-type]
        def rule(self) -> bool:
            return True

    return [Thing]


@case("KM215")
def deletion_in_capitals():
    return [*one(topic=(Topic, field(on_delete="CASCADE"))), Topic]  # type: ignore[call-overload]


@case("KM215")
def flag_that_is_a_text():
    return one(name=(str, field(readonly="yes")))  # type: ignore[call-overload]


@case("KM215")
def help_that_is_no_text():
    return one(name=(str, field(help=7)))  # type: ignore[call-overload]


@case("KM215")
def precision_of_seconds():
    return one(at=(datetime, field(precision="s")))  # type: ignore[call-overload]


@case("KM216")
def field_without_annotation():
    class Thing(Resource):
        name: str
        title = field(max_length=3)

    return [Thing]


@case("KM111")
def unique_as_elsewhere():
    class Thing(Resource):
        name: str
        unique_together = (("name", "title"),)

    return [Thing]


@case("KM111")
def class_of_options():
    class Thing(Resource):
        name: str

        class Meta:
            ordering = ("name",)

    return [Thing]


@case("KM111")
def constraints_that_are_none():
    class Thing(Resource):
        name: str
        constraints = [("name", "title")]

    return [Thing]


@case("KM111")
def constraints_beside_others():
    class Thing(Resource):
        name: str
        held = [unique("name"), "title"]

    return [Thing]


@case("KM111")
def inherited_table_name():
    class Named:
        __tablename__ = "things"

    class Thing(Named, Resource):
        name: str

    return [Thing]


@case("KM804")
def validator_that_is_async():
    class Thing(Resource):
        name: str

        @validate("name")
        async def check(self) -> None: ...

    return [Thing]


@case("KM804")
def validator_that_takes_the_value():
    class Thing(Resource):
        name: str

        @validate("name")
        def check(self, value: str) -> None: ...

    return [Thing]


@case("KM105")
def marker_in_quotes():
    class Thing(Resource, read="authenticated"):
        name: str

    return [Thing, User]


@case("KM205")
def marker_in_quotes_of_a_field():
    return one(name=(str, field(read="nobody")))


@case("KM202")
def object_of_any_kind():
    return one(thing=(object, None))


@case("KM801")
def unique_nothing():
    class Thing(Resource):
        name: str
        once = unique("nmae")

    return [Thing]


@case("KM802")
def validator_of_nothing():
    class Thing(Resource):
        name: str

        @validate("nmae")
        def check(self) -> None: ...

    return [Thing]


@case("KM803")
def index_over_time():
    class Thing(Resource):
        at: datetime
        past = index("at", where=lambda t: t.at < now())

    return [Thing]


@case("KL402")
def step_through_none():
    class Thing(Resource):
        topic: Topic | None

        @allow("read")
        def rule(self) -> bool:
            return self.topic.name == "x"  # type: ignore[union-attr]

    return [Thing, Topic]


@case("KL202")
def text_of_nothing():
    return one(name=(str, field(read="self.nmae == 'x'")))


@case("KL205", "KL205")
def computed_from_itself():
    class Thing(Resource):
        name: str

        @computed
        def a(self) -> bool:
            return self.b

        @computed
        def b(self) -> bool:
            return self.a

    return [Thing]


@pytest.mark.parametrize("name", CASES)
def test_one_mistake_is_one_problem(name):
    function, codes, options = CASES[name]
    with pytest.raises(DeclarationError) as caught:
        build(function(), options.get("stores", ("main",)), options.get("actor"))
    problems = caught.value.problems
    assert [problem.code for problem in problems] == codes, str(caught.value)
    for problem in problems:
        assert "  " not in problem.message
        assert not problem.message.endswith((";", " "))


def test_every_refusal_is_earned():
    earned = {code for _, codes, _ in CASES.values() for code in codes}
    assert earned >= set(REFUSALS), sorted(set(REFUSALS) - earned)


def test_problems_name_file_and_line_and_come_together():
    class Thing(Resource, tabel="x"):
        hours: int = field(max_length=3)
        price: Decimal
        topic: Tpoic  # type: ignore[name-defined]  # noqa: F821

        @allow("raed")
        def rule(self) -> bool:
            return self.hours > "3"  # type: ignore[operator]

    with pytest.raises(DeclarationError) as caught:
        build([Thing])
    problems = caught.value.problems
    found = sorted(problem.code for problem in problems)
    assert found == ["KL302", "KM104", "KM201", "KM205", "KM210", "KM501"]
    for problem in problems:
        assert problem.place is not None
        assert problem.place.file == __file__
    by_code = {problem.code: problem.place.line for problem in problems if problem.place}
    text = Path(__file__).read_text().splitlines()
    assert text[by_code["KM205"] - 1].strip().startswith("hours: int")
    assert text[by_code["KM104"] - 1].strip().startswith("class Thing(Resource, tabel")
    assert text[by_code["KM501"] - 1].strip().startswith("def rule")
    assert str(caught.value).startswith("6 problems in the declaration")


def test_what_depends_on_another_problem_is_not_reported_again():
    class Thing(Resource, read=anyone):
        topic: Tpoic | None  # type: ignore[name-defined]  # noqa: F821

        @computed
        def named(self) -> bool:
            return self.topic is not None

        @allow("update")
        def rule(self) -> bool:
            return self.named

    with pytest.raises(DeclarationError) as caught:
        build([Thing, Topic])
    assert [problem.code for problem in caught.value.problems] == ["KM201"]


def test_a_declaration_that_is_lost_is_named_with_both_lines():
    with pytest.raises(DeclarationError) as caught:
        build(CASES["KM110 rule_lost_to_a_plain_method"][0]())
    (problem,) = caught.value.problems
    text = Path(__file__).read_text().splitlines()
    start = text.index("def rule_lost_to_a_plain_method():") + 1
    assert problem.place is not None
    assert problem.place.line == start + 5
    assert f"line {start + 4}, and lost by another secret in line {start + 8}" in problem.message


def test_what_is_declared_again_in_an_heir_takes_the_place_of_what_was_inherited():
    class Base(Resource, abstract=True):
        name: str

        @deny("read")
        def secret(self) -> bool:
            return self.name == "a"

    class Thing(Base):
        @deny("update")
        def secret(self) -> bool:
            return self.name == "b"

    assert [rule.verbs for rule in build([Thing])["Thing"].rules] == [frozenset({"update"})]


def test_names_of_other_frameworks_are_free_for_fields_and_methods():
    class Thing(Resource):
        ordering: int
        validators: list[str] = []
        words = ["a", "b"]
        constraints = [unique("ordering")]

        def permissions(self) -> None: ...

    assert set(build([Thing])["Thing"].fields) >= {"ordering", "validators"}


def test_writes_are_replaced_by_what_takes_the_object_and_who_acts():
    class Thing(Resource):
        name: str

        @action
        @classmethod
        async def create(cls, new: Thing, *, me: User = actor) -> Thing:
            return new

        @action
        async def update(self, me: User | None) -> None: ...

    assert set(build([Thing, User])["Thing"].actions) == {"create", "update"}


def test_an_assignment_in_a_rule_is_told_how_to_compare():
    class Thing(Resource, read="self.owner = me"):
        owner: User

    with pytest.raises(DeclarationError, match="Write: == where two values are compared"):
        build([Thing, User])


def test_a_property_in_a_rule_is_told_to_be_computed():
    class Thing(Resource, read="self.public"):
        name: str

        @property
        def public(self) -> bool:
            return True

    with pytest.raises(DeclarationError, match=r"Thing\.public is a @property.*\n.*\n.*\n.*Write: @computed"):
        build([Thing, User])


def test_the_time_of_python_in_a_rule_is_told_to_be_that_of_the_language():
    class Thing(Resource):
        start: datetime

        @allow("read")
        def begun(self) -> bool:
            return self.start > datetime.now()

    with pytest.raises(DeclarationError, match=r"Write: now\(\), with from kingpost import now"):
        build([Thing])


def test_the_type_of_a_computed_field_is_told_as_an_annotation():
    class Thing(Resource):
        price: Decimal = field(max_digits=12, decimal_places=2)

        @computed
        def dear(self) -> int:
            return self.price  # type: ignore[return-value]

    with pytest.raises(DeclarationError, match=r"Write: -> Decimal$"):
        build([Thing])
