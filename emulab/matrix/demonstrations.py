"""Every fault against the programs that show it, and what they did against what is documented."""

from __future__ import annotations

import contextlib
import os
import re
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from emulab.errors import EmulabError, InfrastructureError, UsageError
from emulab.machines.protocol import SEARCH_PATH, Command
from emulab.matrix.faults.applying import afflicted, built, changed, hole
from emulab.matrix.faults.catalogue import PROGRAMS
from emulab.testing.verdicts import Verdict
from emulab.toolchain.go import find_go
from emulab.workloads.building import Workshop
from emulab.workloads.request import BuildOptions, Place, Program, ProgramKind, RunRequest

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from emulab.machines.agent_machine import AgentMachine
    from emulab.machines.opening import Opener
    from emulab.matrix.faults.schema import Case, Fault, Seen
    from emulab.progress import Progress
    from emulab.toolchain.artifact import Artifact

TIMEOUT_S = 60.0
NOT_STARTED = "could not be started"
_MOST_LINES = 6
_MODES = ("user", "system")


@dataclass(frozen=True)
class Ended:
    """How a demonstration ended.

    :param ending: a clause: ``ended with status 2``.
    :param output: what it said, standard error included.
    """

    ending: str
    output: str = ""

    @property
    def survived(self) -> bool:
        """Tell whether it went on working."""
        return self.ending == "ended with status 0"

    def is_as(self, seen: Seen) -> bool:
        """Tell whether it did what is documented."""
        return re.fullmatch(seen.ending, self.ending) is not None or (
            self.ending.startswith("was killed by the kernel")
            and re.match(seen.ending, self.ending) is not None
        )

    def says(self, seen: Seen) -> bool:
        """Tell whether its output has what is documented."""
        return re.search(seen.output, self.output) is not None


@dataclass(frozen=True)
class Row:
    """A verdict on one demonstration on one machine, or on a fault that can not be shown there."""

    fault: str
    place: Place
    verdict: Verdict
    reason: str
    remedy: str = ""
    case: str = ""
    outcome: str = ""
    documented: str = ""
    go: str = ""
    evidence: tuple[str, ...] = ()
    seconds: float = 0.0

    @property
    def name(self) -> str:
        """Return what it is called: the fault, and the case of it."""
        return f"{self.fault}/{self.case}" if self.case else self.fault

    def to_json(self) -> dict[str, Any]:
        """Return it as a verdict of the result document."""
        target = self.place.target
        return {
            "board": target.board,
            "arch": target.architecture.name,
            "libc": target.libc,
            "mode": target.mode,
            "go": self.go,
            "build": "",
            "probe": self.name,
            "fault": self.fault,
            "verdict": str(self.verdict),
            "reason": self.reason,
            "remedy": self.remedy,
            "tests": 1 if self.outcome else 0,
            "outcome": self.outcome or None,
            "documented": self.documented or None,
            "evidence": list(self.evidence),
            "seconds": round(self.seconds, 3),
        }


@dataclass
class Showing:
    """Shows faults: builds the demonstrations, opens machines, runs one on the other.

    :param go: which Go builds them; None for the usual one.
    """

    opener: Opener
    progress: Progress
    go: str | None = None
    _artifacts: dict[Any, Artifact] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    @property
    def version(self) -> str:
        """Return the version of Go that builds them."""
        return find_go(self.go, self.progress).version

    @property
    def release(self) -> tuple[int, int]:
        """Return the release of Go that builds them."""
        major, minor = re.findall(r"\d+", self.version)[:2]
        return int(major), int(minor)

    def artifact(self, fault: Fault, case: Case, place: Place) -> Artifact:
        """Return a demonstration's program for a place.

        :param place: where the fault is, which decides what the program is linked against.
        """
        options = built(BuildOptions(go=self.go), fault.build, place.target)
        options = built(options, case.build, place.target)
        key = (case.package, options, place.board.id, place.target.libc)
        with self._lock:
            if key not in self._artifacts:
                program = Program(ProgramKind.PACKAGE, case.package, f"./{case.package}", PROGRAMS)
                artifact = Workshop(RunRequest(program, build=options), self.progress).artifact(place)
                assert artifact is not None
                self._artifacts[key] = artifact
            return self._artifacts[key]

    def open(self, place: Place) -> AgentMachine:
        """Open the machine of a place, with its images."""
        with self._lock:
            self.opener.prepare([place.target])
        return self.opener.open(place.target)

    def push(self, artifacts: Iterable[Artifact], machine: AgentMachine) -> None:
        """Bring programs to a machine, before it is full, read-only or anything else."""
        for artifact in {each.sha256: each for each in artifacts}.values():
            machine.push(artifact.path, _path(artifact))

    def run(self, case: Case, artifact: Artifact, machine: AgentMachine, place: Place) -> Ended:
        """Run a demonstration, whose program is there, on an open machine.

        :raises InfrastructureError: something beneath it failed.
        """
        environment = {"PATH": SEARCH_PATH, "HOME": "/work", **place.target.environment, **case.environment}
        command = Command((_path(artifact), *case.arguments), environment, timeout_s=TIMEOUT_S)
        try:
            ended = machine.run(command)
        except UsageError as error:
            return Ended(NOT_STARTED, error.message)
        return Ended(ended.ending(), (ended.stdout + ended.stderr).decode(errors="replace"))

    def show(self, fault: Fault, place: Place) -> list[Row]:
        """Return what every case of a fault does on a machine; what fails beneath them is tried once more."""
        why = hole(fault, place.target)
        if why:
            return [Row(fault.id, place, Verdict.UNSUPPORTED, why)]
        try:
            with contextlib.suppress(InfrastructureError):
                return self._show(fault, place)
            return self._show(fault, place)
        except EmulabError as error:
            lines = tuple(error.detail.splitlines()[:_MOST_LINES])
            return [Row(fault.id, place, Verdict.ERROR, error.message, error.hint, evidence=lines)]

    def _show(self, fault: Fault, place: Place) -> list[Row]:
        there = afflicted(fault, place)
        programs = {case.id: self.artifact(fault, case, there) for case in fault.case}
        rows = []
        with self.open(there) as machine:
            self.push(programs.values(), machine)
            for case in fault.case:
                began = time.monotonic()
                ended = self.run(case, programs[case.id], machine, there)
                row = _judged(fault, case, place, ended, self.release)
                rows.append(replace(row, go=self.version, seconds=time.monotonic() - began))
        return rows


