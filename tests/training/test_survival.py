"""A kill or a full disk in the middle of a write leaves the last good checkpoint."""

from __future__ import annotations

import signal
import subprocess
import sys
from pathlib import Path

import keras
import pytest

from training.checkpoint import BEST, HISTORY, LAST, read_progress

ROOT = Path(__file__).parents[2]

# Trains three epochs of a tiny network; what the second one writes meets `FATE`.
TRAIN = """
import os, resource, signal, sys
from pathlib import Path
import keras, numpy as np
from training.checkpoint import Checkpoint, Progress

run, fate = Path(sys.argv[1]), sys.argv[2]

def kill_while_writing(model, path):
    Path(path).write_bytes(b"half a file")
    os.kill(os.getpid(), signal.SIGKILL)

class Fate(keras.callbacks.Callback):
    def on_epoch_begin(self, epoch, logs=None):
        if epoch == 1 and fate == "kill":
            type(self.model).save = kill_while_writing
        if epoch == 1 and fate == "full disk":
            # A limit on a file's size stops a write half-way, as a full disk does, but needs no disk.
            signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
            resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000))

model = keras.Sequential([keras.Input((8,)), keras.layers.Dense(64), keras.layers.Dense(1)])
model.compile(keras.optimizers.Adam(0.01), "mse")
x, y = np.ones((8, 8)), np.ones((8, 1))
model.fit(x, y, validation_data=(x, y), epochs=3, verbose=0, callbacks=[Fate(), Checkpoint(run, Progress())])
"""


# HDF5 itself may crash when it tidies up a file that could not be written.
@pytest.mark.parametrize(
    ("fate", "statuses"), [("kill", {-signal.SIGKILL}), ("full disk", {1, -signal.SIGSEGV})]
)
def test_the_last_good_checkpoint_is_left(tmp_path: Path, fate: str, statuses: set[int]) -> None:
    command = [sys.executable, "-c", TRAIN, str(tmp_path), fate]
    ended = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=240, check=False)
    assert ended.returncode in statuses, ended.stderr
    assert read_progress(tmp_path).epoch == 1
    assert len((tmp_path / HISTORY).read_text().splitlines()) == 2, "the head and one epoch"
    last = keras.models.load_model(tmp_path / LAST)
    assert int(last.optimizer.iterations) == 1
    last.load_weights(tmp_path / BEST)
