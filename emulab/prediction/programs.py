"""Runs of whole programs with the figures that boards are predicted to show."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from emulab import __version__
from emulab.calibration.prediction import Predictor
from emulab.errors import EmulabError, NothingRanError
from emulab.figures import Document, Figure, FigureClass
from emulab.machines.opening import Opener
from emulab.prediction.counting_programs import count_program, job_of
from emulab.prediction.program_figures import boot_figure, predicted_figures
from emulab.workloads.building import Workshop
from emulab.workloads.request import ProgramKind, find_places
from emulab.workloads.runner import run
from emulab.workloads.service import Subject

if TYPE_CHECKING:
    from collections.abc import Callable

    from emulab.prediction.conditions import Conditions
    from emulab.prediction.program_counts import ProgramCounts
    from emulab.prediction.program_work import Work
    from emulab.progress import Progress
    from emulab.workloads.counted import CountedProgram
    from emulab.workloads.request import Place, RunRequest

_COUNTED = {
    "instructions": "user_instructions",
    "kernel-instructions": "kernel_instructions",
    "page-faults": "faults",
    "system-calls": "calls",
}
_UNITS = {
    "instructions": "insn",
    "kernel-instructions": "insn",
    "page-faults": "faults",
    "system-calls": "calls",
}


@dataclass(frozen=True)
class Predicted:
    """What came of predictions for the places of a request.

    :param figures: of the classes COUNTED and PREDICTED.
    :param notes: a sentence for each place without predictions, with the reason.
    """

    figures: tuple[Figure, ...]
    notes: tuple[str, ...]


def is_predictable(request: RunRequest) -> bool:
    """Tell whether a run asks for figures that stand beside predictions of them."""
    return not (
        request.count
        or request.deterministic
        or request.find_smallest_memory
        or request.network
        or request.program.kind is ProgramKind.GUEST
        or not request.boards
    )


def run_with_predictions(
    request: RunRequest,
    conditions: Conditions,
    progress: Progress,
    on_output: Callable[[str, bytes], None] | None = None,
    on_counted: Callable[[CountedProgram], None] = lambda counted: None,
) -> tuple[Document, list[str]]:
    """Carry out a run, and predict for each board of it what it would show.

    What stands in the way of a prediction is a note of the document: the run has its figures all the same.

    :raises UsageError: the request makes no sense, or the conditions are none of a board's.
    :raises WorkloadError, InfrastructureError: as of the run.
    """
    for place in find_places(request):
        if _is_modelled(place):
            conditions.check(place.board)
    document, failures = run(request, progress, on_output, on_counted)
    if failures:
        return document, failures
    found = predict_programs(request, conditions, progress)
    return replace(
        document,
        figures=(*document.figures, *found.figures),
        notes=(*document.notes, *found.notes),
    ), failures


def predict_document(request: RunRequest, conditions: Conditions, progress: Progress) -> Document:
    """Return the predictions of a request without a run of it, on every board that it names.

    :raises NothingRanError: there is none.
    """
    found = predict_programs(request, conditions, progress)
    if not any(figure.kind is FigureClass.PREDICTED for figure in found.figures):
        raise NothingRanError("nothing could be predicted", detail="\n".join(found.notes))
    return Document("predict", {"emulab": __version__}, found.figures, (), found.notes)


def predict_programs(request: RunRequest, conditions: Conditions, progress: Progress) -> Predicted:
    """Return what every place of a request is predicted to show, counting what was not counted before.

    :raises UsageError: the request or the conditions make no sense.
    """
    # Figures stand in the column of what was run, wherever they were counted.
    places = [place for place in find_places(request) if _is_modelled(place)]
    system = replace(request, modes=("system",), cpus=None, memory=None)
    predictor = Predictor(conditions.models)
    figures: list[Figure] = []
    notes: list[str] = []
    with Opener(progress) as opener:
        workshop = Workshop(request, progress)
        for place in places:
            conditions.check(place.board)
            (like,) = find_places(
                replace(system, boards=(place.board.id,), architectures=(), libcs=(place.target.libc,))
            )
            try:
                artifact = workshop.artifact(like)
                assert artifact is not None
                target = place.target
                subject = Subject(
                    request.program.name, target.architecture.name, target.mode, target.libc, target.board
                )
                counts = count_program(system, job_of(system, like, artifact), subject, opener, progress)
            except EmulabError as error:
                notes.append(f"{place.target.title}: nothing is predicted, since {error.message}")
                continue
            figures += figures_of_place(subject, counts, place, request, predictor, conditions)
    return Predicted(tuple(figures), tuple(notes))


def figures_of_place(
    subject: Subject,
    counts: ProgramCounts,
    place: Place,
    request: RunRequest,
    predictor: Predictor,
    conditions: Conditions,
) -> list[Figure]:
    """Return a place's counts and predictions as figures."""
    is_service = bool(request.ready)
    figures = _counted(subject, counts.start, "-start" if is_service else "", "")
    if counts.request is not None:
        figures += _counted(subject, counts.request, "-request", "/request")
    figures += predicted_figures(
        subject,
        counts,
        place.board,
        predictor,
        conditions,
        is_service=is_service,
        concurrency=request.load.concurrency if request.load is not None else 0,
    )
    return figures + boot_figure(subject, counts, place.board, predictor, conditions)


def _counted(subject: Subject, work: Work, suffix: str, per: str) -> list[Figure]:
    evidence: dict[str, Any] = {"mode": "system"}
    return [
        replace(
            subject.figure(
                f"{name}{suffix}", [getattr(work, field)], _UNITS[name] + per, FigureClass.COUNTED
            ),
            evidence=evidence,
        )
        for name, field in _COUNTED.items()
    ]


def _is_modelled(place: Place) -> bool:
    return place.board.kind == "board" and bool(place.board.clusters)
