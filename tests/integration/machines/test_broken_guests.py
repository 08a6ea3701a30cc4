"""Guests that panic, hang, die or never come up: told with the reason and the console."""

from __future__ import annotations

import os
import threading
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from emulab.errors import MachineError
from emulab.machines.agent_documents import Program
from emulab.machines.snapshots import RunningGuest, ensure_snapshot, restore
from emulab.progress import Silent

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from emulab.machines.agent_machine import AgentMachine
    from emulab.machines.opening import Opener
    from emulab.machines.protocol import Command
    from emulab.machines.target import Target

MEBIBYTE = 1 << 20
ARCHITECTURES = ["arm64", "armv7", "riscv64"]
# Where one architecture shows as much as three would.
ANY = "arm64"


@pytest.mark.parametrize(
    ("script", "said"),
    [
        # The first process ends of its dump of goroutines, and without it the kernel panics.
        ("kill -QUIT 1", "Kernel panic - not syncing: Attempted to kill init!"),
        ("reboot -f", "reboot: Restarting system"),
    ],
    ids=["panic", "reboot"],
)
@pytest.mark.parametrize("arch", ARCHITECTURES)
def test_a_guest_that_goes_down_is_told_with_its_consoles_last_lines(
    open_machine: Callable[..., AgentMachine],
    target: Callable[..., Target],
    command: Callable[..., Command],
    arch: str,
    script: str,
    said: str,
) -> None:
    with open_machine(target(arch, mode="system", memory=64 * MEBIBYTE)) as machine:
        with pytest.raises(MachineError, match="the guest") as caught:
            machine.run(command("/bin/sh", "-c", f"{script}; sleep 60"))
        assert "QEMU has ended with status 0" in caught.value.detail
        assert said in caught.value.detail
        # Whoever asks after that is told the same, and at once.
        with pytest.raises(MachineError, match="the guest") as again:
            machine.run(command("/bin/true"))
        assert said in again.value.detail


@pytest.fixture
def hung(opener: Opener, target: Callable[..., Target]) -> Iterator[RunningGuest]:
    """A guest whose processor stops while it sleeps, with an agent's session that waits 2 s for answers."""
    place = target(ANY, mode="system", memory=64 * MEBIBYTE)
    opener.prepare([place])
    hardware, system, _ = opener.system_of(place)
    tools = opener.tools_of(place)
    facts = ensure_snapshot(opener.engine, system, hardware, tools, Silent())
    running = restore(opener.engine, system, hardware, tools, facts)
    running.agent.close()
    impatient = running.guest.greet(running.guest.dial_agent(), 2.0)
    yield replace(running, agent=impatient)
    running.close()


@pytest.mark.parametrize("deadline", [None, 600.0], ids=["no limit", "a long limit"])
def test_a_guest_that_hangs_is_told_long_before_the_programs_limit(
    hung: RunningGuest, deadline: float | None
) -> None:
    threading.Timer(0.5, hung.guest.monitor.execute, ["stop"]).start()
    with pytest.raises(MachineError, match="the guest hangs: its agent did not answer for 2 s") as caught:
        hung.agent.run(Program(("/bin/sh", "-c", "echo said >/dev/console; sleep 600")), timeout_s=deadline)
    assert "QEMU still runs, its machine is paused" in caught.value.detail
    assert caught.value.detail.endswith("said")


def test_a_guest_that_hangs_takes_no_file_and_is_told(hung: RunningGuest) -> None:
    hung.guest.monitor.execute("stop")
    with pytest.raises(MachineError, match="put on the guest made no progress for 2 s") as caught:
        hung.agent.put(bytes(4 * MEBIBYTE), "/work/large")
    assert "QEMU still runs, its machine is paused" in caught.value.detail


def test_qemu_killed_from_outside_is_told_with_the_reason(
    opener: Opener, target: Callable[..., Target], open_machine: Callable[..., AgentMachine]
) -> None:
    place = target(ANY, mode="system", memory=64 * MEBIBYTE)
    open_machine(place).close()
    hardware, system, _ = opener.system_of(place)
    tools = opener.tools_of(place)
    facts = ensure_snapshot(opener.engine, system, hardware, tools, Silent())
    running = restore(opener.engine, system, hardware, tools, facts)
    try:
        failure: list[Exception] = []

        def wait() -> None:
            try:
                running.agent.run(Program(("/bin/sleep", "600")))
            except MachineError as error:
                failure.append(error)

        waiting = threading.Thread(target=wait)
        waiting.start()
        script = f"pkill -KILL qemu-system || kill -9 $(pidof qemu-system-{hardware.architecture.qemu})"
        container = opener.engine.client.containers.get(running.hosting.container.id)
        container.exec_run(["sh", "-c", script])
        waiting.join(30)
        assert not waiting.is_alive()
    finally:
        running.close()
    assert len(failure) == 1
    error = failure[0]
    assert isinstance(error, MachineError)
    assert "the guest" in error.message
    assert "QEMU was killed by SIGKILL" in error.detail


def test_too_little_memory_to_boot_is_told_with_the_console(
    open_machine: Callable[..., AgentMachine], target: Callable[..., Target]
) -> None:
    with pytest.raises(MachineError) as caught:
        open_machine(target(ANY, mode="system", memory=18 * MEBIBYTE))
    assert "18 MiB" in caught.value.message
    assert "memory" in caught.value.hint
    assert "QEMU" in caught.value.detail
    assert os.linesep in caught.value.detail
