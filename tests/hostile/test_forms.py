"""Values in queries and paths have one form each, that of bodies: no second reading for another parser to have."""

from __future__ import annotations

from urllib.parse import quote

import pytest

from tests.doors.rest.client import Client
from tests.hostile.conftest import Siege

pytestmark = pytest.mark.asyncio(loop_scope="module")

FORMS: dict[str, tuple[list[str], list[str]]] = {
    "parts?number": (
        ["0", "1", "-1", "9223372036854775807", "-9223372036854775808"],
        ["", "٤", "３", " 1", "1 ", "\n1", "01", "-0", "00", "+1", "1_0", "0x1", "1.0", "1e0", "--1", "9" * 400,
         "9223372036854775808", "-9223372036854775809", "NaN", "null", "true", "½", "²"],
    ),
    "relics?weight": (
        ["0", "-0", "-0.0", "1.5", "1e0", "1E5", "1e-400", "1.7976931348623157e308"],
        ["", "٤", " 1", "01", "+1", "1_0.0", "1.", ".5", "0x1", "nan", "NaN", "inf", "Infinity", "1e999", "1E400",
         "-1e999",
         "9" * 400, "1e" + "9" * 50, "1e0x"],
    ),
    "relics?price": (
        ["0", "1.50", "-0", "-0.00", "9999999999.99"],
        ["", "٤", " 1", "+1", "1_0", "1.", ".5", "1e2", "1E5", "NaN", "sNaN", "Infinity", "9" * 50, "½"],
    ),
    "relics?real": (["true", "false"], ["", "True", "TRUE", "1", "0", "yes", "on", "true ", "null"]),
    "relics?size": (["1", "3"], ["", "01", "1.0", "１", " 1", "4", "True"]),
    "relics?mood": (["good"], ["", "Good", "good ", "good,bad", "ｇood"]),
    "relics?grade": (["p"], ["", "P", "private", "Grade.private"]),
    "relics?made": (
        ["2020-02-29", "0001-01-01", "9999-12-31"],
        ["", "2020-2-29", "20200229", "2020-W01-1", "2021-02-29", "２020-02-29", "2020-02-29T00:00:00Z", "0000-01-01",
         "10000-01-01", "-2020-01-01", "1580000000", "today"],
    ),
    "relics?opens": (
        ["08:30:00", "08:30:00.123456"],
        ["", "8:30:00", "083000", "08:30:00Z", "08:30:00+00:00", "08:30:00.1234567", "24:00:00", "08:30:60"],
    ),
    "relics?lasts": (
        ["PT5H", "P5D", "P1W", "-PT5H", "PT0.5S", "P1DT2H3M4S"],
        ["", "P", "PT", "P1Y", "P1M", "P1DT", "pt5h", "18000", "PT-5H", "PT1.5H", "P99999999999D", "PT1e9S", "P٤D"],
    ),
    "relics?seen": (
        ["2026-01-01T00:00:00Z", "2026-01-01t00:00:00z", "2026-01-01T01:30:00+01:30", "2026-01-01T00:00:00.5-00:00"],
        ["", "2026-01-01", "2026-01-01T00:00:00", "1767225600", "2026-01-01T00:00:00+00", "20260101T000000Z", "now",
         "2026-01-01T24:00:00Z", "2026-01-01T00:00:60Z", "2026-01-01T00:00:00.1234567Z", "2026-01-01T00:00Z",
         "2026-01-01T00:00:00+99:99", "0001-01-01T00:00:00+23:59", "9999-12-31T23:59:59-23:59"],
    ),
    "relics?mark": (
        ["00000000-0000-0000-0000-000000000005", "01936F2E-8A4B-7C1D-9E2F-3A4B5C6D7E8F"],
        ["", "00000000000000000000000000000005", "{00000000-0000-0000-0000-000000000005}", "0-0-0-0-5", "5",
         "urn:uuid:00000000-0000-0000-0000-000000000005", "00000000-0000-0000-0000-000000000005 "],
    ),
    "relics?raw": (["", "AP8=", "aGk="], ["AP8", "AP_-", "AP 8=", "AP8=\n", "====", "QQ==Q", "é"]),
}  # fmt: skip


