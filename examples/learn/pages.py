"""The pages: ordinary FastAPI routes that ask the declarations, with the rights of whoever visits."""

from collections.abc import Callable, Iterable
from functools import partial
from itertools import groupby
from math import ceil
from typing import Annotated, Any
from xml.sax.saxutils import escape

from fastapi import APIRouter, Query, Request, Response
from fastapi.exception_handlers import http_exception_handler
from starlette.exceptions import HTTPException

from examples.learn import graph
from examples.learn.markdown import render
from examples.learn.models import Article, Path, PathStep, Program, Qualification, Skill, Term, Topic
from examples.learn.planning import HOURS_A_WEEK, depths, gaps, stages, way_to
from examples.learn.render import AREAS, SECTIONS, SITE, answer, origin, page, static

router = APIRouter(include_in_schema=False)
get = partial(router.api_route, methods=["GET", "HEAD"], response_class=Response)

LISTED = ("title", "summary", "section", "minutes")
FOUND_AT_MOST = 30


# ------------------------------------------------------------------------------------------------------------- reading


@get("/")
async def home(request: Request) -> Response:
    articles = await Article.all().sort("published_at").fields(*LISTED)
    topics = await Topic.all().include("prerequisites")
    return page(
        request,
        "home.html",
        SITE,
        "A backend developer's guide and learning planner: what to know, in an order that can be learned.",
        articles=articles,
        sections=[(SECTIONS[slug], members) for slug, members in _grouped(articles, "section", SECTIONS)],
        topics=topics,
        map=graph.miniature(topics),
        programs=await Program.all().sort("rank").include("topics"),
        paths=await Path.all().sort("rank").include("steps", sort="position"),
    )


@get("/articles")
async def articles(request: Request) -> Response:
    found = await Article.all().sort("published_at").fields(*LISTED)
    groups = _grouped(found, "section", SECTIONS)
    return page(
        request,
        "articles.html",
        "The guide",
        f"{len(found)} articles on the work of a backend developer, each a few minutes long and complete in itself.",
        sections=[(slug, SECTIONS[slug], members) for slug, members in groups],
    )


@get("/articles/{slug}")
async def article(request: Request, slug: str) -> Response:
    found = await Article.where(slug=slug).include("author", "topics").first()
    if found is None:
        return await missing(request)
    near = found.topics
    related = (
        await Article.where(lambda a: a.slug != slug and any(topic in near for topic in a.topics))
        .sort("-published_at")
        .fields(*LISTED)
        .limit(3)
    )
    if not related:
        section = found.section
        related = await Article.where(lambda a: a.section == section and a.slug != slug).fields(*LISTED).limit(3)
    return page(
        request,
        "article.html",
        found.title,
        found.summary,
        article=found,
        section=SECTIONS[found.section],
        text=render(found.body),
        related=related,
    )


@get("/glossary")
async def glossary(request: Request) -> Response:
    terms = sorted(await Term.all(), key=lambda term: term.term.casefold())
    return page(
        request,
        "glossary.html",
        "Glossary",
        f"{len(terms)} words of the trade, each in a sentence or two.",
        letters=[(letter, list(members)) for letter, members in groupby(terms, lambda term: term.term[0].upper())],
    )


# ------------------------------------------------------------------------------------------------------------- topics


@get("/topics")
async def topics(request: Request) -> Response:
    found = await Topic.all().sort("name").include("prerequisites")
    depth = depths({topic.slug: topic for topic in found})
    found.sort(key=lambda topic: depth[topic.slug])
    areas = _grouped(found, "area", AREAS)
    return page(
        request,
        "topics.html",
        "Topic map",
        f"{len(found)} topics in {len(areas)} areas, with the hours they take and what has to be learned before them.",
        map=graph.draw(found, [slug for slug, _ in areas]),
        areas=[(slug, AREAS[slug], members) for slug, members in areas],
    )


@get("/topics/{slug}")
async def topic(request: Request, slug: str) -> Response:
    everything = {each.slug: each for each in await Topic.all().sort("name").include("prerequisites", "skills")}
    here = everything.get(slug)
    if here is None:
        return await missing(request)
    return page(
        request,
        "topic.html",
        here.name,
        here.summary,
        topic=here,
        way=way_to(here, everything),
        opens=[each for each in everything.values() if here in each.prerequisites],
        articles=await Article.where(lambda a: here in a.topics).sort("title").fields(*LISTED),
        programs=await Program.where(lambda p: here in p.topics).sort("rank").fields("name", "hours"),
        qualifications=await Qualification.where(lambda q: here in q.topics).sort("name"),
    )


@get("/skills")
async def skills(request: Request) -> Response:
    found = await Skill.all().sort("name")
    built = await Topic.all().sort("name").include("skills")
    names = {"technical": "With machines", "human": "With people"}
    return page(
        request,
        "entries.html",
        "Skills",
        "What someone can do who has studied the topics that build it. Career steps ask for skills; topics build them.",
        verb="Built by",
        groups=[
            (names[kind], [(skill, "", [each for each in built if skill in each.skills]) for skill in members])
            for kind, members in _grouped(found, "kind", names)
        ],
    )


# ------------------------------------------------------------------------------------------------------------ planning


