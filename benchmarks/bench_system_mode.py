"""System mode: booting, restoring a snapshot, a whole call, and eight clones at once.

Times run from the start of QEMU unless a row says otherwise. A boot is without a snapshot.
"""

from __future__ import annotations

import threading
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from measuring import Report, Row, arguments, command, in_turn, timed_command

from emulab.machines.agent_documents import Program
from emulab.machines.opening import Opener
from emulab.machines.snapshots import boot, ensure_snapshot, restore
from emulab.progress import Silent
from emulab.workloads.request import Program as Subject
from emulab.workloads.request import ProgramKind, RunRequest, find_places

if TYPE_CHECKING:
    from emulab.machines.snapshots import RunningGuest
    from emulab.machines.target import Target

MEBIBYTE = 1 << 20
MEMORIES = (128, 512)
CLONES = 8
LIBC = "glibc"

BOOT_TARGET_S = 0.8
ANSWER_TARGET_S = 0.1
SHELL_TARGET_S = 0.2
CALL_TARGET_S = 1.0

_SHELL = Program(("/bin/sh", "-c", "echo hi"))
# A file of its own, and random numbers: clones must share neither.
_OWN = 'read word && echo "$word" >/tmp/own && sleep 0.2 && cat /tmp/own && head -c 16 /dev/urandom'


def target(architecture: str, memory: int, libc: str) -> Target:
    """Return the machine that the command opens."""
    program = Subject(ProgramKind.GUEST, "true", "", Path.cwd(), ("/bin/true",))
    request = RunRequest(program, architectures=(architecture,), libcs=(libc,), modes=("system",))
    (place,) = find_places(request)
    return replace(place.target, memory=memory * MEBIBYTE)


class Bench:
    """The measurements on one architecture with one size of memory."""

    def __init__(self, opener: Opener, where: Target) -> None:
        self._opener = opener
        self.hardware, self.system, _ = opener.system_of(where)
        self.tools = opener.tools_of(where)
        self._facts: dict[str, Any] = {}
        self.to_shell: list[float] = []
        self.around: list[float] = []

    def prepare(self) -> None:
        """Make the snapshot, where there is none, and bring it into the host's page cache."""
        engine = self._opener.engine
        self._facts = ensure_snapshot(engine, self.system, self.hardware, self.tools, Silent())
        self.restored()

    def booted(self) -> float:
        """Return the seconds of a boot to the agent's answer."""
        running = boot(self._opener.engine, self.system, self.hardware, self.tools)
        try:
            return running.boot_s
        finally:
            running.close()

    def restored(self) -> float:
        """Return the seconds of a restore to the agent's answer; keep those to a finished shell command."""
        began = time.monotonic()
        running = self.clone()
        try:
            result = running.agent.run(_SHELL)
            self.to_shell.append(time.monotonic() - running.guest.started)
            self.around.append(running.guest.started - began)
            assert result.stdout == b"hi\n", result
            return running.boot_s
        finally:
            running.close()

    def clone(self) -> RunningGuest:
        """Return a private clone of the snapshot."""
        return restore(self._opener.engine, self.system, self.hardware, self.tools, self._facts)

    def clones_at_once(self, number: int) -> float:
        """Return the seconds until all of several clones have written and read back a file of their own.

        They run at the same time: none begins before all are there, and none is closed before all are done.
        """
        barrier = threading.Barrier(number)
        began = time.monotonic()

        def one(index: int) -> tuple[float, bytes]:
            running = self.clone()
            try:
                barrier.wait(120)
                result = running.agent.run(Program(("/bin/sh", "-c", _OWN)), stdin=b"clone %d\n" % index)
                ended = time.monotonic()
                barrier.wait(120)
                line, _, random = result.stdout.partition(b"\n")
                if line != b"clone %d" % index or len(random) != 16:
                    raise SystemExit(f"clone {index} read {result.stdout!r}")
                return ended - began, random
            finally:
                running.close()

        with ThreadPoolExecutor(number) as pool:
            results = list(pool.map(one, range(number)))
        if len({random for _, random in results}) != number:
            raise SystemExit("two clones drew the same random numbers")
        return max(ended for ended, _ in results)


def whole_call(architecture: str, memory: int, libc: str) -> float:
    """Return the seconds of `emulab run --mode system -- /bin/true`."""
    words = ["--arch", architecture, "--libc", libc, "--mode", "system", "--memory", f"{memory}M"]
    return timed_command(command("run", "--quiet", *words, "--", "/bin/true"))[0]


def main() -> None:
    parser = arguments(__doc__ or "", runs=9)
    parser.add_argument("--libc", default=LIBC, choices=("musl", "glibc"), help="[%(default)s]")
    parser.add_argument("--memory", nargs="+", type=int, default=MEMORIES, help="MiB [128 512]")
    options = parser.parse_args()
    report = Report("system mode", options.as_json)
    with Opener(Silent()) as opener:
        for name in options.arch:
            for memory in options.memory:
                where = target(name, memory, options.libc)
                opener.prepare([where])
                bench = Bench(opener, where)
                bench.prepare()
                whole_call(name, memory, options.libc)
                bench.to_shell.clear()
                bench.around.clear()
                answers, calls = in_turn(
                    options.runs,
                    [bench.restored, lambda n=name, m=memory: whole_call(n, m, options.libc)],
                )
                (boots,) = in_turn(max(3, options.runs // 3), [bench.booted])
                shells = tuple(bench.to_shell)
                rows = [
                    Row("boot to the agent's answer", boots, BOOT_TARGET_S),
                    Row("restore to the agent's answer", answers, ANSWER_TARGET_S),
                    Row("restore to a finished shell command", shells, SHELL_TARGET_S),
                    Row("whole call of emulab run -- /bin/true", calls, CALL_TARGET_S),
                    Row("before QEMU's start: container and agent", tuple(bench.around)),
                ]
                if memory == min(options.memory):
                    (clones,) = in_turn(3, [lambda bench=bench: bench.clones_at_once(CLONES)])
                    rows.append(Row(f"{CLONES} clones at once, all done, containers included", clones))
                ratios = tuple(one / statistics_of(boots) for one in answers)
                rows.append(Row("restore / boot", ratios, unit="x"))
                report.add(f"{name}, {options.libc}, {memory} MiB", rows)
    report.end()


def statistics_of(values: tuple[float, ...]) -> float:
    """Return the median."""
    from statistics import median

    return median(values)


if __name__ == "__main__":
    main()
