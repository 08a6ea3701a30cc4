"""What the programs of interest of a whole machine executed, in stretches between the guest's markers."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from emulab.profiling.profile import WindowKind

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from emulab.profiling.profile import Profile, Window


@dataclass(frozen=True)
class Executed:
    """What the programs of interest executed.

    :param instructions: their own.
    :param kernel: the kernel's while their page tables were in force: their system calls and faults, and what
        interrupted them.
    :param switches: how often a processor came to them from another program.
    :param syscalls: how often they made each system call, by its number.
    """

    instructions: int = 0
    kernel: int = 0
    switches: int = 0
    syscalls: Mapping[int, int] = field(default_factory=dict)


@dataclass(frozen=True)
class Stretch:
    """What lies between two of the guest's markers, or before its first.

    :param number: of the marker that ended it; None after the last one.
    :param windows: in their order; the name of each says which mark began it.
    """

    number: int | None
    windows: tuple[Window, ...]

    @property
    def executed(self) -> Executed:
        """Return what was executed in all of it."""
        return executed(self.windows)

    def by_mark(self) -> dict[str, Executed]:
        """Return what was executed from each mark to the next; ``""`` is before the first one."""
        names = dict.fromkeys(window.name for window in self.windows)
        return {name: executed(each for each in self.windows if each.name == name) for name in names}


def executed(windows: Iterable[Window]) -> Executed:
    """Return what the programs of interest executed in some windows."""
    own = list(windows)
    spaces = [space for window in own for space in window.spaces if space.is_process]
    calls: Counter[int] = Counter()
    for window in own:
        calls.update(window.process_syscalls)
    return Executed(
        instructions=sum(space.program for space in spaces),
        kernel=sum(space.kernel for space in spaces),
        switches=sum(space.switches for space in spaces),
        syscalls=calls,
    )


def stretches(profile: Profile) -> list[Stretch]:
    """Return the stretches of a run, in their order."""
    found, windows = [], []
    for window in sorted(profile.windows, key=lambda each: each.ordinal):
        windows.append(window)
        if window.kind is WindowKind.MARKER:
            found.append(Stretch(window.argument, tuple(windows)))
            windows = []
    return [*found, Stretch(None, tuple(windows))]
