"""User mode: the emulator in a container whose file system is the guest's own."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, Any

from emulab.architectures import ARM64
from emulab.engine import VolumeMount
from emulab.engine.volumes import ensure_volume, fill_from_image, volume_key
from emulab.machines.agent_machine import AgentMachine, machine_facts
from emulab.machines.binfmt import Table
from emulab.machines.hosting import Hosting
from emulab.machines.qemu_command import GUEST_RANGE, MEBIBYTE, user_environment, user_prefix

if TYPE_CHECKING:
    from collections.abc import Mapping

    from emulab.engine import Engine
    from emulab.images import BuiltImage
    from emulab.machines.target import Target
    from emulab.machines.tools import Tools

# For QEMU's own data and translated code, beside what the program uses.
_EMULATOR_MEMORY = 512 * MEBIBYTE
_ETC = "/etc"
_ROLE = "etc"
_HOSTS = b"127.0.0.1\tlocalhost\n::1\tlocalhost ip6-localhost ip6-loopback\n"


def open_user_machine(
    engine: Engine, target: Target, rootfs: BuiltImage, tools: Tools, details: dict[str, Any]
) -> AgentMachine:
    """Open a user-mode machine.

    :param rootfs: the image whose file system programs see.
    :param details: versions and image digests, for the result's environment.
    :raises EngineError: the container could not be started.
    :raises MachineError: its agent does not answer, or programs could not start programs.
    """
    adversity = target.adversity
    own = adversity.etc if adversity is not None else {}
    # Without a network the engine leaves /etc/hosts empty, whatever the image has there.
    is_plain = target.network and not own
    etc = [] if is_plain else [VolumeMount(_ensure_etc(engine, rootfs, own), _ETC)]
    with contextlib.ExitStack() as stack:
        if target.has_root_of_its_own:
            table = Table(engine, tools.agent, tools.volume, rootfs.id)
            stack.enter_context(table.hold(target.architecture))
        hosting = stack.enter_context(
            Hosting(
                engine,
                rootfs.id,
                "user",
                tools,
                volumes=etc,
                memory=target.memory + _EMULATOR_MEMORY,
                cpus=target.cpus,
                network=target.network,
                writable=target.writable,
                sizes=adversity.small if adversity is not None else None,
                platform=(target.architecture if target.has_root_of_its_own else ARM64).platform,
            )
        )
        close = stack.pop_all().close
    facts = machine_facts(
        hosting.agent,
        details,
        arch=target.architecture.name,
        mode="user",
        libc=target.libc,
        cpu_model=target.cpu_model,
        cpus=target.cpus,
        memory=target.memory,
    )
    machine = AgentMachine(
        hosting.agent,
        facts,
        close,
        prefix=user_prefix(target.architecture),
        environment=user_environment(target.architecture, target.cpu_model),
        within=GUEST_RANGE,
    )
    if adversity is not None:
        machine.afflict(adversity, engine.goarch)
    return machine


def _ensure_etc(engine: Engine, rootfs: BuiltImage, own: Mapping[str, str]) -> str:
    """Return the volume that has a root filesystem's ``/etc`` with its hosts; it is made once.

    :param own: files that stand there instead, with their text.
    """
    # The engine mounts files of its own over these, and podman does not make what is missing.
    files = {"hosts": _HOSTS, "hostname": b"emulab\n", "resolv.conf": b""}
    files |= {name: text.encode() for name, text in own.items()}
    name = f"emulab-etc-{volume_key(rootfs.id, sorted((n, c.decode()) for n, c in files.items()))[:12]}"

    def fill(volume: str) -> dict[str, str]:
        content = {name: (text, 0o644) for name, text in files.items()}
        fill_from_image(engine, volume, rootfs.id, _ETC, content, _ROLE)
        return {"image": rootfs.id}

    ensure_volume(engine, name, _ROLE, fill)
    return name
