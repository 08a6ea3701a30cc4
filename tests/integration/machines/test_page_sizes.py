"""Guests whose kernels have larger pages than 4 KiB."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from emulab.machines.agent_machine import AgentMachine
    from emulab.machines.protocol import Command
    from emulab.machines.target import Target

MEBIBYTE = 1 << 20
PROBE = "/work/probe"
# A Cortex-A53 has pages of 4 and 64 KiB only.
MODEL = "cortex-a76"


@pytest.mark.parametrize(("kernel", "size"), [("16k", 16384), ("64k", 65536)])
def test_a_kernel_of_larger_pages_has_them_and_its_programs_see_them(
    open_machine: Callable[..., AgentMachine],
    target: Callable[..., Target],
    command: Callable[..., Command],
    probe: Callable[[str], Path],
    kernel: str,
    size: int,
) -> None:
    place = target(
        "arm64", libc="glibc", mode="system", memory=256 * MEBIBYTE, kernel=kernel, cpu_model=MODEL
    )
    with open_machine(place) as machine:
        assert machine.facts.page_size == size
        assert machine.run(command("/usr/bin/getconf", "PAGESIZE")).stdout == b"%d\n" % size
        machine.push(probe("arm64"), PROBE)
        done = machine.run(command(PROBE, "start"))
        assert done.succeeded, done.stderr
        reading = machine.spawn(
            command(PROBE, "serve", "127.0.0.1:8083", str(8 * MEBIBYTE)), "http://:8083/", timeout_s=60
        ).memory()
        assert reading.disagreements == ()
        assert reading.rss % size == 0
