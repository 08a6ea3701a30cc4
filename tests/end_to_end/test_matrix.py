"""``emulab matrix``: every cell judged, and nothing lost when it is killed."""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import pty
import random
import re
import shutil
import signal
import struct
import subprocess
import sys
import termios
from pathlib import Path
from typing import TYPE_CHECKING, Any

import jsonschema
import pytest

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.end_to_end.conftest import Said

SCHEMA = Path(__file__).parents[2] / "emulab" / "report" / "emulab-1.schema.json"
EXAMPLE = Path(__file__).parents[2] / "examples" / "inventory"


@pytest.fixture
def example(tmp_path: Path) -> Path:
    """A copy of the example, so that its journal is the test's own."""
    return Path(shutil.copytree(EXAMPLE, tmp_path / "inventory"))


def _judged(said: Said) -> set[tuple[Any, ...]]:
    keys = ("probe", "arch", "libc", "mode", "verdict", "tests")
    return {tuple(row[key] for key in keys) for row in said.document["verdicts"]}


def test_a_killed_matrix_goes_on_to_the_same_result(emulab: Callable[..., Said], example: Path) -> None:
    words = ["matrix", "--no-probes", "--arch", "arm64", "--libc", "musl", "--build", "pure"]
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
        "--build",
        "pure",
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


def test_another_settings_file_takes_the_place_of_the_modules(
    emulab: Callable[..., Said], example: Path, tmp_path: Path
) -> None:
    (example / "emulab.toml").write_text('[matrix]\narch = ["riscv64"]\nbuild = ["cgo"]\n')
    other = tmp_path / "other.toml"
    other.write_text('[matrix]\narch = ["arm64"]\nlibc = ["musl"]\nmode = ["user"]\n')
    said = emulab("matrix", "./native", "--config", str(other), "--json", cwd=example)
    (cell,) = said.document["verdicts"]
    assert (cell["arch"], cell["libc"], cell["mode"], cell["build"]) == ("arm64", "musl", "user", "pure")
    other.write_text('[matrix]\narhc = ["arm64"]\n')
    wrong = emulab("matrix", "--config", str(other), cwd=example)
    assert wrong.status == 2
    assert "did you mean 'arch'" in wrong.stderr


def test_versions_of_go_and_ways_to_build_are_axes(emulab: Callable[..., Said], example: Path) -> None:
    (example / "emulab.toml").write_text(
        '[matrix]\ngo = ["1.22", "1.26"]\nbuild = ["pure", "cgo", "goarm=7"]\n'
        'exclude = ["go=1.22 build=cgo"]\n'
        'arch = ["arm64"]\nlibc = ["musl"]\nmode = ["user"]\n'
    )
    said = emulab("matrix", "./native", "--json", cwd=example)
    assert said.status == 0, said.stderr
    # What says nothing for arm64 makes no further cell. The test that only C code has was run with it.
    found = [(row["go"][:4], row["build"], row["tests"]) for row in said.document["verdicts"]]
    assert found == [("1.22", "pure", 1), ("1.26", "pure", 1), ("1.26", "cgo", 2)]
    assert said.document["command"] == "matrix"
    jsonschema.validate(said.document, json.loads(SCHEMA.read_text()))


def test_a_go_that_is_too_old_for_the_module_is_a_cell_and_no_end(
    emulab: Callable[..., Said], example: Path
) -> None:
    (example / "go.mod").write_text("module example.com/inventory\n\ngo 1.25\n")
    words = ("--arch", "arm64", "--libc", "musl", "--mode", "user", "--build", "pure")
    said = emulab("matrix", "./native", *words, "--go", "1.22,1.26", "--json", cwd=example)
    assert said.status == 0, said.stderr
    old, new = said.document["verdicts"]
    assert (old["verdict"], new["verdict"]) == ("unsupported", "pass")
    assert "1.25" in old["reason"]


