"""Sockets that several processes listen on: at every address of a host, at one port, never at a taken one."""

from __future__ import annotations

import socket
from collections.abc import Callable
from contextlib import ExitStack, closing

import pytest

from app.listening import listen, reserve, url_of
from app.settings import Settings


def addresses(host: str, monkeypatch: pytest.MonkeyPatch, *found: str) -> None:
    """Lets `host` stand for some addresses."""
    told = [
        (socket.AF_INET6 if ":" in each else socket.AF_INET, socket.SOCK_STREAM, 6, "", (each, 0))
        for each in found
    ]
    monkeypatch.setattr(socket, "getaddrinfo", lambda name, *_, **__: told if name == host else [])


def test_whoever_connects_waits_to_be_accepted() -> None:
    with closing(listen("127.0.0.1", 0)[0]) as listener:
        port = listener.getsockname()[1]
        with socket.create_connection(("127.0.0.1", port)), listener.accept()[0] as accepted:
            assert accepted.getsockname()[1] == port


def test_a_name_with_several_addresses_has_one_port(monkeypatch: pytest.MonkeyPatch) -> None:
    addresses("both", monkeypatch, "127.0.0.1", "127.0.0.2")
    with ExitStack() as stack:
        one, two = (stack.enter_context(each) for each in listen("both", 0))
        assert (one.getsockname()[0], two.getsockname()[0]) == ("127.0.0.1", "127.0.0.2")
        assert one.getsockname()[1] == two.getsockname()[1] > 0


def test_addresses_of_others_are_passed_over_unless_there_is_no_other(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    addresses("mixed", monkeypatch, "192.0.2.1", "127.0.0.1")
    with ExitStack() as stack:
        (listener,) = (stack.enter_context(each) for each in listen("mixed", 0))
        assert listener.getsockname()[0] == "127.0.0.1"
    addresses("foreign", monkeypatch, "192.0.2.1")
    with pytest.raises(OSError, match="assign requested address"):
        listen("foreign", 0)


@pytest.mark.parametrize("bind", [listen, reserve])
def test_a_taken_port_is_refused(bind: Callable[[str, int], object]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken, pytest.raises(OSError, match="already in use"):
        bind("127.0.0.1", taken.getsockname()[1])


def test_what_could_be_had_before_a_refusal_is_given_back(monkeypatch: pytest.MonkeyPatch) -> None:
    addresses("both", monkeypatch, "127.0.0.2", "127.0.0.1")
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(OSError, match="already in use"):
            listen("both", port)
        socket.create_server(("127.0.0.2", port)).close()


def test_a_kept_port_is_listened_on_by_several_and_by_no_other_service() -> None:
    with reserve("127.0.0.1", 0) as kept, ExitStack() as stack:
        port = kept.getsockname()[1]
        for _ in range(2):
            shared = stack.enter_context(socket.socket())
            shared.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
            shared.bind(("127.0.0.1", port))
            shared.listen()
        for bind in (listen, reserve):  # as another service would, one that shares its port too
            with pytest.raises(OSError, match="already in use"):
                bind("127.0.0.1", port)


@pytest.mark.parametrize(
    ("address", "prefix", "url"),
    [
        (("127.0.0.1", 80), "", "http://127.0.0.1:80"),
        (("::1", 8000, 0, 0), "/signs", "http://[::1]:8000/signs"),
    ],
)
def test_the_address_is_one_that_can_be_opened(address: tuple[object, ...], prefix: str, url: str) -> None:
    assert url_of(address, Settings(root_path=prefix)) == url
