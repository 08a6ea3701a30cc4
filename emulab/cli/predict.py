"""``emulab predict``."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from emulab.cli.display import json_option, print_json, progress_shown
from emulab.cli.parameters import Listed, flattened
from emulab.cli.verbosity import verbose_option
from emulab.prediction.conditions import GOVERNORS, Conditions


def _boards() -> list[str]:
    from emulab.boards import load_catalogue

    catalogue = load_catalogue()
    return [
        name
        for name in catalogue.ids()
        if catalogue.board(name).kind == "board" and catalogue.board(name).runs_go
    ]


@click.command(short_help="Predict what benchmarks or a program take, on all boards at once.")
@click.argument("packages", nargs=-1, metavar="[WORKLOAD|PACKAGE...]", type=click.Path(path_type=str))
@click.option("--bench", metavar="REGEXP", default=".", help="As of `go test -bench`. [all]")
@click.option(
    "--board", type=Listed(_boards), multiple=True, help="Only these. [every board that runs Linux]"
)
@click.option("--go", metavar="VERSION", help="Go toolchain, such as 1.24 or 1.24.11.")
@click.option("--ready", metavar="URL", help="Predict a service: how it shows that it is ready, as of `run`.")
@click.option("--clock-mhz", type=click.FloatRange(1, 10_000), help="Another clock than a board's highest.")
@click.option("--governor", type=click.Choice(GOVERNORS), help="Of programs: the policy for the clock.")
@click.option("--cpus", type=click.IntRange(1), help="Of programs: cores that take part.")
@click.option("--markdown", "as_markdown", is_flag=True, help="Of programs: a table for a document.")
@json_option
@verbose_option
@click.option("-q", "--quiet", is_flag=True, help="Show no progress.")
def command(
    packages: tuple[str, ...],
    bench: str,
    board: tuple[list[str], ...],
    go: str | None,
    ready: str | None,
    clock_mhz: float | None,
    governor: str | None,
    cpus: int | None,
    as_markdown: bool,
    as_json: bool,
    *,
    quiet: bool,
) -> int:
    """Predict boards' figures: of all that run Linux, or of some.

    Of a workload that ships with emulab (healthd), or of a service with --ready, it is what the whole program
    shows: its start, its memory, its throughput and latencies. It is counted once for each architecture.

    Of anything else it is what an operation of its benchmarks takes. Each is counted once for each kind of
    processor; what was counted before is kept. A figure stands with the interval that holds nine of ten such
    figures, and with what it rests on.

    \b
    emulab predict healthd
    emulab predict ./cmd/server --ready http://:8080/health --governor powersave
    emulab predict . --bench Parse
    emulab predict crypto/sha256 --bench Hash8K --board raspberry-pi-5,visionfive-2
    emulab predict ./... --json

    The exit status is that of `emulab bench`.
    """
    from emulab.bench.request import BenchRequest
    from emulab.errors import UsageError
    from emulab.prediction.benchmarks import WhatIf, bench_with_predictions
    from emulab.report.predictions import predictions_table
    from emulab.workloads.manifest import is_workload
    from emulab.workloads.request import BuildOptions

    clock = clock_mhz * 1e6 if clock_mhz is not None else None
    boards = tuple(flattened(board)) or tuple(_boards())
    if len(packages) == 1 and (ready or is_workload(packages[0])):
        conditions = Conditions(clock, governor, cpus)
        return _predict_program(
            packages[0], ready, boards, go, conditions, as_markdown=as_markdown, as_json=as_json, quiet=quiet
        )
    if ready or governor or cpus:
        raise UsageError(
            "--ready, --governor and --cpus are of one program, and this is about benchmarks",
            hint="name a workload (healthd), or one package with --ready",
        )
    request = BenchRequest(
        packages=packages or (".",),
        directory=Path.cwd(),
        pattern=bench,
        boards=boards,
        build=BuildOptions(go=go),
    )
    with progress_shown(quiet=quiet) as progress:
        result = bench_with_predictions(request, WhatIf(clock), progress)
    if as_json:
        print_json(result.document.to_json())
    else:
        click.echo(predictions_table(result.document), nl=False)
    sys.stderr.writelines(f"emulab: {failure}\n" for failure in result.failures)
    return result.exit_status


def _predict_program(
    what: str,
    ready: str | None,
    boards: tuple[str, ...],
    go: str | None,
    conditions: Conditions,
    *,
    as_markdown: bool,
    as_json: bool,
    quiet: bool,
) -> int:
    from emulab.prediction.programs import predict_everywhere
    from emulab.report.calibration import markdown
    from emulab.report.predictions import program_rows
    from emulab.report.tables import text_table
    from emulab.workloads.request import BuildOptions, find_program, service_request

    program = find_program(what, None, Path.cwd())
    request = service_request(program, ready, boards, BuildOptions(go=go))
    with progress_shown(quiet=quiet) as progress:
        document = predict_everywhere(request, conditions, progress)
    if as_json:
        print_json(document.to_json())
    else:
        header, rows = program_rows(document)
        click.echo(markdown(header, rows) if as_markdown else text_table(header, rows), nl=False)
    return 0
