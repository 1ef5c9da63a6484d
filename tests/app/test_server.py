"""The service as a process: where it listens, how it ends, and what only real sockets show."""

from __future__ import annotations

import json
import re
import socket
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx2
import pytest

from app.endings import WORK_LOST
from app.server import KEEP_ALIVE_SECONDS
from tests.app.serving import server_process

GreyPng = Callable[[int], bytes]
READY = re.compile(r"ready after \d+\.\d s: model signs version 1")


def until_status(url: str, status: int) -> httpx2.Response:
    """Asks until the answer has `status`; an error after 20 s."""
    for _ in range(400):
        if (response := httpx2.get(url)).status_code == status:
            return response
        time.sleep(0.05)
    raise AssertionError(f"{url} never answered {status}")


def read_all(connection: socket.socket) -> bytes:
    """What comes until the other side closes."""
    return b"".join(iter(lambda: connection.recv(65536), b""))


def request(picture: bytes) -> bytes:
    """A prediction asked for, as it goes over the wire."""
    head = f"POST /predict HTTP/1.1\r\nHost: x\r\nContent-Length: {len(picture)}\r\n\r\n"
    return head.encode() + picture


def test_it_says_where_it_listens_and_when_it_is_ready(grey_png: GreyPng) -> None:
    with server_process() as server:
        server.wait_for(READY)
        response = httpx2.post(f"{server.address}/predict", files={"file": grey_png(255)})
        assert response.json()["label"] == "5"
        assert "server" not in response.headers


def test_sigterm_not_ready_first_then_the_admitted_are_answered_then_exit_0(grey_png: GreyPng) -> None:
    with server_process(delay=1.5, drain_seconds=3) as server, ThreadPoolExecutor(1) as pool:
        server.wait_for(READY)
        url = server.address
        admitted = pool.submit(httpx2.post, f"{url}/predict", files={"file": grey_png(255)}, timeout=20)
        time.sleep(0.3)
        begun = time.monotonic()
        server.terminate()
        assert until_status(f"{url}/health/ready", 503).json()["reason"] == "draining"
        assert httpx2.get(f"{url}/health/live").status_code == 200
        assert admitted.result().json()["label"] == "5"
        assert server.end() == 0
        assert time.monotonic() - begun < 20


def test_a_second_signal_does_not_wait() -> None:
    with server_process(drain_seconds=600) as server:
        server.wait_for(READY)
        server.terminate()
        until_status(f"{server.address}/health/ready", 503)
        server.terminate()
        assert server.end() == WORK_LOST
        assert "a second signal" in server.lines[-1]


def test_a_second_signal_does_not_wait_for_the_network_either(grey_png: GreyPng) -> None:
    with server_process(delay=600, drain_seconds=0) as server, server.connect() as connection:
        server.wait_for(READY)
        connection.sendall(request(grey_png(0)))
        server.wait_until_busy()
        server.terminate()
        server.wait_for(re.compile("stopping"))
        server.terminate()
        assert server.end() == WORK_LOST


def test_the_end_is_bounded_even_where_the_network_hangs(grey_png: GreyPng) -> None:
    with server_process(delay=600, drain_seconds=0, shutdown_seconds=1) as server:
        server.wait_for(READY)
        with server.connect() as connection:
            connection.sendall(request(grey_png(0)))
            server.wait_until_busy()
            server.terminate()
            assert server.end() == WORK_LOST
    assert "not finished 1 s after the drain" in server.lines[-1]


def test_connections_are_let_go_while_it_drains() -> None:
    with server_process(drain_seconds=600) as server, httpx2.Client(base_url=server.address) as client:
        server.wait_for(READY)
        assert "connection" not in client.get("/health/live").headers
        server.terminate()
        until_status(f"{server.address}/health/ready", 503)
        assert client.get("/health/live").headers["connection"] == "close"


