"""Every setting of the service, read from the environment here and nowhere else."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import Field, StringConstraints, ValidationError, field_validator, model_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

PREFIX = "SIGNS_"
NOT_OURS = frozenset({"SIGNS_DATA"})  # names the data sets; read by the tests and by training

KeyName = Annotated[str, StringConstraints(pattern=r"^[\w.-]+$")]
KeyHash = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")]
CommaSeparated = Annotated[tuple[str, ...], NoDecode]


class SettingsError(ValueError):
    """The environment asks for something that is not on offer; the text names each variable."""


class Settings(BaseSettings):
    """Frozen. Each field is set by the environment variable `SIGNS_<FIELD>`; an unknown one is refused."""

    model_config = SettingsConfigDict(
        env_prefix=PREFIX, frozen=True, extra="forbid", validate_default=True, use_attribute_docstrings=True
    )

    model_dir: Path = Path("model/signs")
    """Holds one folder per model version, named by its number; the highest that proves itself serves."""

    engine: Literal["openvino", "tensorflow"] = "openvino"
    """What runs the network; `tensorflow` is the reference and needs the training set of packages."""

    precision: Literal["auto", "float32", "bfloat16"] = "auto"
    """What the network is computed in; `auto` leaves it to the engine and the CPU."""

    host: str = "127.0.0.1"
    """The address to listen on; `0.0.0.0` for all."""

    port: Annotated[int, Field(ge=0, le=65535)] = 8000
    """The port to listen on; 0: any free one, printed at start."""

    threads: Annotated[int, Field(ge=0)] = 0
    """Inference threads; 0: as many CPUs as the process may use (affinity and cgroup quota)."""

    max_bytes: Annotated[int, Field(gt=0)] = 20 * 2**20
    """The largest request body, in bytes; all bodies in memory together may have eight times as many."""

    max_pixels: Annotated[int, Field(gt=0, le=178_000_000)] = 50_000_000
    """The largest picture, width times height, by its header; Pillow itself ends at 178 million."""

    max_batch: Annotated[int, Field(ge=1)] = 32
    """The most pictures in one run of the network."""

    queue: Annotated[int, Field(ge=1)] = 256
    """The most pictures that may wait; further ones get 503."""

    deadline_ms: Annotated[int, Field(gt=0)] = 10_000
    """A request not answered this long after its arrival gets 504, in milliseconds."""

    poll_seconds: Annotated[float, Field(ge=0, allow_inf_nan=False)] = 5.0
    """How often `model_dir` is looked at for new versions, in seconds; 0: at the start only."""

    api_keys: Annotated[dict[KeyName, KeyHash], NoDecode] = {}
    """`name:sha256,...`: who may ask, by the hex SHA-256 of the key; empty: everybody."""

    cors_origins: CommaSeparated = ()
    """`https://a.example,...`: origins whose pages may call from a browser; empty: none."""

    log_format: Literal["text", "json"] = "text"
    """Log lines for people, or one JSON object a line."""

    root_path: Annotated[str, Field(pattern=r"^(/[^/]+)*$")] = ""
    """The prefix that a reverse proxy strips, such as `/signs`."""

    trusted_proxies: CommaSeparated = ()
    """`10.0.0.2,192.168.0.0/16,...`: peers whose `X-Forwarded-For` and `-Proto` are believed."""

    drain_seconds: Annotated[float, Field(ge=0, allow_inf_nan=False)] = 1.0
    """How long after SIGTERM the service still accepts while it says it is not ready, in seconds."""

    @model_validator(mode="before")
    @classmethod
    def _refuse_unknown_variables(cls, values: Any) -> Any:
        known = {PREFIX + name.upper() for name in cls.model_fields}
        unknown = sorted(
            name
            for name in os.environ
            if name.upper().startswith(PREFIX) and name.upper() not in known | NOT_OURS
        )
        if unknown:
            raise ValueError(f"no such setting: {', '.join(unknown)}; choices: {', '.join(sorted(known))}")
        return values

    @field_validator("api_keys", mode="before")
    @classmethod
    def _split_keys(cls, value: Any) -> Any:
        if not isinstance(value, str):
            return value
        pairs = [entry.partition(":") for entry in _split(value)]
        names = [name for name, _, _ in pairs]
        if len(set(names)) < len(names):
            raise ValueError(f"expected each name once, received {', '.join(names)}")
        return {name: digest for name, _, digest in pairs}

    @field_validator("cors_origins", "trusted_proxies", mode="before")
    @classmethod
    def _split_list(cls, value: Any) -> Any:
        return _split(value) if isinstance(value, str) else value

    @classmethod
    def load(cls) -> Self:
        """The settings of this process; raises `SettingsError` that names each wrong variable."""
        try:
            return cls()
        except ValidationError as error:
            raise SettingsError("\n".join(_explain(problem) for problem in error.errors())) from None

    @classmethod
    def describe(cls) -> str:
        """Every variable with its default and what it means, one to two lines each."""
        return "\n".join(
            f"  {PREFIX}{name.upper()} [{_show(field.get_default(call_default_factory=False))}]\n"
            f"      {field.description}"
            for name, field in cls.model_fields.items()
        )


def _show(default: Any) -> str:
    return "none" if default in ("", (), {}) else str(default)


def _split(value: str) -> tuple[str, ...]:
    return tuple(part for part in (raw.strip() for raw in value.split(",")) if part)


def _explain(problem: Any) -> str:
    if not problem["loc"]:
        return str(problem["msg"].removeprefix("Value error, "))
    name = PREFIX + str(problem["loc"][0]).upper()
    if problem["loc"][0] == "api_keys":  # never echoed: someone may have put the key itself there
        return f"{name}: expected name:sha256,... with 64 lower-case hex digits each; {problem['msg']}"
    return f"{name}: {problem['msg']}, received {problem['input']!r}"
