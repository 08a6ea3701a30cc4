"""``emulab matrix``."""

from __future__ import annotations

import contextlib
import sys
import threading
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from emulab.cli.cell_table import CellTable
from emulab.cli.display import (
    document_options,
    is_animated,
    progress_is_animated,
    progress_shown,
    quiet_option,
)
from emulab.cli.faults import fault_names
from emulab.cli.parameters import Listed, Size, flattened
from emulab.cli.test import show_cell, test_request
from emulab.cli.verbosity import verbose_option

if TYPE_CHECKING:
    from emulab.matrix.exclusions import Exclusion
    from emulab.progress import Progress
    from emulab.testing.cells import Cell, TestResult
    from emulab.testing.request import TestRequest

_ARCHITECTURES = ["arm64", "armv7", "riscv64"]
_LIBCS = ["musl", "glibc"]
_MODES = ["user", "system"]


def _take_settings(ctx: click.Context, _param: click.Parameter, path: Path | None) -> None:
    """Take a verb's defaults from one file instead of the module's and the user's."""
    if path is not None:
        from emulab.cli.main import defaults_in

        ctx.default_map = defaults_in(path, "matrix")


@click.command(short_help="Judge a module's tests on every architecture, C library and mode.")
@click.argument("packages", nargs=-1, metavar="[PACKAGE...]", type=click.Path(path_type=str))
@click.option(
    "--config",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    is_eager=True,
    expose_value=False,
    callback=_take_settings,
    help="Settings file to take instead of the module's emulab.toml.",
)
@click.option("--arch", type=Listed(lambda: _ARCHITECTURES), multiple=True, help="[all three]")
@click.option("--libc", type=Listed(lambda: [*_LIBCS, "glibc-old"]), multiple=True, help="[musl, glibc]")
@click.option("--mode", type=Listed(lambda: _MODES), multiple=True, help="[user, system]")
@click.option("--exclude", multiple=True, metavar="'AXIS=VALUE ...'", help="Cells to leave out. [repeatable]")
@click.option("--memory", type=Size(), help="Memory of a machine. [1G]")
@click.option("--go", type=Listed(), multiple=True, metavar="VERSION,...", help="Go toolchains: 1.24,1.26")
@click.option(
    "--build",
    multiple=True,
    metavar="'WORD ...'",
    help="A way to build: pure, cgo, pie, race, stripped, tags=A,B, goarm=7, .... [repeatable]",
)
@click.option("--cgo/--no-cgo", default=False, help="Build with C code, by zig.")
@click.option("--tags", type=Listed(), multiple=True, help="As of `go build`.")
@click.option("--short", is_flag=True, help="As of `go test`.")
@click.option(
    "--timeout",
    type=click.FloatRange(1),
    default=600.0,
    show_default=True,
    help="Seconds until a package's tests are given up.",
)
@click.option(
    "--faults",
    is_flag=False,
    flag_value="all",
    type=Listed(fault_names),
    metavar="[NAME,...]",
    help="Judge under faults that kill programs on boards; all of them without a name.",
)
@click.option("--demonstrations", is_flag=True, help="Show faults by programs of ours, also within a module.")
@click.option("--list-faults", is_flag=True, help="Say which faults there are, and end.")
@click.option("--resume", is_flag=True, help="Go on with what an interrupted matrix found.")
@click.option(
    "--only-changed", metavar="REV", help="Only packages that what changed since a git revision can affect."
)
@document_options("json, markdown, junit, sarif or annotations")
@verbose_option
@quiet_option
def command(packages: tuple[str, ...], **options: Any) -> int:
    """Judge the tests of packages on every architecture, C library and mode.

    Without PACKAGE it takes ./...; defaults of every option come from the table [matrix] of emulab.toml.
    Results are printed as they come and written down, so that after Ctrl-C or a crash --resume goes on; a
    cell whose program, data or machine has changed since runs again.

    \b
    emulab matrix
    emulab matrix ./codec --arch riscv64 --exclude 'libc=musl mode=system'
    emulab matrix --go 1.24,1.26 --build pure --build 'cgo pie' --exclude 'go=1.24 build=cgo+pie'
    emulab matrix --only-changed main
    emulab matrix --resume
    emulab matrix --faults --arch arm64
    emulab matrix --faults=clock-1970,full-disk ./store

    With --faults the module's own tests run under each fault, in a mode that it can be shown in: pass means
    that they survive it. Without a module, or with --demonstrations, each fault is shown by programs of ours:
    pass means that it did what is documented.

    The exit status is 0 when no test failed by the program's doing, 1 when one did, 2 for bad input, 3 when
    the engine, an image or the emulator failed, 4 when no test ran.
    """
    from emulab.matrix.exclusions import parse_exclusions
    from emulab.matrix.journal import Journal, journal_of
    from emulab.report import VERDICT_FORMATS, check_requests, export
    from emulab.testing.runner import test

    check_requests(options["output"], formats=VERDICT_FORMATS)
    exclusions = parse_exclusions(options["exclude"])
    if options["list_faults"] or options["faults"]:
        from emulab.cli.faults import fault_matrix, list_faults

        if options["list_faults"]:
            return list_faults(as_json=options["as_json"])
        return fault_matrix(packages, _fault_options(options, exclusions))
    for axis, all_of_it in (("arch", _ARCHITECTURES), ("libc", _LIBCS), ("mode", _MODES)):
        options[axis] = options[axis] or (all_of_it,)
    request = replace(
        test_request(packages or ("./...",), options),
        leaves_out=lambda axes: any(exclusion.holds(axes) for exclusion in exclusions),
    )
    shown = _Shown(
        quiet=options["as_json"], plain=options["quiet"], variant=bool(request.gos or request.builds)
    )
    notes: tuple[str, ...] = ()
    try:
        with progress_shown(quiet=options["quiet"], above=shown.table) as progress:
            if options["only_changed"]:
                request, notes = _narrowed(request, options["only_changed"], progress)
            with contextlib.closing(Journal(journal_of(Path.cwd()), resume=options["resume"])) as journal:
                result = test(request, progress, shown.ended, journal, shown.table.state)
    except KeyboardInterrupt:
        shown.draw()
        sys.stderr.write("emulab: `emulab matrix --resume` goes on from here\n")
        raise
    document = replace(result.document, command="matrix", notes=notes)
    shown.end(result)
    requests = [*options["output"], *(["json=-"] if options["as_json"] else [])]
    export(document, requests, formats=VERDICT_FORMATS)
    # That a change affects nothing is an answer, and no failure.
    return 0 if request.only == frozenset() else result.exit_status


