"""The cache keeps what is whole, and only that."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
import time
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from emulab import cache
from emulab.errors import InfrastructureError
from emulab.owner import Owner

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


def scratch_of(directory: Path, owner: Owner | None, age_s: float = 0.0) -> Path:
    path = directory / "scratch" / f"kind-abc-x_1-{owner.named('-') if owner else 'whoever'}"
    path.mkdir(parents=True)
    os.utime(path, (time.time() - age_s,) * 2)
    return path


def test_scratch_of_a_killed_process_is_swept_and_of_a_living_one_kept(own_cache: Path) -> None:
    code = "import os; from emulab import cache; cache.entry('kind', 'k', lambda _: os.kill(os.getpid(), 9))"
    subprocess.run([sys.executable, "-c", code], check=False)
    (killed,) = (own_cache / "scratch").iterdir()
    with cache.scratch("living") as living:
        assert cache.stale_scratch() == [killed]
        assert cache.sweep_scratch() == [killed]
        assert living.exists()
    assert list((own_cache / "scratch").iterdir()) == []


def test_scratch_of_a_reused_process_id_is_swept_however_young(own_cache: Path) -> None:
    former = scratch_of(own_cache, replace(Owner.current(), started="1"))
    assert cache.sweep_scratch() == [former]


FOREIGN = replace(Owner.current(), host="elsewhere")


@pytest.mark.parametrize("owner", [FOREIGN, None], ids=["foreign", "unknown"])
def test_scratch_of_whom_nobody_here_can_judge_is_swept_when_a_day_old(
    own_cache: Path, owner: Owner | None
) -> None:
    young = scratch_of(own_cache, owner)
    assert cache.sweep_scratch() == []
    young.rmdir()
    old = scratch_of(own_cache, owner, age_s=25 * 3600.0)
    assert cache.sweep_scratch() == [old]


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can make a namespace of process ids")
def test_a_container_with_the_same_cache_leaves_its_hosts_scratch_alone(own_cache: Path) -> None:
    # There every process id of this namespace names nobody, or somebody else.
    code = "from emulab import cache; print(cache.sweep_scratch())"
    with cache.scratch("living") as living:
        words = ["unshare", "--pid", "--fork", "--mount-proc", sys.executable, "-c", code]
        seen = subprocess.run(words, capture_output=True, text=True, check=True)
        assert seen.stdout == "[]\n"
        assert living.exists()


def test_a_cache_below_a_file_is_a_clear_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("EMULAB_CACHE_DIR", str(tmp_path / "file" / "below"))
    with pytest.raises(InfrastructureError, match="not writable"):
        cache.entry("kind", "k1", lambda _: None)


def test_the_digest_ignores_key_order_and_sees_values() -> None:
    assert cache.digest({"a": 1, "b": 2}) == cache.digest({"b": 2, "a": 1})
    assert cache.digest({"a": 1}) != cache.digest({"a": 2})
