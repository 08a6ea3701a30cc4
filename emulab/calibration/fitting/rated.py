"""The figures of openssl and 7-zip, predicted for each board by a fit to all other boards.

The fit is that of Go's benchmarks (:mod:`~emulab.calibration.fitting.solve`): three corrections of a core
that stand around its kind's. But it is one of its own for each code that a program has: what the model is
wrong of is mostly one loop there, which says nothing of another, and hundreds of runs of it must not bend the
corrections that Go's figures are predicted with. sbc-bench measures the clock, so that is known, and rows are
in cycles of it.
"""

from __future__ import annotations

import re
import statistics
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final, Literal

from emulab.calibration.fitting.evaluation import LeftOut, leave_out
from emulab.calibration.fitting.joining import core_priors, parts_of
from emulab.calibration.fitting.rows import FITS_BELOW, Row, Table
from emulab.calibration.fitting.solve import ClockPrior
from emulab.calibration.latencies import USUAL, cache_sizes, latencies_of
from emulab.calibration.rated_programs import PROGRAMS, SEVEN_ZIP, Rated, rated_of
from emulab.timing.core import core_ids

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from emulab.boards.catalogue import Catalogue
    from emulab.calibration.fitting.evaluation import Judged
    from emulab.calibration.fitting.joining import Parts
    from emulab.calibration.latencies import Latencies
    from emulab.calibration.rated_programs import RatedOperations
    from emulab.calibration.schema import Record, Sample

_STEADY: Final = 0.03
"""How far the clocks that were measured before and after a run may be apart, relatively: what is more was
throttled."""
_PRECISION: Final = 0.005
_KNOWN: Final = {"cycles": ClockPrior(1.0, 1e-6)}
"""Rows are in cycles: as if every board ran at 1 Hz."""
_USUAL_SHAPE: Final = {1: 32 << 10, 2: 512 << 10, 3: 4 << 20}
"""Sizes of caches where nobody says them: such that what is taken for the memory's time is no cache's."""
# What is said of a device beside its name: the SoC, that it is a review, a revision, an overclocked one.
_REMARK = re.compile(r"\(.*?\)|\breview\b|\brev(?:ision)? [\d.a-z]+")
_NO_NAME = re.compile(r"[^a-z0-9+]+")


@dataclass(frozen=True)
class Figure:
    """A figure of a board's core, and what is known of that before any fit.

    :param board: its id in the catalogue, or its name without remarks.
    :param seconds: of one operation.
    :param clock_hz: as sbc-bench measured it.
    :param memory_s: what lies behind the first-level caches takes, by the board's measured latencies.
    """

    session: str
    device: str
    board: str
    soc: str
    core: str
    rated: Rated
    seconds: float
    clock_hz: float
    parts: Parts
    memory_s: float

    @property
    def workload(self) -> str:
        """What was measured, of whichever version: ``openssl aes-256-cbc/16384``, ``7-zip compress``."""
        name = self.rated.operation
        return f"{self.rated.program.tool} {name.partition('/')[0] if self.is_seven_zip else name}"

    @property
    def is_seven_zip(self) -> bool:
        """Whether it is of 7-zip."""
        return self.rated.program.tool == SEVEN_ZIP

    def row(self) -> Row:
        """Return it as a row in cycles."""
        memory = self.memory_s * self.clock_hz
        cycles = self.seconds * self.clock_hz
        return Row(
            session=next(iter(_KNOWN)),
            board=self.board,
            core=self.core,
            package=self.rated.program.place,
            workload=self.workload,
            # Runs on one board are near copies, those on others are not.
            family=f"{self.board}/{self.rated.program.tool}",
            seconds=cycles,
            precision=_PRECISION,
            cycles=self.parts.cycles,
            mispredictions=self.parts.mispredictions,
            memory_s=memory,
            fits=memory < FITS_BELOW * cycles,
        )


@dataclass(frozen=True)
class RatedFigure:
    """A figure beside what was predicted of it.

    :param judged: by a fit without its board.
    """

    figure: Figure
    judged: Judged

    @property
    def measured(self) -> float:
        """Return the figure as its program prints it, in bytes or commands per second."""
        return self._per_operation / self.figure.seconds

    @property
    def predicted(self) -> float:
        """Return what was predicted, in the same unit."""
        import math

        return self.measured * math.exp(self.judged.error)

    @property
    def relative(self) -> float:
        """Return the error relative to what was measured, not negative."""
        return abs(self.predicted / self.measured - 1.0)

    @property
    def _per_operation(self) -> float:
        from emulab.calibration.rated_programs import RATED_COMMANDS

        if self.figure.is_seven_zip:
            return float(RATED_COMMANDS)
        return float(self.figure.rated.operation.partition("/")[2])


