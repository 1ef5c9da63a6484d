"""How a service of several processes starts, or says why it does not: ports, TLS, prefixes, bad workers."""

from __future__ import annotations

import errno
import re
import socket
import ssl
from collections.abc import Callable
from multiprocessing.connection import Connection
from pathlib import Path

import grpc
import httpx2
import pytest

from app.endings import NOT_STARTED
from app.settings import Settings, SettingsError
from app.supervisor import Supervisor
from app.worker_process import SPAWNED, WorkerProcess
from tests.app.grpc_calls import Caller, grpc_port, infer_fields
from tests.app.open_inference import grey
from tests.app.serving import server_process
from tests.app.workers import workers_process

GreyPng = Callable[[int], bytes]
STILLBORN = """
import os, sys, time
from app.__main__ import run_service
from app.settings import Settings

class Stillborn:
    def __reduce__(self):
        return os._exit, (7,)  # where a worker unpickles it

sys.exit(run_service(Settings.load(), time.monotonic(), Stillborn()))
"""


def test_tls_a_prefix_and_trusted_proxies_hold_for_each(
    certificate: tuple[Path, Path], grey_png: GreyPng
) -> None:
    with workers_process(
        tls_cert=certificate[0], tls_key=certificate[1], root_path="/signs", trusted_proxies="127.0.0.1"
    ) as workers:
        assert f"listening on https://127.0.0.1:{workers.server.port}/signs, by 2" in "".join(
            workers.server.lines
        )
        url = f"https://127.0.0.1:{workers.server.port}"
        trust = ssl.create_default_context(cafile=certificate[0])
        for number in workers.pids:
            with workers.only(number), httpx2.Client(base_url=url, verify=trust, timeout=60) as client:
                header = {"X-Forwarded-For": "203.0.113.7"}
                assert client.post("/predict", content=grey_png(0), headers=header).json()["label"] == "0"
                assert '"/signs/static/page.css"' in client.get("/").text
        workers.server.terminate()
        assert workers.server.end() == 0
    log = "".join(workers.server.lines)
    for number in (1, 2):
        assert len(re.findall(rf"worker-{number}: POST /predict 200 in \S+ s for 203\.0\.113\.7", log)) == 1


def test_grpc_is_answered_by_several_at_one_port_that_is_free() -> None:
    with workers_process(grpc_port=0) as workers:
        port = grpc_port(workers.server)
        black = infer_fields(grey(0).tobytes(), [1, 64, 64, 3])
        for number in range(20):
            options = [("grpc.use_local_subchannel_pool", 1), ("signs.channel", number)]
            with grpc.insecure_channel(f"127.0.0.1:{port}", options) as channel:
                assert Caller(channel)("ModelInfer", black).outputs
        workers.server.terminate()
        assert workers.server.end() == 0
    log = "".join(workers.server.lines)
    for number in (1, 2):
        assert f"worker-{number}: gRPC /inference.GRPCInferenceService/ModelInfer 200" in log


@pytest.mark.parametrize("setting", ["port", "grpc_port"])
def test_a_taken_port_is_told_and_ends_it(setting: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with (
            pytest.raises(AssertionError, match=r"cannot be started: .*[Aa]ddress already in use"),
            server_process(workers=2, **{setting: port}),
        ):
            pass


def test_workers_that_do_not_start_end_the_service_with_a_message() -> None:
    with server_process("-c", STILLBORN, workers=2) as server:
        assert server.end() == NOT_STARTED
    log = "".join(server.lines)
    assert log.count("ended by status 7") >= 3
    assert "giving up: 3 workers in a row ended before they listened" in log


def test_a_machine_without_room_for_a_process_is_told(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    asked = []

    def refuse(number: int, _begun: float) -> WorkerProcess:
        asked.append(number)
        raise BlockingIOError(errno.EAGAIN, "Resource temporarily unavailable")

    with socket.create_server(("127.0.0.1", 0)) as listener:
        status = Supervisor(Settings(workers=3), 0, refuse, [listener], tmp_path).run()
        assert listener.fileno() == -1  # closed
    assert (status, asked) == (NOT_STARTED, [1])
    assert "giving up: worker-1 cannot be started: [Errno 11] Resource temporarily" in caplog.text


class Gone(WorkerProcess):
    """A worker that has ended before anybody looks."""

    def __init__(self, number: int) -> None:
        self.number, self.listened, self.ready, self._reports = number, False, None, None
        self.ended, theirs = SPAWNED.Pipe(duplex=False)
        theirs.close()

    pid = 7
    status = -9

    @property
    def watched(self) -> list[Connection | int]:
        return [self.ended]


def test_what_ended_workers_showed_is_taken_out_and_what_they_counted_stays(tmp_path: Path) -> None:
    names = ("gauge_livesum_1.db", "gauge_livemax_1.db", "counter_1.db", "gauge_livesum_2.db")
    for name in names:
        (tmp_path / name).touch()
    started: list[Gone] = []

    def start(number: int, _begun: float) -> Gone:
        started.append(Gone(number))
        return started[-1]

    assert Supervisor(Settings(workers=1), 0, start, [], tmp_path).run() == NOT_STARTED
    assert [each.number for each in started] == [1, 1, 1]
    assert sorted(path.name for path in tmp_path.iterdir()) == ["counter_1.db", "gauge_livesum_2.db"]


@pytest.mark.parametrize("count", ["0", "-1", "1000", "two"])
def test_a_count_that_makes_no_sense_is_refused(count: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SIGNS_WORKERS", count)
    with pytest.raises(SettingsError, match=f"SIGNS_WORKERS: .*received '{count}'"):
        Settings.load()
