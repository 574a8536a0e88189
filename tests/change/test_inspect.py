"""Classes written for databases of others: they fit, and rows are read and written as they are there."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.change.existing import Kind
from tests.change.inspecting import Adopted, adopted


@pytest.fixture(params=["sqlite", "postgres"])
def kind(request: pytest.FixtureRequest) -> Kind:
    """Each kind of database."""
    found: Kind = request.param
    return found


@pytest.fixture
def url(kind: Kind, request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """An empty database."""
    if kind == "sqlite":
        return f"sqlite:///{tmp_path}/shop.db"
    found = str(request.getfixturevalue("postgres_url"))
    monkeypatch.setenv("DATABASE_URL", found)
    return found


@pytest.fixture
async def music(kind: Kind, url: str, tmp_path: Path) -> AsyncIterator[Adopted]:
    async with adopted(kind, "music", url, tmp_path, views=True) as found:
        yield found


@pytest.fixture
async def site(kind: Kind, url: str, tmp_path: Path) -> AsyncIterator[Adopted]:
    async with adopted(kind, "site", url, tmp_path) as found:
        yield found


@pytest.fixture
async def flights(kind: Kind, url: str, tmp_path: Path) -> AsyncIterator[Adopted]:
    async with adopted(kind, "flights", url, tmp_path) as found:
        yield found


# ------------------------------------------------------------------------------------------------------- a music shop


async def test_music_is_as_declared(music: Adopted) -> None:
    assert await music.differences() == []
    assert music.inspected.left == ("Note",)


async def test_music_is_read(music: Adopted) -> None:
    get = music.client.get
    found = (
        await get("/api/albums?where=artist.name == 'Orrin Vale'&include=artist,tracks&sort=-title&limit=1")
    ).json()
    assert found["items"] == [
        {
            "album_id": 1, "title": "Rafters", "artist": {"artist_id": 1, "name": "Orrin Vale"},
            "tracks": [
                {
                    "track_id": 1, "name": "Ridge", "album": {"album_id": 1}, "media_type": {"media_type_id": 1},
                    "milliseconds": 215000, "bytes_": 5000000, "unit_price": "0.99",
                },
                {
                    "track_id": 2, "name": "Purlin", "album": {"album_id": 1}, "media_type": {"media_type_id": 1},
                    "milliseconds": 341500, "bytes_": None, "unit_price": "1.29",
                },
            ],
        }
    ]  # fmt: skip
    found = (await get("/api/playlists/1?include=tracks&fields=name,tracks.name")).json()
    assert found == {"name": "Evening", "tracks": [{"name": "Ridge"}, {"name": "Purlin"}]}
    found = (await get("/api/employees?where=reports_to.last_name == 'Adze'&fields=last_name,hire_date")).json()
    assert found["items"] == [{"last_name": "Maul", "hire_date": "2003-01-02T09:30:00Z"}]
    found = (await get("/api/tracks?unit_price[gt]=0.5&sort=-unit_price&fields=name,unit_price")).json()
    assert [one["name"] for one in found["items"]] == ["Purlin", "Ridge"]
    found = (
        await get("/api/invoices?where=invoice_date < datetime(2021, 6, 1, tzinfo=UTC)&include=customer.support_rep")
    ).json()
    assert found["items"][0]["customer"]["support_rep"]["last_name"] == "Maul"
    assert (await get("/api/long-tracks")).json()["items"] == [{"track_id": 2, "name": "Purlin"}]


async def test_music_is_written(music: Adopted, kind: Kind) -> None:
    client = music.client
    given = {"name": "New", "milliseconds": 990, "media_type": {"media_type_id": 1}, "unit_price": "0.50"}
    if kind == "postgres":  # nothing makes its keys
        given["track_id"] = 7
    made = (await client.post("/api/tracks", json=given)).json()
    assert made["track_id"] == (7 if kind == "postgres" else 4)
    assert (
        await client.patch("/api/playlists/2", json={"tracks": [{"track_id": made["track_id"]}]})
    ).status_code == 200
    assert await music.sql('SELECT * FROM "PlaylistTrack" WHERE "PlaylistId" = 2') == [(2, made["track_id"])]
    changed = await client.patch("/api/albums/1", json={"title": "Ridges"})
    held = {"If-Match": changed.headers["etag"]}
    await music.sql("""UPDATE "Album" SET "Title" = 'Theirs' WHERE "AlbumId" = 1""")
    assert (await client.patch("/api/albums/1", json={"title": "Mine"}, headers=held)).status_code == 412
    assert (await client.delete("/api/albums/1")).status_code == 204
    assert await music.sql('SELECT "TrackId" FROM "Track" WHERE "AlbumId" IS NOT NULL') == []


async def test_music_holds_to_what_only_the_database_knows(music: Adopted, kind: Kind) -> None:
    client = music.client
    dear = await client.patch("/api/tracks/1", json={"unit_price": "999"})
    assert (dear.status_code, dear.json()["type"]) == (422, "/problems/KP422")
    assert "holds these rows to more than is declared" in dear.json()["detail"]
    same = {"email": "LEE@example.org"} | ({"customer_id": 9} if kind == "postgres" else {})
    assert (await client.post("/api/customers", json=same)).status_code == 409
    assert (await client.delete("/api/media-types/1")).status_code == 409
    many = [{"track_id": 2, "unit_price": "1"}, {"track_id": 3, "unit_price": "999"}]
    refused = (await client.patch("/api/tracks", json=many)).json()
    assert (refused["type"], [one["pointer"] for one in refused["errors"]]) == ("/problems/KP422", ["/1"])


# --------------------------------------------------------------------------------------------------------- a web site


async def test_a_site_is_as_declared(site: Adopted) -> None:
    assert await site.differences() == []
    assert site.inspected.left == ()


async def test_a_site_is_read(site: Adopted, kind: Kind) -> None:
    get = site.client.get
    one, two = "018f2b6c-0000-7000-8000-000000000001", "018f2b6c-0000-7000-8000-000000000002"
    assert (await get(f"/api/shop-products/{one}?include=owner")).json() == {
        "id": one, "name": "Adze", "price": "12.50", "stock": 3, "attributes": {"grip": "ash", "sizes": [1, 2]},
        "weight": 1.5, "released": "2024-02-29", "lead_time": "P1D" if kind == "postgres" else 86_400_000_000,
        "opens": "08:30:00", "created": "2024-03-01T10:20:30Z", "state": "live", "from_": "10.0.0.7", "picture": "AP8=",
        "owner": {
            "id": 1, "last_login": None, "is_superuser": True, "username": "ada",
            "date_joined": "2024-03-01T10:20:30.500000Z",
        },
    }  # fmt: skip
    found = (
        await get("/api/shop-products?where=price > Decimal('12.5') and owner is None&sort=-created&fields=id")
    ).json()
    assert found["items"] == [{"id": two}]
    found = (await get("/api/auth-users/1?include=groups.permissions.content_type&fields=groups.name")).json()
    assert found["groups"][0]["permissions"][0]["content_type"]["model"] == "product"
    found = (await get("/api/shop-product-relateds?where=from_product.name == 'Adze'&include=to_product")).json()
    assert found["items"][0]["to_product"]["name"] == "Maul"
    assert (await get("/api/shop-profiles/1?include=user")).json()["user"]["username"] == "ada"


async def test_a_site_is_written(site: Adopted, kind: Kind) -> None:
    client = site.client
    new = {
        "id": "018f2b6c-0000-7000-8000-000000000003", "name": "Froe", "price": "1.10", "stock": 0, "attributes": [None],
        "created": "2025-01-02T03:04:05.000006+01:00", "state": "draft", "picture": "/w==", "opens": "07:00:00",
    }  # fmt: skip
    made = await client.post("/api/shop-products", json=new)
    assert (made.status_code, made.json()["created"]) == (201, "2025-01-02T02:04:05.000006Z")
    assert (await client.get(f"/api/shop-products/{new['id']}")).json() == made.json()
    stored = await site.sql("SELECT created FROM shop_product WHERE name = 'Froe'")
    if kind == "sqlite":
        assert stored == [("2025-01-02 02:04:05.000006",)]
    user = {"username": "eve", "password": "secret", "is_superuser": False, "date_joined": "2025-01-02T03:04:05Z"}
    made = await client.post("/api/auth-users", json={**user, "groups": [{"id": 1}]})
    assert made.status_code == 201
    assert "password" not in made.json()
    assert await site.sql(f"SELECT group_id FROM auth_user_groups WHERE user_id = {made.json()['id']}") == [(1,)]
    tagged = {"object_id": new["id"], "tag": "new", "content_type": {"id": 1}}
    assert (await client.post("/api/shop-taggeds", json=tagged)).json()["content_type"] == {"id": 1}


async def test_a_site_holds_to_what_only_the_database_knows(site: Adopted) -> None:
    client, one = site.client, "/api/shop-products/018f2b6c-0000-7000-8000-000000000001"
    assert (await client.patch(one, json={"released": None})).status_code == 422
    assert (await client.patch(one, json={"stock": -1})).json()["errors"][0]["pointer"] == "/stock"
    assert (await client.patch(one, json={"state": "lost"})).json()["errors"][0]["pointer"] == "/state"
    two = "/api/shop-products/018f2b6c-0000-7000-8000-000000000002"
    taken = await client.patch(two, json={"name": "Adze", "released": "2024-01-01", "state": "live"})
    assert taken.status_code == 409
    tagged = {"app_label": "shop", "model": "product"}
    taken = await client.post("/api/django-content-types", json=tagged)
    assert [error["pointer"] for error in taken.json()["errors"]] == ["/app_label", "/model"]
    # Of the constraints that are looked at when all is done: nothing is lost, and nobody else's write with it.
    assert (await client.delete("/api/auth-groups/1")).status_code == 409
    assert (await client.delete("/api/django-content-types/1")).status_code == 409
    assert await site.sql("SELECT count(*) FROM django_content_type") == [(1,)]


async def test_what_is_deleted_takes_along_what_the_database_says(site: Adopted) -> None:
    await site.sql("DELETE FROM auth_user_groups")
    assert (await site.client.delete("/api/auth-users/1")).status_code == 204
    assert await site.sql("SELECT owner_id FROM shop_product WHERE name = 'Adze'") == [(None,)]
    assert await site.sql("SELECT count(*) FROM shop_profile") == [(0,)]


# ------------------------------------------------------------------------------------------------------------ flights


async def test_flights_are_as_declared(flights: Adopted) -> None:
    assert await flights.differences() == []


async def test_flights_are_read_though_they_dangle(flights: Adopted) -> None:
    get = flights.client.get
    found = (await get("/api/flights/KP,1714,AAA,2013-01-01T10:00:00Z")).json()
    assert (found["airline"], found["distance"]) == ({"carrier": "KP"}, 1416)
    found = (await get("/api/flights?include=plane,dest,weather&sort=flight,time_hour&fields=flight")).json()
    shown = [
        (one["flight"], (one["plane"] or {}).get("seats"), (one["dest"] or {}).get("name")) for one in found["items"]
    ]
    assert shown == [(7, None, None), (7, 180, "Aldermoor"), (1545, 55, "Brackwater"), (1714, None, "Brackwater")]
    found = (await get("/api/flights?where=weather.temp > 39&fields=flight&sort=flight")).json()
    assert [one["flight"] for one in found["items"]] == [1545, 1714]
    found = (await get("/api/airlines?include=flights&where=len(flights) > 1&fields=name,flights.distance")).json()
    assert sorted(one["distance"] for one in found["items"][1]["flights"]) == [1089, 1089]
    found = (await get("/api/flights?group=airline.name&count=*&sum=distance")).json()
    assert sorted(tuple(one.values()) for one in found["items"]) == [("Kingpost Air", 2, 2816), ("Queenpost", 2, 2178)]


async def test_flights_are_written(flights: Adopted) -> None:
    client, one = flights.client, "/api/flights/QU,7,BBB,2013-01-02T12:00:00Z"
    assert (await client.patch(one, json={"dep_delay": 5})).json()["dep_delay"] == 5
    new = {
        "airline": {"carrier": "KP"}, "flight": 9, "origin": {"faa": "AAA"}, "time_hour": "2013-01-01T11:00:00Z",
        "plane": {"tailnum": "N1"},
    }  # fmt: skip
    assert (await client.post("/api/flights", json=new)).status_code == 201
    found = await flights.sql("SELECT tailnum, dep_delay FROM flights WHERE flight = 9 OR dep_delay = 5 ORDER BY 1")
    assert found == [("N1", None), ("N2", 5)]
    assert (await client.post("/api/flights", json=new)).status_code == 409
    assert "constrained=False" in flights.inspected.text
    assert (await client.delete(one)).status_code == 204
