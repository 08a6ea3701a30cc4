"""Reading the log of a build: what is happening now, and why it failed."""

from __future__ import annotations

import re
from collections import deque
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from emulab.errors import ImageError, NoSpaceError

if TYPE_CHECKING:
    from emulab.errors import EmulabError
    from emulab.progress import Step

_KEPT_LINES = 30
_SHOWN_WIDTH = 60

_ESCAPES = re.compile(r"\x1b\[[0-9;]*m")
_STEP = re.compile(r"^Step (\d+)/(\d+) : (.*)")
_BUILT = re.compile(r"^Successfully built ([0-9a-f]{12,64})$")  # all that some engines say
_NINJA = re.compile(r"^\[(\d+)/(\d+)\] (.*)")
_MAKE = re.compile(r"^\s+(?:CC|AS|LD|AR|HOSTCC|GEN|OBJCOPY|LZ4|GZIP)\s+(\S+)")
_APT = re.compile(r"^(?:Get:\d+ \S+ \S+/\S+ \S+ (\S+)|(?:Unpacking|Setting up) (\S+?)[: ])")
_CONFIGURE = re.compile(r"^(?:Checking |Has header|Compiler for |Run-time dependency )")

_NO_SPACE = re.compile(
    r"no space left on device|disk quota exceeded|you don't have enough free space", re.IGNORECASE
)
_UNREACHABLE = re.compile(
    r"could not resolve|temporary failure resolving|failed to fetch|unable to connect|could not connect"
    r"|connection (?:failed|timed out)|E: the Debian mirror|no debian mirror is known",
    re.IGNORECASE,
)


@dataclass
class BuildLog:
    """The log of one build, fed with the engine's messages.

    :param image: the image's name, for messages.
    :param step: where progress is shown.
    """

    image: str
    step: Step
    lines: deque[str] = field(default_factory=lambda: deque(maxlen=_KEPT_LINES))
    image_id: str = ""
    _rest: str = ""
    _failure: str = ""

    def feed(self, message: dict[str, Any]) -> None:
        """Take one message of the engine."""
        if "error" in message:
            self._failure = str((message.get("errorDetail") or {}).get("message") or message["error"])
        self.image_id = (message.get("aux") or {}).get("ID", self.image_id)
        text = self._rest + str(message.get("stream") or "")
        # Tools that redraw a line end it with a carriage return.
        *whole, self._rest = re.split(r"[\r\n]+", text)
        for line in whole:
            self._take(_ESCAPES.sub("", line).rstrip())

    def failure(self, mirror: str = "") -> EmulabError | None:
        """Return the error that the build ended with, None if it made an image.

        :param mirror: where packages come from, for the message.
        """
        if self.image_id and not self._failure:
            return None
        detail = "\n".join([*self.lines, self._failure]).strip()
        if _NO_SPACE.search(detail):
            return NoSpaceError(
                f"the container engine's disk is full; the image {self.image} could not be built",
                hint="free some, or remove images that are not used: `emulab images clean`",
                detail=detail,
            )
        if _UNREACHABLE.search(detail):
            return ImageError(
                f"the Debian mirror {mirror or 'of the base image'} could not be read to build {self.image}",
                hint="see whether it can be reached, or set EMULAB_DEBIAN_MIRROR to one that can",
                detail=detail,
            )
        return ImageError(
            f"the image {self.image} could not be built: {_shorten(self._failure) or 'the build stopped'}",
            hint="`emulab images build` goes on where it stopped",
            detail=detail,
        )

    def _take(self, line: str) -> None:
        if not line:
            return
        if not line.startswith((" ---> ", "Removing intermediate container")):
            self.lines.append(line)
        if match := _BUILT.match(line):
            self.image_id = self.image_id or match.group(1)
        elif match := _STEP.match(line):
            done, total, what = match.groups()
            self.step.update(what[:_SHOWN_WIDTH], done=float(done) - 1, total=float(total))
        elif match := _NINJA.match(line):
            done, total, what = match.groups()
            text = f"compiling {what.rsplit(' ', 1)[-1]}" if what.startswith("Compiling ") else what
            self.step.update(text[:_SHOWN_WIDTH], done=float(done), total=float(total))
        elif match := _MAKE.match(line):
            self.step.update(f"compiling {match.group(1)[-_SHOWN_WIDTH:]}")
        elif match := _APT.match(line):
            self.step.update(f"installing {match.group(1) or match.group(2)}")
        elif _CONFIGURE.match(line):
            self.step.update("configuring")


def _shorten(failure: str) -> str:
    """Return the engine's sentence of a failed step without the whole of its command."""
    match = re.search(r"^The command '(.*)' returned a non-zero code: (\d+)$", failure, re.DOTALL)
    if match is None:
        return failure
    command = match.group(1).removeprefix("/bin/sh -c ")
    shown = command if len(command) <= _SHOWN_WIDTH else command[:_SHOWN_WIDTH] + "…"
    return f"`{shown}` ended with status {match.group(2)}"
