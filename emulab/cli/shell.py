"""``emulab shell``."""

from __future__ import annotations

from pathlib import Path

import click

from emulab.cli.parameters import GuestCommand, Size, guest_words
from emulab.cli.verbosity import verbose_option


@click.command(cls=GuestCommand, short_help="Open a shell on an emulated board.")
@click.option("--board", help="The board to stand on.")
@click.option("--arch", help="arm64, armv7 or riscv64, without a board.")
@click.option("--libc", help="musl, glibc or glibc-old.")
@click.option("--mode", help="user (the default) or system.")
@click.option("--memory", type=Size(), help="Memory of the machine: 64M to 4G.")
@click.option("--cpus", type=int, help="Processors of the machine: 1 to 8.")
@click.option("--network", is_flag=True, help="Give it a network besides its own loopback.")
@verbose_option
@click.pass_context
def command(
    ctx: click.Context,
    board: str | None,
    arch: str | None,
    libc: str | None,
    mode: str | None,
    memory: int | None,
    cpus: int | None,
    network: bool,
) -> int:
    """Open a shell on an emulated board; after `--` another program in its place.

    \b
    emulab shell --board lichee-rv
    emulab shell --arch arm64 --mode system -- /bin/top
    """
    from emulab.cli.display import progress_shown
    from emulab.workloads.request import RunRequest, find_program
    from emulab.workloads.session import Session

    request = RunRequest(
        program=find_program(None, guest_words(ctx) or ["/bin/sh"], Path.cwd()),
        boards=(board,) if board else (),
        architectures=(arch,) if arch else (),
        libcs=(libc,) if libc else (),
        modes=(mode,) if mode else (),
        memory=memory,
        cpus=cpus,
        network=network,
    )
    with progress_shown() as progress:
        session = Session(request, progress)
    with session:
        return session.interact()
