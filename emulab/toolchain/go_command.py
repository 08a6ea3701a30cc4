"""Running the go command: its environment, its output as it comes, and its end."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from emulab import cache
from emulab.errors import ToolchainError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from emulab.toolchain.go import GoToolchain
    from emulab.toolchain.request import BuildRequest
    from emulab.toolchain.zig import CCompilers

_REPLACED = ("GOROOT", "GOOS", "GOARCH", "GOARM", "GOARM64", "GORISCV64", "CGO_ENABLED", "GOBIN", "GOTMPDIR",
             "GOTOOLCHAIN")  # fmt: skip
_HOST_PATHS = ("CPATH", "C_INCLUDE_PATH", "CPLUS_INCLUDE_PATH", "LIBRARY_PATH", "LD_RUN_PATH")
"""What would lead the C compiler to the host's headers and libraries."""

_WITHOUT_EFFECT = ("GOCACHE", "GOPROXY", "GOSUMDB", "GOPRIVATE", "GONOPROXY", "GONOSUMDB", "GOINSECURE",
                   "GOVCS", "GOAUTH", "GOTMPDIR", "GOMAXPROCS", "GOGC", "GOMEMLIMIT", "GOTRACEBACK",
                   "GOTELEMETRY", "GOTELEMETRYDIR", "GOCACHEPROG", "GOCOVERDIR")  # fmt: skip
_C_VARIABLES = ("CC", "CXX", "AR", "FC", "PKG_CONFIG", "PKG_CONFIG_PATH", "PKG_CONFIG_LIBDIR",
                "PKG_CONFIG_SYSROOT_DIR")  # fmt: skip
_GRACE_S = 5.0


def go_environment(request: BuildRequest, compilers: CCompilers | None) -> dict[str, str]:
    """Return the environment of the go command for a request.

    The user's own variables count, but for those that the target decides. Go's build and module
    caches stay where the user has them, so that what is compiled once is compiled for emulab too; in
    a home that can not be written they are in emulab's cache instead.
    """
    environment = {key: value for key, value in os.environ.items() if key not in _REPLACED}
    if compilers is not None:
        environment = {key: value for key, value in environment.items() if key not in _HOST_PATHS}
        environment |= {"CC": str(compilers.cc), "CXX": str(compilers.cxx)}
    environment |= _writable_caches(environment)
    environment |= request.target() | {"GOTOOLCHAIN": "local"}
    environment |= dict(request.environment)
    return environment


def effective_variables(environment: Mapping[str, str]) -> dict[str, str]:
    """Return the variables that can change what the go command builds."""
    return {
        key: value
        for key, value in sorted(environment.items())
        if (key.startswith(("GO", "CGO_")) and key not in _WITHOUT_EFFECT) or key in _C_VARIABLES
    }


def run_go(
    go: GoToolchain,
    arguments: list[str],
    *,
    directory: Path,
    environment: Mapping[str, str],
    on_line: Callable[[str], None] | None = None,
) -> tuple[int, str, str]:
    """Run the go command and return its exit status, standard output and standard error.

    With ``on_line`` both outputs go there, line by line as they come, and are returned empty. When
    this process is interrupted, the command and everything it started end first.

    :raises ToolchainError: the go command can not be started.
    """
    try:
        process = subprocess.Popen(
            [str(go.command), *arguments],
            cwd=directory,
            env={**environment, "PWD": str(directory)},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE if on_line is None else subprocess.STDOUT,
            text=True,
            errors="replace",
            start_new_session=True,
        )
    except OSError as error:
        raise ToolchainError(
            f"{go.command} can not be run: {error.strerror}", hint="choose a Go that fits with --go VERSION"
        ) from error
    try:
        if on_line is None:
            output, errors = process.communicate()
            return process.returncode, output, errors
        assert process.stdout is not None
        for line in process.stdout:
            on_line(line.rstrip("\n"))
        return process.wait(), "", ""
    except BaseException:
        _end(process)
        raise


def go_variables(
    go: GoToolchain, names: list[str], directory: Path, environment: Mapping[str, str]
) -> dict[str, str]:
    """Return Go's own variables as ``go env`` has them in a directory."""
    status, output, errors = run_go(
        go, ["env", "-json", *names], directory=directory, environment=environment
    )
    if status != 0:
        raise ToolchainError(f"{go.command} env failed", detail=errors)
    found: dict[str, str] = json.loads(output)
    return found


def json_objects(text: str) -> Iterator[dict[str, Any]]:
    """Yield the JSON objects that stand one after the other in a text."""
    decoder, offset = json.JSONDecoder(), 0
    while (offset := _skip_blanks(text, offset)) < len(text):
        value, offset = decoder.raw_decode(text, offset)
        yield value


def _skip_blanks(text: str, offset: int) -> int:
    while offset < len(text) and text[offset].isspace():
        offset += 1
    return offset


def _end(process: subprocess.Popen[str]) -> None:
    """End a go command: interrupted it removes its own temporary files, killed it would not."""
    for number in (signal.SIGINT, signal.SIGKILL):
        try:
            os.killpg(process.pid, number)
        except ProcessLookupError:
            break
        try:
            process.wait(_GRACE_S)
            break
        except subprocess.TimeoutExpired:
            continue
    process.wait()


def _writable_caches(environment: Mapping[str, str]) -> dict[str, str]:
    own: dict[str, str] = {}
    build_cache = _build_cache(environment)
    if build_cache is None or not _can_write(build_cache):
        own["GOCACHE"] = str(cache.cache_root() / "go-build")
    modules = _module_cache(environment)
    if modules is None or not _can_write(modules):
        own["GOMODCACHE"] = str(cache.cache_root() / "go-mod")
        proxies = environment.get("GOPROXY")
        if proxies and modules is not None and (modules / "cache" / "download").is_dir():
            own["GOPROXY"] = f"{(modules / 'cache' / 'download').as_uri()},{proxies}"
    return own


def _build_cache(environment: Mapping[str, str]) -> Path | None:
    if environment.get("GOCACHE"):
        return Path(environment["GOCACHE"])
    home = environment.get("HOME")
    if sys.platform == "darwin":
        return Path(home, "Library", "Caches", "go-build") if home else None
    base = environment.get("XDG_CACHE_HOME") or (f"{home}/.cache" if home else "")
    return Path(base, "go-build") if base else None


def _module_cache(environment: Mapping[str, str]) -> Path | None:
    if environment.get("GOMODCACHE"):
        return Path(environment["GOMODCACHE"])
    path = environment.get("GOPATH", "").split(os.pathsep)[0]
    if not path and environment.get("HOME"):
        path = environment["HOME"] + "/go"
    return Path(path, "pkg", "mod") if path else None


def _can_write(path: Path) -> bool:
    try:
        path.mkdir(parents=True, exist_ok=True)
    except OSError:
        return False
    return os.access(path, os.W_OK | os.X_OK)
