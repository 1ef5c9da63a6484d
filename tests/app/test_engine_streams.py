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


def test_tensorflow_has_one_stream_for_all_threads(saved_model: Path) -> None:
    assert load_engine("tensorflow", saved_model, 3, "float32").streams == 1


@pytest.mark.parametrize("threads", [1, 2, 64])
def test_openvino_computes_in_so_many_threads_with_a_stream_each(threads: int, saved_model: Path) -> None:
    engine = OpenVinoEngine(saved_model, threads, "float32")
    assert engine._requests is not None
    request: Any = engine._requests.get()
    compiled = request.get_compiled_model()
    there = min(threads, granted_threads())
    assert compiled.get_property(properties.inference_num_threads) == there
    assert compiled.get_property(properties.num_streams) == engine.streams == there


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
    engine, used = OpenVinoEngine(saved_model, 2, "float32"), list[Any]()
    infer: Callable[..., Float32Array] = openvino._infer

    def noted(request: Any, images: Float32Array) -> Float32Array:
        used.append(request)
        return infer(request, images)

    monkeypatch.setattr(openvino, "_infer", noted)
    for _ in range(2 * engine.streams):
        engine.run(_pictures(1))
    assert len(set(map(id, used))) == engine.streams
    assert used[: engine.streams] == used[engine.streams :]


def test_a_run_that_fails_leaves_its_request_to_others(saved_model: Path) -> None:
    engine = OpenVinoEngine(saved_model, 2, "float32")
    for _ in range(3):
        with pytest.raises(RuntimeError):
            engine.run(np.zeros((1, 2, 2, 1), np.float32))
    assert engine._requests is not None
    assert engine._requests.qsize() == engine.streams
    assert engine.run(_pictures(1)).shape == (1, 6)
