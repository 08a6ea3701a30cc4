"""The gate of Go's benchmark timer, on benchmarks of the standard library."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from emulab.errors import WorkloadError
from emulab.machines.protocol import Command
from emulab.profiling import Counter, benchmark_gate

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from emulab.machines.agent_machine import AgentMachine
    from emulab.profiling import Window

every_architecture = pytest.mark.parametrize("arch", ["arm64", "armv7", "riscv64"])


def command(benchmark: str, rounds: int) -> Command:
    words = ["-test.run", "^$", "-test.bench", f"^Benchmark{benchmark}$", "-test.benchtime", f"{rounds}x"]
    return Command(("/work/sort.test", *words, "-test.cpu", "1"), environment={"GOGC": "off"})


def of_the_busiest_thread(window: Window) -> int:
    """Leave out Go's sysmon, which follows the clock."""
    return int(window.by_vcpu().max())


@every_architecture
def test_a_window_per_number_of_rounds_is_the_same_every_time(
    arch: str, machines: Callable[[str], AgentMachine], sort_tests: Callable[[str], Path]
) -> None:
    machine = machines(arch)
    machine.push(sort_tests(arch), "/work/sort.test")
    counter, gate = Counter(machine), benchmark_gate(sort_tests(arch))
    costs = []
    for _ in range(2):
        few = counter.run(command("SearchWrappers", 100), gate).profile.windows[-1]
        many = counter.run(command("SearchWrappers", 300), gate).profile.windows[-1]
        assert (few.argument, many.argument) == (100, 300)
        costs.append((of_the_busiest_thread(many) - of_the_busiest_thread(few)) / 200)
    assert costs[0] == pytest.approx(costs[1], rel=1e-3)
    assert 100 < costs[0] < 2000


@every_architecture
def test_what_the_timer_is_stopped_for_is_not_counted(
    arch: str, machines: Callable[[str], AgentMachine], sort_tests: Callable[[str], Path]
) -> None:
    # SortInt1K stops the timer to fill the slice in each round; without the gate that is counted too.
    machine = machines(arch)
    machine.push(sort_tests(arch), "/work/sort.test")
    counted = Counter(machine).run(command("SortInt1K", 20), benchmark_gate(sort_tests(arch))).profile
    assert counted.windows[-1].argument == 20
    assert 0.2 < counted.windows[-1].instructions / counted.whole.instructions < 0.95


def test_a_program_without_benchmarks_is_refused(assemble: Callable[[str, str], Path]) -> None:
    with pytest.raises(WorkloadError, match=r"loops-arm64 has no function testing\.\(\*B\)\.runN"):
        benchmark_gate(assemble("loops", "arm64"))
