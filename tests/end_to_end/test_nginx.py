"""The example of a proxy with TLS, run: nginx in front of a service that trusts it and nobody else."""

from __future__ import annotations

import json
import re
import shutil
import socket
import ssl
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx2
import pytest
import yaml
from PIL import Image

from app.settings import Settings
from tests.app.serving import ServerProcess, server_process
from tests.conftest import ROOT

TEMPLATE = (ROOT / "deploy/nginx/signs.conf.template").read_text(encoding="utf-8")
NGINX = shutil.which("nginx") or shutil.which("nginx", path="/usr/sbin")
MAIN = """
daemon off; worker_processes 1; pid {folder}/nginx.pid; error_log stderr;
events {{}}
http {{
    client_body_temp_path {folder}/body; proxy_temp_path {folder}/proxy; fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi; scgi_temp_path {folder}/scgi;
    include {folder}/signs.conf;
}}
"""
needs_nginx = pytest.mark.skipif(NGINX is None, reason="nginx is not here (Debian: apt-get install nginx)")


def compose() -> Any:
    """The example's services; compose's own tag takes away what an earlier file says."""
    text = (ROOT / "deploy/compose.tls.yml").read_text(encoding="utf-8")
    return yaml.safe_load(text.replace("!reset []", "null"))["services"]


def fill_in(template: str, values: dict[str, str]) -> str:
    """As the image's envsubst does: only variables of the environment, so that nginx's own stay."""
    return re.sub(r"\$\{(\w+)\}", lambda found: values[found[1]], template)


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port: int = probe.getsockname()[1]
        return port


@dataclass
class Proxied:
    """A service behind nginx."""

    server: ServerProcess
    http: str
    https: str
    trust: ssl.SSLContext

    def client(self, source: str = "127.0.0.1") -> httpx2.Client:
        """Speaks TLS with nginx from a loopback address."""
        transport = httpx2.HTTPTransport(verify=self.trust, local_address=source)
        return httpx2.Client(base_url=self.https, transport=transport, timeout=30)

    def access(self) -> list[dict[str, Any]]:
        """The access log, once the service has ended."""
        self.server.terminate()
        assert self.server.end() == 0
        lines = [json.loads(line) for line in self.server.lines]
        return [line for line in lines if line["logger"] == "app.access"]


@contextmanager
def proxied(certificate: tuple[Path, Path], folder: Path, prefix: str = "") -> Iterator[Proxied]:
    http, https = free_port(), free_port()
    with server_process(
        drain_seconds=0, max_bytes=2**20, trusted_proxies="127.0.0.1", root_path=prefix, log_format="json"
    ) as server:
        values = compose()["nginx"]["environment"] | {
            "UPSTREAM": f"127.0.0.1:{server.port}",
            "PREFIX": prefix,
            "SERVER_NAME": "_",
            "HTTP_PORT": f"127.0.0.1:{http}",
            "HTTPS_PORT": f"127.0.0.1:{https}",
            "TLS_FOLDER": str(certificate[0].parent),
        }
        (folder / "signs.conf").write_text(fill_in(TEMPLATE, values))
        (folder / "nginx.conf").write_text(MAIN.format(folder=folder))
        with nginx(folder / "nginx.conf", https):
            trust = ssl.create_default_context(cafile=certificate[0])
            yield Proxied(server, f"http://127.0.0.1:{http}", f"https://127.0.0.1:{https}", trust)


@contextmanager
def nginx(configuration: Path, port: int) -> Iterator[None]:
    assert NGINX is not None
    process = subprocess.Popen([NGINX, "-c", configuration, "-e", "stderr"])
    try:
        await_port(process, port)
        yield
    finally:
        process.terminate()
        process.wait()


def await_port(process: subprocess.Popen[bytes], port: int) -> None:
    for _ in range(400):
        assert process.poll() is None, "nginx ended"
        try:
            socket.create_connection(("127.0.0.1", port)).close()
            return
        except ConnectionRefusedError:
            time.sleep(0.05)
    raise AssertionError("nginx never listened")


@pytest.fixture
def photo(tmp_path: Path) -> bytes:
    """A small white picture."""
    Image.new("L", (90, 70), 255).save(tmp_path / "white.png")
    return (tmp_path / "white.png").read_bytes()


@needs_nginx
@pytest.mark.parametrize("prefix", ["", "/signs"])
def test_a_photo_is_answered_over_tls(
    prefix: str, photo: bytes, certificate: tuple[Path, Path], tmp_path: Path
) -> None:
    with proxied(certificate, tmp_path, prefix) as proxy, proxy.client() as client:
        answer = client.post(f"{prefix}/predict", files={"file": photo})
        assert answer.json()["label"] == "5"
        assert answer.headers["strict-transport-security"].startswith("max-age=")
        assert "nginx/" not in answer.headers.get("server", "")
        page = client.get(f"{prefix}/").text
        styles = re.findall(r'href="([^"]+\.css)"', page)
        assert styles
        assert {client.get(style).status_code for style in styles} == {200}
        assert client.get(f"{prefix}/metrics").status_code == 404
        moved = httpx2.get(f"{proxy.http}{prefix}/docs?x=1")
        assert (moved.status_code, moved.headers["location"]) == (308, f"https://127.0.0.1{prefix}/docs?x=1")


@needs_nginx
def test_the_client_is_who_came_to_nginx_not_who_it_says_it_is(
    photo: bytes, certificate: tuple[Path, Path], tmp_path: Path
) -> None:
    with proxied(certificate, tmp_path) as proxy:
        with proxy.client("127.0.0.2") as client:
            claims = {"X-Forwarded-For": "203.0.113.9", "Forwarded": "for=203.0.113.9"}
            client.post("/predict", content=photo, headers=claims | {"X-Request-ID": "one"})
        (line,) = [line for line in proxy.access() if line["request_id"] == "one"]
        assert (line["client"], line["status"]) == ("127.0.0.2", 200)


@needs_nginx
def test_the_service_itself_refuses_a_large_body_and_says_why(
    certificate: tuple[Path, Path], tmp_path: Path
) -> None:
    def endless() -> Iterator[bytes]:
        for _ in range(64):
            yield bytes(2**16)

    bodies: list[Callable[[], Any]] = [lambda: bytes(2**22), endless]
    with proxied(certificate, tmp_path) as proxy, proxy.client() as client:
        for body in bodies:
            answer = client.post("/predict", content=body())
            assert answer.status_code == 413
            assert answer.json()["detail"].startswith("expected a body of at most 1048576 bytes")


def test_the_compose_example_sets_what_the_template_and_the_service_know() -> None:
    services = compose()
    assert set(services["nginx"]["environment"]) == set(re.findall(r"\$\{(\w+)\}", TEMPLATE))
    known = {Settings.variable(name) for name in Settings.model_fields}
    assert set(services["signs"]["environment"]) <= known
    assert services["signs"]["ports"] is None
    proxy = services["nginx"]["networks"]["front"]["ipv4_address"]
    assert services["signs"]["environment"]["SIGNS_TRUSTED_PROXIES"] == proxy
    base = yaml.safe_load((ROOT / "docker-compose.yml").read_text(encoding="utf-8"))["services"]
    assert set(services) - {"nginx"} <= set(base)
    mounted = [volume.split(":")[0] for volume in services["nginx"]["volumes"] if volume.startswith("./")]
    assert mounted
    assert all((ROOT / path).is_dir() for path in mounted)
