"""From samples to models: the one way that the shipped models are made."""

from __future__ import annotations

import hashlib
import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from emulab.calibration.clocks import session_clocks
from emulab.calibration.fitting.boards_apart import boards_apart
from emulab.calibration.fitting.evaluation import LeftOut, interval_scores, leave_out
from emulab.calibration.fitting.general_rows import general_rows
from emulab.calibration.fitting.joining import Joining, clock_priors, core_priors
from emulab.calibration.fitting.operating_points import by_operating_points
from emulab.calibration.fitting.rated import figures_of
from emulab.calibration.fitting.rows import Table
from emulab.calibration.fitting.trust import fit_what_is_sound
from emulab.calibration.latencies import Latencies
from emulab.calibration.models import (
    COVERAGES,
    SCHEMA,
    Evidence,
    Factor,
    Intervals,
    LatencyFile,
    Model,
)
from emulab.timing.core import SHIPPED

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from pathlib import Path

    from emulab.boards.catalogue import Catalogue
    from emulab.calibration.clocks import SessionClock
    from emulab.calibration.fitting.evaluation import Judged
    from emulab.calibration.fitting.joining import LatencyTable
    from emulab.calibration.fitting.solve import ClockPrior, CorePrior, Solution
    from emulab.calibration.fitting.trust import Suspect
    from emulab.calibration.operations import Operations
    from emulab.calibration.rated_programs import RatedOperations
    from emulab.calibration.schema import Record

_DIGITS = 5
"""Significant digits of what a model's file holds: far more than is known, few enough to repeat anywhere."""
_KNOWN_CLOCK = 0.1
"""The spread of what is known of a session's clock below which its figures judge a model."""


@dataclass(frozen=True)
class Problem:
    """What there is to fit.

    :param clocks, evidence: of every session.
    :param apart: how far boards with one core are apart, for each coverage of a model's intervals.
    """

    table: Table
    cores: Mapping[str, CorePrior]
    clocks: Mapping[str, ClockPrior]
    evidence: Mapping[str, SessionClock]
    apart: Sequence[float]
    latencies: LatencyFile


@dataclass(frozen=True)
class Made:
    """What was fitted, and how it does on what it has not seen.

    :param judged: every row, predicted without its package, its source, its board.
    """

    solution: Solution
    suspects: Sequence[Suspect]
    judged: Mapping[LeftOut, Sequence[Judged]]
    models: Sequence[Model]


def problem_of(
    records: Sequence[Record], operations: Operations, rated: RatedOperations, catalogue: Catalogue
) -> Problem:
    """Return what records and counted operations give to fit.

    :param rated: of the programs that boards are rated by.

    :raises UsageError: a file of operations is damaged.
    """
    cores = core_priors()
    evidence = session_clocks(records)
    joining = Joining(records, operations, catalogue)
    rows = joining.rows(clock_priors(evidence))
    evidence = by_operating_points(evidence, records, rows, cores, catalogue)
    general, measured = general_rows(figures_of(records, rated, catalogue))
    evidence |= measured
    clocks = clock_priors(evidence)
    table = Table([*joining.rows(clocks), *general])
    apart = boards_apart(records, COVERAGES)
    return Problem(
        table, cores, clocks, evidence, apart, _latency_file(joining.latencies, catalogue, set(cores))
    )


def _latency_file(known: LatencyTable, catalogue: Catalogue, cores: set[str]) -> LatencyFile:
    """Return what is known of the caches of every board of the catalogue."""
    found = {}
    for board in catalogue.ids():
        for cluster in catalogue.board(board).clusters:
            if cluster.core.id in cores:
                one = known.of(board, cluster.core.id)
                found[f"{board}/{cluster.core.id}"] = Latencies(
                    _rounded(one.l2_cycles),
                    None if one.l3_s is None else _rounded(one.l3_s),
                    _rounded(one.memory_s),
                    _rounded(one.line_s),
                    one.source,
                )
    return LatencyFile(SCHEMA, found)


def make(problem: Problem, made_from: Mapping[str, str]) -> Made:
    """Fit everything, and judge it by what is left out."""
    solution, suspects, table = fit_what_is_sound(problem.table, problem.cores, problem.clocks)
    spread = np.array([problem.clocks[session].spread for session in table.sessions])[table.session]
    # Where only a claim tells the clock, an error says nothing of the model.
    table = table.where(spread < _KNOWN_CLOCK)
    judged = {what: leave_out(what, table, problem.cores, problem.clocks) for what in LeftOut}
    models = [
        _model(core, problem, table, solution, suspects, judged, made_from) for core in sorted(problem.cores)
    ]
    return Made(solution, suspects, judged, models)


def _model(
    core: str,
    problem: Problem,
    table: Table,
    solution: Solution,
    suspects: Sequence[Suspect],
    judged: Mapping[LeftOut, Sequence[Judged]],
    made_from: Mapping[str, str],
) -> Model:
    own = [row for row in table.rows if row.core == core]
    kind = problem.cores[core].kind
    found = solution.cores[core]
    return Model(
        schema=SCHEMA,
        core=core,
        kind=kind,
        pipeline=_factor(found.pipeline, found.pipeline_spread),
        branches=_factor(found.branches, found.branches_spread),
        memory=_factor(found.memory, found.memory_spread),
        intervals=Intervals(
            tuple(_rounded(each) for each in _reaches(core, problem, judged[LeftOut.PACKAGE])),
            tuple(_rounded(each) for each in problem.apart),
        ),
        evidence=Evidence(
            samples=len(own),
            packages=tuple(sorted({row.package for row in own})),
            sessions=tuple(sorted({row.session for row in own})),
            boards=tuple(sorted({row.board for row in own})),
            borrowed=tuple(
                sorted(
                    {
                        row.core
                        for row in table.rows
                        if row.core != core and problem.cores[row.core].kind == kind
                    }
                )
            ),
            suspects={one.session: one.reason for one in suspects},
        ),
        made_from=dict(sorted(made_from.items())),
    )


def _reaches(core: str, problem: Problem, judged: Sequence[Judged]) -> list[float]:
    score = np.array([one.error / one.open_by for one in judged])
    scores = interval_scores(Table([one.row for one in judged]), score, core, problem.cores)
    return [scores.reach(coverage) for coverage in COVERAGES]


def _factor(logarithm: float, spread: float) -> Factor:
    return Factor(_rounded(math.exp(logarithm)), _rounded(spread))


def _rounded(value: float) -> float:
    return float(f"{float(value):.{_DIGITS}g}")


def digests(samples: Iterable[Path], operations: Path, rated: Path) -> dict[str, str]:
    """Return what a model was made from, as digests of the directories' contents."""
    return {
        "samples": _digest(path for directory in samples for path in sorted(directory.rglob("*.csv*"))),
        "operations": _digest(sorted(operations.rglob("*.ops"))),
        "rated": _digest(sorted(rated.rglob("*.ops"))),
        "cores": _digest(sorted(SHIPPED.glob("*.toml"))),
    }


def _digest(paths: Iterable[Path]) -> str:
    digest = hashlib.sha256()
    for path in paths:
        digest.update(path.name.encode() + b"\0" + hashlib.sha256(path.read_bytes()).digest())
    return digest.hexdigest()[:16]
