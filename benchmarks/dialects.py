"""How many answers a second each dialect gives for the same photo: `python -m benchmarks.dialects`.

Rounds of all of them are interleaved, so that whatever else the machine does slows each alike.
"""

from __future__ import annotations

import asyncio
import json
import struct
import tempfile
import time
from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path

import grpc
import httpx2

from app.open_inference.grpc_messages import SERVICE, new_message
from benchmarks.contenders import OUR_COMMAND, ROOT
from benchmarks.pictures import get, made_up_photo
from benchmarks.processes import free_port, running

CLIENTS = 8
ROUNDS = 8
SECONDS = 2.0
PHOTO = made_up_photo((640, 480))

Ask = Callable[[], Awaitable[None]]


async def main() -> None:
    """Prints one line for each dialect: answers a second, and their share of those of `/predict`."""
    port = free_port()
    log = Path(tempfile.gettempdir()) / "benchmark-dialects.log"
    with running(OUR_COMMAND, {"SIGNS_GRPC_PORT": str(port)}, ROOT, log) as server:
        await server.await_answer(get("/health/ready"))
        limits = httpx2.Limits(max_connections=CLIENTS)
        async with (
            httpx2.AsyncClient(
                base_url=f"http://127.0.0.1:{server.port}", trust_env=False, limits=limits, timeout=60
            ) as client,
            grpc.aio.insecure_channel(f"127.0.0.1:{port}") as channel,
        ):
            asks = over_http(client) | {"gRPC": over_grpc(channel)}
            answers = dict.fromkeys(asks, 0)
            for _ in range(ROUNDS):
                for name, ask in asks.items():
                    answers[name] += await answers_within(SECONDS, ask)
    for name, count in answers.items():
        share = 100 * count / answers["/predict"]
        print(f"{name:<22} {count / (ROUNDS * SECONDS):>8.1f} answers/s {share:>6.1f} %")


def over_http(client: httpx2.AsyncClient) -> dict[str, Ask]:
    """Asks by the name of their dialect."""
    head, tail = binary_request()
    body = {"Content-Type": "image/jpeg"}
    return {
        "/predict": poster(client, "/predict", PHOTO, body),
        "v2, binary tensor": poster(
            client,
            "/v2/models/signs/infer",
            head + tail,
            {"Inference-Header-Content-Length": str(len(head))},
        ),
        "v2, the picture alone": poster(
            client, "/v2/models/signs/infer", PHOTO, {"Inference-Header-Content-Length": "0"}
        ),
    }


def binary_request() -> tuple[bytes, bytes]:
    """The photo as NVIDIA's clients send it: JSON, then the tensor."""
    tail = struct.pack("<I", len(PHOTO)) + PHOTO
    tensor = {
        "name": "images",
        "shape": [1],
        "datatype": "BYTES",
        "parameters": {"binary_data_size": len(tail)},
    }
    return json.dumps({"inputs": [tensor], "parameters": {"binary_data_output": True}}).encode(), tail


def poster(client: httpx2.AsyncClient, path: str, body: bytes, headers: Mapping[str, str]) -> Ask:
    """Posts the body; any status but 200 ends the measurement."""

    async def ask() -> None:
        (await client.post(path, content=body, headers=headers)).raise_for_status()

    return ask


def over_grpc(channel: grpc.aio.Channel) -> Ask:
    """Calls `ModelInfer` with the same request; any status but OK ends the measurement."""
    call = channel.unary_unary(f"/{SERVICE.full_name}/ModelInfer")
    _, tail = binary_request()
    request = new_message("ModelInferRequest")
    request.model_name = "signs"
    request.inputs.add(name="images", datatype="BYTES", shape=[1])
    request.raw_input_contents.append(tail)
    body = request.SerializeToString()

    async def ask() -> None:
        await call(body)

    return ask


async def answers_within(seconds: float, ask: Ask) -> int:
    """How many answers `CLIENTS` get who each ask again and again for so long."""
    end = time.monotonic() + seconds
    return sum(await asyncio.gather(*(ask_until(end, ask) for _ in range(CLIENTS))))


async def ask_until(end: float, ask: Ask) -> int:
    """How many answers one client gets until the `time.monotonic()` instant `end`."""
    count = 0
    while time.monotonic() < end:
        await ask()
        count += 1
    return count


if __name__ == "__main__":
    asyncio.run(main())
