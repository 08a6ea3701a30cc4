"""Debian's own emulators, which serve user mode until emulab's are compiled."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from emulab.machines.opening import COUNTING_EMULATOR, STOCK_EMULATOR, Opener, images_of
from emulab.machines.protocol import Command
from emulab.progress import Silent

if TYPE_CHECKING:
    from collections.abc import Callable

    from emulab.machines.target import Target


@pytest.mark.parametrize("arch", ["arm64", "armv7", "riscv64"])
@pytest.mark.parametrize("libc", ["musl", "glibc"])
def test_programs_that_start_programs_run_under_debians_emulators(
    target: Callable[..., Target], arch: str, libc: str
) -> None:
    place = target(arch, libc)
    with Opener(Silent(), STOCK_EMULATOR) as opener:
        opener.prepare([place])
        with opener.open(place) as machine:
            ended = machine.run(Command(("/bin/sh", "-c", "echo $(/bin/uname -m)")))
            assert machine.facts.details["qemu"].startswith("1:10.")
    assert ended.succeeded
    kernel_names = {"arm64": b"aarch64", "armv7": b"armv7l", "riscv64": b"riscv64"}
    assert ended.stdout.strip() == kernel_names[arch]


def test_the_emulator_that_counts_is_preferred_where_it_is_there(target: Callable[..., Target]) -> None:
    place = target("riscv64")
    with Opener(Silent(), COUNTING_EMULATOR) as counting, Opener(Silent()) as any_of_them:
        counting.prepare([place])
        any_of_them.prepare([place])
        assert any_of_them.image_ids(place) == counting.image_ids(place)


def test_stock_and_own_emulators_are_different_images(target: Callable[..., Target]) -> None:
    place = target("riscv64")
    assert images_of(place, STOCK_EMULATOR)[1] != images_of(place)[1]
