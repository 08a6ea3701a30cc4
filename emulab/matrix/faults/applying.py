"""Faults brought upon machines, and upon how programs are built for them."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from emulab.machines.adversity import Adversity, Disk

if TYPE_CHECKING:
    from emulab.machines.target import Target
    from emulab.matrix.faults.schema import Build, Fault, Machine
    from emulab.workloads.request import BuildOptions, Place


def hole(fault: Fault, target: Target) -> str:
    """Return why a fault can not be shown on a machine; "" where it can."""
    for each in fault.unsupported:
        if each.holds(target.mode, target.architecture.name, target.libc):
            return each.reason
    return ""


def afflicted(fault: Fault, place: Place) -> Place:
    """Return a place whose machine has the fault."""
    machine = fault.on(place.target.mode)
    adversity = Adversity(
        name=fault.id,
        refused=machine.refused,
        random_waits=machine.random_waits,
        etc=machine.etc,
        small=machine.small,
        memory_limit=machine.memory_limit,
        setup=machine.setup,
        before=machine.before,
        kernel_arguments=machine.kernel_arguments,
        without_randomness=machine.without_randomness,
        disk=_disk(machine),
        starts_misfits=machine.starts_misfits,
    )
    return replace(place, target=replace(changed(place.target, machine), adversity=adversity))


def changed(target: Target, machine: Machine) -> Target:
    """Return a target with other hardware, or another kernel or root filesystem."""
    environment = {**target.environment, **machine.environment}
    if machine.cpus is not None and target.mode == "user":
        environment["GOMAXPROCS"] = str(machine.cpus)
    return replace(
        target,
        cpu_model=machine.cpu.get(target.architecture.name, target.cpu_model),  # type: ignore[call-overload]
        kernel=machine.kernel or target.kernel,
        memory=machine.memory or target.memory,
        cpus=machine.cpus or target.cpus,
        libc=machine.libc or target.libc,
        environment=environment,
    )


def _disk(machine: Machine) -> Disk | None:
    slow = machine.disk
    return Disk(slow.directory, slow.bytes_per_s, slow.requests_per_s) if slow is not None else None


def built(options: BuildOptions, build: Build, target: Target) -> BuildOptions:
    """Return how a program is built so that a fault can meet it.

    :param target: the machine that has the fault.
    """
    libc = options.libc
    if build.libc == "other":
        libc = "glibc" if target.libc == "musl" else "musl"
    return replace(
        options,
        cgo=build.cgo if build.cgo is not None else options.cgo,
        static=build.static if build.static is not None else options.static,
        libc=libc,
        glibc=build.glibc or options.glibc,
        goarm=build.goarm or options.goarm,
        goarm64=build.goarm64 or options.goarm64,
        goriscv64=build.goriscv64 or options.goriscv64,
    )