def _path(artifact: Artifact) -> str:
    return f"/work/{artifact.name}-{artifact.sha256[:8]}"


def without(fault: Fault, place: Place) -> Place:
    """Return the place on which a fault's demonstrations work: a machine like that without the fault."""
    target = changed(place.target, fault.without)
    if fault.build.libc == "other":
        target = replace(target, libc="glibc" if target.libc == "musl" else "musl")
    return replace(place, target=target)


def _judged(fault: Fault, case: Case, place: Place, ended: Ended, release: tuple[int, int]) -> Row:
    seen = case.expected(release, place.target.architecture.name)
    is_documented = ended.is_as(seen) and ended.says(seen)
    lines = tuple(line.strip() for line in ended.output.splitlines() if line.strip())[:_MOST_LINES]
    outcome = "survives" if ended.survived else "dies"
    found = re.search(seen.output, ended.output)
    said = next(reversed(found[0].splitlines()), "") if found else ""
    said = _line_with(said, ended.output) if said else (lines or ("",))[0]
    reason = (
        f"it {outcome}{f': it {ended.ending}' if not ended.survived else ''}{f' ({said})' if said else ''}"
    )
    if is_documented:
        reason = f"as documented, {reason}"
    else:
        reason = f"not as documented ({seen.ending}, {seen.output!r}): {reason}"
    return Row(
        fault.id,
        place,
        Verdict.PASS if is_documented else Verdict.FAIL,
        reason,
        "" if ended.survived else fault.remedy,
        case.id,
        outcome,
        "survives" if seen.survives else "dies",
        evidence=lines,
    )


def _line_with(part: str, text: str) -> str:
    return next((line.strip() for line in text.splitlines() if part in line), part)


def preferred(fault: Fault, places: Iterable[Place]) -> list[Place]:
    """Return of places that differ in their mode only one, on which a fault can be shown: user mode first.

    Where it can be shown on none of them, one stands for all.
    """
    grouped: dict[tuple[str, str], list[Place]] = {}
    for place in places:
        grouped.setdefault((place.board.id, place.target.libc), []).append(place)
    chosen = []
    for group in grouped.values():
        ordered = sorted(group, key=lambda place: _MODES.index(place.target.mode))
        chosen.append(next((each for each in ordered if not hole(fault, each.target)), ordered[-1]))
    return chosen


def demonstrate(
    faults: Sequence[Fault],
    places_of: Callable[[Fault], Sequence[Place]],
    showing: Showing,
    on_row: Callable[[Row], None],
) -> list[Row]:
    """Show faults on machines, as many at once as there are processors.

    :param on_row: called with each row as it comes, from any thread.
    """
    cells = [(fault, place) for fault in faults for place in places_of(fault)]

    def show(cell: tuple[Fault, Place]) -> list[Row]:
        rows = showing.show(*cell)
        for row in rows:
            on_row(row)
        return rows

    with ThreadPoolExecutor(os.cpu_count() or 1, thread_name_prefix="fault") as pool:
        return [row for rows in pool.map(show, cells) for row in rows]
