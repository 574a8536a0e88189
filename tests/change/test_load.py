"""Loading files, the same on every store: rows are checked as requests are, added, changed, left alone or rejected."""

from __future__ import annotations

import json
from decimal import Decimal
from pathlib import Path
from uuid import UUID

import pytest

from kingpost import App, as_system
from kingpost.change.faults import HeaderFault
from kingpost.change.load import Load, Wanted
from kingpost.stores.files.cells import Stated
from kingpost.stores.files.faults import FileFault
from kingpost.testing import Client
from tests.blog import Article, People, Topic, User
from tests.change.loading import counts, load, load_all, rejects
from tests.fleet import Airport, Flight, Note, Organisation, Person, Pilot, Seat

AIRPORTS = "code,name,height\nEDI,Edinburgh,41\nSYY,Stornoway,\n"


# ---------------------------------------------------------------- added, changed, alone


async def test_rows_are_added_then_changed_or_left_alone(airline: App, tmp_path: Path) -> None:
    with as_system("test"):
        assert counts(await load(airline, tmp_path, "Airport", AIRPORTS)) == (2, 0, 0, 0)
        assert counts(await load(airline, tmp_path, "Airport", AIRPORTS)) == (0, 0, 2, 0)
        more = "code,height\nSYY,9\nEDI,41\nLHR,25\n"
        assert counts(await load(airline, tmp_path, "Airport", more)) == (0, 1, 1, 1)
        found = {one.code: (one.name, one.height) for one in await Airport.all()}
    assert found == {"EDI": ("Edinburgh", 41), "SYY": ("Stornoway", 9)}, "only the members given are changed"
    assert rejects(tmp_path) == "rejected_line,rejected_reasons,code,height\n4,name: must be given,LHR,25\n"


async def test_what_is_left_alone_keeps_its_version(airline: App, tmp_path: Path) -> None:
    with as_system("test"):
        await load(airline, tmp_path, "Airport", AIRPORTS)
        client = Client(airline)
        before = (await client.get("/api/airports/EDI")).headers["etag"]
        await load(airline, tmp_path, "Airport", AIRPORTS)
        assert (await client.get("/api/airports/EDI")).headers["etag"] == before
        await load(airline, tmp_path, "Airport", AIRPORTS.replace("41", "42"))
        assert (await client.get("/api/airports/EDI")).headers["etag"] != before


async def test_keys_of_several_parts_references_and_what_dangles(airline: App, tmp_path: Path) -> None:
    flights = "carrier,number,origin,plane,delay,leaves\nKP,1,EDI,7,PT5M,08:00\nKP,2,XXX,,,\nKP,3,EDI,,,09:15:30\n"
    seats = "flight.carrier,flight.number,row,sold,price\nKP,1,1,y,12.5\nKP,1,2,n,\nKP,2,1,n,1\nKP,3,1,,10.005\n"
    with as_system("test"):
        await load(airline, tmp_path, "Airport", AIRPORTS)
        progress = await load(airline, tmp_path, "Flight", flights)
        assert counts(progress) == (2, 0, 0, 1)
        assert progress.reasons == {"origin refers to no row": 1}
        one = await Flight.get(("KP", 1))
        assert one.plane is not None
        assert one.plane.number == 7, "a reference that may dangle is not asked about"
        progress = await load(airline, tmp_path, "Seat", seats)
        assert counts(progress) == (2, 0, 0, 2)
        assert set(progress.reasons) == {"flight refers to no row", "price: must have at most 2 digits after the point"}
        assert {(one.row, one.sold, one.price) for one in await Seat.all()} == {
            (1, True, Decimal("12.50")), (2, False, Decimal("10.00"))
        }  # fmt: skip


async def test_rows_of_one_batch_may_lead_to_each_other(airline: App, tmp_path: Path) -> None:
    ids = [UUID(int=number) for number in range(1, 4)]
    parts = f"id,name,parent,weight\n{ids[0]},wing,,1.5\n{ids[1]},flap,{ids[0]},0.25\n{ids[2]},bolt,{UUID(int=9)},1\n"
    with as_system("test"):
        progress = await load(airline, tmp_path, "Part", parts)
        assert counts(progress) == (2, 0, 0, 1)
        assert progress.reasons == {"parent refers to no row": 1}


