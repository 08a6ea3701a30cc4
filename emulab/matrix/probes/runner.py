"""Running probes on machines: each in a process of its own, none harmed by the one before it."""

from __future__ import annotations

import os
import platform
import threading
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from emulab import __version__, cache
from emulab.errors import EmulabError, InfrastructureError
from emulab.images.digests import Digests
from emulab.images.recipes import Recipes
from emulab.machines.opening import Opener, images_of
from emulab.machines.protocol import SEARCH_PATH, Command
from emulab.matrix.probes.cells import ProbeCell
from emulab.matrix.probes.programs import Programs
from emulab.matrix.probes.table import MAIN_PROGRAM, PROGRAMS, Probe, ProbeTable
from emulab.matrix.probes.verdicts import Sighting, judge_probe, sighting_of
from emulab.testing.process import run_within
from emulab.testing.room import Room, available_memory, need_of
from emulab.testing.verdicts import Judgement, Verdict
from emulab.toolchain.artifact import Artifact
from emulab.toolchain.go import find_go

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from emulab.machines.agent_machine import AgentMachine
    from emulab.machines.target import Target
    from emulab.progress import Progress
    from emulab.testing.cells import Memory
    from emulab.workloads.request import Place

DIRECTORY = "/tmp/.emulab-probes"
"""Where the probes' programs lie on a machine."""
_OWN_MACHINE = "EMULAB_OWN_MACHINE"
_MOST_OUTPUT = 1 << 16
_GRACE_S = 3.0

# What came of a probe on a machine: what it said, or the verdict where it could not be run.
Found = Sighting | Judgement


@dataclass(frozen=True)
class _Key:
    board: str | None
    architecture: str
    libc: str


@dataclass(frozen=True)
class ProbeRequest:
    """Which probes to run, and where.

    :param second_place: the whole machine to ask where one in user mode leaves open whose doing it is.
    :param go: the version of Go that they are built with, None for the usual one.
    """

    probes: tuple[Probe, ...]
    places: tuple[Place, ...]
    second_place: Callable[[Place], Place]
    go: str | None = None


def run_probes(
    request: ProbeRequest,
    table: ProbeTable,
    progress: Progress,
    on_machine: Callable[[list[ProbeCell]], None],
    memory: Memory | None,
    programs: Path = PROGRAMS,
) -> list[ProbeCell]:
    """Run probes on machines and judge them.

    :param on_machine: called with the cells of each machine as they come, from any thread.
    :param memory: where cells are written down and known ones are taken from; None for none.
    :param programs: the Go module that their programs are packages of.
    :raises InfrastructureError: no engine answers, or an image can not be built.
    """
    go = find_go(request.go, progress)
    with Opener(progress) as opener:
        crew = _Crew(request, opener, Programs(table.program, go, progress, programs), memory)
        opener.prepare(target for place in request.places for target, _ in crew.machines(place))
        return crew.carry_out(progress, on_machine)


