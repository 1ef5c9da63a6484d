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


class StoreFull(SignsError):
    """There is no room left for corrections that users send."""


class ConsentMissing(SignsError):
    """A correction came without the consent to store it."""


class TensorError(SignsError):
    """An array of inputs has the wrong shape, type or values."""


class MalformedRequest(SignsError):
    """What was sent is not what the protocol it is sent in asks for."""


class NoSuchModel(SignsError):
    """A model, or a version of it, is asked for by a name or number that is not served."""


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
