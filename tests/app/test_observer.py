"""Several observers are told the same, and nothing is left out."""

from __future__ import annotations

from app.observer import Observer, Observers


class Diary(Observer):
    """Writes down what it is told."""

    def __init__(self) -> None:
        self.told: list[tuple[object, ...]] = []

    def decoded(self, seconds: float) -> None:
        self.told.append(("decoded", seconds))

    def computed(self, waited: float, ran: float) -> None:
        self.told.append(("computed", waited, ran))

    def ran(self, images: int, seconds: float) -> None:
        self.told.append(("ran", images, seconds))

    def answered(self, seconds: float) -> None:
        self.told.append(("answered", seconds))

    def failed(self, seconds: float) -> None:
        self.told.append(("failed", seconds))


def test_each_of_several_is_told() -> None:
    diaries = Diary(), Diary()
    both = Observers(*diaries)
    both.decoded(1)
    both.computed(2, 3)
    both.ran(4, 5)
    both.answered(6)
    both.failed(7)
    expected = [("decoded", 1), ("computed", 2, 3), ("ran", 4, 5), ("answered", 6), ("failed", 7)]
    assert [diary.told for diary in diaries] == [expected, expected]


def test_none_of_its_methods_is_forgotten() -> None:
    methods = {name for name in vars(Observer) if not name.startswith("_")}
    assert methods <= vars(Observers).keys()
    assert methods <= vars(Diary).keys()
