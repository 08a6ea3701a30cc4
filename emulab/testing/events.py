"""What a test binary printed, counted by Go's own test2json."""

from __future__ import annotations

import re
import subprocess
from typing import TYPE_CHECKING, Any

from emulab.errors import ToolchainError
from emulab.testing.verdicts import Counts
from emulab.toolchain.go_command import json_objects

if TYPE_CHECKING:
    from collections.abc import Iterable

    from emulab.toolchain.go import GoToolchain

_KEPT_BYTES = 256 << 10
_FRAMING = re.compile(rb"^(?:[^\n\x16]*\x16.*|panic: .*|fatal error: .*)$", re.MULTILINE)
"""What Go marks as its own (SYN, since Go 1.20), and what says how a process ended."""
_MOST_FRAMES = 8 << 20


class Transcript:
    """A test binary's output: all of a short one; of a long one its ends, and what counts between them."""

    def __init__(self) -> None:
        self._head = bytearray()
        self._tail = bytearray()
        self._frames = bytearray()
        self._rest = b""
        self.total = 0

    def write(self, piece: bytes) -> None:
        """Take a piece as it comes."""
        self.total += len(piece)
        if len(self._head) < _KEPT_BYTES:
            self._head += piece
            return
        self._tail += piece
        if len(self._tail) > 2 * _KEPT_BYTES:
            cut = self._tail.rfind(b"\n", 0, len(self._tail) - _KEPT_BYTES) + 1
            cut = cut or len(self._tail) - _KEPT_BYTES
            self._drop(bytes(self._tail[:cut]))
            del self._tail[:cut]

    def _drop(self, text: bytes) -> None:
        if len(self._frames) < _MOST_FRAMES:
            for line in _FRAMING.finditer(text):
                self._frames += line[0] + b"\n"

    def content(self) -> bytes:
        """Return what test2json is to read."""
        if not self._tail:
            return bytes(self._head)
        end = self._head.rfind(b"\n") + 1
        middle = b"" if not self._frames else bytes(self._frames)
        return bytes(self._head[:end]) + middle + bytes(self._head[end:]) + bytes(self._tail)


def events_of(content: bytes, package: str, go: GoToolchain) -> list[dict[str, Any]]:
    """Return the events that ``go tool test2json`` makes of a test binary's output.

    :raises ToolchainError: the tool fails.
    """
    import os

    environment = {key: value for key, value in os.environ.items() if not key.startswith(("GOOS", "GOARCH"))}
    environment |= {"GOTOOLCHAIN": "local", "GOFLAGS": ""}
    done = subprocess.run(
        [str(go.command), "tool", "test2json", "-t", "-p", package],
        input=content, capture_output=True, check=False, env=environment,
    )  # fmt: skip
    if done.returncode != 0:
        raise ToolchainError(
            f"{go.command} tool test2json failed", detail=done.stderr.decode(errors="replace")
        )
    return list(json_objects(done.stdout.decode(errors="replace")))


def count(events: Iterable[dict[str, Any]]) -> Counts:
    """Return how many tests passed, failed and were skipped; a test with subtests is none itself."""
    ends: dict[str, str] = {}
    begun: dict[str, None] = {}
    for event in events:
        name = event.get("Test")
        if not name:
            continue
        begun.setdefault(name)
        if event["Action"] in ("pass", "fail", "skip"):
            ends[name] = event["Action"]
    parents = {name.rpartition("/")[0] for name in begun}
    leaves = {name: end for name, end in ends.items() if name not in parents}
    # A test that fails beside its subtests failed itself.
    alone = [
        name
        for name, end in ends.items()
        if end == "fail" and name in parents
        and not any(leaf.startswith(f"{name}/") and state == "fail" for leaf, state in leaves.items())
    ]  # fmt: skip
    failures = (*(name for name, end in leaves.items() if end == "fail"), *alone)
    states = list(leaves.values())
    return Counts(
        passed=states.count("pass"),
        failed=len(failures),
        skipped=states.count("skip"),
        failures=failures,
        unfinished=tuple(name for name in begun if name not in ends),
    )


def readable(events: Iterable[dict[str, Any]]) -> str:
    """Return the output as ``go test -v`` prints it."""
    return "".join(event.get("Output", "") for event in events if event["Action"] == "output")
