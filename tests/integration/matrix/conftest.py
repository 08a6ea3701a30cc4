"""Faults on machines: every selected cell is begun at once, and each test takes its own."""

from __future__ import annotations

from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import pytest

from emulab.machines.opening import Opener
from emulab.matrix.demonstrations import Ended, Showing, without
from emulab.matrix.faults.applying import afflicted, hole
from emulab.matrix.faults.catalogue import PROGRAMS, faults
from emulab.progress import Silent
from emulab.workloads.request import Place, Program, ProgramKind, RunRequest, find_places

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from emulab.matrix.demonstrations import Row

# More than there are processors: machines mostly wait for their containers and their clocks.
_AT_ONCE = 4


@dataclass(frozen=True, order=True)
class Cell:
    """A fault on a machine.

    :param baseline: whether the machine is like that but for the fault.
    :param go: which Go builds the demonstrations.
    """

    fault: str
    arch: str
    libc: str
    mode: str
    baseline: bool = False
    go: str | None = None

    def __str__(self) -> str:
        words = (self.fault, self.arch, self.libc, self.mode, self.go)
        return "-".join(each for each in words if each)

    @property
    def place(self) -> Place:
        program = Program(ProgramKind.PACKAGE, "faults", ".", PROGRAMS)
        (place,) = find_places(
            RunRequest(program, architectures=(self.arch,), libcs=(self.libc,), modes=(self.mode,))
        )
        return place

    @property
    def hole(self) -> str:
        return hole(faults()[self.fault], self.place.target)


def _shown(showings: dict[str | None, Showing], cell: Cell) -> list[Row]:
    return showings[cell.go].show(faults()[cell.fault], cell.place)


def _seen_without(showings: dict[str | None, Showing], cell: Cell) -> list[Ended]:
    """Return what the demonstrations of a fault do on a machine that has it not."""
    showing, fault = showings[cell.go], faults()[cell.fault]
    place = without(fault, cell.place)
    programs = [showing.artifact(fault, case, afflicted(fault, cell.place)) for case in fault.case]
    with showing.open(place) as machine:
        showing.push(programs, machine)
        return [
            showing.run(case, program, machine, place)
            for case, program in zip(fault.case, programs, strict=True)
        ]


@pytest.fixture(scope="session")
def results(request: pytest.FixtureRequest) -> Iterator[Callable[[Cell], Any]]:
    """Returns a cell's rows, or what is seen without the fault."""
    cells = {
        cell
        for item in request.session.items
        if (spec := getattr(item, "callspec", None)) is not None
        and isinstance(cell := spec.params.get("cell"), Cell)
    }
    begun: dict[Cell, Future[Any]] = {}
    pool = ThreadPoolExecutor(_AT_ONCE, thread_name_prefix="faults")
    with Opener(Silent()) as opener:
        showings = {go: Showing(opener, Silent(), go) for go in {cell.go for cell in cells}}
        # What waits for a clock begins first.
        for cell in sorted(cells, key=lambda each: each.fault != "slow-disk"):
            begun[cell] = pool.submit(_seen_without if cell.baseline else _shown, showings, cell)
        yield lambda cell: begun[cell].result()
        pool.shutdown(cancel_futures=True)


def cells_of(archs: tuple[str, ...], libcs: tuple[str, ...]) -> list[Cell]:
    """Return every fault on every machine, in a mode that it can be shown in."""
    found = []
    for fault in faults():
        for arch in archs:
            for libc in libcs:
                user = Cell(fault, arch, libc, "user")
                found.append(replace(user, mode="system") if user.hole else user)
    return found
