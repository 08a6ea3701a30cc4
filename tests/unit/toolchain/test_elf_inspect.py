from __future__ import annotations

import os
import shutil
import struct
import sys
import time
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from emulab.errors import UsageError
from emulab.toolchain.artifact import artifact_of_binary
from emulab.toolchain.elf import inspect
from emulab.toolchain.elf_facts import facts_from_json, facts_to_json

TRUE = Path(shutil.which("true") or "/bin/true").resolve()
ON_LINUX = pytest.mark.skipif(sys.platform != "linux", reason="reads this machine's own Linux programs")


def minimal_elf(
    machine: int, *, wide: bool = True, big: bool = False, kind: int = 2, flags: int = 0
) -> bytes:
    """Return an ELF header with one loaded segment: the least that is a program."""
    order = ">" if big else "<"
    ident = b"\x7fELF" + bytes([2 if wide else 1, 2 if big else 1, 1, 0]) + bytes(8)
    size, entry = (64, 56) if wide else (52, 32)
    address = "Q" if wide else "I"
    header = struct.pack(
        f"{order}HHI{address}{address}{address}IHHHHHH",
        kind, machine, 1, 0x10000, size, 0, flags, size, entry, 1, 64 if wide else 40, 0, 0,
    )  # fmt: skip
    if wide:
        segment = struct.pack(
            f"{order}IIQQQQQQ", 1, 5, 0, 0x10000, 0x10000, size + entry, size + entry, 0x10000
        )
    else:
        segment = struct.pack(
            f"{order}IIIIIIII", 1, 0, 0x10000, 0x10000, size + entry, size + entry, 5, 0x1000
        )
    return ident + header + segment


@pytest.mark.parametrize(
    ("content", "architecture", "float_abi"),
    [
        (minimal_elf(183), "arm64", None),
        (minimal_elf(243, flags=5), "riscv64", "hard"),
        (minimal_elf(243, flags=0), "riscv64", "soft"),
        (minimal_elf(40, wide=False, flags=0x05000400), "arm", "hard"),
        (minimal_elf(40, wide=False, flags=0x05000200), "arm", "soft"),
        (minimal_elf(62), "amd64", None),
        (minimal_elf(21, big=True), "ppc64", None),
        (minimal_elf(21), "ppc64le", None),
        (minimal_elf(183, big=True), "arm64be", None),
        (minimal_elf(0x9999), "39321", None),
    ],
)
def test_the_architecture_is_named_as_go_names_it(
    tmp_path: Path, content: bytes, architecture: str, float_abi: str | None
) -> None:
    path = tmp_path / "program"
    path.write_bytes(content)
    facts = inspect(path)
    assert (facts.architecture, facts.float_abi, facts.kind) == (architecture, float_abi, "program")
    assert facts.stripped
    assert not facts.dynamic
    assert facts_from_json(facts_to_json(facts)) == facts


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "is empty"),
        (b"#!/bin/sh\necho\n", "is a script"),
        (b"MZ\x90\0" + bytes(200), "is a Windows program"),
        (b"\xcf\xfa\xed\xfe" + bytes(200), "is a macOS program"),
        (b"!<arch>\n", "is an archive"),
        (b"hello, world", "is no ELF file"),
        (b"\x7fELF", "damaged or truncated"),
        (minimal_elf(183)[:40], "damaged or truncated"),
        (minimal_elf(183)[:70], "damaged or truncated"),
        (minimal_elf(183)[:-1], "damaged or truncated"),
    ],
)
def test_what_is_no_whole_elf_file_is_refused_by_name(tmp_path: Path, content: bytes, words: str) -> None:
    path = tmp_path / "program"
    path.write_bytes(content)
    with pytest.raises(UsageError, match=words) as caught:
        artifact_of_binary(path)
    assert str(path) in caught.value.message
    assert caught.value.hint


def test_a_path_that_is_no_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="no file"):
        artifact_of_binary(tmp_path / "none")
    with pytest.raises(UsageError, match="is a directory"):
        artifact_of_binary(tmp_path)
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    with pytest.raises(UsageError, match="no regular file"):
        artifact_of_binary(pipe)


@pytest.mark.parametrize(
    ("kind", "words"), [(1, "an object file"), (3, "a shared library"), (4, "a core dump")]
)
def test_an_elf_file_that_is_no_program_is_no_artifact(tmp_path: Path, kind: int, words: str) -> None:
    path = tmp_path / "file"
    path.write_bytes(minimal_elf(183, kind=kind))
    with pytest.raises(UsageError, match=words):
        artifact_of_binary(path)


@ON_LINUX
def test_a_dynamic_program_of_this_machine_tells_its_linker_libraries_and_versions() -> None:
    facts = inspect(TRUE)
    if not facts.dynamic:
        pytest.skip("this machine's programs are static")
    assert facts.interpreter is not None
    assert facts.interpreter.startswith("/lib")
    assert any(name.startswith("libc") for name in facts.needed)
    assert facts.section_size(".text") > 0
    assert facts.section_size(".no-such-section") == 0
    if "musl" not in facts.interpreter:
        assert facts.symbol_version("GLIBC") is not None
    assert artifact_of_binary(TRUE).size == TRUE.stat().st_size


@ON_LINUX
@settings(max_examples=120, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    cut=st.none() | st.integers(0, 40_000),
    edits=st.lists(st.tuples(st.integers(0, 1 << 16), st.binary(min_size=1, max_size=8)), max_size=12),
    in_headers=st.booleans(),
)
def test_a_damaged_program_is_read_or_refused_but_never_crashes_or_hangs(
    tmp_path: Path, cut: int | None, edits: list[tuple[int, bytes]], in_headers: bool
) -> None:
    content = bytearray(TRUE.read_bytes()[:cut])
    for offset, replacement in edits:
        place = offset % (0x400 if in_headers else max(1, len(content)))
        content[place : place + len(replacement)] = replacement
    path = tmp_path / "program"
    path.write_bytes(content)
    begun = time.monotonic()
    with suppress(UsageError):
        inspect(path)
    assert time.monotonic() - begun < 5


@given(st.binary(max_size=400))
@settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_garbage_behind_the_magic_never_crashes(tmp_path: Path, noise: bytes) -> None:
    path = tmp_path / "program"
    path.write_bytes(b"\x7fELF\x02\x01\x01" + noise)
    with suppress(UsageError):
        inspect(path)
