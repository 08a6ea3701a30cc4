"""How the program ends: at once, with nothing lost."""

from __future__ import annotations

import subprocess
import sys

import pytest


def _ended(script: str) -> subprocess.CompletedProcess[str]:
    prelude = "import sys, atexit\nfrom emulab.cli import main\n"
    return subprocess.run(
        [sys.executable, "-c", prelude + script], capture_output=True, text=True, check=False, timeout=30
    )


@pytest.mark.parametrize("status", [0, 1, 3])
def test_the_status_and_all_output_come_out(status: int) -> None:
    done = _ended(
        "atexit.register(lambda: print('called'))\n"
        f"def end(): print('x' * 100_000); sys.exit({status})\n"
        "main.main = end; main.program()"
    )
    assert done.returncode == status
    assert done.stdout == "x" * 100_000 + "\ncalled\n"


def test_a_defect_is_shown_as_one() -> None:
    done = _ended("def end(): raise ZeroDivisionError('here')\nmain.main = end; main.program()")
    assert done.returncode == 1
    assert done.stderr.startswith("Traceback")
    assert done.stderr.endswith("ZeroDivisionError: here\n")
