"""Runs of whole programs with the figures that boards are predicted to show."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any, Self

from emulab import __version__
from emulab.calibration.prediction import Predictor
from emulab.errors import EmulabError, NothingRanError
from emulab.figures import Document, Figure, FigureClass
from emulab.machines.opening import COUNTING_EMULATOR, Opener
from emulab.prediction.counting_programs import count_program, job_of
from emulab.prediction.kept_parts import kept_parts
from emulab.prediction.program_figures import boot_figure, predicted_figures
from emulab.prediction.shipped_programs import REPRESENTATIVES, shipped_counts
from emulab.workloads.building import Workshop
from emulab.workloads.request import BuildOptions, ProgramKind, find_places
from emulab.workloads.runner import run
from emulab.workloads.service import Subject

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from emulab.prediction.conditions import Conditions
    from emulab.prediction.program_counts import ProgramCounts
    from emulab.prediction.program_work import Work
    from emulab.progress import Progress
    from emulab.workloads.counted import CountedProgram
    from emulab.workloads.request import Place, RunRequest

_COUNTED = {
    "instructions": ("user_instructions", "insn"),
    "kernel-instructions": ("kernel_instructions", "insn"),
    "page-faults": ("faults", "faults"),
    "system-calls": ("calls", "calls"),
}


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
    progress: Progress,
    on_output: Callable[[str, bytes], None] | None = None,
    on_counted: Callable[[CountedProgram], None] = lambda counted: None,
    *,
    conditions: Conditions,
) -> tuple[Document, list[str]]:
    """Carry out a run, and predict for each board of it what it would show.

    What stands in the way of a prediction is a note of the document: the run has its figures all the same.

    :raises UsageError: the request makes no sense, or the conditions are none of a board's.
    :raises WorkloadError, InfrastructureError: as of the run.
    """
    places = [place for place in find_places(request) if _is_modelled(place)]
    for place in places:
        conditions.check(place.board)
    document, failures = run(request, progress, on_output, on_counted)
    if failures or not places:
        return document, failures
    predictor = Predictor(conditions.models, kept_parts)
    figures, notes = list(document.figures), list(document.notes)
    with _Counting(request, progress) as counting:
        for place in places:
            try:
                counts, note = counting.of_place(place)
                figures += figures_of_place(place, counts, request, predictor, conditions)
                notes += [f"{place.target.title}: {note}"] if note else []
            except EmulabError as error:
                notes.append(f"{place.target.title}: nothing is predicted, since {error.message}")
    return replace(document, figures=tuple(figures), notes=tuple(notes)), failures


def predict_everywhere(request: RunRequest, conditions: Conditions, progress: Progress) -> Document:
    """Predict a program on every board that a request names, from one count for each architecture.

    :raises UsageError: the request or the conditions make no sense.
    :raises NothingRanError: no board could be predicted.
    :raises WorkloadError, InfrastructureError: the program could not be counted.
    """
    places = [place for place in find_places(request) if _is_modelled(place)]
    if not places:
        raise NothingRanError("no board was named that could be predicted")
    predictor = Predictor(conditions.models, kept_parts)
    known: dict[str, ProgramCounts] = {}
    figures: list[Figure] = []
    with _Counting(request, progress) as counting:
        for place in places:
            conditions.check(place.board)
            arch = place.target.architecture.name
            if arch not in known:
                known[arch] = counting.shipped(arch) or counting.of_architecture(arch)
            figures += figures_of_place(place, known[arch], request, predictor, conditions)
    return Document("predict", {"emulab": __version__}, tuple(figures))


def count_architectures(
    request: RunRequest, architectures: Iterable[str], progress: Progress
) -> dict[str, ProgramCounts]:
    """Count a program for each of some architectures, as :func:`predict_everywhere` does.

    :raises WorkloadError, InfrastructureError: it could not be counted.
    """
    with _Counting(request, progress) as counting:
        return {arch: counting.of_architecture(arch) for arch in architectures}


def figures_of_place(
    place: Place,
    counts: ProgramCounts,
    request: RunRequest,
    predictor: Predictor,
    conditions: Conditions,
) -> list[Figure]:
    """Return a place's figures of the classes COUNTED and PREDICTED.

    They stand in the column of what was run there, wherever they were counted.

    :raises UsageError: the conditions are none of the board's.
    """
    subject = _subject(request, place)
    is_service = bool(request.ready)
    figures = _counted(subject, counts, counts.start, "-start" if is_service else "", "")
    if counts.request is not None:
        figures += _counted(subject, counts, counts.request, "-request", "/request")
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


class _Counting:
    """Counts a request's program, on machines that are opened when they are needed."""

    def __init__(self, request: RunRequest, progress: Progress) -> None:
        self._request = request
        self._system = replace(request, modes=("system",), cpus=None, memory=None)
        self._progress = progress
        self._opener = Opener(progress, COUNTING_EMULATOR)
        self._workshop = Workshop(request, progress)

    def shipped(self, arch: str) -> ProgramCounts | None:
        """Return the counts that ship with emulab; None where it is another program, or built otherwise."""
        request = self._request
        is_own = request.program.manifest is not None and request.build == BuildOptions()
        return shipped_counts(request.program.name, arch) if is_own and not request.environment else None

    def of_place(self, place: Place) -> tuple[ProgramCounts, str]:
        """Return what is counted on a machine like a place's board, and what is to be said of it.

        A machine that would have to be built first is done without where counts ship with emulab.
        """
        (like,) = self._places(place.board.id, place.target.libc)
        shipped = self.shipped(place.target.architecture.name)
        if shipped is not None and self._opener.missing([like.target]):
            return shipped, (
                f"predicted from the counts that ship with emulab, of {shipped.origin['go']} on a machine"
                f" like {shipped.origin['machine']}; its own is not built (`emulab images build --all`)"
            )
        return self._count(like), ""

    def of_architecture(self, arch: str) -> ProgramCounts:
        """Return what serves every board of an architecture."""
        counted = [
            self._count(place)
            for board in REPRESENTATIVES[arch]
            for place in self._places(board, *self._request.libcs[:1])
        ]
        return replace(counted[0], memory=tuple(each for one in counted for each in one.memory))

    def _places(self, board: str, *libcs: str) -> list[Place]:
        return find_places(replace(self._system, boards=(board,), architectures=(), libcs=libcs))

    def _count(self, place: Place) -> ProgramCounts:
        artifact = self._workshop.artifact(place)
        assert artifact is not None
        job = job_of(self._request, place, artifact)
        subject = _subject(self._request, place)
        return count_program(self._system, job, subject, self._opener, self._progress)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._opener.__exit__()


def _subject(request: RunRequest, place: Place) -> Subject:
    target = place.target
    return Subject(request.program.name, target.architecture.name, target.mode, target.libc, target.board)


def _counted(subject: Subject, counts: ProgramCounts, work: Work, suffix: str, per: str) -> list[Figure]:
    evidence: dict[str, Any] = {"counted": dict(counts.origin)}
    figures = []
    for name, (field, unit) in _COUNTED.items():
        figure = subject.figure(f"{name}{suffix}", [getattr(work, field)], unit + per, FigureClass.COUNTED)
        figures.append(replace(figure, evidence=evidence))
    return figures


def _is_modelled(place: Place) -> bool:
    return place.board.kind == "board" and bool(place.board.clusters)
