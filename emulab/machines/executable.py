"""What the kernel checks before it runs a program, for programs that an emulator is started for instead.

QEMU's user mode finds no program in PATH, runs no script, and says with status 1 what it can not run; an
emulated program's own status 1 looks the same. So these are found out before.
"""

from __future__ import annotations

import posixpath
from typing import TYPE_CHECKING

from emulab.errors import UsageError
from emulab.machines.agent_errors import RequestError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from emulab.architectures import Architecture
    from emulab.machines.agent_client import AgentClient
    from emulab.machines.protocol import Command

_MISSING = ("ENOENT", "ENOTDIR")


def emulated_argv(
    agent: AgentClient, command: Command, architecture: Architecture, prefix: Sequence[str]
) -> tuple[str, ...]:
    """Return the argv that runs a command under an emulator.

    :param prefix: the emulator's own argv.
    :raises UsageError: the kernel would refuse the program.
    """
    path = _found(agent, command)
    try:
        facts = agent.program(path)
    except RequestError as error:
        if error.refusal.errno in _MISSING:
            raise _missing(path) from error
        raise UsageError(f"{path} can not be executed: {error.refusal.message}") from error
    if facts.interpreter and not facts.interpreter_found:
        raise UsageError(
            f"{path} needs {facts.interpreter}, which the root filesystem does not have",
            hint="choose another --libc, or build the program without that need",
        )
    if facts.format == "script":
        # The kernel starts its interpreter, and by the table of binary formats the emulator for that.
        return (path, *command.argv[1:])
    if facts.format != "elf":
        raise UsageError(f"{path} is neither an ELF program nor a script with an interpreter line")
    wanted = architecture.goarch
    if facts.machine != wanted:
        raise UsageError(
            f"{path} is a program for {facts.machine or 'an unknown machine'}, and this is {wanted}"
        )
    return (*prefix, path, *command.argv[1:])


def _found(agent: AgentClient, command: Command) -> str:
    """Return the path of a command's program, looked for in its PATH where it has no slash."""
    name = command.argv[0]
    if "/" in name:
        return posixpath.join(command.directory, name)
    for directory in command.environment.get("PATH", "").split(":"):
        path = posixpath.join(command.directory, directory, name)
        facts = agent.stat(path)
        if facts.exists and facts.kind != "directory":
            return path
    raise _missing(name)


def _missing(name: str) -> UsageError:
    return UsageError(
        f"there is no program {name} on the machine", hint="give its path in the root filesystem"
    )
