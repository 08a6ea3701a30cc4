"""``emulab calibrate``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from emulab.cli.calibrate_count import count as count_operations
from emulab.cli.calibrate_fit import evaluate, fit
from emulab.cli.calibrate_host import host
from emulab.cli.calibrate_programs import article, programs
from emulab.cli.calibrate_rated import count_rated, rated
from emulab.cli.display import json_option, print_json
from emulab.cli.parameters import known_boards, samples_option

if TYPE_CHECKING:
    from collections.abc import Sequence

    from emulab.calibration.schema import Record


@click.group(short_help="Fit models to what was measured on real boards, and judge them.")
def command() -> None:
    """Fit models to what was measured on real boards, and judge them.

    \b
    emulab calibrate show
    emulab calibrate show visionfive-2
    emulab calibrate import bench.txt --board visionfive-2 --go go1.25
    emulab calibrate count --board visionfive-2
    emulab calibrate fit --output models
    emulab calibrate evaluate
    """


command.add_command(count_operations)
command.add_command(host)
command.add_command(fit)
command.add_command(evaluate)
command.add_command(count_rated)
command.add_command(rated)
command.add_command(programs)
command.add_command(article)


@command.command("import")
@click.argument("file", type=click.Path(path_type=Path))
@click.option(
    "--board", required=True, shell_complete=known_boards, help="The board that it was measured on."
)
@click.option("--author", default="", help="Who measured.")
@click.option("--date", default="", help="When, as 2026-01-31.")
@click.option(
    "--clock-mhz", type=click.FloatRange(1, 10_000), help="The clock that the board is said to have had."
)
@click.option(
    "--go",
    "release",
    default="",
    help="The release of Go, such as go1.25, where the file does not say; of two columns, both.",
)
@click.option(
    "--output",
    type=click.Path(path_type=Path, file_okay=False),
    default=Path("samples"),
    show_default=True,
    help="The directory that the session is written to.",
)
@json_option
def import_one(
    file: Path, board: str, clock_mhz: float | None, release: str, output: Path, as_json: bool, **who: str
) -> int:
    """Make a checked file of samples from what was measured on a board.

    FILE is Go benchmark text, a table of benchstat, a result file of sbc-bench, or a document that
    --json printed. Implausible rows are kept and flagged.
    """
    from emulab.boards import load_catalogue
    from emulab.calibration.clocks import session_clocks
    from emulab.calibration.files import write
    from emulab.calibration.importing import import_file
    from emulab.report.calibration import clock_text, flag_counts, session_rows

    found = load_catalogue().board(board)
    clock = clock_mhz * 1e6 if clock_mhz is not None else None
    record = import_file(file, found, clock_hz=clock, go=release, **who)
    path = output / f"{record.session.id}.csv"
    write(record, path)
    clocks = session_clocks([record])
    if as_json:
        print_json(_document("calibrate import", [{**session_rows([record], clocks)[0], "file": str(path)}]))
        return 0
    click.echo(f"{path}: {len(record.samples)} samples of {found.id}")
    for flag, count in flag_counts([record]).items():
        click.echo(f"  {count} flagged {flag}")
    for evidence in clocks[record.session.id].evidence:
        click.echo(f"  clock {clock_text(evidence)} MHz ({evidence.kind}: {evidence.text})")
    return 0


@command.command("show")
@click.argument("board", required=False, shell_complete=known_boards)
@samples_option
@click.option("--clocks", "only_clocks", is_flag=True, help="Only the sessions whose clock is known.")
@click.option("--flags", "only_flags", is_flag=True, help="How many samples have each flag.")
@click.option("--operations", "only_operations", is_flag=True, help="How many samples have operations.")
@click.option("--markdown", "as_markdown", is_flag=True, help="Print tables for a document.")
@json_option
def show(
    board: str | None,
    directories: tuple[Path, ...],
    only_clocks: bool,
    only_flags: bool,
    only_operations: bool,
    as_markdown: bool,
    as_json: bool,
) -> int:
    """List the boards that have samples, or a board's sessions with their clocks, the evidence, and flags."""
    from emulab.boards import load_catalogue
    from emulab.calibration.clocks import session_clocks
    from emulab.calibration.files import load, samples_directory
    from emulab.report.calibration import (
        boards_table,
        flags_table,
        markdown,
        operations_table,
        session_rows,
        sessions_table,
    )
    from emulab.report.tables import text_table

    records: Sequence[Record] = load([samples_directory(), *directories])
    if only_operations and not as_json:
        from emulab.calibration.operations import coverage_of

        wanted = load_catalogue().canonical(board) if board is not None else None
        header, rows = operations_table(
            coverage_of(one for one in records if wanted in (None, one.session.board))
        )
    elif only_flags and not as_json:
        wanted = load_catalogue().canonical(board) if board is not None else None
        header, rows = flags_table([one for one in records if wanted in (None, one.session.board)])
    elif board is None and not as_json and not only_clocks:
        header, rows = boards_table(records)
    else:
        wanted = load_catalogue().canonical(board) if board is not None else None
        clocks = session_clocks(records)
        chosen = [record for record in records if wanted is None or record.session.board == wanted]
        if only_clocks:
            chosen = [record for record in chosen if _is_estimated(clocks[record.session.id])]
        if as_json:
            print_json(_document("calibrate show", session_rows(chosen, clocks)))
            return 0
        if not chosen:
            click.echo(f"there are no samples of {wanted}; import some with `emulab calibrate import`")
            return 4
        header, rows = sessions_table(chosen, clocks)
    click.echo(markdown(header, rows) if as_markdown else text_table(header, rows), nl=False)
    return 0


def _is_estimated(clock: Any) -> bool:
    """Tell whether a clock was found in figures, neither measured nor only claimed."""
    return clock.best is not None and clock.best.kind not in ("measured", "claimed")


def _document(name: str, sessions: list[dict[str, Any]]) -> dict[str, Any]:
    from emulab.figures import SCHEMA

    return {"schema": SCHEMA, "command": name, "sessions": sessions}
