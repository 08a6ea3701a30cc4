"""From samples to rows: each beside the mechanistic model's parts of the operation that it is a time of."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import msgspec

from emulab.calibration.clocks import Kind
from emulab.calibration.fitting.rows import FITS_BELOW, Row
from emulab.calibration.fitting.solve import ClockPrior, CorePrior
from emulab.calibration.flags import code_of
from emulab.calibration.latencies import USUAL, cache_sizes, latencies_of
from emulab.calibration.programs import benchmark_of, is_usable, program_of
from emulab.timing.core import core_ids, load_core
from emulab.timing.cycles import cycles_of
from emulab.timing.memory import memory_seconds

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    import numpy as np
    from numpy.typing import NDArray

    from emulab.boards.catalogue import Catalogue
    from emulab.calibration.clocks import SessionClock
    from emulab.calibration.latencies import Latencies
    from emulab.calibration.operations import Operations
    from emulab.calibration.schema import Record, Sample
    from emulab.profiling.operation import Operation

_LEAST_PRECISION: Final = 0.002
_CLOCK_SPREAD: Final = {
    Kind.MEASURED: 0.003,
    Kind.GRID: 0.0005,
    Kind.RATIO: 0.002,
    Kind.INSTRUCTIONS: 0.03,
    Kind.KIN: 0.003,
    Kind.CLAIMED: 0.35,
}
"""How far a session's clock may stand from what the evidence of a kind says, as a logarithm."""
_SIZE = re.compile(r"\d+")


@dataclass(frozen=True)
class Parts:
    """What the mechanistic model says of an operation on a core, before anything of a board.

    :param cycles: of the pipeline.
    :param mispredictions: of branches.
    :param measures: what the heavy mode counted per operation; None where it did not.
    """

    cycles: float
    mispredictions: float
    measures: NDArray[np.float64] | None

    def memory_s(self, latencies: Latencies, clock_hz: float) -> float:
        """Return the seconds that lie behind the first-level caches of a board, at a clock of its core."""
        if self.measures is None:
            return 0.0
        return memory_seconds(self.measures, latencies.times(clock_hz)).total


def core_priors() -> dict[str, CorePrior]:
    """Return what is known of every core before anything is fitted."""
    found = {}
    for name in core_ids():
        facts = load_core(name).facts
        found[name] = CorePrior(facts.kind, float(facts.mispredict))
    return found


def parts_of(operation: Operation, core: str) -> Parts:
    """Return the mechanistic model's parts of an operation.

    :raises UsageError: the core is not known, or does not execute the operation's instructions.
    """
    found = cycles_of(operation, load_core(core))
    return Parts(found.core, found.mispredictions, operation.measures)


def clock_priors(clocks: Mapping[str, SessionClock]) -> dict[str, ClockPrior]:
    """Return each session's clock as far as it is known before the fit; sessions without any are left out."""
    found = {}
    for session, clock in clocks.items():
        best = clock.best
        if best is not None:
            width = math.log(best.high_hz / best.low_hz) / 3.3 if best.low_hz > 0 else 0.0
            found[session] = ClockPrior(best.clock_hz, max(_CLOCK_SPREAD[best.kind], width))
    return found


class Joining:
    """Joins records with counted operations; each operation is simulated once for each core."""

    def __init__(self, records: Sequence[Record], operations: Operations, catalogue: Catalogue) -> None:
        self.latencies = LatencyTable(records, catalogue)
        self._records = records
        self._operations = operations
        self._parts: dict[tuple[int, str], Parts] = {}

    def rows(self, clocks: Mapping[str, ClockPrior]) -> list[Row]:
        """Return a row for each usable sample whose operation was counted and whose core and clock are known.

        :raises UsageError: a file of operations is damaged.
        """
        known = set(core_ids())
        rows = []
        for record in self._records:
            prior = clocks.get(record.session.id)
            releases = releases_executed(record.samples)
            for sample, go in zip(record.samples, releases, strict=True):
                if prior is None or sample.core not in known or not is_usable(sample):
                    continue
                executed = msgspec.structs.replace(sample, go=go)
                operation = self._operations.find(record.session, executed)
                if operation is None or operation.instructions <= 0:
                    continue
                parts = self._parts_of(operation, sample.core)
                board = self.latencies.of(record.session.board, sample.core)
                rows.append(_row(record, sample, parts, parts.memory_s(board, prior.hz), prior))
        return rows

    def _parts_of(self, operation: Operation, core: str) -> Parts:
        key = id(operation), core
        if key not in self._parts:
            self._parts[key] = parts_of(operation, core)
        return self._parts[key]


def releases_executed(samples: Sequence[Sample]) -> list[str]:
    """Return for each sample the release of Go whose code it executed, "" for none.

    A commit's figures are counted with the release that came after it, for its own code. A figure that the
    commit left as it was, to within what was printed, is not of that code: it is counted with the release
    before, like its parent's, since that is what the rest of the tree was near.
    """
    parents = {code_of(sample): sample for sample in samples if sample.settings.get("column") == "parent"}
    return [
        parent.go
        if sample.settings.get("column") == "commit"
        and (parent := parents.get(code_of(sample))) is not None
        and _is_same(sample, parent)
        else sample.go
        for sample in samples
    ]


def _is_same(one: Sample, other: Sample) -> bool:
    if min(one.value, other.value) <= 0:
        return False
    open_by = max(_precision(one), _precision(other))
    return abs(math.log(one.value / other.value)) <= open_by


def _precision(sample: Sample) -> float:
    return max(_LEAST_PRECISION, sample.resolution / 2 / sample.value, sample.spread or 0.0)


def _row(record: Record, sample: Sample, parts: Parts, memory_s: float, prior: ClockPrior) -> Row:
    program = program_of(record.session, sample)
    assert program is not None
    return Row(
        session=record.session.id,
        board=record.session.board or record.session.device or record.session.id,
        core=sample.core,
        package=program.package,
        workload=sample.workload,
        family=_SIZE.sub("", benchmark_of(sample)) + "-" + "-".join(program.tags),
        seconds=sample.value,
        precision=_precision(sample),
        cycles=parts.cycles,
        mispredictions=parts.mispredictions,
        memory_s=memory_s,
        fits=memory_s < FITS_BELOW * (parts.cycles / prior.hz + memory_s),
    )


class LatencyTable:
    """What is known of each board's caches and memory: its own, its core's elsewhere, or the usual."""

    def __init__(self, records: Iterable[Record], catalogue: Catalogue) -> None:
        self._records = tuple(records)
        self._catalogue = catalogue
        self._known: dict[tuple[str, str], Latencies] = {}

    def of(self, board: str, core: str) -> Latencies:
        """Return what is known of a core of a board, "" for a board that is not in the catalogue."""
        key = board, core
        if key not in self._known:
            shape = cache_sizes(self._catalogue.board(board), core) if board else {}
            own = [record for record in self._records if record.session.board == board] if board else []
            self._known[key] = (
                latencies_of(own, core, shape) or latencies_of(self._records, core, shape) or USUAL
            )
        return self._known[key]
