"""How many threads may run an engine at once, and that their answers are those of one thread."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from openvino import properties

from app.engines import load_engine, openvino
from app.engines.base import Float32Array
from app.engines.constant import constant_manifest
from app.engines.openvino import OpenVinoEngine
from app.manifest import golden_input
from app.threads import granted_threads


def _pictures(count: int) -> Float32Array:
    return np.concatenate([golden_input(seed, constant_manifest().input) for seed in range(count)])


@pytest.mark.parametrize(
    ("name", "threads", "streams"), [("openvino", 1, 1), ("openvino", 3, 3), ("tensorflow", 3, 1)]
)
def test_openvino_has_a_stream_for_each_thread_and_tensorflow_one_for_all(
    name: str, threads: int, streams: int, saved_model: Path
) -> None:
    assert load_engine(name, saved_model, threads, "float32").streams == streams


@pytest.mark.parametrize("threads", [1, 2])
def test_openvino_computes_in_so_many_threads_with_a_stream_each(threads: int, saved_model: Path) -> None:
    engine = OpenVinoEngine(saved_model, threads, "float32")
    assert engine._requests is not None
    request: Any = engine._requests.get()
    compiled = request.get_compiled_model()
    there = min(threads, granted_threads())
    assert compiled.get_property(properties.inference_num_threads) == there
    assert compiled.get_property(properties.num_streams) == there


def test_several_threads_get_the_answers_that_one_gets(saved_model: Path) -> None:
    engine = OpenVinoEngine(saved_model, 2, "float32")
    pictures = _pictures(20)
    batches = [pictures[start : start + size] for size in (1, 2, 3) for start in range(len(pictures) - size)]
    alone = [engine.run(batch) for batch in batches]
    with ThreadPoolExecutor(2) as pool:
        together = list(pool.map(engine.run, batches * 4))
    for answer, expected in zip(together, alone * 4, strict=True):
        np.testing.assert_array_equal(answer, expected)


def test_runs_one_after_the_other_take_turns_with_the_requests(
    saved_model: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    engine, used = OpenVinoEngine(saved_model, 3, "float32"), list[Any]()
    infer: Callable[..., Float32Array] = openvino._infer

    def noted(request: Any, images: Float32Array) -> Float32Array:
        used.append(request)
        return infer(request, images)

    monkeypatch.setattr(openvino, "_infer", noted)
    for _ in range(6):
        engine.run(_pictures(1))
    assert len(set(map(id, used[:3]))) == 3
    assert used[:3] == used[3:]


def test_a_run_that_fails_leaves_its_request_to_others(saved_model: Path) -> None:
    engine = OpenVinoEngine(saved_model, 2, "float32")
    for _ in range(3):
        with pytest.raises(RuntimeError):
            engine.run(np.zeros((1, 2, 2, 1), np.float32))
    assert engine._requests is not None
    assert engine._requests.qsize() == 2
    assert engine.run(_pictures(1)).shape == (1, 6)
