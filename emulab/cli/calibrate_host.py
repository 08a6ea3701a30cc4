"""``emulab calibrate host``."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from emulab.cli.display import json_option, print_json, progress_shown
from emulab.cli.verbosity import verbose_option


@click.command("host")
@click.argument("packages", nargs=-1, metavar="[PACKAGE...]", type=click.Path(path_type=str))
@click.option("--go", metavar="VERSION", help="Go toolchain, such as 1.24 or 1.24.11.")
@json_option
@verbose_option
@click.option("-q", "--quiet", is_flag=True, help="Show no progress.")
def host(packages: tuple[str, ...], go: str | None, as_json: bool, *, quiet: bool) -> int:
    """Check predictions against this computer, which must be an amd64.

    Benchmarks are counted on an emulated processor and timed on this one. A model of its core is fitted to
    some packages of the standard library and judged on others, or on PACKAGE. Times are the lower quartile
    of several short runs; still, a computer that does nothing else gives better ones.

    \b
    emulab calibrate host
    emulab calibrate host ./... --go 1.25
    emulab calibrate host encoding/xml --json

    The exit status is 0 when every benchmark was counted and timed, 1 when one failed.
    """
    from emulab.prediction.host import try_host
    from emulab.report.host import host_document, host_table

    with progress_shown(quiet=quiet) as progress:
        trial = try_host(packages, Path.cwd(), go, progress)
    if as_json:
        print_json(host_document(trial).to_json())
    else:
        click.echo(host_table(trial.judgement), nl=False)
    sys.stderr.writelines(f"emulab: {failure}\n" for failure in trial.failures)
    return 1 if trial.failures else 0
