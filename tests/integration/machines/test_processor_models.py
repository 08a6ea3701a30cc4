"""The named processor is in force: what it lacks is an illegal instruction, as on the board."""

from __future__ import annotations

import signal
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from emulab.machines.agent_machine import AgentMachine
    from emulab.machines.protocol import Command, Completed
    from emulab.machines.target import Target

# AT_HWCAP bits of Linux: arch/arm64 ATOMICS and ASIMDDP, arch/arm IDIVA, riscv's letters.
ATOMICS, DOT_PRODUCT = 1 << 8, 1 << 20
VECTOR = 1 << (ord("v") - ord("a"))
HARDWARE_DIVISION = 1 << 17


@pytest.fixture(scope="module")
def run_on(
    open_machine: Callable[..., AgentMachine], target: Callable[..., Target], command: Callable[..., Command]
) -> Callable[..., Completed]:
    def run_on(
        arch: str, cpu_model: str, program: Path, *words: str, through_shell: bool = False
    ) -> Completed:
        with open_machine(target(arch, cpu_model=cpu_model)) as machine:
            machine.push(program, "/work/probe")
            if through_shell:
                return machine.run(command("/bin/sh", "-c", '"$@"; exit $?', "sh", "/work/probe", *words))
            return machine.run(command("/work/probe", *words))

    return run_on


def capabilities(done: Completed) -> int:
    assert done.succeeded, done.stderr
    rows = dict(line.split() for line in done.stdout.decode().splitlines() if line[0].isdigit())
    return int(rows["16"], 16)


@pytest.mark.parametrize(
    ("arch", "plain", "richer", "bit"),
    [
        ("arm64", "cortex-a53", "cortex-a76", ATOMICS),
        ("arm64", "cortex-a72", "cortex-a76", DOT_PRODUCT),
        ("armv7", "cortex-a9", "cortex-a7", HARDWARE_DIVISION),
        ("riscv64", "sifive-u54", "rv64,v=true", VECTOR),
    ],
)
def test_a_program_sees_the_features_of_the_model(
    run_on: Callable[..., Completed], probe: Callable[..., Path],
    arch: str, plain: str, richer: str, bit: int,
) -> None:  # fmt: skip
    assert not capabilities(run_on(arch, plain, probe(arch), "processor")) & bit
    assert capabilities(run_on(arch, richer, probe(arch), "processor")) & bit


def test_a_program_started_by_a_program_sees_the_same_model(
    run_on: Callable[..., Completed], probe: Callable[..., Path]
) -> None:
    for model, has in (("cortex-a53", False), ("cortex-a76", True)):
        done = run_on("arm64", model, probe("arm64"), "processor", through_shell=True)
        assert bool(capabilities(done) & ATOMICS) is has


def test_a_program_for_a_higher_level_does_not_run_on_a_lower_one(
    run_on: Callable[..., Completed], probe: Callable[..., Path]
) -> None:
    program = probe("riscv64", goriscv64="rva22u64")
    done = run_on("riscv64", "sifive-u54", program, "work", "100")
    assert done.signal == signal.SIGILL
    assert run_on("riscv64", "rva22s64", program, "work", "100").succeeded


def test_a_program_for_armv8_1_does_not_run_on_armv8_0(
    run_on: Callable[..., Completed], probe: Callable[..., Path]
) -> None:
    program = probe("arm64", goarm64="v9.0")
    done = run_on("arm64", "cortex-a53", program, "work", "100")
    assert not done.succeeded
    assert run_on("arm64", "cortex-a76", program, "work", "100").succeeded
