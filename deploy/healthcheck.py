#!/usr/bin/env python3
"""Ends with status 0 when the service in this container is ready. Needs nothing but Python."""

from __future__ import annotations

import os
import ssl
import sys
from http.client import HTTPConnection, HTTPException, HTTPSConnection

# Not urllib, which would put the question to a proxy that the environment names.


def is_ready() -> bool:
    """Whether `/health/ready` answers 200, asked where and as the environment says."""
    port = int(os.environ.get("AIP_HTTP_PORT") or os.environ.get("SIGNS_PORT") or 8000)
    connection = HTTPConnection("127.0.0.1", port, timeout=4)
    if os.environ.get("SIGNS_TLS_CERT"):
        # The certificate is for the service's own name, which this machine need not know.
        unverified = ssl._create_unverified_context()
        connection = HTTPSConnection("127.0.0.1", port, timeout=4, context=unverified)
    try:
        connection.request("GET", "/health/ready")
        return connection.getresponse().status == 200
    except (OSError, HTTPException):
        return False


if __name__ == "__main__":
    sys.exit(not is_ready())
