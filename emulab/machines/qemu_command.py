"""QEMU's command lines, user mode and system mode."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from emulab.architectures import ARM64, ARMV7
from emulab.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from emulab.architectures import Architecture

MEBIBYTE = 1 << 20
GIBIBYTE = 1 << 30

SMALLEST_MEMORY = 16 * MEBIBYTE
LARGEST_MEMORY = 4 * GIBIBYTE
MOST_CPUS = 8
# ID_AA64MMFR0_EL1.TGran16 of QEMU's models (target/arm/tcg/cpu64.c, cpu64.c).
_WITHOUT_16K_PAGES = ("cortex-a53", "cortex-a57", "cortex-a72")

TOOLS = "/.emulab"
# The plugin that counts what a guest executes.
PLUGIN = f"{TOOLS}/lib/emulab-count.so"
AGENT_PORT = "org.emulab.agent"
MONITOR_SOCKET = "/run/qmp.sock"
AGENT_SOCKET = "/run/agent.sock"
CONSOLE_LOG = "/run/console.log"

# Where QEMU puts the guest's address 0 in user mode: far from its own mappings and those of the host's
# loader, so that a mapping's address tells whose it is.
GUEST_BASE = 1 << 44
# How far the guest's addresses reach: QEMU keeps it in there. 32-bit guests have all their 4 GiB by QEMU's
# default. On riscv64 it is what Linux gives a program under sv39, which every board of today has.
_GUEST_SPACE = {"arm64": 1 << 44, "riscv64": 1 << 38}
GUEST_RANGE = (GUEST_BASE, GUEST_BASE + (1 << 44))


def user_environment(architecture: Architecture, cpu_model: str) -> dict[str, str]:
    """Return the variables that QEMU's user mode reads, so that programs started by programs inherit them."""
    environment = {"QEMU_CPU": cpu_model, "QEMU_GUEST_BASE": hex(GUEST_BASE)}
    if architecture.name in _GUEST_SPACE:
        environment["QEMU_RESERVED_VA"] = hex(_GUEST_SPACE[architecture.name])
    return environment


def user_prefix(architecture: Architecture) -> list[str]:
    """Return the command that runs a guest program given after it."""
    return [f"{TOOLS}/bin/qemu-{architecture.qemu}"]


@dataclass(frozen=True)
class SystemHardware:
    """The virtual machine, as far as a snapshot depends on it.

    :param cpu_model: QEMU's ``-cpu``.
    :param memory: bytes.
    :param cpus: virtual processors.
    :param machine_options: further options of ``-M virt`` that the kernel needs.
    """

    architecture: Architecture
    cpu_model: str
    memory: int
    cpus: int
    machine_options: tuple[str, ...] = ()

    def check(self) -> None:
        """Refuse what can not be emulated.

        :raises UsageError: memory or processors out of range, with the range.
        """
        check_memory(self.architecture, self.memory)
        check_cpus(self.cpus)


def check_memory(architecture: Architecture, memory: int) -> None:
    """Refuse an amount of memory in bytes that no guest can have.

    :raises UsageError: it is out of range, with the range.
    """
    if not SMALLEST_MEMORY <= memory <= LARGEST_MEMORY:
        raise UsageError(
            f"a {architecture.name} guest can not have {memory // MEBIBYTE} MiB of memory",
            hint=f"use --memory {SMALLEST_MEMORY // MEBIBYTE}M to {LARGEST_MEMORY // GIBIBYTE}G",
        )


def check_cpus(cpus: int) -> None:
    """Refuse a number of processors that no guest can have.

    :raises UsageError: it is out of range, with the range.
    """
    if not 1 <= cpus <= MOST_CPUS:
        raise UsageError(
            f"{cpus} processors can not be given to a guest", hint=f"use --cpus 1 to {MOST_CPUS}"
        )


def check_pages(cpu_model: str, kernel: str) -> None:
    """Refuse a kernel whose pages a processor has not: it would hang before it can say so.

    :raises UsageError: with what to use.
    """
    if kernel == "16k" and cpu_model.partition(",")[0] in _WITHOUT_16K_PAGES:
        raise UsageError(
            f"a {cpu_model} has no pages of 16 KiB",
            hint="use --kernel 4k or 64k, or a board whose processor has them: --board raspberry-pi-5",
        )


