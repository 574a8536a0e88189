"""Instances: construction, identity, what is not loaded, change tracking, copies."""

from __future__ import annotations

import copy
import dataclasses
import json
import pickle
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import msgspec
import pytest
from pydantic import TypeAdapter

from kingpost.language.builtins import instant, now
from kingpost.model.build import build
from kingpost.model.declare import actor, anyone, computed, field
from kingpost.model.query_runner import current_runner
from kingpost.model.resource import NotLoaded, Resource
from kingpost.model.state import changes, is_new, is_reference, key_of, materialise, refer, settle


class Stamped:
    created_at: datetime = field(default_factory=now, readonly=True)


class User(Resource, read=anyone):
    name: str = "nobody"
    boss: User | None = None


class Topic(Resource):
    code: str = field(key=True)
    tags: list[str] = []
    data: dict[str, Any] = {}


class Article(Stamped, Resource):
    title: str
    author: User = field(default=actor)
    topics: list[Topic] = []
    comments: list[Comment] = field(inverse="article")
    published_at: datetime | None = None

    @computed
    def is_public(self) -> bool:
        return self.published_at is not None and self.published_at <= now()

    @computed
    def popularity(self) -> int:
        return len(self.comments)


class Comment(Resource):
    article: Article
    text: str = ""


class Vote(Resource, key=("article", "user")):
    article: Article
    user: User
    up: bool = True


MODEL = build([User, Topic, Article, Comment, Vote])
KEY = UUID("01890000-0000-7000-8000-000000000001")
AT = datetime(2026, 1, 1, tzinfo=UTC)


def article(**more: Any) -> Article:
    values = {"id": KEY, "title": "old", "author": refer(User, (KEY,), via="Article.author"), "_version": 3, **more}
    return materialise(Article, values)


def test_the_constructor_takes_keywords_and_fills_defaults():
    author = User(name="Ada")
    one, two = Article(title="t", author=author), Article(title="t", author=author)
    assert (one.title, one.author, one.topics, one.published_at) == ("t", author, [], None)
    assert one.topics is not two.topics
    assert one.id < two.id
    assert one.created_at.tzinfo is UTC
    assert is_new(one)


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: Article(titel="x", title="y"), "Article has no 'titel': did you mean 'title'?"),
        (lambda: Article(title="y", comments=[]), "Article.comments is the other side of 'article' and can't be given"),
        (lambda: Article(title="y", is_public=True), "Article.is_public is computed and can't be given"),
        (lambda: Article(), "missing 1 required keyword-only argument: 'title'"),
        (lambda: Article("x"), "takes 1 positional argument"),
    ],
)
def test_wrong_arguments_are_named(call, words):
    with pytest.raises(TypeError) as caught:
        call()
    assert words in str(caught.value)


def test_a_misspelt_name_can_not_be_assigned():
    with pytest.raises(AttributeError, match="did you mean 'title'"):
        Article(title="t", author=User()).titel = "x"  # type: ignore[attr-defined]
    with pytest.raises(AttributeError, match="is computed"):
        Article(title="t", author=User()).is_public = True  # type: ignore[assignment]


def test_rows_are_equal_by_class_and_key():
    one, two = article(), article(title="other")
    assert one == two
    assert hash(one) == hash(two)
    assert one != article(id=UUID(int=1))
    assert one != refer(User, (KEY,))
    assert article().author == User(id=KEY)
    assert Topic(code="a") == Topic(code="a", tags=["x"])
    assert repr(one) == f"Article(id={KEY!r})"


def test_what_is_not_loaded_says_what_to_add():
    loaded = article()
    assert loaded.author.id == KEY
    with pytest.raises(NotLoaded) as caught:
        _ = loaded.author.name
    assert str(caught.value) == (
        "User.name is not loaded: Article.author holds only the key; "
        'add .include("author") to the query, or await article.load("author")'
    )
    with pytest.raises(NotLoaded, match=r'Article.comments is not loaded: add .include\("comments"\)'):
        _ = loaded.comments
    with pytest.raises(NotLoaded, match=r'add "published_at" to .fields'):
        _ = loaded.published_at
    with pytest.raises(NotLoaded, match=r"Article.popularity needs what is not loaded \(comments\)") as named:
        _ = loaded.popularity
    assert named.value.name == "popularity"
    assert not issubclass(NotLoaded, AttributeError)
    with pytest.raises(NotLoaded):
        getattr(loaded, "comments", None)
    with pytest.raises(AttributeError):
        _ = loaded.coments  # type: ignore[attr-defined]


