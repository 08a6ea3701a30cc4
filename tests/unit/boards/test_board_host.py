"""The facts of the computer that the tests run on."""

from __future__ import annotations

import os
import platform
from typing import TYPE_CHECKING

import pytest

from emulab.boards import load_catalogue
from emulab.boards.host import facts

if TYPE_CHECKING:
    from pathlib import Path


def test_host_is_this_computer() -> None:
    board = load_catalogue().board("host")
    assert board.kind == "host"
    assert board.arch == {"x86_64": "amd64", "aarch64": "arm64"}.get(platform.machine(), board.arch)
    assert board.cores == os.cpu_count()
    assert board.software is not None
    assert board.software.kernel == platform.release()
    assert board.memory is not None
    assert board.memory.assumed_mib * 1024**2 == pytest.approx(
        os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGESIZE"), rel=0.01
    )
    assert board.build_environment()["GOARCH"] == board.arch
    assert "GODEBUG" not in board.run_environment()


def test_the_kernels_description_of_caches_is_read(tmp_path: Path) -> None:
    cache = tmp_path / "cpus" / "cpu0" / "cache"
    for number, (level, kind, size, shared) in enumerate(
        [("1", "Data", "32K", "0"), ("1", "Instruction", "48K", "0"), ("2", "Unified", "1024K", "0-3,8")]
    ):
        index = cache / f"index{number}"
        index.mkdir(parents=True)
        for name, text in (
            ("level", level), ("type", kind), ("size", size), ("shared_cpu_list", shared),
            ("ways_of_associativity", "8"), ("coherency_line_size", "64"),
        ):  # fmt: skip
            (index / name).write_text(text + "\n")
    frequency = tmp_path / "cpus" / "cpu0" / "cpufreq"
    frequency.mkdir()
    (frequency / "cpuinfo_max_freq").write_text("3600000\n")
    (tmp_path / "cpuinfo").write_text(
        "processor\t: 0\nmodel name\t: A Chip\nflags\t\t: fpu sse2\n\nprocessor\t: 1\n"
    )
    (tmp_path / "meminfo").write_text("MemTotal:        2048000 kB\n")
    read = facts(tmp_path, tmp_path / "cpus")
    cluster = read["clusters"]["all"]
    assert cluster["nominal_mhz"] == 3600
    assert cluster["l1d"] == {"size_kib": 32, "shared_by": 1, "ways": 8, "line_b": 64}
    assert cluster["l1i"]["size_kib"] == 48
    assert cluster["l2"] == {"size_kib": 1024, "shared_by": 5, "ways": 8, "line_b": 64}
    assert read["soc"]["name"] == "A Chip"
    assert read["isa"]["flags"] == ["fpu", "sse2"]
    assert read["memory"] == {"assumed_mib": 2000}


def test_a_computer_that_says_little_is_a_board_all_the_same(tmp_path: Path) -> None:
    read = facts(tmp_path, tmp_path)
    assert read["clusters"]["all"]["count"] == os.cpu_count()
    assert "memory" not in read
    assert "isa" not in read
