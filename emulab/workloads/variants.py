"""One program built in every way that changes its size and its start, each measured on the same machines."""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace
from itertools import product
from typing import TYPE_CHECKING, Any

from emulab.errors import ToolchainError, UsageError, WorkloadError
from emulab.figures import Document
from emulab.workloads.request import ProgramKind, find_places
from emulab.workloads.runner import run

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from emulab.figures import Figure
    from emulab.progress import Progress
    from emulab.workloads.request import RunRequest

_STRIP = "-s -w"


@dataclass(frozen=True)
class Variant:
    """A way to build a program.

    :param cgo: with C code.
    :param stripped: with ``-ldflags "-s -w"``.
    :param pie: position independent.
    """

    cgo: bool
    stripped: bool
    pie: bool

    @property
    def title(self) -> str:
        """Return it as ``cgo, -s -w, PIE``."""
        parts = ["cgo" if self.cgo else "no cgo", *([_STRIP] if self.stripped else [])]
        return ", ".join([*parts, *(["PIE"] if self.pie else [])])

    def request(self, request: RunRequest) -> RunRequest:
        """Return a request with the program built so, with the other linker flags that it has."""
        own = request.build.ldflags
        if own is None:
            manifest = request.program.manifest
            own = manifest.build.ldflags if manifest is not None else ""
        kept = " ".join(word for word in own.split() if word not in _STRIP.split())
        build = replace(
            request.build,
            cgo=self.cgo,
            ldflags=f"{_STRIP} {kept}".strip() if self.stripped else kept,
            buildmode="pie" if self.pie else "exe",
        )
        return replace(request, build=build)


@dataclass(frozen=True)
class Measured:
    """What came of a variant on one machine.

    :param place: the machine's board, or its architecture where it stands for no board.
    :param figures: its figures; empty where it was not built or did not run.
    :param failure: why there are none, or what went wrong although there are.
    """

    variant: Variant
    place: str
    figures: tuple[Figure, ...] = ()
    failure: str = ""

    def figure(self, name: str) -> Figure | None:
        """Return a figure by name."""
        return next((each for each in self.figures if each.name == name), None)


def variants() -> Iterator[Variant]:
    """Yield every combination, the one that most programs are built as first."""
    for cgo, pie, stripped in product((False, True), repeat=3):
        yield Variant(cgo, stripped, pie)


def measure_variants(
    request: RunRequest, progress: Progress, on_measured: Callable[[Measured], None] = lambda each: None
) -> tuple[list[Measured], Document]:
    """Build a program in every way, run each on every machine of a request, and return what was seen.

    What can not be built for a machine, or does not run there, says so and stops nothing.

    :param on_measured: called as each is done.
    :returns: the variants' measurements, and a document of all figures, each with its variant as evidence.
    :raises UsageError: the request makes no sense, or the program is no package.
    :raises InfrastructureError: something beneath the program failed.
    :raises WorkloadError: no variant at all could be built and run.
    """
    if request.program.kind is not ProgramKind.PACKAGE:
        raise UsageError(
            f"{request.program.source or request.program.name} is built already",
            hint="name the Go package that it is built from",
        )
    seen: list[Measured] = []
    environment: dict[str, Any] = {}
    for place in find_places(request):
        target = place.target
        # A request for this machine only: one that can not be had must not keep the others from theirs.
        single = replace(
            request,
            boards=(target.board,) if target.board is not None else (),
            architectures=() if target.board is not None else (target.architecture.name,),
            libcs=(target.libc,),
            modes=(target.mode,),
        )
        for variant in variants():
            name = f"{target.board or target.architecture.name} {target.libc}"
            try:
                document, failures = run(variant.request(single), progress, lambda stream, piece: None)
            except (UsageError, WorkloadError, ToolchainError) as error:
                measured = Measured(variant, name, failure=error.message)
            else:
                measured = Measured(variant, name, tuple(document.figures), "; ".join(failures))
                environment = _joined(environment, document)
            seen.append(measured)
            on_measured(measured)
    if not any(each.figures for each in seen):
        raise WorkloadError(
            f"{request.program.name} could not be built and run in any way",
            detail="\n".join(f"{each.variant.title}: {each.failure}" for each in seen),
        )
    figures = [
        replace(figure, evidence={**figure.evidence, "build": asdict(each.variant)})
        for each in seen
        for figure in each.figures
    ]
    notes = [f"{each.place}, {each.variant.title}: {each.failure}" for each in seen if each.failure]
    return seen, Document("inspect", environment, figures, (), notes)


def _joined(environment: dict[str, Any], document: Document) -> dict[str, Any]:
    """Return an environment with the machines of a further document, each once."""
    if not environment:
        return dict(document.environment)
    machines = list(environment["machines"])
    machines += [each for each in document.environment["machines"] if each not in machines]
    return environment | {"machines": machines}
