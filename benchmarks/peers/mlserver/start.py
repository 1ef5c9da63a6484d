"""Starts MLServer on the port in `PORT`; its gRPC and metrics servers take the two above."""

from __future__ import annotations

import os
import sys
import tempfile

from mlserver.cli import main

if __name__ == "__main__":  # its workers import this file too
    port = int(os.environ["PORT"])
    os.environ |= {
        "MLSERVER_HTTP_PORT": str(port),
        "MLSERVER_GRPC_PORT": str(port + 1),
        "MLSERVER_METRICS_PORT": str(port + 2),
        "MLSERVER_METRICS_DIR": tempfile.mkdtemp(),
        "MLSERVER_HOST": "127.0.0.1",
        "MLSERVER_DEBUG": "false",
    }
    sys.argv = ["mlserver", "start", "."]
    main()
