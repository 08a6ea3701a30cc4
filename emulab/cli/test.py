"""``emulab test``."""

from __future__ import annotations

import sys
import threading
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from emulab.cli.display import document_options, progress_shown, quiet_option
from emulab.cli.parameters import Listed, Size, flattened
from emulab.cli.verbosity import verbose_option

if TYPE_CHECKING:
    from emulab.testing.cells import Cell
    from emulab.testing.request import TestRequest

_COLUMN = 14


@click.command(short_help="Run a module's tests on emulated machines and judge them.")
@click.argument("packages", nargs=-1, metavar="[PACKAGE...]", type=click.Path(path_type=str))
@click.option("--board", type=Listed(), multiple=True, help="Boards to test for.")
@click.option("--arch", type=Listed(lambda: ["arm64", "armv7", "riscv64"]), multiple=True, help="[arm64]")
@click.option("--libc", type=Listed(lambda: ["musl", "glibc", "glibc-old"]), multiple=True, help="Roots.")
@click.option("--mode", type=Listed(lambda: ["user", "system"]), multiple=True, help="user, system.")
@click.option("--memory", type=Size(), help="Memory of a machine. [1G]")
@click.option("--go", metavar="VERSION", help="Go toolchain, such as 1.24 or 1.24.11.")
@click.option("--cgo/--no-cgo", default=False, help="Build with C code, by zig.")
@click.option("--tags", type=Listed(), multiple=True, help="As of `go build`.")
@click.option("--run", "pattern", metavar="REGEXP", help="As of `go test`.")
@click.option("--skip", metavar="REGEXP", help="As of `go test`.")
@click.option("--short", is_flag=True, help="As of `go test`.")
@click.option("--count", type=click.IntRange(1), help="As of `go test`.")
@click.option("--race", is_flag=True, help="Build with the race detector, where Go has one.")
@click.option("--cover", is_flag=True, help="Print how much of each package its tests execute.")
@click.option(
    "--timeout",
    type=click.FloatRange(1),
    default=600.0,
    show_default=True,
    help="Seconds until a package's tests are given up.",
)
@click.option("--second-look/--first-look", default=True, help="Run failures again on a whole machine. [yes]")
@click.option("-V", "--verbose-tests", is_flag=True, help="Print every test's output.")
@document_options("json, markdown, junit, sarif or annotations")
@verbose_option
@quiet_option
def command(packages: tuple[str, ...], **options: Any) -> int:
    """Run the tests of Go packages on emulated machines, and say whose every failure is.

    PACKAGE is what `go test` takes: a directory, ./... or an import path of the standard library. What fails
    in user mode is run again on a whole machine before it is called the program's; what passes there is an
    emulator-fault, with the evidence.

    \b
    emulab test ./... --arch riscv64,arm64
    emulab test ./codec --board visionfive-2 --mode system --run Parse
    emulab test strings sort --arch armv7 --short --json

    The exit status is 0 when no test failed by the program's doing, 1 when one did, 2 for bad input, 3 when
    the engine, an image or the emulator failed, 4 when no test ran.
    """
    from emulab.report import VERDICT_FORMATS, check_requests, export
    from emulab.testing.runner import test

    check_requests(options["output"], formats=VERDICT_FORMATS)
    lock = threading.Lock()

    def show(cell: Cell) -> None:
        with lock:
            show_cell(cell, everything=options["verbose_tests"])

    with progress_shown(quiet=options["quiet"]) as progress:
        quiet = options["as_json"]
        result = test(test_request(packages, options), progress, (lambda cell: None) if quiet else show, None)
        requests = [*options["output"], *(["json=-"] if options["as_json"] else [])]
        export(result.document, requests, formats=VERDICT_FORMATS)
    return result.exit_status


def test_request(packages: tuple[str, ...], options: dict[str, Any]) -> TestRequest:
    """Return the request that a verb's options make."""
    from emulab.testing.request import TestRequest
    from emulab.workloads.request import BuildOptions

    named = (("run", options.get("pattern")), ("skip", options.get("skip")), ("count", options.get("count")))
    flags = [f"-test.{name}={value}" for name, value in named if value is not None]
    flags += ["-test.short"] if options["short"] else []
    return TestRequest(
        packages=packages or (".",),
        directory=Path.cwd(),
        boards=tuple(flattened(options.get("board", ()))),
        architectures=tuple(flattened(options["arch"])),
        libcs=tuple(flattened(options["libc"])),
        modes=tuple(flattened(options["mode"])),
        memory=options["memory"],
        build=BuildOptions(
            go=options["go"] if isinstance(options["go"], str) else None,
            cgo=options["cgo"],
            tags=tuple(flattened(options["tags"])),
        ),
        gos=tuple(flattened(options["go"])) if isinstance(options["go"], tuple) else (),
        builds=tuple(options.get("build", ())),
        race=options.get("race", False),
        cover=options.get("cover", False),
        flags=tuple(flags),
        timeout_s=options["timeout"],
        second_look=options.get("second_look", True),
    )


def show_cell(cell: Cell, *, everything: bool, variant: bool = False) -> None:
    """Print a cell: its line, and of a failure what was said.

    :param variant: say how it is built too.
    """
    judged, target = cell.judgement, cell.place.target
    built = f"  go {cell.slot.go} {cell.slot.build}" if variant else ""
    line = f"{judged.verdict:<{_COLUMN}} {cell.package}  {target.title}{built}  {judged.tests} tests"
    line += f"  {cell.seconds:.1f} s"
    sys.stdout.write(f"{line}\n")
    failed = judged.verdict not in ("pass",)
    if failed or judged.reason:
        sys.stdout.write(f"    {judged.reason}\n")
        sys.stdout.writelines(f"    | {line}\n" for line in judged.evidence)
    if failed and judged.remedy:
        sys.stdout.write(f"    {judged.remedy}\n")
    if cell.run is not None and (everything or judged.verdict == "fail"):
        sys.stdout.writelines(f"    : {line}\n" for line in cell.run.output.splitlines())
    elif cell.run is not None:
        said = [line for line in cell.run.output.splitlines() if line.startswith("coverage: ")]
        sys.stdout.writelines(f"    {line}\n" for line in said)
    sys.stdout.flush()
