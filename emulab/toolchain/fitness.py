"""Whether a program can run: its architecture, its dynamic linker, its C library's version."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from emulab.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator

    from emulab.architectures import Architecture
    from emulab.toolchain.elf_facts import ElfFacts

_RUN_BY = {
    "arm64": ("arm64",),
    "armv7": ("armv7", "armv6", "armv5", "arm"),
    "riscv64": ("riscv64",),
}
_INTERPRETERS = {
    ("arm64", "glibc"): "/lib/ld-linux-aarch64.so.1",
    ("arm64", "musl"): "/lib/ld-musl-aarch64.so.1",
    ("armv7", "glibc"): "/lib/ld-linux-armhf.so.3",
    ("armv7", "musl"): "/lib/ld-musl-armhf.so.1",
    ("riscv64", "glibc"): "/lib/ld-linux-riscv64-lp64d.so.1",
    ("riscv64", "musl"): "/lib/ld-musl-riscv64.so.1",
}
_SOFT_FLOAT_INTERPRETERS = ("/lib/ld-linux.so.3", "/lib/ld-musl-arm.so.1")


def interpreter_of(architecture: Architecture, libc: str) -> str:
    """Return the path of the dynamic linker of ``glibc`` or ``musl`` on an architecture.

    :raises UsageError: there is no such C library.
    """
    path = _INTERPRETERS.get((architecture.name, libc))
    if path is None:
        raise UsageError(f"unknown C library {libc!r}", hint="use musl or glibc")
    return path


def library_of(interpreter: str) -> str:
    """Return what a dynamic linker belongs to: ``glibc``, ``musl``, ``Android``, …."""
    name = interpreter.rpartition("/")[2]
    if name.startswith("ld-musl-"):
        return "musl"
    if name.startswith(("ld-linux", "ld64.so", "ld.so.1")):
        return "glibc"
    if name.startswith("linker"):
        return "Android"
    return "uClibc" if "uClibc" in name else "another C library"


@dataclass(frozen=True)
class Misfit:
    """A reason why a program can not start.

    :param kind: ``program``, ``system``, ``architecture``, ``pages``, ``interpreter``, ``version``,
        ``library``, or one that a caller adds.
    :param reason: one sentence.
    :param remedy: what to do about it.
    """

    kind: str
    reason: str
    remedy: str


def require_runs_on(
    facts: ElfFacts,
    architecture: Architecture,
    *,
    libc: str,
    glibc: str | None = None,
    interpreters: Collection[str] | None = None,
    libraries: Collection[str] | None = None,
    page_size: int | None = None,
    name: str = "the program",
) -> None:
    """Refuse a program that can not start on a root filesystem, saying why and what to do.

    :param libc: the root filesystem's C library, ``musl`` or ``glibc``.
    :param glibc: the version of its glibc, such as ``2.31``; ``None`` where it is not known.
    :param interpreters: the dynamic linkers it has; by default the one of its C library.
    :param libraries: the file names of the shared libraries it has; ``None`` where it is not known.
    :param page_size: the kernel's page size in bytes; ``None`` where it is not known.
    :param name: what to call the program in the message.
    :raises UsageError: the program can not run there.
    """
    has_interpreter = None if interpreters is None else interpreters.__contains__
    found = [
        *misfits(
            facts, architecture, libc=libc, has_interpreter=has_interpreter, page_size=page_size, name=name
        ),
        *_old_glibc(facts, glibc, name),
    ]
    if libraries is not None:
        found += missing_libraries([each for each in facts.needed if each not in libraries], name)
    for misfit in found:
        raise UsageError(misfit.reason, hint=misfit.remedy)


def misfits(
    facts: ElfFacts,
    architecture: Architecture,
    *,
    libc: str,
    has_interpreter: Callable[[str], bool] | None = None,
    page_size: int | None = None,
    name: str = "the program",
) -> Iterator[Misfit]:
    """Yield why the kernel, or QEMU in its place, would not start a program on a root filesystem.

    :param libc: the root filesystem's C library, ``musl`` or ``glibc``.
    :param has_interpreter: tells of a path whether a dynamic linker is there; by default the one of its C
        library is.
    :param page_size: the kernel's page size in bytes; ``None`` where it is not known.
    """
    if facts.system not in ("linux", "android"):
        yield Misfit(
            "system",
            f"{name} is a program for {facts.system}, not for Linux",
            "build it with GOOS=linux",
        )
        return
    if facts.kind != "program":
        what = {"library": "a shared library", "object": "an object file", "core": "a core dump"}
        yield Misfit(
            "program",
            f"{name} is {what.get(facts.kind, facts.kind)}, not a program",
            "name an executable file",
        )
        return
    if facts.architecture not in _RUN_BY.get(architecture.name, (architecture.name,)):
        yield Misfit(
            "architecture",
            f"{name} is built for {facts.architecture}, and {architecture.name} can not run it",
            f"build it for {architecture.name} (GOOS=linux GOARCH={architecture.goarch}), "
            "or choose a board of its architecture",
        )
        return
    if page_size is not None and 0 < facts.segment_alignment < page_size:
        yield Misfit(
            "pages",
            f"{name} is aligned for pages of {facts.segment_alignment} bytes, "
            f"and the kernel's pages are {page_size} bytes",
            f"link it with -z max-page-size={page_size}, or choose a kernel with smaller pages",
        )
    if facts.interpreter is not None:
        known = has_interpreter or (lambda path: path == interpreter_of(architecture, libc))
        if not known(facts.interpreter):
            yield _no_interpreter(facts.interpreter, libc, name)


def missing_libraries(missing: Collection[str], name: str = "the program") -> list[Misfit]:
    """Return what is wrong when a root filesystem has not the libraries of these names."""
    if not missing:
        return []
    return [
        Misfit(
            "library",
            f"{name} needs {', '.join(missing)}, which the root filesystem does not have",
            "link it statically, or build it without the library",
        )
    ]


def old_glibc(needed: str, glibc: str, name: str = "the program") -> Misfit:
    """Return what is wrong when a program needs a newer glibc than there is.

    :param needed: the version needed, ``2.34``.
    :param glibc: the version that there is.
    """
    return Misfit(
        "version",
        f"{name} needs GLIBC_{needed}, and the root filesystem has glibc {glibc}",
        "build it against the older glibc (cgo with that glibc version, or CGO_ENABLED=0), "
        "or choose a root filesystem with a newer one (--libc glibc)",
    )


def _no_interpreter(interpreter: str, libc: str, name: str) -> Misfit:
    owner = library_of(interpreter)
    if interpreter in _SOFT_FLOAT_INTERPRETERS:
        hint = "build it for the hard-float ABI (armhf), or statically (CGO_ENABLED=0)"
    elif owner in ("glibc", "musl") and owner != libc:
        hint = (
            f"choose a root filesystem that has it (--libc {owner}), or build it statically (CGO_ENABLED=0)"
        )
    else:
        hint = "build it statically (CGO_ENABLED=0)"
    return Misfit(
        "interpreter",
        f"{name} needs the dynamic linker {interpreter} of {owner}, "
        f"which the {libc} root filesystem does not have",
        hint,
    )


def _old_glibc(facts: ElfFacts, glibc: str | None, name: str) -> list[Misfit]:
    needed = facts.symbol_version("GLIBC")
    if glibc is None or needed is None or _number(needed) <= _number(glibc):
        return []
    return [old_glibc(needed, glibc, name)]


def _number(version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in version.split(".") if part.isdigit())
