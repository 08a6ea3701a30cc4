from __future__ import annotations

import contextlib
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from emulab.errors import MachineError
from emulab.machines import wire
from emulab.machines.wire import Decoder, Frame, Kind, encode

numbers = st.integers(0, 2**32 - 1)
frames = st.builds(
    Frame,
    session=numbers,
    id=numbers,
    kind=st.sampled_from(Kind),
    channel=st.integers(0, 255),
    document=st.binary(max_size=400),
    payload=st.binary(max_size=4000),
)


def cut(data: bytes, places: list[int]) -> list[bytes]:
    ends = sorted({0, len(data), *(place % (len(data) + 1) for place in places)})
    return [data[a:b] for a, b in pairwise(ends)]


@given(st.lists(frames, max_size=8), st.lists(st.integers(0, 2**20), max_size=30), st.integers(0, 3))
def test_frames_survive_any_cutting_and_zero_bytes_between_them(
    sent: list[Frame], places: list[int], zeros: int
) -> None:
    stream = bytes(zeros).join([b"", *(encode(frame) for frame in sent), b""])
    decoder = Decoder()
    assert [frame for piece in cut(stream, places) for frame in decoder.feed(piece)] == sent


@given(frames, st.integers(1, wire.HEADER_SIZE - 1), st.integers(1, 255))
def test_a_damaged_header_is_an_error_or_another_frame(frame: Frame, place: int, change: int) -> None:
    damaged = bytearray(encode(frame))
    damaged[place] ^= change
    got = []
    with contextlib.suppress(MachineError):
        got = Decoder().feed(bytes(damaged))
    assert got != [frame]


@given(st.binary(min_size=wire.HEADER_SIZE).filter(lambda b: b[0] not in (0, wire.MAGIC[0])))
def test_bytes_that_are_no_frame_are_an_error(data: bytes) -> None:
    with pytest.raises(MachineError, match="no frame"):
        Decoder().feed(data)


@given(frames, frames, st.integers(1, 5000))
def test_a_seeking_decoder_finds_the_first_whole_frame(first: Frame, second: Frame, lost: int) -> None:
    stream = encode(first)
    rest = stream[min(lost, len(stream)) :].replace(wire.MAGIC, b"....")
    assert Decoder(seek=True).feed(rest + encode(second))[-1:] == [second]


def test_a_length_beyond_the_limit_is_an_error_before_anything_is_kept() -> None:
    header = bytearray(encode(Frame(1, 1, Kind.DATA)))
    header[20:24] = (wire.MAX_PAYLOAD + 1).to_bytes(4, "little")
    with pytest.raises(MachineError):
        Decoder().feed(bytes(header))


def test_the_flush_ends_the_largest_unfinished_frame() -> None:
    largest = encode(Frame(1, 1, Kind.DATA, 0, bytes(wire.MAX_DOCUMENT), bytes(wire.MAX_PAYLOAD)))
    decoder = Decoder()
    decoder.feed(largest[: wire.HEADER_SIZE + 1])
    hello = Frame(2, 1, Kind.HELLO)
    assert decoder.feed(wire.FLUSH + encode(hello))[-1] == hello


@pytest.mark.parametrize(("document", "payload"), [(wire.MAX_DOCUMENT + 1, 0), (0, wire.MAX_PAYLOAD + 1)])
def test_a_part_that_is_too_large_is_refused(document: int, payload: int) -> None:
    with pytest.raises(ValueError, match="at most"):
        encode(Frame(1, 1, Kind.DATA, 0, bytes(document), bytes(payload)))
