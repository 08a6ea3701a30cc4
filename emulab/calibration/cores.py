"""Names of cores and devices in collections, as ids of the catalogue."""

from __future__ import annotations

import re
import tomllib
from functools import cache
from typing import TYPE_CHECKING

from emulab.calibration.files import samples_directory

if TYPE_CHECKING:
    from pathlib import Path

_VENDOR = re.compile(r"^(t-head|xuantie|thead)-")
_PLACED = re.compile(r"(?P<core>.+?) cpu(?P<cpus>[\d,-]+)(?: \((?P<note>.*)\))?")


def core_id(name: str) -> str:
    """Return a core's name as an id.

    >>> core_id("SpacemiT X60"), core_id("Cortex-A78AE"), core_id("T-Head C910")
    ('spacemit-x60', 'cortex-a78ae', 'xuantie-c910')
    """
    plain = re.sub(r"\s*\(.*?\)", "", name).strip().lower()
    return _VENDOR.sub("xuantie-", re.sub(r"[^a-z0-9+]+", "-", plain).strip("-"))


def placed_core(name: str) -> tuple[str, str]:
    """Return the id of a core and the processors that it names: ``Cortex-A76 cpu4`` is of ``4``."""
    match = _PLACED.fullmatch(name)
    return (core_id(match["core"]), match["cpus"]) if match else (core_id(name), "")


def board_of_device(device: str) -> str:
    """Return the id of the board that a device is, "" when the catalogue has none."""
    for pattern, board in _devices(samples_directory() / "devices.toml"):
        if pattern.fullmatch(device):
            return board
    return ""


@cache
def _devices(path: Path) -> tuple[tuple[re.Pattern[str], str], ...]:
    pairs = tomllib.loads(path.read_text())["devices"]
    return tuple((re.compile(pattern, re.IGNORECASE), board) for pattern, board in pairs)
