"""The content-addressed cache on this machine's disk.

An entry is a directory named by the digest of everything that determines its content. It is made in
a private place and renamed into sight, so that a reader never sees half of one and a killed writer
leaves only a scratch directory, which the next sweep removes. Several processes may ask for one
entry at once: the first makes it, the others wait.
"""

from __future__ import annotations

import errno
import hashlib
import json
import os
import shutil
import time
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from emulab.errors import InfrastructureError, NoSpaceError
from emulab.owner import Owner

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

_SCRATCH_LIFETIME_S = 24 * 3600.0
"""How long a scratch directory whose owner can not be judged is left alone."""


def cache_root() -> Path:
    """Return the cache's directory: ``EMULAB_CACHE_DIR``, else the XDG cache's ``emulab``."""
    override = os.environ.get("EMULAB_CACHE_DIR")
    if override:
        return Path(override).expanduser().absolute()
    import platformdirs

    return Path(platformdirs.user_cache_dir("emulab"))


def mount_of(path: Path) -> Path:
    """Return the mount point of the file system that a path lies on; the path need not exist."""
    path = path.absolute()
    while not os.path.ismount(path):
        path = path.parent
    return path


def digest(value: Any) -> str:
    """Return the hexadecimal SHA-256 of a JSON-serialisable value, independent of key order."""
    text = json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return hashlib.sha256(text.encode()).hexdigest()


def file_digest(path: Path) -> str:
    """Return the hexadecimal SHA-256 of a file's content."""
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


@contextmanager
def locked(name: str) -> Iterator[None]:
    """Hold the machine-wide lock ``name`` (a path below the cache's ``locks``)."""
    from filelock import FileLock

    path = _lock_file(name)
    with out_of_space_is_said():
        path.parent.mkdir(parents=True, exist_ok=True)
    with FileLock(path):
        yield


def is_locked(name: str) -> bool:
    """Tell whether some process holds the lock ``name`` now."""
    from filelock import FileLock, Timeout

    path = _lock_file(name)
    if not path.exists():
        return False
    try:
        with FileLock(path, timeout=0):
            return False
    except Timeout:
        return True


def _lock_file(name: str) -> Path:
    return cache_root() / "locks" / f"{name.replace('/', '-')}.lock"


@contextmanager
def out_of_space_is_said() -> Iterator[None]:
    """Turn the operating system's "no space" and "not writable" into emulab's errors."""
    try:
        yield
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            root = cache_root()
            raise NoSpaceError(
                f"no space is left for emulab's cache in {root}, on the disk at {mount_of(root)}",
                hint="free some, run `emulab clean --cache`, or set EMULAB_CACHE_DIR to a larger disk",
            ) from error
        if error.errno in (errno.EACCES, errno.EROFS, errno.EPERM, errno.ENOTDIR):
            raise InfrastructureError(
                f"emulab's cache {cache_root()} is not writable ({error.strerror})",
                hint="set EMULAB_CACHE_DIR to a directory that is",
            ) from error
        raise


@contextmanager
def scratch(label: str) -> Iterator[Path]:
    """Give a fresh directory in the cache that is removed at the end; a killed process's by a later sweep.

    :param label: what it is for; the start of its name.
    :raises NoSpaceError: the disk is full.
    """
    import tempfile

    directory = _scratch_root()
    with out_of_space_is_said():
        directory.mkdir(parents=True, exist_ok=True)
        made = tempfile.TemporaryDirectory(
            prefix=f"{label}-",
            suffix=f"-{Owner.current().named('-')}",
            dir=directory,
            ignore_cleanup_errors=True,
        )
    with made as name:
        yield Path(name)


def entry(kind: str, key: str, make: Callable[[Path], None]) -> Path:
    """Return the directory of an entry, calling ``make(directory)`` to fill it when there is none.

    :param kind: what it is, a file name such as ``builds``.
    :param key: the digest of everything that determines the content.
    :param make: fills an empty directory; what it raises is passed on and leaves no entry.
    :raises NoSpaceError: the disk is full.
    """
    final = cache_root() / kind / key
    if final.is_dir():
        return final
    with locked(f"{kind}-{key}"), out_of_space_is_said():
        if final.is_dir():
            return final
        with scratch(f"{kind}-{key[:16]}") as directory:
            # One below: the scratch directory itself is for its owner's eyes only.
            made = directory / key[:16]
            made.mkdir()
            make(made)
            final.parent.mkdir(parents=True, exist_ok=True)
            made.rename(final)
    return final


def stale_scratch(*, everything: bool = False) -> list[Path]:
    """Return what killed writers left: of a process that is gone, or can not be judged and is long ago.

    :param everything: the scratch of living processes too.
    """
    return [path for path in sorted(_scratch_root().glob("*")) if everything or _is_stale(path)]


def _is_stale(path: Path) -> bool:
    owner = Owner.parse("-".join(path.name.rsplit("-", 3)[1:]), "-")
    if owner is not None and owner.is_here():
        return owner.is_gone()
    # Of another host or namespace of process ids that shares this cache, or of another version.
    try:
        return time.time() - path.stat().st_mtime > _SCRATCH_LIFETIME_S
    except OSError:
        return False  # its owner has just finished it


def sweep_scratch() -> list[Path]:
    """Remove what killed writers left, and return it."""
    removed = stale_scratch()
    for path in removed:
        shutil.rmtree(path, ignore_errors=True)
    return removed


def _scratch_root() -> Path:
    return cache_root() / "scratch"
