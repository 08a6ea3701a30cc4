"""A person at an emulated machine."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Self

from emulab.errors import UsageError
from emulab.machines.opening import Opener
from emulab.machines.protocol import SEARCH_PATH, Command
from emulab.workloads.request import find_places

if TYPE_CHECKING:
    from emulab.progress import Progress
    from emulab.workloads.request import RunRequest


class Session:
    """An open machine with a program to talk to.

    :raises UsageError: the request means no machine, or several.
    """

    def __init__(self, request: RunRequest, progress: Progress) -> None:
        places = find_places(request)
        if len(places) > 1:
            raise UsageError("a shell needs one machine", hint="name one board, one libc and one mode")
        target = places[0].target
        self._argv = request.program.arguments
        self._environment = dict(target.environment)
        self._opener = Opener(progress)
        try:
            self._opener.prepare([target])
            self._machine = self._opener.open(target)
        except BaseException:
            self._opener.__exit__()
            raise

    def interact(self) -> int:
        """Join the program to this process's terminal and return its exit status."""
        environment = {
            "PATH": SEARCH_PATH,
            "HOME": "/work",
            "TERM": os.environ.get("TERM", "vt100"),
            **self._environment,
        }
        return self._machine.interact(Command(self._argv, environment))

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._machine.close()
        self._opener.__exit__()
