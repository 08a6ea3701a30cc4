"""The heavy mode: misses of a program that walks over 256 lines twice, and branches as they really went."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest

from emulab.boards import load_catalogue
from emulab.machines.protocol import Command
from emulab.profiling import Counter
from emulab.profiling.edges import branches_of
from emulab.profiling.instructions import instructions_of
from emulab.profiling.memory_model import CacheShape, MemoryModel, model_of
from emulab.profiling.profile import Measure, Profile

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from emulab.machines.agent_machine import AgentMachine

KIB = 1024
LINES = 256
ROOMY = CacheShape(32 * KIB, 8, 64)
NARROW = CacheShape(8 * KIB, 8, 64)
L2 = CacheShape(64 * KIB, 16, 64)

every_architecture = pytest.mark.parametrize("arch", ["arm64", "armv7", "riscv64"])


@pytest.fixture
def measure(
    machines: Callable[[str], AgentMachine], assemble: Callable[[str, str], Path]
) -> Callable[[str, MemoryModel], dict[Measure, int]]:
    def measure(arch: str, model: MemoryModel) -> dict[Measure, int]:
        machine = machines(arch)
        machine.push(assemble("walk", arch), "/work/walk")
        whole = Counter(machine).run(Command(("/work/walk",)), model=model).profile.whole
        return {each: int(whole.measure(each).sum()) for each in Measure}

    return measure


@every_architecture
def test_what_fits_misses_once(arch: str, measure: Callable[..., dict[Measure, int]]) -> None:
    found = measure(arch, MemoryModel(l1i=ROOMY, l1d=ROOMY, l2=L2, dtlb=CacheShape(16, 16, 4 * KIB)))
    assert found[Measure.L1D_LOAD_MISS] == LINES
    assert found[Measure.L2_DATA_MISS] == LINES
    assert found[Measure.DTLB_MISS] == LINES * 64 // (4 * KIB)
    assert found[Measure.L1D_STORE_MISS] == found[Measure.PREFETCHED] == 0
    # The program's own code: one or two lines, depending on where the linker put it.
    assert found[Measure.L1I_MISS] in (1, 2)
    assert found[Measure.MEMORY] == found[Measure.L2_DATA_MISS] + found[Measure.L2_CODE_MISS]


@every_architecture
def test_what_does_not_fit_misses_every_time(arch: str, measure: Callable[..., dict[Measure, int]]) -> None:
    found = measure(arch, MemoryModel(l1d=NARROW, l2=L2))
    assert found[Measure.L1D_LOAD_MISS] == 2 * LINES
    assert found[Measure.L2_DATA_MISS] == found[Measure.MEMORY] == LINES
    assert found[Measure.L1I_MISS] == found[Measure.DTLB_MISS] == 0


@every_architecture
def test_a_prefetcher_follows_a_walk(arch: str, measure: Callable[..., dict[Measure, int]]) -> None:
    found = measure(arch, MemoryModel(l1d=ROOMY, prefetch=4))
    assert found[Measure.L1D_LOAD_MISS] + found[Measure.PREFETCHED] == LINES
    assert found[Measure.L1D_LOAD_MISS] < 8
    # It runs ahead of the walk's end.
    assert found[Measure.MEMORY] + found[Measure.PREFETCH_MEMORY] == LINES + 4


@every_architecture
def test_branches_are_counted_and_foretold(arch: str, measure: Callable[..., dict[Measure, int]]) -> None:
    found = measure(arch, MemoryModel(predictor="bimodal"))
    # Two loops: 256 rounds twice, and 2 rounds.
    assert (found[Measure.TAKEN], found[Measure.NOT_TAKEN]) == (2 * (LINES - 1) + 1, 2 + 1)
    # Each loop's first round, as nothing was known of it, and each end.
    assert found[Measure.MISPREDICTED] == 1 + 2 + 1 + 1


def test_long_histories_foretell_what_is_done_again_and_again(
    machines: Callable[[str], AgentMachine], sort_tests: Callable[[str], Path]
) -> None:
    machine = machines("arm64")
    machine.push(sort_tests("arm64"), "/work/sort.test")
    # The same thousand numbers are sorted each time: some 20,000 branches, in the same order.
    words = ("-test.run", "^$", "-test.bench", "SortInt1K$", "-test.benchtime", "200x")
    command = Command(("/work/sort.test", *words), {"GODEBUG": "asyncpreemptoff=1"})

    def wrong(model: MemoryModel) -> int:
        whole = Counter(machine).run(command, model=model).profile.whole
        assert whole.measure(Measure.TAKEN).sum() > 1_000_000
        return int(whole.measure(Measure.MISPREDICTED).sum())

    by_tage, by_counters = wrong(MemoryModel(predictor="tage")), wrong(MemoryModel(predictor="bimodal"))
    assert 0 < by_tage < by_counters / 4


@every_architecture
def test_edges_from_counts_are_those_that_were_seen(
    arch: str, machines: Callable[[str], AgentMachine], sort_tests: Callable[[str], Path]
) -> None:
    machine = machines(arch)
    machine.push(sort_tests(arch), "/work/sort.test")
    board = {"arm64": "raspberry-pi-5", "armv7": "stm32mp157a", "riscv64": "visionfive-2"}[arch]
    model = model_of(load_catalogue().board(board))
    # Long enough for what happens once or by chance to be little: switches of goroutines, ends of threads.
    words = ("-test.run", "^$", "-test.bench", "SortInt1K$", "-test.benchtime", "100x")
    command = Command(("/work/sort.test", *words), {"GODEBUG": "asyncpreemptoff=1"})
    profile = Counter(machine).run(command, model=model).profile
    found, taken, executions = _seen(profile)
    decoded = found.executions > 0
    exact = found.exact & decoded
    assert executions[exact].sum() > 0.99 * found.executions.sum() > 0
    # A signal or a thread's end in the midst of a block takes single executions off.
    assert np.abs(found.taken - taken)[exact].sum() <= 1e-3 * executions.sum()
    assert profile.whole.measure(Measure.L1D_LOAD_MISS).sum() > 0


def _seen(profile: Profile) -> tuple:  # type: ignore[type-arg]
    instructions = instructions_of(profile)
    found = branches_of(instructions, instructions.executions(profile.whole.by_block()))
    last = instructions.member[instructions.first[1:] - 1]
    seen = []
    for measure in (Measure.TAKEN, Measure.NOT_TAKEN):
        of_instruction = np.zeros(len(instructions), np.int64)
        np.add.at(of_instruction, last, profile.whole.measure(measure).astype(np.int64))
        seen.append(of_instruction[found.index])
    return found, seen[0], seen[0] + seen[1]
