"""Types of options and arguments that several verbs share."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from collections.abc import Callable

_SIZE = re.compile(r"(\d+(?:\.\d+)?)\s*([KMG]?)(?:i?B)?", re.IGNORECASE)
_FACTORS = {"": 1, "K": 1 << 10, "M": 1 << 20, "G": 1 << 30}
_GUEST = "emulab.guest"


class Size(click.ParamType[int]):
    """A number of bytes with a binary suffix: ``64M``, ``1.5G``, ``512MiB``."""

    name = "size"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> int:
        """Return the number of bytes."""
        if isinstance(value, int):
            return value
        match = _SIZE.fullmatch(str(value).strip())
        if match is None:
            self.fail(f"{value!r} is not a size; write it as 64M or 1G", param, ctx)
        return int(float(match[1]) * _FACTORS[match[2].upper()])


class Listed(click.ParamType[list[str]]):
    """Comma-separated values; the option may also be repeated."""

    name = "list"

    def __init__(self, choices: Callable[[], list[str]] | None = None) -> None:
        self._choices = choices

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> list[str]:
        """Return the values."""
        if isinstance(value, list):
            return value
        return [part.strip() for part in str(value).split(",") if part.strip()]

    def shell_complete(
        self, ctx: click.Context, param: click.Parameter, incomplete: str
    ) -> list[click.shell_completion.CompletionItem]:
        """Offer the known values after the last comma."""
        from click.shell_completion import CompletionItem

        head, comma, last = incomplete.rpartition(",")
        known = self._choices() if self._choices else []
        return [CompletionItem(f"{head}{comma}{name}") for name in known if name.startswith(last)]


def known_boards(_ctx: click.Context, _param: click.Parameter, incomplete: str) -> list[str]:
    """Return the ids of the catalogue's boards that begin so, for a shell to complete."""
    from emulab.boards import load_catalogue

    return [name for name in load_catalogue().ids() if name.startswith(incomplete)]


class GuestCommand(click.Command):
    """A verb after whose ``--`` everything belongs to the guest."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Split the guest's words off before the verb's own are parsed."""
        if "--" in args:
            at = args.index("--")
            args, guest = args[:at], args[at + 1 :]
            ctx.meta[_GUEST] = guest
        return super().parse_args(ctx, args)

    def collect_usage_pieces(self, ctx: click.Context) -> list[str]:
        """Show the guest's words in the usage line."""
        return [*super().collect_usage_pieces(ctx), "[-- GUEST...]"]


def guest_words(ctx: click.Context) -> list[str] | None:
    """Return what stood after ``--``; None when there was no ``--``."""
    words: list[str] | None = ctx.meta.get(_GUEST)
    return words


def flattened(groups: tuple[list[str], ...]) -> list[str]:
    """Return the values of a repeated, comma-separated option, each once."""
    return list(dict.fromkeys(value for group in groups for value in group))


def key_values(ctx: click.Context, param: click.Parameter, values: tuple[str, ...]) -> dict[str, str]:
    """Turn repeated ``NAME=VALUE`` words into a dictionary."""
    pairs = {}
    for value in values:
        name, equals, rest = value.partition("=")
        if not equals or not name:
            raise click.BadParameter(f"{value!r} is not NAME=VALUE", ctx, param)
        pairs[name] = rest
    return pairs


samples_option = click.option(
    "--samples",
    "directories",
    type=click.Path(path_type=Path, file_okay=False, exists=True),
    multiple=True,
    help="A directory with samples of your own, beside those that ship. [repeatable]",
)
