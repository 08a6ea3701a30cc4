"""Results of git revisions, counted for the comparison."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from emulab.bench.runner import bench
from emulab.comparison.results import of_figures
from emulab.comparison.revisions import checked_out

if TYPE_CHECKING:
    from emulab.bench.request import BenchRequest
    from emulab.comparison.results import Measurement
    from emulab.comparison.revisions import Revision
    from emulab.progress import Progress


def count_revision(revision: Revision, request: BenchRequest, progress: Progress) -> list[Measurement]:
    """Count the benchmarks of a revision.

    :param request: what to count, in the user's own directory.
    :raises UsageError: the revision does not have the directory or the packages.
    :raises WorkloadError: it does not build, or a benchmark failed.
    :raises InfrastructureError: something beneath failed.
    """
    progress.note(f"counting {revision.title}")
    with checked_out(revision, request.directory) as directory:
        result = bench(replace(request, directory=directory), progress)
    for note in [*result.document.notes, *result.failures]:
        progress.note(f"{revision.title}: {note}")
    return of_figures(result.document.figures)
