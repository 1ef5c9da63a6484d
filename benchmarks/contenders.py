"""Who is measured: this service, and the ways others serve the same network."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Literal

from app.manifest import INT8_PATH
from benchmarks import pictures

ROOT = Path(__file__).parents[1]
PEERS = ROOT / "benchmarks" / "peers"
ENVIRONMENTS = Path(os.environ.get("XDG_CACHE_HOME", Path.home() / ".cache")) / "signs-benchmarks"
"""Each peer's own virtual environment, outside the repository."""

OUR_COMMAND = ("sh", "-c", f"SIGNS_PORT=$PORT exec {sys.executable} -m app")

Engine = Literal["tensorflow", "openvino"]
Precision = Literal["float32", "int8"]
Carry = Callable[[bytes], bytes]
"""From a picture to the request that asks about it."""


@dataclass(frozen=True, slots=True)
class Contender:
    """One server with one engine; `{port}` in the command stands for the port to listen on."""

    name: str
    engine: Engine
    precision: Precision
    command: tuple[str, ...]
    carry: Carry
    folder: Path = ROOT
    peer: str = ""
    """The folder below `PEERS`; empty: this service."""

    @property
    def title(self) -> str:
        """What the tables call it."""
        return f"{self.name}, {'TensorFlow' if self.engine == 'tensorflow' else 'OpenVINO'} {self.precision}"

    def environment(self, model: Path) -> dict[str, str]:
        """The variables that tell it what to serve: a version of the model folder `model`."""
        if not self.peer:
            return {
                "SIGNS_PORT": "",
                "SIGNS_MODEL_DIR": str(model.parent),
                "SIGNS_ENGINE": self.engine,
                "SIGNS_PRECISION": self.precision,
            }
        network = model / INT8_PATH if self.precision == "int8" else model
        return {
            "NETWORK": str(network),
            "ENGINE": self.engine,
            "PYTHONPATH": str(PEERS),
            "TF_CPP_MIN_LOG_LEVEL": "2",
            "BENTOML_DO_NOT_TRACK": "True",
            "RAY_USAGE_STATS_ENABLED": "0",
        }


def contenders(precisions: tuple[Precision, ...]) -> list[Contender]:
    """This service and each peer, with TensorFlow and with OpenVINO in each precision."""
    ours = Contender(
        "Signs",
        "openvino",
        "float32",
        OUR_COMMAND,
        partial(pictures.multipart, "/predict", "file"),
    )
    everyone = [ours, *map(_peer, ("fastapi", "litserve", "bentoml", "mlserver", "ray_serve"))]
    with_openvino = [replace(each, precision=precision) for precision in precisions for each in everyone]
    return [*with_openvino, *(replace(each, engine="tensorflow") for each in everyone)]


def _peer(name: str) -> Contender:
    python = str(ENVIRONMENTS / name / "bin" / "python")
    kinds: dict[str, tuple[str, tuple[str, ...], Carry]] = {
        "fastapi": (
            "FastAPI, thread pool",
            ("-m", "uvicorn", "server:app", "--port", "{port}", "--log-level", "warning"),
            _form("/predict", "file"),
        ),
        "litserve": ("LitServe", ("server.py",), _form("/predict", "file")),
        "bentoml": (
            "BentoML",
            ("-m", "bentoml", "serve", "service:Signs", "--host", "127.0.0.1", "--port", "{port}"),
            _form("/predict", "images"),
        ),
        "mlserver": ("MLServer", ("start.py",), partial(pictures.open_inference, "/v2/models/signs/infer")),
        "ray_serve": ("Ray Serve", ("server.py",), partial(pictures.raw, "/predict")),
    }
    title, arguments, carry = kinds[name]
    return Contender(title, "openvino", "float32", (python, *arguments), carry, PEERS / name, name)


def _form(path: str, field: str) -> Carry:
    return partial(pictures.multipart, path, field)


def make_environment(peer: str) -> None:
    """Installs a peer from PyPI into an environment of its own, where it is not there already."""
    folder = ENVIRONMENTS / peer
    wanted = (PEERS / peer / "requirements.txt").read_text(encoding="utf-8")
    stamp = folder / "requirements.txt"
    if stamp.exists() and stamp.read_text(encoding="utf-8") == wanted:
        return
    print(f"installing {peer} into {folder}", flush=True)
    folder.parent.mkdir(parents=True, exist_ok=True)
    subprocess.run([sys.executable, "-m", "venv", str(folder)], check=True)
    subprocess.run([*_pip(peer), "install", "--quiet", "-r", str(PEERS / peer / stamp.name)], check=True)
    stamp.write_text(wanted, encoding="utf-8")


def versions(peer: str) -> list[str]:
    """What is installed there, each `name==version`."""
    frozen = subprocess.run([*_pip(peer), "freeze"], check=True, capture_output=True, text=True)
    return frozen.stdout.splitlines()


def _pip(peer: str) -> list[str]:
    return [str(ENVIRONMENTS / peer / "bin" / "python"), "-m", "pip"]
