"""The client against a peer that misbehaves; the agent itself is in the integration tests."""

from __future__ import annotations

import json
import socket
import threading
import time
from typing import TYPE_CHECKING

import pytest

from emulab.errors import MachineError, NoSpaceError, UsageError
from emulab.machines.agent_client import AgentClient
from emulab.machines.agent_documents import Program
from emulab.machines.agent_errors import PortInUseError, ProgramError, RequestError
from emulab.machines.wire import Decoder, Frame, Kind, encode

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

HELLO = {
    "version": 1, "window": 1000, "architecture": "amd64", "kernel": "6", "machine": "x86_64",
    "page_size": 4096, "cpus": 1, "memory": 1, "uptime_ns": 1, "started_ns": 1, "boot_id": "b",
    "pid": 2, "init": False,
}  # fmt: skip


class Peer:
    """The other end of a client's stream: answers the hello, and then what a test tells it to."""

    def __init__(self) -> None:
        self.ours, self.theirs = socket.socketpair()
        self._decoder = Decoder()
        self._frames: list[Frame] = []
        self.session = 0

    def next(self) -> Frame:
        while not self._frames:
            data = self.ours.recv(1 << 16)
            assert data, "the client closed the stream"
            self._frames = self._decoder.feed(data)
        return self._frames.pop(0)

    def send(self, number: int, kind: Kind, document: object, *, session: int | None = None) -> None:
        used = self.session if session is None else session
        self.ours.sendall(encode(Frame(used, number, kind, 0, json.dumps(document).encode())))

    def welcome(self) -> None:
        hello = self.next()
        assert hello.kind is Kind.HELLO
        self.session = hello.session
        self.send(hello.id, Kind.HELLO, HELLO)


@pytest.fixture
def peer() -> Iterator[Peer]:
    peer = Peer()
    yield peer
    peer.ours.close()


def connect(peer: Peer, **settings: float) -> AgentClient:
    welcome = threading.Thread(target=peer.welcome)
    welcome.start()
    client = AgentClient(peer.theirs, name="the test", diagnosis=lambda: "last words", **settings)  # type: ignore[arg-type]
    welcome.join()
    return client


def answer_with(peer: Peer, act: Callable[[Frame], None]) -> threading.Thread:
    thread = threading.Thread(target=lambda: act(peer.next()))
    thread.start()
    return thread


def test_every_waiter_is_told_that_the_connection_was_lost(peer: Peer) -> None:
    client = connect(peer)
    seen: list[MachineError] = []

    def wait() -> None:
        try:
            client.ping()
        except MachineError as error:
            seen.append(error)

    waiters = [threading.Thread(target=wait) for _ in range(3)]
    for waiter in waiters:
        waiter.start()
    for _ in waiters:
        peer.next()
    peer.ours.close()
    for waiter in waiters:
        waiter.join(5)
    assert [error.message for error in seen] == [
        "the connection to the agent of the test was lost: it was closed by the other side"
    ] * 3
    assert seen[0].detail == "last words"
    with pytest.raises(MachineError, match="was lost"):
        client.ping()
    assert client.is_lost


def test_bytes_that_are_no_frame_end_the_connection_with_that_reason(peer: Peer) -> None:
    client = connect(peer)
    peer.ours.sendall(b"Segmentation fault, core dumped")
    with pytest.raises(MachineError, match="no frame"):
        client.ping()


def test_a_peer_that_never_answers_is_given_up(peer: Peer) -> None:
    with pytest.raises(MachineError, match=r"did not answer within 0\.1 s"):
        AgentClient(peer.theirs, name="the test", timeout_s=0.1)
    client_end_is_closed = peer.ours.recv(1 << 16) and peer.ours.recv(1 << 16) == b""
    assert client_end_is_closed


def test_a_request_without_an_answer_is_cancelled(peer: Peer) -> None:
    client = connect(peer, timeout_s=0.1)
    with pytest.raises(MachineError, match="not answered within"):
        client.ping()
    request = peer.next()
    cancel = peer.next()
    assert (cancel.kind, cancel.id) == (Kind.CANCEL, request.id)
    client.close()


def test_a_late_answer_is_dropped_and_the_next_request_is_its_own(peer: Peer) -> None:
    client = connect(peer, timeout_s=0.1)
    with pytest.raises(MachineError):
        client.stat("/late")
    late = peer.next()
    peer.next()  # the cancellation
    peer.send(late.id, Kind.ANSWER, {"exists": True})
    thread = answer_with(peer, lambda f: peer.send(f.id, Kind.ANSWER, {"exists": False}))
    assert not client.stat("/next").exists
    thread.join()
    client.close()


def test_frames_of_another_session_are_dropped(peer: Peer) -> None:
    client = connect(peer)

    def act(frame: Frame) -> None:
        peer.send(frame.id, Kind.ANSWER, {"exists": True}, session=peer.session ^ 2)
        peer.send(frame.id, Kind.ANSWER, {"exists": False})

    thread = answer_with(peer, act)
    assert not client.stat("/x").exists
    thread.join()
    client.close()


@pytest.mark.parametrize("document", [{"exists": "perhaps"}, {"kind": "file"}, [], "text"])
def test_an_answer_that_does_not_fit_is_the_machines_fault(peer: Peer, document: object) -> None:
    client = connect(peer)
    thread = answer_with(peer, lambda f: peer.send(f.id, Kind.ANSWER, document))
    with pytest.raises(MachineError, match="answer"):
        client.stat("/x")
    thread.join()
    client.close()


@pytest.mark.parametrize(
    ("refusal", "kind"),
    [
        ({"code": "exec", "message": "m", "errno": "ENOENT"}, ProgramError),
        ({"code": "port-in-use", "message": "m"}, PortInUseError),
        ({"code": "system", "message": "m", "errno": "ENOSPC"}, NoSpaceError),
        ({"code": "system", "message": "m", "errno": "EIO", "path": "/x"}, RequestError),
    ],
)
def test_a_refusal_is_the_error_that_it_means(peer: Peer, refusal: object, kind: type[Exception]) -> None:
    client = connect(peer)
    thread = answer_with(peer, lambda f: peer.send(f.id, Kind.FAILURE, refusal))
    with pytest.raises(kind, match="m"):
        client.run(Program(("x",)))
    thread.join()
    assert issubclass(ProgramError, UsageError)
    client.close()


def test_no_more_is_sent_than_the_agent_gave_credit_for(peer: Peer) -> None:
    client = connect(peer)
    received: list[int] = []

    def act(request: Frame) -> None:
        while (frame := peer.next()).kind is Kind.DATA:
            received.append(len(frame.payload))
            if sum(received) == 1000:  # the window of the hello
                time.sleep(0.05)
                received.append(0)
                credit = Frame(peer.session, request.id, Kind.CREDIT, 0, b"", (500).to_bytes(4, "little"))
                peer.ours.sendall(encode(credit))
        assert frame.kind is Kind.END
        peer.send(request.id, Kind.ANSWER, {"size": 1500})

    thread = answer_with(peer, act)
    client.put(bytes(1500), "/x")
    thread.join()
    assert received == [1000, 0, 500]
    client.close()
