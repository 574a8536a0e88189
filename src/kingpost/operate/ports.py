"""Whether a server may listen at an address."""

from __future__ import annotations

import errno
import socket

from kingpost.operate.failure import Failure

NEXT = 100
"""How many ports are tried for one that is free."""


def require_free(host: str, port: int) -> None:
    """Raise `Failure` where nobody can listen: KC006 with a port that is free, or KC007."""
    fault = _fault(host, port)
    if fault is None:
        return
    if fault.errno == errno.EADDRINUSE:
        free = next((one for one in range(port + 1, min(port + NEXT, 65536)) if _fault(host, one) is None), None)
        remedy = "stop the process that listens there" + (f", or take --port {free}" if free else "")
        raise Failure("KC006", f"port {port} of {host} is taken", remedy)
    remedy = "a port from 1024 on" if fault.errno == errno.EACCES else "--host 127.0.0.1, or --host 0.0.0.0 for all"
    raise Failure("KC007", f"nobody can listen at {host}, port {port}: {fault.strerror or fault}", remedy)


def _fault(host: str, port: int) -> OSError | None:
    """Try to listen. The servers share their port among workers, so they would not notice another one by themselves."""
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        with socket.socket(family, kind, protocol) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind(address)
            probe.listen(1)
    except OSError as error:
        return error
    return None
