"""``emulab predict``."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from emulab.cli.display import json_option, print_json, progress_shown
from emulab.cli.parameters import Listed, flattened
from emulab.cli.verbosity import verbose_option


def _boards() -> list[str]:
    from emulab.boards import load_catalogue

    catalogue = load_catalogue()
    return [
        name
        for name in catalogue.ids()
        if catalogue.board(name).kind == "board" and catalogue.board(name).runs_go
    ]


@click.command(short_help="Predict what benchmarks take, on all boards at once.")
@click.argument("packages", nargs=-1, metavar="[PACKAGE...]", type=click.Path(path_type=str))
@click.option("--bench", metavar="REGEXP", default=".", help="As of `go test -bench`. [all]")
@click.option(
    "--board", type=Listed(_boards), multiple=True, help="Only these. [every board that runs Linux]"
)
@click.option("--go", metavar="VERSION", help="Go toolchain, such as 1.24 or 1.24.11.")
@json_option
@verbose_option
@click.option("-q", "--quiet", is_flag=True, help="Show no progress.")
def command(
    packages: tuple[str, ...],
    bench: str,
    board: tuple[list[str], ...],
    go: str | None,
    as_json: bool,
    *,
    quiet: bool,
) -> int:
    """Predict what an operation of Go benchmarks takes on boards: on all that run Linux, or on some.

    Each benchmark is counted once for each kind of processor; what was counted before is kept. A time stands
    with the interval that holds nine of ten such figures, and with what it rests on.

    \b
    emulab predict . --bench Parse
    emulab predict crypto/sha256 --bench Hash8K --board raspberry-pi-5,visionfive-2
    emulab predict ./... --json

    The exit status is that of `emulab bench`.
    """
    from emulab.bench.request import BenchRequest
    from emulab.prediction.benchmarks import WhatIf, bench_with_predictions
    from emulab.report.predictions import predictions_table
    from emulab.workloads.request import BuildOptions

    request = BenchRequest(
        packages=packages or (".",),
        directory=Path.cwd(),
        pattern=bench,
        boards=tuple(flattened(board)) or tuple(_boards()),
        build=BuildOptions(go=go),
    )
    with progress_shown(quiet=quiet) as progress:
        result = bench_with_predictions(request, WhatIf(), progress)
    if as_json:
        print_json(result.document.to_json())
    else:
        click.echo(predictions_table(result.document), nl=False)
    sys.stderr.writelines(f"emulab: {failure}\n" for failure in result.failures)
    return result.exit_status
