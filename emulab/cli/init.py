"""``emulab init``."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from emulab.cli.display import progress_shown, quiet_option


@click.command(short_help="Write an emulab.toml that fits the module.")
@click.option("--force", is_flag=True, help="Replace the emulab.toml that is there.")
@click.option("--print", "only_print", is_flag=True, help="Print it on stdout, and write nothing.")
@quiet_option
def command(force: bool, only_print: bool, quiet: bool) -> int:
    """Look at the module in this directory and write a commented emulab.toml beside its go.mod.

    It looks at the packages with tests, at C code, build tags and commands, and at the Go that go.mod wants.

    \b
    emulab init
    emulab init --print

    The exit status is 0 when the file was written, 2 when there is one already or no module.
    """
    from emulab.errors import UsageError
    from emulab.matrix.proposal import proposal
    from emulab.matrix.survey import survey
    from emulab.settings import FILE_NAME
    from emulab.toolchain.go import find_go

    with progress_shown(quiet=quiet) as progress:
        go = find_go(None, progress)
        with progress.step("looking at the module"):
            found = survey(Path.cwd(), go)
    text = proposal(found, go)
    if only_print:
        sys.stdout.write(text)
        return 0
    path = found.root / FILE_NAME
    if path.exists() and not force:
        raise UsageError(
            f"{path} is there already", hint="--force replaces it; --print shows what it would be"
        )
    try:
        path.write_text(text)
    except OSError as error:
        raise UsageError(f"{path} can not be written ({error.strerror})") from error
    sys.stdout.write(f"{path}\n")
    return 0
