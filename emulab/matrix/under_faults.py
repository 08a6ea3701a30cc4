"""A user's own program, or a module's own tests, under faults: which ones they do not survive."""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from emulab.errors import NothingRanError, UsageError, WorkloadError
from emulab.figures import Document
from emulab.matrix.demonstrations import preferred
from emulab.matrix.faults.applying import afflicted, built, hole
from emulab.testing.runner import test
from emulab.testing.verdicts import Verdict
from emulab.workloads.building import Workshop
from emulab.workloads.request import find_places
from emulab.workloads.runner import run

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from emulab.matrix.faults.schema import Fault
    from emulab.progress import Progress
    from emulab.testing.cells import Cell
    from emulab.testing.request import TestRequest
    from emulab.workloads.request import Place, RunRequest

Rows = list[dict[str, Any]]
BOTH_MODES = ("user", "system")
_STATIC = "test binaries are static without --cgo, and need nothing of the root filesystem"
_NOT_UNDER_FAULTS = ("deterministic", "count", "find_smallest_memory")


def run_under_faults(
    request: RunRequest,
    progress: Progress,
    on_output: Callable[[str, bytes], None] | None = None,
    on_counted: object = None,
    *,
    faults: Sequence[Fault],
) -> tuple[Document, list[str]]:
    """Carry out a request once under each fault, on each machine that it means.

    Without modes in the request a fault chooses one that it can be shown in.

    :returns: the document, whose verdict is ``pass`` where the program held under the fault, and a sentence
        for each program that failed.
    :raises UsageError: the request makes no sense.
    :raises WorkloadError: the package does not compile.
    :raises InfrastructureError: something beneath the program failed.
    """
    for name in _NOT_UNDER_FAULTS:
        if getattr(request, name):
            raise UsageError(
                f"--{name.replace('_', '-')} and --fault exclude each other", hint="leave out one of them"
            )
    documents: list[Document] = []
    rows: Rows = []
    failures: list[str] = []
    for fault, place in _cells(request, faults):
        title = request.program.name
        why = hole(fault, place.target)
        if why:
            rows.append(_row(fault, place, title, Verdict.UNSUPPORTED, why, ""))
            continue
        there = afflicted(fault, place)
        narrowed = _narrowed(request, fault, place, there)
        # What does not compile is no fault's doing.
        Workshop(narrowed, progress).artifact(there)
        try:
            document, failed = run(narrowed, progress, on_output)
            documents.append(document)
        except WorkloadError as error:
            failed = [error.message]
        except UsageError as error:
            if not fault.on(place.target.mode).starts_misfits:
                raise
            failed = [error.message]
        verdict = Verdict.FAIL if failed else Verdict.PASS
        rows.append(_row(fault, place, title, verdict, "".join(failed[:1]), fault.remedy if failed else ""))
        failures += failed
    return _joined(documents, rows), failures


def _cells(request: RunRequest, faults: Iterable[Fault]) -> list[tuple[Fault, Place]]:
    places = find_places(replace(request, modes=request.modes or BOTH_MODES))
    return [
        (fault, place)
        for fault in faults
        for place in (places if request.modes else preferred(fault, places))
    ]


def _narrowed(request: RunRequest, fault: Fault, place: Place, there: Place) -> RunRequest:
    """Return the request for one machine under one fault."""
    board = place.target.board
    return replace(
        request,
        boards=(board,) if board else (),
        architectures=() if board else (place.target.architecture.name,),
        libcs=(place.target.libc,),
        modes=(place.target.mode,),
        afflict=lambda each: afflicted(fault, each),
        build=built(request.build, fault.build, there.target),
    )


def _row(
    fault: Fault, place: Place, probe: str, verdict: Verdict, reason: str, remedy: str
) -> dict[str, Any]:
    target = place.target
    return {
        "board": target.board,
        "arch": target.architecture.name,
        "libc": target.libc,
        "mode": target.mode,
        "probe": f"{probe} under {fault.id}",
        "fault": fault.id,
        "verdict": str(verdict),
        "reason": reason,
        "remedy": remedy,
        "tests": 0,
    }


def _joined(documents: Sequence[Document], rows: Rows) -> Document:
    environment: dict[str, Any] = dict(documents[0].environment) if documents else {}
    if documents:
        environment["machines"] = [
            each for document in documents for each in document.environment["machines"]
        ]
    figures = [figure for document in documents for figure in document.figures]
    notes = list(dict.fromkeys(note for document in documents for note in document.notes))
    return Document("run", environment or _bare(), figures, rows, notes)


