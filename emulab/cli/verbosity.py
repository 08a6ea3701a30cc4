"""``--verbose``: the command lines that emulab runs, as it runs them."""

from __future__ import annotations

import logging
import sys
from typing import TYPE_CHECKING, Any, TypeVar

import click

if TYPE_CHECKING:
    from collections.abc import Callable

_F = TypeVar("_F", bound="Callable[..., Any]")


def verbose_option(function: _F) -> _F:
    """Add ``--verbose`` to a verb; it takes effect by itself."""
    return click.option(
        "-v",
        "--verbose",
        is_flag=True,
        expose_value=False,
        callback=_show_commands,
        help="Show the container and QEMU command lines.",
    )(function)


def _show_commands(_ctx: click.Context, _param: click.Parameter, wanted: bool) -> None:
    if not wanted:
        return
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(logging.Formatter("+ %(message)s"))
    logger = logging.getLogger("emulab.commands")
    logger.addHandler(handler)
    logger.setLevel(logging.DEBUG)
    logger.propagate = False
