"""Cells side by side: each distinct binary is built once, and machines run together only as memory allows."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

import pytest

from emulab.progress import Silent, SilentStep
from emulab.testing import runner
from emulab.testing.request import TestRequest
from emulab.testing.verdicts import Verdict

if TYPE_CHECKING:
    from pathlib import Path

    from emulab.progress import Step
    from emulab.testing.cells import Cell, Slot

_TEST = """package {name}

import (
	"testing"
	"time"
)

func TestIt(t *testing.T) {{ time.Sleep(300 * time.Millisecond) }}
"""


@pytest.fixture
def module(tmp_path: Path) -> Path:
    """A module of two packages whose tests take a moment."""
    (tmp_path / "go.mod").write_text("module example.com/side\n\ngo 1.22\n")
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "it_test.go").write_text(_TEST.format(name=name))
    return tmp_path


class _Builds(Silent):
    """Progress that keeps what was built."""

    def __init__(self) -> None:
        self.titles: list[str] = []

    def step(self, title: str) -> Step:
        """Keep a step's title."""
        self.titles.append(title)
        return SilentStep()


class _Together:
    """Counts the cells that run at the same time."""

    def __init__(self) -> None:
        self.most = 0
        self._running: set[tuple[str, str]] = set()
        self._lock = threading.Lock()

    def state(self, slot: Slot, state: str) -> None:
        """Take what is done for a cell."""
        if state == "running":
            with self._lock:
                self._running.add((slot.package, slot.place.target.title))
                self.most = max(self.most, len(self._running))

    def ended(self, cell: Cell) -> None:
        """Take a cell's end."""
        with self._lock:
            self._running.discard((cell.package, cell.place.target.title))


def test_each_distinct_binary_is_built_once(module: Path) -> None:
    request = TestRequest(
        ("./...",),
        module,
        architectures=("arm64",),
        libcs=("musl", "glibc", "glibc-old"),
        builds=("pure", "cgo"),
    )
    progress = _Builds()
    cells = runner.test(request, progress, lambda _: None, None).cells
    assert [cell.judgement.verdict for cell in cells] == [Verdict.PASS] * 12
    built = [title for title in progress.titles if title.startswith("building example.com/side/")]
    # Without C code one for all root filesystems; with it one for each C library and version.
    assert (
        sorted(built)
        == ["building example.com/side/a for arm64"] * 4 + ["building example.com/side/b for arm64"] * 4
    )


def test_machines_that_do_not_fit_together_run_one_after_the_other(
    module: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("os.cpu_count", lambda: 3)
    request = TestRequest(("./...",), module, architectures=("arm64",), libcs=("musl", "glibc"))
    together = _Together()
    runner.test(request, Silent(), together.ended, None, together.state)
    assert together.most > 1
    monkeypatch.setattr(runner, "available_memory", lambda engine: 1)
    alone = _Together()
    cells = runner.test(request, Silent(), alone.ended, None, alone.state).cells
    assert alone.most == 1
    assert [cell.judgement.verdict for cell in cells] == [Verdict.PASS] * 4
