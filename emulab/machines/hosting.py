"""The container that an emulated machine lives in, with the agent that answers for it."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Self

from emulab.engine import Container, ContainerSpec, VolumeMount
from emulab.machines.agent_client import AgentClient
from emulab.machines.pulse import Pulse
from emulab.machines.qemu_command import TOOLS
from emulab.machines.tools import AGENT

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from emulab.engine import Engine
    from emulab.machines.tools import Tools

_TMPFS = ("/tmp", "/run", "/work")


class Hosting:
    """A container with its agent connected. Close it, or use it as a context manager."""

    def __init__(
        self,
        engine: Engine,
        image: str,
        role: str,
        tools: Tools,
        *,
        volumes: Sequence[VolumeMount] = (),
        memory: int | None = None,
        cpus: int | None = None,
        network: bool = False,
        writable: Sequence[str] = (),
        sizes: Mapping[str, int] | None = None,
        platform: str | None = None,
    ) -> None:
        """Start a container of an image and the agent in it.

        :param memory: the container's limit in bytes, for everything in it; at most the engine's own.
        :param cpus: how many processors it may keep busy; at most the engine's own.
        :param writable: directories in memory, beside those that every machine has.
        :param sizes: directories in memory with their size in bytes.
        :raises EngineError: the engine refused.
        :raises MachineError: the agent does not answer.
        """
        spec = ContainerSpec(
            image=image,
            command=[AGENT, "serve"],
            role=role,
            volumes=[VolumeMount(tools.volume, TOOLS), *volumes],
            tmpfs=dict.fromkeys((*_TMPFS, *writable), 0) | dict(sizes or {}),
            memory=min(memory, engine.memory) if memory is not None else None,
            cpus=min(cpus, engine.cpus) if cpus is not None else None,
            network=network,
            platform=platform,
        )
        self.container = Container(engine, spec)
        try:
            stream = self.container.stream
            self.agent = AgentClient(stream, name="the container", diagnosis=self.container.state)
            self._pulse = Pulse(self.agent.ping)
        except BaseException:
            self.container.close()
            raise

    def close(self) -> None:
        """Have the container removed, and everything in it.

        Nobody waits for that. Should this process end first, its end of the stream ends too, and so does the
        container.
        """
        threading.Thread(target=self._see_off, name="container's end", daemon=True).start()

    def _see_off(self) -> None:
        self._pulse.stop()
        self.agent.close()
        self.container.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
