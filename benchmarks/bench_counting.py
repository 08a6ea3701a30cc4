"""What counting costs, beside the same emulator without the plugin; and how its counts stand to callgrind's.

Runs are paired: each round times a run without the plugin, one counted and one in the heavy mode, by the
processor time that the kernel charged them. Callgrind counts ten C programs on this host, which is x86-64.
"""

from __future__ import annotations

import io
import os
import posixpath
import re
import shutil
import subprocess
import tarfile
import tempfile
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING

from measuring import Report, Row, arguments

from emulab.boards import load_catalogue
from emulab.images.builder import Builder
from emulab.machines.opening import COUNTING_EMULATOR, Opener
from emulab.machines.protocol import Command
from emulab.profiling import Counter, read
from emulab.profiling.memory_model import model_of
from emulab.progress import Silent
from emulab.toolchain.building import build
from emulab.toolchain.go import find_go
from emulab.toolchain.request import BuildRequest
from emulab.toolchain.zig import find_zig
from emulab.workloads.request import Program, ProgramKind, RunRequest, find_places

if TYPE_CHECKING:
    from emulab.machines.agent_machine import AgentMachine

LIGHT_TARGET, NANOSECONDS_TARGET, CALLGRIND_TARGET = 1.3, 2.0, 1.0
BOARDS = {"arm64": "raspberry-pi-4", "armv7": "stm32mp157a", "riscv64": "visionfive-2"}
KERNELS = ("sieve", "matrix", "checksum", "sorting", "fibonacci", "hashing", "bodies", "searching",
           "printing", "lists")  # fmt: skip


@dataclass(frozen=True)
class Subject:
    """Benchmarks of one package, and a number of rounds that takes about a second.

    :param data: files that they read, as they name them.
    :param everything: whether Go may use instructions that QEMU's processor has and the board has not.
    """

    package: str
    benchmarks: str
    rounds: int
    data: tuple[str, ...] = ()
    everything: bool = False

    @property
    def label(self) -> str:
        """How the rows name it."""
        return f"{self.package}, QEMU's calls for SHA instructions" if self.everything else self.package


DATA = ("../testdata/e.txt", "../../testdata/Isaac.Newton-Opticks.txt")
SUBJECTS = (
    Subject("crypto/sha256", "Hash8K/", 1000),
    Subject("encoding/json", "UnmarshalString$|UnmarshalFloat64$|UnmarshalMap$|EncodeMarshaler$", 30000),
    Subject("sort", "SortString1K$|SortInt1K$|StableInt64K$|Sort1e4$", 20),
    Subject("compress/flate", "code/Digits/Default/1e5", 60, DATA),
    Subject("math/big", "Mul1e4$|Mul1e5$|Exp$|ScalarProductFixed|DecimalConversion$", 10),
)  # fmt: skip
SLOW = {"arm64": (Subject("crypto/sha256", "Hash8K/", 1000, everything=True),)}
"""What QEMU itself is slow at: each of arm64's SHA instructions, which a Raspberry Pi 4 lacks, is a call."""


class Bench:
    """The test binary of one subject on an open machine."""

    def __init__(self, machine: AgentMachine, subject: Subject, arch: str) -> None:
        go = find_go(None, Silent())
        where = find_place(arch).target
        request = BuildRequest(subject.package, Path(__file__).parent, where.architecture, test=True)
        self.machine, self.counter = machine, Counter(machine)
        self.model = model_of(load_catalogue().board(BOARDS[arch]))
        place = f"/work/{subject.package.replace('/', '-')}"
        machine.agent.mkdir(f"{place}/x/y")
        machine.push(build(request, go).path, f"{place}/x/y/test")
        for name in subject.data:
            there = posixpath.normpath(f"{place}/x/y/{name}")
            machine.agent.mkdir(posixpath.dirname(there))
            machine.push((go.root / "src" / subject.package / name).resolve(), there)
        words = [
            "-test.run",
            "^$",
            "-test.bench",
            subject.benchmarks,
            "-test.benchtime",
            f"{subject.rounds}x",
        ]
        environment = {} if subject.everything else find_place(arch).board.run_environment()
        self.command = Command(
            (f"{place}/x/y/test", *words, "-test.cpu", "1"),
            environment=environment,
            directory=f"{place}/x/y",
        )

    def plain(self) -> float:
        """Return the processor time of a run without the plugin."""
        done = self.machine.run(self.command)
        if not done.succeeded or b"ns/op" not in done.stdout:
            raise SystemExit(
                f"{self.command.argv}: {done.ending()}\n{done.stdout.decode()}{done.stderr.decode()}"
            )
        return done.usage.user_s + done.usage.system_s

    def light(self) -> tuple[float, int]:
        """Return a counted run's time, and how many instructions it executed."""
        counted = self.counter.run(self.command)
        usage = counted.completed.usage
        return usage.user_s + usage.system_s, counted.profile.whole.instructions

    def heavy(self) -> float:
        """Return the time of a run in the heavy mode."""
        usage = self.counter.run(self.command, model=self.model).completed.usage
        return usage.user_s + usage.system_s


