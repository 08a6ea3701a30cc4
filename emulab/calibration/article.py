"""A published article's figures of boards, each with what is to be thought of it. No fit sees them."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Final, Literal

import msgspec

from emulab.calibration.files import samples_directory
from emulab.errors import UsageError

if TYPE_CHECKING:
    from pathlib import Path

_SCHEMA: Final = "emulab-article/1"

Verdict = Literal["true", "possible", "unexplained", "inconsistent", "impossible"]
"""``true``: known otherwise. ``possible``: nothing speaks against it. ``unexplained``: possible only with
something that the article does not say. ``inconsistent``: other figures of the article contradict it.
``impossible``: no such board can show it."""


class ArticleFigure(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """One figure of the article.

    :param board: a board's id in the catalogue; a core's or an architecture where the article names no more.
    :param figure: what it is of, as the article has it.
    :param value: in ``unit``, an SI base unit; words where it is no number.
    :param conditions: what the article says of how it was taken.
    :param ours: the name of the figure of emulab's that stands for the same; "" where there is none.
    :param reason: of the verdict; never empty, but for what is possible.
    """

    board: str
    figure: str
    value: float | str
    unit: str
    conditions: str
    verdict: Verdict
    reason: str = ""
    ours: str = ""


class _File(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    schema: str
    source: str
    figures: tuple[ArticleFigure, ...]


def read_article(path: Path | None = None) -> tuple[ArticleFigure, ...]:
    """Return the article's figures, by default those that ship with emulab, in the article's order.

    :raises UsageError: the file can not be read, or a figure of it is not valid.
    """
    path = samples_directory() / "article.toml" if path is None else path
    try:
        content = msgspec.toml.decode(path.read_bytes(), type=_File)
    except OSError as error:
        raise UsageError(f"{path} can not be read: {error.strerror}") from error
    except msgspec.DecodeError as error:
        raise UsageError(f"{path}: {error}") from error
    if content.schema != _SCHEMA:
        raise UsageError(f"{path}: field `schema` is {content.schema!r}; this emulab reads {_SCHEMA}")
    seen: set[tuple[str, str, str]] = set()
    for number, each in enumerate(content.figures, start=1):
        fault = _fault(each)
        key = (each.board, each.figure, each.conditions)
        if key in seen:
            fault = "stands there twice"
        seen.add(key)
        if fault:
            raise UsageError(f"{path}: figure {number} ({each.board}, {each.figure}) {fault}")
    return content.figures


def _fault(figure: ArticleFigure) -> str:
    if isinstance(figure.value, float) and not math.isfinite(figure.value):
        return f"has the field `value` {figure.value}; give a number"
    if not figure.board or not figure.figure:
        return "lacks a board or what it is of"
    if figure.verdict != "possible" and not figure.reason:
        return f"is called {figure.verdict} and gives no `reason`"
    return ""