def test_defaults_do_not_show_through_a_reference():
    with pytest.raises(NotLoaded):
        _ = refer(User, (KEY,)).name
    with pytest.raises(NotLoaded):
        _ = article().created_at


def test_a_computed_value_of_the_store_is_taken_until_the_row_changes():
    loaded = article(popularity=7, is_public=False, published_at=None)
    assert (loaded.popularity, loaded.is_public) == (7, False)
    with instant(AT):
        loaded.published_at = AT - timedelta(days=1)
        assert loaded.is_public
        with pytest.raises(NotLoaded):
            _ = loaded.popularity


def test_changes_are_the_members_that_differ():
    loaded = article(topics=[Topic(code="a")], published_at=None)
    assert changes(loaded) == {}
    loaded.title = "old"
    assert changes(loaded) == {}
    loaded.title = "new"
    loaded.topics.append(Topic(code="b"))
    loaded.author = User(id=KEY)
    assert changes(loaded) == {"title": "new", "topics": [Topic(code="a"), Topic(code="b")]}
    settle(loaded, {"_version": 4})
    assert changes(loaded) == {}
    assert vars(loaded)["_version"] == 4


def test_changes_inside_of_values_are_seen():
    loaded = materialise(Topic, {"code": "a", "tags": ["x"], "data": {"deep": [1]}})
    loaded.tags.append("y")
    loaded.data["deep"].append(2)
    assert changes(loaded) == {"tags": ["x", "y"], "data": {"deep": [1, 2]}}
    new = Topic(code="b")
    assert changes(new) == {"code": "b", "tags": [], "data": {}}


def test_keys_of_several_parts_are_flat():
    vote = Vote(article=article(), user=User(id=KEY))
    assert key_of(vote) == (KEY, KEY)
    other = refer(Vote, (KEY, KEY), via="X.vote")
    assert other == vote
    assert other.article.id == KEY
    assert is_reference(other)
    with pytest.raises(NotLoaded):
        _ = other.article.title
    with pytest.raises(ValueError, match="has 2 parts"):
        refer(Vote, (KEY, KEY, KEY))


@pytest.mark.parametrize("copied", [copy.copy, copy.deepcopy, lambda one: pickle.loads(pickle.dumps(one))])
def test_copies_are_the_same_row(copied):
    loaded = article(topics=[Topic(code="a")])
    loaded.title = "new"
    twin = copied(loaded)
    assert twin == loaded
    assert vars(twin) == vars(loaded)
    assert changes(twin) == {"title": "new"}
    with pytest.raises(NotLoaded, match=r"Article\.author holds only the key"):
        _ = twin.author.name


def test_general_serializers_show_what_may_be_shown():
    """Nobody is known to ask here: members without a rule of their own, and keys."""
    loaded = article()
    shown = {"id": KEY, "title": "old", "author": {"id": KEY}}
    assert dataclasses.asdict(loaded) == shown  # type: ignore[call-overload]
    assert TypeAdapter(Any).dump_python(loaded) == shown
    assert json.loads(msgspec.json.encode(loaded)) == {"id": str(KEY), "title": "old", "author": {"id": str(KEY)}}


class Acting:
    def __init__(self, who: User | None) -> None:
        self.who = who

    def actor(self) -> User | None:
        return self.who

    def new_key(self) -> UUID:
        return KEY


def test_the_actor_is_the_default_and_the_runner_makes_keys():
    me = User(name="me")
    token = current_runner.set(Acting(me))  # type: ignore[arg-type]
    try:
        made = Article(title="t")
        assert made.author is me
        assert made.id == KEY
        current_runner.set(Acting(None))  # type: ignore[arg-type]
        with pytest.raises(NotLoaded):
            _ = Article(title="t").author
    finally:
        current_runner.reset(token)


async def test_without_an_app_nobody_answers():
    class Lonely(Resource):
        name: str

    with pytest.raises(RuntimeError, match="Lonely is part of no App yet"):
        await Lonely.all()


def test_a_class_may_have_an_init_subclass_of_its_own():
    class Counted(Resource, abstract=True):
        names: list[str] = []

        def __init_subclass__(cls, **keywords: Any) -> None:
            super().__init_subclass__(**keywords)

    class Thing(Counted):
        title: str

    assert Thing.__kingpost__.file == __file__
    assert "class Thing(Counted)" in Thing.__kingpost__.place().text
    assert Thing(title="t").names == []