class _Crew:
    """Threads that probe machines, as many as there are processors."""

    def __init__(
        self,
        request: ProbeRequest,
        opener: Opener,
        programs: Programs,
        memory: Memory | None,
    ) -> None:
        self._request = request
        self._opener = opener
        self._programs = programs
        self._probes = request.probes
        self._room = Room(lambda: available_memory(opener.engine))
        self._recipes = Recipes.load()
        self._digests = Digests(self._recipes)
        self._memory = memory
        self._preparing = threading.Lock()
        self._whole: dict[_Key, Future[dict[str, Found]]] = {}

    def machines(self, place: Place) -> list[tuple[Target, list[Probe]]]:
        """Return the machines of a place, one for each kernel that its probes want, with these."""
        return self._machines_of(place.target)

    def _machines_of(self, target: Target) -> list[tuple[Target, list[Probe]]]:
        groups: dict[str, list[Probe]] = {}
        for each in self._probes:
            has_it = target.mode == "system" and target.architecture.name == "arm64"
            groups.setdefault(each.kernel if has_it else "", []).append(each)
        return [
            (replace(target, kernel=kernel, cpu_model=group[0].cpu) if kernel else target, group)
            for kernel, group in groups.items()
        ]

    def carry_out(self, progress: Progress, on_machine: Callable[[list[ProbeCell]], None]) -> list[ProbeCell]:
        # Whole machines first: who is in doubt in user mode asks what they said.
        ordered = sorted(self._request.places, key=lambda place: place.target.mode != "system")
        pool = ThreadPoolExecutor(os.cpu_count() or 1, thread_name_prefix="probe")
        try:
            with progress.step("probing") as step:
                done = 0

                def one(place: Place) -> list[ProbeCell]:
                    nonlocal done
                    cells = self._judged(place)
                    done += 1
                    step.update(place.target.title, done=done, total=len(ordered))
                    on_machine(cells)
                    return cells

                for place in ordered:
                    if place.target.mode == "system":
                        self._whole[_key(place)] = Future()
                futures = [pool.submit(one, place) for place in ordered]
                return [cell for future in futures for cell in future.result()]
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            raise

    def _judged(self, place: Place) -> list[ProbeCell]:
        keys = {each.id: self._digest(each, place) for each in self._probes}
        recalled = {
            each.id: ProbeCell.recalled(each.id, place, each.known_on(place.target), keys[each.id], row)
            for each in self._probes
            if self._memory is not None and (row := self._memory.recall(keys[each.id])) is not None
        }
        wanted = [each for each in self._probes if each.id not in recalled]
        found = self._seen(place, wanted)
        doubtful = [
            each
            for each in wanted
            if place.target.mode == "user"
            and isinstance(seen := found[each.id], Sighting)
            and seen.asks_for_a_whole_machine
        ]
        whole = self._on_whole_machine(place, doubtful)
        cells = []
        for each in self._probes:
            if each.id in recalled:
                cells.append(recalled[each.id])
                continue
            judged = _judgement(each, place.target, found[each.id], whole.get(each.id))
            seen = found[each.id]
            seconds = seen.seconds if isinstance(seen, Sighting) else 0.0
            known = each.known_on(place.target)
            cell = ProbeCell(each.id, place, judged, known, seconds, keys[each.id])
            if self._memory is not None and judged.verdict is not Verdict.ERROR:
                self._memory.write(keys[each.id], cell.to_json())
            cells.append(cell)
        return cells

    def _seen(self, place: Place, wanted: list[Probe]) -> dict[str, Found]:
        if place.target.mode != "system":
            return self._found(place, wanted)
        whole = self._whole[_key(place)]
        try:
            whole.set_result(self._found(place, wanted))
        except BaseException as error:
            whole.set_exception(error)
        return whole.result()

    def _on_whole_machine(self, place: Place, probes: list[Probe]) -> Mapping[str, Found]:
        if not probes:
            return {}
        known: dict[str, Found] = {}
        if (running := self._whole.get(_key(place))) is not None:
            known = running.result()
        left = [each for each in probes if each.id not in known]
        return {**known, **(self._found(self._request.second_place(place), left) if left else {})}

    def _found(self, place: Place, probes: list[Probe]) -> dict[str, Found]:
        found: dict[str, Found] = {}
        for target, group in self.machines(place):
            found |= self._found_on(target, [each for each in group if each in probes])
        return found

    def _found_on(self, target: Target, probes: list[Probe]) -> dict[str, Found]:
        """Run probes on one machine; one that does it harm is followed by a fresh machine."""
        found: dict[str, Found] = {}
        left = []
        for each in probes:
            lacking = self._lacking(each, target)
            if lacking is not None:
                found[each.id] = lacking
            else:
                left.append(each)
        broken: str | None = None
        before: dict[str, Sighting] = {}
        while left:
            current, is_open = left[0], False
            try:
                with self._preparing:
                    self._opener.prepare([target])
                with self._room.taken(need_of(target)), self._opener.open(target) as machine:
                    self._push(machine, target, left)
                    is_open = True
                    while left:
                        current = left[0]
                        seen = look(machine, current, target)
                        if isinstance(seen, Sighting) and seen.word == "fail" and current.id not in before:
                            # What fails now and then does not fail again; and a machine where something
                            # failed is not what the next one is to find.
                            before[current.id] = seen
                            break
                        found[current.id] = _after(before.get(current.id), seen)
                        left.pop(0)
                        if isinstance(seen, Sighting) and seen.word == "fail":
                            break
            except InfrastructureError as error:
                if broken == current.id:
                    # Where there is no machine at all, there is none for those after it either.
                    lost = [current] if is_open else list(left)
                    found |= dict.fromkeys((each.id for each in lost), _trouble(error))
                    left = [each for each in left if each not in lost]
                broken = current.id
        return found

    def _lacking(self, each: Probe, target: Target) -> Judgement | None:
        for name in each.beside:
            built = self._programs.built(name, target)
            if isinstance(built, Judgement):
                return built
        return None

    def _push(self, machine: AgentMachine, target: Target, probes: list[Probe]) -> None:
        names = dict.fromkeys(name for each in probes for name in each.beside)
        for name in (MAIN_PROGRAM, *names):
            built = self._programs.built(name, target)
            if isinstance(built, Judgement):
                raise InfrastructureError(built.reason, hint=built.remedy, detail="\n".join(built.evidence))
            machine.push(built.path, f"{DIRECTORY}/{name}")

    def _digest(self, each: Probe, place: Place) -> str:
        if self._memory is None:
            return ""
        machines = [self._machine(each, place.target, self._opener.image_ids)]
        if place.target.mode == "user":
            # Built or not: what it is made from decides what it would say.
            whole = self._request.second_place(place).target
            machines.append(self._machine(each, whole, self._recipes_of))
        programs = [
            built.sha256
            if isinstance(built := self._programs.built(name, place.target), Artifact)
            else built.reason
            for name in (MAIN_PROGRAM, *each.beside)
        ]
        # In user mode the calls reach this host's kernel.
        return cache.digest([
            __version__, "probe", each.id, each.limit_s, each.remedy, programs, machines, platform.release(),
        ])  # fmt: skip

    def _machine(self, each: Probe, wanted: Target, made_of: Callable[[Target], list[str]]) -> list[Any]:
        """Return what a probe's verdict depends on of its machine."""
        target = next(target for target, group in self._machines_of(wanted) if each in group)
        facts = [target.title, target.cpu_model, target.memory, target.cpus, target.kernel]
        return [*facts, dict(target.environment), made_of(target)]

    def _recipes_of(self, target: Target) -> list[str]:
        names = [name for text in images_of(target) for name in self._recipes.resolve(text)]
        return [self._digests.of(name) for name in names]


