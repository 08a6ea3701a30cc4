"""What is wrong with a machine on purpose: filters of system calls, and what is started before a program."""

from __future__ import annotations

import errno
import struct
from typing import TYPE_CHECKING

import pytest

from emulab.errors import MachineError, UsageError
from emulab.machines.adversity import Adversity, Affliction, call_number
from emulab.machines.protocol import Command, Completed, Usage

if TYPE_CHECKING:
    from emulab.machines.agent_documents import CallFilter

_ALLOWED, _ASKED = 0x7FFF0000, 0x7FC00000


def _refused(error: int) -> int:
    return 0x00050000 | error


def _answer(calls: CallFilter | None, number: int, *arguments: int) -> int:
    """Carry a filter out as the kernel does (linux/Documentation/networking/filter.rst)."""
    assert calls is not None
    code = list(struct.iter_unpack("<HBBI", bytes.fromhex(calls.code)))
    data = struct.pack("<IIQ6Q", number, 0, 0, *(*arguments, 0, 0, 0, 0, 0, 0)[:6])
    accumulator = at = 0
    while True:
        operation, yes, no, value = code[at]
        at += 1
        match operation:
            case 0x20:
                (accumulator,) = struct.unpack_from("<I", data, value)
            case 0x54:
                accumulator &= value
            case 0x15:
                at += yes if accumulator == value else no
            case 0x45:
                at += yes if accumulator & value else no
            case 0x06:
                return int(value)
            case _:
                raise AssertionError(hex(operation))


@pytest.mark.parametrize("goarch", ["amd64", "arm64", "arm", "riscv64"])
def test_a_refused_call_fails_with_its_error_and_no_other_does(goarch: str) -> None:
    calls = Adversity("it", refused={"getrandom": "ENOSYS", "statx": "EPERM"}).filter(goarch)
    assert calls is not None
    assert not calls.listens
    assert _answer(calls, call_number("getrandom", goarch)) == _refused(errno.ENOSYS)
    assert _answer(calls, call_number("statx", goarch)) == _refused(errno.EPERM)
    assert _answer(calls, call_number("write", goarch)) == _ALLOWED


@pytest.mark.parametrize("goarch", ["amd64", "arm64", "arm", "riscv64"])
def test_randomness_that_is_not_there_yet_makes_only_those_wait_who_would(goarch: str) -> None:
    calls = Adversity("it", random_waits=True).filter(goarch)
    assert calls is not None
    assert calls.listens
    getrandom = call_number("getrandom", goarch)
    assert _answer(calls, getrandom, 0, 32, 0) == _ASKED
    assert _answer(calls, getrandom, 0, 32, 1) == _refused(errno.EAGAIN)
    assert _answer(calls, getrandom, 0, 32, 4) == _ALLOWED
    mmap = call_number("mmap2" if goarch == "arm" else "mmap", goarch)
    assert _answer(calls, mmap, 0, 4096, 3, 0x22) == _ALLOWED
    assert _answer(calls, mmap, 0, 4096, 3, 0x28) == _refused(errno.EINVAL)
    assert _answer(calls, call_number("write", goarch)) == _ALLOWED


def test_without_refusals_there_is_no_filter() -> None:
    assert Adversity("it", setup="true").filter("arm64") is None


def test_a_call_that_an_architecture_has_not_is_said() -> None:
    with pytest.raises(UsageError, match="no system call open"):
        call_number("open", "riscv64")


def _completed(status: int) -> Completed:
    return Completed(status, None, False, b"", b"no such thing\n", Usage(0, 0, 0, 0, 0, 0, 0, 0))


def test_the_set_up_runs_once() -> None:
    ran: list[Command] = []

    def run(command: Command) -> Completed:
        ran.append(command)
        return _completed(0)

    affliction = Affliction(Adversity("it", setup="do it"), None, run)
    affliction.begin()
    affliction.begin()
    assert [command.argv for command in ran] == [("/bin/sh", "-e", "-c", "do it")]


def test_a_set_up_that_fails_is_no_fault_of_the_program() -> None:
    affliction = Affliction(Adversity("it", setup="do it"), None, lambda _: _completed(1))
    with pytest.raises(MachineError, match="it could not be brought about") as error:
        affliction.begin()
    assert "no such thing" in error.value.detail


def test_what_comes_before_a_program_becomes_it() -> None:
    plain = Affliction(Adversity("it"), None, lambda _: _completed(0))
    assert plain.argv(("/work/it", "-x")) == ("/work/it", "-x")
    before = Affliction(Adversity("it", before="do it"), None, lambda _: _completed(0))
    shell, flag, line, *program = before.argv(("/work/it", "-x"))
    assert (shell, flag, program) == ("/bin/sh", "-c", ["/work/it", "-x"])
    assert line.endswith('exec "$0" "$@"')


def test_what_is_wrong_from_the_first_moment_needs_a_boot() -> None:
    assert Adversity("it", without_randomness=True).needs_a_boot
    assert Adversity("it", kernel_arguments=("nosmp",)).needs_a_boot
    assert not Adversity("it", setup="do it", random_waits=True).needs_a_boot
