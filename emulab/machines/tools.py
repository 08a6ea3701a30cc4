"""The volume of tools that every container of emulab's sees at ``/.emulab``."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from emulab.agent import build_agent
from emulab.cache import file_digest
from emulab.engine.volumes import ensure_volume, fill_from_image, volume_key
from emulab.machines.qemu_command import TOOLS

if TYPE_CHECKING:
    from pathlib import Path

    from emulab.engine import Engine
    from emulab.progress import Progress

AGENT = f"{TOOLS}/bin/emulab-agent"
_ROLE = "tools"


@dataclass(frozen=True)
class Tools:
    """A volume with the agent and, for user mode, the emulators.

    :param agent: the agent's binary on this machine, for the engine's own architecture.
    """

    volume: str
    agent: Path


def agent_program(goarch: str, progress: Progress) -> Path:
    """Return the agent's program for an architecture, built when its sources are new.

    :raises ToolchainError: no Go toolchain can be had.
    """

    def go_root() -> Path:
        from emulab.toolchain.go import find_go

        return find_go(None, progress).root

    return build_agent(goarch, go_root)


def ensure_tools(engine: Engine, agent: Path, image_id: str) -> Tools:
    """Return the volume that has an image's ``/.emulab`` and the agent, making it when there is none.

    :param agent: the agent, built for the engine's own architecture.
    :param image_id: the id of the image with the emulators; any image without ``/.emulab`` gives a
        volume that has the agent alone.
    :raises EngineError: the engine refused.
    """
    name = f"emulab-tools-{volume_key(image_id, file_digest(agent))[:12]}"

    def fill(volume: str) -> dict[str, str]:
        content = {"bin/emulab-agent": (agent.read_bytes(), 0o755)}
        fill_from_image(engine, volume, image_id, TOOLS, content, _ROLE)
        return {"image": image_id}

    ensure_volume(engine, name, _ROLE, fill)
    return Tools(name, agent)
