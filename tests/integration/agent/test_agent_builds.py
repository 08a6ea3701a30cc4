"""Building the agent, and the checks of Go's own tools."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest
from elftools.elf.elffile import ELFFile

import emulab.agent
import emulab.workloads
from emulab.agent import build_agent

AGENT = Path(emulab.agent.__file__).parent
HEALTHD = Path(emulab.workloads.__file__).parent / "healthd"
LARGEST = 3_000_000


@pytest.mark.parametrize(
    ("goarch", "machine"),
    [("amd64", "EM_X86_64"), ("arm64", "EM_AARCH64"), ("arm", "EM_ARM"), ("riscv64", "EM_RISCV")],
)
def test_the_agent_is_small_and_static_for_every_architecture(
    go_root: Path, goarch: str, machine: str
) -> None:
    program = build_agent(goarch, lambda: go_root)
    assert program.stat().st_size < LARGEST
    with program.open("rb") as stream:
        elf = ELFFile(stream)
        assert elf["e_machine"] == machine
        assert not [segment for segment in elf.iter_segments() if segment["p_type"] == "PT_INTERP"]
    print(f"{goarch}: {program.stat().st_size} B")


def test_an_agent_that_was_built_is_not_built_again(go_root: Path) -> None:
    build_agent("amd64", lambda: go_root)

    def fail() -> Path:
        raise AssertionError("a toolchain was asked for")

    assert build_agent("amd64", fail).is_file()


@pytest.mark.parametrize("module", [AGENT, HEALTHD], ids=["agent", "healthd"])
def test_go_sources_are_formatted_vetted_and_pass_their_tests(go_root: Path, module: Path) -> None:
    assert subprocess.check_output([go_root / "bin" / "gofmt", "-l", module], text=True) == ""
    for check in ("vet", "test"):
        done = subprocess.run(
            [go_root / "bin" / "go", check, "./..."], cwd=module, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stdout + done.stderr
