"""Writing an initial RAM filesystem (cpio, "newc") without privileges.

Format: Linux ``Documentation/driver-api/early-userspace/buffer-format.rst``.
"""

from __future__ import annotations

import stat
import tarfile
from dataclasses import dataclass
from typing import IO, TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

_MAGIC = b"070701"
_TRAILER = "TRAILER!!!"
_CONSOLE = (5, 1)


@dataclass(frozen=True)
class Entry:
    """One file, directory or device of the archive.

    :param path: relative to the root, without a leading slash.
    :param mode: type and permission bits, as in ``st_mode``.
    :param content: a regular file's bytes or a link's target.
    :param device: major and minor number of a device node.
    """

    path: str
    mode: int
    content: bytes = b""
    device: tuple[int, int] = (0, 0)


def file(path: str, content: bytes, permissions: int = 0o644) -> Entry:
    """Return a regular file."""
    return Entry(path, stat.S_IFREG | permissions, content)


def directory(path: str, permissions: int = 0o755) -> Entry:
    """Return a directory."""
    return Entry(path, stat.S_IFDIR | permissions)


def archive(entries: Iterable[Entry]) -> bytes:
    """Return the archive; equal entries give equal bytes (every time stamp and owner is 0)."""
    parts = [_record(number, entry) for number, entry in enumerate(entries, start=1)]
    parts.append(_record(0, Entry(_TRAILER, 0)))
    return b"".join(parts)


def entries_of_tar(stream: IO[bytes]) -> list[Entry]:
    """Return a tar archive's files, directories and links as entries; hard links become files."""
    entries = []
    with tarfile.open(fileobj=stream) as tar:
        for member in tar:
            name = member.name.removeprefix("./").rstrip("/")
            if member.isdir() and name not in ("", "."):
                entries.append(directory(name, member.mode))
            elif member.issym():
                entries.append(Entry(name, stat.S_IFLNK | 0o777, member.linkname.encode()))
            elif member.isfile() or member.islnk():
                content = tar.extractfile(member)
                assert content is not None
                entries.append(file(name, content.read(), member.mode))
    return entries


def agent_initramfs(agent: bytes, files: Iterable[Entry] = ()) -> bytes:
    """Return the archive that a guest boots from: the agent as ``/init``, and further files."""
    skeleton = [directory(name) for name in ("dev", "proc", "sys", "run", "tmp", "newroot", "work")]
    # The kernel opens the console for its first process before anything is mounted.
    console = Entry("dev/console", stat.S_IFCHR | 0o600, device=_CONSOLE)
    return archive([*skeleton, console, file("init", agent, 0o755), *files])


def _record(number: int, entry: Entry) -> bytes:
    name = entry.path.encode() + b"\0"
    fields = [number, entry.mode, 0, 0, 1, 0, len(entry.content), 0, 0, *entry.device, len(name), 0]
    head = _MAGIC + b"".join(b"%08X" % value for value in fields) + name
    return _padded(head) + _padded(entry.content)


def _padded(data: bytes) -> bytes:
    return data + b"\0" * (-len(data) % 4)
