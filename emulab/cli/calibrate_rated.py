"""``emulab calibrate count-rated`` and ``emulab calibrate rated``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from emulab.cli.display import json_option, print_json, progress_shown, quiet_option
from emulab.cli.parameters import samples_option

if TYPE_CHECKING:
    from collections.abc import Sequence

    from emulab.calibration.fitting.rated import RatedFigure


@click.command("count-rated")
@click.option("--only", "names", multiple=True, help="Only programs whose file's name has this. [repeatable]")
@click.option(
    "--output",
    type=click.Path(path_type=Path, file_okay=False),
    default=Path("rated"),
    show_default=True,
    help="The directory that the operations are written to.",
)
@samples_option
@click.option("--light", is_flag=True, help="Leave out what caches and predictors would do.")
@click.option("--fresh", is_flag=True, help="Count again what the files have.")
@quiet_option
def count_rated(
    names: tuple[str, ...],
    output: Path,
    directories: tuple[Path, ...],
    *,
    light: bool,
    fresh: bool,
    quiet: bool,
) -> int:
    """Count what Debian's openssl and 7-zip execute, which sbc-bench rates boards by.

    The programs come from the Debian releases that have the versions of the samples; their root filesystems
    are built when they are missing. A program becomes one file; what is in it already is not counted again.
    With the caches of every core 7-zip takes some minutes for each.

    \b
    emulab calibrate count-rated --output calibration/rated
    emulab calibrate count-rated --only openssl-3.0-arm64
    """
    from emulab.boards import load_catalogue
    from emulab.calibration.files import load, samples_directory
    from emulab.calibration.rated_programs import PROGRAMS, cores_of
    from emulab.prediction.rated_programs import count_program
    from emulab.profiling.operation_file import read, write

    chosen = [one for one in PROGRAMS if not names or any(name in one.place for name in names)]
    if not chosen:
        click.echo(f"there is no such program; known are {', '.join(one.place for one in PROGRAMS)}")
        return 4
    catalogue, records = load_catalogue(), load([samples_directory(), *directories])
    with progress_shown(quiet=quiet) as progress:
        for program in chosen:
            path = output / program.place
            known = read(path) if path.is_file() and not fresh else None
            cores = cores_of(program, records)
            for content in count_program(program, cores, catalogue, progress, known=known, heavy=not light):
                write(path, content)
                click.echo(f"{path}: {len(content.operations)} operations")
    return 0


@click.command("rated")
@samples_option
@click.option(
    "--programs",
    type=click.Path(path_type=Path, file_okay=False, exists=True),
    help="Another directory of counted programs than the one that ships.",
)
@click.option("--figures", "all_figures", is_flag=True, help="List every figure.")
@click.option("--markdown", "as_markdown", is_flag=True, help="Print tables for a document.")
@json_option
def rated(
    directories: tuple[Path, ...],
    programs: Path | None,
    *,
    all_figures: bool,
    as_markdown: bool,
    as_json: bool,
) -> int:
    """Predict each board's figures of openssl and 7-zip without that board, and compare.

    \b
    emulab calibrate rated
    emulab calibrate rated --figures
    """
    from emulab.report.calibration import markdown
    from emulab.report.rated import rated_document, rated_figures, rated_table
    from emulab.report.tables import text_table

    judged = judged_programs(directories, programs, strictly=True)
    if as_json:
        print_json(rated_document("calibrate rated", judged))
        return 0
    header, rows = rated_figures(judged["board"]) if all_figures else rated_table(judged)
    click.echo(markdown(header, rows) if as_markdown else text_table(header, rows), nl=False)
    return 0


def judged_programs(
    directories: Sequence[Path], programs: Path | None = None, *, strictly: bool = False
) -> dict[str, dict[str, list[RatedFigure]]]:
    """Return every figure of the programs with its prediction, by what was left out.

    :param strictly: leave out also every board with the same SoC, and every one with the same core.

    :raises UsageError: a file of samples or operations is damaged.
    """
    from emulab.boards import load_catalogue
    from emulab.calibration.files import load, samples_directory
    from emulab.calibration.fitting.rated import figures_of, judged_figures
    from emulab.calibration.rated_programs import RatedOperations

    with progress_shown() as progress, progress.step("leaving each board out of openssl's and 7-zip's"):
        records = load([samples_directory(), *directories])
        figures = figures_of(records, RatedOperations(programs), load_catalogue())
        judged = {"board": judged_figures(figures)}
        if strictly:
            judged |= {"SoC": judged_figures(figures, "soc"), "core": judged_figures(figures, "core")}
        return judged
