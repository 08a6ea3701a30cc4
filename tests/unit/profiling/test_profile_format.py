"""Reading profiles: a golden file written here byte by byte, and files that are none."""

from __future__ import annotations

import struct
import zlib
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from emulab.errors import UsageError
from emulab.profiling import read
from emulab.profiling.profile import WindowKind

if TYPE_CHECKING:
    from pathlib import Path


def section(tag: bytes, payload: bytes) -> bytes:
    return tag + bytes(4) + struct.pack("<Q", len(payload)) + payload + bytes(-len(payload) % 8)


def window(
    kind: int, name: bytes, ordinal: int, argument: int, counts: list[tuple[int, int, int]], events: int = 0
) -> bytes:
    head = struct.pack("<IIQQQQQQ", kind, len(name), ordinal, argument, len(counts) - events, events, 0, 0)
    rows = b"".join(struct.pack("<IIQ", *row) for row in counts)
    return section(b"WIND", head + name + bytes(-len(name) % 8) + rows)


def profile(version: int = 1) -> bytes:
    body = struct.pack("<8sII16s32s32sI28x", b"EMUPROF\0", version, 128, b"riscv64", b"abc", b"10.0", 0)
    body += window(2, b"main.main", 0, 5, [(0, 0, 10), (1, 3, 2), (0, 0, 4)], events=1)
    body += window(0, b"", 0, 0, [(0, 0, 11), (1, 3, 2)])
    body += section(b"BLKS", struct.pack("<QQIIQQII", 0x1000, 0, 6, 2, 0x2000, 6, 4, 1))
    body += section(b"CODE", b"\x01\x02\x03\x04\x05\x06\x11\x12\x13\x14")
    body += section(b"EVNT", struct.pack("<IIq", 0, 0, 64))
    return body + section(b"ENDS", struct.pack("<QQ", zlib.crc32(body), len(body)))


def test_a_profile_says_what_was_executed() -> None:
    got = read(profile())
    assert (got.isa, got.is_system, got.plugin, got.qemu) == ("riscv64", False, "abc", "10.0")
    assert got.blocks["address"].tolist() == [0x1000, 0x2000]
    assert (got.code(0), got.code(1)) == (b"\x01\x02\x03\x04\x05\x06", b"\x11\x12\x13\x14")
    (main,) = got.windows
    assert (main.kind, main.name, main.argument, main.ordinal) == (WindowKind.MARK, "main.main", 5, 0)
    assert main.instructions == 10 * 2 + 2 * 1
    assert main.by_block().tolist() == [10, 2]
    assert main.by_block(vcpus=[3]).tolist() == [0, 2]
    assert main.by_vcpu().tolist() == [20, 0, 0, 2]
    assert main.syscalls == {64: 4}
    assert got.whole.instructions == 24


@given(st.integers(0, len(profile()) - 1))
def test_a_profile_that_is_cut_short_is_refused(size: int) -> None:
    with pytest.raises(UsageError, match="cut short"):
        read(profile()[:size], "x.profile")


@given(st.integers(128, len(profile()) - 33), st.integers(1, 255))
def test_a_profile_with_another_byte_is_refused(place: int, change: int) -> None:
    data = bytearray(profile())
    data[place] ^= change
    with pytest.raises(UsageError, match=r"x\.profile"):
        read(bytes(data), "x.profile")


def test_a_file_of_another_kind_is_refused(tmp_path: Path) -> None:
    (tmp_path / "x").write_bytes(b"\x7fELF and more")
    with pytest.raises(UsageError, match="x is no profile of emulab"):
        read(tmp_path / "x")


def test_a_profile_of_another_format_is_refused() -> None:
    with pytest.raises(UsageError, match="of format 9, and this emulab reads format 1"):
        read(profile(version=9))


def test_a_missing_file_is_said(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="can not be read: No such file"):
        read(tmp_path / "none")
