"""``emulab bench``."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from emulab.cli.display import document_options, progress_shown, quiet_option
from emulab.cli.parameters import Listed, flattened
from emulab.cli.verbosity import verbose_option

if TYPE_CHECKING:
    from collections.abc import Callable

    from emulab.bench.request import BenchRequest

_F = TypeVar("_F", bound="Callable[..., Any]")


def _boards() -> list[str]:
    from emulab.boards import load_catalogue

    return list(load_catalogue().ids())


_OPTIONS = (
    click.option("--bench", metavar="REGEXP", default=".", help="As of `go test -bench`. [all]"),
    click.option("--board", type=Listed(_boards), multiple=True, help="Boards to count for."),
    click.option(
        "--arch",
        type=Listed(lambda: ["arm64", "armv7", "riscv64"]),
        multiple=True,
        help="arm64, armv7, riscv64.",
    ),
    click.option("--go", metavar="VERSION", help="Go toolchain, such as 1.24 or 1.24.11."),
    click.option(
        "--benchtime", metavar="Nx", help="Iterations of the largest window. [as many as are stable]"
    ),
    click.option(
        "--mode", type=Listed(lambda: ["user"]), multiple=True, help="Where to count: user, the default."
    ),
    click.option("--tags", type=Listed(), multiple=True, help="As of `go build`."),
    click.option("--goarm", help="GOARM instead of the board's."),
    click.option("--goarm64", help="GOARM64 instead of the board's."),
    click.option("--goriscv64", help="GORISCV64 instead of the board's."),
    click.option(
        "--timeout",
        type=click.FloatRange(0, min_open=True),
        default=120.0,
        show_default=True,
        help="Seconds until a benchmark's process is given up.",
    ),
    click.option(
        "--gc",
        type=click.Choice(["stopped", "concurrent"]),
        default="stopped",
        show_default=True,
        help="Whether the program stands while garbage is collected, so that its counts repeat.",
    ),
    click.option(
        "--caches", is_flag=True, help="Model caches and branch prediction: misses/op; several times slower."
    ),
    click.option("--fresh", is_flag=True, help="Count again what is known from before."),
)


def bench_options(function: _F) -> _F:
    """Add the options that say what is counted, for which boards, to a verb."""
    for option in reversed(_OPTIONS):
        function = option(function)
    return function


def bench_request(packages: tuple[str, ...], directory: Path, options: dict[str, Any]) -> BenchRequest:
    """Return the request that the options of :func:`bench_options` make.

    :raises UsageError: an option's value can not be used.
    """
    from emulab.bench.request import BenchRequest, parse_benchtime
    from emulab.workloads.request import BuildOptions

    return BenchRequest(
        packages=packages or (".",),
        directory=directory,
        pattern=options["bench"],
        boards=tuple(flattened(options["board"])),
        architectures=tuple(flattened(options["arch"])),
        modes=tuple(flattened(options["mode"])),
        build=BuildOptions(
            go=options["go"],
            tags=tuple(flattened(options["tags"])),
            goarm=options["goarm"],
            goarm64=options["goarm64"],
            goriscv64=options["goriscv64"],
        ),
        iterations=parse_benchtime(options["benchtime"]),
        timeout_s=options["timeout"],
        fresh=options["fresh"],
        caches=options["caches"],
        concurrent_gc=options["gc"] == "concurrent",
    )


@click.command(short_help="Count what an operation of a Go benchmark executes.")
@click.argument("packages", nargs=-1, metavar="[PACKAGE...]", type=click.Path(path_type=str))
@bench_options
@click.option(
    "--clock-mhz",
    type=click.FloatRange(1, 10_000),
    help="Predict for this clock instead of the board's highest.",
)
@click.option(
    "--predict/--counts-only",
    default=True,
    show_default=True,
    help="Whether to predict boards' times, for which caches are modelled too.",
)
@document_options("bench, table, json, markdown, or a pprof profile")
@verbose_option
@quiet_option
def command(packages: tuple[str, ...], **options: Any) -> int:
    """Count what an operation of a Go benchmark executes on a board's processor.

    PACKAGE is a directory, a pattern such as ./..., or an import path of the standard library; without
    one it is the package here. Each benchmark is run at several iteration counts under emulation, and what
    one operation executed follows from the differences. For a board it also predicts the time of one, with
    the interval that holds nine of ten such figures. It prints Go benchmark text for benchstat; what does
    not repeat is said on stderr, with the cause.

    \b
    emulab bench ./... --board visionfive-2
    emulab bench crypto/sha256 --bench Hash8K --arch riscv64,arm64 --go 1.24
    emulab bench . --bench 'Parse$' --board raspberry-pi-5 -o pprof=parse.pb.gz
    emulab bench ./... --board lichee-rv --json >new.json

    The exit status is 0 when every benchmark was counted, 1 when one failed or did not build, 2 for bad
    input, 3 when the engine, an image or the emulator failed, 4 when there was no benchmark to run.
    """
    request = bench_request(packages, Path.cwd(), options)
    from emulab.report import check_requests, export

    check_requests(options["output"], further=("pprof",))
    from emulab.bench.runner import bench
    from emulab.prediction.benchmarks import WhatIf, bench_with_predictions
    from emulab.report.benchmark_profile import as_pprof

    with progress_shown(quiet=options["quiet"]) as progress:
        clock = options["clock_mhz"]
        if options["predict"]:
            result = bench_with_predictions(request, WhatIf(clock * 1e6 if clock else None), progress)
        else:
            result = bench(request, progress)
        requests = list(options["output"])
        if not any(each.endswith("=-") for each in requests):
            requests.append("json=-" if options["as_json"] else "bench=-")
        export(result.document, requests, further={"pprof": lambda: as_pprof(result, progress)})
    if not options["as_json"]:
        sys.stderr.writelines(f"emulab: {note}\n" for note in result.document.notes)
    sys.stderr.writelines(f"emulab: {failure}\n" for failure in result.failures)
    return result.exit_status
