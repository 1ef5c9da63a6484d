"""Proves the layers: imports point one way, and importing the service builds and loads nothing."""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest

from tests.import_graph import (
    arrows_up,
    environment_readers,
    find_cycle,
    function_lengths,
    import_graph,
    imported_names,
    sources,
    unplaced,
)
from tests.layers import APP_LAYERS, TRAINING_LAYERS

ROOT = Path(__file__).parents[1]

SHARED_WITH_TRAINING = {"app.errors", "app.imaging", "app.manifest", "app.views"}


@pytest.fixture(scope="module")
def modules() -> dict[str, str]:
    return sources(ROOT, "app", "training")


def of_package(modules: Mapping[str, str], package: str) -> dict[str, str]:
    return {name: source for name, source in modules.items() if name.split(".")[0] == package}


@pytest.mark.parametrize(("package", "layers"), [("app", APP_LAYERS), ("training", TRAINING_LAYERS)])
def test_imports_point_one_way(
    modules: dict[str, str], package: str, layers: tuple[tuple[str, ...], ...]
) -> None:
    graph = import_graph(of_package(modules, package))
    assert unplaced(graph, layers) == []
    assert arrows_up(graph, layers) == []
    assert find_cycle(graph) == []


def test_each_arrow_turned_round_is_seen(modules: dict[str, str]) -> None:
    graph = import_graph(of_package(modules, "app"))
    arrows = [(importer, imported) for importer in graph for imported in graph[importer]]
    assert len(arrows) > 20
    for importer, imported in arrows:
        assert find_cycle({**graph, imported: graph[imported] | {importer}}), f"{imported} -> {importer}"


def test_an_import_against_the_layers_is_seen_in_the_sources(modules: dict[str, str]) -> None:
    app = of_package(modules, "app")
    turned = import_graph({**app, "app.errors": f"from app.routes import predict\n{app['app.errors']}"})
    assert arrows_up(turned, APP_LAYERS) == ["app.errors -> app.routes.predict"]


def test_app_never_imports_training(modules: dict[str, str]) -> None:
    graph = import_graph(modules)
    assert {
        name for name in of_package(modules, "app") if graph[name] & of_package(modules, "training").keys()
    } == set()


def test_training_sees_of_app_only_what_it_must_share(modules: dict[str, str]) -> None:
    graph = import_graph(modules)
    used = {name for importer in of_package(modules, "training") for name in graph[importer]}
    assert used & of_package(modules, "app").keys() <= SHARED_WITH_TRAINING


def test_routes_do_not_import_each_other(modules: dict[str, str]) -> None:
    routes = {name: text for name, text in modules.items() if name.startswith("app.routes.")}
    assert all(not imports for imports in import_graph(routes).values())


def test_the_core_knows_no_http(modules: dict[str, str]) -> None:
    core = [name for layer in APP_LAYERS[:4] for name in layer]
    http = {"fastapi", "starlette", "uvicorn"}
    assert [name for name in core if {n.split(".")[0] for n in imported_names(modules[name])} & http] == []


def test_the_environment_is_read_in_the_settings_only(modules: dict[str, str]) -> None:
    assert environment_readers(of_package(modules, "app")) == ["app.settings"]


def test_files_and_functions_are_short(modules: dict[str, str]) -> None:
    everything = {**modules, **sources(ROOT, "benchmarks", "deploy", "supply", "tests")}
    assert {name for name, text in everything.items() if len(text.splitlines()) > 250} == set()
    assert {name for name in everything if name.split(".")[-1] in {"util", "utils"}} == set()
    assert statistics.median(function_lengths(modules)) < 10


IMPORT_THE_SERVICE = """
import gc, json, sys, threading
import app.main
from app.settings import Settings
from fastapi import FastAPI

print(json.dumps({
    "loaded": sorted(
        {"grpc", "keras", "openvino", "pyarrow", "ray", "tensorflow", "training"} & sys.modules.keys()
    ),
    "built": [type(item).__name__ for item in gc.get_objects() if isinstance(item, FastAPI | Settings)],
    "threads": threading.active_count(),
}))
"""


def test_importing_the_service_loads_no_engine_and_builds_nothing() -> None:
    # Settings that are refused show that none is read before the service is built.
    environment = {**os.environ, "SIGNS_PORT": "none", "SIGNS_NO_SUCH_SETTING": "1"}
    command = [sys.executable, "-c", IMPORT_THE_SERVICE]
    answer = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
    assert answer.returncode == 0, answer.stderr
    assert json.loads(answer.stdout) == {"loaded": [], "built": [], "threads": 1}
