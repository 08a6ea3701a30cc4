"""Commands that root runs: packages, services, groups."""

from __future__ import annotations

import os
import subprocess
import tempfile
import time
from typing import IO, TYPE_CHECKING

from emulab.engine.host import Elevation
from emulab.errors import InfrastructureError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from emulab.progress import Step

_LINES_SHOWN = 20
_POLL_S = 0.1
# sudo drops these, and without them a package mirror behind a proxy is out of reach.
_KEPT = ("http_proxy", "https_proxy", "no_proxy", "HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY")


def authenticate(elevation: Elevation) -> None:
    """Let sudo ask for its password now, before anything is drawn over its question.

    :raises InfrastructureError: it was not given.
    """
    if elevation is Elevation.SUDO_ASKING and subprocess.run(["sudo", "-v"], check=False).returncode != 0:
        raise InfrastructureError("sudo did not give root's rights")


def run_as_root(
    elevation: Elevation, argv: Sequence[str], step: Step, environment: Mapping[str, str] | None = None
) -> str:
    """Run a command as root, showing its output's last line as it goes; return the output.

    :param environment: variables to add, also through sudo.
    :raises InfrastructureError: it can not be started or failed, with its last lines.
    """
    variables = {name: os.environ[name] for name in _KEPT if name in os.environ} | dict(environment or {})
    assignments = [f"{name}={value}" for name, value in variables.items()]
    command = [*elevation.prefix, "env", *assignments, *argv]
    # A file, not a pipe: a service that the command starts may keep its output open for ever.
    with tempfile.TemporaryFile(mode="w+", errors="replace") as output:
        try:
            process = subprocess.Popen(
                command, stdin=subprocess.DEVNULL, stdout=output, stderr=subprocess.STDOUT
            )
        except OSError as error:
            raise InfrastructureError(f"{command[0]} can not be started ({error.strerror})") from error
        with process:
            while process.poll() is None:
                time.sleep(_POLL_S)
                step.update(_last_line(output))
        output.seek(0)
        text = output.read()
    if process.returncode != 0:
        raise InfrastructureError(
            f"`{' '.join(argv[:3])}` ended with status {process.returncode}",
            detail="\n".join(text.splitlines()[-_LINES_SHOWN:]),
        )
    return text


def _last_line(output: IO[str]) -> str:
    """Return the last line of a growing file without moving its shared position."""
    size = os.fstat(output.fileno()).st_size
    chunk = os.pread(output.fileno(), 1024, max(0, size - 1024)).decode(errors="replace")
    lines = [line for line in chunk.splitlines() if line.strip()]
    return lines[-1].strip() if lines else ""
