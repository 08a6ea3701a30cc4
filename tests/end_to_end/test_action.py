"""The action's script in a local shell, with the environment that CI gives."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import xml.etree.ElementTree as ET
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable

_ROOT = Path(__file__).parents[2]
_USER_MODE = "--arch=arm64\n--libc=musl\n--mode=user\n--build=pure\n"


@pytest.fixture
def workspace(tmp_path: Path) -> Path:
    """A checked-out repository with the example's module below its top."""
    shutil.copytree(_ROOT / "examples" / "inventory", tmp_path / "work space" / "module")
    subprocess.run(["git", "init", "--quiet", str(tmp_path / "work space")], check=True)
    return tmp_path / "work space"


@pytest.fixture
def action(tmp_path: Path, workspace: Path) -> Callable[..., tuple[int, str, str, dict[str, str]]]:
    """Runs the script; returns its status, its log, the step's summary and its outputs."""
    program = tmp_path / "emulab"
    program.write_text(f'#!/bin/sh\nexec {sys.executable} -m emulab "$@"\n')
    program.chmod(0o755)

    def action(**inputs: str) -> tuple[int, str, str, dict[str, str]]:
        summary, outputs = tmp_path / "summary.md", tmp_path / "outputs"
        environment = {
            "PATH": os.environ["PATH"],
            "HOME": os.environ["HOME"],
            **{key: value for key, value in os.environ.items() if key.startswith(("EMULAB_", "DOCKER_"))},
            "PYTHONPATH": str(_ROOT),
            "CI": "true",
            "GITHUB_ACTIONS": "true",
            "GITHUB_ACTION_PATH": str(_ROOT),
            "GITHUB_WORKSPACE": str(workspace),
            "GITHUB_STEP_SUMMARY": str(summary),
            "GITHUB_OUTPUT": str(outputs),
            "RUNNER_TEMP": str(tmp_path / "runner temp"),
            "INPUT_EMULAB": str(program),
            **{f"INPUT_{name.upper()}": value for name, value in inputs.items()},
        }
        done = subprocess.run(
            [_ROOT / "scripts" / "action"], env=environment, cwd="/",
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False,
        )  # fmt: skip
        said = outputs.read_text().splitlines() if outputs.exists() else []
        pairs = dict(line.split("=", 1) for line in said)
        return done.returncode, done.stdout, summary.read_text(), pairs

    return action


def test_verdicts_go_where_ci_looks_for_them(
    action: Callable[..., tuple[int, str, str, dict[str, str]]], workspace: Path
) -> None:
    (workspace / "module" / "testdata" / "parts.csv").write_text("washer,1\n")
    status, log, summary, outputs = action(
        packages="./store ./native", working_directory="module", arguments=_USER_MODE
    )
    assert status == 1, log
    assert outputs["status"] == "1"
    assert "::error file=module/store/store_test.go,line=" in log
    assert summary.startswith("## emulab matrix\n\n| package | arm64 musl user |\n")
    assert "| example.com/inventory/native | pass |" in summary
    (result,) = json.loads(Path(outputs["sarif"]).read_text())["runs"][0]["results"]
    place = result["locations"][0]["physicalLocation"]["artifactLocation"]["uri"]
    assert (result["ruleId"], place) == ("emulab/test-failed", "module/store/store_test.go")
    assert ET.parse(outputs["junit"]).find("testsuite/testcase/failure") is not None
    document = json.loads(Path(outputs["json"]).read_text())
    assert [row["verdict"] for row in document["verdicts"]] == ["fail", "pass"]
    assert Path(outputs["markdown"]).read_text() in summary


def test_what_never_began_has_a_summary_and_no_paths(
    action: Callable[..., tuple[int, str, str, dict[str, str]]],
) -> None:
    status, log, summary, outputs = action(packages="./module", arguments=_USER_MODE)
    assert status == 2, log
    assert "ended with status 2" in summary
    assert outputs == {"status": "2"}


def test_the_action_hands_every_input_to_its_script_and_every_output_on() -> None:
    text = (_ROOT / "action.yml").read_text()
    script = (_ROOT / "scripts" / "action").read_text()
    inputs, rest = text.split("\noutputs:\n")
    outputs = rest.split("\nruns:\n")[0]
    for name in re.findall(r"^  ([a-z-]+):$", inputs.split("inputs:")[1], re.MULTILINE):
        variable = f"INPUT_{name.replace('-', '_').upper()}"
        assert f"{variable}: ${{{{ inputs.{name} }}}}" in text
        assert variable in script
    named: Any = re.findall(r"^  ([a-z-]+):$", outputs, re.MULTILINE)
    assert named == ["status", "sarif", "junit", "json", "markdown"]
    assert all(f"steps.matrix.outputs.{name} " in outputs for name in named)
