"""Properties of the Open Inference Protocol over REST that hold for every body."""

from __future__ import annotations

import json
from collections.abc import Iterator

import numpy as np
import pytest
from fastapi.testclient import TestClient
from hypothesis import given
from hypothesis import strategies as st

from app.engines.constant import ConstantEngine
from tests.app.open_inference import INFER, LENGTH, binary_request, grey, refusal
from tests.app.serving import service

SCALARS = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8)
ANY_JSON = SCALARS | st.lists(SCALARS, max_size=3) | st.dictionaries(st.text(max_size=3), SCALARS, max_size=2)
SHAPES = st.lists(st.sampled_from([0, 1, 2, 3, 64, -1, 2**63]), max_size=5)
PARAMETERS = st.dictionaries(
    st.sampled_from(["binary_data_size", "timeout", "classification", "binary_data"]), SCALARS, max_size=2
)
INPUTS = st.fixed_dictionaries(
    {
        "name": st.just("images") | SCALARS,
        "shape": st.sampled_from([[1], [1, 64, 64, 3]]) | SHAPES | ANY_JSON,
        "datatype": st.sampled_from(["FP32", "BYTES"]) | SCALARS,
    },
    optional={"data": ANY_JSON, "parameters": PARAMETERS | ANY_JSON},
)
OUTPUTS = st.fixed_dictionaries(
    {"name": st.just("probabilities") | SCALARS}, optional={"parameters": PARAMETERS}
)
REQUESTS = st.fixed_dictionaries(
    {"inputs": st.lists(INPUTS, max_size=2) | ANY_JSON},
    optional={
        "id": st.text(st.characters(codec=None), max_size=2) | SCALARS,
        "outputs": st.lists(OUTPUTS, max_size=2) | ANY_JSON,
        "parameters": PARAMETERS | ANY_JSON,
    },
)
BODIES = st.builds(lambda value: json.dumps(value).encode(), REQUESTS | ANY_JSON) | st.binary(max_size=80)
HEADERS = st.text(st.characters(max_codepoint=255, exclude_characters="\r\n\0"), max_size=8)


@pytest.fixture(scope="module")
def client() -> Iterator[TestClient]:
    with service() as client:
        yield client


# The header is left out, or as far from the truth as the integer says, or any text.
@given(BODIES, st.binary(max_size=40), st.none() | st.integers(-2, 2) | HEADERS)
def test_no_body_is_a_server_error(
    client: TestClient, document: bytes, tail: bytes, header: int | str | None
) -> None:
    told = str(max(0, len(document) + header)) if isinstance(header, int) else header
    headers = {} if told is None else {LENGTH.encode(): told.encode("latin-1")}
    response = client.post(INFER, content=document + tail, headers=headers)
    if response.status_code != 200:
        refusal(response, 400)


@given(st.lists(st.floats(0, 1, width=32), min_size=1, max_size=4))
def test_every_row_is_its_own_pictures_answer(client: TestClient, levels: list[float]) -> None:
    pixels = grey(*levels)
    body, headers = binary_request(pixels.tobytes(), list(pixels.shape))
    (output,) = client.post(INFER, content=body, headers=headers).json()["outputs"]
    rows = np.array(output["data"]).reshape(output["shape"])
    np.testing.assert_allclose(rows, ConstantEngine().run(pixels), atol=1e-6)
