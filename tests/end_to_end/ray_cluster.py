"""The service on two Ray nodes under load: run by test_ray.py, with the Python that has Ray.

Its arguments are the seconds between two events and the number of clients. On a cluster of two nodes, each
with one CPU, it puts the service; asks it; loads it until there are two replicas; kills a node, and adds
another; ends the load until there is one replica again; and asks for a model folder that is none. One
client asks on from the first to the last. It prints a JSON object with what it saw.
"""

from __future__ import annotations

import asyncio
import json
import os
import secrets
import signal
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict
from pathlib import Path
from typing import Any

PATIENCE = 1800.0
"""Seconds until something is said not to come, on a machine that may be busy."""
FOREVER = str(int(PATIENCE))
ENVIRONMENT = {
    "RAY_AUTH_TOKEN": secrets.token_hex(32),  # or Ray would write one into the home folder
    "RAY_USAGE_STATS_ENABLED": "0",
    "RAY_SERVE_HANDLE_AUTOSCALING_METRIC_PUSH_INTERVAL_S": "1",
    "RAY_SERVE_PROXY_PREFER_LOCAL_NODE_ROUTING": "0",  # as in the image
    "RAY_SERVE_REPLICA_AUTOSCALING_METRIC_PUSH_INTERVAL_S": "1",
    # Ray gives up on a process that does not start within seconds.
    "RAY_agent_register_timeout_ms": f"{FOREVER}000",
    "RAY_raylet_start_wait_time_s": FOREVER,
    "RAY_worker_register_timeout_seconds": FOREVER,
    # One thread and a small batch, so that a few clients are a load.
    "SIGNS_CACHE_DIR": "",
    "SIGNS_MAX_BATCH": "8",
    "SIGNS_PRECISION": "float32",
}
os.environ |= ENVIRONMENT  # before Ray is imported, which reads it then; its processes inherit it

import ray  # noqa: E402
from ray import serve  # noqa: E402
from ray.cluster_utils import Cluster  # noqa: E402

from benchmarks.processes import family_of, free_port  # noqa: E402
from deploy.ray.app import app  # noqa: E402
from tests.end_to_end.ray_load import Tally, ask_on, background_loop, predictions  # noqa: E402
from tests.soak.client import photo  # noqa: E402

REST = 0.3
"""Seconds between two requests of the one client that stays: less than a load."""
NAME = "signs"
NODE = {"num_cpus": 1}
HEAD = {"include_dashboard": False, "include_log_monitor": False, "no_monitor": True}
"""Without what the test does not look at, so that the node starts sooner."""
PICTURES = [photo(seed) for seed in range(6)]
ARGUMENTS = {
    "max_replicas": 2,
    "memory": 2**20,
    "upscale_delay_s": 1,
    "downscale_delay_s": 2,
    "look_back_period_s": 11,
}


@contextmanager
def two_nodes() -> Iterator[Cluster]:
    """A cluster of two nodes, to which this process is connected."""
    with tempfile.TemporaryDirectory(prefix="ray") as folder:  # a short path, as Ray's sockets need it
        cluster = Cluster(initialize_head=True, head_node_args=HEAD | NODE | {"temp_dir": folder})
        try:
            add_node(cluster)
            ray.init(address=cluster.address, namespace="serve", log_to_driver=False)
            yield cluster
        finally:
            ray.shutdown()
            cluster.shutdown()


def add_node(cluster: Cluster) -> None:
    """One more node, once the cluster knows it."""
    cluster.add_node(wait=False, **NODE, temp_dir=cluster.head_node.get_temp_dir_path())
    cluster.wait_for_nodes(timeout=PATIENCE)


def kill_node(cluster: Cluster) -> None:
    """Ends all processes of the second node at once, as if its power had failed."""
    (node,) = cluster.worker_nodes
    (raylet,) = node.all_processes["raylet"]
    for pid in reversed(
        family_of(raylet.process.pid)
    ):  # a replica that outlived Ray's own would finish its work
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
    cluster.remove_node(node, allow_graceful=False)


