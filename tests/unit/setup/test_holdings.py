from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from emulab import cache
from emulab.owner import Owner
from emulab.upkeep.holdings import Holding, litter_of_host, stock_of_host, summary, tree_size

if TYPE_CHECKING:
    from pathlib import Path

_DEAD_PID = 2**22 + 1  # above the kernel's largest


@pytest.fixture
def cache_directory(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    directory = tmp_path / "cache"
    monkeypatch.setenv("EMULAB_CACHE_DIR", str(directory))
    monkeypatch.setenv("DOCKER_HOST", f"unix://{tmp_path}/none.sock")
    return directory


def _scratch(directory: Path, pid: int) -> Path:
    owner = Owner.current() if pid == os.getpid() else replace(Owner.current(), pid=pid)
    path = directory / "scratch" / f"builds-0123-77-{owner.named('-')}"
    path.mkdir(parents=True)
    (path / "half").write_bytes(b"x" * 10_000)
    return path


def _clean(*words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "emulab", "clean", *words],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )


def test_size_of_a_tree_counts_blocks_and_a_linked_file_once(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    (tmp_path / "a" / "one").write_bytes(b"x" * 100_000)
    single = tree_size(tmp_path)
    assert 100_000 <= single < 130_000
    os.link(tmp_path / "a" / "one", tmp_path / "two")
    assert tree_size(tmp_path) == single
    (tmp_path / "loop").symlink_to(tmp_path)
    assert tree_size(tmp_path) < single + 10_000


def test_scratch_of_a_dead_process_is_litter_and_that_of_a_living_one_is_not(cache_directory: Path) -> None:
    dead, living = _scratch(cache_directory, _DEAD_PID), _scratch(cache_directory, os.getpid())
    found = [holding for holding in litter_of_host() if holding.kind == "scratch"]
    assert [holding.name for holding in found] == [str(dead)]
    assert found[0].size is not None
    assert found[0].size >= 10_000
    found[0].remove()
    found[0].remove()  # somebody else may have been faster
    assert not dead.exists()
    assert living.exists()
    assert [one.name for one in litter_of_host(everything=True) if one.kind == "scratch"] == [str(living)]


def test_stock_is_the_cache_without_locks_and_scratch(cache_directory: Path) -> None:
    cache.entry("builds", "abc", lambda path: None)
    _scratch(cache_directory, os.getpid())
    assert [holding.name for holding in stock_of_host()] == [str(cache_directory / "builds")]


def test_summary_counts_each_kind() -> None:
    rows = [Holding("volume", "a", 2 << 20, print), Holding("volume", "b", None, print)]
    assert summary(rows) == "2 volumes (2.00 MiB)"
    assert summary([Holding("image", "a", 1 << 20, print)]) == "1 image (up to 1.00 MiB)"


def test_clean_removes_litter_and_keeps_the_cache(cache_directory: Path) -> None:
    dead = _scratch(cache_directory, _DEAD_PID)
    kept = cache_directory / "builds" / "abc"
    kept.mkdir(parents=True)
    shown = _clean("--dry-run")
    assert str(dead) in shown.stdout
    assert dead.exists()
    done = _clean("--json")
    assert done.returncode == 0, done.stderr
    document = json.loads(done.stdout)
    assert document["command"] == "clean"
    assert [row["name"] for row in document["removed"] if row["kind"] == "scratch"] == [str(dead)]
    assert document["freed"] >= 10_000
    assert "was not looked at" in done.stderr
    assert not dead.exists()
    assert kept.exists()


def test_clean_of_the_cache_asks_first(cache_directory: Path) -> None:
    kept = cache_directory / "builds" / "abc"
    kept.mkdir(parents=True)
    refused = _clean("--cache")
    assert refused.returncode == 2
    assert "--yes" in refused.stderr
    assert kept.exists()
    assert _clean("--cache", "--yes").returncode == 0
    assert not kept.exists()
