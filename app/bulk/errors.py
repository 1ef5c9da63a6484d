"""What ends a run. A picture that cannot be answered never does: it becomes a row."""

from __future__ import annotations


class BulkError(Exception):
    """The base of both; its text is fit for a user."""


class RunRefused(BulkError):
    """The run cannot begin as it was asked for: nothing was done, and nothing was changed."""


class RunStopped(BulkError):
    """The run had to stop on its way; what was answered is kept, and the same command takes it up."""