class _Shown:
    """What a person sees of the cells: a table that fills on a terminal, otherwise a line each.

    :param quiet: nothing on stdout.
    :param plain: lines in any case.
    :param variant: say of each cell how it is built.
    """

    def __init__(self, *, quiet: bool, plain: bool, variant: bool) -> None:
        self.table = CellTable()
        self._lock = threading.Lock()
        self._quiet = quiet
        self._variant = variant
        self._is_table = not plain and progress_is_animated() and is_animated(sys.stdout)

    def ended(self, cell: Cell) -> None:
        """Show what came of a cell."""
        self.table.ended(cell)
        if not self._quiet and not self._is_table:
            self._line(cell)

    def draw(self) -> None:
        """Leave the table as it is now on the terminal."""
        if self._is_table and not self._quiet:
            from rich.console import Console

            Console(highlight=False).print(self.table.whole())

    def end(self, result: TestResult) -> None:
        """Show what is to be seen of all cells together."""
        if self._quiet:
            return
        self.draw()
        if self._is_table:
            for cell in result.cells:
                if cell.judgement.verdict != "pass" or cell.judgement.reason:
                    self._line(cell)
        found = [str(cell.judgement.verdict) for cell in result.cells]
        counts = ", ".join(f"{found.count(each)} {each}" for each in dict.fromkeys(sorted(found)))
        sys.stdout.write(f"{len(found)} cells: {counts}\n" if found else "0 cells\n")

    def _line(self, cell: Cell) -> None:
        with self._lock:
            show_cell(cell, everything=False, variant=self._variant)


def _narrowed(request: TestRequest, name: str, progress: Progress) -> tuple[TestRequest, tuple[str, ...]]:
    """Return a request for what a change since a revision can affect, and what to say of the rest."""
    from emulab.comparison.revisions import changed_files, find_revision
    from emulab.matrix.affected import find_affected

    revision = find_revision(name, request.directory)
    with progress.step("looking for what changed"):
        affected = find_affected(request, changed_files(revision), progress)
    notes = []
    if affected.everything is not None:
        notes.append(f"{affected.everything.name} changed since {revision.title}, so every package is judged")
    if affected.left_out:
        nothing = "nothing that they are made of has changed"
        notes.append(f"left out, since {nothing} since {revision.title}: {', '.join(affected.left_out)}")
    for note in notes:
        progress.note(note)
    return replace(request, only=affected.packages), tuple(notes)


def _fault_options(options: dict[str, Any], exclusions: list[Exclusion]) -> dict[str, Any]:
    return {
        **options,
        "arch": options["arch"] or (_ARCHITECTURES,),
        "libc": options["libc"] or (_LIBCS,),
        "named_modes": flattened(options["mode"]),
        "leaves_out": lambda axes: any(exclusion.holds(axes) for exclusion in exclusions),
    }