def machine_command(hardware: SystemHardware, ram: Sequence[str]) -> list[str]:
    """Return QEMU's command line for a machine that has a serial console and nothing else.

    :param ram: options of the memory's file, besides id and size.
    """
    architecture = hardware.architecture
    machine = ["virt", "memory-backend=ram", *hardware.machine_options]
    memory = ["memory-backend-file", "id=ram", f"size={hardware.memory}", *ram]
    return [
        f"{TOOLS}/bin/qemu-system-{architecture.qemu}",
        *("-M", ",".join(machine), "-cpu", hardware.cpu_model, "-smp", str(hardware.cpus)),
        *("-m", f"{hardware.memory // MEBIBYTE}M", "-object", ",".join(memory)),
        *("-nodefaults", "-no-user-config", "-display", "none", "-no-reboot"),
        *("-chardev", f"file,id=console,path={CONSOLE_LOG}", "-serial", "chardev:console"),
        *("-qmp", f"unix:{MONITOR_SOCKET},server=on,wait=off"),
    ]


def system_command(hardware: SystemHardware, ram: Sequence[str], *, random: bool = True) -> list[str]:
    """Return the part of QEMU's command line that booting and restoring share: with the agent's port.

    :param random: whether there is a device that gives random numbers.
    """
    source = ["-object", "rng-builtin,id=rng", "-device", "virtio-rng-pci,rng=rng"] if random else []
    return [
        *machine_command(hardware, ram),
        *("-chardev", f"socket,id=agent,path={AGENT_SOCKET},server=on,wait=off"),
        *("-device", "virtio-serial-pci"),
        *("-device", f"virtserialport,chardev=agent,name={AGENT_PORT}"),
        *source,
    ]


def boot_arguments(kernel: str, initramfs: str, line: str) -> list[str]:
    """Return the arguments that boot a kernel."""
    return ["-kernel", kernel, "-initrd", initramfs, "-append", line]


def disk_arguments(path: str) -> list[str]:
    """Return the arguments that attach a read-only root filesystem as the first disk."""
    return [
        *("-drive", f"if=none,id=root,file={path},format=raw,readonly=on"),
        *("-device", "virtio-blk-pci,drive=root"),
    ]


def without_randomness(hardware: SystemHardware) -> SystemHardware:
    """Return the hardware without the seed that Arm's ``virt`` passes on; riscv's has none."""
    if hardware.architecture not in (ARM64, ARMV7):
        return hardware
    return replace(hardware, machine_options=(*hardware.machine_options, "dtb-randomness=off"))


def network_arguments() -> list[str]:
    """Return the arguments of a network card whose packets leave as the emulator's own connections."""
    return ["-netdev", "user,id=network", "-device", "virtio-net-pci,netdev=network,romfile="]


# The addresses of QEMU's user-mode network: its own documentation, "Network emulation".
NETWORK_SETUP = (
    "ip link set eth0 up && ip addr add 10.0.2.15/24 dev eth0 && ip route add default via 10.0.2.2 "
    "&& echo nameserver 10.0.2.3 > /etc/resolv.conf"
)

# Guest time under --deterministic: every instruction takes 2^3 ns.
ICOUNT_SHIFT = 3
_EPOCH = "2026-01-01"


def deterministic(hardware: SystemHardware) -> tuple[SystemHardware, list[str]]:
    """Return the hardware, and further arguments, that make a guest's run the same every time.

    Time is counted in executed instructions, starts at a fixed date, and jumps over idle stretches; every
    source of random numbers has a fixed seed. Nothing may come from outside while the guest runs.
    """
    options = hardware.machine_options
    if hardware.architecture in (ARM64, ARMV7):
        # The seeds that the machine's description passes to the kernel; riscv's has none to switch off.
        options = (*options, "dtb-randomness=off")
    arguments = [
        "-icount",
        f"shift={ICOUNT_SHIFT},sleep=off",
        "-rtc",
        f"base={_EPOCH},clock=vm",
        "-seed",
        "1",
    ]
    return replace(hardware, machine_options=options, cpus=1), arguments


def console_device(architecture: Architecture) -> str:
    """Return the kernel's name of the ``virt`` machine's serial port."""
    return "ttyAMA0" if architecture in (ARM64, ARMV7) else "ttyS0"


def kernel_command_line(architecture: Architecture, *settings: str) -> str:
    """Return the kernel's command line: quiet, on the serial console, ending at a panic.

    What has no meaning for the kernel becomes a variable of the agent's: while its code is being translated
    it runs slowly, which its runtime would take for hogging and interrupt by signals.
    """
    console = f"console={console_device(architecture)}"
    agent = "GODEBUG=asyncpreemptoff=1"
    return " ".join([console, "quiet", "loglevel=3", "panic=-1", "rdinit=/init", agent, *settings])
