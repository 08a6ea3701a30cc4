"""The archive that guests boot from is what cpio's own reader takes it for."""

from __future__ import annotations

import shutil
import subprocess
from typing import TYPE_CHECKING

import pytest

from emulab.machines.initramfs import agent_initramfs, archive, directory, file

if TYPE_CHECKING:
    from pathlib import Path


def parse(data: bytes) -> dict[str, bytes]:
    """Read an archive by the format's description alone."""
    found: dict[str, bytes] = {}
    at = 0
    while True:
        assert data[at : at + 6] == b"070701"
        fields = [int(data[at + 6 + 8 * i : at + 14 + 8 * i], 16) for i in range(13)]
        size, name_size = fields[6], fields[11]
        name = data[at + 110 : at + 110 + name_size - 1].decode()
        start = (at + 110 + name_size + 3) // 4 * 4
        if name == "TRAILER!!!":
            return found
        found[name] = data[start : start + size]
        at = (start + size + 3) // 4 * 4


def test_contents_of_any_length_are_kept() -> None:
    entries = [directory("d"), *(file(f"d/f{n}", b"x" * n) for n in range(9))]
    found = parse(archive(entries))
    assert found == {"d": b"", **{f"d/f{n}": b"x" * n for n in range(9)}}


def test_equal_entries_give_equal_bytes() -> None:
    assert agent_initramfs(b"agent") == agent_initramfs(b"agent")
    assert agent_initramfs(b"agent") != agent_initramfs(b"Agent")


@pytest.mark.skipif(shutil.which("cpio") is None, reason="cpio is not installed")
def test_cpio_lists_it(tmp_path: Path) -> None:
    listing = subprocess.run(["cpio", "-t"], input=agent_initramfs(b"a"), capture_output=True, check=True)
    assert b"init" in listing.stdout.split()
