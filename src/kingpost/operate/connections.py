"""How connections are taken: how many, and how long one may be held that does nothing.

What comes in slowly behind the headers is the application's own to end (`kingpost.protect`); what does not go out is
ended by the system, which alone knows whether the client takes it.
"""

from __future__ import annotations

import os
import socket
from typing import Any, Final

SLOW: Final = 7
"""Seconds in which headers have to come, and some of an answer has to be taken; so long a connection may be idle."""
CONNECTIONS: Final = 2000
"""How many a worker has at once; more wait in line."""


def serve_in_worker(worker: int, name: str | None, load: Any, listening: Any, *rest: Any) -> None:
    """What Granian runs in a worker, with its socket made beforehand: connections have its options from the start."""
    from granian.server.mp import MPServer

    (address, held), shared = listening
    if address is not None and hasattr(socket, "TCP_USER_TIMEOUT"):
        held = address.build()
        with socket.socket(fileno=os.dup(held.get_fd())) as ours:
            # How long what was sent may go unacknowledged, and the client's window stay shut (RFC 5482; tcp(7)).
            ours.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, SLOW * 1000)
        address = None
    serve = MPServer._spawn_asgi_lifespan_worker  # pyright: ignore[reportPrivateUsage]
    serve(worker, name, load, ((address, held), shared), *rest)
