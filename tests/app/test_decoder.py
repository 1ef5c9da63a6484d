"""Threads that hang in a picture are told, and forgotten when they do not any more."""

from __future__ import annotations

import time

from app import decoder
from app.decoder import Decoder
from app.observer import Observer


def test_stuck_when_every_thread_hangs() -> None:
    decoding = Decoder(100, 2, Observer())
    long_ago = time.monotonic() - decoder.HANGS_AFTER - 1
    assert decoding.stuck is None
    decoding._begun = {1: long_ago}
    assert decoding.stuck is None
    decoding._begun = {1: long_ago, 2: time.monotonic()}
    assert decoding.stuck is None
    decoding._begun = {1: long_ago, 2: long_ago}
    assert decoding.stuck == "all 2 decoding threads have been at one picture for 60 s"
    decoding.close()


def test_small_pictures_share_their_way_to_a_thread() -> None:
    sizes = [10_000, 5_000, 5_000, 50_000, 1, 2]
    portions = decoder._portions((bytes(size), str(size)) for size in sizes)
    told = [[place for _, place in portion] for portion in portions]
    assert told == [["10000", "5000"], ["5000"], ["50000"], ["1", "2"]]
    assert list(decoder._portions([])) == []
