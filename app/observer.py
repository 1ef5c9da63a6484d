"""Who is told how long the work takes."""

from __future__ import annotations


class Observer:
    """Listens to nothing; the service's metrics listen. Called from the threads that do the work."""

    def decoded(self, seconds: float) -> None:
        """A picture became the network's input in so many seconds."""

    def computed(self, waited: float, ran: float) -> None:
        """A request waited for the network and then was in one of its runs, each for so many seconds."""

    def ran(self, images: int, seconds: float) -> None:
        """The network ran on a batch of `images` in so many seconds."""

    def answered(self, seconds: float) -> None:
        """A request to the classifier was answered after so many seconds."""

    def failed(self, seconds: float) -> None:
        """A request to the classifier ended without an answer after so many seconds."""


class Observers(Observer):
    """Tells each of several."""

    def __init__(self, *observers: Observer) -> None:
        self._observers = observers

    def decoded(self, seconds: float) -> None:
        for observer in self._observers:
            observer.decoded(seconds)

    def computed(self, waited: float, ran: float) -> None:
        for observer in self._observers:
            observer.computed(waited, ran)

    def ran(self, images: int, seconds: float) -> None:
        for observer in self._observers:
            observer.ran(images, seconds)

    def answered(self, seconds: float) -> None:
        for observer in self._observers:
            observer.answered(seconds)

    def failed(self, seconds: float) -> None:
        for observer in self._observers:
            observer.failed(seconds)
