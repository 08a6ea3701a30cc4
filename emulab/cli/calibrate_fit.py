"""``emulab calibrate fit`` and ``emulab calibrate evaluate``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from emulab.cli.display import json_option, print_json, progress_shown
from emulab.cli.parameters import samples_option

if TYPE_CHECKING:
    from emulab.calibration.fitting.making import Made, Problem

_operations = click.option(
    "--operations",
    type=click.Path(path_type=Path, file_okay=False, exists=True),
    help="Another directory of counted operations than the one that ships.",
)


@click.command("fit")
@samples_option
@_operations
@click.option(
    "--output",
    type=click.Path(path_type=Path, file_okay=False),
    help="The directory that the models are written to.",
    required=True,
)
@json_option
def fit(directories: tuple[Path, ...], operations: Path | None, output: Path, as_json: bool) -> int:
    """Fit the models of all cores to all samples.

    The same samples and operations give the same files, byte for byte. Sources that contradict all others
    are left out, and named with the reason.

    \b
    emulab calibrate fit --output models
    emulab calibrate fit --samples mine --output models
    """
    from emulab.calibration.models import write
    from emulab.report.models import made_document, suspects_text

    problem, made = _made(directories, operations)
    paths = write(made.models, problem.latencies, output)
    if as_json:
        print_json(made_document("calibrate fit", made, [str(path) for path in paths]))
        return 0
    for model in made.models:
        click.echo(f"{output / model.core}.json: {model.evidence.samples} samples")
    click.echo(suspects_text(made), nl=False)
    return 0


@click.command("evaluate")
@samples_option
@_operations
@click.option("--worst", type=click.IntRange(0), default=10, show_default=True, help="How many to name.")
@click.option("--markdown", "as_markdown", is_flag=True, help="Print the model card.")
@json_option
def evaluate(
    directories: tuple[Path, ...],
    operations: Path | None,
    worst: int,
    as_markdown: bool,
    as_json: bool,
) -> int:
    """Show how wrong predictions are for what the fit has not seen.

    Whole packages, whole sources and whole boards are left out and predicted by the rest: the median and
    the 90th percentile of the relative errors, and the share of figures within their 90 % interval. Below,
    the same of openssl's and 7-zip's figures, each board's predicted without it.

    \b
    emulab calibrate evaluate
    emulab calibrate evaluate --json
    """
    from emulab.cli.calibrate_rated import judged_programs
    from emulab.report.models import card, evaluation_document, evaluation_text
    from emulab.report.rated import rated_document, rated_table
    from emulab.report.tables import text_table

    problem, made = _made(directories, operations)
    if as_markdown:
        click.echo(card(problem, made, worst), nl=False)
        return 0
    judged = judged_programs(directories)
    if as_json:
        document = evaluation_document("calibrate evaluate", problem, made)
        print_json({**document, "programs": rated_document("calibrate rated", judged)["figures"]})
    else:
        click.echo(evaluation_text(problem, made, worst), nl=False)
        click.echo("\n" + text_table(*rated_table(judged)), nl=False)
    return 0


def _made(directories: tuple[Path, ...], operations: Path | None) -> tuple[Problem, Made]:
    """Return what there is to fit, and the fit."""
    from emulab.boards import load_catalogue
    from emulab.calibration.files import load, samples_directory
    from emulab.calibration.fitting.making import digests, make, problem_of
    from emulab.calibration.operations import Operations, operations_directory
    from emulab.calibration.rated_programs import RatedOperations, programs_directory

    records = load([samples_directory(), *directories])
    place = operations_directory() if operations is None else operations
    with progress_shown() as progress:
        with progress.step("simulating the pipelines of what was counted"):
            problem = problem_of(records, Operations(place), RatedOperations(), load_catalogue())
        with progress.step(f"fitting {len(problem.table)} samples, and again without each package"):
            sources = [samples_directory(), *directories]
            return problem, make(problem, digests(sources, place, programs_directory()))
