"""Clocks by instruction counts: at which of its operating points a board must have run.

Where nothing else tells a session's clock, its figures do, roughly: at the clock that the source implies the
pipeline would be several times slower than it can be. A board whose clock nobody minded stands at its lowest
operating point instead; of these two, the one at which the figures fit is taken when the other is far off.
Figures that fit at neither leave the claim as it was.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Final

import numpy as np

from emulab.calibration.clocks import Evidence, Kind, SessionClock
from emulab.calibration.fitting.rows import Table
from emulab.calibration.fitting.solve import fit

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from emulab.boards.catalogue import Catalogue
    from emulab.calibration.fitting.rows import Row
    from emulab.calibration.fitting.solve import CorePrior
    from emulab.calibration.schema import Record

_APART: Final = 0.3
"""How much better, as a logarithm, one point has to fit than the other."""
_NEAR: Final = 0.3
"""And how near, likewise, the figures have to come to what was counted: what fits at neither point, as where
half a core's time went elsewhere, tells no clock."""
_WIDTH: Final = 0.02
_WEAK: Final = frozenset({Kind.CLAIMED})


def by_operating_points(
    clocks: Mapping[str, SessionClock],
    records: Sequence[Record],
    rows: Sequence[Row],
    cores: Mapping[str, CorePrior],
    catalogue: Catalogue,
) -> dict[str, SessionClock]:
    """Return the clocks with evidence by instruction counts for sessions that have none but a claim."""
    weak = {
        session for session, clock in clocks.items() if clock.best is not None and clock.best.kind in _WEAK
    }
    strong = [row for row in rows if row.session not in weak]
    if not strong:
        return dict(clocks)
    from emulab.calibration.fitting.joining import clock_priors

    solution = fit(Table(strong), cores, clock_priors(clocks))
    boards = {record.session.id: record.session.board for record in records}
    found = dict(clocks)
    for session in sorted(weak):
        own = [row for row in rows if row.session == session]
        claimed = clocks[session].best
        lowest = _lowest(catalogue, boards.get(session, ""), own[0].core) if own else None
        if claimed is None or lowest is None or lowest >= claimed.clock_hz:
            continue
        points = lowest, claimed.clock_hz
        off = {}
        for hz in points:
            factor = [np.exp(solution.cores[row.core].pipeline) for row in own]
            expected = [f * row.cycles / hz + row.memory_s for f, row in zip(factor, own, strict=True)]
            off[hz] = float(
                np.median([np.log(row.seconds / e) for row, e in zip(own, expected, strict=True)])
            )
        best, other = sorted(points, key=lambda hz: abs(off[hz]))
        if abs(off[best]) < _NEAR and abs(off[other]) - abs(off[best]) > _APART:
            text = (
                f"{len(own)} figures take {np.exp(off[best]):.2f} times their counted cycles at this clock,"
                f" {np.exp(off[other]):.2f} times at {other / 1e6:.0f} MHz"
            )
            evidence = Evidence(Kind.INSTRUCTIONS, best, best * (1 - _WIDTH), best * (1 + _WIDTH), text)
            found[session] = replace(clocks[session], evidence=(evidence, *clocks[session].evidence))
    return found


def _lowest(catalogue: Catalogue, board: str, core: str) -> float | None:
    if not board:
        return None
    for cluster in catalogue.board(board).clusters:
        if cluster.core.id == core and cluster.operating_points_mhz:
            return cluster.operating_points_mhz[0] * 1e6
    return None
