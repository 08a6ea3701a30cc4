"""Counted benchmarks as figures of a result document."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from emulab.bench.iterations import Effort
from emulab.figures import Figure, FigureClass
from emulab.profiling.profile import Measure
from emulab.profiling.work import Work

if TYPE_CHECKING:
    from emulab.bench.counting import Counted
    from emulab.bench.processes import TestProgram
    from emulab.workloads.request import Place

_REPORTED = {"B/op": "allocated-bytes", "allocs/op": "allocations"}
_CLASSES = {"loads": Work.LOAD, "stores": Work.STORE, "branches": Work.BRANCH, "calls": Work.CALL}
_MEASURES = {
    "misses": (Measure.MEMORY,),
    "l1i-misses": (Measure.L1I_MISS,),
    "l1d-misses": (Measure.L1D_LOAD_MISS, Measure.L1D_STORE_MISS),
    "page-walks": (Measure.PAGE_WALK,),
    "mispredictions": (Measure.MISPREDICTED, Measure.TARGET_MISPREDICTED),
}
"""Figures of the heavy mode; ``misses`` are those of the last level of cache, lines that came from memory."""
_TOLERANCE = Effort().tolerance


def figures_of(place: Place, program: TestProgram, counted: Counted) -> list[Figure]:
    """Return the figures of a benchmark: its counts per operation."""
    target = place.target
    spread = counted.slope.spread
    evidence = _evidence(counted, program, target.cpu_model)

    def figure(name: str, value: float, unit: str, spread: float) -> Figure:
        return Figure(
            name=name,
            value=value,
            unit=unit,
            kind=FigureClass.COUNTED,
            workload=f"{program.package.import_path}.{counted.name}",
            arch=target.architecture.name,
            mode=target.mode,
            board=target.board,
            n=len(counted.windows),
            evidence={**evidence, "spread": spread if spread != float("inf") else 1.0},
        )

    figures = [figure("instructions", counted.slope.per_operation, "insn/op", spread)]
    for name, work in _CLASSES.items():
        slope = counted.work(work)
        figures.append(figure(name, slope.per_operation, f"{name}/op", slope.spread))
    for name, measures in _MEASURES.items():
        measured = counted.measure(*measures)
        if measured is not None:
            figures.append(figure(name, measured.per_operation, f"{name}/op", measured.spread))
    for unit, name in _REPORTED.items():
        values = [window.reported[unit] for window in counted.windows if unit in window.reported]
        if values:
            figures.append(figure(name, counted.high.reported.get(unit, values[-1]), unit, _spread(values)))
    return figures


def note_of(counted: Counted) -> str:
    """Return a sentence about how uncertain a benchmark's counts are, or "" where they are not."""
    if counted.slope.spread <= _TOLERANCE:
        return ""
    causes = "; ".join(counted.causes) or "nothing that it calls says why"
    return f"insn/op is uncertain by {counted.slope.spread:.2%} ({causes})"


def _spread(values: list[float]) -> float:
    largest = max(values)
    return (largest - min(values)) / largest if largest else 0.0


def _evidence(counted: Counted, program: TestProgram, cpu_model: str) -> dict[str, Any]:
    return {
        "iterations": counted.high.iterations,
        "windows": sorted({window.iterations for window in counted.windows}),
        "repeats": counted.repeats,
        "causes": list(counted.causes),
        "cpu_model": cpu_model,
        "binary": program.artifact.sha256,
    }
