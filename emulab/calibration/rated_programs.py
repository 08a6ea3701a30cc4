"""Programs that boards are rated by, and which of them a sample is a figure of.

sbc-bench runs ``openssl speed -elapsed -evp aes-N-cbc`` and ``7zr b -mmt=1``. Both are Debian's own, so they
can be had, counted once, and held against the figures of many boards. A sample counts where its version is
counted: of openssl the release series (its letters and last numbers only mend faults), of 7-zip 16.02.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from emulab.data import data_directory
from emulab.profiling.operation_file import OperationFile, read
from emulab.timing.core import core_ids

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from emulab.calibration.schema import Record, Sample, Session
    from emulab.profiling.operation import Operation

CIPHERS: Final = ("aes-128-cbc", "aes-192-cbc", "aes-256-cbc")
BLOCKS: Final = (1024, 16384)
"""Sizes in bytes that count: smaller ones measure the calls, 8 KiB is a near copy of 16."""
RATED_COMMANDS: Final = 1_000_000
"""What one operation of 7-zip is rated as."""
OPENSSL, SEVEN_ZIP = "openssl", "7-zip"

_AES, _NEON = "aes", "neon"
# Their licensees left Arm's Cryptographic Extension out: "Features" and "Flags" of sbc-bench's runs on them
# lack `aes`.
_WITHOUT_AES = re.compile(r"Broadcom BCM27(?:10|11|36|37)|Amlogic S905$")
_ARCHITECTURES = {"arm": "armv7", "arm64": "arm64", "riscv64": "riscv64"}
_SERIES = re.compile(r"(1\.\d\.\d|[3-9]\.\d)(?:[a-z]|\.\d+)?")
_DICTIONARIES = "22-25"


@dataclass(frozen=True)
class RatedProgram:
    """A program as a release of Debian has it.

    :param version: of openssl the release series.
    :param variant: which of its codes it chooses on a processor; "" where it has one only.
    :param suite: the release of Debian.
    """

    tool: str
    version: str
    architecture: str
    variant: str
    suite: str

    @property
    def place(self) -> str:
        """Return the name of its file of operations: ``openssl-3.0-arm64-aes.ops``."""
        words = (self.tool, self.version, self.architecture, self.variant)
        return "-".join(word for word in words if word) + ".ops"

    @property
    def code(self) -> str:
        """Return what it executes, whichever its version: ``openssl arm64 aes``."""
        return " ".join(word for word in (self.tool, self.architecture, self.variant) if word)


PROGRAMS: Final = (
    RatedProgram(OPENSSL, "1.1.1", "arm64", _AES, "bullseye"),
    RatedProgram(OPENSSL, "1.1.1", "arm64", _NEON, "bullseye"),
    RatedProgram(OPENSSL, "3.0", "arm64", _AES, "bookworm"),
    RatedProgram(OPENSSL, "3.0", "arm64", _NEON, "bookworm"),
    RatedProgram(OPENSSL, "3.5", "arm64", _AES, "trixie"),
    RatedProgram(SEVEN_ZIP, "16.02", "arm64", "", "bullseye"),
    RatedProgram(OPENSSL, "1.1.1", "armv7", _NEON, "bullseye"),
    RatedProgram(OPENSSL, "3.0", "armv7", _NEON, "bookworm"),
    RatedProgram(SEVEN_ZIP, "16.02", "armv7", "", "bullseye"),
    RatedProgram(OPENSSL, "3.5", "riscv64", "", "trixie"),
)
"""All that are counted. riscv64 has come with trixie, whose 7-zip is another."""


@dataclass(frozen=True)
class Rated:
    """What a sample is a figure of.

    :param operation: its name in the program's file.
    :param seconds: of one operation: of encrypting a block, or of a million rated commands.
    """

    program: RatedProgram
    operation: str
    seconds: float


def rated_of(session: Session, sample: Sample) -> Rated | None:
    """Return what a sample is a figure of; None where it is of nothing that is counted.

    Flagged samples are not, nor such of 7-zip with other dictionaries than usual.
    """
    if sample.flags or sample.value <= 0 or not sample.core:
        return None
    found = _openssl(session, sample) or _seven_zip(session, sample)
    return found if found is not None and found.program in PROGRAMS else None


def _openssl(session: Session, sample: Sample) -> Rated | None:
    cipher = sample.workload.removeprefix("openssl.")
    block = int(sample.settings.get("block", "0"))
    series = _SERIES.fullmatch(sample.settings.get("openssl", ""))
    if cipher not in CIPHERS or block not in BLOCKS or series is None:
        return None
    architecture = _ARCHITECTURES.get(session.arch, session.arch)
    variant = ""
    if architecture != "riscv64":
        variant = _NEON if _lacks_aes(session, sample) else _AES
    program = _program(OPENSSL, series[1], architecture, variant)
    return Rated(program, f"{cipher}/{block}", block / sample.value) if program is not None else None


def _lacks_aes(session: Session, sample: Sample) -> bool:
    # Cores before Armv8 have none.
    is_old = re.fullmatch(r"cortex-a(?:5|7|8|9|12|15|17)|arm1176", sample.core) is not None
    return is_old or _WITHOUT_AES.match(session.soc) is not None


def _seven_zip(session: Session, sample: Sample) -> Rated | None:
    kind = sample.workload.removeprefix("7-zip.single-thread.")
    settings = sample.settings
    if (
        kind not in ("compress", "decompress")
        or settings.get("threads") != "1"
        or settings.get("dicts", _DICTIONARIES) != _DICTIONARIES
    ):
        return None
    architecture = _ARCHITECTURES.get(session.arch, session.arch)
    program = _program(SEVEN_ZIP, settings.get("version", ""), architecture, "")
    if program is None:
        return None
    return Rated(program, f"{kind}/{sample.core}", RATED_COMMANDS / sample.value)


def _program(tool: str, version: str, architecture: str, variant: str) -> RatedProgram | None:
    wanted = (tool, version, architecture, variant)
    return next(
        (one for one in PROGRAMS if (one.tool, one.version, one.architecture, one.variant) == wanted), None
    )


def cores_of(program: RatedProgram, records: Iterable[Record]) -> list[str]:
    """Return the cores with figures of a program whose pipelines are known, sorted."""
    known = set(core_ids())
    return sorted(
        {
            sample.core
            for record in records
            for sample in record.samples
            if sample.core in known
            and (rated := rated_of(record.session, sample)) is not None
            and rated.program == program
        }
    )


def programs_directory() -> Path:
    """Return where the counted operations of these programs are that ship with emulab."""
    return data_directory("calibration") / "rated"


class RatedOperations:
    """The counted operations of a directory; a file is read when the first of its operations is asked for."""

    def __init__(self, directory: Path | None = None) -> None:
        self._directory = programs_directory() if directory is None else directory
        self._files: dict[RatedProgram, OperationFile | None] = {}

    def find(self, rated: Rated) -> Operation | None:
        """Return the operation that a sample is a figure of, None where it was not counted.

        :raises UsageError: its file is damaged.
        """
        program = rated.program
        if program not in self._files:
            path = self._directory / program.place
            self._files[program] = read(path) if path.is_file() else None
        content = self._files[program]
        return content.operations.get(rated.operation) if content is not None else None
