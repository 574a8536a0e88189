"""Relations whose columns others have named, or that several members share."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from kingpost import App, DeclarationError, NotFound, Resource, allow, anyone, as_system, field
from kingpost.model.build import build
from kingpost.testing import Client


class Port(Resource, read=anyone, write=anyone):
    code: str = field(key=True, max_length=3)


class Report(Resource, key=("port", "hour"), table="weather", read=anyone, write=anyone):
    port: Port = field(column="station")
    hour: int = field(column="at_hour")
    wind: int


class Tag(Resource, read=anyone, write=anyone):
    name: str = field(key=True, max_length=9)
    legs: list[Leg] = field(inverse="tags")


class Leg(Resource, read=anyone, write=anyone):
    number: int = field(key=True)
    origin: Port
    hour: int
    report: Report | None = field(default=None, column=("origin_code", "hour"), readonly=True, constrained=False)
    tags: list[Tag] = field(default_factory=list, table="tagged", column=("leg", "tag"), on_delete="restrict")

    @allow("delete")
    def calm(self) -> bool:
        return self.report is not None and self.report.wind < 9


RESOURCES = [Port, Report, Tag, Leg]


@pytest.fixture
async def client(store_url: str) -> AsyncIterator[Client]:
    app = App("legs", resources=RESOURCES, stores={"main": store_url}, secret=b"t")
    async with Client(app) as client:
        await app.sync()
        assert await app.compare() == {"main": []}
        with as_system("rows for the test"):
            for code in ("JFK", "LHR"):
                await Port(code=code).save()
            await Report(port=Port(code="JFK"), hour=7, wind=5).save()
            await Report(port=Port(code="JFK"), hour=8, wind=50).save()
            for name in ("red", "green"):
                await Tag(name=name).save()
        yield client


async def test_a_relation_over_columns_of_others(client: Client) -> None:
    made = await client.post("/api/legs", json={"number": 1, "origin": "JFK", "hour": 7})
    report = {"port_code": "JFK", "hour": 7}
    assert made.json() == {"number": 1, "origin": {"code": "JFK"}, "hour": 7, "report": report}
    whole = (await client.get("/api/legs/1?include=report.port")).json()
    assert whole["report"] == {"port": {"code": "JFK"}, "hour": 7, "wind": 5}
    assert (await client.get("/api/legs?where=report.wind > 40")).json()["items"] == []
    moved = await client.patch("/api/legs/1", json={"hour": 8})
    assert moved.json()["report"] == {"port_code": "JFK", "hour": 8}
    assert len((await client.get("/api/legs?where=report.wind > 40")).json()["items"]) == 1
    assert (await client.patch("/api/legs/1", json={"report": report})).status_code == 422
    assert (await client.patch("/api/legs/1", json={"origin": "LHR"})).json()["report"] == {
        "port_code": "LHR",
        "hour": 8,
    }
    assert (await client.get("/api/legs/1?include=report")).json()["report"] == {"port_code": "LHR", "hour": 8}
    assert await Leg.where("report.wind > 0").count() == 0


async def test_the_rules_follow_it(client: Client) -> None:
    with as_system("rows for the test"):
        for number, hour in ((1, 7), (2, 8), (3, 9)):
            await Leg(number=number, origin=Port(code="JFK"), hour=hour).save()
    with as_system("what was kept"):
        assert [leg.report.hour for leg in await Leg.all().sort("number") if leg.report] == [7, 8, 9]


async def test_links_in_a_table_that_others_named(client: Client) -> None:
    body = {"number": 1, "origin": "JFK", "hour": 7, "tags": ["red", "green"]}
    assert (await client.post("/api/legs", json=body)).status_code == 201
    assert [tag["name"] for tag in (await client.get("/api/legs/1/tags?sort=name")).json()["items"]] == ["green", "red"]
    (tag,) = (await client.get("/api/tags?where=name == 'red'&include=legs")).json()["items"]
    assert [leg["number"] for leg in tag["legs"]] == [1]
    assert (await client.patch("/api/legs/1", json={"tags": ["red"]})).status_code == 200
    with as_system("the test"):
        refused = await client.delete("/api/tags/red")
    assert refused.status_code == 409, "its links do not go with it"
    await client.patch("/api/legs/1", json={"tags": []})
    assert (await client.delete("/api/tags/red")).status_code == 204
    with pytest.raises(NotFound):
        await Tag.get("red")


async def test_the_table_of_links(client: Client) -> None:
    link = client.app.model["Leg.tags"]  # type: ignore[attr-defined]
    assert (link.table, link.relations["leg"].columns, link.relations["tag"].columns) == ("tagged", ("leg",), ("tag",))


@pytest.mark.parametrize(
    ("options", "code"),
    [
        (dict(default_factory=list, column="leg"), "KM205"),
        (dict(default_factory=list, column=("leg",)), "KM205"),
        (dict(default_factory=list, on_delete="null"), "KM408"),
        (dict(inverse="leg", table="tagged"), "KM205"),
    ],
)
def test_links_that_can_not_be(options: dict[str, object], code: str) -> None:
    class Mark(Resource):
        name: str
        leg: Thing | None = None

    class Thing(Resource):
        marks: list[Mark] = field(**options)  # type: ignore[call-overload]

    with pytest.raises(DeclarationError) as caught:
        build([Mark, Thing])
    assert [problem.code for problem in caught.value.problems] == [code]