async def test_a_row_that_comes_again_is_rejected_wherever_it_stands(airline: App, tmp_path: Path) -> None:
    text = "code,name\n" + "".join(f"A{number},x\n" for number in range(5)) + "A1,y\nA9,z\nA9,w\n"
    for batch in (2, 100):
        with as_system("test"):
            progress = await load(airline, tmp_path, "Airport", text, batch=batch)
            assert {one.code: one.name for one in await Airport.all()} == {
                **{f"A{number}": "x" for number in range(5)}, "A9": "z"
            }  # fmt: skip
        assert progress.rejected == 2
        assert f"is the same row as {tmp_path}/rows.csv, line 3" in rejects(tmp_path)
        assert progress.reasons == {"comes again": 2}


# ---------------------------------------------------------------- what is wrong


async def test_the_others_are_loaded_and_every_reason_is_told(app: App, people: People, tmp_path: Path) -> None:
    text = (
        "name,hours,price\nSQL,3,1\nData,1,1\n,2,1\nHTTP,-1,x\nHTTP,7,1.5\nHTTP,8,1\n" + "x" * 121 + ",1,\nREST,five,\n"
    )
    with as_system("test"):
        progress = await load(app, tmp_path, "Topic", text)
        assert {one.name for one in await Topic.all()} == {"Data", "Web", "SQL", "", "HTTP"}
    assert counts(progress) == (3, 0, 0, 5)
    lines = [line.split(",")[:2] for line in rejects(tmp_path).splitlines()[1:]]
    assert lines == [
        ["3", "name is taken"],
        ["5", '"hours: must be at least 0; price: must be a decimal number'],
        ["7", "name is taken"],
        ["8", "name: must have at most 120 characters"],
        ["9", "hours: must be a whole number"],
    ]


async def test_a_mended_file_of_rejects_is_loaded(app: App, people: People, tmp_path: Path) -> None:
    with as_system("test"):
        await load(app, tmp_path, "Topic", "name;hours\nSQL;three\nREST\nHTTP;1\n")
        left = rejects(tmp_path)
        assert left.splitlines()[0] == "rejected_line;rejected_reasons;name;hours"
        mended = left.replace("three", "3").replace("REST\n", "REST;2\n")
        assert counts(await load(app, tmp_path, "Topic", mended, "rows.rejected.csv")) == (2, 0, 0, 0)
        lines = '{"name": "A", "hours": "x"}\n[1]\n{"name": "B"}\n'
        assert counts(await load(app, tmp_path, "Topic", lines, "rows.ndjson")) == (1, 0, 0, 2)
        (first, second) = [json.loads(line) for line in rejects(tmp_path, "rows.ndjson").splitlines()]
        assert first["rejected_reasons"] == [{"pointer": "/hours", "code": "type", "message": "must be a whole number"}]
        assert second["rejected_text"] == "[1]"
        mended = json.dumps({**first, "hours": 5})
        assert counts(await load(app, tmp_path, "Topic", mended, "rows.rejected.ndjson")) == (1, 0, 0, 0)


async def test_validators_speak_and_computed_columns_follow(app: App, people: People, tmp_path: Path) -> None:
    with as_system("test"):
        text = f"title,author,score\nLOUD,{people.ada.id},1\n Quiet ,{people.ada.id},2.5\n"
        progress = await load(app, tmp_path, "Article", text)
        assert counts(progress) == (1, 0, 0, 1)
        assert progress.reasons == {"title: do not shout": 1}
        assert (await Article.where(title=" Quiet ").one()).slug == "quiet"