def test_only_what_a_change_can_affect_is_judged_and_the_rest_is_named(
    emulab: Callable[..., Said], example: Path
) -> None:
    git = ["git", "-c", "user.name=t", "-c", "user.email=t@example.com", "-c", "commit.gpgsign=false"]
    for words in (["init", "--quiet"], ["add", "."], ["commit", "--quiet", "-m", "one"]):
        subprocess.run([*git, *words], cwd=example, check=True)
    words = ["matrix", "--only-changed", "HEAD", "--arch", "arm64", "--libc", "musl", "--mode", "user"]
    words += ["--build", "pure", "--json"]
    unchanged = emulab(*words, cwd=example)
    assert (unchanged.status, unchanged.document["verdicts"]) == (0, []), unchanged.stderr
    (example / "service" / "service.go").write_text(
        (example / "service" / "service.go").read_text() + "\n// More.\n"
    )
    changed = emulab(*words, cwd=example)
    assert changed.status == 0, changed.stderr
    assert [row["probe"] for row in changed.document["verdicts"]] == ["example.com/inventory/service"]
    (note,) = changed.document["notes"]
    assert note.endswith("example.com/inventory/native, example.com/inventory/store")
    missing = emulab("matrix", "--only-changed", "nowhere", cwd=example)
    assert missing.status == 2


def test_killed_at_any_moment_it_resumes_to_the_same_result(
    emulab: Callable[..., Said], example: Path
) -> None:
    words = ["matrix", "--arch", "arm64", "--libc", "musl,glibc", "--mode", "user", "--build", "pure"]
    words.append("--no-probes")
    moments = random.Random(20240101)
    for attempt in range(4):
        with subprocess.Popen(
            [sys.executable, "-m", "emulab", *words, *(["--resume"] if attempt else [])], cwd=example,
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        ) as running:  # fmt: skip
            try:
                running.wait(timeout=moments.uniform(0.2, 2.5))
            except subprocess.TimeoutExpired:
                running.send_signal(signal.SIGKILL)
    resumed = emulab(*words, "--resume", "--json", cwd=example)
    whole = emulab(*words, "--json", cwd=example)
    assert (resumed.status, whole.status) == (0, 0), resumed.stderr
    assert len(whole.document["verdicts"]) == 6
    assert _judged(resumed) == _judged(whole)


def _on_terminal(
    example: Path, *words: str, until: Callable[[str], bool] = lambda seen: False
) -> tuple[int, str]:
    """Run the matrix on a terminal; return its status and what was drawn.

    :param until: when Ctrl-C is pressed.
    """
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 30, 100, 0, 0))
    environment = {name: value for name, value in os.environ.items() if name != "NO_COLOR"}
    words = ("matrix", *words, "--arch", "arm64", "--libc", "musl", "--mode", "user", "--build", "pure")
    with subprocess.Popen(
        [sys.executable, "-m", "emulab", *words], cwd=example, stdout=theirs, stderr=theirs,
        env={**environment, "TERM": "xterm"},
    ) as running:  # fmt: skip
        os.close(theirs)
        seen, pressed = b"", False
        with contextlib.suppress(OSError):
            while piece := os.read(ours, 4096):
                seen += piece
                if not pressed and until(_text(seen)):
                    running.send_signal(signal.SIGINT)
                    pressed = True
    os.close(ours)
    return running.returncode, _text(seen)


def _text(seen: bytes) -> str:
    return re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", seen.decode(errors="replace"))


def test_on_a_terminal_the_cells_are_a_table(example: Path) -> None:
    (example / "testdata" / "parts.csv").write_text("washer,1\n")
    status, text = _on_terminal(example, "./native", "./store")
    assert status == 1
    # While it works and at its end: what is running, and then what came of it, the failure with its reason.
    assert "▸" in text
    end = text.rpartition("package ")[2]
    assert re.search(r"inventory/native +✓ \d", end)
    assert re.search(r"inventory/store +✗ \d", end)
    assert "TestReadsTheModulesFile failed" in end
    assert end.rstrip().endswith("2 cells: 1 fail, 1 pass")


def test_what_was_judged_before_ctrl_c_stays_on_the_terminal(example: Path) -> None:
    (example / "slow").mkdir()
    (example / "slow" / "slow_test.go").write_text(
        'package slow\n\nimport (\n\t"testing"\n\t"time"\n)\n\n'
        "func TestSlow(t *testing.T) { time.Sleep(time.Hour) }\n"
    )
    status, text = _on_terminal(
        example, "./native", "./slow", until=lambda seen: "inventory/native ✓" in seen and "▸" in seen
    )
    assert status == 130
    assert re.search(r"inventory/native +✓ \d", text.rpartition("package ")[2])
    assert "--resume` goes on" in text
