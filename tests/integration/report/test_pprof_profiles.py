"""The pprof profile, as ``go tool pprof`` itself reads it."""

from __future__ import annotations

import subprocess
from typing import TYPE_CHECKING

import pytest

from emulab.progress import Silent
from emulab.report.pprof import CountProfile, ProfileRow
from emulab.toolchain.go import find_go

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

_PROFILE = CountProfile(
    types=[("instructions", "count"), ("loads", "count")],
    rows=[
        ProfileRow(0x10F00, "main.hot", "main.go", 12, [7_000_000_000, 3], {"benchmark": "BenchmarkHot"}),
        ProfileRow(0x10F40, "main.hot", "main.go", 13, [1_000_000_000, 0], {"benchmark": "BenchmarkHot"}),
        ProfileRow(0x20000, "runtime.(*mcache).refill", "runtime/mcache.go", 1, [2_000_000_000, 5]),
        ProfileRow(0xFFFF_FFFF_F000, "", "", 0, [0, 1]),
    ],
    program="/work/hot.test",
    comments=["counted under emulation"],
)


@pytest.fixture
def pprof(tmp_path: Path) -> Callable[..., str]:
    """Calls ``go tool pprof`` on the profile and returns what it printed."""
    path = tmp_path / "profile.pb.gz"
    path.write_bytes(_PROFILE.encode())
    go = find_go(None, Silent()).command

    def call(*words: str) -> str:
        done = subprocess.run(
            [go, "tool", "pprof", *words, path], capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stderr
        return done.stdout

    return call


def test_pprof_shows_instructions_per_function(pprof: Callable[..., str]) -> None:
    top = pprof("-top", "-unit=count")
    assert "Type: instructions" in top
    rows = [line.split() for line in top.splitlines() if line.rstrip().endswith(("hot", "refill"))]
    assert [(row[0], row[-1]) for row in rows] == [
        ("8000000000", "main.hot"),
        ("2000000000", "runtime.(*mcache).refill"),
    ]


def test_pprof_shows_another_count_when_asked(pprof: Callable[..., str]) -> None:
    top = pprof("-top", "-sample_index=loads", "-unit=count")
    assert "9 total" in top
    assert "0xfffffffff000" in top


def test_pprof_tells_lines_and_labels_apart(pprof: Callable[..., str]) -> None:
    assert "main.go:13" in pprof("-top", "-lines")
    assert "BenchmarkHot" in pprof("-tags")
    assert "counted under emulation" in pprof("-comments")