async def test_one_of_many_is_found_that_the_store_refuses(airline: App, tmp_path: Path) -> None:
    with as_system("test"):
        await load(airline, tmp_path, "Airport", AIRPORTS)
        await load(airline, tmp_path, "Flight", "carrier,number,origin\nKP,1,EDI\n")
        text = '[{"name": "Ann"}, {"name": "Bob"}]'
        assert counts(await load(airline, tmp_path, "Pilot", text, "rows.json")) == (2, 0, 0, 0)
        pilots = [one.id for one in await Pilot.all()]
        rows = [
            {"pilot": str(one), "flight": {"carrier": "KP", "number": 1}, "hours": n}
            for n in range(3)
            for one in pilots
        ]
        progress = await load(airline, tmp_path, "Duty", json.dumps(rows), "rows.json")
        assert counts(progress) == (2, 0, 0, 4), "each pilot once on a flight"
        assert progress.reasons == {"the combination of pilot and flight is taken": 4}


async def test_what_is_no_rows_fault_ends_the_load(airline: App, tmp_path: Path) -> None:
    with as_system("test"):
        for name, text, words in [
            ("rows.csv", "code,nam\nA,x\n", "did you mean 'name'"),
            ("rows.csv", "name,height\nx,1\n", "no column goes to code, which is part of the key"),
            ("rows.json", '[{"code": "A", "name": "x"}, {]', "element 2 is not JSON"),
        ]:
            with pytest.raises((HeaderFault, FileFault)) as fault:
                await load(airline, tmp_path, "Airport", text, name)
            assert words in fault.value.message
        with pytest.raises(FileFault, match="there is no file"):
            await Load(airline.engine, "Airport", Wanted()).files([str(tmp_path / "none.csv")])


# --------------------------------------------------------------------------------------------------------------- rules


async def test_an_actor_loads_by_the_rules(app: App, people: People, tmp_path: Path) -> None:
    text = f"title,author,body\nMine,{people.ada.id},x\nBobs,{people.bob.id},x\n"
    with app.acting(people.ada):
        progress = await load(app, tmp_path, "Article", text)
    assert counts(progress) == (1, 0, 0, 1)
    assert "the rules of Article do not let you create a row like this" in rejects(tmp_path)
    with app.acting(people.bob):
        changed = f"id,title\n{people.public.id},Stolen\n{people.draft.id},Stolen\n"
        progress = await load(app, tmp_path, "Article", changed)
    assert counts(progress) == (0, 0, 0, 2), "one may be read and not changed, of the other nothing is told"
    told = rejects(tmp_path)
    assert "the rules of Article do not let you update this row" in told
    assert "Stolen" not in {one.title for one in await _titles()}
    with app.acting(people.ada):
        progress = await load(app, tmp_path, "Article", f"id,title\n{people.public.id},New\n{people.draft.id},Plans\n")
    assert counts(progress) == (0, 2, 0, 0)


async def _titles() -> list[Article]:
    with as_system("test"):
        return list(await Article.all())


async def test_references_lead_to_rows_that_the_actor_may_read(app: App, people: People, tmp_path: Path) -> None:
    text = f"article,text\n{people.public.id},a\n{people.draft.id},b\n{UUID(int=5)},c\n"
    with app.acting(people.bob):
        progress = await load(app, tmp_path, "Comment", text)
    assert counts(progress) == (1, 0, 0, 2)
    assert progress.reasons == {"article refers to no row": 2}, "hidden and missing are not told apart"


async def test_nobody_loads_what_nobody_may_write(app: App, people: People, tmp_path: Path) -> None:
    with app.acting(people.ada):
        progress = await load(app, tmp_path, "Topic", "name\nA\nB\n")
    assert counts(progress) == (0, 0, 0, 2)
    with app.acting(None):
        progress = await load(app, tmp_path, "Topic", "name\nA\n")
    assert counts(progress) == (0, 0, 0, 1)
    with app.acting(people.eve):
        assert counts(await load(app, tmp_path, "Topic", "name\nA\n")) == (1, 0, 0, 0)


