"""Counting what a program executes: the instrument's Python side.

The plugin's C source is in ``images/qemu/plugin``. :mod:`~emulab.profiling.counting` runs programs counted,
:mod:`~emulab.profiling.profile` reads what came of it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from emulab.profiling.counting import Counted as Counted
    from emulab.profiling.counting import Counter as Counter
    from emulab.profiling.gate import Gate as Gate
    from emulab.profiling.gate import benchmark_gate as benchmark_gate
    from emulab.profiling.profile import Profile as Profile
    from emulab.profiling.profile import Window as Window
    from emulab.profiling.profile import read as read

_PLACES = {
    "Counted": "counting",
    "Counter": "counting",
    "Gate": "gate",
    "Profile": "profile",
    "Window": "profile",
    "benchmark_gate": "gate",
    "read": "profile",
}


def __getattr__(name: str) -> Any:
    # numpy is loaded by those who count, not by every call of the command.
    if name not in _PLACES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    import importlib

    return getattr(importlib.import_module(f"{__name__}.{_PLACES[name]}"), name)