def test_a_broken_model_folder_is_told_and_the_process_lives(tmp_path: Path) -> None:
    with server_process("-m", "app", model_dir=tmp_path) as server:
        server.wait_for(re.compile(re.escape(str(tmp_path))))
        assert httpx2.get(f"{server.address}/health/live").status_code == 200
        assert str(tmp_path) in until_status(f"{server.address}/health/ready", 503).json()["reason"]
        server.terminate()
        assert server.end() == 0


def test_vertex_ai_chooses_the_port(grey_png: GreyPng) -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    with server_process(aip_http_port=port, aip_predict_route="/ask") as server:
        assert server.port == port
        assert httpx2.post(f"{server.address}/ask", content=grey_png(255)).json()["label"] == "5"


def test_a_taken_port_is_told_and_ends_it() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(AssertionError, match="address already in use"), server_process(port=port):
            pass


@pytest.mark.parametrize("framing", ["announced", "chunked"])
def test_a_client_that_still_sends_can_read_why_it_is_refused(framing: str) -> None:
    chunk = bytes(50_000)
    head = "POST /predict HTTP/1.1\r\nHost: x\r\nContent-Type: image/png\r\nConnection: close\r\n"
    with server_process(max_bytes=100_000) as server, server.connect() as connection:
        if framing == "announced":
            connection.sendall(f"{head}Content-Length: 150000\r\n\r\n".encode() + chunk * 3)
        else:
            connection.sendall(f"{head}Transfer-Encoding: chunked\r\n\r\n".encode())
            for _ in range(3):
                connection.sendall(b"c350\r\n" + chunk + b"\r\n")
            connection.sendall(b"0\r\n\r\n")
        answer = read_all(connection)
    assert answer.startswith(b"HTTP/1.1 413 ")
    assert b"connection: close" in answer.lower()
    assert b"at most 100000 bytes" in answer


def test_a_client_that_asks_first_is_refused_before_it_sends() -> None:
    with server_process(max_bytes=1000) as server, server.connect() as connection:
        connection.sendall(
            b"POST /predict HTTP/1.1\r\nHost: x\r\nContent-Type: image/png\r\n"
            b"Content-Length: 150000\r\nExpect: 100-continue\r\n\r\n"
        )
        answer = read_all(connection)
    assert answer.startswith(b"HTTP/1.1 413 ")
    assert b"100 Continue" not in answer


def test_connections_outlive_those_of_proxies() -> None:
    assert KEEP_ALIVE_SECONDS > 60
    with server_process() as server, server.connect() as connection:
        for pause in (0, 5.5):  # longer than uvicorn's own 5 s
            time.sleep(pause)
            connection.sendall(b"GET /health/live HTTP/1.1\r\nHost: x\r\n\r\n")
            answer = connection.recv(65536)
            while not answer.endswith(b"}"):
                answer += connection.recv(65536)
            assert answer.startswith(b"HTTP/1.1 200 ")


@pytest.mark.parametrize(("trusted", "seen"), [("", "127.0.0.1"), ("127.0.0.1", "203.0.113.7")])
def test_a_forwarded_address_is_believed_from_trusted_proxies_only(trusted: str, seen: str) -> None:
    with server_process(trusted_proxies=trusted, log_format="json") as server:
        header = {"X-Forwarded-For": "198.51.100.1, 203.0.113.7", "X-Request-ID": "one"}
        httpx2.get(f"{server.address}/health/live", headers=header)
        server.terminate()
        assert server.end() == 0
    lines = [json.loads(line) for line in server.lines]
    (logged,) = [line for line in lines if line["request_id"] == "one"]
    assert (logged["client"], logged["route"], logged["status"]) == (seen, "/health/live", 200)


def test_a_root_path_is_in_every_link_but_not_in_the_routes() -> None:
    with server_process(root_path="/signs") as server:
        page = httpx2.get(f"{server.address}/").text
        assert 'href="/signs/static/page.css"' in page
        assert httpx2.get(f"{server.address}/static/page.css").status_code == 200
        description = httpx2.get(f"{server.address}/openapi.json").json()
        assert description["servers"] == [{"url": "/signs"}]
        assert httpx2.get(f"{server.address}/v2/nothing").json().keys() == {"error"}