async def test_members_that_no_door_writes_are_the_systems(airline: App, tmp_path: Path) -> None:
    with as_system("test"):
        home = Organisation(name="Home")
        await home.save()
        me = Person(name="Me", organisation=home)
        await me.save()
        text = f"text,organisation,author,secret,once\nseen,{home.id},{me.id},s,3\n"
        assert counts(await load(airline, tmp_path, "Note", text)) == (1, 0, 0, 0)
        note = await Note.all().fields("author", "secret", "once").one()
        assert (note.author, note.secret, note.once) == (me, "s", 3)
    with airline.acting(me):
        progress = await load(airline, tmp_path, "Note", text)
    assert list(progress.reasons) == ["author: is read-only"]


# ---------------------------------------------------------------- lists, and operations that are replaced


async def test_lists_and_embedded_values_are_loaded(app: App, people: People, tmp_path: Path) -> None:
    rows = [
        {"title": "Both", "author": str(people.ada.id), "topics": [str(people.web.id), {"id": str(people.data.id)}]},
        {"title": "None", "author": str(people.ada.id), "topics": [], "meta": {"a": [1]}},
        {"title": "Lost", "author": str(people.ada.id), "topics": [str(UUID(int=3))]},
    ]
    with as_system("test"):
        progress = await load(app, tmp_path, "Article", json.dumps(rows), "rows.json")
        assert counts(progress) == (2, 0, 0, 1)
        assert progress.reasons == {"topics refers to no row": 1}
        both = await Article.where(title="Both").include("topics").one()
        assert [one.name for one in both.topics] == ["Web", "Data"]
        again = [{"id": str(both.id), "topics": [str(people.data.id)]}]
        assert counts(await load(app, tmp_path, "Article", json.dumps(again), "rows.json")) == (0, 1, 0, 0)
        both = await Article.where(title="Both").include("topics").one()
        assert [one.name for one in both.topics] == ["Data"]
        users = '{"name": "Eve", "email": "x@example.org", "address": {"city": "Oban", "code": null}}\n'
        assert counts(await load(app, tmp_path, "User", users, "rows.ndjson")) == (1, 0, 0, 0)
        (oban,) = [one for one in await User.all() if one.email == "x@example.org"]
        assert oban.address is not None
        users = f'{{"id": "{oban.id}", "address": {{"city": "Oban"}}}}\n'
        assert counts(await load(app, tmp_path, "User", users, "rows.ndjson")) == (0, 0, 1, 0)


async def test_rows_below_come_with_their_owner_where_requests_may_do_so(
    app: App, people: People, tmp_path: Path
) -> None:
    text = (
        '[{"title": "With", "comments": [{"text": "first"}, {"text": "second"}]}, {"title": "Bad", "comments": [{}]}]'
    )
    with app.acting(people.ada):
        progress = await load(app, tmp_path, "Article", text, "rows.json")
        assert counts(progress) == (1, 0, 0, 1)
        assert progress.reasons == {"comments.0.text: must be given": 1}
        made = await Article.where(title="With").include("comments").one()
    assert sorted(one.text for one in made.comments) == ["first", "second"]


async def test_an_actor_patches_embedded_values(app: App, people: People, tmp_path: Path) -> None:
    text = f'{{"id": "{people.public.id}", "meta": {{"b": 2, "a": null}}}}\n'
    with as_system("test"):
        people.public.meta = {"a": 1, "c": 3}
        await people.public.save()
    with app.acting(people.ada):
        assert counts(await load(app, tmp_path, "Article", text, "rows.ndjson")) == (0, 1, 0, 0)
        assert (await Article.get(people.public.id)).meta == {"b": 2, "c": 3}
        assert counts(await load(app, tmp_path, "Article", text, "rows.ndjson")) == (0, 0, 1, 0)


async def test_replaced_operations_are_called(airline: App, tmp_path: Path) -> None:
    with as_system("test"):
        home = Organisation(name="Home")
        await home.save()
        me = Person(name="Me", organisation=home)
        await me.save()
    with airline.acting(me):
        assert counts(await load(airline, tmp_path, "Note", f"text,organisation\n  trimmed  ,{home.id}\n")) == (
            1,
            0,
            0,
            0,
        )
        note = await Note.all().one()
        assert note.text == "trimmed"
        assert counts(await load(airline, tmp_path, "Note", f"id,text\n{note.id},  other \n")) == (0, 1, 0, 0)
        assert (await Note.all().one()).text == "other"


