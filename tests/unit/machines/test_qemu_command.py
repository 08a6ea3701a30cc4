"""QEMU's command lines and the limits of what can be asked for."""

from __future__ import annotations

import pytest

from emulab.architectures import ARM64, ARMV7, RISCV64, Architecture
from emulab.engine.ownership import Owner
from emulab.errors import UsageError
from emulab.machines.binfmt import entry_name, entry_owner, entry_rule
from emulab.machines.qemu_command import GIBIBYTE, MEBIBYTE, SystemHardware, system_command


@pytest.mark.parametrize("architecture", [ARM64, ARMV7, RISCV64])
def test_an_entrys_name_tells_its_owner(architecture: Architecture) -> None:
    owner = Owner.current()
    assert entry_owner(entry_name(architecture, owner, 12)) == owner
    assert entry_owner("qemu-riscv64") is None


def test_the_rule_matches_an_elf_header_of_the_architecture() -> None:
    rule = entry_rule(RISCV64, "name")
    _, name, kind, _, magic, mask, interpreter, flags = rule.split(":")
    header = b"\x7fELF\x02\x01\x01" + bytes(9) + b"\x03\x00\xf3\x00"
    magic_bytes, mask_bytes = (bytes.fromhex(text.replace("\\x", "")) for text in (magic, mask))
    assert len(magic_bytes) == len(mask_bytes) == len(header)
    masked = bytes(a & b for a, b in zip(header, mask_bytes, strict=True))
    assert masked == bytes(a & b for a, b in zip(magic_bytes, mask_bytes, strict=True))
    assert (name, kind, interpreter, flags) == ("name", "M", "/.emulab/bin/qemu-riscv64", "P")


@pytest.mark.parametrize(
    ("architecture", "memory", "cpus", "word"),
    [
        (ARM64, 8 * MEBIBYTE, 1, "8 MiB"),
        (ARM64, 5 * GIBIBYTE, 1, "5120 MiB"),
        (ARMV7, 5 * GIBIBYTE, 1, "5120 MiB"),
        (RISCV64, GIBIBYTE, 9, "9 processors"),
        (RISCV64, GIBIBYTE, 0, "0 processors"),
    ],
)
def test_what_can_not_be_emulated_is_refused(
    architecture: Architecture, memory: int, cpus: int, word: str
) -> None:
    with pytest.raises(UsageError, match=word) as caught:
        SystemHardware(architecture, "x", memory, cpus).check()
    assert "use --" in caught.value.hint


def test_booting_and_restoring_share_the_machine() -> None:
    hardware = SystemHardware(ARMV7, "cortex-a7", 128 * MEBIBYTE, 2, ("highmem=off",))
    command = system_command(hardware, ["mem-path=/snap/ram", "share=on"])
    assert command[0] == "/.emulab/bin/qemu-system-arm"
    assert "virt,memory-backend=ram,highmem=off" in command
    assert command[command.index("-smp") + 1] == "2"
