"""What ``emulab doctor`` looks at: one check a function, each with what was seen and the way out."""

from __future__ import annotations

import enum
import os
import platform
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from emulab.errors import EmulabError
from emulab.report.units import quantity

if TYPE_CHECKING:
    from collections.abc import Iterator

    from emulab.engine import Engine
    from emulab.engine.host import Host

_OLDEST_PYTHON = (3, 11)
_OLDEST_API = (1, 40)
_GIB = 1 << 30
_SPACE_TO_RUN = 2 * _GIB
_SPACE_TO_BUILD = 12 * _GIB
_MEMORY_TO_RUN = 1 * _GIB
_TOOL_TIMEOUT_S = 10.0
_BINFMT = Path("/proc/sys/fs/binfmt_misc")


class Health(enum.StrEnum):
    """How a check ended."""

    OK = "ok"
    WARN = "warn"
    """Runs work, but something is slower, smaller or left over."""
    MISSING = "missing"
    """Nothing can run before it is mended."""


@dataclass(frozen=True)
class Check:
    """One thing that was looked at.

    :param name: what it is about, one or two words.
    :param health: how it is.
    :param seen: what was found.
    :param fix: what to do about it; "" when there is nothing to do.
    """

    name: str
    health: Health
    seen: str
    fix: str = ""

    def to_json(self) -> dict[str, str]:
        """Return it as it stands in the document."""
        return {"name": self.name, "health": str(self.health), "seen": self.seen, "fix": self.fix}


def runs_are_possible(checks: list[Check]) -> bool:
    """Tell whether anything can be run."""
    return all(check.health is not Health.MISSING for check in checks)


def examine(host: Host, *, online: bool = False) -> Iterator[Check]:
    """Look at everything that runs depend on; what it starts to see whether it works is gone afterwards.

    :param online: ask the package mirror and the Python index too.
    """
    from emulab.engine import connect

    yield _python()
    yield _processor(host)
    yield _memory()
    engine: Engine | None = None
    try:
        engine = connect()
    except EmulabError as error:
        yield Check("engine", Health.MISSING, error.message, error.hint)
    if engine is not None:
        yield from examine_engine(engine)
    yield _binary_formats()
    yield Check("kvm", Health.OK, "not used: the boards' processors are translated, not virtualised")
    yield _mmdebstrap(host)
    yield _go()
    yield from _cache()
    if engine is not None:
        from emulab.upkeep.holdings import images_check, leftovers_check
        from emulab.upkeep.trial import containers_check

        yield images_check(engine)
        yield containers_check(engine)
        yield leftovers_check(engine)
    if online:
        from emulab.upkeep.reachability import package_mirror, python_index

        yield package_mirror(host)
        yield python_index()


def examine_engine(engine: Engine) -> Iterator[Check]:
    """Look at an engine that answers: its version, its limits and its disk."""
    from emulab.engine.container import engine_errors

    try:
        with engine_errors("state of the container engine could not be had"):
            info: dict[str, Any] = engine.client.info()
            api = str(engine.client.api.version()["ApiVersion"])
    except EmulabError as error:
        yield Check("engine", Health.MISSING, error.message, error.hint)
        return
    yield _engine_version(engine, info, api)
    yield _storage(info)
    yield _limits(info)
    root = Path(str(info.get("DockerRootDir") or "/"))
    if engine.is_local and root.exists():
        yield _space("engine's disk", root)


def _python() -> Check:
    seen = f"Python {platform.python_version()} ({sys.executable})"
    if sys.version_info < _OLDEST_PYTHON:
        return Check("python", Health.MISSING, seen, "install Python 3.11 or newer")
    return Check("python", Health.OK, seen)


def _processor(host: Host) -> Check:
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    seen = f"{cores} core{'s' if cores != 1 else ''}, {platform.machine()}, {host.name}"
    if cores == 1:
        fix = "figures are steadier where the load's driver has a core of its own"
        return Check("processor", Health.WARN, seen, fix)
    return Check("processor", Health.OK, seen)


def _memory() -> Check:
    try:
        rows = dict(line.split(":", 1) for line in Path("/proc/meminfo").read_text().splitlines())
    except OSError:
        return Check("memory", Health.OK, "not known on this system; the engine has its own limit")
    total, available = (int(rows[key].split()[0]) * 1024 for key in ("MemTotal", "MemAvailable"))
    seen = f"{quantity(available, 'B')} of {quantity(total, 'B')} available"
    if available < _MEMORY_TO_RUN:
        return Check("memory", Health.WARN, seen, "close what needs memory: a run may be killed for it")
    return Check("memory", Health.OK, seen)


