"""What this machine is, as far as installing and starting an engine depends on it."""

from __future__ import annotations

import enum
import functools
import getpass
import os
import platform
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

# Daemons and mount tools live where an ordinary user's PATH does not reach.
_SBIN = "/usr/local/sbin:/usr/sbin:/sbin"


class Elevation(enum.Enum):
    """How this process gets root's rights."""

    ROOT = "root"
    SUDO = "sudo"
    """sudo that asks for nothing."""
    SUDO_ASKING = "sudo with a password"
    NONE = "none"

    @property
    def prefix(self) -> tuple[str, ...]:
        """Return what goes before a command that root must run."""
        return {"sudo": ("sudo", "-n"), "sudo with a password": ("sudo",)}.get(self.value, ())


@dataclass(frozen=True)
class Host:
    """The machine that emulab runs on, and its user.

    :param system: the kernel's name: ``Linux``, ``Darwin``.
    :param family: the distribution's id and those it is like: ``("ubuntu", "debian")``.
    :param name: the system's name for people.
    :param user: who runs emulab.
    :param elevation: how root's rights are had.
    :param has_systemd: whether systemd is the first process.
    :param path: where programs are looked for, as in ``PATH``.
    """

    system: str
    family: tuple[str, ...]
    name: str
    user: str
    elevation: Elevation
    has_systemd: bool
    path: str

    @classmethod
    def current(cls) -> Host:
        """Return the one that this process runs on."""
        family, name = _distribution()
        return cls(
            system=platform.system(),
            family=family,
            name=name,
            user=getpass.getuser(),
            elevation=_elevation(),
            has_systemd=Path("/run/systemd/system").is_dir(),
            path=f"{os.environ.get('PATH', os.defpath)}:{_SBIN}",
        )

    @property
    def has_apt(self) -> bool:
        """Tell whether this is Debian, Ubuntu or a child of theirs, where packages can be installed."""
        return "debian" in self.family and self.program("apt-get") is not None

    def program(self, name: str) -> str | None:
        """Return the path of a program, or None."""
        return shutil.which(name, path=self.path)


def _distribution() -> tuple[tuple[str, ...], str]:
    if platform.system() == "Darwin":
        return ("macos",), f"macOS {platform.mac_ver()[0]}".strip()
    try:
        release = platform.freedesktop_os_release()
    except OSError:
        return (), platform.system()
    family = [release["ID"], *release.get("ID_LIKE", "").split()]
    if "ubuntu" in family and "debian" not in family:
        family.append("debian")
    return tuple(family), release["PRETTY_NAME"]


@functools.cache
def _elevation() -> Elevation:
    if os.geteuid() == 0:
        return Elevation.ROOT
    sudo = shutil.which("sudo")
    if sudo is None:
        return Elevation.NONE
    quiet = subprocess.run(
        [sudo, "-n", "true"], stdin=subprocess.DEVNULL, capture_output=True, check=False, timeout=30
    )
    if quiet.returncode == 0:
        return Elevation.SUDO
    return Elevation.SUDO_ASKING if sys.stdin.isatty() and sys.stderr.isatty() else Elevation.NONE
