"""KServe's own client against a service: run by test_kserve_client.py, with the Python that has it.

Its arguments are the service's URL, the address for gRPC, a photo, and the same photo as numbers (a .npy
file, float32 [1, 64, 64, 3]). It prints a JSON object: what is `ready`, the `answers` of each way, and the
`refusals` of what is no picture.
"""

from __future__ import annotations

import asyncio
import base64
import json
import sys
from collections.abc import Awaitable
from pathlib import Path
from typing import Any

import grpc
import httpx
import numpy as np
from kserve import InferenceGRPCClient, InferenceRESTClient, InferInput, InferRequest, RESTConfig

Told = dict[str, dict[str, Any]]
MODEL = "signs"
NO_PICTURE = b"no picture"


def asked(values: Any, datatype: str, in_json: bool = False) -> InferRequest:
    """A request for one array; as bytes after the JSON, unless it is to be in it."""
    given = InferInput("images", list(values.shape), datatype)
    given.set_data_from_numpy(values, binary_data=not in_json)
    return InferRequest(MODEL, [given])


def pictures(data: bytes) -> InferRequest:
    """A request for one encoded picture."""
    return asked(np.array([data], np.object_), "BYTES")


def row(answer: Any) -> list[float]:
    """The probabilities of the one picture in an answer."""
    (output,) = answer.outputs
    assert output.name == "probabilities", output.name
    values: list[float] = output.as_numpy().reshape(6).tolist()
    return values


async def refusal(asking: Awaitable[Any]) -> str:
    """The text of the error that a request ends with."""
    try:
        answer = await asking
    except (httpx.HTTPStatusError, grpc.RpcError) as error:
        return str(error)
    raise AssertionError(f"it was answered: {answer}")


async def ask_v1(url: str, photo: bytes, tensor: Any, told: Told) -> None:
    """KServe's V1: the photo in base64, and as numbers."""
    encoded = {"b64": base64.b64encode(photo).decode()}
    async with InferenceRESTClient(RESTConfig(protocol="v1")) as client:
        told["ready"]["v1 model"] = await client.is_model_ready(url, MODEL)
        for name, instance in (("b64", encoded), ("tensor", tensor[0].tolist())):
            answer = await client.infer(url, {"instances": [instance]}, model_name=MODEL)
            (told["answers"][f"v1 {name}"],) = answer["predictions"]
        wrong = {"instances": [{"b64": base64.b64encode(NO_PICTURE).decode()}]}
        told["refusals"]["v1"] = await refusal(client.infer(url, wrong, model_name=MODEL))


async def ask_v2(url: str, photo: bytes, tensor: Any, told: Told) -> None:
    """The Open Inference Protocol over REST."""
    async with InferenceRESTClient(RESTConfig(protocol="v2")) as client:
        told["ready"]["v2 live"] = await client.is_server_live(url)
        told["ready"]["v2 server"] = await client.is_server_ready(url)
        told["ready"]["v2 model"] = await client.is_model_ready(url, MODEL)
        for name, request in (
            ("photo", pictures(photo)),
            ("tensor", asked(tensor, "FP32")),
            ("tensor in JSON", asked(tensor, "FP32", in_json=True)),
        ):
            told["answers"][f"v2 {name}"] = row(await client.infer(url, request, model_name=MODEL))
        told["refusals"]["v2"] = await refusal(client.infer(url, pictures(NO_PICTURE), model_name=MODEL))


async def ask_grpc(address: str, photo: bytes, tensor: Any, told: Told) -> None:
    """The Open Inference Protocol over gRPC."""
    async with InferenceGRPCClient(address) as client:
        told["ready"]["gRPC live"] = await client.is_server_live()
        told["ready"]["gRPC server"] = await client.is_server_ready()
        told["ready"]["gRPC model"] = await client.is_model_ready(MODEL)
        for name, request in (("photo", pictures(photo)), ("tensor", asked(tensor, "FP32"))):
            told["answers"][f"gRPC {name}"] = row(await client.infer(request))
        told["refusals"]["gRPC"] = await refusal(client.infer(pictures(NO_PICTURE)))


async def ask_all(url: str, address: str, photo: bytes, tensor: Any) -> Told:
    """All that the client can ask of the service."""
    told: Told = {"ready": {}, "answers": {}, "refusals": {}}
    await ask_v1(url, photo, tensor, told)
    await ask_v2(url, photo, tensor, told)
    await ask_grpc(address, photo, tensor, told)
    return told


if __name__ == "__main__":
    url, address, photo, tensor = sys.argv[1:]
    print(json.dumps(asyncio.run(ask_all(url, address, Path(photo).read_bytes(), np.load(tensor)))))
