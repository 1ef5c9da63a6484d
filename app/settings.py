"""Every setting of the service, read from the environment here and nowhere else."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import Field, FilePath, ValidationError, field_validator, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from app.setting_types import CommaSeparated, KeyHashes, Networks, check_certificate

PREFIX = "SIGNS_"
ROUTE = r"^(/[^\s{}?#]*)?$"
NOT_OURS = frozenset({"SIGNS_DATA"})  # names the data sets; read by the tests and by training


class SettingsError(ValueError):
    """The environment asks for something that is not on offer; the text names each variable."""


class Settings(BaseSettings):
    """Frozen. Each field is set by the environment variable `SIGNS_<FIELD>`; an unknown one is refused.

    The fields `aip_...` are set by the variables that Vertex AI gives to a container, `AIP_...`.
    """

    model_config = SettingsConfigDict(
        env_prefix=PREFIX, frozen=True, extra="forbid", validate_default=True, use_attribute_docstrings=True
    )

    model_dir: Path = Path("model/signs")
    """Holds one folder per model version, named by its number; the highest that proves itself serves."""

    version: Annotated[int | None, Field(gt=0)] = None
    """Serve this version and no other; unset: the highest that proves itself."""

    engine: Literal["openvino", "tensorflow"] = "openvino"
    """What runs the network; `tensorflow` is the reference and needs the training set of packages."""

    precision: Literal["auto", "float32", "bfloat16", "int8"] = "auto"
    """What the network is computed in; `auto`: what is fastest of what the version and the CPU have."""

    cache_dir: Path | None = Path("model/.cache")
    """Where OpenVINO keeps compiled networks, so that the next start is faster; empty: nowhere."""

    host: str = "127.0.0.1"
    """The address to listen on; `0.0.0.0` for all."""

    port: Annotated[int, Field(ge=0, le=65535)] = 8000
    """The port to listen on; 0: any free one, printed at start."""

    threads: Annotated[int, Field(ge=0)] = 0
    """Inference threads of each worker; 0: its share of the CPUs granted (affinity and cgroup quota)."""

    workers: Annotated[int, Field(ge=1, le=128)] = 1
    """Processes that answer on the same port; several share the CPUs granted."""

    max_bytes: Annotated[int, Field(gt=0)] = 20 * 2**20
    """The largest request body, in bytes; all bodies in memory together may have four times as many."""

    max_pixels: Annotated[int, Field(gt=0, le=178_000_000)] = 50_000_000
    """The largest picture, width times height, by its header; costly formats may have fewer pixels."""

    max_batch: Annotated[int, Field(ge=1)] = 32
    """The most pictures in one run of the network."""

    queue: Annotated[int, Field(ge=1)] = 256
    """The most pictures that may wait; further ones get 503."""

    deadline_ms: Annotated[int, Field(gt=0)] = 10_000
    """A request not answered this long after its arrival gets 504, in milliseconds."""

    poll_seconds: Annotated[float, Field(ge=0, allow_inf_nan=False)] = 5.0
    """How often `model_dir` is looked at for new versions, in seconds; 0: at the start only."""

    api_keys: KeyHashes = {}
    """`name:sha256,...`: who may ask, by the hex SHA-256 of the key; empty: everybody."""

    key_rate: Annotated[int, Field(ge=0)] = 0
    """The most requests a minute with one API key; further ones get 429; 0: no limit."""

    address_rate: Annotated[int, Field(ge=0)] = 0
    """The most requests a minute from one address (IPv6: from one /64); further ones get 429; 0: no limit."""

    cors_origins: CommaSeparated = ()
    """`https://a.example,...`: origins whose pages may call from a browser; empty: none."""

    show_docs: bool = True
    """Whether there are `/docs` and `/openapi.json`."""

    show_metrics: bool = True
    """Whether there is `/metrics`; where keys are set it needs one."""

    tls_cert: FilePath | None = None
    """The certificate chain to speak HTTPS with, a PEM file; unset: HTTP."""

    tls_key: FilePath | None = None
    """The private key to it, a PEM file without a password."""

    log_format: Literal["text", "json"] = "text"
    """Log lines for people, or one JSON object a line."""

    otlp_endpoint: Annotated[str, Field(pattern=r"^(https?://\S+)?$")] = ""
    """`http://collector:4318/v1/traces`: where OpenTelemetry spans go (extra `telemetry`); empty: nowhere."""

    root_path: Annotated[str, Field(pattern=r"^(/[^/]+)*$")] = ""
    """The prefix that a reverse proxy strips, such as `/signs`."""

    trusted_proxies: Networks = ()
    """`10.0.0.2,192.168.0.0/16,...`: peers whose `X-Forwarded-For` and `-Proto` are believed."""

    drain_seconds: Annotated[float, Field(ge=0, allow_inf_nan=False)] = 1.0
    """How long after SIGTERM the service still accepts while it says it is not ready, in seconds."""

    shutdown_seconds: Annotated[int, Field(gt=0)] = 15
    """How long after that the admitted requests may take to finish, in seconds; then it ends anyway."""

    grpc_port: Annotated[int, Field(ge=0, le=65535)] | None = None
    """The port for the Open Inference Protocol over gRPC; 0: any free one, printed at start; unset: none."""

    grpc_tls_cert: FilePath | None = None
    """The certificate chain of the gRPC port, a PEM file; unset: it speaks plain text."""

    grpc_tls_key: FilePath | None = None
    """The private key to it, a PEM file."""

    aip_http_port: Annotated[int | None, Field(gt=0, le=65535, validation_alias="aip_http_port")] = None
    """Set by Vertex AI: the port to listen on, in place of `SIGNS_PORT`."""

    aip_health_route: Annotated[str, Field(pattern=ROUTE, validation_alias="aip_health_route")] = ""
    """Set by Vertex AI: one more path that answers as `/health/ready` does."""

    aip_predict_route: Annotated[str, Field(pattern=ROUTE, validation_alias="aip_predict_route")] = ""
    """Set by Vertex AI: one more path that answers as `/invocations` does."""

    feedback_dir: Path | None = None
    """Where corrections that users send are stored, one folder per digit; empty: none are taken."""

    feedback_max_bytes: Annotated[int, Field(gt=0, le=512 * 2**10)] = 512 * 2**10
    """The largest picture of a correction, in bytes; a form's field holds no more than 524288."""

    feedback_quota: Annotated[int, Field(gt=0)] = 200 * 2**20
    """The most bytes that all stored corrections may have together; further ones get 507."""

    @model_validator(mode="after")
    def _require_both_of_certificate_and_key(self) -> Self:
        if (self.grpc_tls_cert is None) != (self.grpc_tls_key is None):
            raise ValueError("expected both SIGNS_GRPC_TLS_CERT and SIGNS_GRPC_TLS_KEY or neither")
        return self

    @model_validator(mode="before")
    @classmethod
    def _refuse_unknown_variables(cls, values: Any) -> Any:
        known = {cls.variable(name) for name in cls.model_fields}
        unknown = sorted(
            name
            for name in os.environ
            if name.upper().startswith(PREFIX) and name.upper() not in known | NOT_OURS
        )
        if unknown:
            raise ValueError(f"no such setting: {', '.join(unknown)}; choices: {', '.join(sorted(known))}")
        return values

    @field_validator("cache_dir", "feedback_dir", mode="before")
    @classmethod
    def _none_if_empty(cls, value: Any) -> Any:
        return value or None  # an empty path would be the current folder

    @model_validator(mode="after")
    def _check_certificate(self) -> Self:
        check_certificate(self.tls_cert, self.tls_key)
        return self

    @property
    def http_port(self) -> int:
        """The port to listen on: Vertex AI's word goes first."""
        return self.aip_http_port or self.port

    @classmethod
    def load(cls) -> Self:
        """The settings of this process; raises `SettingsError` that names each wrong variable."""
        try:
            return cls()
        except ValidationError as error:
            raise SettingsError("\n".join(_explain(problem) for problem in error.errors())) from None

    @staticmethod
    def variable(name: str) -> str:
        """The environment variable of the field `name`."""
        return name.upper() if name.startswith("aip_") else PREFIX + name.upper()

    @classmethod
    def describe(cls) -> str:
        """Every variable with its default and what it means, one to two lines each."""
        return "\n".join(
            f"  {cls.variable(name)} [{_show(field.get_default(call_default_factory=False))}]\n"
            f"      {field.description}"
            for name, field in cls.model_fields.items()
        )


def _show(default: Any) -> str:
    return "none" if default in (None, "", (), {}) else str(default)


def _explain(problem: Any) -> str:
    if not problem["loc"]:
        return str(problem["msg"].removeprefix("Value error, "))
    name = Settings.variable(str(problem["loc"][0]))
    if problem["loc"][0] == "api_keys":  # never echoed: someone may have put the key itself there
        return f"{name}: expected name:sha256,... with 64 lower-case hex digits each; {problem['msg']}"
    return f"{name}: {problem['msg']}, received {problem['input']!r}"
