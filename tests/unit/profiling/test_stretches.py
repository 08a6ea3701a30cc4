"""Windows of a whole machine become stretches between the guest's markers."""

from __future__ import annotations

import numpy as np

from emulab.profiling.call_names import call_name
from emulab.profiling.file_format import BLOCK, COUNT
from emulab.profiling.profile import Profile, Space, Window, WindowKind
from emulab.profiling.stretches import stretches


def window(ordinal: int, name: str, own: int, marker: int | None = None) -> Window:
    """A window in which the program executed so many instructions, and its kernel twice as many."""
    return Window(
        kind=WindowKind.MARK if marker is None else WindowKind.MARKER,
        name=name,
        argument=marker or 0,
        ordinal=ordinal,
        counts=np.zeros(0, COUNT),
        syscalls={64: 9},
        process_syscalls={64: own},
        spaces=(Space(1, True, 2 * own, own, 1), Space(2, False, 3 * own, 3 * own, 5)),
        _measures=np.zeros(0, COUNT),
        _blocks=np.zeros(0, BLOCK),
    )


def profile(*windows: Window) -> Profile:
    whole = window(0, "", 0)
    return Profile("arm64", True, "", "", np.zeros(0, BLOCK), windows, whole, b"")


def test_a_stretch_reaches_from_a_marker_to_the_next_however_many_marks_lie_between() -> None:
    found = stretches(
        profile(window(2, "b", 100, 7), window(0, "", 1, 1), window(1, "", 10), window(3, "b", 5))
    )
    assert [each.number for each in found] == [1, 7, None]
    assert [each.executed.instructions for each in found] == [1, 110, 5]
    assert {name: part.instructions for name, part in found[1].by_mark().items()} == {"": 10, "b": 100}


def test_only_the_programs_of_interest_count() -> None:
    (_, stretch, _) = stretches(profile(window(0, "", 1, 1), window(1, "", 10), window(2, "a", 20, 2)))
    assert stretch.executed.kernel == 60
    assert stretch.executed.switches == 2
    assert stretch.executed.syscalls == {64: 30}


def test_system_calls_have_their_architectures_names() -> None:
    assert call_name("arm64", 64) == call_name("riscv64", 64) == "write"
    assert (call_name("armv7", 4), call_name("armv7", 64)) == ("write", "getppid")
    assert call_name("armv7", 0xF0005) == "set_tls"
    assert call_name("riscv64", 0x656E) == f"call {0x656E}"
