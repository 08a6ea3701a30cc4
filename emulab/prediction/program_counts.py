"""What was counted of a whole program for predictions, as it is kept: two files in a directory.

``work.ops`` has the code (:mod:`emulab.profiling.operation_file`), ``facts.json`` the numbers beside it.
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Final

import msgspec

from emulab.errors import UsageError
from emulab.prediction.program_work import Work
from emulab.prediction.service_times import Shape  # noqa: TC001 - msgspec reads the annotation
from emulab.profiling import operation_file

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

SCHEMA: Final = "emulab-program/1"
_OPERATIONS, _FACTS = "work.ops", "facts.json"
_NUMBERS = tuple(each.name for each in fields(Work) if each.name not in ("user", "kernel"))


class MemoryRuns(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A program's memory by the guest's kernel, run by run.

    :param page_size: bytes of the guest's pages.
    :param cpus: processors of the guest.
    :param figures: bytes by the figure's name (``rss-rest``), one for each run.
    """

    page_size: int
    cpus: int
    figures: dict[str, tuple[float, ...]]


@dataclass(frozen=True)
class ProgramCounts:
    """What is known of a program before any board is.

    :param origin: what was counted and how, by what each word is (``go``, ``kernel``, ``cpu``).
    :param start: from exec to readiness, of a program that ends by itself to its end.
    :param request: one request; None where it was not loaded.
    :param boot: what the machine did before; None where it was not booted for it.
    :param shape: how the latencies of the load are spread.
    :param memory: one for each kind of machine that it was looked at on.
    """

    origin: Mapping[str, str]
    start: Work
    request: Work | None = None
    boot: Work | None = None
    shape: Shape | None = None
    memory: tuple[MemoryRuns, ...] = ()

    @property
    def isa(self) -> str:
        """The instruction set."""
        return self.start.user.isa

    def memory_on(self, page_size: int, cpus: int) -> MemoryRuns | None:
        """Return what was seen on the machine most like a board; None where none has its pages.

        :param page_size: bytes.
        """
        alike = [each for each in self.memory if each.page_size == page_size]
        return min(alike, key=lambda each: abs(each.cpus - cpus), default=None)

    def works(self) -> dict[str, Work]:
        """Return the stretches that were counted, by name."""
        found = {"start": self.start, "request": self.request, "boot": self.boot}
        return {name: work for name, work in found.items() if work is not None}


class _Facts(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    schema: str
    origin: dict[str, str]
    works: dict[str, dict[str, float]]
    shape: Shape | None
    memory: tuple[MemoryRuns, ...]


def write(directory: Path, counts: ProgramCounts) -> None:
    """Write a program's counts into a directory, which exists."""
    works = counts.works()
    operations = {
        f"{name} {part}": operation
        for name, work in works.items()
        for part, operation in (("user", work.user), ("kernel", work.kernel))
    }
    content = operation_file.OperationFile(dict(counts.origin), operations)
    (directory / _OPERATIONS).write_bytes(operation_file.dumps(content))
    facts = _Facts(
        SCHEMA,
        dict(sorted(counts.origin.items())),
        {name: {field: float(getattr(work, field)) for field in _NUMBERS} for name, work in works.items()},
        counts.shape,
        counts.memory,
    )
    encoded = msgspec.json.encode(facts, order="deterministic")
    (directory / _FACTS).write_bytes(msgspec.json.format(encoded, indent=2) + b"\n")


def read(directory: Path) -> ProgramCounts:
    """Return what :func:`write` wrote.

    :raises UsageError: a file is missing, damaged, or of another version.
    """
    operations = operation_file.read(directory / _OPERATIONS).operations
    path = directory / _FACTS
    try:
        facts = msgspec.json.decode(path.read_bytes(), type=_Facts)
        works = {
            name: Work(operations[f"{name} user"], operations[f"{name} kernel"], **numbers)
            for name, numbers in facts.works.items()
        }
        start = works["start"]
    except OSError as error:
        raise UsageError(f"{path} can not be read: {error.strerror}") from error
    except (msgspec.DecodeError, KeyError, TypeError) as error:
        raise UsageError(f"{path} is damaged: {error}", hint="count again") from error
    if facts.schema != SCHEMA:
        raise UsageError(f"{path}: field `schema` is {facts.schema!r}; this emulab reads {SCHEMA}")
    return ProgramCounts(
        facts.origin, start, works.get("request"), works.get("boot"), facts.shape, facts.memory
    )
