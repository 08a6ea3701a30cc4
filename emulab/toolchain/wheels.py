"""Compilers out of Python wheels: found and fetched by pip, checked, unpacked once into the cache.

pip does the fetching, so that the user's own pip configuration (index, mirror, proxy, certificates)
counts and nothing but pip needs to know about it.
"""

from __future__ import annotations

import base64
import csv
import hashlib
import io
import os
import platform
import re
import subprocess
import sys
import tempfile
import time
import zipfile
from pathlib import Path
from typing import TYPE_CHECKING

from emulab import cache
from emulab.errors import NoSpaceError, ToolchainError, UsageError

if TYPE_CHECKING:
    from emulab.progress import Progress, Step

_IMPOSSIBLE_VERSION = "99999"
_LISTED = re.compile(r"\(from versions: ([^)]*)\)")
_ANNOUNCED = re.compile(r"Downloading \S+ \(([\d.]+) ([kMG]?B)\)")
_UNITS = {"B": 1.0, "kB": 1e3, "MB": 1e6, "GB": 1e9}
_UNREACHABLE = re.compile(
    r"NewConnectionError|Failed to establish a new connection|name resolution|Name or service not known"
    r"|ConnectionError|ConnectTimeout|Read timed out|timed out|ProxyError|Connection refused"
    r"|Network is unreachable|SSLError|Could not fetch URL|Max retries exceeded",
    re.IGNORECASE,
)
_POLL_S = 0.1
_CHUNK = 1 << 20
_PERMISSIONS = 0o777


def available_versions(project: str, *, max_age_s: float = 0.0) -> list[str]:
    """Return the versions of a project that pip can install on this machine, as it orders them.

    :param max_age_s: how old an answer from the cache may be, in seconds.
    :raises ToolchainError: there is no pip, or it can reach no index.
    """
    stored = cache.cache_root() / "wheel-lists" / f"{project}-{_machine()}"
    try:
        if time.time() - stored.stat().st_mtime < max_age_s:
            return stored.read_text().split()
    except OSError:
        pass
    versions = _ask_for_versions(project)
    with cache.out_of_space_is_said():
        stored.parent.mkdir(parents=True, exist_ok=True)
        fresh = stored.with_name(f"{stored.name}.{os.getpid()}")
        fresh.write_text("\n".join(versions))
        fresh.replace(stored)
    return versions


def _ask_for_versions(project: str) -> list[str]:
    """Ask pip for a version that can not be: the refusal, with every pip, lists the ones that are."""
    with tempfile.TemporaryDirectory(prefix="emulab-") as nowhere:
        command = _download_command(f"{project}=={_IMPOSSIBLE_VERSION}", Path(nowhere))
        done = subprocess.run(command, capture_output=True, text=True, check=False, env=_environment())
    match = _LISTED.search(done.stderr)
    versions = [] if match is None else [v.strip() for v in match[1].split(",") if v.strip() != "none"]
    if not versions:
        raise _failure(project, done.stderr)
    return versions


def cached_wheels(project: str) -> dict[str, Path]:
    """Return the versions of a project that are in the cache already, with their directories."""
    prefix, suffix = f"{project}-", f"-{_machine()}"
    found = (cache.cache_root() / "wheels").glob(f"{prefix}*{suffix}")
    return {path.name.removeprefix(prefix).removesuffix(suffix): path for path in found}


def wheel(project: str, version: str, progress: Progress) -> Path:
    """Return the directory of a wheel's unpacked content, fetching it when it is not in the cache.

    :raises UsageError: there is no such version.
    :raises ToolchainError: it can not be fetched, or is not what its own record says.
    """

    def make(directory: Path) -> None:
        with progress.step(f"fetching {project} {version}") as step:
            fetched = directory / ".fetch"
            fetched.mkdir()
            archive = _download(project, version, fetched, step)
            step.update("checking and unpacking")
            unpack(archive, directory)
            archive.unlink()
            for empty in sorted(fetched.rglob("*"), reverse=True):
                empty.unlink() if empty.is_file() else empty.rmdir()
            fetched.rmdir()

    return cache.entry("wheels", f"{project}-{version}-{_machine()}", make)


def unpack(archive: Path, directory: Path) -> None:
    """Unpack a wheel, checking every file against the SHA-256 in the wheel's RECORD.

    :raises ToolchainError: a file is missing, unlisted or altered, or the archive is damaged.
    """
    try:
        with zipfile.ZipFile(archive) as wheel_file:
            record = _record(wheel_file, archive.name)
            for member in wheel_file.infolist():
                if member.is_dir():
                    continue
                _unpack_member(wheel_file, member, record, directory, archive.name)
    except zipfile.BadZipFile as error:
        raise ToolchainError(
            f"{archive.name} is damaged: {error}", hint="run `pip cache purge` and try again"
        ) from error
    if record:
        raise ToolchainError(f"{archive.name} lacks {next(iter(record))}, which its RECORD lists")


def _record(wheel_file: zipfile.ZipFile, name: str) -> dict[str, str]:
    """Return path to digest of each file that must be there; the signature files have none."""
    records = [each for each in wheel_file.namelist() if re.fullmatch(r"[^/]+\.dist-info/RECORD", each)]
    if len(records) != 1:
        raise ToolchainError(f"{name} has no RECORD to check it against")
    rows = csv.reader(io.StringIO(wheel_file.read(records[0]).decode()))
    return {row[0]: row[1] for row in rows if len(row) >= 2 and row[1]}


