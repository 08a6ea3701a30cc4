"""Starting a container that can do little harm and leaves nothing behind."""

from __future__ import annotations

import contextlib
import logging
import shlex
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from emulab.engine.stream import AttachedStream
from emulab.errors import EngineError, NoSpaceError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from emulab.engine.connection import Engine

_PROCESS_LIMIT = 4096
_BOTH_WAYS = {"stdin": 1, "stdout": 1, "stderr": 1, "stream": 1}

commands = logging.getLogger("emulab.commands")
"""Where every command line that emulab runs on the user's behalf is written."""


@dataclass(frozen=True)
class VolumeMount:
    """A named volume of the engine in a container.

    :param volume: the volume's name.
    :param path: where it appears.
    :param writable: whether the container may write to it.
    """

    volume: str
    path: str
    writable: bool = False


@dataclass(frozen=True)
class ContainerSpec:
    """What to start. Everything not named here is refused: network, privileges, a writable root.

    :param image: the image's reference; it must exist, nothing is pulled.
    :param command: argv of the container's first process, which must reap its children, and end when its
        standard input does.
    :param role: what it is for; a label.
    :param volumes: the engine's volumes to mount.
    :param tmpfs: path to size in bytes (0: the engine's default).
    :param memory: limit in bytes, None for none. Swap is not added to it.
    :param cpus: how many of the host's processors it may keep busy, None for all.
    :param network: whether it has a network besides its own loopback.
    :param environment: variables of the first process.
    :param platform: the image's OCI platform when it is not the engine's.
    :param administers_kernel: for the short helper that registers with the kernel, never for a workload.
    :param seccomp: a seccomp profile as JSON, in place of the engine's default.
    """

    image: str
    command: Sequence[str]
    role: str
    volumes: Sequence[VolumeMount] = ()
    tmpfs: Mapping[str, int] = field(default_factory=dict)
    memory: int | None = None
    cpus: float | None = None
    network: bool = False
    environment: Mapping[str, str] = field(default_factory=dict)
    platform: str | None = None
    administers_kernel: bool = False
    seccomp: str | None = None

    def confinement(self) -> dict[str, Any]:
        """Return what the docker SDK calls the host's configuration: what the container may use and see."""
        # AppArmor's profile for containers forbids mounts, whatever the capabilities.
        security = ["apparmor=unconfined"] if self.administers_kernel else ["no-new-privileges"]
        if self.seccomp is not None:
            security.append(f"seccomp={self.seccomp}")
        arguments: dict[str, Any] = {
            "auto_remove": True,
            "network_mode": "bridge" if self.network else "none",
            "read_only": True,
            "security_opt": security,
            "cap_add": ["SYS_ADMIN"] if self.administers_kernel else [],
            "pids_limit": _PROCESS_LIMIT,
            # Nothing reads the engine's log of a container: every output has its own channel.
            "log_config": {"type": "none"},
            "binds": [f"{m.volume}:{m.path}:{'rw' if m.writable else 'ro'}" for m in self.volumes],
            # Programs are started from these; the engine's default for a tmpfs forbids that.
            "tmpfs": {
                path: f"exec,mode=1777,size={size}" if size else "exec,mode=1777"
                for path, size in self.tmpfs.items()
            },
        }
        if self.memory is not None:
            arguments |= {"mem_limit": self.memory, "memswap_limit": self.memory}
        if self.cpus is not None:
            arguments["nano_cpus"] = int(self.cpus * 1e9)
        return arguments

    def process(self) -> dict[str, Any]:
        """Return the docker SDK's further arguments for it."""
        arguments: dict[str, Any] = {
            "image": self.image,
            "command": list(self.command),
            "environment": dict(self.environment),
            # Its standard input ends when whoever attached to it first goes away.
            "stdin_open": True,
        }
        if not self.network:
            # Without the engine's part in it, which starts a program of its own: a loopback is there anyway.
            arguments["network_disabled"] = True
        if self.platform is not None:
            arguments["platform"] = self.platform
        return arguments


