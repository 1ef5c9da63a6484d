"""Examples -> batches for Keras: shuffled, augmented and the same again for the same seed."""

from __future__ import annotations

import keras
import numpy as np
from numpy.typing import NDArray

from training.augment import augment
from training.config import Augmentation
from training.dataset import Examples, one_hot, scaled


class AheadBatches(keras.utils.PyDataset):
    """Batches that two threads make beside the training step.

    With a single one Keras leaves it to tf.data, whose tuner sleeps ever longer, and an epoch of
    TensorFlow 2.21 does not end before it wakes: up to twice as late.
    """

    def __init__(self) -> None:
        super().__init__(workers=2, use_multiprocessing=False, max_queue_size=8)


class AugmentedBatches(AheadBatches):
    """One phase's training batches: float32 [b, size, size, 3] in 0..1 and one-hot float32 [b, 6].

    Everything random hangs on (seed, epoch, batch) alone, so a resumed run goes on as if it had
    never been interrupted.
    """

    def __init__(
        self, examples: Examples, ranges: Augmentation, size: int, batch_size: int, seed: int, epoch: int
    ) -> None:
        super().__init__()
        self._examples = examples
        self._ranges = ranges
        self._size = size
        self._batch_size = batch_size
        self._seed = seed
        self._epoch = epoch
        self._order = self._shuffled()

    def _shuffled(self) -> NDArray[np.int64]:
        return np.random.default_rng((self._seed, self._epoch)).permutation(len(self._examples))

    def __len__(self) -> int:
        # The last, smaller batch is left out: its batch-norm statistics would be the noisiest.
        return max(1, len(self._examples) // self._batch_size)

    def __getitem__(self, index: int) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        chosen = self._order[index * self._batch_size : (index + 1) * self._batch_size]
        rng = np.random.default_rng((self._seed, self._epoch, index))
        images = [augment(self._examples.images[i], self._ranges, self._size, rng) for i in chosen]
        return scaled(np.stack(images)), one_hot(self._examples.labels[chosen])

    def on_epoch_end(self) -> None:
        """Keras calls this between epochs: a new order and new changes."""
        self._epoch += 1
        self._order = self._shuffled()


class PlainBatches(AheadBatches):
    """Examples as they are, in their order: float32 [b, size, size, 3] in 0..1 and one-hot float32 [b, 6]."""

    def __init__(self, examples: Examples, size: int, batch_size: int) -> None:
        super().__init__()
        self._images, self._labels = plain_batch(examples, size)
        self._batch_size = batch_size

    def __len__(self) -> int:
        return -(-len(self._images) // self._batch_size)

    def __getitem__(self, index: int) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        chosen = slice(index * self._batch_size, (index + 1) * self._batch_size)
        return self._images[chosen], self._labels[chosen]


def in_batches(model: keras.Model, inputs: NDArray[np.float32], batch_size: int = 64) -> NDArray[np.float32]:
    """The outputs for all of at least one input; `Model.predict` would wait for tf.data as well."""
    starts = range(0, len(inputs), batch_size)
    outputs = [model.predict_on_batch(inputs[start : start + batch_size]) for start in starts]
    return np.concatenate([keras.ops.convert_to_numpy(part) for part in outputs])


def plain_batch(examples: Examples, size: int) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """All examples, unaugmented, at one size: float32 [n, size, size, 3] and one-hot float32 [n, 6]."""
    if not len(examples):
        return np.zeros((0, size, size, 3), np.float32), one_hot(examples.labels)
    off, rng = Augmentation(), np.random.default_rng(0)
    images = np.stack([augment(image, off, size, rng) for image in examples.images])
    return scaled(images), one_hot(examples.labels)