def _unpack_member(
    wheel_file: zipfile.ZipFile,
    member: zipfile.ZipInfo,
    record: dict[str, str],
    directory: Path,
    name: str,
) -> None:
    if member.filename.endswith((".dist-info/RECORD", ".dist-info/RECORD.jws", ".dist-info/RECORD.p7s")):
        return
    expected = record.pop(member.filename, "")
    relative = Path(member.filename)
    target = directory / relative
    if not expected.startswith("sha256=") or (".." in relative.parts or relative.is_absolute()):
        raise ToolchainError(f"{name} holds {member.filename}, which its RECORD does not vouch for")
    target.parent.mkdir(parents=True, exist_ok=True)
    digest = hashlib.sha256()
    with wheel_file.open(member) as source, target.open("wb") as sink:
        while chunk := source.read(_CHUNK):
            digest.update(chunk)
            sink.write(chunk)
    found = base64.urlsafe_b64encode(digest.digest()).rstrip(b"=").decode()
    if expected != f"sha256={found}":
        raise ToolchainError(
            f"{member.filename} in {name} is not what its RECORD says",
            hint="run `pip cache purge` and try again; if it stays, do not trust the index",
        )
    mode = member.external_attr >> 16 & _PERMISSIONS
    if mode:
        target.chmod(mode)


def _download(project: str, version: str, directory: Path, step: Step) -> Path:
    """Run pip, showing the bytes that have arrived, and return the wheel's path."""
    temporary, destination = directory / "tmp", directory / "wheel"
    temporary.mkdir()
    command = _download_command(f"{project}=={version}", destination)
    environment = {**_environment(), "TMPDIR": str(temporary)}
    output = directory / "pip.log"
    arrived = 0.0
    with output.open("wb") as log:
        process = subprocess.Popen(command, stdout=log, stderr=subprocess.STDOUT, env=environment)
        try:
            while process.poll() is None:
                arrived = _show(step, temporary, output, arrived)
                time.sleep(_POLL_S)
        finally:
            if process.poll() is None:
                process.terminate()
                process.wait()
    said = output.read_text(errors="replace")
    found = list(destination.glob("*.whl"))
    if process.returncode != 0 or not found:
        raise _failure(project, said, version)
    return found[0]


def _show(step: Step, temporary: Path, output: Path, before: float) -> float:
    """Show how many bytes have arrived, which pip keeps in its temporary directory, and return it."""
    announced = _ANNOUNCED.findall(output.read_text(errors="replace"))
    if not announced:
        return before
    sizes = [before]
    for path in temporary.rglob("*"):
        try:
            sizes.append(float(path.stat().st_size))
        except OSError:  # pip has just moved it
            continue
    amount, unit = announced[-1]
    total = float(amount) * _UNITS[unit]
    arrived = min(max(sizes), total)
    step.update("downloading", done=arrived, total=total)
    return arrived


def _download_command(requirement: str, destination: Path) -> list[str]:
    return [
        sys.executable, "-m", "pip", "download", "--no-deps", "--only-binary=:all:", "--no-input",
        "--disable-pip-version-check", "--progress-bar=off", "--dest", str(destination), requirement,
    ]  # fmt: skip


def _environment() -> dict[str, str]:
    return {**os.environ, "PIP_REQUIRE_VIRTUALENV": "0", "PYTHONUNBUFFERED": "1", "LC_ALL": "C.UTF-8"}


def _machine() -> str:
    return f"{sys.platform}-{platform.machine()}"


def _failure(project: str, said: str, version: str = "") -> ToolchainError | NoSpaceError | UsageError:
    """Return the error that pip's output means."""
    what = f"{project} {version}".strip()
    if "No module named pip" in said:
        return ToolchainError(
            f"{what} can not be fetched, because {sys.executable} has no pip",
            hint=f"run `{sys.executable} -m ensurepip`, or put the compiler on PATH yourself",
        )
    if "No space left on device" in said:
        return NoSpaceError(
            f"no space is left for {what}", hint="free some, or set EMULAB_CACHE_DIR to a larger disk"
        )
    if _UNREACHABLE.search(said):
        return ToolchainError(
            f"{what} can not be fetched: pip reaches no package index",
            hint="connect to the network or set pip's index-url (`pip config set global.index-url …`); "
            "a Go on PATH needs neither",
            detail=_tail(said),
        )
    listed = _LISTED.search(said)
    if version and listed is not None and listed[1] != "none":
        return UsageError(f"there is no {what}", hint=f"there are {listed[1]}")
    if listed is not None and listed[1] == "none":
        return ToolchainError(
            f"pip finds no {what}: it reaches no package index, or the index has none for {_machine()}",
            hint="connect to the network or set pip's index-url (`pip config set global.index-url …`)",
            detail=_tail(said),
        )
    return ToolchainError(
        f"{what} can not be fetched by pip for this machine ({_machine()})",
        hint=f"see what `{sys.executable} -m pip download {project}` says",
        detail=_tail(said),
    )


def _tail(text: str, lines: int = 12) -> str:
    return "\n".join(text.strip().splitlines()[-lines:])