def _trouble(error: EmulabError) -> Judgement:
    lines = tuple(error.detail.splitlines()[:5])
    return Judgement(Verdict.ERROR, f"twice: {error.message}", error.hint, 0, lines)


def _key(place: Place) -> _Key:
    target = place.target
    return _Key(target.board, target.architecture.name, target.libc)


def _after(first: Sighting | None, seen: Found) -> Found:
    if first is None or not isinstance(seen, Sighting) or not seen.is_good:
        return seen
    return replace(seen, saw=f"{seen.saw}; it had failed once: {first.saw}")


def look(machine: AgentMachine, each: Probe, target: Target) -> Found:
    """Run a probe on a machine that has its programs, and return what it said.

    :raises InfrastructureError: the machine failed.
    """
    environment = {"PATH": SEARCH_PATH, "HOME": "/work", **target.environment}
    if target.mode == "system":
        # It may set this machine's clock, and mount: nobody else is there.
        environment[_OWN_MACHINE] = "1"
    said: dict[str, bytes] = {}

    def keep(channel: str, piece: bytes) -> None:
        said[channel] = (said.get(channel, b"") + piece)[-_MOST_OUTPUT:]

    command = Command((f"{DIRECTORY}/{MAIN_PROGRAM}", each.id), environment, "/work")
    try:
        ended = run_within(machine, command, each.limit_s, keep, grace_s=_GRACE_S)
    except InfrastructureError:
        raise
    except EmulabError as error:
        return Judgement(Verdict.UNSUPPORTED, error.message, error.hint)
    return sighting_of(said.get("stdout", b""), said.get("stderr", b""), ended, each.limit_s)


def _judgement(each: Probe, target: Target, found: Found, whole: Found | None) -> Judgement:
    if isinstance(found, Judgement):
        return found
    if isinstance(whole, Judgement) and whole.verdict is Verdict.ERROR:
        return replace(whole, reason=f"a whole machine was asked, and: {whole.reason}")
    second = whole if isinstance(whole, Sighting) else None
    return judge_probe(each, each.known_on(target), target.mode, found, second)
