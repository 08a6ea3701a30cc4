"""Which test binaries the samples are figures of, and so what has to be counted for them."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from emulab.calibration.schema import Flag

if TYPE_CHECKING:
    from collections.abc import Iterable

    from emulab.calibration.schema import Record, Sample, Session

OLDEST = (1, 20)
"""The oldest release of Go whose test binaries are counted."""

_UNUSABLE = frozenset(
    {
        Flag.NO_RELEASE,
        Flag.OLD_TOOLCHAIN,
        Flag.KERNEL_TRAP,
        Flag.KERNEL_FIGURE,
        Flag.IMPOSSIBLE,
        Flag.ANOMALOUS,
        Flag.DUPLICATE,
    }
)
_ARCHITECTURES = {"arm": "armv7", "arm64": "arm64", "riscv64": "riscv64", "amd64": "amd64"}
# Go's own defaults: <https://go.dev/doc/install/source#environment>.
_LEVELS = {
    "armv7": ("GOARM", "7"),
    "arm64": ("GOARM64", "v8.0"),
    "riscv64": ("GORISCV64", "rva20u64"),
}
_PUREGO = "purego"
_RELEASE = re.compile(r"go(\d+)\.(\d+)")
_BENCHMARK = ".Benchmark"
# Those with most to say first.
_FIRST = ("sifive-u74", "spacemit-x60", "cortex-a72", "cortex-a7", "cortex-a53", "xuantie-c910")


@dataclass(frozen=True)
class Program:
    """A test binary on a core.

    :param core: the core's id in the catalogue, "" when it is not known.
    :param architecture: emulab's name.
    :param package: its import path.
    :param go: the release of Go, such as ``go1.24``.
    :param level: the value of GOARM, GOARM64 or GORISCV64, Go's default where the source says nothing.
    :param tags: with which build tags.
    """

    core: str
    architecture: str
    package: str
    go: str
    level: str
    tags: tuple[str, ...] = ()

    @property
    def settings(self) -> dict[str, str]:
        """Return its level by the variable's name."""
        name, _ = _LEVELS.get(self.architecture, ("", ""))
        return {name: self.level} if name else {}

    @property
    def place(self) -> str:
        """Return the name of its file of operations: ``sifive-u74/math-big-go1.24-rva20u64.ops``."""
        name, _ = _LEVELS.get(self.architecture, ("", ""))
        level = f"{name.lower()}{self.level}" if name == "GOARM" else self.level
        words = [self.package, self.go, level, *self.tags]
        stem = "-".join(re.sub(r"[^A-Za-z0-9.]+", "-", word) for word in words if word)
        return f"{self.core or f'unknown-{self.architecture}'}/{stem}.ops"


def is_usable(sample: Sample) -> bool:
    """Tell whether a sample is the time of a Go benchmark that a model can be held to."""
    return (
        _BENCHMARK in sample.workload
        and sample.unit == "s/op"
        and sample.value > 0
        and not _UNUSABLE.intersection(sample.flags)
    )


def program_of(session: Session, sample: Sample) -> Program | None:
    """Return the test binary that a usable sample is a figure of; None where it has none to be had."""
    release = _RELEASE.match(sample.go)
    if not is_usable(sample) or release is None or (int(release[1]), int(release[2])) < OLDEST:
        return None
    architecture = _ARCHITECTURES.get(session.arch, session.arch)
    name, default = _LEVELS.get(architecture, ("", ""))
    return Program(
        core=sample.core,
        architecture=architecture,
        package=sample.workload.partition(_BENCHMARK)[0],
        go=sample.go,
        level=sample.settings.get(name, default),
        tags=(_PUREGO,) if sample.settings.get("variant") == _PUREGO else (),
    )


def benchmark_of(sample: Sample) -> str:
    """Return the name of a sample's benchmark as Go prints it: ``BenchmarkAddVV/1``."""
    _, name, rest = sample.workload.partition(_BENCHMARK)
    # Go writes names so itself; a table made by hand may have them as the source of the test has.
    return f"{name.removeprefix('.')}{rest}".replace(" ", "_")


@dataclass(frozen=True)
class Wanted:
    """What is to be counted of a test binary.

    :param benchmarks: sorted names.
    :param board: the board that most of its samples were measured on, "" when none is known.
    :param samples: how many samples need it.
    """

    program: Program
    benchmarks: tuple[str, ...]
    board: str
    samples: int


def wanted_of(records: Iterable[Record]) -> list[Wanted]:
    """Return what is to be counted for the usable samples of sessions, the cores with most samples first."""
    benchmarks: dict[Program, set[str]] = {}
    boards: dict[Program, list[str]] = {}
    for record in records:
        for sample in record.samples:
            program = program_of(record.session, sample)
            if program is not None:
                benchmarks.setdefault(program, set()).add(benchmark_of(sample))
                boards.setdefault(program, []).append(record.session.board)
    wanted = []
    for program, names in benchmarks.items():
        known = sorted(board for board in boards[program] if board)
        board = max(known, key=known.count) if known else ""
        wanted.append(Wanted(program, tuple(sorted(names)), board, len(boards[program])))
    return sorted(wanted, key=lambda each: (_turn(each.program.core), each.program.place))


def _turn(core: str) -> int:
    return _FIRST.index(core) if core in _FIRST else len(_FIRST) + (core == "")
