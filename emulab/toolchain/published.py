"""Building a published command, ``import/path@version``, in its own module's versions."""

from __future__ import annotations

import re
import shutil
from pathlib import Path
from typing import TYPE_CHECKING

from emulab import cache
from emulab.errors import UsageError
from emulab.toolchain.diagnosis import error_of_go
from emulab.toolchain.go_command import go_variables, run_go
from emulab.toolchain.records import make_artifact, stored_artifact

if TYPE_CHECKING:
    from collections.abc import Mapping

    from emulab.progress import Progress, Step
    from emulab.toolchain.artifact import Artifact
    from emulab.toolchain.go import GoToolchain
    from emulab.toolchain.request import BuildRequest

_EXACT = re.compile(r"v\d+\.\d+\.\d+(-[\w.+-]+)?(\+incompatible)?$")
_SETTINGS = ["GOMODCACHE", "GOCACHE", "GOPROXY", "GOSUMDB", "GOPRIVATE", "GONOPROXY", "GONOSUMDB",
             "GOINSECURE", "GOVCS", "GOFLAGS"]  # fmt: skip


def build_published(
    request: BuildRequest,
    go: GoToolchain,
    settings: list[object],
    flags: list[str],
    environment: Mapping[str, str],
    progress: Progress,
) -> Artifact:
    """Return a published command's program.

    An exact version never changes, so it is built once; ``latest`` or a branch is looked up each time.

    :raises UsageError: there is no such command or version.
    :raises WorkloadError: it does not compile.
    """
    if request.test:
        raise UsageError(
            f"the tests of {request.name} can not be built", hint="check its sources out, build them there"
        )
    path, _, version = request.package.rpartition("@")
    exact = _EXACT.match(version) is not None
    key = cache.digest([*settings, request.package])
    found = stored_artifact(key) if exact else None
    if found is not None:
        return found
    with (
        progress.step(f"building {request.name} for {request.architecture.name}") as step,
        cache.scratch("go-install") as directory,
    ):
        program = _install(request, go, flags, environment, directory, step)
        if not exact:
            key = cache.digest([*settings, path, cache.file_digest(program)])

        def make(directory: Path) -> Path:
            return Path(shutil.copy(program, directory / program.name))

        return make_artifact(key, make)


def _install(
    request: BuildRequest,
    go: GoToolchain,
    flags: list[str],
    environment: Mapping[str, str],
    directory: Path,
    step: Step,
) -> Path:
    """Run ``go install``, which takes no output path and, across targets, no GOBIN: only a GOPATH."""
    kept = go_variables(go, _SETTINGS, directory, environment)
    own = {key: value for key, value in kept.items() if value} | {
        "GOENV": "off",  # it may set GOBIN, which an environment variable can not unset
        "GOPATH": str(directory / "path"),
        "GOTMPDIR": str(directory),
    }
    said: list[str] = []

    def on_line(line: str) -> None:
        if line.startswith("go: downloading "):
            step.update(line.removeprefix("go: "))
        elif line and " " not in line and not line.startswith("#"):
            step.update(line)
        else:
            said.append(line)

    status, _, _ = run_go(
        go,
        ["install", "-v", *flags, request.package],
        directory=directory,
        environment={**environment, **own},
        on_line=on_line,
    )
    programs = [path for path in (directory / "path" / "bin").rglob("*") if path.is_file()]
    if status != 0 or len(programs) != 1:
        raise error_of_go("\n".join(said), request, go)
    return programs[0]
