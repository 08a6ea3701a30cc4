"""``emulab calibrate count``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from emulab.cli.display import progress_shown, quiet_option
from emulab.cli.parameters import known_boards, samples_option

if TYPE_CHECKING:
    from emulab.bench.collecting import Assignment
    from emulab.boards import Board, Catalogue
    from emulab.calibration.programs import Wanted


@click.command("count")
@click.option(
    "--board",
    "boards",
    multiple=True,
    shell_complete=known_boards,
    help="Only what was measured on this board's core. [repeatable]",
)
@click.option("--package", "packages", multiple=True, help="Only this package. [repeatable]")
@samples_option
@click.option(
    "--output",
    type=click.Path(path_type=Path, file_okay=False),
    default=Path("operations"),
    show_default=True,
    help="The directory that the operations are written to.",
)
@click.option("--light", is_flag=True, help="Leave out what the caches and predictors of the board would do.")
@click.option("--fresh", is_flag=True, help="Count again what is known from before.")
@quiet_option
def count(
    boards: tuple[str, ...],
    packages: tuple[str, ...],
    directories: tuple[Path, ...],
    output: Path,
    light: bool,
    fresh: bool,
    quiet: bool,
) -> int:
    """Count what the benchmarks execute that were measured on real boards.

    For every sample that a model can be held to, its test binary is built with the same release of Go and
    the same settings, and its benchmark is counted under emulation of the same core. A binary's benchmarks
    become one file. What was counted before is taken from the cache, so an interrupted call goes on where
    it stopped.

    \b
    emulab calibrate count --board visionfive-2 --output calibration/operations
    emulab calibrate count --package math/big --light
    """
    from emulab.boards import load_catalogue
    from emulab.calibration.files import load, samples_directory
    from emulab.calibration.operations import read_missing, write_missing
    from emulab.calibration.programs import wanted_of

    catalogue = load_catalogue()
    cores = {catalogue.board(name).fastest.core.id for name in boards}
    chosen = [
        each
        for each in wanted_of(load([samples_directory(), *directories]))
        if (not cores or each.program.core in cores) and (not packages or each.program.package in packages)
    ]
    if not chosen:
        click.echo("there are no samples of that; see `emulab calibrate show`")
        return 4
    from emulab.bench.collecting import collect
    from emulab.profiling.operation_file import write

    counted = 0
    with progress_shown(quiet=quiet) as progress:
        for wanted in chosen:
            place = wanted.program.place
            assignment = _assignment(wanted, catalogue, fresh=fresh)
            found = collect(assignment, progress, heavy=not light)
            everything = read_missing(output)
            everything[place] = dict(found.missing)
            write_missing(output, {name: rows for name, rows in everything.items() if rows})
            if found.content is not None:
                write(output / place, found.content)
                counted += len(found.content.operations)
                click.echo(f"{output / place}: {len(found.content.operations)} operations")
            for name, reason in found.missing.items():
                click.echo(f"  without {name}: {reason}")
            for name, reason in found.unmeasured.items():
                click.echo(f"  no measures of {name}: {reason}")
    return 0 if counted else 4


def _assignment(wanted: Wanted, catalogue: Catalogue, *, fresh: bool) -> Assignment:
    from emulab.bench.collecting import Assignment

    program = wanted.program
    modelled = _modelled(wanted, catalogue)
    same = modelled is not None and modelled.arch == program.architecture
    return Assignment(
        package=program.package,
        go=program.go.removeprefix("go"),
        benchmarks=wanted.benchmarks,
        # A core that ran 32-bit programs, or that nobody named, has its architecture's stand-in.
        board=modelled.id if modelled is not None and same else f"generic-{program.architecture}",
        modelled=modelled,
        directory=Path.cwd(),
        settings=program.settings,
        tags=program.tags,
        fresh=fresh,
    )


def _modelled(wanted: Wanted, catalogue: Catalogue) -> Board | None:
    """Return the board whose caches the figures were taken with: their own, or one with the same core."""
    if wanted.board:
        return catalogue.board(wanted.board)
    if not wanted.program.core:
        return None
    return next(
        (
            board
            for board in catalogue.boards()
            if board.clusters and board.fastest.core.id == wanted.program.core
        ),
        None,
    )
