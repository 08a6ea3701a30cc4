"""Marks that a guest's agent sets in what is counted of its machine."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from emulab.machines.agent_errors import to

if TYPE_CHECKING:
    from emulab.machines.agent_client import AgentClient


class Account(msgspec.Struct, frozen=True):
    """What the kernel has counted of a running program since it was started.

    :param minor_faults: page faults of all its threads that needed no disk.
    :param voluntary_switches: context switches of the threads that live: away because they waited.
    :param involuntary_switches: away because another one got the processor.
    """

    minor_faults: int = 0
    major_faults: int = 0
    voluntary_switches: int = 0
    involuntary_switches: int = 0


def mark(agent: AgentClient, number: int, pid: int | None = None) -> Account:
    """End a window of what is counted; the agent's own instruction ends it, the same one every time.

    :param number: what the window is told by, as its argument.
    :param pid: whose account to return, read just before; zeros without one.
    :raises RequestError: there is no such process.
    """
    return to(Account, agent.ask("mark", number=number, pid=pid)[0])
