"""What came of probes, as verdicts of the result document."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from emulab.errors import InfrastructureError, NothingRanError, WorkloadError
from emulab.testing.verdicts import Judgement, Verdict

if TYPE_CHECKING:
    from collections.abc import Iterable

    from emulab.matrix.probes.table import Known
    from emulab.workloads.request import Place

PREFIX = "probe:"
"""What stands before a probe's id where a package's import path could stand."""

_RAN = frozenset({Verdict.PASS, Verdict.EMULATOR_FAULT, Verdict.UNSUPPORTED})


@dataclass(frozen=True)
class ProbeCell:
    """What came of one probe on one machine.

    :param known: what is known of it there.
    :param seconds: what the probe took, on the machine's own clock.
    :param key: a digest of everything that the verdict depends on.
    :param is_recalled: it was seen by an earlier call.
    """

    id: str
    place: Place
    judgement: Judgement
    known: Known
    seconds: float = 0.0
    key: str = ""
    is_recalled: bool = False

    @property
    def is_as_known(self) -> bool:
        """Tell whether the verdict is the one that is known."""
        return self.judgement.verdict == self.known.verdict

    @classmethod
    def recalled(cls, name: str, place: Place, known: Known, key: str, row: dict[str, Any]) -> ProbeCell:
        """Return the cell that a verdict of an earlier document tells."""
        verdict = Verdict(row["verdict"])
        judged = Judgement(verdict, row["reason"], row["remedy"], row["tests"], tuple(row["evidence"]))
        return cls(name, place, judged, known, row["seconds"], key, is_recalled=True)

    def to_json(self) -> dict[str, Any]:
        """Return it as a verdict of the result document."""
        target, judged = self.place.target, self.judgement
        return {
            "board": target.board,
            "arch": target.architecture.name,
            "libc": target.libc,
            "mode": target.mode,
            "probe": PREFIX + self.id,
            "verdict": str(judged.verdict),
            "reason": judged.reason,
            "remedy": judged.remedy,
            "tests": judged.tests,
            "skipped": 0,
            "failures": [],
            "evidence": list(judged.evidence),
            "known": self.is_as_known,
            "seconds": round(self.seconds, 3),
        }


def exit_status(cells: Iterable[ProbeCell]) -> int:
    """Return 1 where a probe failed, 3 for trouble beneath, 4 where none ran, else 0."""
    verdicts = {cell.judgement.verdict for cell in cells}
    if Verdict.FAIL in verdicts:
        return WorkloadError.exit_status
    if Verdict.ERROR in verdicts:
        return InfrastructureError.exit_status
    return 0 if verdicts & _RAN else NothingRanError.exit_status


def worse(one: int, other: int) -> int:
    """Return the exit status of two calls together: a failure, trouble, nothing ran in one, nothing wrong."""
    order = (WorkloadError.exit_status, InfrastructureError.exit_status, NothingRanError.exit_status, 0)
    return min(one, other, key=order.index)
