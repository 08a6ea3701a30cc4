"""The cache keeps what is whole, and only that."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from typing import TYPE_CHECKING

import pytest

from emulab import cache
from emulab.errors import InfrastructureError

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture(autouse=True)
def own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("EMULAB_CACHE_DIR", str(tmp_path / "cache"))
    return tmp_path / "cache"


def test_an_entry_is_made_once() -> None:
    made = []

    def make(directory: Path) -> None:
        made.append(directory)
        (directory / "content").write_text("x")

    first = cache.entry("kind", "k1", make)
    second = cache.entry("kind", "k1", make)
    assert first == second
    assert (first / "content").read_text() == "x"
    assert len(made) == 1


def test_a_failed_maker_leaves_no_entry_and_no_scratch(own_cache: Path) -> None:
    def make(directory: Path) -> None:
        (directory / "half").write_text("x")
        raise ValueError("no")

    with pytest.raises(ValueError, match="no"):
        cache.entry("kind", "k1", make)
    assert not (own_cache / "kind" / "k1").exists()
    assert list((own_cache / "scratch").iterdir()) == []


def test_two_threads_that_ask_at_once_get_one_entry() -> None:
    made = []
    barrier = threading.Barrier(2)

    def make(directory: Path) -> None:
        made.append(directory)

    def ask() -> None:
        barrier.wait()
        cache.entry("kind", "shared", make)

    threads = [threading.Thread(target=ask) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(made) == 1


def test_scratch_of_a_dead_process_is_swept_and_of_a_living_one_kept(own_cache: Path) -> None:
    child = subprocess.run(
        [sys.executable, "-c", "import os; print(os.getpid())"], capture_output=True, check=True
    )
    dead = own_cache / "scratch" / f"kind-abc-{int(child.stdout)}-1"
    alive = own_cache / "scratch" / f"kind-abc-{os.getpid()}-1"
    dead.mkdir(parents=True)
    alive.mkdir(parents=True)
    assert cache.sweep_scratch() == [dead]
    assert not dead.exists()
    assert alive.exists()


def test_a_cache_below_a_file_is_a_clear_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("EMULAB_CACHE_DIR", str(tmp_path / "file" / "below"))
    with pytest.raises(InfrastructureError, match="not writable"):
        cache.entry("kind", "k1", lambda _: None)


def test_the_digest_ignores_key_order_and_sees_values() -> None:
    assert cache.digest({"a": 1, "b": 2}) == cache.digest({"b": 2, "a": 1})
    assert cache.digest({"a": 1}) != cache.digest({"a": 2})


def test_a_tree_digest_sees_names_modes_and_contents(tmp_path: Path) -> None:
    (tmp_path / "a").write_text("1")
    first = cache.tree_digest(tmp_path)
    (tmp_path / "a").chmod(0o755)
    second = cache.tree_digest(tmp_path)
    (tmp_path / "a").write_text("2")
    third = cache.tree_digest(tmp_path)
    (tmp_path / "a").rename(tmp_path / "b")
    fourth = cache.tree_digest(tmp_path)
    assert len({first, second, third, fourth}) == 4
