"""7-zip's figures as rows of the fit, beside those of Go's benchmarks.

sbc-bench ran it on hundreds of boards with a measured clock. It is a program of plain integer code, of
branches that no predictor knows, and of tables beyond the caches, so what the mechanistic model is wrong of
there says something of other programs; openssl, one loop of few kinds of instructions, does not. Each core
has a row for each instruction set and direction, the middle of all its boards: hundreds of near copies say no
more than one.
"""

from __future__ import annotations

import math
import statistics
from typing import TYPE_CHECKING

from emulab.calibration.clocks import Evidence, Kind, SessionClock
from emulab.calibration.fitting.rows import FITS_BELOW, Row

if TYPE_CHECKING:
    from collections.abc import Iterable

    from emulab.calibration.fitting.rated import Figure

PACKAGE = "7-zip"


def general_rows(figures: Iterable[Figure]) -> tuple[list[Row], dict[str, SessionClock]]:
    """Return a row for each core, instruction set and direction of 7-zip, and the clocks of their sessions.

    A row's session stands for all runs on its core, at the middle of their measured clocks.
    """
    cores: dict[str, list[Figure]] = {}
    for figure in figures:
        if figure.is_seven_zip:
            cores.setdefault(figure.core, []).append(figure)
    rows: list[Row] = []
    clocks: dict[str, SessionClock] = {}
    for core, own in sorted(cores.items()):
        hz = statistics.median(figure.clock_hz for figure in own)
        session = f"sbc-bench-{core}"
        text = f"sbc-bench measures it; the middle of {len({figure.session for figure in own})} runs"
        clocks[session] = SessionClock(session, (Evidence(Kind.MEASURED, hz, hz, hz, text),))
        kinds: dict[str, list[Figure]] = {}
        for figure in own:
            kinds.setdefault(f"{figure.workload} {figure.rated.program.architecture}", []).append(figure)
        boards = f"{len({figure.board for figure in own})} boards with {core} that sbc-bench rated"
        rows += [_row(session, boards, workload, each, hz) for workload, each in sorted(kinds.items())]
    return rows, clocks


def _row(session: str, boards: str, workload: str, figures: list[Figure], hz: float) -> Row:
    first = figures[0]
    cycles = [figure.seconds * figure.clock_hz for figure in figures]
    middle = statistics.median(cycles)
    memory = statistics.median(figure.memory_s * figure.clock_hz for figure in figures)
    return Row(
        session=session,
        board=boards,
        core=first.core,
        package=PACKAGE,
        workload=workload,
        family=first.workload,
        seconds=middle / hz,
        precision=statistics.median(abs(math.log(each / middle)) for each in cycles),
        cycles=first.parts.cycles,
        mispredictions=first.parts.mispredictions,
        memory_s=memory / hz,
        fits=memory < FITS_BELOW * middle,
    )
