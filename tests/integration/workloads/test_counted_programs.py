"""Whole programs that are counted on real machines, among the agent that starts and loads them."""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from elftools.elf.elffile import ELFFile

import emulab.cache
from emulab.engine.ownership import LABEL_OWNER, Owner
from emulab.machines.opening import COUNTING_EMULATOR, Opener
from emulab.machines.protocol import Load
from emulab.machines.tools import agent_program
from emulab.profiling.own_blocks import own_blocks
from emulab.profiling.start_phases import code_segments
from emulab.progress import Silent
from emulab.workloads.request import BuildOptions, Program, ProgramKind, RunRequest
from emulab.workloads.runner import run

if TYPE_CHECKING:
    from emulab.figures import Figure
    from emulab.workloads.counted import CountedProgram

PROGRAMS = Path(__file__).parents[2] / "programs"
ARCHITECTURES = ["arm64", "armv7", "riscv64"]
# What a turn of the loop is compiled to.
LOOP = {"arm64": 4, "armv7": 6, "riscv64": 3}
TURNS = 1_000_000
MEBIBYTE = 1 << 20


def counted(
    arch: str, *arguments: str, ready: str = "", requests: int = 0, runs: int = 1,
    deterministic: bool = False, ldflags: str | None = None, buildmode: str | None = None,
) -> tuple[dict[str, Figure], CountedProgram]:  # fmt: skip
    request = RunRequest(
        Program(ProgramKind.PACKAGE, "counts", "./counts", PROGRAMS, arguments),
        architectures=(arch,),
        libcs=("musl",),
        memory=128 * MEBIBYTE,
        build=BuildOptions(ldflags=ldflags, buildmode=buildmode),
        ready=ready,
        load=Load("http://:8099/", requests, 5) if requests else None,
        runs=runs,
        deterministic=deterministic,
        count=True,
    )
    programs: list[CountedProgram] = []
    document, failures = run(request, Silent(), lambda *_: None, programs.append)
    assert failures == []
    return {figure.name: figure for figure in document.figures}, programs[0]


@pytest.mark.parametrize("arch", ARCHITECTURES)
def test_a_stripped_program_is_counted_to_its_own_blocks_phase_by_phase(arch: str) -> None:
    figures, program = counted(arch, "loop", str(TURNS), ldflags="-s -w")
    loop = LOOP[arch] * TURNS
    assert loop < figures["instructions-in-main"].value < loop + 100_000
    assert figures["instructions-to-main"].value > 100_000
    phases = [f"instructions-{phase}" for phase in ("to-schedinit", "to-mallocinit", "to-main", "in-main")]
    assert sum(figures[phase].value for phase in phases) == figures["instructions"].value
    assert figures["kernel-instructions-to-entry"].value > 10_000
    assert figures["page-faults"].value > 50
    assert figures["system-calls"].evidence["calls"]["write"] == 1
    assert figures["system-calls"].evidence["calls"]["exit_group"] == 1
    # What the page table says is the program's is what its file has, byte by byte, but for reading the clock,
    # whose code is the kernel's: the agent's is nowhere.
    profile = program.runs[0].profile
    assert program.program is not None
    executed = profile.whole.by_block() * profile.blocks["instructions"]
    own = int(executed[own_blocks(profile, program.program)].sum())
    assert 0.995 * figures["instructions"].value < own <= figures["instructions"].value


@pytest.mark.parametrize("arch", ARCHITECTURES)
def test_the_agents_code_lies_where_no_other_go_program_has_its_own(arch: str) -> None:
    goarch = {"armv7": "arm"}.get(arch, arch)
    (_, program) = counted(arch, "loop", "1", deterministic=True)
    assert program.program is not None
    with agent_program(goarch, Silent()).open("rb") as stream:
        agent = [(each["p_vaddr"], each["p_memsz"]) for each in ELFFile(stream).iter_segments("PT_LOAD")]
    for start, size in agent:
        for place, code in code_segments(program.program):
            assert place + len(code) <= start or start + size <= place


@pytest.mark.parametrize("arch", ARCHITECTURES)
def test_determined_counts_of_a_service_repeat_exactly_and_a_requests_share_is_its_own(arch: str) -> None:
    ready, requests = "http://:8099/", 400
    (idle, _), (again, _), (busy, _) = (
        counted(arch, "serve", turns, ready=ready, requests=requests, deterministic=True)
        for turns in ("1000", "1000", "101000")
    )
    assert {name: figure.value for name, figure in idle.items()} == {
        name: figure.value for name, figure in again.items()
    }
    grown = busy["instructions-request"].value - idle["instructions-request"].value
    # The loop, and the monitor and the scheduler that run while it does.
    assert grown == pytest.approx(100_000 * LOOP[arch], rel=0.03)
    assert busy["system-calls-request"].evidence["calls"]["accept4"] >= 1


def test_a_program_that_is_position_independent_is_counted_without_phases() -> None:
    figures, program = counted("arm64", "loop", str(TURNS), buildmode="pie")
    # Beside the loop and the runtime's start the loader's relocations.
    assert LOOP["arm64"] * TURNS < figures["instructions"].value < LOOP["arm64"] * TURNS + 3_000_000
    assert "instructions-to-main" not in figures
    assert "lies elsewhere every time" in program.start.note
    assert figures["system-calls"].evidence["calls"]["exit_group"] == 1


def test_nothing_is_left_behind_and_nothing_is_answered_from_the_cache() -> None:
    def kinds() -> set[str]:
        return {path.name for path in emulab.cache.cache_root().iterdir()}

    counted("arm64", "loop", "1")
    before, others = kinds(), _own_containers()
    _, program = counted("arm64", "loop", "1", runs=2)
    assert kinds() == before
    first, second = (run.profile for run in program.runs)
    assert first.whole.instructions != second.whole.instructions
    # The engine removes a container a moment after its end; those of other tests stay.
    deadline = time.monotonic() + 20
    while own := _own_containers() - others:
        assert time.monotonic() < deadline, own
        time.sleep(0.1)


def _own_containers() -> set[str]:
    with Opener(Silent(), COUNTING_EMULATOR) as opener:
        rows = opener.engine.client.api.containers(all=True)
    owner = str(Owner.current())
    return {row["Id"] for row in rows if (row.get("Labels") or {}).get(LABEL_OWNER) == owner}
