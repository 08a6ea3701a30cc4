"""Which of the cores that are described an amd64 processor has, by what CPUID says of it."""

from __future__ import annotations

from typing import Final

GENERIC: Final = "x86-64"

# Families of AMD's processors (Linux, arch/x86/include/asm/cpu-user-facing names; family 26 is 1Ah).
_AMD: Final = {26: "zen-5"}


def amd64_core(vendor: str, family: int) -> str:
    """Return the id of the core of a processor; a middling one stands for those that are not described.

    :param vendor: as CPUID and /proc/cpuinfo write it: ``AuthenticAMD``.
    """
    return _AMD.get(family, GENERIC) if vendor == "AuthenticAMD" else GENERIC
