"""The environment becomes frozen settings, or a message that names what is wrong."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from pydantic import ValidationError

from app.settings import Settings, SettingsError

DIGEST = "ab" * 32


@pytest.fixture(autouse=True)
def _clean_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in os.environ if name.startswith(("SIGNS_", "AIP_"))]:
        monkeypatch.delenv(name)


def test_defaults_are_the_documented_ones() -> None:
    settings = Settings.load()
    assert (settings.model_dir, settings.engine, settings.host, settings.port) == (
        Path("model/signs"),
        "openvino",
        "127.0.0.1",
        8000,
    )
    assert (settings.max_bytes, settings.max_pixels) == (20 * 1024 * 1024, 50_000_000)
    assert (settings.max_batch, settings.queue, settings.deadline_ms, settings.poll_seconds) == (
        32,
        256,
        10_000,
        5,
    )
    assert (settings.api_keys, settings.cors_origins, settings.trusted_proxies) == ({}, (), ())


def test_environment_is_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SIGNS_PORT", "9000")
    monkeypatch.setenv("SIGNS_API_KEYS", f"ann:{DIGEST}, bob:{DIGEST}")
    monkeypatch.setenv("SIGNS_CORS_ORIGINS", "https://a.example, https://b.example")
    monkeypatch.setenv("SIGNS_TRUSTED_PROXIES", "10.0.0.0/8")
    settings = Settings.load()
    assert settings.port == 9000
    assert settings.api_keys == {"ann": DIGEST, "bob": DIGEST}
    assert settings.cors_origins == ("https://a.example", "https://b.example")
    assert settings.trusted_proxies == ("10.0.0.0/8",)


def test_variables_of_vertex_are_read_by_their_own_names(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AIP_HTTP_PORT", "8080")
    monkeypatch.setenv("AIP_HEALTH_ROUTE", "/v1/endpoints/1/deployedModels/2")
    monkeypatch.setenv("AIP_PREDICT_ROUTE", "/v1/endpoints/1/deployedModels/2:predict")
    monkeypatch.setenv("AIP_STORAGE_URI", "of no interest")
    settings = Settings.load()
    assert settings.aip_http_port == 8080
    assert settings.aip_health_route == "/v1/endpoints/1/deployedModels/2"
    assert settings.aip_predict_route == "/v1/endpoints/1/deployedModels/2:predict"
    monkeypatch.setenv("SIGNS_AIP_HTTP_PORT", "8080")
    with pytest.raises(SettingsError, match="no such setting: SIGNS_AIP_HTTP_PORT"):
        Settings.load()


@pytest.mark.parametrize(
    ("name", "value"),
    [("AIP_HTTP_PORT", "0"), ("AIP_HEALTH_ROUTE", "ping"), ("AIP_PREDICT_ROUTE", "/{a}")],
)
def test_a_wrong_variable_of_vertex_is_named(monkeypatch: pytest.MonkeyPatch, name: str, value: str) -> None:
    monkeypatch.setenv(name, value)
    with pytest.raises(SettingsError, match=f"^{name}: .*received '{value}'"):
        Settings.load()


def test_unknown_variable_is_refused_with_the_choices(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SIGNS_PROT", "9000")
    with pytest.raises(SettingsError, match=r"no such setting: SIGNS_PROT; choices: .*SIGNS_PORT"):
        Settings.load()


def test_data_folder_of_the_tests_is_no_setting(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SIGNS_DATA", "/data")
    assert Settings.load().port == 8000


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("SIGNS_PORT", "70000"),
        ("SIGNS_ENGINE", "onnx"),
        ("SIGNS_PRECISION", "int4"),
        ("SIGNS_THREADS", "-1"),
        ("SIGNS_MAX_BYTES", "0"),
        ("SIGNS_POLL_SECONDS", "nan"),
        ("SIGNS_DRAIN_SECONDS", "inf"),
        ("SIGNS_LOG_FORMAT", "xml"),
        ("SIGNS_ROOT_PATH", "signs/"),
        ("SIGNS_TRUSTED_PROXIES", "10.0.0.1,proxy.example"),
        ("SIGNS_TRUSTED_PROXIES", "10.0.0.1/8"),
        ("SIGNS_KEY_RATE", "-1"),
        ("SIGNS_ADDRESS_RATE", "0.5"),
        ("SIGNS_SHOW_DOCS", "sometimes"),
        ("SIGNS_TLS_CERT", "/no/such/file"),
        ("SIGNS_OTLP_ENDPOINT", "collector:4318"),
        ("SIGNS_API_KEYS", "ann:secret"),
        ("SIGNS_API_KEYS", DIGEST),
        ("SIGNS_API_KEYS", f"ann:{DIGEST},ann:{DIGEST}"),
    ],
)
def test_bad_value_is_refused_by_name(monkeypatch: pytest.MonkeyPatch, name: str, value: str) -> None:
    monkeypatch.setenv(name, value)
    with pytest.raises(SettingsError, match=name):
        Settings.load()


def test_choices_are_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SIGNS_ENGINE", "onnx")
    with pytest.raises(SettingsError, match=r"'openvino' or 'tensorflow', received 'onnx'"):
        Settings.load()


def test_a_key_in_clear_is_not_repeated(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SIGNS_API_KEYS", "ann:open-sesame")
    with pytest.raises(SettingsError) as caught:
        Settings.load()
    assert "open-sesame" not in str(caught.value)
    assert "name:sha256" in str(caught.value)


@pytest.mark.parametrize("name", ["port", "api_keys"])
def test_settings_are_frozen(name: str) -> None:
    with pytest.raises(ValidationError, match="frozen"):
        setattr(Settings(), name, 1)
