"""The endpoints: django-ninja for the API, a view of Django's own for the page."""

from datetime import datetime
from uuid import UUID

from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.urls import path
from ninja import Field, NinjaAPI, Schema
from pydantic import AwareDatetime

from bench.peers.django_ninja.models import Article

api = NinjaAPI(docs_url=None, openapi_url=None)


class Key(Schema):
    id: UUID


class AuthorOut(Schema):
    id: UUID
    name: str
    email: str


class TagOut(Schema):
    id: UUID
    name: str


class FlatOut(Schema):
    id: UUID
    title: str
    summary: str
    words: int
    published_at: datetime


class ArticleOut(FlatOut):
    body: str
    author: AuthorOut


class TaggedOut(ArticleOut):
    tags: list[TagOut]


class CreatedOut(FlatOut):
    body: str
    author: Key


class ArticleIn(Schema, extra="forbid"):
    title: str = Field(max_length=200)
    summary: str = Field(max_length=500)
    body: str = Field(max_length=20_000)
    words: int = Field(ge=0)
    published_at: AwareDatetime
    author: UUID


class Flat(Schema):
    items: list[FlatOut]


class Tagged(Schema):
    items: list[TaggedOut]


NEWEST = ("-published_at", "id")


@api.get("/articles/{uuid:key}", response=ArticleOut)
def one(request: HttpRequest, key: UUID) -> Article:
    return get_object_or_404(Article.objects.select_related("author"), id=key)


@api.get("/authors/{uuid:key}/articles", response=Tagged)
def list_author(request: HttpRequest, key: UUID) -> dict[str, object]:
    articles = Article.objects.filter(author_id=key).select_related("author").prefetch_related("tags")
    return {"items": articles.order_by(*NEWEST)[:20]}


@api.get("/tags/{uuid:key}/articles", response=Tagged)
def list_tag(request: HttpRequest, key: UUID) -> dict[str, object]:
    articles = Article.objects.filter(tags=key).select_related("author").prefetch_related("tags")
    return {"items": articles.order_by(*NEWEST)[:20]}


@api.get("/articles", response=Flat)
def flat(request: HttpRequest, before: AwareDatetime) -> dict[str, object]:
    articles = Article.objects.filter(published_at__lt=before).order_by(*NEWEST)
    return {"items": articles.only("id", "title", "summary", "words", "published_at")[:100]}


@api.post("/articles", response={201: CreatedOut})
def create(request: HttpRequest, given: ArticleIn) -> tuple[int, dict[str, object]]:
    article = Article.objects.create(**given.dict(exclude={"author"}), author_id=given.author)
    values = {name: getattr(article, name) for name in FlatOut.model_fields}
    return 201, {**values, "body": article.body, "author": {"id": article.author_id}}


@api.get("/hello")
def hello(request: HttpRequest) -> dict[str, str]:
    return {"hello": "world"}


def page(request: HttpRequest) -> HttpResponse:
    before = datetime.fromisoformat(request.GET["before"])
    articles = Article.objects.filter(published_at__lt=before).select_related("author").order_by(*NEWEST)
    shown = articles.only("title", "summary", "author__name")[:12]
    return render(request, "page.html", {"articles": shown})


urlpatterns = [path("page", page), path("", api.urls)]
