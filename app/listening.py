"""The sockets that several processes listen on together, made once by their parent."""

from __future__ import annotations

import errno
import socket
from contextlib import ExitStack
from typing import Any, Final

from app.settings import Settings

BACKLOG: Final = 2048  # connections that may wait to be accepted, as many as uvicorn lets
NOT_HERE: Final = {errno.EADDRNOTAVAIL, errno.EAFNOSUPPORT}


def listen(host: str, port: int) -> list[socket.socket]:
    """Listens at every address of `host`; as port 0 stands for a free one, the same at all addresses.

    Raises `OSError` where the port is taken, or no address is this machine's.
    """
    listeners: list[socket.socket] = []
    refusals: list[OSError] = []
    with ExitStack() as opened:
        for family, address in _addresses(host, port):
            try:
                listener = opened.enter_context(_bound(family, (address[0], port, *address[2:])))
            except OSError as error:
                # A name may stand for addresses that this machine lacks, as `localhost` does for `::1`.
                if error.errno not in NOT_HERE:
                    raise
                refusals.append(error)
            else:
                port = listener.getsockname()[1]
                listener.listen(BACKLOG)
                listeners.append(listener)
        if not listeners:
            raise refusals[0]
        opened.pop_all()
    return listeners


def reserve(host: str, port: int) -> socket.socket:
    """Keeps a port (0: any free one) for processes of this user that listen there with a socket each.

    It does not listen itself. Raises `OSError` where the port is taken.
    """
    family, address = _addresses(host, port)[0]
    # Bound as nobody shares it first, or another service that shares its port would go unseen.
    with _bound(family, address) as alone:
        taken = alone.getsockname()
    return _bound(family, taken, shared=True)


def url_of(address: tuple[Any, ...], settings: Settings) -> str:
    """Where a service is asked that listens at a socket's `address`."""
    host, port = address[:2]
    scheme = "https" if settings.tls_cert else "http"
    return f"{scheme}://{f'[{host}]' if ':' in host else host}:{port}{settings.root_path}"


def _addresses(host: str, port: int) -> list[tuple[socket.AddressFamily, Any]]:
    """As the event loop would find them: an empty host stands for all addresses."""
    found = socket.getaddrinfo(host or None, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
    return list(dict.fromkeys((family, address) for family, _, _, _, address in found))


def _bound(family: socket.AddressFamily, address: Any, shared: bool = False) -> socket.socket:
    bound = socket.socket(family, socket.SOCK_STREAM)
    try:
        bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if family == socket.AF_INET6:
            bound.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        if shared:
            bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        bound.bind(address)
    except BaseException:
        bound.close()
        raise
    return bound
