"""zig as the C compiler of cgo builds: any target, any glibc version, out of one wheel."""

from __future__ import annotations

import os
import re
import shlex
from dataclasses import dataclass
from typing import TYPE_CHECKING

from emulab import cache
from emulab.errors import ToolchainError, UsageError
from emulab.toolchain.wheels import wheel

if TYPE_CHECKING:
    from pathlib import Path

    from emulab.progress import Progress
    from emulab.toolchain.request import BuildRequest

_PROJECT = "ziglang"
_VERSION = "0.17.1"
_OLDEST_GLIBC = "2.31"
"""What is linked against when no version is asked for: the oldest root filesystem's."""

_ARM_CPUS = {"7": "cortex_a8", "6": "arm1176jzf_s"}
"""The least core of each GOARM; zig takes the names of cores, not of levels."""

_RESOLVER = ("dn_comp", "dn_expand", "dn_skipname", "res_mkquery", "res_nmkquery", "res_nquery",
             "res_nquerydomain", "res_nsearch", "res_nsend", "res_query", "res_querydomain", "res_search",
             "res_send")  # fmt: skip
_RESOLVER_RENAMED = (2, 34)


@dataclass(frozen=True)
class ZigToolchain:
    """A zig compiler.

    :param command: the path of the ``zig`` program.
    :param version: its version.
    """

    command: Path
    version: str


@dataclass(frozen=True)
class CCompilers:
    """The C and C++ compiler for one target, as commands that behave like ``cc`` and ``c++``."""

    cc: Path
    cxx: Path
    identity: str


def find_zig(progress: Progress) -> ZigToolchain:
    """Return the zig that cgo builds use, fetching its wheel the first time.

    :raises ToolchainError: it can not be fetched.
    """
    directory = wheel(_PROJECT, _VERSION, progress)
    command = directory / "ziglang" / "zig"
    if not os.access(command, os.X_OK):
        raise ToolchainError(
            f"the wheel in {directory} holds no zig", hint="remove that directory and try again"
        )
    return ZigToolchain(command, _VERSION)


def c_compilers(zig: ZigToolchain, request: BuildRequest) -> CCompilers:
    """Return the C compilers for a request's target, making their wrapper scripts once.

    :raises UsageError: zig has no such target.
    """
    arguments = _arguments(request)
    identity = cache.digest([zig.version, str(zig.command), str(cache.cache_root()), arguments, _SCRIPT])

    def make(directory: Path) -> None:
        for name, language in (("cc", "cc"), ("c++", "c++")):
            script = directory / name
            script.write_text(
                _SCRIPT.format(
                    cache=shlex.quote(str(cache.cache_root() / "zig")),
                    command=shlex.join([str(zig.command), language, *arguments]),
                )
            )
            script.chmod(0o755)

    directory = cache.entry("c-compilers", identity[:24], make)
    return CCompilers(directory / "cc", directory / "c++", identity)


_SCRIPT = """#!/bin/sh
export ZIG_GLOBAL_CACHE_DIR={cache} ZIG_LOCAL_CACHE_DIR={cache}
exec {command} "$@"
"""


def _arguments(request: BuildRequest) -> list[str]:
    """Return the arguments that make ``zig cc`` a compiler for the target.

    zig's own default turns undefined behaviour into a trap, which no other C compiler does to a
    program; hence ``-fno-sanitize=undefined``.
    """
    arguments = ["-target", _target(request), "-fno-sanitize=undefined"]
    if request.architecture.goarch == "arm":
        arguments.append(f"-mcpu={_arm_cpu(request.goarm)}")
    if request.libc == "musl" and request.static is False:
        arguments.append("-dynamic")
    if request.libc == "glibc" and _number(request.glibc or _OLDEST_GLIBC) < _RESOLVER_RENAMED:
        # zig's headers are those of a glibc in which the resolver's functions lost their underscores.
        arguments.extend(f"-D{name}=__{name}" for name in _RESOLVER)
    return arguments


def _target(request: BuildRequest) -> str:
    cpu = {"arm64": "aarch64", "armv7": "arm", "riscv64": "riscv64"}[request.architecture.name]
    abi = "eabihf" if request.architecture.goarch == "arm" else ""
    if request.libc == "musl":
        return f"{cpu}-linux-musl{abi}"
    return f"{cpu}-linux-gnu{abi}.{request.glibc or _OLDEST_GLIBC}"


def _arm_cpu(goarm: str | None) -> str:
    level, _, float_abi = (goarm or "7").partition(",")
    cpu = _ARM_CPUS.get(level)
    if cpu is None or float_abi == "softfloat":
        raise UsageError(
            f"cgo programs can not be built for GOARM={goarm}",
            hint="the root filesystems use the hard-float ABI: use GOARM=7 or 6, or turn cgo off",
        )
    return cpu


def _number(version: str) -> tuple[int, ...]:
    if not re.fullmatch(r"2\.\d+", version):
        raise UsageError(f"{version!r} is no version of glibc", hint="write it like 2.31")
    return tuple(int(part) for part in version.split("."))
