"""A service that the agent starts, loads and measures on this host."""

from __future__ import annotations

import http.server
import re
import shutil
import socket
import subprocess
import threading
import time
from typing import TYPE_CHECKING

import pytest

from emulab.machines.agent_documents import LoadRequest, MemorySampling, Program, Ready, SpawnResult
from emulab.machines.agent_errors import PortInUseError, RequestError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from emulab.machines.agent_client import AgentClient

MEBIBYTE = 1 << 20


@pytest.fixture
def service(client: AgentClient, healthd: Path, free_port: int) -> Iterator[tuple[SpawnResult, str]]:
    url = f"http://127.0.0.1:{free_port}/health"
    result = client.spawn(Program((str(healthd), "-addr", f"127.0.0.1:{free_port}")), Ready(url))
    assert result.outcome == "ready"
    yield result, url
    if not client.is_lost:
        client.stop(result.pid)


def test_the_start_is_measured_from_exec_to_the_first_answer(service: tuple[SpawnResult, str]) -> None:
    assert 0.0005 < service[0].startup_s < 5


def test_a_port_that_answers_already_is_refused(
    client: AgentClient, service: tuple[SpawnResult, str], healthd: Path
) -> None:
    port = service[1].split(":")[2].split("/")[0]
    for url in (service[1], f"tcp://127.0.0.1:{port}"):
        with pytest.raises(PortInUseError, match=f"port {port} already"):
            client.spawn(Program((str(healthd), "-addr", f"127.0.0.1:{port}")), Ready(url))


def test_a_service_without_an_answer_is_not_ready(
    client: AgentClient, tmp_path: Path, free_port: int
) -> None:
    """A status of 404 and a connection that stays silent are no answers."""
    server = f"python3 -m http.server {free_port} --bind 127.0.0.1 --directory {tmp_path}"
    result = client.spawn(
        Program(("/bin/sh", "-c", server)), Ready(f"http://127.0.0.1:{free_port}/none", timeout_s=2)
    )
    assert result.outcome == "timed-out"
    assert result.end is not None
    assert b"404" in result.end.output


def test_memory_is_counted_three_ways_that_agree(
    client: AgentClient, service: tuple[SpawnResult, str]
) -> None:
    memory = client.memory(service[0].pid, detail=True)
    assert memory.status.rss_peak >= memory.sum.rss > MEBIBYTE
    assert memory.rollup.pss > 0
    assert abs(memory.rollup.rss - memory.sum.rss) <= 0.05 * memory.sum.rss
    assert memory.sum.vss == sum(m.vss for m in memory.mappings)
    assert any(mapping.path.endswith("healthd") for mapping in memory.mappings)
    assert memory.within is None


def test_a_range_counts_its_mappings_alone(client: AgentClient, service: tuple[SpawnResult, str]) -> None:
    mappings = client.memory(service[0].pid, detail=True).mappings
    program = [m for m in mappings if m.path.endswith("healthd")]
    span = (int(program[0].low, 16), int(program[-1].high, 16))
    within = client.memory(service[0].pid, within=span).within
    assert within is not None
    assert within.vss == sum(m.vss for m in mappings if span[0] <= int(m.low, 16) < span[1])


def test_descendants_are_added_when_asked_for(client: AgentClient) -> None:
    result = client.spawn(Program(("/bin/sh", "-c", "sleep 60 & echo up; wait")), Ready("log:up"))
    alone = client.memory(result.pid)
    family = client.memory(result.pid, descendants=True)
    assert (alone.processes, family.processes) == (1, 2)
    assert family.sum.vss > alone.sum.vss
    client.stop(result.pid)


def test_the_memory_of_nobody_is_an_error(client: AgentClient) -> None:
    with pytest.raises(RequestError, match="no process has the pid 4194304"):
        client.memory(4194304)


@pytest.mark.parametrize("keepalive", [False, True])
def test_a_load_is_counted_exactly(
    client: AgentClient, service: tuple[SpawnResult, str], keepalive: bool
) -> None:
    result, url = service
    load = LoadRequest(url, 1000, 50, keepalive=keepalive, sample=MemorySampling(result.pid, 0.005))
    facts = client.load(load)
    assert (facts.completed, facts.failures, facts.non_2xx) == (1000, 0, 0)
    assert len(facts.latencies_ns) == 1000
    assert min(facts.latencies_ns) > 0
    assert max(facts.latencies_ns) <= facts.elapsed_ns
    assert facts.bytes > facts.body_bytes > 1000 * 50
    assert len(facts.samples) >= 2
    assert facts.samples[-1].rss > MEBIBYTE
    # The service counts its checks: exactly ours, and the one that saw it ready.
    assert b'"checks":1002,' in client.run(Program(("/bin/sh", "-c", fetch(url)))).stdout


def fetch(url: str) -> str:
    return f"python3 -c \"import urllib.request as u; print(u.urlopen('{url}').read().decode())\""


def test_failures_are_counted_by_kind(client: AgentClient, free_port: int) -> None:
    facts = client.load(LoadRequest(f"http://127.0.0.1:{free_port}/", 20, 4))
    assert (facts.completed, facts.failed["connect"], facts.failures) == (0, 20, 20)


