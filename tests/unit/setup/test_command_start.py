from __future__ import annotations

import os
import subprocess
import sys

import pytest

_HEAVY = {"asyncio", "docker", "elftools", "hypothesis", "msgspec", "numpy", "requests", "rich", "scipy"}
_HEAVY |= {"testcontainers"}

_REPORT = """
import atexit, sys
atexit.register(lambda: sys.stderr.write("\\nMODULES " + " ".join(sys.modules)))
from emulab.cli.main import main
main(sys.argv[1:])
"""


def _emulab(*words: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", _REPORT, *words],
        capture_output=True,
        text=True,
        env=os.environ | environment,
        check=False,
        timeout=30,
    )


def _modules(done: subprocess.CompletedProcess[str]) -> set[str]:
    return set(done.stderr.rpartition("MODULES ")[2].split())


@pytest.mark.parametrize(
    "words",
    [
        *(["--help"], ["--version"], ["setup", "--help"], ["doctor", "--help"], ["clean", "-h"]),
        *(["bench", "-h"], ["compare", "-h"], ["calibrate", "-h"]),
    ],
)
def test_help_imports_nothing_heavy(words: list[str]) -> None:
    done = _emulab(*words)
    assert done.returncode == 0, done.stderr
    modules = _modules(done)
    assert "click" in modules
    assert not modules & _HEAVY


def test_help_keeps_its_examples_on_lines_of_their_own() -> None:
    lines = _emulab("--help").stdout.splitlines()
    assert "  emulab run -- /bin/uname -a" in lines
    assert not any("\\b" in line for line in lines)


def _completed(*words: str) -> subprocess.CompletedProcess[str]:
    """Ask as the bash script does for what fits the last word."""
    return _emulab(
        COMP_WORDS=" ".join(["emulab", *words]), COMP_CWORD=str(len(words)), _EMULAB_COMPLETE="bash_complete"
    )


def test_completion_offers_verbs_without_importing_any() -> None:
    done = _completed("c")
    verbs = ["plain,compare", "plain,calibrate", "plain,clean", "plain,completion"]
    assert done.stdout.splitlines() == verbs
    assert not any(name.startswith("emulab.cli.c") for name in _modules(done))


def test_completion_offers_the_options_of_a_verb() -> None:
    assert "plain,--dry-run" in _completed("clean", "--").stdout.splitlines()


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_completion_prints_a_script_that_asks_emulab(shell: str) -> None:
    done = _emulab("completion", shell)
    assert done.returncode == 0
    assert f"_EMULAB_COMPLETE={shell}_complete" in done.stdout


def test_unknown_verb_is_usage_and_names_the_nearest() -> None:
    done = _emulab("docter")
    assert done.returncode == 2
    assert "did you mean `emulab doctor`?" in done.stderr