@pytest.mark.parametrize("parameter", FORMS)
async def test_a_value_is_read_in_one_form(siege: Siege, parameter: str) -> None:
    taken, refused = FORMS[parameter]
    name = parameter.partition("?")[2]
    for value in taken:
        await siege.ben("GET", f"/api/{parameter}={quote(value)}", status=200)
        await siege.ben("GET", f"/api/{parameter}[in]={quote(value)}", status=200)
    for value in refused:
        reply = await siege.ben("GET", f"/api/{parameter}={quote(value)}", status=400)
        assert reply.pointers == [f"?{name}"], value
        assert reply.json["errors"][0]["code"] == "KP112"


async def test_what_is_answered_can_be_asked_for(siege: Siege) -> None:
    row = (await siege.ben("GET", f"/api/relics/{siege.treasure.relic.id}", status=200)).json
    for name in ("name", "weight", "price", "grade", "size", "mood", "made", "opens", "lasts", "seen", "mark", "raw"):
        found = await siege.ben("GET", f"/api/relics?{name}={quote(str(row[name]))}", status=200)
        assert row["id"] in [each["id"] for each in found.json["items"]], name


KEYS: dict[str, tuple[list[str], list[str]]] = {
    "coins": (
        ["1", "%31"],
        ["01", "-0", "+1", "1_0", "%2531", "1%20", "%201", "1.0", "1e0", "1%00", "1%0a", "%D9%A4", "%EF%BC%91",
         "9" * 400,
         "0x1", "1;x=1", "1,", ",1", "true", "null", "%", "%zz"],
    ),
    "runes": (
        ["plain", "plai%6E", "a%2Fb", "c%2Cd%2520", "c,d%2520"],
        ["PLAIN", "a%252Fb", "plain%00", "pla%C4%B1n", "%ff", "%C0%AF", "%ED%A0%80", "%", "%zz", ".", "..",
         "%2E%2E", "-",
         "plain%20", "%20plain", "p%6lain", "plain%0d%0a", "a" * 5_000, "%F4%90%80%80", "cafe%CC%81"],
    ),
    "seats": (
        ["A%2C1,0", "A%2c1,0"],
        ["A,1,0", "A%2C1%2C0", "A%252C1,0", "A%2C1,00", "A%2C1,%D9%A0", "A%2C1;0", "A%2C1", ",0", "A%2C1,", ","],
    ),
    "sittings": (
        ["A%2C1,0,2026-05-01"],
        ["A%2C1,0,2026-5-1", "A%2C1,0", "A%2C1,0,", "A%2C1,0,2026-05-01,", "A%2C1,0,2026-05-01T00:00:00Z"],
    ),
}  # fmt: skip


@pytest.mark.parametrize("path", KEYS)
async def test_a_row_has_one_address(siege: Siege, path: str) -> None:
    """But for what may be percent-encoded: else what is guarded by an address could be reached by another."""
    taken, refused = KEYS[path]
    for key in taken:
        await siege.ben("GET", f"/api/{path}/{key}", status=200)
    for key in refused:
        for method in ("GET", "DELETE"):
            reply = await siege.ben(method, f"/api/{path}/{key}", status=404)
            assert reply.json["type"] in ("/problems/KP404", "/problems/KP150")


async def test_keys_that_are_uuids(siege: Siege) -> None:
    key = str(siege.treasure.relic.id)
    for text in (key, key.upper(), key.replace("-", "%2D")):
        await siege.ben("GET", f"/api/relics/{text}", status=200)
    braced = f"%7B{key}%7D"
    for text in (key.replace("-", ""), braced, f"urn:uuid:{key}", f"{key}%20", key[:-1], f"{key}0", key[:-1] + "g"):
        await siege.ben("GET", f"/api/relics/{text}", status=404)


@pytest.mark.parametrize(
    "path",
    ["/api/RELICS", "/api//relics", "/api/./relics", "/api/x/../relics", "/api/%2e%2e/api/relics", "/api/relics;x=1",
     "/api/relics%3F", "/api/relics%2F", "/api/%72elics", "/api/relics%00", "/api/-/relics", "/api/relics//",
     "/api/", "/api", "/API/relics", "/api/_repeats.main", "/api/_Relic.kin", "/api/relics/-/",
     "/api/relics/-/nothing",
     "/api/" + "a/" * 3_000, "/problems/../api/relics", "/problems/KP1", "/problems/%4bP404", "/api/openapi.json/"],
)  # fmt: skip
async def test_addresses_that_are_none(siege: Siege, path: str) -> None:
    if siege.app.rest.matches(path) or path.startswith("/api/"):
        await siege.ben("GET", path, status=404)
    else:  # FastAPI answers
        assert (await Client(siege.app)("GET", path)).status == 404
