"""The one error tree of emulab.

::

    EmulabError                  exit status
    ├── UsageError                    2   bad input: flag, file, board, package
    ├── WorkloadError                 1   the user's program (or its build) failed
    ├── InfrastructureError           3   never the user's fault
    │   ├── EngineError                   the container engine is missing or failed
    │   ├── ImageError                    an image could not be built or read
    │   ├── ToolchainError                a compiler could not be had
    │   ├── MachineError                  an emulated machine died, hung or lied
    │   │   └── SilentMachineError                it runs, and its agent does not answer
    │   └── NoSpaceError                  a disk is full
    └── NothingRanError               4   nothing was executed at all

A message is one sentence that names what is wrong; ``hint`` says what to do about it.
"""

from __future__ import annotations


class EmulabError(Exception):
    """Root of every error that emulab raises on purpose.

    :param message: one clear sentence, without a trailing newline.
    :param hint: what the reader can do, a sentence or a command; may be empty.
    :param detail: further lines (a compiler's output, a console's tail); may be empty.
    """

    exit_status: int = 3

    def __init__(self, message: str, *, hint: str = "", detail: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint
        self.detail = detail


class UsageError(EmulabError):
    """The input cannot be used as given."""

    exit_status = 2


class WorkloadError(EmulabError):
    """The user's program, or its build, failed."""

    exit_status = 1


class InfrastructureError(EmulabError):
    """Something beneath the user's program failed."""

    exit_status = 3


class EngineError(InfrastructureError):
    """The container engine is missing, unreachable or refused a request."""


class ImageError(InfrastructureError):
    """An image, kernel or root filesystem could not be built or read."""


class ToolchainError(InfrastructureError):
    """A compiler or one of its parts could not be had."""


class MachineError(InfrastructureError):
    """An emulated machine died, hung or answered nonsense."""


class SilentMachineError(MachineError):
    """An emulated machine runs, and its agent does not answer."""


class NoSpaceError(InfrastructureError):
    """A disk that emulab writes to is full."""


class NothingRanError(EmulabError):
    """No program was executed, so there is nothing to report."""

    exit_status = 4
