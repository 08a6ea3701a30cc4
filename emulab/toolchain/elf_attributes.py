"""The build attributes of ARM (``.ARM.attributes``) and RISC-V (``.riscv.attributes``) ELF files.

Both are the same container: the letter ``A``, then per vendor a length, a name and sub-sections of
tag, size and attributes. Read here rather than by pyelftools, whose reader does not end on a file
in which a length is zero.
"""

from __future__ import annotations

from typing import Literal

TAG_ARM_CPU_ARCH = 6
TAG_ARM_FP_ARCH = 10
TAG_ARM_ADVANCED_SIMD_ARCH = 12
TAG_ARM_ABI_VFP_ARGS = 28
TAG_ARM_DIV_USE = 44
TAG_RISCV_ARCH = 5

_FILE_SCOPE = 1
_ARM_STRING_TAGS = (4, 5)
_ARM_COMPATIBILITY = 32
_FIRST_GENERIC_TAG = 32

ARM_LEVELS = {3: "armv5", 4: "armv5", 5: "armv5", 6: "armv6", 7: "armv6", 8: "armv6", 9: "armv6",
              10: "armv7", 11: "armv6", 12: "armv6", 13: "armv7", 14: "armv8", 15: "armv8"}  # fmt: skip
"""``Tag_CPU_arch`` to the level whose cores run the code (6T2 runs on no ARMv6 of interest but is one)."""


def parse_attributes(
    data: bytes, family: Literal["arm", "riscv"], *, little: bool = True
) -> dict[int, int | str]:
    """Return the file-wide attributes of a section's content, by tag; what is damaged is left out."""
    order: Literal["little", "big"] = "little" if little else "big"
    found: dict[int, int | str] = {}
    if data[:1] != b"A":
        return found
    offset = 1
    while offset + 4 <= len(data):
        length = int.from_bytes(data[offset : offset + 4], order)
        vendor = data[offset + 4 : offset + length]
        if length < 5 or offset + length > len(data):
            break
        name, _, body = vendor.partition(b"\0")
        if name in (b"aeabi", b"riscv"):
            _parse_vendor(body, family, order, found)
        offset += length
    return found


def _parse_vendor(
    body: bytes,
    family: Literal["arm", "riscv"],
    order: Literal["little", "big"],
    found: dict[int, int | str],
) -> None:
    offset = 0
    while offset + 5 <= len(body):
        size = int.from_bytes(body[offset + 1 : offset + 5], order)
        if size < 5 or offset + size > len(body):
            break
        if body[offset] == _FILE_SCOPE:
            _parse_values(body[offset + 5 : offset + size], family, found)
        offset += size


def _parse_values(data: bytes, family: Literal["arm", "riscv"], found: dict[int, int | str]) -> None:
    offset = 0
    while offset < len(data):
        tag, offset = _number(data, offset)
        if family == "arm" and tag == _ARM_COMPATIBILITY:
            _, offset = _number(data, offset)
            _, offset = _text(data, offset)
        elif tag in _ARM_STRING_TAGS if family == "arm" and tag < _FIRST_GENERIC_TAG else tag % 2:
            found[tag], offset = _text(data, offset)
        else:
            found[tag], offset = _number(data, offset)


def _number(data: bytes, offset: int) -> tuple[int, int]:
    value, shift = 0, 0
    while offset < len(data):
        byte = data[offset]
        offset += 1
        value |= (byte & 0x7F) << shift
        shift += 7
        if byte < 0x80:
            break
    return value, offset


def _text(data: bytes, offset: int) -> tuple[str, int]:
    end = data.find(b"\0", offset)
    end = len(data) if end < 0 else end
    return data[offset:end].decode(errors="replace"), end + 1
