"""A machine without a network has its own loopback, under its usual name."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from emulab.machines.agent_machine import AgentMachine
    from emulab.machines.protocol import Command
    from emulab.machines.target import Target


@pytest.fixture(scope="module")
def machine(
    open_machine: Callable[..., AgentMachine], target: Callable[..., Target]
) -> Iterator[AgentMachine]:
    with open_machine(target("armv7", "glibc")) as machine:
        yield machine


def test_localhost_is_known_and_answers(machine: AgentMachine, command: Callable[..., Command]) -> None:
    result = machine.run(command("/bin/sh", "-c", "ping -c 1 localhost && ls /sys/class/net"))
    assert result.status == 0, result.stderr
    assert b"127.0.0.1" in result.stdout or b"(::1)" in result.stdout
    assert result.stdout.splitlines()[-1] == b"lo"


def test_the_rest_of_etc_is_the_root_filesystems(
    machine: AgentMachine, command: Callable[..., Command]
) -> None:
    result = machine.run(command("/bin/sh", "-c", "cat /etc/nsswitch.conf /etc/passwd; touch /etc/x"))
    assert b"hosts: files dns" in result.stdout
    assert b"nobody:" in result.stdout
    assert result.status == 1
    assert b"Read-only" in result.stderr