def find_place(arch: str):  # type: ignore[no-untyped-def]
    """Return the place of an architecture's board."""
    program = Program(ProgramKind.GUEST, "true", "", Path.cwd(), ("/bin/true",))
    (place,) = find_places(RunRequest(program, boards=(BOARDS[arch],), memory=1 << 30, cpus=2))
    return place


def cost(report: Report, opener: Opener, arch: str, runs: int) -> None:
    """Add the table of one architecture."""
    target = find_place(arch).target
    opener.prepare([target])
    rows = []
    with opener.open(target) as machine:
        for subject in (*SUBJECTS, *SLOW.get(arch, ())):
            bench = Bench(machine, subject, arch)
            light, heavy, speed = [], [], []
            for _ in range(runs):
                plain = bench.plain()
                seconds, instructions = bench.light()
                light.append(seconds / plain)
                heavy.append(bench.heavy() / plain)
                speed.append(seconds / instructions * 1e9)
            rows += [
                Row(f"{subject.label}: light", tuple(light), LIGHT_TARGET, "times"),
                Row(
                    f"{subject.label}: light, an instruction",
                    tuple(speed),
                    None if subject.everything else NANOSECONDS_TARGET,
                    "ns",
                ),
                Row(f"{subject.label}: heavy", tuple(heavy), unit="times"),
            ]
            report.note(f"{arch} {subject.label}: {1e3 / median(speed):.0f} million instructions per second")
    report.add(f"{arch}: cost beside the emulator alone", rows)


def against_callgrind(report: Report, opener: Opener) -> None:
    """Add the table of the deviations from callgrind, in percent."""
    if shutil.which("valgrind") is None:
        report.note("valgrind is not installed: nothing was compared with callgrind")
        return
    with tempfile.TemporaryDirectory() as name:
        directory = Path(name)
        emulator = emulator_in(directory, opener)
        program = directory / "kernels"
        source = Path(__file__).parent / "programs" / "kernels.c"
        caches = dict.fromkeys(("ZIG_GLOBAL_CACHE_DIR", "ZIG_LOCAL_CACHE_DIR"), str(directory / "zig"))
        words = [find_zig(Silent()).command, "cc", "-target", "x86_64-linux-musl", "-mcpu=x86_64", "-O2",
                 "-static", "-fno-sanitize=undefined", "-o", program, source]  # fmt: skip
        subprocess.run(words, check=True, env={**os.environ, **caches})
        rows = []
        for number, kernel in enumerate(KERNELS):
            ours = count(emulator, program, number, directory / f"{number}.profile")
            theirs = callgrind(program, number, directory)
            deviation = abs(ours / theirs - 1) * 100
            rows.append(Row(f"{kernel}: {theirs} instructions", (deviation,), CALLGRIND_TARGET, "%"))
    report.add("amd64: deviation from callgrind", rows)


def emulator_in(directory: Path, opener: Opener) -> Path:
    """Unpack the emulators, which are made to run anywhere, and return where they are."""
    builder = Builder(opener.engine.client, Silent())
    image = builder.ensure(["qemu-user"])["qemu-user"]
    content = io.BytesIO()
    builder.store.copy_layer(image.reference, content)
    content.seek(0)
    with tarfile.open(fileobj=content) as archive:
        archive.extractall(directory, filter="tar")
    return directory / ".emulab"


def count(emulator: Path, program: Path, kernel: int, profile: Path) -> int:
    """Return how many instructions the plugin counts of a kernel."""
    loader = [str(emulator / "lib" / "ld-linux-x86-64.so.2"), "--library-path", str(emulator / "lib")]
    plugin = f"file={emulator / 'lib' / 'emulab-count.so'},out={profile}"
    words = [*loader, str(emulator / "bin" / "qemu-x86_64"), "-plugin", plugin, str(program), str(kernel)]
    subprocess.run(words, check=True, capture_output=True)
    return read(profile).whole.instructions


def callgrind(program: Path, kernel: int, directory: Path) -> int:
    """Return how many instructions callgrind counts."""
    words = ["valgrind", "--tool=callgrind", f"--callgrind-out-file={directory / 'callgrind'}"]
    done = subprocess.run([*words, str(program), str(kernel)], check=True, capture_output=True, text=True)
    match = re.search(r"Collected : (\d+)", done.stderr)
    if match is None:
        raise SystemExit(f"callgrind said nothing of instructions:\n{done.stderr}")
    return int(match[1])


def main() -> None:
    options = arguments(__doc__ or "", runs=5).parse_args()
    report = Report("counting: its cost, and its counts", options.as_json)
    with Opener(Silent(), COUNTING_EMULATOR) as opener:
        against_callgrind(report, opener)
        for arch in options.arch:
            cost(report, opener, arch, options.runs)
    report.end()


if __name__ == "__main__":
    main()
