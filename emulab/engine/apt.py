"""Installing packages on Debian and Ubuntu."""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING

from emulab.engine.privileged import run_as_root
from emulab.errors import InfrastructureError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from emulab.engine.host import Elevation
    from emulab.progress import Progress

_LISTS = Path("/var/lib/apt/lists")
_LISTS_LIFETIME_S = 7 * 24 * 3600.0
_ENVIRONMENT = {"DEBIAN_FRONTEND": "noninteractive", "NEEDRESTART_SUSPEND": "1"}
# What apt-get asks for after an installation that was cut short.
_INTERRUPTED = "dpkg --configure -a"
_OPTIONS = ("-o", "DPkg::Lock::Timeout=300", "-o", "Dpkg::Use-Pty=0")


def lists_are_usable(lists: Path = _LISTS, *, now: float | None = None) -> bool:
    """Tell whether apt knows what the mirrors have, from an update not long ago."""
    if not any(lists.glob("*_Packages*")):
        return False
    touched = [path.stat().st_mtime for path in (lists, lists / "partial", lists / "lock") if path.exists()]
    return (time.time() if now is None else now) - max(touched) < _LISTS_LIFETIME_S


def install(packages: Sequence[str], elevation: Elevation, progress: Progress) -> None:
    """Install packages without what they only recommend.

    :raises InfrastructureError: apt-get failed, with its last lines.
    """
    lists_were_usable = lists_are_usable()
    if not lists_were_usable:
        _update(elevation, progress)
    try:
        _install(packages, elevation, progress)
    except InfrastructureError as error:
        if _INTERRUPTED in error.detail:
            with progress.step("finishing an installation that was cut short") as step:
                run_as_root(elevation, _INTERRUPTED.split(), step, _ENVIRONMENT)
        elif lists_were_usable:
            # Lists that look young can still name files that the mirror has replaced since.
            _update(elevation, progress)
        else:
            raise
        _install(packages, elevation, progress)


def _update(elevation: Elevation, progress: Progress) -> None:
    with progress.step("updating the package lists") as step:
        run_as_root(elevation, ["apt-get", "update", *_OPTIONS], step, _ENVIRONMENT)


def _install(packages: Sequence[str], elevation: Elevation, progress: Progress) -> None:
    argv = ["apt-get", "install", "--yes", "--no-install-recommends", *_OPTIONS, *packages]
    with progress.step(f"installing {', '.join(packages)}") as step:
        run_as_root(elevation, argv, step, _ENVIRONMENT)