def _bare() -> dict[str, Any]:
    from emulab import __version__

    return {"emulab": __version__}


def tests_under_faults(
    request: TestRequest,
    faults: Sequence[Fault],
    progress: Progress,
    on_row: Callable[[dict[str, Any]], None],
) -> Rows:
    """Run a module's own tests under each fault on each machine, and say which they do not survive.

    What fails is run again without the fault, on the same machine, before the fault is blamed.

    :param on_row: called with each verdict as it comes, from any thread.
    :raises UsageError: the request makes no sense.
    :raises InfrastructureError: no engine answers, or an image can not be built.
    """
    whole = replace(request, modes=request.modes or BOTH_MODES)
    places = [place for place in whole.places() if not request.leaves_out(axes_of(place))]
    cells = [
        (fault, place)
        for fault in faults
        for place in (places if request.modes else preferred(fault, places))
    ]

    def judge(cell: tuple[Fault, Place]) -> Rows:
        rows = _tested(request, *cell, progress)
        for row in rows:
            on_row(row)
        return rows

    # Packages run side by side by themselves; two cells at once fill the gaps between builds and runs.
    with ThreadPoolExecutor(min(2, os.cpu_count() or 1), thread_name_prefix="fault") as pool:
        return [row for rows in pool.map(judge, cells) for row in rows]


tests_under_faults.__test__ = False  # type: ignore[attr-defined]


def axes_of(place: Place) -> dict[str, str]:
    """Return the values by which a machine is left out, whatever is built for it."""
    target = place.target
    axes = {"arch": target.architecture.name, "libc": target.libc, "mode": target.mode}
    return {**axes, "go": "", "build": ""}


def _tested(request: TestRequest, fault: Fault, place: Place, progress: Progress) -> Rows:
    why = hole(fault, place.target)
    needs_libraries = fault.build.cgo and not request.build.cgo
    if why or needs_libraries:
        return [_row(fault, place, "tests", Verdict.UNSUPPORTED, why or _STATIC, "")]
    there = afflicted(fault, place)
    whole = replace(place, target=replace(place.target, mode="system"))
    plain = replace(
        request,
        boards=(place.board.id,) if place.target.board else (),
        architectures=() if place.target.board else (place.target.architecture.name,),
        libcs=(place.target.libc,),
        modes=(place.target.mode,),
        build=built(request.build, fault.build, there.target),
        second_look=request.second_look and not hole(fault, whole.target),
    )
    under = replace(plain, afflict=lambda each: afflicted(fault, each))
    try:
        cells = test(under, progress, lambda _: None, None).cells
    except NothingRanError:
        return []
    failed = _failed(cells)
    anyway: set[tuple[str, str, str]] = set()
    if failed:
        packages = tuple(dict.fromkeys(package for package, _, _ in failed))
        anyway = _failed(test(replace(plain, packages=packages), progress, lambda _: None, None).cells)
    return [_of_cell(cell, fault, place, fails_anyway=_name(cell) in anyway) for cell in cells]


def _failed(cells: Iterable[Cell]) -> set[tuple[str, str, str]]:
    return {_name(cell) for cell in cells if cell.judgement.verdict is Verdict.FAIL}


def _name(cell: Cell) -> tuple[str, str, str]:
    return cell.package, cell.slot.go, cell.slot.build


def _of_cell(cell: Cell, fault: Fault, place: Place, *, fails_anyway: bool) -> dict[str, Any]:
    row = {
        **cell.to_json(),
        "libc": place.target.libc,
        "probe": f"{cell.package} under {fault.id}",
        "fault": fault.id,
    }
    is_refused = cell.judgement.verdict is Verdict.UNSUPPORTED and fault.on(place.target.mode).starts_misfits
    if is_refused:
        row |= {"verdict": str(Verdict.FAIL), "remedy": fault.remedy}
    elif fails_anyway:
        row["reason"] = f"it fails without the fault too: {cell.judgement.reason}"
    elif cell.judgement.verdict is Verdict.FAIL:
        row |= {"reason": f"{cell.judgement.reason} under the fault, not without it", "remedy": fault.remedy}
    return row
