"""The engine's framing of a command's output is taken apart whatever the pieces look like."""

from __future__ import annotations

import socket
import struct
import threading

from hypothesis import given
from hypothesis import strategies as st

from emulab.engine.stream import AttachedStream

frames = st.lists(st.tuples(st.sampled_from([1, 2]), st.binary(max_size=300)), max_size=20)


def received(frames: list[tuple[int, bytes]], cut: int, size: int) -> tuple[bytes, str]:
    ours, theirs = socket.socketpair()
    data = b"".join(struct.pack(">BxxxL", number, len(piece)) + piece for number, piece in frames)

    def write() -> None:
        for start in range(0, len(data), cut):
            theirs.sendall(data[start : start + cut])
        theirs.close()

    writer = threading.Thread(target=write)
    writer.start()
    stream = AttachedStream(ours)
    out = b"".join(iter(lambda: stream.recv(size), b""))
    writer.join()
    stream.close()
    return out, stream.stderr


@given(frames, st.integers(1, 400), st.integers(1, 5000))
def test_stdout_arrives_whole_and_in_order(frames: list[tuple[int, bytes]], cut: int, size: int) -> None:
    out, _ = received(frames, cut, size)
    assert out == b"".join(piece for number, piece in frames if number == 1)


def test_stderr_is_kept_apart() -> None:
    out, err = received([(1, b"a"), (2, b"trouble\n"), (1, b"b")], 3, 100)
    assert (out, err) == (b"ab", "trouble")


def test_closing_lets_the_process_end_by_itself_and_what_it_still_says_arrive() -> None:
    ours, theirs = socket.socketpair()
    stream = AttachedStream(ours)
    said: list[bytes] = []

    def receive() -> None:
        said.extend(iter(lambda: stream.recv(100), b""))

    def process() -> None:
        while theirs.recv(100):
            pass  # until its input ends
        theirs.sendall(struct.pack(">BxxxL", 1, 4) + b"last")
        theirs.close()

    threads = [threading.Thread(target=receive), threading.Thread(target=process)]
    for thread in threads:
        thread.start()
    stream.sendall(b"work")
    stream.close()
    assert stream.ended.is_set()
    for thread in threads:
        thread.join(5)
    assert said == [b"last"]


def test_closing_a_stream_whose_process_goes_on_says_that_it_did_not_end() -> None:
    ours, theirs = socket.socketpair()
    stream = AttachedStream(ours)
    stream.close()
    assert not stream.ended.is_set()
    assert theirs.recv(1) == b""
