"""What of this host's environment a program on a machine gets to see: all but what means this host."""

from __future__ import annotations

from typing import TYPE_CHECKING

from emulab.machines.protocol import SEARCH_PATH

if TYPE_CHECKING:
    from collections.abc import Mapping

_OF_THIS_HOST = frozenset({
    "PATH", "HOME", "TMPDIR", "TMP", "TEMP", "PWD", "OLDPWD", "SHELL", "SHLVL", "_", "HOSTNAME", "GOCOVERDIR",
    "GOMAXPROCS", "GOTMPDIR", "GOCACHE", "GOMODCACHE", "GOBIN", "GOPATH", "GOENV", "VIRTUAL_ENV",
})  # fmt: skip
_PREFIXES = ("LD_", "QEMU_", "EMULAB_", "PYTHON", "XDG_", "DOCKER_", "SSH_", "PIP_")


def guest_environment(own: Mapping[str, str], target: Mapping[str, str], directory: str) -> dict[str, str]:
    """Return a program's environment.

    :param own: this process's.
    :param target: what the machine adds; of ``GODEBUG`` both count, and the caller's last.
    :param directory: where the program runs.
    """
    passed = {
        name: value
        for name, value in own.items()
        if name not in _OF_THIS_HOST and not name.startswith(_PREFIXES)
    }
    merged = {**target, **passed, "PATH": SEARCH_PATH, "HOME": "/work", "PWD": directory}
    switches = [each["GODEBUG"] for each in (target, passed) if each.get("GODEBUG")]
    return merged | ({"GODEBUG": ",".join(switches)} if switches else {})
