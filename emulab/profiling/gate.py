"""Where counting starts and stops: addresses of the guest's code."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from emulab.errors import UsageError, WorkloadError
from emulab.profiling.functions import Function, find_functions, return_addresses

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

# How much of a function tells it from what another program has at its address.
_COMPARED = 32
_TESTING = "testing.(*B)."
# Where Go's calling convention has runN's second argument: the specification "Go internal ABI", for ARM the
# stack, above the return address and the receiver.
_SECOND_ARGUMENT = {"arm64": ("x1", 8), "riscv64": ("a1", 8), "amd64": ("rbx", 8), "armv7": ("sp+8", 4)}


@dataclass(frozen=True)
class Gate:
    """Addresses whose execution steers the counting.

    Without ``start`` and ``window`` counting is on from the beginning.

    :param start: counting starts, unless it is on.
    :param stop: counting stops.
    :param reset: what the window has until now is forgotten.
    :param window: the window ends and another begins, with counting off.
    :param marks: (address, name): the window ends and one of that name begins.
    :param process: the program that executes one of these is the one of interest, of a whole machine.
    :param newcomers: programs that begin after the guest's first marker are of interest too, of a whole
        machine.
    :param code: (address, bytes): gates there are passed only where these bytes stand, as far as a block
        goes.
    :param argument: what is noted with each window: a register, or ``REGISTER+OFFSET`` in memory.
    :param argument_bytes: how wide that place is.
    """

    start: tuple[int, ...] = ()
    stop: tuple[int, ...] = ()
    reset: tuple[int, ...] = ()
    window: tuple[int, ...] = ()
    marks: tuple[tuple[int, str], ...] = ()
    process: tuple[int, ...] = ()
    newcomers: bool = False
    code: tuple[tuple[int, bytes], ...] = ()
    argument: str | None = None
    argument_bytes: int = 8

    def arguments(self) -> list[str]:
        """Return it as arguments of the plugin."""
        # Of several at one address the plugin heeds the first first: what ends comes before what begins.
        groups = {"stop": self.stop, "window": self.window, "reset": self.reset, "start": self.start}
        words = [f"{name}={address:#x}" for name, addresses in groups.items() for address in addresses]
        words += [f"mark={address:#x}:{name}" for address, name in self.marks]
        words += [f"process={address:#x}" for address in self.process]
        words += ["newcomers=yes"] if self.newcomers else []
        words += [f"code={address:#x}:{code.hex()}" for address, code in self.code]
        if self.argument is not None:
            words += [f"argument={self.argument}", f"bytes={self.argument_bytes}"]
        return words


def benchmark_gate(binary: Path) -> Gate:
    """Return the gate of Go's benchmark timer: a window per call of ``runN``, counted where ns/op is timed.

    The timer takes the time at the beginning of StopTimer, and at the end of StartTimer and ResetTimer, after
    they have read the memory's statistics; so counting goes from their returns to StopTimer's entry.

    :raises UsageError: the binary is none that can be read.
    :raises WorkloadError: it has no symbols of Go's benchmarks.
    """
    names = [f"{_TESTING}{name}" for name in ("runN", "StartTimer", "StopTimer", "ResetTimer")]
    image = find_functions(binary, names)
    run, start, stop, reset = (_required(image.functions, name, binary) for name in names)
    place, size = _SECOND_ARGUMENT[image.isa]
    return Gate(
        start=return_addresses(image.isa, start),
        stop=(stop.address,),
        reset=return_addresses(image.isa, reset),
        window=(run.address,),
        argument=place,
        argument_bytes=size,
    )


def function_marks(binary: Path, names: Sequence[str]) -> Gate:
    """Return a gate that begins a window at the entry of each of these functions, called like it.

    On a whole machine the program that enters the first of them is the one of interest.

    :raises UsageError: the binary is none that can be read.
    :raises WorkloadError: it has no such function.
    """
    image = find_functions(binary, names)
    found = [_required(image.functions, name, binary) for name in names]
    return Gate(
        marks=tuple((each.address, each.name) for each in found),
        process=tuple(each.address for each in found[:1]),
        code=tuple((each.address, each.code[:_COMPARED]) for each in found),
    )


def _required(functions: dict[str, Function], name: str, binary: Path) -> Function:
    function = functions.get(name)
    if function is None or not function.code:
        raise WorkloadError(
            f"{binary.name} has no function {name} in its symbol table",
            hint="build it without -ldflags=-s, and as a test binary for benchmarks",
        )
    if function.is_relocatable:
        raise UsageError(
            f"{binary.name} is position-independent: where its functions will be is not known",
            hint="build it with -buildmode=exe",
        )
    return function