def _engine_version(engine: Engine, info: dict[str, Any], api: str) -> Check:
    version = info.get("ServerVersion", "of unknown version")
    seen = f"{info.get('OperatingSystem', 'engine')}: {version}, API {api}, at {engine.address}"
    if tuple(int(part) for part in api.split(".")) < _OLDEST_API:
        oldest = ".".join(map(str, _OLDEST_API))
        return Check("engine", Health.MISSING, seen, f"update it: emulab speaks API {oldest} and newer")
    return Check("engine", Health.OK, seen)


def _storage(info: dict[str, Any]) -> Check:
    driver = str(info.get("Driver", "unknown"))
    seen = f"storage driver {driver}, control groups v{info.get('CgroupVersion', '?')}"
    if driver == "vfs":
        fix = "vfs copies an image for every container: keep the engine's data on ext4 or xfs, for overlay2"
        return Check("storage", Health.WARN, seen, fix)
    return Check("storage", Health.OK, seen)


def _limits(info: dict[str, Any]) -> Check:
    names = {"MemoryLimit": "memory", "CpuCfsQuota": "processor", "PidsLimit": "process"}
    absent = [title for key, title in names.items() if info.get(key) is False]
    if absent:
        fix = "mount the control group controllers of the host's kernel"
        return Check("limits", Health.WARN, f"the engine has no {' and no '.join(absent)} limit", fix)
    return Check("limits", Health.OK, "memory, processor and process limits hold")


def _space(name: str, path: Path) -> Check:
    usage = shutil.disk_usage(path)
    seen = f"{quantity(usage.free, 'B')} of {quantity(usage.total, 'B')} free at {path}"
    if usage.free < _SPACE_TO_RUN:
        return Check(name, Health.MISSING, seen, "free some, or `emulab clean --cache`")
    if usage.free < _SPACE_TO_BUILD:
        return Check(
            name, Health.WARN, seen, f"building every image takes about {quantity(_SPACE_TO_BUILD, 'B')}"
        )
    return Check(name, Health.OK, seen)


def _binary_formats() -> Check:
    name = "binfmt_misc"
    if platform.system() != "Linux":
        return Check(name, Health.OK, "belongs to the engine's own Linux here")
    try:
        entries = sorted(path.name for path in _BINFMT.iterdir())
    except OSError:
        entries = []
    if "status" not in entries:
        return Check(name, Health.OK, "not mounted; a run that needs it mounts it in a container of its own")
    if (_BINFMT / "status").read_text().strip() != "enabled":
        fix = f"as root: `echo 1 > {_BINFMT}/status`; else programs that start others need --mode system"
        return Check(name, Health.WARN, "switched off", fix)
    foreign = [entry for entry in entries if entry not in ("status", "register")]
    return Check(name, Health.OK, f"enabled, with {', '.join(foreign) or 'no entries'}")


def _mmdebstrap(host: Host) -> Check:
    path = host.program("mmdebstrap")
    if path is not None:
        return Check("mmdebstrap", Health.OK, path)
    fix = "`emulab setup` installs it" if host.has_apt else ""
    return Check("mmdebstrap", Health.WARN, "absent: base images then need a registry", fix)


def _go() -> Check:
    path = shutil.which("go")
    if path is None:
        return Check("go", Health.OK, "none on PATH; a toolchain is fetched once when it is needed")
    try:
        output = subprocess.run(
            [path, "version"], capture_output=True, text=True, timeout=_TOOL_TIMEOUT_S, check=True
        )
    except (OSError, subprocess.SubprocessError) as error:
        fix = "repair it or take it off PATH; a toolchain is then fetched"
        return Check("go", Health.WARN, f"{path} does not work ({error.__class__.__name__})", fix)
    return Check("go", Health.OK, f"{output.stdout.strip().removeprefix('go version ')} ({path})")


def _cache() -> Iterator[Check]:
    from emulab.cache import cache_root
    from emulab.upkeep.holdings import tree_size

    root = cache_root()
    nearest = next(path for path in (root, *root.parents) if path.exists())
    if not os.access(nearest, os.W_OK | os.X_OK):
        fix = "set EMULAB_CACHE_DIR to a directory that is"
        yield Check("cache", Health.MISSING, f"{root} is not writable", fix)
        return
    held = f"{quantity(tree_size(root), 'B')} in {root}" if root.exists() else f"{root} (empty)"
    yield Check("cache", Health.OK, held)
    yield _space("cache's disk", nearest)
