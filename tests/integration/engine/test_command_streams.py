"""Bytes to and from a command in a container."""

from __future__ import annotations

import hashlib
import os
import threading
from typing import TYPE_CHECKING

import pytest

from emulab.engine import ContainerSpec
from emulab.engine.container import Container
from emulab.errors import EngineError

if TYPE_CHECKING:
    from collections.abc import Callable

    from emulab.engine import Engine
    from emulab.engine.stream import AttachedStream

    Starter = Callable[..., Container]


def read_all(stream: AttachedStream, size: int = 1 << 16) -> bytes:
    pieces = []
    while piece := stream.recv(size):
        assert len(piece) <= size
        pieces.append(piece)
    return b"".join(pieces)


def test_much_data_goes_through_unchanged_both_ways_at_once(start: Starter) -> None:
    stream = start(command=["cat"]).stream
    sent = os.urandom(1 << 20) * 32

    def send() -> None:
        for at in range(0, len(sent), 1 << 20):
            stream.sendall(sent[at : at + (1 << 20)])
        stream.end_input()

    sender = threading.Thread(target=send)
    sender.start()
    received = read_all(stream)
    sender.join()
    assert len(received) == len(sent)
    assert hashlib.sha256(received).digest() == hashlib.sha256(sent).digest()


def test_every_byte_value_arrives_in_the_smallest_pieces(start: Starter) -> None:
    stream = start(command=["cat"]).stream
    sent = bytes(range(256)) * 4
    stream.sendall(sent)
    stream.end_input()
    assert read_all(stream, size=1) == sent


def test_the_ends_output_comes_after_the_input_has_ended(start: Starter) -> None:
    stream = start(command=["sh", "-c", "cat >/dev/null; echo after"]).stream
    stream.sendall(b"before")
    stream.end_input()
    assert read_all(stream) == b"after\n"


def test_standard_error_stays_out_of_the_data_and_its_end_is_kept(start: Starter) -> None:
    stream = start(
        command=["sh", "-c", "read go; echo one; head -c 9000 /dev/zero | tr '\\0' x >&2; echo last >&2"]
    ).stream
    # What a command writes before anybody is attached is lost; the agent, too, waits to be spoken to.
    stream.sendall(b"go\n")
    assert read_all(stream) == b"one\n"
    assert stream.stderr.endswith("xxxxlast")
    assert len(stream.stderr) <= 4096


def test_a_command_that_does_not_exist_says_so(start: Starter) -> None:
    with pytest.raises(EngineError, match="no-such-program"):
        start(command=["no-such-program"])


def test_an_image_that_does_not_exist_is_an_error_and_is_not_pulled(engine: Engine) -> None:
    with pytest.raises(EngineError, match="emulab/no-such-image:0"):
        Container(engine, ContainerSpec("emulab/no-such-image:0", ["true"], "test"))
