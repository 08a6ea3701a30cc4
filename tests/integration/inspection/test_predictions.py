"""What `emulab inspect` says without running a program, held against what happens when it is run."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING

import pytest

from emulab.architectures import architecture
from emulab.boards import generic_board
from emulab.errors import UsageError
from emulab.inspection.compatibility import judge
from emulab.inspection.levels import processor_of
from emulab.inspection.program import read_program
from emulab.inspection.rootfs import offers, root_filesystems
from emulab.machines.opening import Opener
from emulab.machines.protocol import SEARCH_PATH, Command
from emulab.machines.target import Target
from emulab.progress import Silent

if TYPE_CHECKING:
    from pathlib import Path

    from emulab.images.names import ImageName
    from emulab.inspection.compatibility import Verdict
    from emulab.inspection.offers import Offer
    from emulab.machines.protocol import Machine

ROOTS = root_filesystems()
_PAGE = 4096
_MEMORY = 256 << 20
_TIMEOUT_S = 60.0


@dataclass(frozen=True)
class Seen:
    """How a program went on a machine."""

    starts: bool
    how: str


@cache
def offer_of(root: ImageName) -> Offer:
    (offer,) = (each for each in offers([root.architecture], Silent()) if each.name == str(root))
    return offer


def predicted(program: Path, root: ImageName) -> Verdict:
    processor = processor_of(generic_board(root.architecture), emulated=True)
    return judge(read_program(program).subject, offer_of(root), processor, page_size=_PAGE)


def observed(program: Path, machine: Machine) -> Seen:
    path = f"/work/{program.name}"
    machine.push(program, path)
    try:
        ended = machine.run(Command((path,), {"PATH": SEARCH_PATH}, timeout_s=_TIMEOUT_S))
    except UsageError as error:
        return Seen(False, error.message)
    said = (ended.stdout + ended.stderr).decode(errors="replace")
    return Seen(ended.succeeded and ended.stdout.startswith(b"ok"), f"{ended.ending()}: {said[:300]}")


def test_there_are_seven_root_filesystems_or_more() -> None:
    assert len(ROOTS) >= 7
    assert {name.architecture for name in ROOTS} == {"arm64", "armv7", "riscv64"}
    assert set(ROOTS.values()) == {"musl", "glibc", "glibc-old"}


@pytest.mark.parametrize("root", ROOTS, ids=str)
def test_what_is_predicted_of_each_program_is_what_happens(root: ImageName, programs: list[Path]) -> None:
    assert len(programs) >= 20
    emulation = generic_board(root.architecture).emulation
    assert emulation is not None
    target = Target(
        architecture(root.architecture), ROOTS[root], "user", cpu_model=emulation.user, memory=_MEMORY, cpus=1
    )
    wrong = []
    with Opener(Silent()) as opener:
        opener.prepare([target])
        with opener.open(target) as machine:
            for program in programs:
                verdict, seen = predicted(program, root), observed(program, machine)
                if verdict.compatible != seen.starts:
                    wrong.append((program.name, [each.reason for each in verdict.misfits], seen.how))
    assert wrong == []


def test_every_kind_of_misfit_and_every_root_filesystem_is_part_of_it(programs: list[Path]) -> None:
    verdicts = {root: [predicted(program, root) for program in programs] for root in ROOTS}
    kinds = {each.kind for row in verdicts.values() for verdict in row for each in verdict.misfits}
    assert kinds >= {"program", "architecture", "interpreter", "library", "version", "symbol", "level"}
    for root, row in verdicts.items():
        assert sum(verdict.compatible for verdict in row) >= 2, root