def command_line(spec: ContainerSpec) -> str:
    """Return the ``docker run`` command that starts much the same container, for people."""
    words = ["docker", "run", "--rm", "--interactive", "--read-only"]
    words += ["--network", "bridge" if spec.network else "none"]
    if spec.administers_kernel:
        words += ["--cap-add", "SYS_ADMIN", "--security-opt", "apparmor=unconfined"]
    else:
        words += ["--security-opt", "no-new-privileges"]
    words += ["--platform", spec.platform] if spec.platform else []
    words += ["--memory", str(spec.memory)] if spec.memory else []
    words += ["--cpus", f"{spec.cpus:g}"] if spec.cpus else []
    for mount in spec.volumes:
        words += ["--volume", f"{mount.volume}:{mount.path}:{'rw' if mount.writable else 'ro'}"]
    for path in spec.tmpfs:
        words += ["--tmpfs", f"{path}:exec"]
    return shlex.join([*words, spec.image, *spec.command])


class Container:
    """A running container. Close it, or use it as a context manager; either way it is removed.

    :ivar stream: the standard input and output of its first process.
    """

    def __init__(self, engine: Engine, spec: ContainerSpec) -> None:
        """Start a container.

        :raises EngineError: the engine refused, with its own words.
        :raises NoSpaceError: the engine's disk is full.
        """
        commands.debug(command_line(spec))
        self._engine = engine
        self.spec = spec
        self._closed = False
        api = engine.client.api
        with engine_errors(f"container of {spec.image} could not be started"):
            confinement = api.create_host_config(**spec.confinement())
            created = api.create_container(
                **spec.process(), host_config=confinement, labels=engine.labels(spec.role)
            )
            self.id: str = created["Id"]
            try:
                api.start(self.id)
                self.stream = AttachedStream(api.attach_socket(self.id, params=_BOTH_WAYS))
            except BaseException:
                self._remove()
                raise

    def state(self) -> str:
        """Return what the engine says of the container in a few words, for messages."""
        from docker.errors import DockerException, NotFound

        try:
            state = self._engine.client.api.inspect_container(self.id)["State"]
        except NotFound:
            return "the container is gone"
        except (DockerException, OSError):
            return f"the container engine at {self._engine.address} does not answer any more"
        if state.get("OOMKilled"):
            return "the container ran out of memory and was killed"
        if not state.get("Running"):
            return f"the container ended with status {state.get('ExitCode')}"
        return "the container still runs"

    def close(self) -> None:
        """End and remove the container; it may be gone already."""
        if self._closed:
            return
        self._closed = True
        self.stream.close()
        # The end of its first process takes everything in it along, and the engine then removes it by itself
        # (auto-remove), so that nobody waits for that.
        if not self.stream.ended.is_set():
            self._remove()

    def _remove(self) -> None:
        from docker.errors import DockerException

        with contextlib.suppress(DockerException, OSError):
            self._engine.client.api.remove_container(self.id, force=True)

    def __enter__(self) -> Container:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


@contextlib.contextmanager
def engine_errors(what: str) -> Iterator[None]:
    """Turn the SDK's errors into emulab's, with the engine's own explanation kept.

    :raises EngineError: whatever the engine refused.
    :raises NoSpaceError: the engine's disk is full.
    """
    import requests
    from docker.errors import APIError, DockerException

    try:
        yield
    except APIError as error:
        text = str(error.explanation or error)
        if "no space left" in text:
            raise NoSpaceError(
                "the container engine's disk is full",
                hint="`emulab clean --cache` removes what emulab keeps there",
                detail=text,
            ) from error
        raise EngineError(f"the {what}: {text}") from error
    except (DockerException, requests.RequestException, OSError) as error:
        raise EngineError(
            f"the {what}: the engine went away ({error.__class__.__name__})",
            hint="see whether it still runs: `emulab doctor`",
        ) from error
