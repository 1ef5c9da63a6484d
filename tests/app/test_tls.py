"""The service speaks HTTPS where a certificate is set, and says at the start what is wrong with one."""

from __future__ import annotations

import os
import ssl
import subprocess
import sys
from pathlib import Path

import httpx2
import pytest

from app.settings import Settings, SettingsError
from tests.app.serving import server_process
from tests.conftest import ROOT

LISTENING = "listening on https://127.0.0.1:"


def is_healthy(port: int, certificate: Path | str) -> bool:
    """Whether the container's health check passes."""
    environment = {**os.environ, "SIGNS_PORT": str(port), "SIGNS_TLS_CERT": str(certificate)}
    script = ROOT / "deploy" / "healthcheck.py"
    return subprocess.run([sys.executable, script], env=environment, check=False).returncode == 0


def test_it_speaks_https_and_the_health_check_too(certificate: tuple[Path, Path]) -> None:
    with server_process(tls_cert=certificate[0], tls_key=certificate[1], drain_seconds=0) as server:
        assert LISTENING in server.lines[-1]
        trust = ssl.create_default_context(cafile=certificate[0])
        with httpx2.Client(base_url=f"https://127.0.0.1:{server.port}", verify=trust) as client:
            answer = client.get("/health/live")
            assert answer.headers["strict-transport-security"].startswith("max-age=")
        assert is_healthy(server.port, certificate[0])
        assert not is_healthy(server.port, "")
        server.terminate()
        assert server.end() == 0


def test_the_health_check_of_plain_http() -> None:
    with server_process(drain_seconds=0) as server:
        assert is_healthy(server.port, "")
        port = server.port
    assert not is_healthy(port, "")


def test_half_a_pair_and_a_foreign_key_are_refused(certificate: tuple[Path, Path], tmp_path: Path) -> None:
    cert, key = certificate
    with pytest.raises(ValueError, match="both of SIGNS_TLS_CERT and SIGNS_TLS_KEY"):
        Settings(tls_cert=cert)
    with pytest.raises(ValueError, match="PEM files of a certificate chain"):
        Settings(tls_cert=key, tls_key=cert)
    foreign, locked = tmp_path / "foreign.pem", tmp_path / "locked.pem"
    subprocess.run(["openssl", "genrsa", "-out", foreign, "2048"], check=True, capture_output=True)
    command = ["openssl", "ec", "-aes256", "-passout", "pass:secret"]
    subprocess.run([*command, "-in", str(key), "-out", str(locked)], check=True, capture_output=True)
    for other in (foreign, locked):
        with pytest.raises(ValueError, match="the private key to it, without a password"):
            Settings(tls_cert=cert, tls_key=other)


def test_the_start_names_the_variables(
    certificate: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SIGNS_TLS_CERT", str(certificate[0]))
    with pytest.raises(SettingsError, match=r"^expected both of SIGNS_TLS_CERT and SIGNS_TLS_KEY or neither"):
        Settings.load()
