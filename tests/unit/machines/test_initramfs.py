"""The archive that guests boot from holds what was put into it."""

from __future__ import annotations

import io
import tarfile

from emulab.machines.initramfs import agent_initramfs, archive, directory, entries_of_tar, file


def parse(data: bytes) -> dict[str, bytes]:
    """Read an archive by the format's description alone."""
    found: dict[str, bytes] = {}
    at = 0
    while True:
        assert data[at : at + 6] == b"070701"
        fields = [int(data[at + 6 + 8 * i : at + 14 + 8 * i], 16) for i in range(13)]
        size, name_size = fields[6], fields[11]
        name = data[at + 110 : at + 110 + name_size - 1].decode()
        start = (at + 110 + name_size + 3) // 4 * 4
        if name == "TRAILER!!!":
            return found
        found[name] = data[start : start + size]
        at = (start + size + 3) // 4 * 4


def test_contents_of_any_length_are_kept() -> None:
    entries = [directory("d"), *(file(f"d/f{n}", b"x" * n) for n in range(9))]
    found = parse(archive(entries))
    assert found == {"d": b"", **{f"d/f{n}": b"x" * n for n in range(9)}}


def test_equal_entries_give_equal_bytes() -> None:
    assert agent_initramfs(b"agent") == agent_initramfs(b"agent")
    assert agent_initramfs(b"agent") != agent_initramfs(b"Agent")


def test_a_tar_archive_becomes_files_directories_and_links() -> None:
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w") as tar:
        folder = tarfile.TarInfo("./bin")
        folder.type = tarfile.DIRTYPE
        tar.addfile(folder)
        program = tarfile.TarInfo("./bin/busybox")
        program.size, program.mode = 3, 0o755
        tar.addfile(program, io.BytesIO(b"elf"))
        link = tarfile.TarInfo("./bin/sh")
        link.type, link.linkname = tarfile.SYMTYPE, "busybox"
        tar.addfile(link)
    stream.seek(0)
    entries = entries_of_tar(stream)
    assert [entry.path for entry in entries] == ["bin", "bin/busybox", "bin/sh"]
    assert parse(archive(entries)) == {"bin": b"", "bin/busybox": b"elf", "bin/sh": b"busybox"}
    assert entries[1].mode & 0o777 == 0o755
