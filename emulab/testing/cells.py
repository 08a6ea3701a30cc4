"""Cells: what came of one package's tests, built one way, on one machine; and a whole call's."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

from emulab.errors import InfrastructureError, NothingRanError, WorkloadError
from emulab.testing.locations import Location
from emulab.testing.verdicts import Counts, Judgement, TestRun, Verdict

if TYPE_CHECKING:
    from emulab.figures import Document
    from emulab.workloads.request import Place


@dataclass(frozen=True)
class Slot:
    """Which cell it is.

    :param package: its import path; of what could not be listed the pattern.
    :param go: the version of Go that builds it.
    :param build: the name of the way that it is built.
    """

    package: str
    place: Place
    go: str
    build: str

    @property
    def axes(self) -> dict[str, str]:
        """Return the values by which cells are left out."""
        target = self.place.target
        return {
            "arch": target.architecture.name,
            "libc": target.libc,
            "mode": target.mode,
            "go": self.go,
            "build": self.build,
        }


@dataclass(frozen=True)
class Cell:
    """What came of a slot.

    :param run: the run that the judgement speaks of, None where there was none.
    :param seconds: what the cell took on this host, the second look included.
    :param key: a digest of everything that the judgement depends on; "" where nothing could be built.
    :param locations: the places in the user's files that the judgement speaks of.
    """

    slot: Slot
    judgement: Judgement
    run: TestRun | None
    seconds: float
    key: str = ""
    locations: tuple[Location, ...] = ()

    @property
    def package(self) -> str:
        """The package's import path."""
        return self.slot.package

    @property
    def place(self) -> Place:
        """The machine."""
        return self.slot.place

    @classmethod
    def recalled(cls, slot: Slot, key: str, row: dict[str, Any]) -> Cell:
        """Return the cell that a verdict of an earlier document tells."""
        judged = Judgement(
            Verdict(row["verdict"]), row["reason"], row["remedy"], row["tests"], tuple(row["evidence"])
        )
        counts = Counts(skipped=row["skipped"], failures=tuple(row["failures"]))
        mode = slot.place.target.mode
        run = TestRun(mode, judged.verdict is Verdict.PASS, "", counts, "", row["seconds"])
        locations = tuple(Location(**each) for each in row.get("locations", ()))
        return cls(slot, judged, run, row["seconds"], key, locations)

    def to_json(self) -> dict[str, Any]:
        """Return it as a verdict of the result document."""
        target, judged = self.place.target, self.judgement
        counts = self.run.counts if self.run is not None else None
        return {
            "board": target.board,
            "arch": target.architecture.name,
            "libc": target.libc,
            "mode": target.mode,
            "go": self.slot.go,
            "build": self.slot.build,
            "probe": self.package,
            "verdict": str(judged.verdict),
            "reason": judged.reason,
            "remedy": judged.remedy,
            "tests": judged.tests,
            "skipped": counts.skipped if counts is not None else 0,
            "failures": list(counts.failures) if counts is not None else [],
            "evidence": list(judged.evidence),
            "locations": [each.to_json() for each in self.locations],
            "seconds": round(self.seconds, 3),
        }


class Memory(Protocol):
    """Where cells are written down, by their keys. Safe to use from several threads."""

    def recall(self, key: str) -> dict[str, Any] | None:
        """Return the verdict of a cell that is known."""

    def write(self, key: str, verdict: dict[str, Any]) -> None:
        """Write a cell's verdict down."""


@dataclass(frozen=True)
class TestResult:
    """What came of a call of ``emulab test``."""

    __test__ = False

    document: Document
    cells: tuple[Cell, ...]

    @property
    def exit_status(self) -> int:
        """Return 1 for a failure of the program's, 3 for trouble beneath, 4 where no test ran, else 0."""
        verdicts = {cell.judgement.verdict for cell in self.cells}
        if Verdict.FAIL in verdicts:
            return WorkloadError.exit_status
        if Verdict.ERROR in verdicts:
            return InfrastructureError.exit_status
        ran = verdicts & {Verdict.PASS, Verdict.EMULATOR_FAULT, Verdict.UNSUPPORTED}
        return 0 if ran else NothingRanError.exit_status
