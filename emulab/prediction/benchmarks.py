"""Benchmarks of ``emulab bench`` with the times that boards are predicted to take."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from emulab.bench.collecting import HEAVY
from emulab.bench.operations import operation_of
from emulab.bench.runner import bench
from emulab.calibration.prediction import Predictor
from emulab.errors import NothingRanError, WorkloadError
from emulab.figures import Figure, FigureClass
from emulab.profiling.memory_model import model_of

if TYPE_CHECKING:
    from pathlib import Path

    from emulab.bench.counting import Counted
    from emulab.bench.request import BenchRequest
    from emulab.bench.runner import BenchResult, Outcome
    from emulab.calibration.prediction import Prediction
    from emulab.progress import Progress


@dataclass(frozen=True)
class WhatIf:
    """Conditions other than the board's own.

    :param clock_hz: of the core, None for the highest that the board is sold with.
    :param models: a directory of models, None for the shipped ones.
    """

    clock_hz: float | None = None
    models: Path | None = None


def bench_with_predictions(request: BenchRequest, what_if: WhatIf, progress: Progress) -> BenchResult:
    """Count the benchmarks that a request means, and predict what its boards take for each.

    Counting with a model of the board's caches is part of it; a benchmark for which that fails is predicted
    without memory time, and its figure says so.

    :raises UsageError: the request makes no sense, or there is no model of a board's core.
    :raises WorkloadError: a package does not build, or its test binary does not even list its benchmarks.
    :raises InfrastructureError: something beneath failed.
    """
    result = bench(request, progress)
    boards = {each.place.board.id for each in result.outcomes if each.counted and _is_modelled(each)}
    if not boards:
        return result
    measured = _measured(replace(request, boards=tuple(sorted(boards)), architectures=()), progress)
    predictor = Predictor(what_if.models)
    figures = []
    for outcome in result.outcomes:
        if outcome.counted is not None and outcome.place.board.id in boards:
            heavy = measured.get((outcome.place.board.id, outcome.workload))
            model = model_of(outcome.place.board) if heavy is not None else None
            operation = operation_of(outcome.counted, heavy, model)
            predicted = predictor.predict(operation, outcome.place.board, what_if.clock_hz)
            figures.append(_figure(outcome, predicted, has_memory=heavy is not None))
    document = replace(result.document, figures=(*result.document.figures, *figures))
    return replace(result, document=document)


def _is_modelled(outcome: Outcome) -> bool:
    """Tell whether a place stands for a board with cores; of this computer no model is shipped."""
    board = outcome.place.board
    return bool(board.clusters) and board.kind != "host"


def _measured(request: BenchRequest, progress: Progress) -> dict[tuple[str, str], Counted]:
    heavy = request if request.caches else replace(request, caches=True, effort=HEAVY)
    try:
        outcomes = bench(heavy, progress).outcomes
    except (WorkloadError, NothingRanError):
        return {}
    return {
        (each.place.board.id, each.workload): each.counted for each in outcomes if each.counted is not None
    }


def _figure(outcome: Outcome, predicted: Prediction, *, has_memory: bool) -> Figure:
    target = outcome.place.target
    return Figure(
        name="time",
        value=predicted.seconds,
        unit="s/op",
        kind=FigureClass.PREDICTED,
        workload=outcome.workload,
        arch=target.architecture.name,
        mode=target.mode,
        board=target.board,
        low=predicted.low,
        high=predicted.high,
        coverage=predicted.coverage,
        evidence={
            "model": predicted.core,
            "clock_hz": predicted.clock_hz,
            "support": predicted.support,
            "memory": "modelled" if has_memory else "not modelled: caches could not be counted",
        },
    )
