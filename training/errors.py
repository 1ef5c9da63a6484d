"""What can go wrong in training; the command line shows these texts and no traceback."""

from __future__ import annotations

from app.errors import SignsError


class TrainingError(SignsError):
    """The base of training's own errors."""


class RecipeError(TrainingError):
    """A recipe is missing, is no TOML, or asks for what there is not."""


class DataError(TrainingError):
    """A data file or folder is missing or malformed."""


class RunError(TrainingError):
    """A run folder cannot be used, or its training went wrong."""


class ExportError(TrainingError):
    """An exported model does not answer as the trained one does."""
