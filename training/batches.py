"""Examples -> batches for Keras: shuffled, augmented and the same again for the same seed."""

from __future__ import annotations

import keras
import numpy as np
from numpy.typing import NDArray

from training.augment import augment
from training.config import Augmentation
from training.dataset import Examples, one_hot, scaled


class AugmentedBatches(keras.utils.PyDataset):
    """One phase's training batches: float32 [b, size, size, 3] in 0..1 and one-hot float32 [b, 6].

    Everything random hangs on (seed, epoch, batch) alone, so a resumed run goes on as if it had
    never been interrupted. Keras makes batches in a thread of its own, beside the training step.
    """

    def __init__(
        self, examples: Examples, ranges: Augmentation, size: int, batch_size: int, seed: int, epoch: int
    ) -> None:
        super().__init__(workers=1, use_multiprocessing=False, max_queue_size=8)
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


def plain_batch(examples: Examples, size: int) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """All examples, unaugmented, at one size: float32 [n, size, size, 3] and one-hot float32 [n, 6]."""
    if not len(examples):
        return np.zeros((0, size, size, 3), np.float32), one_hot(examples.labels)
    off, rng = Augmentation(), np.random.default_rng(0)
    images = np.stack([augment(image, off, size, rng) for image in examples.images])
    return scaled(images), one_hot(examples.labels)
