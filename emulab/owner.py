"""Who made something that must not outlive its maker: one process, named for ever.

A process id alone is reused by the kernel, and means another process in another namespace of process ids
(a container that shares this cache or this engine). With the host's boot, the namespace and the process's
start time it names one process.
"""

from __future__ import annotations

import functools
import os
from dataclasses import dataclass
from pathlib import Path

_START_TIME_FIELD = 19  # of /proc/PID/stat, counted after the command's closing parenthesis
_PID_NAMESPACE = Path("/proc/self/ns/pid")


def _process_start(pid: int) -> str:
    """Return the process's start time in clock ticks since boot, or "" when it is gone or unknown."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return ""
    return stat.rpartition(")")[2].split()[_START_TIME_FIELD]


@functools.cache
def _host() -> str:
    """Return a name of where process ids have their meaning, without dashes or slashes."""
    try:
        boot = Path("/proc/sys/kernel/random/boot_id").read_text().strip()
        # A namespace of Linux is known by its inode: "pid:[4026531836]".
        namespace = os.readlink(_PID_NAMESPACE).partition("[")[2].rstrip("]")
    except OSError:
        import platform

        boot, namespace = platform.node(), ""
    return f"{boot}.{namespace}".rstrip(".").replace("-", "").replace("/", "")


@dataclass(frozen=True)
class Owner:
    """One emulab process, as it is written into labels and names.

    :param host: the host's boot id and its namespace of process ids; its name where there is none.
    :param pid: the process id there.
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
    def parse(cls, text: str, separator: str = "/") -> Owner | None:
        """Return the owner that a text names, or None when it is not one of ours."""
        parts = text.split(separator)
        if len(parts) != 3 or not parts[0] or not parts[1].isdigit():
            return None
        return cls(parts[0], int(parts[1]), parts[2])

    def __str__(self) -> str:
        return self.named()

    def named(self, separator: str = "/") -> str:
        """Return the text that :meth:`parse` reads; a separator is a slash or a dash."""
        return separator.join([self.host, str(self.pid), self.started])

    def is_here(self) -> bool:
        """Tell whether its process id means something in this process's namespace, in this boot."""
        return self.host == _host()

    def is_gone(self) -> bool:
        """Tell whether the process has certainly ended.

        A process elsewhere (another host of a shared, remote engine; another namespace of process ids) can
        not be judged and counts as alive. A boot id that differs on this host means a reboot, but can not
        be told from another host.
        """
        if not self.is_here():
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
