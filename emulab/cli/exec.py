"""``emulab exec``."""

from __future__ import annotations

import os
import signal
import sys
from pathlib import Path

import click

from emulab.cli.parameters import Size
from emulab.cli.verbosity import verbose_option


@click.command(
    short_help="Run a built program as if it ran here.",
    context_settings={"allow_interspersed_args": False},
)
@click.option("--board", default="", help="The board to stand on; else a machine of its architecture.")
@click.option("--libc", default="", help="musl, glibc or glibc-old; else what the program was linked with.")
@click.option("--mode", default="", help="user (the default) or system.")
@click.option("--memory", type=Size(), help="Memory of the machine: 64M to 4G.")
@click.option("--network", is_flag=True, help="Give it a network besides its own loopback.")
@verbose_option
@click.argument("binary", type=click.Path(path_type=Path))
@click.argument("arguments", nargs=-1, type=click.UNPROCESSED)
def command(
    board: str,
    libc: str,
    mode: str,
    memory: int | None,
    network: bool,
    binary: Path,
    arguments: tuple[str, ...],
) -> int:
    """Run a built program on an emulated machine as if it ran here.

    It finds the files of its directory and the module around it at the same paths, reads this command's
    input, gets its environment and its signals, and its status is this command's. What a test binary's flags
    write (coverage, profiles, the corpus of fuzzing) is brought back. So it serves `go test -exec`:

    \b
    GOARCH=riscv64 go test -exec 'emulab exec' ./...
    emulab setup --go-exec && GOARCH=riscv64 go test ./...
    """
    from emulab.progress import Silent
    from emulab.testing.joined import ExecRequest, execute

    request = ExecRequest(
        binary, arguments, Path.cwd(), board=board, libc=libc, mode=mode, memory=memory, network=network
    )
    ended = execute(request, Silent(), _write)
    sys.stdout.flush()
    if ended.out_of is not None:
        sys.stderr.write(f"emulab: {binary.name} {ended.ending()}\n")
    if ended.signal is not None:
        _die_of(ended.signal)
    return ended.status if ended.status is not None else 1


def _write(stream: str, piece: bytes) -> None:
    to = sys.stdout if stream == "stdout" else sys.stderr
    to.buffer.write(piece)
    to.flush()


def _die_of(number: int) -> None:
    """End this process by a signal, so that whoever waits for it sees what became of the program."""
    import resource

    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    if number != signal.SIGKILL:
        signal.signal(number, signal.SIG_DFL)
    os.kill(os.getpid(), number)
