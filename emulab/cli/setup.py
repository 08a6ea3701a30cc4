"""``emulab setup``: a container engine that answers, and what base images are made with."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

import click

from emulab.cli.display import confirmed, json_option, print_json, progress_shown, quiet_option, yes_option
from emulab.errors import EngineError

if TYPE_CHECKING:
    from emulab.engine.daemon import Daemon
    from emulab.engine.host import Host

_NEW_GROUP = (
    "emulab: this session began before its user joined the group docker;\n"
    "  until the next log-in, start emulab as `sg docker -c 'emulab ...'`"
)


@click.command()
@yes_option
@quiet_option
@json_option
@click.option(
    "--go-exec",
    is_flag=True,
    help="Also write go_linux_{arm64,arm,riscv64}_exec, by which the go command runs foreign tests.",
)
def command(yes: bool, quiet: bool, as_json: bool, go_exec: bool) -> None:
    """Install and prepare what emulab needs on this machine.

    On Debian and Ubuntu, as root or with sudo, it installs and starts the Docker engine when none
    answers, and says so before it does. Elsewhere it says what is missing and how to get it.
    """
    from emulab.engine.connection import connect
    from emulab.engine.host import Host
    from emulab.engine.installation import continue_in_group, machines_daemon, needs_new_group_session, survey

    host, daemon = Host.current(), machines_daemon()
    done, advice = _install(host, daemon, yes=yes, quiet=quiet)
    if needs_new_group_session(survey(host, daemon)):
        click.echo(
            "emulab: this session began before you joined the group docker; until you log in", err=True
        )
        click.echo("        again, start emulab as `sg docker -c 'emulab ...'`", err=True)
        continue_in_group(sys.argv[1:])
    engine = connect()
    info = engine.client.info()
    if go_exec:
        from emulab.testing.go_exec import advice_on_path, install

        directory, paths = install()
        done = [*done, *(f"write {path}" for path in paths)]
        advice = (*advice, *advice_on_path(directory))
        for path in paths:
            click.echo(f"emulab: {path} is there", err=True)
    if as_json:
        print_json(_document(engine.address, info, done, advice))
        return
    for line in advice:
        click.echo(f"emulab: {line}", err=True)
    click.echo(f"ready: {_name(info)} at {engine.address}")


def _install(host: Host, daemon: Daemon, *, yes: bool, quiet: bool) -> tuple[list[str], tuple[str, ...]]:
    """Do what is missing, after saying so; return what was done and what is advised."""
    from emulab.cache import locked
    from emulab.engine.installation import carry_out, plan, survey
    from emulab.engine.privileged import authenticate

    todo = plan(host, survey(host, daemon))
    if not todo.sentences():
        return [], todo.advice
    click.echo("emulab will, on this machine:", err=True)
    for line in todo.sentences():
        click.echo(f"  - {line}", err=True)
    if not confirmed("Go on?", yes=yes):
        raise EngineError("nothing was changed", hint="`emulab setup --yes` does it without asking")
    authenticate(host.elevation)
    with locked("setup"):
        # Another set-up may have done it meanwhile.
        todo = plan(host, survey(host, daemon))
        with progress_shown(quiet=quiet) as progress:
            carry_out(todo, host, daemon, progress)
    return todo.sentences(), todo.advice


def _name(info: dict[str, Any]) -> str:
    return f"container engine {info.get('ServerVersion', 'of unknown version')}"


def _document(address: str, info: dict[str, Any], done: list[str], advice: tuple[str, ...]) -> dict[str, Any]:
    from emulab.figures import Document

    document = Document(command="setup", notes=advice).to_json()
    return document | {
        "engine": {"address": address, "version": info.get("ServerVersion"), "driver": info.get("Driver")},
        "done": done,
    }
