"""Counts of assembly programs that were counted by hand, and of what goes wrong."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

import pytest

from emulab.errors import MachineError
from emulab.machines.protocol import Command
from emulab.profiling import Counted, Counter, Gate
from emulab.profiling.functions import find_functions
from emulab.profiling.gate import function_marks
from emulab.profiling.profile import WindowKind

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from emulab.machines.agent_machine import AgentMachine


PROGRAM = "/work/counted"
# programs/loops-*.S, by hand: 1 + 1000 x 3 + 1, then 1 + 500 x 4 + 1, then the marker's call, then
# 1 + 10 x 2 + 2 + 3. The marker's call is three instructions, and four where its number takes two.
START, MIDDLE, REST = 3002, 2002, 26
MARKER = {"arm64": 3, "armv7": 3, "riscv64": 4}
GETPID_AND_EXIT = {"arm64": {172: 1, 94: 1}, "armv7": {20: 1, 248: 1}, "riscv64": {172: 1, 94: 1}}

every_architecture = pytest.mark.parametrize("arch", ["arm64", "armv7", "riscv64"])


@pytest.fixture
def count(
    machines: Callable[[str], AgentMachine], assemble: Callable[[str, str], Path]
) -> Callable[..., Counted]:
    def count(arch: str, gate: Gate | None = None) -> Counted:
        machine = machines(arch)
        machine.push(assemble("loops", arch), PROGRAM)
        return Counter(machine).run(Command((PROGRAM,)), gate)

    return count


@every_architecture
def test_a_whole_program_is_counted_to_the_instruction(arch: str, count: Callable[..., Counted]) -> None:
    counted = count(arch)
    assert counted.completed.succeeded
    assert counted.profile.isa == arch
    assert counted.profile.whole.instructions == START + MIDDLE + MARKER[arch] + REST
    assert counted.profile.whole.syscalls == GETPID_AND_EXIT[arch]


@every_architecture
def test_a_marker_of_the_guest_ends_a_window(arch: str, count: Callable[..., Counted]) -> None:
    marked, rest = count(arch).profile.windows
    assert (marked.kind, marked.argument) == (WindowKind.MARKER, 7)
    assert marked.instructions == START + MIDDLE + MARKER[arch]
    assert marked.syscalls == {}
    assert (rest.kind, rest.instructions, rest.syscalls) == (WindowKind.GATE, REST, GETPID_AND_EXIT[arch])


@every_architecture
def test_a_gate_counts_from_one_function_to_the_next(
    arch: str, count: Callable[..., Counted], assemble: Callable[[str, str], Path]
) -> None:
    functions = find_functions(assemble("loops", arch), ["middle", "finish"]).functions
    gate = Gate(start=(functions["middle"].address,), stop=(functions["finish"].address,))
    profile = count(arch, gate).profile
    assert [window.instructions for window in profile.windows] == [MIDDLE]
    assert profile.whole.instructions == START + MIDDLE + MARKER[arch] + REST


@every_architecture
def test_marks_divide_a_run_into_phases(
    arch: str, count: Callable[..., Counted], assemble: Callable[[str, str], Path]
) -> None:
    gate = function_marks(assemble("loops", arch), ["middle", "finish"])
    phases = [(window.name, window.instructions) for window in count(arch, gate).profile.windows]
    assert phases == [("", START), ("middle", MIDDLE), ("finish", MARKER[arch]), ("", REST)]


@every_architecture
def test_a_window_notes_its_argument(
    arch: str, count: Callable[..., Counted], assemble: Callable[[str, str], Path]
) -> None:
    # What the first loop counts up.
    place = {"arm64": "x20", "armv7": "r5", "riscv64": "s2"}[arch]
    functions = find_functions(assemble("loops", arch), ["_start", "middle", "finish"]).functions
    first, middle, finish = (functions[name].address for name in ("_start", "middle", "finish"))
    marks = ((finish, "rest"),)
    gate = Gate(start=(first, middle), window=(middle,), marks=marks, argument=place, argument_bytes=4)
    windows = [(window.argument, window.instructions) for window in count(arch, gate).profile.windows]
    assert windows[:2] == [(0, START), (1000, MIDDLE)]


@every_architecture
def test_a_reset_forgets_what_the_window_had(
    arch: str, count: Callable[..., Counted], assemble: Callable[[str, str], Path]
) -> None:
    functions = find_functions(assemble("loops", arch), ["_start", "middle", "finish"]).functions
    first, middle, finish = (functions[name].address for name in ("_start", "middle", "finish"))
    gate = Gate(start=(first,), reset=(middle,), stop=(finish,))
    assert [window.instructions for window in count(arch, gate).profile.windows] == [MIDDLE]


def test_blocks_have_their_bytes(count: Callable[..., Counted], assemble: Callable[[str, str], Path]) -> None:
    profile = count("riscv64").profile
    middle = find_functions(assemble("loops", "riscv64"), ["middle"]).functions["middle"]
    first = profile.blocks["address"].tolist().index(middle.address)
    assert profile.code(first) == middle.code[: 5 * 4]
    assert profile.blocks["instructions"][first] == 5
    assert profile.whole.by_block()[first] == 1


def test_runs_side_by_side_do_not_disturb_each_other(
    machines: Callable[[str], AgentMachine], assemble: Callable[[str, str], Path]
) -> None:
    machine = machines("riscv64")
    machine.push(assemble("loops", "riscv64"), PROGRAM)
    counter = Counter(machine)
    totals: list[int] = []

    def work() -> None:
        for _ in range(5):
            totals.append(counter.run(Command((PROGRAM,))).profile.whole.instructions)

    threads = [threading.Thread(target=work) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert totals == [START + MIDDLE + MARKER["riscv64"] + REST] * 10


def test_a_program_that_a_signal_ends_still_has_its_profile(machines: Callable[[str], AgentMachine]) -> None:
    counted = Counter(machines("arm64")).run(Command(("/bin/busybox", "sh", "-c", "kill -SEGV $$")))
    assert counted.completed.signal == 11
    assert counted.profile.whole.instructions > 1000


def test_a_program_that_was_killed_has_no_profile(machines: Callable[[str], AgentMachine]) -> None:
    with pytest.raises(MachineError, match="no profile came of /bin/busybox") as caught:
        Counter(machines("arm64")).run(Command(("/bin/busybox", "sh", "-c", "kill -KILL $$")))
    assert "SIGKILL" in caught.value.hint


def test_what_a_program_starts_does_not_mix_with_it(machines: Callable[[str], AgentMachine]) -> None:
    counter = Counter(machines("arm64"))
    alone = counter.run(Command(("/bin/busybox", "sh", "-c", "exit 0"))).profile.whole.instructions
    script = "/bin/busybox seq 100000 > /dev/null; exit 0"
    both = counter.run(Command(("/bin/busybox", "sh", "-c", script))).profile.whole.instructions
    assert both < 3 * alone
