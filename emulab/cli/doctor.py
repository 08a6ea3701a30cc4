"""``emulab doctor``: what works on this machine and what is missing."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from emulab.cli.display import colored, json_option, print_json

if TYPE_CHECKING:
    from emulab.upkeep.checks import Check

_COLORS = {"ok": "green", "warn": "yellow", "missing": "red"}
_POSSIBLE = "Runs are possible."
_IMPOSSIBLE = "Nothing can run before what is missing is there."


@click.command()
@click.option("--online", is_flag=True, help="Ask the package mirror and the Python index too.")
@json_option
def command(online: bool, as_json: bool) -> int:
    """Say what works on this machine and what is missing.

    Ends with 0 when runs are possible, else with 3. Changes nothing; a container that it tries is gone after.
    """
    from emulab.engine.host import Host
    from emulab.upkeep.checks import examine, runs_are_possible

    checks = []
    for check in examine(Host.current(), online=online):
        checks.append(check)
        if not as_json:
            _print(check)
    possible = runs_are_possible(checks)
    if as_json:
        from emulab.figures import Document

        document = Document(command="doctor").to_json()
        rows = [check.to_json() for check in checks]
        print_json(document | {"checks": rows, "possible": possible})
    else:
        click.echo(f"\n{_POSSIBLE if possible else _IMPOSSIBLE}")
    return 0 if possible else 3


def _print(check: Check) -> None:
    health = colored(f"{check.health:<8}", _COLORS[check.health])
    click.echo(f"{health} {check.name:<15} {check.seen}")
    if check.fix:
        click.echo(f"{'':<24} -> {check.fix}")