def board_of(record: Record) -> str:
    """Return what tells a session's board from others: its id in the catalogue, or its plain name.

    Sessions of one board under two names count as two boards; a figure that leaves out all boards with the
    SoC does not have that flaw.
    """
    session = record.session
    plain = _NO_NAME.sub("-", _REMARK.sub(" ", session.device.lower())).strip("-")
    return session.board or plain or session.id


def figures_of(records: Sequence[Record], operations: RatedOperations, catalogue: Catalogue) -> list[Figure]:
    """Return the figures of all sessions whose core is known and whose clock was steady.

    :raises UsageError: a file of operations is damaged.
    """
    known = set(core_ids())
    latencies = _Latencies(records, catalogue)
    parts: dict[tuple[int, str], Parts] = {}
    figures = []
    for record in records:
        for (core, _), samples in _by_place(record).items():
            clock = _steady_clock(record, samples[0]) if core in known else None
            if clock is None:
                continue
            for rated, seconds in _middles(record, samples):
                operation = operations.find(rated)
                if operation is None:
                    continue
                key = id(operation), core
                if key not in parts:
                    parts[key] = parts_of(operation, core)
                figures.append(
                    Figure(
                        record.session.id,
                        record.session.device,
                        board_of(record),
                        record.session.soc,
                        core,
                        rated,
                        seconds,
                        clock,
                        parts[key],
                        parts[key].memory_s(latencies.of(record, core), clock),
                    )
                )
    return figures


def judged_figures(
    figures: Sequence[Figure], without: Literal["board", "soc", "core"] = "board"
) -> dict[str, list[RatedFigure]]:
    """Return every figure with what is predicted by a fit without its board, by the code that it is of.

    :param without: leave out the board, all boards with the same SoC, or all with the same core.
    """
    known = core_priors()
    found = {}
    for code in dict.fromkeys(program.code for program in PROGRAMS):
        own = [one for one in figures if one.rated.program.code == code]
        if own:
            rows = [replace(one.row(), board=getattr(one, without) or one.board) for one in own]
            cores = {core: known[core] for core in {one.core for one in own}}
            judged = leave_out(LeftOut.BOARD, Table(rows), cores, _KNOWN)
            found[code] = [RatedFigure(*pair) for pair in zip(own, judged, strict=True)]
    return found


def _by_place(record: Record) -> Mapping[tuple[str, str], list[Sample]]:
    """Return the samples of each cluster, by its core and processors."""
    places: dict[tuple[str, str], list[Sample]] = {}
    for sample in record.samples:
        if rated_of(record.session, sample) is not None:
            places.setdefault((sample.core, sample.settings.get("cpus", "")), []).append(sample)
    return places


def _middles(record: Record, samples: Iterable[Sample]) -> list[tuple[Rated, float]]:
    """Return each figure once, the middle of its runs, in seconds per operation."""
    runs: dict[str, list[Rated]] = {}
    for sample in samples:
        rated = rated_of(record.session, sample)
        if rated is not None:
            runs.setdefault(f"{rated.program.place} {rated.operation}", []).append(rated)
    return [(found[0], statistics.median(one.seconds for one in found)) for found in runs.values()]


def _steady_clock(record: Record, sample: Sample) -> float | None:
    """Return the clock of the processor that a sample ran on; None where it was not steady."""
    wanted = processors(sample.settings.get("cpus", ""))
    clocks = [
        one.value
        for one in record.samples
        if one.workload == "clock.measured"
        and one.core == sample.core
        and not one.flags
        and (not wanted or wanted & processors(one.settings.get("cpus", "")))
    ]
    if not clocks or min(clocks) < (1.0 - _STEADY) * max(clocks):
        return None
    return statistics.median(clocks)


def processors(text: str) -> set[int]:
    """Return the numbers that a list of processors means: ``0,4-5``.

    >>> sorted(processors("0,4-5"))
    [0, 4, 5]
    """
    found: set[int] = set()
    for part in text.split(","):
        first, _, last = part.partition("-")
        if first.isdigit():
            found.update(range(int(first), int(last or first) + 1))
    return found


class _Latencies:
    """What is known of each board's caches and memory: by the session itself, or others of its core."""

    def __init__(self, records: Sequence[Record], catalogue: Catalogue) -> None:
        self._catalogue = catalogue
        self._by_core: dict[str, list[Record]] = {}
        for record in records:
            for core in {sample.core for sample in record.samples}:
                self._by_core.setdefault(core, []).append(record)
        self._known: dict[tuple[str, str], Latencies] = {}

    def of(self, record: Record, core: str) -> Latencies:
        """Return the times of a session's own board, of boards with its core, or the usual ones."""
        key = record.session.id, core
        if key not in self._known:
            board = record.session.board
            shape = cache_sizes(self._catalogue.board(board), core) if board else {}
            here = board_of(record)
            others = [one for one in self._by_core[core] if board_of(one) != here]
            self._known[key] = (
                latencies_of([record], core, shape or _USUAL_SHAPE)
                or latencies_of(others, core, _USUAL_SHAPE)
                or USUAL
            )
        return self._known[key]
