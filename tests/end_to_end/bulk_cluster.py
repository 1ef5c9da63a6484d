"""Bulk runs on two Ray nodes: run by test_bulk_ray.py, with the Python that has Ray, in an empty folder.

It prints a JSON object with what it saw.
"""

from __future__ import annotations

import json
import os
import secrets
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

FOREVER = 1800
"""Seconds that a process of Ray's may take to start, on a machine that may be busy."""
os.environ |= {  # before Ray is imported, which reads it then; its processes inherit it
    "RAY_AUTH_TOKEN": secrets.token_hex(32),  # or Ray would write one into the home folder
    "RAY_USAGE_STATS_ENABLED": "0",
    "RAY_agent_register_timeout_ms": f"{FOREVER}000",
    "RAY_raylet_start_wait_time_s": str(FOREVER),
    "RAY_worker_register_timeout_seconds": str(FOREVER),
    "SIGNS_CACHE_DIR": "",
}

from ray.cluster_utils import Cluster  # noqa: E402

from app.bulk.errors import BulkError  # noqa: E402
from app.bulk.journal import Journal  # noqa: E402
from app.bulk.run import Run, run_bulk  # noqa: E402
from app.bulk.sources import Sources  # noqa: E402
from app.engines.constant import ConstantEngine  # noqa: E402
from app.errors import SignsError  # noqa: E402
from app.settings import Settings  # noqa: E402

SOURCES = Sources(("photos", "x.tar.gz", "none/*.png"))


@contextmanager
def two_nodes() -> Iterator[Cluster]:
    """A cluster of two nodes with one CPU each."""
    node = {"num_cpus": 1, "object_store_memory": 200 * 2**20}
    head = {"include_dashboard": False, "include_log_monitor": False, "no_monitor": True}
    nodes = Cluster(initialize_head=True, head_node_args=node | head)
    try:
        nodes.add_node(wait=False, **node)
        nodes.wait_for_nodes(timeout=FOREVER)
        yield nodes
    finally:
        nodes.shutdown()


def run(output: str, address: str | None, delay: float = 0.0, **settings: Any) -> str:
    """Runs it; what it was refused or stopped for, or its exit status."""
    asked = Run(SOURCES, Path(output), cluster=address)
    engine = None if "model_dir" in settings else ConstantEngine(delay=delay)
    try:
        return str(run_bulk(asked, Settings(**settings), engine))
    except (BulkError, SignsError) as error:
        return f"{type(error).__name__}: {error}"


class Recorded:
    """Counts what journals record, and does something once when there is enough."""

    def __init__(self, enough: int, then: Callable[[], None]) -> None:
        self.count = 0
        record = Journal.record

        def counted(journal: Journal, records: list[Any]) -> None:
            record(journal, records)
            before, self.count = self.count, self.count + len(records)
            if before < enough <= self.count:
                then()

        Journal.record = counted  # type: ignore[assignment, method-assign]


def stop() -> None:
    """As if the process were interrupted."""
    raise KeyboardInterrupt


def main() -> dict[str, Any]:
    """A run on one process and on the cluster; one that stops and is taken up; one that loses a node."""
    told: dict[str, Any] = {"alone": run("alone.jsonl", None)}
    told["nobody"] = run("nobody.jsonl", "127.0.0.1:1")
    with two_nodes() as nodes:
        address = nodes.address
        told["no model"] = run("no-model.jsonl", address, model_dir="/no/such/folder")
        told["cluster"] = run("cluster.jsonl", address)
        Recorded(500, stop)
        try:
            run("taken-up.jsonl", address)
        except KeyboardInterrupt:
            told["stopped"] = "yes"
        told["taken up"] = run("taken-up.jsonl", address)
        (second,) = nodes.worker_nodes
        Recorded(500, threading.Thread(target=nodes.remove_node, args=(second, False)).start)
        begun = time.monotonic()
        told["node killed"] = run("node-killed.jsonl", address, delay=0.2)
        told["seconds"] = time.monotonic() - begun
    return told


if __name__ == "__main__":
    os.chdir(sys.argv[1])
    print(json.dumps(main()))
