"""A board's time for an operation, with its interval and what it rests on."""

from __future__ import annotations

import functools
import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from emulab.calibration.fitting.evaluation import half_width
from emulab.calibration.fitting.joining import parts_of
from emulab.calibration.fitting.solve import Correction, predict, uncertainty
from emulab.calibration.latencies import USUAL
from emulab.calibration.models import COVERAGES, read_latencies, read_model
from emulab.errors import UsageError
from emulab.timing.core import load_core

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from emulab.boards.board import Board, Cluster
    from emulab.calibration.fitting.joining import Parts
    from emulab.calibration.latencies import Latencies
    from emulab.calibration.models import LatencyFile, Model
    from emulab.profiling.operation import Operation

COVERAGE = 0.9


@dataclass(frozen=True)
class Prediction:
    """What a board is predicted to take.

    :param seconds: of one operation.
    :param low, high: the interval that holds ``coverage`` of such figures.
    :param clock_hz: at which it is meant.
    :param support: what it rests on, in a phrase.
    """

    seconds: float
    low: float
    high: float
    coverage: float
    core: str
    clock_hz: float
    support: str


class Predictor:
    """Predicts with the models of a directory, the shipped ones by default.

    :param simulate: returns the mechanistic model's parts of an operation on a core.
    """

    def __init__(
        self, directory: Path | None = None, simulate: Callable[[Operation, str], Parts] = parts_of
    ) -> None:
        self._directory = directory
        self._simulate = simulate

    @functools.cached_property
    def _latencies(self) -> LatencyFile:
        return read_latencies(self._directory)

    @functools.cache  # noqa: B019 - a predictor lives as long as the command
    def _model(self, core: str) -> Model:
        return read_model(core, self._directory)

    def latencies(self, board: Board, core: str) -> Latencies:
        """Return what lies behind the first-level caches of a board's core, the usual where none is known."""
        return self._latencies.boards.get(f"{board.id}/{core}", USUAL)

    def predict(
        self,
        operation: Operation,
        board: Board,
        clock_hz: float | None = None,
        cluster: Cluster | None = None,
    ) -> Prediction:
        """Return what one operation takes on the fastest cores of a board.

        :param clock_hz: another clock than the highest that the board is sold with.
        :param cluster: other cores of the board than the fastest.
        :raises UsageError: the board stands for no real one, or runs other instructions.
        """
        cluster = board.fastest if cluster is None else cluster
        core = cluster.core.id
        if board.arch != operation.isa:
            raise UsageError(f"{board.id} does not run code of {operation.isa}")
        model = self._model(core)
        latencies = self.latencies(board, core)
        hz = clock_hz or cluster.nominal_mhz * 1e6
        parts = self._simulate(operation, core)
        factors = (model.pipeline, model.branches, model.memory)
        correction = Correction(
            *(math.log(each.value) for each in factors), *(each.spread for each in factors)
        )
        penalty = float(load_core(core).facts.mispredict)
        columns = [
            np.array(each) for each in (parts.cycles, parts.mispredictions, parts.memory_s(latencies, hz), hz)
        ]
        seconds = float(predict(correction, penalty, *columns))
        place = COVERAGES.index(COVERAGE)
        apart = 0.0 if board.id in model.evidence.boards else model.intervals.apart[place]
        open_by = uncertainty(correction, penalty, *columns)
        half = float(half_width(model.intervals.reach[place], open_by, apart))
        return Prediction(
            seconds,
            seconds * math.exp(-half),
            seconds * math.exp(half),
            COVERAGE,
            core,
            hz,
            support(model, board),
        )


def support(model: Model, board: Board) -> str:
    """Return what a prediction for a board rests on, in a phrase."""
    evidence = model.evidence
    if board.id in evidence.boards:
        return (
            f"{evidence.samples} figures of {len(evidence.packages)} packages on its core, some on this board"
        )
    if evidence.samples:
        return f"{evidence.samples} figures of its core on {', '.join(evidence.boards)}"
    if evidence.borrowed:
        return (
            f"no figure of its core; corrected like other {model.kind} cores ({', '.join(evidence.borrowed)})"
        )
    return f"no figure of any {model.kind} core; the pipeline's model alone"
