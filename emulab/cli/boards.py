"""``emulab boards``."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from emulab.boards import Board


def _complete(_ctx: click.Context, _param: click.Parameter, incomplete: str) -> list[str]:
    from emulab.boards import load_catalogue

    return [name for name in load_catalogue().ids() if name.startswith(incomplete)]


@click.command(short_help="List the boards, or show one.")
@click.argument("board", required=False, shell_complete=_complete)
@click.option(
    "--json", "as_json", is_flag=True, help="Print the catalogue's facts as JSON, in SI base units."
)
def command(board: str | None, as_json: bool) -> int:
    """List the boards that emulab knows, or show what it knows of one.

    \b
    emulab boards
    emulab boards visionfive-2
    emulab boards raspberry-pi-5 --json
    """
    from emulab.boards import load_catalogue

    catalogue = load_catalogue()
    chosen = [catalogue.board(board)] if board else [catalogue.board(name) for name in catalogue.ids()]
    if as_json:
        document = {"schema": "emulab/1", "command": "boards", "boards": [each.to_json() for each in chosen]}
        click.echo(json.dumps(document, indent=2, ensure_ascii=False))
    elif board:
        _show(chosen[0])
    else:
        _list(chosen)
    return 0


def _list(boards: list[Board]) -> None:
    from emulab.report.tables import text_table

    rows = [
        [
            each.id,
            each.arch,
            each.soc.name,
            _cores(each),
            f"{each.memory.assumed_mib} MiB" if each.memory is not None else "",
            each.software.libc if each.software is not None else "",
            "yes" if each.runs_go else "no",
        ]
        for each in boards
    ]
    click.echo(text_table(["board", "arch", "SoC", "cores", "memory", "libc", "runs Go"], rows), nl=False)


def _cores(board: Board) -> str:
    return " + ".join(f"{c.count}x {c.core.name} {c.nominal_mhz:g} MHz" for c in board.clusters)


def _show(board: Board) -> None:
    click.echo(f"{board.name} ({board.id})")
    facts = {
        "maker": board.maker,
        "architecture": board.arch,
        "SoC": f"{board.soc.name} ({board.soc.maker})",
        "cores": _cores(board),
    }
    if board.isa is not None:
        facts["ISA"] = " ".join(filter(None, [board.isa.base, board.isa.profile]))
    if board.memory is not None:
        facts["memory"] = f"{board.memory.assumed_mib} MiB {board.memory.type or ''}".rstrip()
    if board.software is not None:
        software = board.software
        facts["system"] = f"Linux {software.kernel}, {software.libc}, {software.page_kib} KiB pages"
    if board.emulation is not None:
        facts["QEMU processor"] = f"{board.emulation.user} (user), {board.emulation.system} (system)"
    if board.runs_go:
        facts["Go"] = " ".join(f"{name}={value}" for name, value in board.build_environment().items())
    width = max(map(len, facts)) + 2
    for name, value in facts.items():
        click.echo(f"  {name:<{width}}{value}")
    refusal = board.refusal()
    if refusal is not None:
        click.echo(f"\n{refusal}\n{board.way_out() or ''}".rstrip())
    for note in board.notes:
        click.echo(f"\n{note.topic}: {note.text}")
    click.echo("\nsources:")
    for text in dict.fromkeys(source.text for source in board.sources):
        click.echo(f"  {text}")
