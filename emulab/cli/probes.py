"""The probes of ``emulab matrix``: its options for them, their list, their lines."""

from __future__ import annotations

import json
import sys
import threading
from typing import TYPE_CHECKING, Any

import click

from emulab.cli.parameters import Listed, flattened

if TYPE_CHECKING:
    from collections.abc import Callable

    from emulab.figures import Document
    from emulab.matrix.probes.cells import ProbeCell
    from emulab.matrix.probes.table import Probe
    from emulab.progress import Progress
    from emulab.testing.cells import TestResult
    from emulab.testing.request import TestRequest
    from emulab.workloads.request import Place

_COLUMN = 14


def _ids() -> list[str]:
    from emulab.matrix.probes.table import load_probes

    return [probe.id for probe in load_probes().probe]


def probe_options(function: Callable[..., Any]) -> Callable[..., Any]:
    """Add the options that choose probes."""
    options = (
        click.option(
            "--probes/--no-probes",
            default=None,
            help="Run the probe set too. [yes, unless packages are named or --only-changed picks them]",
        ),
        click.option(
            "--probe",
            "probe",
            type=Listed(_ids),
            multiple=True,
            help="Run these probes only, and no tests unless packages are named. [all of them]",
        ),
        click.option("--list-probes", is_flag=True, help="Say what is known of each probe, and run nothing."),
    )
    for option in reversed(options):
        function = option(function)
    return function


class Probing:
    """The probes that a call of ``emulab matrix`` means.

    :ivar with_tests: whether packages are tested as well.
    """

    def __init__(self, packages: tuple[str, ...], options: dict[str, Any]) -> None:
        """Choose them.

        :raises UsageError: there is no such probe.
        """
        from emulab.matrix.probes.table import load_probes

        named = flattened(options["probe"])
        source = click.get_current_context().get_parameter_source("probe")
        self._are_named = bool(named) and source is click.core.ParameterSource.COMMANDLINE
        self.with_tests = bool(packages) or not self._are_named
        self._table = load_probes()
        wanted = options["probes"]
        if wanted is None:
            # What a machine has does not change with the module.
            wanted = self._are_named or not (packages or options["only_changed"])
        self._probes: tuple[Probe, ...] = self._table.chosen(named) if wanted else ()
        self._quiet = options["as_json"]
        self._lock = threading.Lock()
        self._cells: list[ProbeCell] = []

    def run(self, request: TestRequest, progress: Progress, *, at_once: bool) -> list[ProbeCell]:
        """Run them on the machines that a request means.

        Of the whole set what is known since an earlier call is recalled; what was named runs in any case.

        :param at_once: whether what came of a machine is shown as it comes.
        :raises NothingRanError: every machine is left out.
        :raises InfrastructureError: no engine answers, or an image can not be built.
        """
        if not self._probes:
            return []
        from emulab.cache import cache_root
        from emulab.errors import NothingRanError
        from emulab.matrix.journal import Journal
        from emulab.matrix.probes.runner import ProbeRequest, run_probes

        places = tuple(place for place in request.places() if not request.leaves_out(_axes(place)))
        if not places:
            raise NothingRanError("every cell is left out", hint="exclude fewer of them")
        go = request.gos[0] if request.gos else request.build.go
        asked = ProbeRequest(self._probes, places, request.second_place, go)
        show = self._show if at_once else (lambda cells: None)
        journal = Journal(cache_root() / "matrix" / "probes.jsonl", resume=True)
        try:
            memory = None if self._are_named else journal
            return run_probes(asked, self._table, progress, show, memory)
        finally:
            journal.close()

    def joined(self, tests: TestResult | None, cells: list[ProbeCell]) -> Document:
        """Return the document of tests and probes together.

        :param tests: None where none were asked for.
        """
        from dataclasses import replace

        from emulab import __version__
        from emulab.figures import Document
        from emulab.workloads.host import host_facts

        self._cells = cells
        rows = [cell.to_json() for cell in cells]
        if tests is None:
            return Document("matrix", {"emulab": __version__, "host": host_facts()}, (), rows)
        return replace(tests.document, verdicts=[*tests.document.verdicts, *rows])

    def exit_status(self, tests: int, cells: list[ProbeCell]) -> int:
        """Return the exit status of tests and probes together.

        :param tests: that of the tests, 0 where none were asked for.
        """
        from emulab.matrix.probes.cells import exit_status, worse

        return worse(tests, exit_status(cells)) if cells else tests

    def end(self, document: Document, *, at_once: bool) -> None:
        """Show what has not been shown, and how many verdicts of each kind there are."""
        if self._quiet:
            return
        if not at_once:
            for place in dict.fromkeys(cell.place.target.title for cell in self._cells):
                self._show([cell for cell in self._cells if cell.place.target.title == place])
        found = [row["verdict"] for row in document.verdicts]
        counts = ", ".join(f"{found.count(each)} {each}" for each in sorted(set(found)))
        sys.stdout.write(f"{len(found)} cells: {counts}\n" if found else "0 cells\n")

    def _show(self, cells: list[ProbeCell]) -> None:
        if self._quiet or not cells:
            return
        with self._lock:
            found = [str(cell.judgement.verdict) for cell in cells]
            counts = ", ".join(f"{found.count(each)} {each}" for each in sorted(set(found)))
            title = cells[0].place.target.title
            new = [cell.seconds for cell in cells if not cell.is_recalled]
            taken = f"{sum(new):.1f} s" if new else "seen before"
            sys.stdout.write(f"{'probes':<{_COLUMN}} {title}  {counts}  {taken}\n")
            for cell in cells:
                if self._are_named or not cell.is_as_known or cell.judgement.verdict in ("fail", "error"):
                    _show_cell(cell)
            sys.stdout.flush()


def _axes(place: Place) -> dict[str, str]:
    """Return the values by which a machine is left out; how tests are built is nothing to probes."""
    target = place.target
    axes = {"arch": target.architecture.name, "libc": target.libc, "mode": target.mode}
    return {**axes, "go": "", "build": ""}


def _show_cell(cell: ProbeCell) -> None:
    judged = cell.judgement
    sys.stdout.write(f"    {judged.verdict:<{_COLUMN}} {cell.id}  {cell.seconds:.1f} s  {judged.reason}\n")
    sys.stdout.writelines(f"        | {line}\n" for line in judged.evidence)
    if judged.remedy:
        sys.stdout.write(f"        {judged.remedy}\n")


def list_probes(*, as_json: bool) -> int:
    """Print the table of probes with what is known of each."""
    from emulab.matrix.probes.table import load_probes

    table = load_probes()
    if as_json:
        import msgspec

        document = {"schema": "emulab/1", "command": "matrix", "probes": msgspec.to_builtins(table.probe)}
        sys.stdout.write(json.dumps(document, indent=2, ensure_ascii=False) + "\n")
        return 0
    for probe in table.probe:
        sys.stdout.write(f"{probe.id}: {probe.title}\n")
        for known in probe.known:
            place = " ".join(word for word in (known.where.arch, known.where.libc, known.where.mode) if word)
            sys.stdout.write(f"    {place or 'elsewhere'}: {known.verdict}, since {known.reason}\n")
        if probe.remedy:
            sys.stdout.write(f"    remedy: {probe.remedy}\n")
    return 0
