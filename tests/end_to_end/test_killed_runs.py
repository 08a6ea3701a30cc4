"""emulab killed at any moment of a run: after the next call nothing of it is left."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from emulab.cache import cache_root
from emulab.engine import Engine, connect
from emulab.engine.ownership import LABEL_OWNER, Owner
from emulab.machines.binfmt import entry_owner
from emulab.machines.tools import agent_program
from emulab.progress import Silent

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

RUNS = {
    "user": ["run", "healthd", "--arch", "arm64", "--mode", "user", "--runs", "1", "--requests", "50"],
    "system": ["run", "healthd", "--arch", "arm64", "--mode", "system", "--runs", "1", "--requests", "50"],
}
_SETTLING_S = 20.0


@pytest.fixture(scope="module")
def engine() -> Iterator[Engine]:
    engine = connect()
    yield engine
    engine.client.close()


def start(words: list[str], temporary: Path) -> subprocess.Popen[bytes]:
    environment = {**os.environ, "TMPDIR": str(temporary)}
    return subprocess.Popen(
        [sys.executable, "-m", "emulab", *words],
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )


def owner_of(process: subprocess.Popen[bytes]) -> str:
    return f"{Owner.current().host}/{process.pid}/"


def containers(engine: Engine, owners: set[str]) -> list[str]:
    rows = engine.client.api.containers(all=True, filters={"label": LABEL_OWNER})
    return [
        f"{row['Id'][:12]} {row['Labels']}"
        for row in rows
        if any(row["Labels"][LABEL_OWNER].startswith(owner) for owner in owners)
    ]


def binary_formats(engine: Engine) -> list[str]:
    """Return the table's entries as root sees them, by emulab's own agent."""
    if os.geteuid() != 0:
        return []
    agent = agent_program(engine.goarch, Silent())
    listed = subprocess.run(
        [agent, "binfmt", "list"], stdin=subprocess.DEVNULL, capture_output=True, text=True, check=True
    )
    return listed.stdout.split()


def emulators(before: set[int]) -> list[str]:
    """Return the command lines of QEMU processes, in whichever container, that were not there before."""
    found = []
    for directory in Path("/proc").glob("[0-9]*"):
        try:
            words = (directory / "cmdline").read_bytes().split(b"\0")
        except OSError:
            continue
        if int(directory.name) not in before and b"qemu-" in Path(os.fsdecode(words[0])).name.encode():
            found.append(f"{directory.name} {b' '.join(words[:3]).decode(errors='replace')}")
    return found


def processes() -> set[int]:
    return {int(path.name) for path in Path("/proc").glob("[0-9]*")}


def scratch_of(pids: set[int]) -> list[str]:
    """Return what the processes left in the cache, whose names end in process and moment."""
    names = [path.name for path in (cache_root() / "scratch").glob("*")]
    return [name for name in names if any(f"-{pid}-" in name for pid in pids)]


def mounts() -> set[str]:
    return {line.split()[4] for line in Path("/proc/self/mountinfo").read_text().splitlines()}


def left(engine: Engine, killed: list[subprocess.Popen[bytes]], temporary: Path) -> dict[str, Any]:
    owners = {owner_of(process) for process in killed}
    pids = {process.pid for process in killed}
    entries = [(name, entry_owner(name)) for name in binary_formats(engine)]
    return {
        "containers": containers(engine, owners),
        "entries": [name for name, owner in entries if owner is not None and owner.pid in pids],
        "scratch": scratch_of(pids),
        "temporary": sorted(path.name for path in temporary.iterdir()),
    }


def nothing_is_left(engine: Engine, killed: list[subprocess.Popen[bytes]], temporary: Path) -> None:
    """Wait a moment for what the engine is still removing, then look."""
    nothing: dict[str, Any] = {"containers": [], "entries": [], "scratch": [], "temporary": []}
    deadline = time.monotonic() + _SETTLING_S
    while (found := left(engine, killed, temporary)) != nothing and time.monotonic() < deadline:
        time.sleep(0.2)
    assert found == nothing


@pytest.fixture
def temporary() -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="emulab-test-") as directory:
        yield Path(directory)


@pytest.mark.parametrize("mode", ["user", "system"])
def test_killed_at_twenty_moments_of_a_run_it_leaves_nothing_after_the_next_call(
    emulab: Callable[..., Any], engine: Engine, temporary: Path, mode: str
) -> None:
    began = time.monotonic()
    whole = start(RUNS[mode], temporary)
    assert whole.wait(300) == 0  # all that is missing is built, and the run's length is known
    began = time.monotonic()
    whole = start(RUNS[mode], temporary)
    assert whole.wait(300) == 0
    length = time.monotonic() - began
    mounted, others = mounts(), processes()
    moments = random.Random(20)
    killed = []
    for slot in range(10):
        process = start(RUNS[mode], temporary)
        killed.append(process)
        # One in each tenth of the run, so that none of its phases is left out.
        time.sleep(length * (slot + moments.random()) / 10)
        process.send_signal(signal.SIGKILL)
        process.wait()
    assert any(process.returncode == -signal.SIGKILL for process in killed)
    assert emulab("run", "--mode", mode, "--", "/bin/true").status == 0
    nothing_is_left(engine, killed, temporary)
    # The last run's own container may be going still.
    deadline = time.monotonic() + _SETTLING_S
    while not mounts() <= mounted and time.monotonic() < deadline:
        time.sleep(0.2)
    assert mounts() <= mounted
    own = [line for line in emulators(others) if _is_in_none_of(engine, line)]
    assert own == []


def test_killed_while_it_builds_it_leaves_no_scratch_after_the_next_run(
    emulab: Callable[..., Any], engine: Engine, temporary: Path, module: Callable[[str], Path]
) -> None:
    # What no cache knows takes the compiler a while: a kill in that time leaves a half-made build.
    calls = "\n".join(f"\tn += f{number}(n)" for number in range(5000))
    functions = "\n".join(
        f"func f{number}(n int) int {{ return n*{time.time_ns()} + {number} }}" for number in range(5000)
    )
    main = f"func main() {{\n\tn := 1\n{calls}\n\tprintln(n)\n}}\n"
    directory = module(f"package main\n\n{functions}\n\n{main}")
    process = start(["run", str(directory), "--arch", "arm64"], temporary)
    deadline = time.monotonic() + 120
    while not scratch_of({process.pid}) and time.monotonic() < deadline:
        time.sleep(0.01)
    process.send_signal(signal.SIGKILL)
    process.wait()
    assert scratch_of({process.pid})
    assert emulab("run", "--", "/bin/true").status == 0
    nothing_is_left(engine, [process], temporary)


def _is_in_none_of(engine: Engine, line: str) -> bool:
    """Tell whether a QEMU process is in no container of a living run."""
    pid = line.split()[0]
    try:
        group = Path(f"/proc/{pid}/cgroup").read_text()
    except OSError:
        return False
    rows = engine.client.api.containers(filters={"label": LABEL_OWNER})
    return "docker" in group and not any(row["Id"] in group for row in rows)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
@pytest.mark.parametrize("mode", ["user", "system"])
def test_told_to_end_it_cleans_up_by_itself(
    engine: Engine, temporary: Path, mode: str, number: signal.Signals
) -> None:
    slow = [*RUNS[mode][:-4], "--runs", "1000"]
    process = start(slow, temporary)
    deadline = time.monotonic() + 120
    while not containers(engine, {owner_of(process)}) and time.monotonic() < deadline:
        time.sleep(0.1)
    time.sleep(1.0)
    process.send_signal(number)
    assert process.wait(60) == 130
    nothing_is_left(engine, [process], temporary)
