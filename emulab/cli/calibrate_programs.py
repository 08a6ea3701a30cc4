"""``emulab calibrate programs`` and ``emulab calibrate article``."""

from __future__ import annotations

from pathlib import Path

import click

from emulab.cli.display import json_option, print_json, progress_shown, quiet_option


@click.command("programs")
@click.option(
    "--output",
    type=click.Path(path_type=Path, file_okay=False),
    default=Path("programs"),
    show_default=True,
    help="The directory that the counts are written to.",
)
@quiet_option
def programs(output: Path, *, quiet: bool) -> int:
    """Count the workloads that ship with emulab, for predictions of every board.

    Each is counted on a whole machine of each architecture, with the caches of one of its boards modelled,
    and its memory is looked at with the pages that boards have. What was counted before comes from the cache.
    """
    from emulab.prediction.program_counts import write
    from emulab.prediction.programs import count_architectures
    from emulab.prediction.shipped_programs import REPRESENTATIVES
    from emulab.workloads.manifest import workload_ids
    from emulab.workloads.request import BuildOptions, find_program, service_request

    for name in workload_ids():
        request = service_request(find_program(name, None, Path.cwd()), None, (), BuildOptions())
        with progress_shown(quiet=quiet) as progress:
            found = count_architectures(request, REPRESENTATIVES, progress)
        for arch, counts in found.items():
            directory = output / name / arch
            directory.mkdir(parents=True, exist_ok=True)
            write(directory, counts)
            click.echo(str(directory))
    return 0


@click.command("article")
@click.option("--markdown", "as_markdown", is_flag=True, help="Print a table for a document.")
@json_option
def article(*, as_markdown: bool, as_json: bool) -> int:
    """Show a published article's figures of boards beside what is predicted here.

    Nothing is fitted to them. What in them is impossible or contradicts itself is said beside each.
    """
    from emulab.prediction.article import article_rows
    from emulab.report.article import article_table
    from emulab.report.calibration import markdown
    from emulab.report.tables import text_table

    rows = article_rows()
    if as_json:
        from emulab.figures import SCHEMA

        print_json(
            {"schema": SCHEMA, "command": "calibrate article", "rows": [row.to_json() for row in rows]}
        )
        return 0
    header, cells = article_table(rows)
    click.echo(markdown(header, cells) if as_markdown else text_table(header, cells), nl=False)
    return 0
