"""How the text of an environment variable becomes a setting, where a plain number or word is not enough."""

from __future__ import annotations

import ipaddress
import ssl
from pathlib import Path
from typing import Annotated, Any

from pydantic import AfterValidator, BeforeValidator, StringConstraints
from pydantic_settings import NoDecode

KeyName = Annotated[str, StringConstraints(pattern=r"^[\w.-]+$")]
KeyHash = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")]


def _split(value: Any) -> Any:
    if not isinstance(value, str):
        return value
    return tuple(part for part in (raw.strip() for raw in value.split(",")) if part)


def _split_keys(value: Any) -> Any:
    if not isinstance(value, str):
        return value
    pairs = [entry.partition(":") for entry in _split(value)]
    names = [name for name, _, _ in pairs]
    if len(set(names)) < len(names):
        raise ValueError(f"expected each name once, received {', '.join(names)}")
    return {name: digest for name, _, digest in pairs}


def _check_networks(values: tuple[str, ...]) -> tuple[str, ...]:
    for value in values:
        ipaddress.ip_network(value)  # its own message says what is wrong with which
    return values


CommaSeparated = Annotated[tuple[str, ...], NoDecode, BeforeValidator(_split)]
"""`a,b`: texts."""
Networks = Annotated[CommaSeparated, AfterValidator(_check_networks)]
"""`10.0.0.2,192.168.0.0/16`: addresses and networks."""
KeyHashes = Annotated[dict[KeyName, KeyHash], NoDecode, BeforeValidator(_split_keys)]
"""`name:sha256,...`: hex SHA-256 digests by name."""


def check_certificate(certificate: Path | None, key: Path | None) -> None:
    """Raises `ValueError` unless both are None, or PEM files of a chain and the private key to it."""
    if (certificate is None) != (key is None):
        raise ValueError("expected both of SIGNS_TLS_CERT and SIGNS_TLS_KEY or neither, received one")
    if certificate is None:
        return
    try:
        # Without a password, or a key that has one would be asked for it on the terminal.
        ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER).load_cert_chain(certificate, key, password="")
    except (OSError, ssl.SSLError) as error:
        raise ValueError(
            "SIGNS_TLS_CERT, SIGNS_TLS_KEY: expected PEM files of a certificate chain and of the private "
            f"key to it, without a password, received {certificate} and {key}: {error}"
        ) from None
