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
