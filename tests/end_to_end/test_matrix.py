"""``emulab matrix``: every cell judged, and nothing lost when it is killed."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.end_to_end.conftest import Said

EXAMPLE = Path(__file__).parents[2] / "examples" / "inventory"


@pytest.fixture
def example(tmp_path: Path) -> Path:
    """A copy of the example, so that its journal is the test's own."""
    return Path(shutil.copytree(EXAMPLE, tmp_path / "inventory"))


def _judged(said: Said) -> set[tuple[Any, ...]]:
    keys = ("probe", "arch", "libc", "mode", "verdict", "tests")
    return {tuple(row[key] for key in keys) for row in said.document["verdicts"]}


def test_a_killed_matrix_goes_on_to_the_same_result(emulab: Callable[..., Said], example: Path) -> None:
    words = ["matrix", "--no-probes", "--arch", "arm64", "--libc", "musl"]
    killed = subprocess.Popen(
        [sys.executable, "-m", "emulab", *words], cwd=example, stdout=subprocess.PIPE, text=True,
        env={**os.environ, "PYTHONUNBUFFERED": "1"},
    )  # fmt: skip
    assert killed.stdout is not None
    first = killed.stdout.readline()
    killed.send_signal(signal.SIGKILL)
    killed.wait()
    assert first.startswith("pass")
    resumed = emulab(*words, "--resume", "--json", cwd=example)
    assert resumed.status == 0, resumed.stderr
    known = {row["probe"]: row["seconds"] for row in resumed.document["verdicts"]}
    again = emulab(*words, "--resume", "--json", cwd=example)
    assert _judged(again) == _judged(resumed)
    # Six cells: three packages in two modes; what is known keeps the time that it took.
    assert len(resumed.document["verdicts"]) == 6
    assert {row["probe"]: row["seconds"] for row in again.document["verdicts"]} == known


def test_what_changed_since_runs_again(emulab: Callable[..., Said], example: Path) -> None:
    words = (
        "matrix",
        "./store",
        "--arch",
        "riscv64",
        "--libc",
        "musl",
        "--mode",
        "user",
        "--resume",
        "--json",
    )
    assert emulab(*words, cwd=example).status == 0
    (example / "testdata" / "parts.csv").write_text("washer,1\n")
    changed = emulab(*words, cwd=example)
    assert changed.status == 1
    (row,) = changed.document["verdicts"]
    assert (row["verdict"], row["failures"]) == ("fail", ["TestReadsTheModulesFile"])
    assert row["reason"]


def test_axes_and_exclusions_come_from_the_settings_file(emulab: Callable[..., Said], example: Path) -> None:
    (example / "emulab.toml").write_text(
        '[matrix]\narch = ["arm64", "armv7"]\nmode = ["user"]\nexclude = ["arch=armv7 libc=musl"]\n'
    )
    said = emulab("matrix", "./native", "--json", cwd=example)
    cells = {(row["arch"], row["libc"]) for row in said.document["verdicts"]}
    assert cells == {("arm64", "musl"), ("arm64", "glibc"), ("armv7", "glibc")}
