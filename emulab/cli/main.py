"""The command's entry: verbs loaded when they are used, errors turned into exit statuses."""

from __future__ import annotations

import atexit
import contextlib
import gc
import importlib
import os
import signal
import sys
import threading
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

import click

from emulab import __version__, settings
from emulab.errors import EmulabError

if TYPE_CHECKING:
    from collections.abc import Sequence
    from types import FrameType

    from click.shell_completion import CompletionItem

# Verb to one-line help: the list must be printable without importing any of them.
_VERBS = {
    "run": "Run a Go program under emulation and report its figures.",
    "bench": "Count what an operation of a Go benchmark executes.",
    "predict": "Predict what benchmarks take, on all boards at once.",
    "compare": "Compare two results, or two git revisions, and fail on a regression.",
    "inspect": "Say of a built program where it starts, without running it.",
    "calibrate": "Fit models to what was measured on real boards, and judge them.",
    "test": "Run a module's tests on emulated machines and judge them.",
    "matrix": "Judge a module's tests on every architecture, C library and mode.",
    "init": "Write an emulab.toml that fits the module.",
    "exec": "Run a built program as if it ran here.",
    "shell": "Open a shell on an emulated board.",
    "boards": "List the boards, or show one.",
    "images": "Build, list, show and remove the images that runs use.",
    "setup": "Install and prepare what emulab needs on this machine.",
    "doctor": "Say what works on this machine and what is missing.",
    "clean": "Remove what emulab left or keeps on this machine.",
    "completion": "Print the script that completes emulab's words in a shell.",
}


class Verbs(click.Group):
    """A group whose verbs are imported when they are called."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return the verbs in the order of the help."""
        return list(_VERBS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import and return a verb, or None when there is none of that name."""
        if cmd_name not in _VERBS:
            return None
        module = importlib.import_module(f"emulab.cli.{cmd_name}")
        command: click.Command = module.command
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the verbs with their one line, importing none."""
        with formatter.section("Verbs"):
            formatter.write_dl(list(_VERBS.items()))

    def shell_complete(self, ctx: click.Context, incomplete: str) -> list[CompletionItem]:
        """Offer the verbs, importing none, and the options."""
        from click.shell_completion import CompletionItem

        verbs = [CompletionItem(name, help=text) for name, text in _VERBS.items()]
        fitting = [verb for verb in verbs if verb.value.startswith(incomplete)]
        return [*fitting, *click.Command.shell_complete(self, ctx, incomplete)]

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Find the verb; an unknown one names the nearest."""
        import difflib

        if args and args[0] not in _VERBS:
            near = difflib.get_close_matches(args[0], _VERBS, 1)
            hint = f"did you mean `emulab {near[0]}`?" if near else "see `emulab --help`"
            raise click.UsageError(f"there is no verb {args[0]!r}; {hint}", ctx)
        return super().resolve_command(ctx, args)


class _Options(Mapping[str, "list[str]"]):
    """Every verb's long options; a verb is imported when it is asked for."""

    def __getitem__(self, verb: str) -> list[str]:
        if verb not in _VERBS:
            raise KeyError(verb)
        return list(_parameters(verb))

    def __iter__(self) -> Iterator[str]:
        return iter(_VERBS)

    def __len__(self) -> int:
        return len(_VERBS)


def _parameters(verb: str) -> dict[str, click.Parameter]:
    """Return a verb's long options, without their dashes, and the parameters that they set."""
    command: click.Command = importlib.import_module(f"emulab.cli.{verb}").command
    return {
        word.removeprefix("--"): parameter
        for parameter in command.params
        for word in parameter.opts
        if word.startswith("--")
    }


def _defaults() -> dict[str, dict[str, Any]]:
    """Return the defaults that the settings files give to the verbs' parameters."""
    return _of_parameters(settings.merged(Path.cwd(), _Options()))


def defaults_in(path: Path, verb: str) -> dict[str, Any]:
    """Return the defaults that one settings file gives to a verb's parameters.

    :raises UsageError: the file can not be read, or has a key that nothing knows.
    """
    return _of_parameters(settings.read(path, _Options())).get(verb, {})


def _of_parameters(tables: Mapping[str, Mapping[str, Any]]) -> dict[str, dict[str, Any]]:
    defaults: dict[str, dict[str, Any]] = {}
    for verb, table in tables.items():
        parameters = _parameters(verb)
        for key, value in table.items():
            parameter = parameters[key]
            repeated = getattr(parameter, "multiple", False) and not isinstance(value, list)
            defaults.setdefault(verb, {})[parameter.name or key] = [value] if repeated else value
    return defaults


_CONTEXT = {
    "help_option_names": ["-h", "--help"],
    "max_content_width": 100,
    "auto_envvar_prefix": "EMULAB",
}


@click.command(cls=Verbs, context_settings=_CONTEXT)
@click.version_option(__version__, prog_name="emulab")
@click.pass_context
def emulab(ctx: click.Context) -> None:
    """Say what a Go program will do on a board that you do not have.

    \b
    emulab run ./cmd/server --board visionfive-2 --ready http://:8080/health
    emulab run -- /bin/uname -a
    emulab boards
    """
    ctx.default_map = _defaults()


def report_error(error: EmulabError) -> None:
    """Write an error to stderr: the sentence, what stands behind it, and what to do."""
    sys.stderr.write(f"emulab: {error.message}\n")
    if error.detail:
        sys.stderr.writelines(f"  | {line}\n" for line in error.detail.rstrip().splitlines())
    if error.hint:
        sys.stderr.write(f"  {error.hint}\n")


def main(argv: Sequence[str] | None = None) -> NoReturn:
    """Run the command and exit with the status that the conventions give it."""
    # A short command makes little garbage and loads many modules, between which the collector finds nothing.
    gc.set_threshold(50_000)
    if threading.current_thread() is threading.main_thread():
        # A polite kill unwinds as Ctrl-C does, so that containers are closed on the way out.
        signal.signal(signal.SIGTERM, _interrupt)
    try:
        words = list(argv) if argv is not None else None
        status = emulab.main(args=words, prog_name="emulab", standalone_mode=False)
        sys.stdout.flush()
    except EmulabError as error:
        report_error(error)
        sys.exit(error.exit_status)
    except click.ClickException as error:
        sys.stderr.write(f"emulab: {error.format_message()}\n")
        if isinstance(error, click.UsageError) and error.ctx is not None:
            sys.stderr.write(f"  see `{error.ctx.command_path} --help`\n")
        sys.exit(2)
    except (KeyboardInterrupt, click.Abort):
        sys.stderr.write("emulab: interrupted; what was running is being removed\n")
        sys.exit(130)
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(0)
    sys.exit(status if isinstance(status, int) else 0)


def program() -> NoReturn:
    """Be the program ``emulab``: run the command, and end the process without taking it apart.

    Python would unload some hundred modules one by one, which takes as long as starting a container. What
    asked to be called at the end is called.
    """
    status: object = 1
    try:
        main()
    except SystemExit as end:
        status = end.code
    except BaseException:
        # A defect: shown as Python itself would show it.
        sys.excepthook(*sys.exc_info())
    atexit._run_exitfuncs()
    with contextlib.suppress(OSError, ValueError):
        sys.stdout.flush()
        sys.stderr.flush()
    os._exit(status if isinstance(status, int) else 0)


def _interrupt(_signal: int, _frame: FrameType | None) -> NoReturn:
    raise KeyboardInterrupt
