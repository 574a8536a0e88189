"""`kingpost serve`, with real processes."""

from __future__ import annotations

import socket
import time
from pathlib import Path

import pytest

from tests.cli.running import kingpost, serving

SITE = """
@app.get("/")
async def home() -> dict[str, str]:
    return {"version": "one"}
"""


@pytest.fixture
def site(project: Path) -> Path:
    """A project with a page at /."""
    with (project / "app.py").open("a") as file:
        file.write(SITE)
    return project


def test_addresses_tables_and_requests_are_shown(site: Path) -> None:
    with serving(site) as served:
        served.wait()
        assert served.ask("/") == (200, {"version": "one"})
        for line in (f"Site  {served.url}/\n", f"API   {served.url}/api\n", f"Docs  {served.url}/api/docs\n"):
            assert line in served.printed
        assert "created 4 tables: author" in served.printed
        served.wait_for("200  GET /")


def test_a_change_reloads_and_a_broken_one_waits_for_the_next(site: Path) -> None:
    code = (site / "app.py").read_text()
    with serving(site) as served:
        served.wait("/")
        (site / "app.py").write_text(code.replace('"one"', '"two"'))
        served.wait_for("Reloaded.")
        _until(lambda: served.ask("/")[1], {"version": "two"})

        (site / "app.py").write_text(code.replace("self.author == me", "self.authr == me"))
        served.wait_for("did you mean 'author'?")
        served.wait_for("Stopped until a file changes.")
        assert served.process.poll() is None

        wider = code.replace('"one"', '"three"').replace("name: str", "born: int | None = None\n    name: str")
        (site / "app.py").write_text(wider)
        served.wait_for("added column born to table author")
        _until(lambda: served.ask("/")[1], {"version": "three"})
        assert served.ask("/api/authors", "POST", {"name": "Ada", "born": 1815})[0] == 201
        assert "Traceback" not in served.printed
        assert served.interrupt() == 0


COLLECTOR = """
import gc
{said}
@app.get("/collector")
async def collector() -> dict[str, object]:
    return {{"left_out": gc.get_freeze_count(), "threshold": gc.get_threshold()[0], "on": gc.isenabled()}}
"""


@pytest.mark.parametrize(
    ("said", "threshold", "on"),
    [("", 20_000, True), ("gc.set_threshold(500)", 500, True), ("gc.disable()", 20_000, False)],
)
def test_the_collector_leaves_out_what_stays_and_an_application_may_say_otherwise(
    project: Path, said: str, threshold: int, on: bool
) -> None:
    with (project / "app.py").open("a") as file:
        file.write(COLLECTOR.format(said=said))
    with serving(project, "--production") as served:
        served.wait()
        status, told = served.ask("/collector")
        assert status == 200
        assert told["left_out"] > 50_000  # what is imported
        assert (told["threshold"], told["on"]) == (threshold, on)


def test_a_database_that_grows_does_not_reload(site: Path) -> None:
    with serving(site) as served:
        served.wait()
        for number in range(20):
            served.ask("/api/authors", "POST", {"name": f"Author {number}"})
        time.sleep(0.5)
        assert "Reloaded" not in served.printed


@pytest.mark.parametrize("arguments", [(), ("--production",), ("--workers", "2")])
def test_an_interrupt_ends_it_at_once_and_cleanly(site: Path, arguments: tuple[str, ...]) -> None:
    kingpost("db", "sync", folder=site)
    with serving(site, *arguments) as served:
        served.wait()
        began = time.monotonic()
        assert served.interrupt() == 0
        assert time.monotonic() - began < 5
        assert "Traceback" not in served.printed
        assert "rror" not in served.printed


def test_several_workers_share_cursors(project: Path) -> None:
    with serving(project, "--workers", "2") as served:
        served.wait()
        assert "2 workers" in served.printed
        for number in range(40):
            assert served.ask("/api/authors", "POST", {"name": f"Author {number:02}"})[0] == 201
        names: list[str] = []
        after: str | None = ""
        while after is not None:  # each request goes to the worker that comes first
            status, page = served.ask("/api/authors?sort=name&limit=2" + (f"&after={after}" if after else ""))
            assert status == 200, page
            names += [one["name"] for one in page["items"]]
            after = page["next"]
        assert names == [f"Author {number:02}" for number in range(40)]


def test_a_port_that_is_taken_is_told_with_one_that_is_free(project: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        told = kingpost("serve", "--port", str(port), folder=project, status=1).stderr
        assert f"KC006 port {port} of 127.0.0.1 is taken" in told
        assert "--port" in told
    with serving(project) as served:
        served.wait()
        again = kingpost("serve", "--port", served.url.rpartition(":")[2], folder=project, status=1)
        assert "KC006" in again.stderr


def test_an_address_of_another_machine_is_refused(project: Path) -> None:
    assert "KC007" in kingpost("serve", "--host", "192.0.2.1", folder=project, status=1).stderr


def test_production_leaves_tables_alone_and_says_so(project: Path) -> None:
    with serving(project, "--production") as served:
        served.wait()
        assert "is behind: missing 4 tables: author" in served.printed
        assert "kingpost db sync app:app" in served.printed
        assert served.ask("/api/authors")[0] == 503
    kingpost("db", "sync", folder=project)
    with serving(project, "--production") as served:
        served.wait()
        assert "KC105" not in served.printed
        assert served.ask("/api/authors")[0] == 200


def test_a_number_that_is_no_port_is_refused(project: Path) -> None:
    told = kingpost("serve", "--port", "99999", folder=project, status=2).stderr
    assert "KC007" in told
    assert "65535" in told


def test_a_store_that_is_down_is_told(project: Path) -> None:
    code = (project / "app.py").read_text()
    (project / "app.py").write_text(code.replace("sqlite:///blog.db", "postgresql://ada:secret@127.0.0.1:1/blog"))
    told = kingpost("serve", "--port", "0", folder=project, status=1).stderr
    assert "KC009" in told
    assert "secret" not in told


def test_what_differs_and_can_not_be_added_is_shown(project: Path) -> None:
    kingpost("db", "sync", folder=project)
    code = (project / "app.py").read_text()
    (project / "app.py").write_text(
        code.replace("name: str = field(", "name: int = field(").replace(", max_length=80", "")
    )
    with serving(project) as served:
        served.wait()
        assert "KC106" in served.printed


def test_a_database_that_is_behind_is_served_as_far_as_it_goes(project: Path) -> None:
    kingpost("db", "sync", folder=project)
    with serving(project) as served:
        served.wait()
        assert served.ask("/api/authors", "POST", {"name": "ada"})[0] == 201
    code = (project / "app.py").read_text()
    (project / "app.py").write_text(
        code.replace("    name: str = field(", "    code: int = field(index=True)\n    name: str = field(", 1)
    )
    with serving(project) as served:
        served.wait()
        assert "KC106" in served.printed
        assert "column code is declared as integer and is missing" in served.printed
        assert "answers 503 (KP504) until then; `kingpost db diff app:app` shows" in " ".join(served.printed.split())
        assert served.ask("/api/authors")[0] == 503
    assert "refused" in kingpost("db", "sync", folder=project, status=1).stdout


def _until(ask: object, wanted: object, seconds: float = 20) -> None:
    deadline = time.monotonic() + seconds
    while True:
        try:
            found = ask()  # type: ignore[operator]
        except OSError:
            found = None
        if found == wanted:
            return
        assert time.monotonic() < deadline, found
        time.sleep(0.05)
