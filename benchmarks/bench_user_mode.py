"""What emulab adds to one run in user mode, beside the emulated program itself.

A whole call of `emulab run` is timed; the program's own time under the emulator, as the agent saw it, is
taken off. The container engine's part is shown by itself: a machine, opened and closed in one process.
"""

from __future__ import annotations

import json
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING

from measuring import Report, Row, arguments, command, in_turn, timed_command

from emulab.machines.opening import Opener
from emulab.progress import Silent
from emulab.workloads.request import Program, ProgramKind, RunRequest, find_places

if TYPE_CHECKING:
    from emulab.machines.target import Target

TARGET_S = 0.4
LIBC = "glibc"
PACKAGE = {
    "go.mod": "module example.org/hello\n\ngo 1.22\n",
    "main.go": 'package main\n\nfunc main() { println("hello") }\n',
}


def added(words: list[str], directory: str) -> float:
    """Return the seconds of a whole call that were not the program's."""
    whole, output = timed_command(command("run", "--quiet", "--json", *words), cwd=directory)
    figures = {figure["name"]: figure["value"] for figure in json.loads(output)["figures"]}
    return whole - float(figures["run-time"])


def target(architecture: str) -> Target:
    """Return the machine that the command opens."""
    program = Program(ProgramKind.GUEST, "true", "", Path.cwd(), ("/bin/true",))
    (place,) = find_places(RunRequest(program, architectures=(architecture,), libcs=(LIBC,)))
    return place.target


def machine(opener: Opener, where: Target) -> tuple[float, float]:
    """Return how long a machine takes to be open, and to be gone."""
    began = time.perf_counter()
    opened = opener.open(where)
    ready = time.perf_counter()
    opened.close()
    return ready - began, time.perf_counter() - ready


def main() -> None:
    options = arguments(__doc__ or "", runs=7).parse_args()
    report = Report("user mode: what emulab adds to a run", options.as_json)
    with tempfile.TemporaryDirectory() as directory, Opener(Silent()) as opener:
        for name, content in PACKAGE.items():
            (Path(directory) / name).write_text(content)
        for name in options.arch:
            where = target(name)
            opener.prepare([where])
            common = ["--arch", name, "--libc", LIBC]
            guest, package = [*common, "--", "/bin/true"], [".", *common]
            for words in (guest, package):  # builds, images and the page cache are warm from here on
                added(words, directory)
            machines: list[tuple[float, float]] = []

            def opened(where: Target = where, seen: list[tuple[float, float]] = machines) -> float:
                seen.append(machine(opener, where))
                return seen[-1][0]

            programs, packages, opens = in_turn(
                options.runs,
                [
                    lambda words=guest: added(words, directory),
                    lambda words=package: added(words, directory),
                    opened,
                ],
            )
            report.add(
                f"{name}, {LIBC}",
                [
                    Row("added to a program of the root filesystem", programs, TARGET_S),
                    Row("added to a Go program that was built before", packages, TARGET_S),
                    Row("of that: container and agent, until the machine is open", opens),
                    Row("of that: the machine's end", tuple(each[1] for each in machines)),
                ],
            )
    report.end()


if __name__ == "__main__":
    main()
