"""The service on a real cluster of two Ray nodes, in the environment that `make ray` sets up."""

from __future__ import annotations

import asyncio
import json
import os
import re
import subprocess
import time
from typing import Any

import pytest

from tests.app.serving import server_process
from tests.conftest import ROOT
from tests.end_to_end.ray_load import predictions
from tests.soak.client import photo

PYTHON = ROOT / ".venv-ray" / "bin" / "python"
PAUSE, CLIENTS = 3, 8
PATIENCE = 280.0
"""Seconds, fewer than a hanging test is given. Ray itself ends what a killed program leaves."""
TOLERANCE = 1e-3
SOON = 90.0
"""Seconds within which a node that will not start has said so."""
READY = re.compile("ready after")
Told = dict[str, Any]

INSTALLED = (ROOT / ".venv-ray" / ".installed").exists()
ABSENT = "Ray is not here: `make ray` installs it into .venv-ray"

pytestmark = pytest.mark.skipif(not INSTALLED, reason=ABSENT)


def run(*arguments: object, patience: float = PATIENCE, **variables: str) -> subprocess.CompletedProcess[str]:
    """A command of the Python that has Ray, in the repository's root, until its end."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith("SIGNS_")}
    command = [str(PYTHON), *map(str, arguments)]
    return subprocess.run(
        command, cwd=ROOT, env=environment | variables, capture_output=True, text=True, timeout=patience
    )


@pytest.fixture(scope="module")
def told() -> Told:
    """What was seen on two nodes, one of which was killed under load."""
    begun = time.monotonic()
    done = run("-m", "tests.end_to_end.ray_cluster", PAUSE, CLIENTS)
    if done.returncode and (spent := time.monotonic() - begun) < SOON:
        # A node gives up when its agent needs more than 15 s to start, as on a busy machine it may.
        done = run("-m", "tests.end_to_end.ray_cluster", PAUSE, CLIENTS, patience=PATIENCE - spent)
    assert done.returncode == 0, done.stderr[-5000:]
    seen: Told = json.loads(done.stdout.splitlines()[-1])
    print({name: seen[name] for name in ("sent", "retried", "lost", "events", "failures")})
    return seen


def test_the_answers_are_those_of_a_single_process(told: Told) -> None:
    pictures = [photo(seed) for seed in range(len(told["answers"]))]
    with server_process("-m", "app", precision="float32") as server:
        server.wait_for(READY)
        alone = asyncio.run(predictions(server.port, pictures))
    assert len(alone) > 1
    for answer, known in zip(told["answers"], alone, strict=True):
        assert answer == pytest.approx(known, abs=TOLERANCE)


def test_a_replica_has_the_threads_of_its_share(told: Told) -> None:
    plans = [plan.partition(";")[0] for plan in told["threads"]]
    assert plans == ["1 for inference, 2 to decode"]


def test_replicas_come_with_the_load_and_go_with_it(told: Told) -> None:
    events = told["events"]
    before = [count for moment, count in told["replicas"] if moment < events["two replicas"]]
    after = [count for moment, count in told["replicas"] if moment > events["scaled down"]]
    assert set(before) <= {1, 2}
    assert before[0] == 1
    assert max(count for _, count in told["replicas"]) == 2
    assert set(after) == {1}


def test_a_client_that_retries_loses_nothing(told: Told) -> None:
    assert told["sent"] == len(told["moments"]) > 100
    assert (told["lost"], told["wrong"]) == (0, 0)


def test_only_the_node_that_was_killed_cost_tries(told: Told) -> None:
    events = told["events"]
    # Whether any request was under way on the node when it was killed is chance.
    assert all(events["node killed"] < moment < events["load ended"] for moment, _ in told["failures"])


def test_a_model_folder_that_is_none_is_named(told: Told) -> None:
    assert "/no/such/folder" in told["refusal"]


def test_a_replica_that_is_not_ready_is_not_well() -> None:
    done = run("-c", CHECK_HEALTH)
    assert done.stdout.splitlines() == ["well", "not ready: draining"], done.stderr[-2000:]


CHECK_HEALTH = """
import asyncio
from app.engines.constant import ConstantEngine
from app.errors import NotReady
from app.main import create_app
from app.settings import Settings
from deploy.ray.app import Signs

async def check():
    replica = Signs()
    replica.app = create_app(Settings(), ConstantEngine())
    async with replica.app.router.lifespan_context(replica.app):
        await replica.check_health()
        print("well")
    try:
        await replica.check_health()
    except NotReady as error:
        print("not ready:", error)

asyncio.run(check())
"""


def test_serve_understands_the_configuration() -> None:
    done = run("-c", READ_CONFIGURATION)
    assert done.stdout.split() == ["signs", "deploy.ray.app:app", "EveryNode"], done.stderr[-2000:]


READ_CONFIGURATION = """
import yaml
from ray.serve.schema import ServeDeploySchema

read = ServeDeploySchema.model_validate(yaml.safe_load(open("deploy/ray/serve.yaml")))
(application,) = read.applications
print(application.name, application.import_path, read.proxy_location.value)
"""


def test_importing_the_application_builds_nothing() -> None:
    # Settings that are refused show that none is read before the application is built.
    done = run("-c", "import deploy.ray.app, ray; print(ray.is_initialized())", SIGNS_PORT="none")
    assert done.stdout.split() == ["False"], done.stderr[-2000:]


def test_a_wrong_setting_and_a_wrong_argument_are_told_before_anything_starts() -> None:
    command = ("-m", "ray.serve.scripts", "run", "deploy.ray.app:app")
    assert "SIGNS_GRPC_PORT" in run(*command, SIGNS_GRPC_PORT="9000").stderr
    assert "max_replica\n" in run(*command, "max_replica=3").stderr


def test_a_cluster_that_is_not_there_is_told() -> None:
    done = run("-m", "ray.serve.scripts", "deploy", "-a", "http://127.0.0.1:9", "deploy/ray/serve.yaml")
    assert done.returncode != 0
    assert "Failed to connect to Ray at address: http://127.0.0.1:9" in done.stderr
