"""What can go wrong in the domain. HTTP statuses are given to these in `http_errors`, nowhere else."""

from __future__ import annotations


class SignsError(Exception):
    """The base of every error that Signs raises on purpose; its text is fit for a user."""


class ImageError(SignsError):
    """The bytes do not give a picture that can be answered."""


class EmptyImage(ImageError):
    """There are no bytes at all."""


class UnsupportedImage(ImageError):
    """The bytes are of no format on the allow-list."""


class CorruptImage(ImageError):
    """The format is known, but the picture is truncated, broken or has no area."""


class ImageTooLarge(ImageError):
    """The header announces more pixels than are allowed."""


class TensorError(SignsError):
    """An array of inputs has the wrong shape, type or values."""


class Overloaded(SignsError):
    """The queue is full; trying again in `retry_after` seconds may help."""

    def __init__(self, message: str, retry_after: int = 1) -> None:
        super().__init__(message)
        self.retry_after = retry_after


class DeadlineExceeded(SignsError):
    """The answer was not there in time; nobody works on it any longer."""


class ModelError(SignsError):
    """A model version cannot be served: missing, altered, or not what its manifest says."""


class NotReady(SignsError):
    """No model version is being served now; trying again in `retry_after` seconds may help."""

    def __init__(self, message: str, retry_after: int = 5) -> None:
        super().__init__(message)
        self.retry_after = retry_after


class InferenceError(SignsError):
    """The engine failed on an input, or what it answered are no probabilities."""