class Rude(http.server.BaseHTTPRequestHandler):
    """Answers by turns properly, with an error, too short, with nothing, and never."""

    answered = 0
    lock = threading.Lock()

    def do_GET(self) -> None:
        with Rude.lock:
            turn, Rude.answered = Rude.answered % 5, Rude.answered + 1
        if turn == 0:
            self.wfile.write(b"HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\nok")
        elif turn == 1:
            self.wfile.write(b"HTTP/1.0 500 No\r\n\r\n")
        elif turn == 2:
            self.wfile.write(b"HTTP/1.0 200 OK\r\nContent-Length: 9\r\n\r\nshort")
        elif turn == 3:
            self.wfile.write(b"nonsense")
        else:
            time.sleep(1.0)

    def log_message(self, *_: object) -> None:
        pass


def test_each_kind_of_rude_answer_is_told_apart(client: AgentClient) -> None:
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Rude) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        url = f"http://127.0.0.1:{server.server_address[1]}/"
        facts = client.load(LoadRequest(url, 50, 5, timeout_s=0.4))
        server.shutdown()
    assert (facts.completed, facts.non_2xx) == (20, 10)
    expected = {"connect": 0, "send": 0, "receive": 0, "timeout": 10, "length": 10, "malformed": 10}
    assert facts.failed == expected


@pytest.mark.skipif(shutil.which("ab") is None, reason="ab (apache2-utils) is not installed")
def test_the_load_agrees_with_ab(client: AgentClient, service: tuple[SpawnResult, str]) -> None:
    """Both drive the same service by turns; the best of each is what the service can do."""
    ours, theirs = [], []
    for _ in range(5):
        ours.append(1000 / client.load(LoadRequest(service[1], 1000, 50)).elapsed_ns * 1e9)
        report = subprocess.run(
            ["ab", "-q", "-n", "1000", "-c", "50", service[1]], capture_output=True, text=True, check=True
        ).stdout
        assert "Failed requests:        0" in report or "Length:" in report
        theirs.append(float(re.findall(r"Requests per second:\s+([0-9.]+)", report)[0]))
    print(f"requests per second: {max(ours):.0f} by the agent, {max(theirs):.0f} by ab")
    assert 0.5 < max(ours) / max(theirs) < 2


def echo_server(path: str) -> socket.socket:
    listener = socket.socket(socket.AF_UNIX)
    listener.bind(path)
    listener.listen()

    def serve() -> None:
        while True:
            try:
                connection, _ = listener.accept()
            except OSError:
                return
            threading.Thread(target=echo, args=(connection,), daemon=True).start()

    def echo(connection: socket.socket) -> None:
        with connection:
            while data := connection.recv(1 << 16):
                connection.sendall(data)

    threading.Thread(target=serve, daemon=True).start()
    return listener


def test_a_relayed_stream_carries_bytes_both_ways(client: AgentClient, tmp_path: Path) -> None:
    path = str(tmp_path / "echo.sock")
    data = bytes(range(256)) * (5 * MEBIBYTE // 256)

    # It appears after the dialling has begun.
    appears = threading.Timer(0.3, lambda: listeners.append(echo_server(path)))
    listeners: list[socket.socket] = []
    appears.start()
    stream = client.dial(path, timeout_s=5)

    def send() -> None:
        stream.sendall(data)
        stream.end_input()

    sender = threading.Thread(target=send)
    sender.start()
    received = bytearray()
    while piece := stream.recv(100_000):
        received += piece
    sender.join()
    assert received == data
    stream.close()
    with pytest.raises(BrokenPipeError):
        stream.sendall(b"x")
    listeners[0].close()


def test_a_relayed_stream_can_be_a_socket(client: AgentClient, tmp_path: Path) -> None:
    listener = echo_server(str(tmp_path / "echo.sock"))
    with client.dial(f"unix:{tmp_path}/echo.sock").as_socket() as end:
        end.settimeout(10)
        for size in (1, 1000, 100_000):
            end.sendall(bytes(size))
            got = 0
            while got < size:
                got += len(end.recv(1 << 16))
        end.shutdown(socket.SHUT_WR)
        assert end.recv(1) == b""
    listener.close()


def test_a_relayed_stream_that_is_closed_wakes_its_reader(client: AgentClient, tmp_path: Path) -> None:
    from emulab.errors import MachineError

    listener = echo_server(str(tmp_path / "echo.sock"))
    stream = client.dial(f"{tmp_path}/echo.sock")
    woken = []

    def read() -> None:
        try:
            woken.append(stream.recv(1))
        except MachineError:
            woken.append(b"")

    reader = threading.Thread(target=read)
    reader.start()
    time.sleep(0.1)
    stream.close()
    reader.join(5)
    assert woken == [b""]
    assert client.ping() < 1
    listener.close()


def test_nobody_to_dial_is_an_error(client: AgentClient, tmp_path: Path) -> None:
    with pytest.raises(RequestError, match="no such file"):
        client.dial(f"{tmp_path}/none.sock", timeout_s=0.2)
