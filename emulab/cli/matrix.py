"""``emulab matrix``."""

from __future__ import annotations

import sys
import threading
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from emulab.cli.display import document_options, progress_shown, quiet_option
from emulab.cli.parameters import Listed, Size
from emulab.cli.probes import Probing, list_probes, probe_options
from emulab.cli.test import show_cell, test_request
from emulab.cli.verbosity import verbose_option

if TYPE_CHECKING:
    from emulab.testing.runner import Cell

_ARCHITECTURES = ["arm64", "armv7", "riscv64"]
_LIBCS = ["musl", "glibc"]
_MODES = ["user", "system"]


@click.command(short_help="Judge a module's tests on every architecture, C library and mode.")
@click.argument("packages", nargs=-1, metavar="[PACKAGE...]", type=click.Path(path_type=str))
@click.option("--arch", type=Listed(lambda: _ARCHITECTURES), multiple=True, help="[all three]")
@click.option("--libc", type=Listed(lambda: [*_LIBCS, "glibc-old"]), multiple=True, help="[musl, glibc]")
@click.option("--mode", type=Listed(lambda: _MODES), multiple=True, help="[user, system]")
@click.option("--exclude", multiple=True, metavar="'AXIS=VALUE ...'", help="Cells to leave out. [repeatable]")
@click.option("--memory", type=Size(), help="Memory of a machine. [1G]")
@click.option("--go", metavar="VERSION", help="Go toolchain, such as 1.24 or 1.24.11.")
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
@click.option("--resume", is_flag=True, help="Go on with what an interrupted matrix found.")
@probe_options
@document_options("json, markdown, junit or annotations")
@verbose_option
@quiet_option
def command(packages: tuple[str, ...], **options: Any) -> int:
    """Judge the tests of packages, and the probe set, on every architecture, C library and mode.

    Without PACKAGE it takes ./... and the probes: programs of emulab's that each test one capability of a
    machine and say what they saw. Defaults of every option come from the table [matrix] of emulab.toml.
    Results are printed as they come and written down, so that after Ctrl-C or a crash --resume goes on; a
    cell whose program, data or machine has changed since runs again.

    \b
    emulab matrix
    emulab matrix ./codec --arch riscv64 --exclude 'libc=musl mode=system'
    emulab matrix --probe io-uring,landlock --arch riscv64
    emulab matrix --list-probes
    emulab matrix --resume

    The exit status is 0 when no test failed by the program's doing and no probe failed, 1 when one did, 2 for
    bad input, 3 when the engine, an image or the emulator failed, 4 when no test ran.
    """
    from emulab.matrix.exclusions import parse_exclusions
    from emulab.matrix.journal import Journal, journal_of
    from emulab.report import VERDICT_FORMATS, check_requests, export
    from emulab.testing.runner import test

    check_requests(options["output"], formats=VERDICT_FORMATS)
    if options["list_probes"]:
        return list_probes(as_json=options["as_json"])
    probing = Probing(packages, options)
    exclusions = parse_exclusions(options["exclude"])
    for axis, all_of_it in (("arch", _ARCHITECTURES), ("libc", _LIBCS), ("mode", _MODES)):
        options[axis] = options[axis] or (all_of_it,)
    request = replace(
        test_request(packages or ("./...",), options),
        leaves_out=lambda target: any(exclusion.holds(target) for exclusion in exclusions),
    )
    lock = threading.Lock()

    def show(cell: Cell) -> None:
        with lock:
            show_cell(cell, everything=False)

    journal = Journal(journal_of(Path.cwd()), resume=options["resume"])
    quiet = options["as_json"]
    with progress_shown(quiet=options["quiet"]) as progress:
        try:
            on_cell = (lambda cell: None) if quiet else show
            result = test(request, progress, on_cell, journal) if probing.with_tests else None
        except KeyboardInterrupt:
            sys.stderr.write("emulab: `emulab matrix --resume` goes on from here\n")
            raise
        finally:
            journal.close()
        document, status = probing.joined(result, probing.run(request, progress))
        requests = [*options["output"], *(["json=-"] if quiet else [])]
        export(document, requests, formats=VERDICT_FORMATS)
    if not quiet:
        found = [row["verdict"] for row in document.verdicts]
        counts = ", ".join(f"{found.count(each)} {each}" for each in dict.fromkeys(sorted(found)))
        sys.stdout.write(f"{len(found)} cells: {counts}\n")
    return status
