"""Who is told how long the work takes."""

from __future__ import annotations


class Observer:
    """Listens to nothing; the service's metrics listen. Called from the threads that do the work."""

    def decoded(self, seconds: float) -> None:
        """A picture became the network's input in so many seconds."""

    def ran(self, images: int, seconds: float) -> None:
        """The network ran on a batch of `images` in so many seconds."""
