"""A core, as its file in ``cores/`` describes it.

Times are cycles. A value is *ready* at the first cycle at which an instruction that needs it when it issues
can take it. Where a pipeline has several stages in which an instruction may be executed (SiFive's early and
late ALU, Arm's skewed pipelines), ``stages`` says how many cycles after its issue an instruction needs its
operands: it is executed at the first of them at which they are there, and issues no earlier than the last one
allows.
"""

from __future__ import annotations

import functools
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import msgspec

from emulab.boards.checking import check_complete, check_file
from emulab.boards.library import read_toml
from emulab.errors import UsageError
from emulab.profiling.work import Work
from emulab.timing.instruction import FLAGS

if TYPE_CHECKING:
    from collections.abc import Sequence

    from emulab.timing.instruction import Instruction

LOADS, STORES, ADDS, UPDATES = 1, 2, 3, 4
"""What an instruction whose offset is known does: loads, stores, adds the offset to a register, or both loads
and stores."""

SHIPPED = Path(__file__).resolve().parent / "cores"


class Group(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """``[groups.NAME]``: what instructions of a group need.

    :param latency: from execution to when the result is ready.
    :param to_address: likewise for what makes an address of it, where there is a shorter way.
    :param pipes: those that can take it, one of them; none when it needs none.
    :param unit: what does the work behind the pipe, where it can do one thing at a time only (a divider).
    :param occupancy: for how long it keeps the unit, or the pipe where there is none.
    :param stages: when its operands are needed, counted from its issue.
    :param late: when those are needed that are only stored or added.
    :param base: from issue to when a base register that moved on is ready.
    :param slots: how much of the issue width it takes.
    :param per_cycle: registers that a load or store of several moves at once.
    :param alone: nothing else issues in the same cycle.
    :param bubble: out of order, cycles without a fetch after it, beside those of any taken branch.
    :param at_retirement: out of order, it is executed when all before it have retired, as locked ones are.
    """

    latency: int
    to_address: int | None = None
    pipes: tuple[str, ...] = ()
    unit: str = ""
    occupancy: int = 1
    stages: tuple[int, ...] = (0,)
    late: int = 0
    base: int = 1
    slots: int = 1
    per_cycle: int = 2
    alone: bool = False
    at_retirement: bool = False
    bubble: int = 0


class CoreFile(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A file of ``cores/``.

    :param isas: what it executes.
    :param issue: instructions that issue (in order) or are dispatched (out of order) per cycle.
    :param window: instructions that are under way at once, out of order.
    :param queue: instructions that may wait before each pipe, out of order; 0: as many as the window holds.
    :param retire: instructions that leave the window per cycle.
    :param pipes: the names of the pipes, and ``units`` those of what works behind them.
    :param pairs_dependent: whether two instructions may issue together where one needs the other's result
        at a later stage.
    :param fetch_bytes: the aligned piece of code that is fetched per cycle; 0: fetching never limits.
    :param mirrors: the like of ``store_to_load`` for words of integer registers, negative where the load is
        done away with; None where that makes no difference.
    :param fetches: such pieces per cycle, out of order.
    :param fetch_ahead: instructions that may wait between fetch and issue.
    :param store_to_load: cycles after a store before a load of the same address can issue; None where loads
        do not wait.
    :param fuses: a conditional branch and the instruction before it that sets its flags are one for the front
        end and the window.
    :param taken_bubble: cycles in which nothing is fetched after a taken branch that was foretold.
    :param near_branches: taken branches that the fastest table of targets holds; 0: no limit is known.
    :param far_bubble: further cycles in which nothing is fetched after a taken branch that it does not hold.
    :param passed_bubble: cycles in which nothing is fetched after a conditional branch that was not taken.
    :param mispredict: cycles lost by a branch that was not.
    :param predicates: a branch over one instruction is never mispredicted: both become one.
    """

    name: str
    isas: tuple[str, ...]
    kind: Literal["in-order", "out-of-order"]
    issue: int
    window: int = 0
    queue: int = 0
    retire: int = 0
    pipes: tuple[str, ...]
    units: tuple[str, ...] = ()
    pairs_dependent: bool = False
    fetch_bytes: int = 0
    fetches: int = 1
    fetch_ahead: int = 8
    store_to_load: int | None = None
    mirrors: int | None = None
    fuses: bool = False
    taken_bubble: int = 0
    passed_bubble: int = 0
    near_branches: int = 0
    far_bubble: int = 0
    mispredict: int
    predicates: bool = False
    groups: dict[str, Group]
    sources: dict[str, str] = {}


class Step(msgspec.Struct, frozen=True, gc=False):
    """An instruction on a certain core: what the pipelines work with.

    :param pipes: bit masks of the pipes that can take it, () for none.
    :param unit: the number of the unit that does it, -1 for none.
    :param access: what it does to memory: see ``LOADS``, ``STORES``, ``ADDS`` and ``UPDATES``.
    :param is_narrow: whether what it loads or stores is no word of an integer register.
    :param words: how many of 8 bytes it loads or stores.
    :param sets_flags: whether a branch may be fused to it.
    """

    pipes: tuple[int, ...]
    unit: int
    occupancy: int
    stages: tuple[int, ...]
    latency: int
    to_address: int
    data: tuple[int, ...]
    address: tuple[int, ...]
    late: tuple[int, ...]
    late_stage: int
    writes: tuple[int, ...]
    base: tuple[int, ...]
    base_latency: int
    moves: int | None
    slots: int
    alone: bool
    size: int
    is_branch: bool
    access: int
    offset: int | None
    sets_flags: bool
    at_retirement: bool
    bubble: int
    is_narrow: bool
    words: int


class Core:
    """A core: its file's facts, and what each instruction takes on it.

    >>> load_core("sifive-u74").facts.issue
    2
    """

    def __init__(self, identifier: str, facts: CoreFile) -> None:
        self.id = identifier
        self.facts = facts
        # Ways that were run, by their steps, which live as long as this does.
        self.known: dict[tuple[Any, ...], list[float]] = {}
        self._steps: dict[Instruction, Step] = {}
        self._bits = {name: 1 << place for place, name in enumerate(facts.pipes)}

    def step(self, instruction: Instruction) -> Step:
        """Return what an instruction takes."""
        found = self._steps.get(instruction)
        if found is None:
            found = self._steps[instruction] = self._make(instruction)
        return found

    def group(self, name: str) -> Group:
        """Return what holds for a group: the most special entry that there is for it.

        >>> load_core("sifive-u74").group("load.fp.unheard-of").pipes
        ('A',)
        """
        while name not in self.facts.groups:
            name, dot, _ = name.rpartition(".")
            if not dot:
                raise UsageError(f"the core {self.id} has no group {name!r}", hint="add it to its file")
        return self.facts.groups[name]

    def _make(self, instruction: Instruction) -> Step:
        group = self.group(instruction.group)
        # Several registers are moved one after the other, the later ones later.
        turns = -(-instruction.elements // group.per_cycle) if instruction.elements > 1 else 1
        return Step(
            pipes=tuple(self._bits[name] for name in group.pipes),
            unit=self.facts.units.index(group.unit) if group.unit else -1,
            occupancy=group.occupancy * turns,
            stages=group.stages,
            latency=group.latency + turns - 1,
            to_address=(group.latency if group.to_address is None else group.to_address) + turns - 1,
            data=instruction.data,
            address=instruction.address,
            late=instruction.late,
            late_stage=group.late,
            writes=instruction.writes,
            base=instruction.base,
            base_latency=group.base,
            moves=instruction.moves,
            slots=group.slots,
            alone=group.alone or turns > 1,
            size=instruction.size,
            is_branch=instruction.group.startswith("branch"),
            access=_access(instruction),
            offset=instruction.offset,
            sets_flags=FLAGS in instruction.writes and instruction.group in ("integer", "integer.load"),
            at_retirement=group.at_retirement,
            bubble=group.bubble,
            is_narrow=instruction.is_narrow,
            words=max(instruction.elements, 1),
        )


def _access(instruction: Instruction) -> int:
    if instruction.offset is None:
        return 0
    if instruction.group.endswith(".update"):
        return UPDATES
    if instruction.group.startswith("load") or instruction.group.endswith(".load"):
        return LOADS
    if instruction.group.startswith("store"):
        return STORES
    return ADDS if len(instruction.data) == 1 else 0


def core_ids() -> Sequence[str]:
    """Return the ids of the cores that ship."""
    return sorted(path.stem for path in SHIPPED.glob("*.toml"))


@functools.cache
def load_core(identifier: str) -> Core:
    """Return a core by its id in the catalogue of boards.

    :raises UsageError: there is no such core.
    """
    path = SHIPPED / f"{identifier}.toml"
    if not path.is_file():
        raise UsageError(
            f"no pipeline is known of the core {identifier!r}", hint=f"known are {', '.join(core_ids())}"
        )
    return read_core(path)


def read_core(path: Path) -> Core:
    """Return the core of a file.

    :raises UsageError: a field is unknown, missing or wrong, or names a pipe or group that is not there.
    """
    document = read_toml(path, path.name)
    check_file(document, CoreFile, path.name)
    check_complete(document, CoreFile, path.name)
    facts = msgspec.convert(document, CoreFile)
    _check(facts, path.name)
    return Core(path.stem, facts)


def _check(facts: CoreFile, file: str) -> None:
    for name, group in facts.groups.items():
        for pipe in group.pipes:
            if pipe not in facts.pipes:
                raise UsageError(
                    f"{file}: field `groups.{name}.pipes` names {pipe!r};"
                    f" `pipes` are {', '.join(facts.pipes)}"
                )
        if group.unit and group.unit not in facts.units:
            raise UsageError(
                f"{file}: field `groups.{name}.unit` is {group.unit!r}; `units` are {', '.join(facts.units)}"
            )
        for field in ("latency", "occupancy", "late", "base", "slots", "per_cycle"):
            if getattr(group, field) < (0 if field in ("latency", "late", "base") else 1):
                raise UsageError(f"{file}: field `groups.{name}.{field}` is too small")
        if not group.stages or min(group.stages) < 0 or list(group.stages) != sorted(group.stages):
            raise UsageError(f"{file}: field `groups.{name}.stages` must be ascending, one stage at least")
        if group.slots > facts.issue:
            raise UsageError(f"{file}: field `groups.{name}.slots` is more than `issue`, {facts.issue}")
    missing = [work.name.lower() for work in Work if work.name.lower() not in facts.groups]
    if missing:
        raise UsageError(f"{file}: field `groups` lacks {', '.join(missing)}; all others fall back on them")
    if facts.issue < 1:
        raise UsageError(f"{file}: field `issue` is {facts.issue}; give 1 or more")
    if facts.kind == "out-of-order" and facts.window < 1:
        raise UsageError(f"{file}: field `window` is missing; out of order it is needed")
    for name in facts.sources:
        first, _, rest = name.partition(".")
        if first not in CoreFile.__struct_fields__ or (rest and rest not in facts.groups):
            raise UsageError(f"{file}: field `sources` has {name!r}, which is no field of this file")
