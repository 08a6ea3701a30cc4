"""``emulab exec``: one program on a machine of its own, as if it ran here."""

from __future__ import annotations

import os
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from emulab.errors import UsageError
from emulab.machines.opening import Ahead, Opener
from emulab.machines.protocol import Command
from emulab.testing.environment import guest_environment
from emulab.testing.flags import translate
from emulab.testing.process import fetch_new_inputs, fetch_outputs, run_joined, send_inputs
from emulab.testing.staging import lay_out, stage_of
from emulab.toolchain.artifact import artifact_of_binary
from emulab.toolchain.fitness import library_of
from emulab.workloads.request import Program, ProgramKind, RunRequest, find_places

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from emulab.machines.protocol import Completed
    from emulab.progress import Progress

_MEMORY = 2 << 30
_ARCHITECTURES = {"armv5": "armv7", "armv6": "armv7", "arm": "armv7"}


@dataclass(frozen=True)
class ExecRequest:
    """One call of ``emulab exec``.

    :param arguments: the program's.
    :param board, libc, mode: the machine; "" for what the program itself says, and user mode.
    :param directory: where it runs, on this host.
    """

    binary: Path
    arguments: Sequence[str]
    directory: Path
    board: str = ""
    libc: str = ""
    mode: str = ""
    memory: int | None = None
    network: bool = False


def execute(request: ExecRequest, progress: Progress, on_output: Callable[[str, bytes], None]) -> Completed:
    """Run a program on a machine of its architecture and bring back what its flags say that it writes.

    :raises UsageError: it can not run there.
    :raises InfrastructureError: the machine failed.
    """
    artifact = artifact_of_binary(request.binary)
    facts = artifact.facts
    name = _ARCHITECTURES.get(facts.architecture, facts.architecture)
    libc = request.libc or (library_of(facts.interpreter) if facts.interpreter else "musl")
    places = find_places(
        RunRequest(
            program=Program(ProgramKind.BINARY, artifact.name, str(artifact.path), request.directory),
            boards=(request.board,) if request.board else (),
            architectures=() if request.board else (name,),
            libcs=(libc,),
            modes=(request.mode,) if request.mode else (),
            memory=request.memory or (_MEMORY if request.mode != "system" else None),
            network=request.network,
        )
    )
    if len(places) != 1:
        raise UsageError("a program runs on one machine", hint="name one board, one libc and one mode")
    stage = stage_of(request.directory)
    target = replace(places[0].target, writable=stage.writable)
    translated = translate(request.arguments, request.directory)
    with Opener(progress) as opener:
        machines = Ahead(opener, [target], first=True)
        try:
            with machines.open(target) as machine:
                path = f"/tmp/.emulab-bin/{artifact.name}"
                machine.push(artifact.path, path)
                lay_out(stage, machine.agent)
                send_inputs(machine.agent, translated.errands)
                environment = guest_environment(os.environ, target.environment, stage.guest_directory)
                for errand in translated.errands:
                    if "gocoverdir" in errand.guest:
                        environment["GOCOVERDIR"] = errand.guest
                command = Command((path, *translated.arguments), environment, stage.guest_directory)
                ended = run_joined(machine, command, on_output)
                fetch_outputs(machine.agent, translated.errands, stage.guest_directory)
                fetch_new_inputs(machine.agent, stage.guest_directory, stage.directory)
                return ended
        finally:
            machines.close()