def running_replicas() -> int:
    """Replicas that answer."""
    found = serve.status().applications[NAME].deployments["Signs"].replica_states
    return int(found.get("RUNNING", 0))


class Watch:
    """Counts the replicas all the time; `events` and `replicas` are timed as the tally is, in seconds."""

    def __init__(self, tally: Tally) -> None:
        self._tally = tally
        self.events: dict[str, float] = {}
        self.replicas: list[tuple[float, int]] = []
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._count, daemon=True)
        self._thread.start()

    def _count(self) -> None:
        while not self._over.is_set():
            self.replicas.append((self._tally.seconds(), running_replicas()))
            time.sleep(0.25)

    def end(self) -> None:
        """Counts no more: the next thing may be the end of the cluster."""
        self._over.set()
        self._thread.join()

    def note(self, what: str) -> None:
        """Something happens now."""
        self.events[what] = self._tally.seconds()
        print(f"{self.events[what]:7.1f} s: {what}", file=sys.stderr, flush=True)

    def wait_for(self, count: int, what: str) -> None:
        """Notes when there are as many replicas."""
        end = time.monotonic() + PATIENCE
        while not (self.replicas and self.replicas[-1][1] == count):
            if time.monotonic() > end:
                raise TimeoutError(f"{what}: expected {count} replicas, found {self.replicas[-1:]}")
            time.sleep(0.1)
        self.note(what)


def measure(cluster: Cluster, port: int, pause: float, clients: int) -> dict[str, Any]:
    """What happens to requests while replicas and nodes come and go."""
    answers = asyncio.run(predictions(port, PICTURES))
    known = [max(each.values()) for each in answers]
    tally = Tally(time.monotonic())
    watch, load_over, all_over = Watch(tally), threading.Event(), threading.Event()
    with background_loop() as start:
        steady = start(ask_on(port, PICTURES, known, all_over, tally, rest=REST))
        watch.note("load")
        load = [start(ask_on(port, PICTURES, known, load_over, tally)) for _ in range(clients)]
        watch.wait_for(2, "two replicas")
        time.sleep(pause)
        watch.note("node killed")
        kill_node(cluster)
        watch.wait_for(1, "one replica")
        time.sleep(pause)
        watch.note("node added")
        add_node(cluster)
        watch.wait_for(2, "two replicas again")
        time.sleep(pause)
        load_over.set()
        for client in load:
            client.result()
        watch.note("load ended")
        watch.wait_for(1, "scaled down")
        time.sleep(pause)
        all_over.set()
        steady.result()
    watch.end()
    return {"answers": answers, "events": watch.events, "replicas": watch.replicas, **asdict(tally)}


def refusal(build: Callable[[], Any]) -> str:
    """What Serve says of an application that cannot serve."""
    try:
        serve.run(build(), name="broken", route_prefix="/broken")
    except RuntimeError:
        return str(serve.status().applications["broken"].deployments["Signs"].message)
    raise AssertionError("it was deployed")


def thread_plans(cluster: Cluster) -> list[str]:
    """What the replicas said of their threads, from their logs."""
    logs = Path(cluster.head_node.get_logs_dir_path()).glob("worker-*.err")
    lines = [line for log in logs for line in log.read_text(errors="replace").splitlines()]
    return sorted({line.partition("threads: ")[2] for line in lines if "threads: " in line})


def main(pause: float, clients: int) -> dict[str, Any]:
    """All of it."""
    port = free_port()
    with two_nodes() as cluster:
        # Both nodes are on one machine, where only one proxy can have the port.
        serve.start(http_options={"host": "127.0.0.1", "port": port}, proxy_location="HeadOnly")
        serve.run(app(ARGUMENTS), name=NAME)
        told = measure(cluster, port, pause, clients)
        os.environ["SIGNS_MODEL_DIR"] = "/no/such/folder"
        return told | {"refusal": refusal(lambda: app(ARGUMENTS)), "threads": thread_plans(cluster)}


if __name__ == "__main__":
    print(json.dumps(main(float(sys.argv[1]), int(sys.argv[2]))))
