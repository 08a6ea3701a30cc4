"""The facts of this computer, read when they are asked for, in the form of a board file."""

from __future__ import annotations

import os
import platform
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Sequence

_MACHINES = {"x86_64": "amd64", "aarch64": "arm64", "armv7l": "armv7", "riscv64": "riscv64"}
# GODEBUG=cpu.NAME=off of amd64 (internal/cpu/cpu_x86.go): Go's name and Linux's flag for it.
_SWITCHES = {
    "adx": "adx", "aes": "aes", "avx": "avx", "avx2": "avx2", "avx512bw": "avx512bw", "avx512cd": "avx512cd",
    "avx512dq": "avx512dq", "avx512f": "avx512f", "avx512vl": "avx512vl", "bmi1": "bmi1", "bmi2": "bmi2",
    "fma": "fma", "pclmulqdq": "pclmulqdq", "popcnt": "popcnt", "rdtscp": "rdtscp", "sha": "sha_ni",
    "sse3": "pni", "sse41": "sse4_1", "sse42": "sse4_2", "ssse3": "ssse3", "vpclmulqdq": "vpclmulqdq",
}  # fmt: skip
# What QEMU emulates of these with -cpu max (TCG_*_FEATURES of target/i386/cpu.c, QEMU 10.0): all but AVX-512.
_NOT_EMULATED = frozenset({"avx512bw", "avx512cd", "avx512dq", "avx512f", "avx512vl", "vpclmulqdq"})
# One instruction for a whole copy, whose time does not follow from a count: Go has loops for it, too.
_NOT_COUNTABLE = ("erms", "fsrm")
_PROC = Path("/proc")
_CPUS = Path("/sys/devices/system/cpu")


def facts(proc: Path = _PROC, cpus: Path = _CPUS) -> dict[str, Any]:
    """Return what this computer says of itself; what it does not say is left out.

    :param proc: where the kernel's process file system is.
    :param cpus: where it describes the processors.
    """
    info = _cpu_information(proc / "cpuinfo")
    name = info.get("model name") or info.get("uarch") or platform.processor() or platform.machine()
    count = os.cpu_count() or 1
    document: dict[str, Any] = {
        "soc": {"name": name, "maker": info.get("vendor_id", "unknown")},
        "clusters": {"all": {"count": count, "nominal_mhz": _clock_mhz(cpus, info), **_caches(cpus)}},
        "software": {"kernel": platform.release(), "page_kib": os.sysconf("SC_PAGESIZE") // 1024},
        "go": {"gomaxprocs": len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else count},
    }
    machine = platform.machine()
    if machine in _MACHINES:
        document["arch"] = _MACHINES[machine]
    flags = info.get("flags") or info.get("Features") or info.get("isa")
    if flags:
        document["isa"] = {"base": machine, "flags": flags.split()}
    libc, version = platform.libc_ver()
    if libc == "glibc":
        document["software"] |= {"libc": "glibc", "libc_version": version}
    memory = _memory_mib(proc / "meminfo")
    if memory is not None:
        document["memory"] = {"assumed_mib": memory}
    return document


def processor(proc: Path = _PROC) -> tuple[str, int, int]:
    """Return an amd64 processor's maker, as CPUID has it, family and model; 0 for what is not said."""
    info = _cpu_information(proc / "cpuinfo")
    numbers = (info.get(name, "") for name in ("cpu family", "model"))
    family, model = (int(number) if number.isdigit() else 0 for number in numbers)
    return info.get("vendor_id", "unknown"), family, model


def go_switches(flags: Sequence[str]) -> list[str]:
    """Return the items of ``GODEBUG`` by which Go runs the same code here as on QEMU's amd64 processor.

    :param flags: of this computer, as Linux names them.
    """
    lacking = [name for name, flag in _SWITCHES.items() if flag not in flags or name in _NOT_EMULATED]
    return [f"cpu.{name}=off" for name in sorted([*lacking, *_NOT_COUNTABLE])]


def _cpu_information(path: Path) -> dict[str, str]:
    """Return the fields of the first processor in /proc/cpuinfo."""
    information: dict[str, str] = {}
    for line in _text(path).splitlines():
        key, colon, value = line.partition(":")
        if not colon and information:
            break
        information.setdefault(key.strip(), value.strip())
    return information


def _clock_mhz(cpus: Path, information: dict[str, str]) -> float:
    highest = _text(cpus / "cpu0" / "cpufreq" / "cpuinfo_max_freq").strip()
    if highest.isdigit():
        return int(highest) / 1000
    try:
        return float(information.get("cpu MHz", ""))
    except ValueError:
        return 1.0


def _caches(cpus: Path) -> dict[str, Any]:
    caches = {}
    for index in sorted((cpus / "cpu0" / "cache").glob("index*")):
        level, kind = _text(index / "level").strip(), _text(index / "type").strip()
        size = _text(index / "size").strip().removesuffix("K")
        name = f"l{level}" + {"Instruction": "i", "Data": "d"}.get(kind, "")
        if name not in ("l1i", "l1d", "l2", "l3") or not size.isdigit() or size == "0":
            continue
        cache = {"size_kib": int(size), "shared_by": _length(_text(index / "shared_cpu_list").strip())}
        for field, file in (("ways", "ways_of_associativity"), ("line_b", "coherency_line_size")):
            text = _text(index / file).strip()
            if text.isdigit() and text != "0":
                cache[field] = int(text)
        caches[name] = cache
    return caches


def _length(processors: str) -> int:
    """Return how many processors a list of the kernel's names (``0-3,8``)."""
    count = 0
    for part in processors.split(","):
        first, dash, last = part.partition("-")
        if first.isdigit() and (last.isdigit() or not dash):
            count += int(last) - int(first) + 1 if dash else 1
    return max(count, 1)


def _memory_mib(path: Path) -> int | None:
    for line in _text(path).splitlines():
        if line.startswith("MemTotal:"):
            return int(line.split()[1]) // 1024
    return None


def _text(path: Path) -> str:
    try:
        return path.read_text()
    except OSError:
        return ""