@get("/programs")
async def programs(request: Request) -> Response:
    return page(
        request,
        "programs.html",
        "Learning programs",
        "Topics in the order to study them. Every program is checked: nothing comes before what it needs.",
        programs=await Program.all().sort("rank").include("topics"),
    )


@get("/programs/{slug}")
async def program(
    request: Request, slug: str, hours: Annotated[str, Query(max_length=20)] = str(HOURS_A_WEEK)
) -> Response:
    found = await Program.where(slug=slug).include("topics.prerequisites", "assumes").first()
    if found is None:
        return await missing(request)
    pace = min(max(int(hours), 1), 60) if hours.isascii() and hours.isdigit() else HOURS_A_WEEK
    names = {each.slug: each for topic in found.topics for each in (topic, *topic.prerequisites)}
    return page(
        request,
        "program.html",
        found.name,
        found.summary,
        program=found,
        hours_a_week=pace,
        weeks=ceil(found.hours / pace),
        stages=stages(found.topics, pace),
        problems=[(names[gap.topic], names[gap.needs], gap.problem) for gap in gaps(found.topics, found.assumes)],
    )


@get("/paths")
async def paths(request: Request) -> Response:
    found = await Path.all().sort("rank").include("steps", sort="position")
    return page(
        request,
        "paths.html",
        "Career paths",
        "Where the work can lead, step by step. Years are typical totals; people differ.",
        paths=found,
    )


@get("/paths/{slug}")
async def path(request: Request, slug: str) -> Response:
    found = await Path.where(slug=slug).first()
    if found is None:
        return await missing(request)
    steps = await PathStep.where(path=found).sort("position").include("skills", "topics", "qualifications")
    return page(request, "path.html", found.name, found.summary, career=found, steps=steps)


@get("/qualifications")
async def qualifications(request: Request) -> Response:
    found = await Qualification.all().sort("name").include("topics")
    names = {"degree": "Degrees", "certificate": "Certificates", "practice": "Practice"}
    return page(
        request,
        "entries.html",
        "Qualifications",
        "Degrees, certificates and forms of practice that count as evidence, with the effort they typically take.",
        verb="Draws on",
        groups=[
            (names[kind], [(each, f"{each.issuer}, about {each.hours} hours", each.topics) for each in members])
            for kind, members in _grouped(found, "kind", names)
        ],
    )


# ------------------------------------------------------------------------------------------------------------- finding


@get("/search")
async def search(request: Request, q: Annotated[str, Query(max_length=80)] = "") -> Response:
    phrase = " ".join(q.split())
    word = phrase.lower()
    found: dict[str, list[Any]] = {"topics": [], "articles": [], "terms": []}
    if word:
        topics = Topic.where(lambda t: word in t.name.lower() or word in t.summary.lower())
        articles = Article.where(
            lambda a: word in a.title.lower() or word in a.summary.lower() or word in a.body.lower()
        ).fields(*LISTED)
        terms = Term.where(lambda t: word in t.term.lower() or word in t.meaning.lower())
        found = {
            "topics": await topics.sort("name").limit(FOUND_AT_MOST),
            "articles": await articles.sort("title").limit(FOUND_AT_MOST),
            "terms": await terms.sort("term").limit(FOUND_AT_MOST),
        }
    return page(
        request,
        "search.html",
        "Search",
        "Search the articles, topics and terms of the guide.",
        query=phrase,
        results=found,
        found=sum(map(len, found.values())),
    )


@get("/sitemap.xml")
async def sitemap(request: Request) -> Response:
    addresses = ["/", "/articles", "/topics", "/programs", "/paths", "/skills", "/qualifications", "/glossary"]
    for place, resource in (("articles", Article), ("topics", Topic), ("programs", Program), ("paths", Path)):
        addresses += [f"/{place}/{row.slug}" for row in await resource.all().sort("slug").fields("slug")]
    rows = "".join(f"<url><loc>{escape(origin(request) + address)}</loc></url>\n" for address in addresses)
    text = f'<?xml version="1.0" encoding="utf-8"?>\n<urlset xmlns="http://www.sitemaps.org/schemas/sitemap/0.9">\n{rows}</urlset>\n'
    return answer(request, text, "application/xml")


@get("/robots.txt")
async def robots(request: Request) -> Response:
    lines = ["User-agent: *", "Disallow: /search", f"Sitemap: {origin(request)}/sitemap.xml", ""]
    return answer(request, "\n".join(lines), "text/plain; charset=utf-8")


@get("/static/{name}")
async def asset(request: Request, name: str) -> Response:
    return static(request, name) or await missing(request)


async def missing(request: Request, error: Exception | None = None) -> Response:
    """What is not there; also what unknown addresses get, but for those of programs."""
    if isinstance(error, HTTPException) and request.url.path.startswith("/api/"):
        return await http_exception_handler(request, error)
    return page(request, "missing.html", "There is no such page", "Nothing is found at this address.", status=404)


def _grouped(rows: Iterable[Any], name: str, order: Iterable[str]) -> list[tuple[str, list[Any]]]:
    """The rows by the value of one member, in this order of values; what has no rows is left out."""
    value: Callable[[Any], str] = lambda row: getattr(row, name)  # noqa: E731
    groups = [(each, [row for row in rows if value(row) == each]) for each in order]
    return [(each, members) for each, members in groups if members]
