"""The kernel's table of binary formats: an entry of ours is there as long as it is needed, and no longer."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from emulab.architectures import architecture
from emulab.machines.binfmt import Table, entry_owner

if TYPE_CHECKING:
    from collections.abc import Callable

    from emulab.machines.agent_machine import AgentMachine
    from emulab.machines.opening import Opener
    from emulab.machines.protocol import Command
    from emulab.machines.target import Target

_HOLDER = """
import sys, time
from emulab.boards import generic_board
from emulab.architectures import architecture
from emulab.machines.opening import Opener
from emulab.machines.target import Target
from emulab.progress import Silent
target = Target(architecture("armv7"), "musl", "user", "cortex-a7", 64 << 20, 1)
opener = Opener(Silent())
opener.prepare([target])
machine = opener.open(target)
print(opener.engine.owner, flush=True)
time.sleep(600)
"""


@pytest.fixture
def formats(opener: Opener, target: Callable[..., Target]) -> Callable[[], list[str]]:
    """Lists the table's entries as root sees them."""
    if os.geteuid() != 0:
        pytest.skip("the table of binary formats is root's to see")
    user = target("arm64")
    opener.prepare([user])
    agent = opener.tools_of(user).agent

    def formats() -> list[str]:
        listed = subprocess.run(
            [agent, "binfmt", "list"], stdin=subprocess.DEVNULL, capture_output=True, text=True, check=True
        )
        return listed.stdout.split()

    return formats


@pytest.fixture(params=["this process", "a container"])
def table(request: pytest.FixtureRequest, opener: Opener, target: Callable[..., Target]) -> Table:
    """The table, changed by a child of this process or, as for an engine elsewhere, by a container."""
    user = target("riscv64")
    opener.prepare([user])
    tools = opener.tools_of(user)
    engine = opener.engine
    if request.param == "a container":
        engine = replace(engine, address="tcp://engine.example:2375")
        assert not engine.is_local
    image = opener.image_ids(user)[1]
    return Table(engine, tools.agent, tools.volume, image)


def test_an_entry_is_there_while_a_machine_is_open_and_gone_after(
    formats: Callable[[], list[str]],
    open_machine: Callable[..., AgentMachine],
    target: Callable[..., Target],
    opener: Opener,
) -> None:
    before = formats()
    with open_machine(target("arm64")):
        added = set(formats()) - set(before)
        if not any("aarch64" in name and entry_owner(name) is None for name in before):
            # None of the host's own entries serves.
            assert [str(entry_owner(name)) for name in added] == [str(opener.engine.owner)]
    assert not added & set(formats())


def test_two_machines_of_one_process_share_what_neither_takes_from_the_other(
    open_machine: Callable[..., AgentMachine], target: Callable[..., Target], command: Callable[..., Command]
) -> None:
    # Through the table: the shell's echo is its own, the second shell is a program.
    pipe = command("/bin/sh", "-c", "/bin/sh -c 'exit 4'")
    first, second = open_machine(target("riscv64")), open_machine(target("riscv64"))
    try:
        assert first.run(pipe).status == 4
        first.close()
        assert second.run(pipe).status == 4
    finally:
        first.close()
        second.close()


def test_an_entry_goes_when_its_process_is_killed(formats: Callable[[], list[str]]) -> None:
    with subprocess.Popen([sys.executable, "-c", _HOLDER], stdout=subprocess.PIPE, text=True) as holder:
        assert holder.stdout is not None
        owner = holder.stdout.readline().strip()
        entries = [name for name in formats() if str(entry_owner(name)) == owner]
        holder.kill()
    assert entries
    deadline = time.monotonic() + 5
    while set(entries) & set(formats()) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not set(entries) & set(formats())


def test_an_entry_is_added_held_and_removed_either_way(
    table: Table, formats: Callable[[], list[str]]
) -> None:
    before = formats()
    entry = table.hold(architecture("riscv64"))
    try:
        assert entry.answer == "added"
        added = set(formats()) - set(before)
        assert [str(entry_owner(name)) for name in added] == [str(table.engine.owner)]
    finally:
        entry.close()
    assert not added & set(formats())


def test_a_rule_that_the_kernel_refuses_is_an_error(table: Table) -> None:
    from emulab.errors import MachineError

    with pytest.raises(MachineError, match="table of binary formats could not be changed"):
        table._start("hold", "qemu-none", "emulab-none", "this is no rule")
