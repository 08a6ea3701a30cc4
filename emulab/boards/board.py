"""What is known of a board, as values.

Sizes and clocks are held in the unit that the field's name ends in (``_kib``, ``_mib``, ``_mhz``), as
data sheets print them; ``to_json`` gives them in SI base units. What is not known is ``None``.
"""

from __future__ import annotations

import re
from typing import Any, Literal

import msgspec

from emulab.architectures import ARCHITECTURES, Architecture
from emulab.boards import features
from emulab.errors import UsageError, WorkloadError

Kind = Literal["board", "generic", "host", "chip"]
Arch = Literal["arm64", "armv7", "riscv64", "amd64", "thumb", "xtensa", "rv32imc", "rv32imac"]
Libc = Literal["glibc", "glibc-old", "musl"]


class Facts(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Base of all values here: immutable, named fields only, strangers refused."""


class Cache(Facts, frozen=True, kw_only=True):
    """One level of cache.

    :param size_kib: size of one instance, in KiB.
    :param ways: associativity.
    :param line_b: length of a line in bytes.
    :param shared_by: how many cores share one instance; more than the cluster has, where clusters share it.
    """

    size_kib: int
    ways: int | None = None
    line_b: int | None = None
    shared_by: int = 1


class Core(Facts, frozen=True, kw_only=True):
    """A processor core's design, the same wherever it is built in.

    :param decode_width: instructions decoded (and, in order, issued) per cycle.
    """

    id: str
    name: str
    maker: str
    out_of_order: bool | None = None
    decode_width: int | None = None


class MeasuredClock(Facts, frozen=True, kw_only=True):
    """A clock that sbc-bench measured, as against the one that the kernel claims.

    :param run: the name of the result file.
    :param claimed_mhz: what the kernel claimed at that moment.
    """

    clock_mhz: float
    run: str
    device: str
    claimed_mhz: float | None = None
    after_load_mhz: float | None = None


class ClusterFacts(Facts, frozen=True, kw_only=True):
    """Cores of one design that share a clock.

    :param nominal_mhz: the highest clock that the maker states, in MHz.
    :param operating_points_mhz: the clocks the kernel can choose, ascending.
    :param l2: per core where ``shared_by`` is 1, of the cluster where it is the count.
    """

    count: int
    nominal_mhz: float
    operating_points_mhz: tuple[float, ...] = ()
    measured: tuple[MeasuredClock, ...] = ()
    l1i: Cache | None = None
    l1d: Cache | None = None
    l2: Cache | None = None
    l3: Cache | None = None


class Cluster(ClusterFacts, frozen=True, kw_only=True):
    """A cluster of a board, with its name there (``big``, ``little``) and its core's design."""

    name: str
    core: Core


class Soc(Facts, frozen=True, kw_only=True):
    """The chip."""

    name: str
    maker: str


class Isa(Facts, frozen=True, kw_only=True):
    """What the cores can execute.

    :param base: the architecture's version, as its owner writes it.
    :param profile: the highest RISC-V profile that the cores fulfil.
    :param flags: as Linux prints them in /proc/cpuinfo; extensions one by one on RISC-V.
    :param vector_bits: length of a vector register, where there are any of no fixed length.
    :param misaligned_access: what an access across its natural alignment costs.
    """

    base: str
    profile: str | None = None
    flags: tuple[str, ...]
    vector_bits: int | None = None
    misaligned_access: Literal["fast", "slow", "emulated"] | None = None


class Memory(Facts, frozen=True, kw_only=True):
    """DRAM.

    :param assumed_mib: the size that emulab assumes.
    :param sold_mib: the sizes the board is sold with.
    :param peak_gb_per_s: transfer rate times width, in 10^9 B/s.
    """

    assumed_mib: int
    sold_mib: tuple[int, ...] = ()
    type: str | None = None
    bus_bits: int | None = None
    transfer_rate_mt_s: int | None = None
    peak_gb_per_s: float | None = None


class Software(Facts, frozen=True, kw_only=True):
    """The system that is assumed to run on the board.

    :param libc: which root filesystem stands for it.
    :param libc_version: the version of the C library on the board itself.
    """

    kernel: str
    libc: Libc
    libc_version: str | None = None
    distribution: str | None = None
    page_kib: int = 4


class ThermalZoneFacts(Facts, frozen=True, kw_only=True):
    """Trip points of one zone in degrees Celsius."""

    passive_c: tuple[float, ...] = ()
    hot_c: float | None = None
    critical_c: float | None = None


class ThermalZone(ThermalZoneFacts, frozen=True, kw_only=True):
    """A thermal zone with its name."""

    name: str


class Emulation(Facts, frozen=True, kw_only=True):
    """How QEMU stands in for the board.

    :param model: id of the entry in the catalogue's ``models``.
    :param user: the argument of ``-cpu`` in user mode.
    :param system: the argument of ``-cpu`` in system mode, on the machine ``virt``.
    :param vcpus: how many processors a machine gets.
    :param reports: the flags that a program sees under that model in user mode.
    """

    model: str
    user: str
    system: str
    vcpus: int
    reports: tuple[str, ...]


class GoSettings(Facts, frozen=True, kw_only=True):
    """What to set when building and running Go programs for the board; ``None`` leaves Go's default."""

    goarm: str | None = None
    goarm64: str | None = None
    goriscv64: str | None = None
    gomaxprocs: int


class Chip(Facts, frozen=True, kw_only=True):
    """A microcontroller's room, for the verdict on chips without Linux.

    :param ram_kib: RAM that a program can use, inside the package.
    :param psram_kib: RAM on the module outside the chip.
    :param flash_kib: flash on the board assumed.
    :param tinygo: name of TinyGo's target, ``None`` where TinyGo has none for the board.
    :param nearest: id of a similar board that TinyGo can build for.
    """

    ram_kib: int
    flash_kib: int
    psram_kib: int | None = None
    mmu: bool = False
    linux: str = "none"
    tinygo: str | None = None
    nearest: str | None = None


class Source(Facts, frozen=True, kw_only=True):
    """Where figures come from: ``field`` is a path into the board, the longest that fits counts."""

    field: str
    text: str


class Note(Facts, frozen=True, kw_only=True):
    """Something a reader should know; ``topic`` is one word."""

    topic: str
    text: str


class Board(Facts, frozen=True, kw_only=True):
    """Everything known of one board."""

    id: str
    kind: Kind = "board"
    name: str
    maker: str
    arch: Arch
    soc: Soc
    clusters: tuple[Cluster, ...] = ()
    isa: Isa | None = None
    memory: Memory | None = None
    software: Software | None = None
    thermal: tuple[ThermalZone, ...] = ()
    emulation: Emulation | None = None
    go: GoSettings | None = None
    chip: Chip | None = None
    sources: tuple[Source, ...] = ()
    notes: tuple[Note, ...] = ()

    @property
    def runs_go(self) -> bool:
        """Whether a program of the standard Go toolchain can run on the board."""
        return self.kind != "chip"

    @property
    def cores(self) -> int:
        """The number of cores that run the operating system."""
        return sum(cluster.count for cluster in self.clusters)

    @property
    def fastest(self) -> Cluster:
        """The cluster with the highest nominal clock; the wider core where clocks are equal.

        :raises UsageError: the board has no cluster (a generic target).
        """
        if not self.clusters:
            raise UsageError(
                f"{self.id} stands for an architecture and has no clock or cache of its own",
                hint="name a board, `emulab boards` lists them",
            )
        return max(self.clusters, key=lambda c: (c.nominal_mhz, c.core.decode_width or 0))

    @property
    def architecture(self) -> Architecture:
        """The guest architecture.

        :raises UsageError: emulab emulates no such architecture.
        """
        if self.arch not in ARCHITECTURES:
            raise UsageError(
                f"{self.id} is of the architecture {self.arch}, which emulab does not emulate",
                hint=f"boards of {', '.join(ARCHITECTURES)} can be emulated",
            )
        return ARCHITECTURES[self.arch]

    def build_environment(self) -> dict[str, str]:
        """Return what ``go build`` needs in its environment for the best code the board can run.

        :raises WorkloadError: no Go program can run on the board.
        """
        self.require_go()
        settings = self.go
        environment = {"GOOS": "linux", "GOARCH": {"armv7": "arm"}.get(self.arch, self.arch)}
        if settings is not None:
            for name in ("goarm", "goarm64", "goriscv64"):
                value = getattr(settings, name)
                if value is not None:
                    environment[name.upper()] = value
        return environment

    def run_environment(self, go: tuple[int, int] = (1, 26)) -> dict[str, str]:
        """Return what a program built by Go ``go`` needs in its environment to behave as on the board.

        ``GOMAXPROCS`` is the board's number of cores. ``GODEBUG`` switches off what the emulated
        processor reports and the board's does not, where Go has a switch for it.
        """
        environment = {}
        if self.go is not None:
            environment["GOMAXPROCS"] = str(self.go.gomaxprocs)
        switches = features.go_switches(self, go)
        if switches:
            environment["GODEBUG"] = ",".join(switches)
        return environment

    def differences(self) -> features.Differences:
        """Return in which instructions the emulated processor differs from the board's."""
        return features.differences(self)

    def refusal(self) -> str | None:
        """Return why no standard Go program can run here, in numbers; ``None`` where one can."""
        if self.runs_go:
            return None
        from emulab.boards import verdict

        return verdict.refusal(self)

    def way_out(self) -> str | None:
        """Return what can be done instead where no standard Go program can run; else ``None``."""
        if self.runs_go:
            return None
        from emulab.boards import verdict

        return verdict.way_out(self)

    def require_go(self) -> None:
        """Do nothing where standard Go programs can run.

        :raises WorkloadError: none can; the message is :meth:`refusal`, the hint :meth:`way_out`.
        """
        reason = self.refusal()
        if reason is not None:
            raise WorkloadError(reason, hint=self.way_out() or "")

    def source(self, field: str) -> str | None:
        """Return where the figure at a path (``clusters.big.l2.size_kib``) comes from."""
        fitting = [s for s in self.sources if field == s.field or field.startswith(s.field + ".")]
        return max(fitting, key=lambda s: len(s.field)).text if fitting else None

    def to_json(self) -> dict[str, Any]:
        """Return the board as a JSON document, in SI base units, with the verdicts drawn from it."""
        document: dict[str, Any] = _in_si_units(msgspec.to_builtins(self))
        document["sources"] = {_si_name(source.field): source.text for source in self.sources}
        document["notes"] = {note.topic: note.text for note in self.notes}
        document["runs_go"] = self.runs_go
        if self.runs_go:
            difference = self.differences()
            document["differences"] = {
                "not_on_the_board": list(difference.not_on_the_board),
                "not_emulated": list(difference.not_emulated),
            }
            document["environment"] = {"build": self.build_environment(), "run": self.run_environment()}
        else:
            document["refusal"] = self.refusal()
            document["way_out"] = self.way_out()
        return document


_SI = {"kib": ("b", 1024), "mib": ("b", 1024**2), "mhz": ("hz", 1e6), "mt_s": ("t_per_s", 10**6)}
_SI |= {"gb_per_s": ("b_per_s", 1e9)}
_UNIT = re.compile(rf"_({'|'.join(_SI)})$")


def _in_si_units(value: Any) -> Any:
    if isinstance(value, list | tuple):
        return [_in_si_units(item) for item in value]
    if not isinstance(value, dict):
        return value
    converted = {}
    for key, item in value.items():
        unit = _UNIT.search(key)
        converted[_si_name(key)] = _scaled(item, _SI[unit[1]][1]) if unit else _in_si_units(item)
    return converted


def _si_name(name: str) -> str:
    return _UNIT.sub(lambda unit: f"_{_SI[unit[1]][0]}", name)


def _scaled(value: Any, factor: float) -> Any:
    if isinstance(value, list | tuple):
        return [_scaled(item, factor) for item in value]
    return None if value is None else value * factor
