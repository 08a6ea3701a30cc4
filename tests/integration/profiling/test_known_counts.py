"""Counts against what is known of VisionFive 2: instructions of its SHA-256 benchmark, by releases of Go."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from emulab.architectures import RISCV64
from emulab.machines.protocol import Command
from emulab.profiling import Counter, benchmark_gate
from emulab.progress import Silent
from emulab.toolchain.building import build
from emulab.toolchain.go import find_go
from emulab.toolchain.request import BuildRequest

if TYPE_CHECKING:
    from collections.abc import Callable

    from emulab.machines.agent_machine import AgentMachine

PROGRAMS = Path(__file__).parents[2] / "programs"


@pytest.mark.parametrize(("go", "known"), [("1.23", 849_000), ("1.24", 519_000)])
def test_sha256_takes_as_many_instructions_as_is_known(
    go: str, known: int, machines: Callable[[str], AgentMachine]
) -> None:
    request = BuildRequest("crypto/sha256", PROGRAMS, RISCV64, test=True)
    binary = build(request, find_go(go, Silent())).path
    machine = machines("riscv64")
    machine.push(binary, "/work/sha256.test")
    words = ["-test.run", "^$", "-test.bench", "^BenchmarkHash8K$/^New$", "-test.benchtime", "100x"]
    command = Command(("/work/sha256.test", *words, "-test.cpu", "1"))
    window = Counter(machine).run(command, benchmark_gate(binary)).profile.windows[-1]
    assert window.argument == 100
    # The busiest thread's: sysmon's work follows the clock.
    assert int(window.by_vcpu().max()) / 100 == pytest.approx(known, rel=0.01)
