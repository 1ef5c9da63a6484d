"""What a cluster is asked with, and refusals that need none; tests/end_to_end/test_bulk_ray.py has one."""

from __future__ import annotations

import hashlib
import os
import pickle
import socket
import sys
from itertools import chain
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.bulk import cluster
from app.bulk.cluster import KnownHashes, Worker
from app.bulk.errors import RunRefused
from app.bulk.items import Item
from app.bulk.journal import Journal
from app.bulk.records import Model, Record
from app.bulk.run import Run, run_bulk
from app.bulk.sources import Sources
from app.engines.constant import ConstantEngine
from app.settings import Settings
from tests.app.bulk_runs import grey_png, left, write_pictures
from tests.app.packing import pack

HASHES = st.binary(min_size=32, max_size=32)


@given(st.sets(HASHES), HASHES)
def test_known_hashes_are_a_set(hashes: set[bytes], other: bytes) -> None:
    known = KnownHashes(b"".join(sorted(hashes)))
    assert all(each in known for each in hashes)
    assert (other in known) == (other in hashes)


def test_a_journal_tells_its_hashes_in_order(inside: Path) -> None:
    hashes = [hashlib.sha256(bytes([number])).digest() for number in range(50)]
    with Journal(Path("x.unfinished")) as journal:
        journal.record([Record("a.png", each, "{}", None) for each in hashes])
        assert journal.hashes() == b"".join(sorted(hashes))


def test_what_is_found_is_handed_out_in_portions(inside: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cluster, "ITEMS", 10)
    write_pictures("photos", 25)
    pack("x.tar", {f"{number}.png": os.urandom(5000) for number in range(5)})
    batch = {"item": [str(inside)]}
    found = [
        pickle.loads(each["items"][0]) for each in cluster._find(batch, Sources(("photos", "x.tar")), 9000)
    ]
    assert [len(portion) for portion in found] == [10, 10, 7, 2, 1]
    assert list(chain.from_iterable(found)) == list(Sources(("photos", "x.tar")).items(9000))


def test_a_worker_answers_and_says_with_what(inside: Path) -> None:
    write_pictures("photos", 3)
    known = hashlib.sha256(Path("photos/0001.png").read_bytes()).digest()
    worker = Worker(str(inside), Settings(), ConstantEngine(), known)
    items = [
        *Sources(("photos",)).items(10_000),
        Item("x.zip!/a.png", data=grey_png(255)),
        Item("y", error="no"),
    ]
    for _ in range(2):
        answer = worker({"items": [pickle.dumps(items[:2]), pickle.dumps(items[2:])]})
        model, records = pickle.loads(answer["records"][0])
        assert model == Model("signs", 1, "float32", tuple("012345"))
        assert [record.path for record in records] == [item.path for item in items]
        assert [record.answer is not None for record in records] == [True, False, True, True, False]
        assert [record.error for record in records] == [None, None, None, None, "no"]


@pytest.mark.parametrize("address", ["", "somewhere", "host:", ":6379", "ray://host:10001x", "host:port"])
def test_what_is_no_address_is_refused(address: str) -> None:
    with pytest.raises(RunRefused, match=f"expected --ray auto or host:port .*, received {address}"):
        cluster._check_address(address)


def test_an_address_where_nobody_is_is_refused_at_once() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        cluster._check_address(f"127.0.0.1:{port}")
    with pytest.raises(RunRefused, match=f"no cluster answers at 127.0.0.1:{port}: Connection refused"):
        cluster._check_address(f"127.0.0.1:{port}")


def test_without_ray_it_says_what_to_install(inside: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "ray", None)
    with pytest.raises(RunRefused, match=r"--ray needs the package ray: pip install 'signs\[ray\]'"):
        run_bulk(Run(Sources(("photos",)), Path("answers.csv"), cluster="auto"), Settings())
    assert left() == []


def test_a_list_through_a_pipe_is_refused(inside: Path) -> None:
    os.mkfifo("pipe")
    with pytest.raises(RunRefused, match="expected each --list to be a file"):
        run_bulk(Run(Sources((), ("pipe",)), Path("answers.csv"), cluster="auto"), Settings())


def test_a_node_without_the_folder_says_so() -> None:
    with pytest.raises(RunRefused, match="expected the folder /no/such on every node: No such file"):
        cluster._go_to("/no/such")
