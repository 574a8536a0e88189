"""A MongoDB server of one's own.

`KINGPOST_TEST_MONGO` names what is tested: the path of a `mongod`, which is run as a replica set of one, or the URL of
a server that runs already. Where it names nothing, SecantusDB is run, which speaks the same protocol. It is licensed
under the GPL: it is a program beside the tests, and nothing here imports it.
"""

from __future__ import annotations

import os
import secrets
import socket
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from pymongo import MongoClient
from pymongo.errors import PyMongoError

from .process import ServerProcess

TOLD = os.environ.get("KINGPOST_TEST_MONGO", "")


class MongoServer(ServerProcess):
    """One server and its data, in a directory that goes away with it. Times are in seconds.

    Args:
        password: Ask for a password: the user is `kingpost`.
        options: Further arguments of the program.
    """

    kind = "Mongo"

    def __init__(self, *options: str, password: str = "") -> None:
        super().__init__()
        self.password = password
        self._elsewhere = TOLD if "://" in TOLD and not options and not password else ""
        self._options = list(options)
        self._databases = 0

    @property
    def elsewhere(self) -> bool:
        """Whether it is a server that runs already."""
        return bool(self._elsewhere)

    def url(self, database: str, password: str = "") -> str:
        """The address of a database."""
        if self._elsewhere:
            parts = urlsplit(self._elsewhere)
            return parts._replace(path=f"/{database}").geturl()
        user = f"kingpost:{password or self.password}@" if password or self.password else ""
        source = "?authSource=admin" if user else ""
        return f"mongodb://{user}127.0.0.1:{self.port}/{database}{source}"

    def start(self, timeout: float = 60) -> None:
        """Start the server and return when it takes writes."""
        if self._process or self._elsewhere:
            return
        if self.password and not (self._home / "data").exists():
            self._launch(self._command(), timeout)
            with self._client("") as client:
                roles = ["root"]
                client.admin.command("createUser", "kingpost", pwd=self.password, roles=roles)
            self.stop()
        self._launch([*self._command(), *(["--auth"] if self.password else [])], timeout)

    def create_database(self) -> str:
        """The URL of a new, empty database."""
        self._databases += 1
        return self.url(f"test_{secrets.token_hex(4)}_{self._databases}")

    def drop_database(self, url: str) -> None:
        """Drop a database made by `create_database`; on a server of one's own they all go with it."""
        if not self._elsewhere:
            return
        with self._client(self.password) as client:
            client.drop_database(urlsplit(url).path[1:])

    def client(self) -> MongoClient[dict[str, Any]]:
        """A client that waits for its answers, to look behind a store's back; to be closed."""
        return self._client(self.password)

    def _client(self, password: str) -> MongoClient[dict[str, Any]]:
        address = (
            self.url("admin", password) if password else self.url("admin").replace(f"kingpost:{self.password}@", "")
        )
        return MongoClient(address, serverSelectionTimeoutMS=1000, directConnection=not self._elsewhere)

    def _command(self) -> list[str]:
        data = self._home / "data"
        data.mkdir(exist_ok=True)
        told = self._options
        if TOLD and "://" not in TOLD:
            command = [TOLD, "--dbpath", str(data), "--port", str(self.port), "--bind_ip", "127.0.0.1"]
            command += [] if "--standalone" in told else ["--replSet", "kingpost"]
            told = [one for one in told if one != "--standalone"]
        else:
            command = [str(Path(sys.executable).parent / "secantusd-py"), "--host", "127.0.0.1"]
            command += ["--port", str(self.port), "--storage-path", str(data), "--sync-on-commit"]
            command += ["--log-level", "WARNING", "--cache-size", "128M"]
        return [*command, *told]

    def _is_ready(self) -> bool:
        with socket.socket() as probe:  # a client that is refused leaves sockets behind for a while
            if probe.connect_ex(("127.0.0.1", self.port)) != 0:
                return False
        try:
            with self._client("") as client:
                said = client.admin.command("hello")
                if said.get("isreplicaset"):  # a mongod that was never told of its replica set
                    members = [{"_id": 0, "host": f"127.0.0.1:{self.port}"}]
                    client.admin.command("replSetInitiate", {"_id": "kingpost", "members": members})
                return bool(said.get("isWritablePrimary"))
        except PyMongoError:
            return False


@contextmanager
def mongo(*options: str, password: str = "") -> Iterator[MongoServer]:
    """A running server for the length of the block."""
    server = MongoServer(*options, password=password)
    try:
        server.start()
        yield server
    finally:
        server.remove()
