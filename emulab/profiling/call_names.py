"""Names of Linux's system calls by their numbers, which differ between architectures."""

from __future__ import annotations

# The library's names of emulab's architectures where they differ.
_ARCHITECTURES = {"armv7": "arm"}
# ARM's own calls (arch/arm/include/uapi/asm/unistd.h), which no table of the common ones has.
_ARM_CALLS = {0xF0002: "cacheflush", 0xF0005: "set_tls"}


def call_name(arch: str, number: int) -> str:
    """Return the name of a system call, or its number where it has none."""
    from system_calls import NoSuchSystemCall, syscalls

    if arch == "armv7" and number in _ARM_CALLS:
        return _ARM_CALLS[number]
    try:
        return str(syscalls().get_name(number, _ARCHITECTURES.get(arch, arch)))
    except NoSuchSystemCall:
        return f"call {number}"
