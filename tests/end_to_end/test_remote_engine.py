"""An engine that is reached over TCP, as one on another machine is: no path of this machine exists there."""

from __future__ import annotations

import contextlib
import os
import socket
import threading
from typing import TYPE_CHECKING, Any

import pytest

from emulab.engine import connect

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


def _pump(source: socket.socket, sink: socket.socket) -> None:
    with contextlib.suppress(OSError):
        while piece := source.recv(1 << 16):
            sink.sendall(piece)
    # Half of the connection ends: the other goes on, as an attached container's output does.
    with contextlib.suppress(OSError):
        sink.shutdown(socket.SHUT_WR)


@pytest.fixture
def address() -> Iterator[str]:
    """A TCP port of this machine that leads to the engine's socket."""
    engine = connect()
    engine.client.close()
    if not engine.is_local:
        pytest.skip("the engine is remote already")
    path = engine.address.removeprefix("unix://")
    listener = socket.create_server(("127.0.0.1", 0))

    def accept() -> None:
        while True:
            try:
                near, _ = listener.accept()
            except OSError:
                return
            far = socket.socket(socket.AF_UNIX)
            far.connect(path)
            for source, sink in ((near, far), (far, near)):
                threading.Thread(target=_pump, args=(source, sink), daemon=True).start()

    threading.Thread(target=accept, daemon=True).start()
    yield f"tcp://127.0.0.1:{listener.getsockname()[1]}"
    # Closing alone would not wake up who accepts.
    with contextlib.suppress(OSError):
        listener.shutdown(socket.SHUT_RDWR)
    listener.close()


@pytest.mark.parametrize("mode", ["user", "system"])
def test_programs_that_start_programs_run_on_a_remote_engine(
    emulab: Callable[..., Any], address: str, programs: Any, mode: str
) -> None:
    said = emulab("run", "./probe", "--arch", "riscv64", "--libc", "musl", "--mode", mode, "-v",
                  "--", "start", cwd=programs, env={**os.environ, "DOCKER_HOST": address})  # fmt: skip
    assert said.status == 0, said.stderr
    own, shell, through_shell = said.stdout.splitlines()
    assert own == r'"\"by itself\"\n\"\"\n" 0 <nil>'
    assert shell.endswith(" 7 exit status 7")
    assert through_shell == '"" 3 exit status 3'
    # Volumes of the engine only, whose names have no slash.
    mounts = [word for line in said.stderr.splitlines() if "docker run" in line for word in line.split()]
    volumes = [mounts[at + 1] for at, word in enumerate(mounts) if word == "--volume"]
    assert volumes
    assert not [volume for volume in volumes if volume.startswith("/")]
