"""Which of the cores that are described an amd64 processor has, by what CPUID says of it."""

from __future__ import annotations

from typing import Final

GENERIC: Final = "x86-64"

# Families of AMD's processors (26 is 1Ah), and models of Intel's family 6, as Linux names them in
# arch/x86/include/asm/intel-family.h: Alder Lake, Raptor Lake, Sapphire Rapids and Emerald Rapids have Golden
# Cove or its like of a larger cache; Meteor Lake and Granite Rapids one that has the same pipeline.
_AMD: Final = {26: "zen-5"}
_INTEL: Final = dict.fromkeys(
    (0x97, 0x9A, 0xB7, 0xBA, 0xBF, 0x8F, 0xCF, 0xAA, 0xAC, 0xAD, 0xAE), "golden-cove"
)


def amd64_core(vendor: str, family: int, model: int) -> str:
    """Return the id of the core of a processor; a middling one stands for those that are not described.

    :param vendor: as CPUID and /proc/cpuinfo write it: ``AuthenticAMD``.
    :param family, model: as /proc/cpuinfo has them.
    """
    if vendor == "AuthenticAMD":
        return _AMD.get(family, GENERIC)
    return _INTEL.get(model, GENERIC) if (vendor, family) == ("GenuineIntel", 6) else GENERIC
