"""The guest architectures, under every name the neighbouring tools give them."""

from __future__ import annotations

from dataclasses import dataclass

from emulab.errors import UsageError


@dataclass(frozen=True)
class Architecture:
    """One guest architecture.

    :param name: emulab's (and, but for armv7, Go's) name: the one that is printed.
    :param goarch: ``GOARCH``.
    :param platform: the OCI platform, ``os/arch[/variant]``.
    :param debian: Debian's architecture name.
    :param triplet: the GNU triplet of glibc programs.
    :param qemu: the suffix of ``qemu-…`` and ``qemu-system-…``.
    :param linux: ``ARCH=`` of the kernel's build.
    :param elf_machine: ``e_machine`` as pyelftools spells it.
    :param word_bits: size of a pointer in bits.
    """

    name: str
    goarch: str
    platform: str
    debian: str
    triplet: str
    qemu: str
    linux: str
    elf_machine: str
    word_bits: int


ARM64 = Architecture(
    "arm64", "arm64", "linux/arm64", "arm64", "aarch64-linux-gnu", "aarch64", "arm64", "EM_AARCH64", 64
)
ARMV7 = Architecture(
    "armv7", "arm", "linux/arm/v7", "armhf", "arm-linux-gnueabihf", "arm", "arm", "EM_ARM", 32
)
RISCV64 = Architecture(
    "riscv64", "riscv64", "linux/riscv64", "riscv64", "riscv64-linux-gnu", "riscv64", "riscv", "EM_RISCV", 64
)

AMD64 = Architecture(
    "amd64", "amd64", "linux/amd64", "amd64", "x86_64-linux-gnu", "x86_64", "x86", "EM_X86_64", 64
)
"""No guest's: static programs for this computer are counted on an emulated processor of its own kind."""

ARCHITECTURES: dict[str, Architecture] = {a.name: a for a in (ARM64, ARMV7, RISCV64)}
EMULATED = ARCHITECTURES | {AMD64.name: AMD64}

_SPELLINGS = {
    "arm64": "arm64", "aarch64": "arm64", "arm64/v8": "arm64", "arm64v8": "arm64", "armv8": "arm64",
    "arm": "armv7", "armv7": "armv7", "armhf": "armv7", "armv7l": "armv7", "arm/v7": "armv7",
    "arm32v7": "armv7", "riscv64": "riscv64", "riscv": "riscv64", "rv64": "riscv64", "rv64gc": "riscv64",
}  # fmt: skip


def architecture(spelling: str) -> Architecture:
    """Return the architecture that a spelling means (``aarch64``, ``linux/arm/v7``, ``armhf``, …).

    :raises UsageError: the spelling is not known.
    """
    name = _SPELLINGS.get(spelling.lower().removeprefix("linux/"))
    if name is None:
        known = ", ".join(ARCHITECTURES)
        raise UsageError(f"unknown architecture {spelling!r}", hint=f"use one of {known}")
    return ARCHITECTURES[name]
