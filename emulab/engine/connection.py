"""Finding a container engine and talking to it."""

from __future__ import annotations

import importlib
import os
import sys
import threading
import warnings
from concurrent.futures import Future
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from emulab import __version__
from emulab.engine.ownership import (
    LABEL_OWNER,
    LABEL_ROLE,
    LABEL_RUN,
    LABEL_VERSION,
    Owner,
    new_run_id,
)
from emulab.errors import EngineError

if TYPE_CHECKING:
    from types import ModuleType

    import docker

_NO_ENGINE_HINT = (
    "start Docker or podman's socket, point DOCKER_HOST at one, or run `emulab setup`, "
    "which installs and starts Docker on Debian and Ubuntu"
)


@dataclass(frozen=True)
class Engine:
    """A connected container engine.

    :param client: the docker SDK's client.
    :param address: where it answers, for messages.
    :param run: the name of this run, in every label.
    """

    client: docker.DockerClient
    address: str
    run: str = field(default_factory=new_run_id)
    owner: Owner = field(default_factory=Owner.current)
    _info: Future[dict[str, Any]] = field(default_factory=Future, init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        """Ask the engine for its facts already: it takes as long to answer as images take to be found."""
        threading.Thread(target=self._ask, name="engine", daemon=True).start()

    def _ask(self) -> None:
        try:
            self._info.set_result(self.client.info())
        except Exception as error:
            self._info.set_exception(error)

    def labels(self, role: str) -> dict[str, str]:
        """Return the labels that everything started here carries."""
        return {
            LABEL_OWNER: str(self.owner),
            LABEL_RUN: self.run,
            LABEL_ROLE: role,
            LABEL_VERSION: __version__,
        }

    @property
    def info(self) -> dict[str, Any]:
        """Return what the engine says of itself."""
        return self._info.result()

    @property
    def identity(self) -> str:
        """Return the engine's own id, the same for every client of it."""
        return str(self.info.get("ID") or self.address)

    @property
    def goarch(self) -> str:
        """Return Go's name of the engine's own architecture."""
        name = str(self.info.get("Architecture", "x86_64"))
        return {"x86_64": "amd64", "aarch64": "arm64"}.get(name, name)

    @property
    def cpus(self) -> int:
        """Return how many processors the engine's machine has."""
        return int(self.info.get("NCPU") or 1)

    @property
    def memory(self) -> int:
        """Return how much memory the engine's machine has, in bytes."""
        return int(self.info.get("MemTotal") or 1 << 32)

    @property
    def is_local(self) -> bool:
        """Tell whether the engine shares this machine's kernel, as far as its address shows."""
        return self.address.startswith("unix://") and Path("/proc/sys/fs").is_dir()


def configured_address() -> str | None:
    """Return the engine's address that the user chose: ``DOCKER_HOST``, else the docker command's context."""
    explicit = os.environ.get("DOCKER_HOST")
    if explicit or not (Path.home() / ".docker/config.json").exists():
        return explicit
    from docker.context import ContextAPI
    from docker.errors import DockerException

    try:
        context = ContextAPI.get_current_context()
    except (DockerException, OSError, ValueError):
        return None
    chosen = context is not None and context.name != "default"
    return str(context.Host) if chosen and context.Host else None


def _candidates() -> list[str]:
    """Return the addresses to try, best first."""
    explicit = configured_address()
    if explicit:
        return [explicit]
    runtime = os.environ.get("XDG_RUNTIME_DIR", f"/run/user/{os.getuid()}")
    sockets = ["/var/run/docker.sock", f"{runtime}/docker.sock", f"{runtime}/podman/podman.sock"]
    sockets += [str(Path.home() / ".docker/run/docker.sock"), "/run/podman/podman.sock"]
    return [f"unix://{path}" for path in sockets if Path(path).exists()] or ["unix:///var/run/docker.sock"]


def _load_docker() -> ModuleType:
    """Return the docker SDK.

    Its HTTP library loads one that guesses the encoding of texts, for a third of the whole time, where it is
    installed. The engine's texts are all UTF-8, which is what is taken without it.
    """
    hidden = [name for name in ("chardet", "charset_normalizer") if name not in sys.modules]
    sys.modules.update(dict.fromkeys(hidden))  # type: ignore[arg-type]
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return importlib.import_module("docker")
    finally:
        for name in hidden:
            del sys.modules[name]


def connect() -> Engine:
    """Connect to the container engine.

    :raises EngineError: none answers, with what to do.
    """
    docker = _load_docker()
    from docker.errors import DockerException

    failures: list[tuple[str, Exception]] = []
    for address in _candidates():
        try:
            client = docker.DockerClient(base_url=address, version="auto")
        except (DockerException, OSError) as error:
            failures.append((address, error))
            continue
        return Engine(client, address)
    address, cause = failures[0]
    if "Permission denied" in str(cause):
        raise EngineError(
            f"the container engine at {address} refuses this user",
            hint="add the user to the engine's group (usually `docker`) and log in again",
        ) from cause
    raise EngineError(f"no container engine answers at {address}", hint=_NO_ENGINE_HINT) from cause
