"""Each service starts, answers, and is gone afterwards."""

from __future__ import annotations

import os
import socket
import subprocess
from pathlib import Path

import asyncpg
import pytest
from playwright.async_api import Browser, Page

from tests.services.browser import browser as chromium
from tests.services.browser import find_chromium
from tests.services.mariadb import mariadb
from tests.services.mongo import mongo
from tests.services.ports import free_port
from tests.services.postgres import PostgresServer, postgres
from tests.services.redis import redis


def alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


def children(pid: int) -> set[int]:
    found = subprocess.run(["ps", "-o", "pid=", "--ppid", str(pid)], capture_output=True, text=True, check=False).stdout
    return {int(child) for child in found.split()}


def test_a_free_port_can_be_bound() -> None:
    with socket.socket() as server:
        server.bind(("127.0.0.1", free_port()))


def test_postgres_leaves_nothing_behind() -> None:
    with postgres(max_connections="20") as server:
        assert server.pid is not None
        pids = {server.pid} | children(server.pid)
        home = Path(server._home)
        assert server.sql("SHOW server_version").startswith("18.")
        assert server.sql("SHOW max_connections") == "20"
        assert server.sql("SHOW listen_addresses") == "127.0.0.1"
        assert len(pids) > 1
        assert all(map(alive, pids))
    assert server.pid is None
    assert not any(map(alive, pids))
    assert not home.exists()


def test_postgres_keeps_its_data_over_restart_and_crash() -> None:
    with postgres() as server:
        url = server.create_database()
        server.sql("CREATE TABLE t (n int); INSERT INTO t VALUES (1)", url)
        server.restart()
        assert server.sql("SELECT n FROM t", url) == "1"
        server.sql("INSERT INTO t VALUES (2)", url)
        server.kill()
        server.start()
        assert server.sql("SELECT count(*) FROM t", url) == "2"


def test_postgres_says_why_it_does_not_start() -> None:
    with pytest.raises(RuntimeError, match="no_such_setting"), postgres(no_such_setting="1"):
        pass


def test_mongo_leaves_nothing_behind() -> None:
    with mongo() as server:
        if server.pid is not None:  # a server elsewhere stays
            pid, home = server.pid, Path(server._home)
            assert alive(pid)
        with server.client() as client:
            assert client.admin.command("ping")["ok"] == 1
    assert server.pid is None
    if not server.elsewhere:
        assert not alive(pid)
        assert not home.exists()


def test_mongo_says_why_it_does_not_start() -> None:
    with pytest.raises(RuntimeError, match="no-such-option"), mongo("--no-such-option"):
        pass


def test_mariadb_keeps_its_data_over_restart_and_crash_and_leaves_nothing_behind() -> None:
    with mariadb(max_connections="20") as server:
        pid, home, url = server.pid, server._home, server.create_database()
        assert pid is not None
        assert server.sql("SELECT @@max_connections") == "20"
        server.sql("CREATE TABLE t (n int); INSERT INTO t VALUES (1)", url)
        server.restart()
        assert server.sql("SELECT n FROM t", url) == "1"
        server.sql("INSERT INTO t VALUES (2)", url)
        server.kill()
        server.start()
        assert server.sql("SELECT count(*) FROM t", url) == "2"
        last = server.pid
        assert last is not None
    assert not any(map(alive, (pid, last)))
    assert not home.exists()


def test_mariadb_says_why_it_does_not_start() -> None:
    with pytest.raises(RuntimeError, match="no-such-setting"), mariadb(no_such_setting="1"):
        pass


def test_redis_leaves_nothing_behind() -> None:
    with redis() as server:
        assert server.pid is not None
        pid, home = server.pid, Path(server._home)
        assert alive(pid)
        server.kill()
        server.start()
        last = server.pid
        assert last is not None
    assert not any(map(alive, (pid, last)))
    assert not home.exists()


def test_redis_says_why_it_does_not_start() -> None:
    with pytest.raises(RuntimeError, match="no-such-setting"), redis(no_such_setting="1"):
        pass


def test_sql_errors_are_raised_with_their_message(postgres_server: PostgresServer) -> None:
    with pytest.raises(subprocess.CalledProcessError) as caught:
        postgres_server.sql("SELECT nonsense")
    assert "nonsense" in caught.value.__notes__[0]


async def test_a_database_is_new_and_compares_text_by_code_point(postgres_url: str) -> None:
    connection = await asyncpg.connect(postgres_url)
    try:
        assert await connection.fetch("SELECT 1 FROM pg_class WHERE relnamespace = 'public'::regnamespace") == []
        assert await connection.fetchval("SHOW server_encoding") == "UTF8"
        letters = await connection.fetch("SELECT c FROM unnest('{a,B,ä,b}'::text[]) c ORDER BY c")
        assert [letter["c"] for letter in letters] == ["B", "a", "b", "ä"]
    finally:
        await connection.close()


def test_each_database_is_another(postgres_server: PostgresServer, postgres_url: str) -> None:
    other = postgres_server.create_database()
    assert other != postgres_url
    postgres_server.drop_database(other)


async def test_the_browser_shows_a_page(page: Page) -> None:
    await page.set_content("<h1>Kingpost</h1>")
    assert await page.inner_text("h1") == "Kingpost"


async def test_the_browser_reaches_this_machine_only(browser: Browser) -> None:
    elsewhere = await browser.new_page()
    with pytest.raises(Exception, match="ERR_NAME_NOT_RESOLVED"):
        await elsewhere.goto("http://kingpost.test/")
    await elsewhere.close()


async def test_tests_without_a_browser_keep_a_loop_of_their_own() -> None:
    """The browser's loop, still open now, must not be in the way of other tests."""


@pytest.mark.skipif(find_chromium() is None, reason="there is no Chromium on this machine")
async def test_the_browser_leaves_nothing_behind() -> None:
    before = children(os.getpid())
    async with chromium() as running:
        started = children(os.getpid()) - before
        started |= {grandchild for child in started for grandchild in children(child)}
        assert running.is_connected()
        assert len(started) > 1
    assert not any(map(alive, started))