# ---------------------------------------------------------------- all or nothing, stopping


async def test_all_or_nothing(airline: App, tmp_path: Path) -> None:
    text = "code,name\nAAA,x\nBBB,x\nTOOLONG,x\nCCC,x\n"
    with as_system("test"):
        loaded = await load_all(airline, tmp_path, "Airport", {"rows.csv": text}, whole=True, batch=1)
        assert (loaded.kept, loaded.rejected, loaded.files[0].created) == (False, 1, 3)
        assert await Airport.all().count() == 0
        loaded = await load_all(airline, tmp_path, "Airport", {"rows.csv": AIRPORTS}, dry=True)
        assert (loaded.kept, loaded.files[0].created) == (False, 2)
        assert await Airport.all().count() == 0
        texts = {"one.csv": AIRPORTS, "two.csv": "code,name\nAAA,x\n"}
        loaded = await load_all(airline, tmp_path, "Airport", texts, whole=True, batch=1)
        assert loaded.kept
        assert await Airport.all().count() == 3


async def test_a_load_that_is_stopped_is_gone_on_with(airline: App, tmp_path: Path) -> None:
    text = "code,name\n" + "".join(f"{number:03},x\n" for number in range(10))
    seen: list[int] = []
    with as_system("test"):
        loaded = await load_all(
            airline, tmp_path, "Airport", {"rows.csv": text}, batch=4,
            watch=lambda progress: seen.append(progress.rows), stopped=lambda: len(seen) == 2,
        )  # fmt: skip
        assert (loaded.stopped, loaded.kept, seen) == (True, True, [4, 8])
        assert (await Airport.all().count(), loaded.files[0].place) == (8, 9)
        assert counts(await load(airline, tmp_path, "Airport", text)) == (2, 0, 8, 0)
        loaded = await load_all(
            airline, tmp_path, "Airport", {"rows.csv": text.replace(",x", ",y")}, whole=True, stopped=lambda: True
        )
        assert (loaded.stopped, loaded.kept) == (True, False)


# ---------------------------------------------------------------- what the API itself sends


@pytest.mark.parametrize(("accept", "name"), [("text/csv", "out.csv"), ("application/x-ndjson", "out.ndjson")])
async def test_what_the_api_sends_is_loaded_as_it_is(airline: App, tmp_path: Path, accept: str, name: str) -> None:
    with as_system("test"):
        await load(airline, tmp_path, "Airport", AIRPORTS)
        await load(airline, tmp_path, "Flight", "carrier,number,origin,plane,delay\nKP,1,EDI,7,PT5M\nKP,2,SYY,,\n")
        await load(airline, tmp_path, "Seat", "flight.carrier,flight.number,row,price\nKP,1,1,3\nKP,2,1,4.25\n")
    for resource, path in (("Flight", "flights"), ("Seat", "seats")):
        sent = await Client(airline).get(f"/api/{path}", headers={"Accept": accept})
        assert sent.status_code == 200
        with as_system("test"):
            progress = await load(airline, tmp_path, resource, sent.text, name)
        assert counts(progress) == (0, 0, 2, 0), (resource, sent.text, progress.reasons)


async def test_instants_without_a_zone_need_one(app: App, people: People, tmp_path: Path) -> None:
    from zoneinfo import ZoneInfo

    text = f"title,author,published_at\nAbc,{people.ada.id},2013-07-01 08:00\n"
    with as_system("test"):
        assert (await load(app, tmp_path, "Article", text)).rejected == 1
        stated = Stated(zone=ZoneInfo("Europe/Berlin"))
        assert counts(await load(app, tmp_path, "Article", text, stated=stated)) == (1, 0, 0, 0)
        published = (await Article.where(title="Abc").one()).published_at
    assert published is not None
    assert published.isoformat() == "2013-07-01T06:00:00+00:00"
