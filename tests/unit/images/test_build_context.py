from __future__ import annotations

import io
import tarfile

from emulab.images.store import context_archive


def archive_of(files: dict[str, bytes], **streams: bytes) -> io.BytesIO:
    target = io.BytesIO()
    context_archive(files, [(name, io.BytesIO(content)) for name, content in streams.items()], target)
    return target


def test_the_archive_has_the_files_and_the_streams() -> None:
    with tarfile.open(
        fileobj=archive_of({"a/b": b"1", "Dockerfile": b"FROM scratch"}, root=b"tar")
    ) as archive:
        contents = {member.name: (archive.extractfile(member) or io.BytesIO()).read() for member in archive}
    assert contents == {"a/b": b"1", "Dockerfile": b"FROM scratch", "root": b"tar"}


def test_scripts_are_executable_whatever_the_checkout_says() -> None:
    with tarfile.open(fileobj=archive_of({"run": b"#!/bin/sh\n", "data": b"x"})) as archive:
        modes = {member.name: member.mode for member in archive}
    assert modes == {"run": 0o755, "data": 0o644}


def test_equal_content_gives_equal_bytes() -> None:
    assert archive_of({"a": b"1", "b": b"2"}).read() == archive_of({"b": b"2", "a": b"1"}).read()
