"""Who started a container: the labels that let a later call sweep what a dead one left.

A process id alone is reused by the kernel; together with the host, its boot and the process's start
time it names one process for ever.
"""

from __future__ import annotations

import functools
import os
import platform
import uuid
from dataclasses import dataclass
from pathlib import Path

LABEL_OWNER = "org.emulab.owner"
LABEL_RUN = "org.emulab.run"
LABEL_ROLE = "org.emulab.role"
LABEL_VERSION = "org.emulab.version"

_START_TIME_FIELD = 19  # of /proc/PID/stat, counted after the command's closing parenthesis


def _process_start(pid: int) -> str:
    """Return the process's start time in clock ticks since boot, or "" when it is gone or unknown."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return ""
    return stat.rpartition(")")[2].split()[_START_TIME_FIELD]


@functools.cache
def _host() -> str:
    """Return a name of this host and boot, without dashes or slashes."""
    try:
        name = Path("/proc/sys/kernel/random/boot_id").read_text().strip()
    except OSError:
        name = platform.node()
    return name.replace("-", "").replace("/", "")


@dataclass(frozen=True)
class Owner:
    """One emulab process, as it is written into labels.

    :param host: the host's boot id, or its name where there is none.
    :param pid: the process id on that host.
    :param started: the process's start time in the host's own unit; "" when unknown.
    """

    host: str
    pid: int
    started: str

    @classmethod
    def current(cls) -> Owner:
        """Return this process."""
        return cls(_host(), os.getpid(), _process_start(os.getpid()))

    @classmethod
    def parse(cls, text: str) -> Owner | None:
        """Return the owner that a label names, or None when it is not one of ours."""
        parts = text.split("/")
        if len(parts) != 3 or not parts[1].isdigit():
            return None
        return cls(parts[0], int(parts[1]), parts[2])

    def __str__(self) -> str:
        return f"{self.host}/{self.pid}/{self.started}"

    def is_gone(self) -> bool:
        """Tell whether the process has certainly ended.

        A process on another host (a shared, remote engine) can not be judged and counts as alive.
        A boot id that differs on this host means a reboot, but can not be told from another host.
        """
        if self.host != _host():
            return False
        if Path("/proc/self/stat").exists():
            return _process_start(self.pid) != self.started
        try:
            os.kill(self.pid, 0)
        except ProcessLookupError:
            return True
        except PermissionError:
            return False
        return False


def new_run_id() -> str:
    """Return a fresh name for one run."""
    return uuid.uuid4().hex[:16]
