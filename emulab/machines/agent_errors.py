"""Answers of an agent: as values, or as emulab's errors."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeVar

import msgspec

from emulab.errors import MachineError, NoSpaceError, UsageError
from emulab.machines.wire import Kind

if TYPE_CHECKING:
    from emulab.machines.wire import Frame

T = TypeVar("T")


class Refusal(msgspec.Struct, frozen=True):
    """Why an agent could not do what was asked.

    :param code: ``exec``, ``port-in-use``, ``no-process``, ``unsupported``, ``limits``, ``incomplete``,
        ``bad-request``, ``internal`` or ``system``.
    :param errno: the kernel's name for it, ``ENOENT``; may be empty.
    :param wants: the interpreter or architecture that is missing; may be empty.
    """

    code: str
    message: str
    errno: str = ""
    path: str = ""
    wants: str = ""


class RequestError(MachineError):
    """An agent could not do what was asked."""

    def __init__(self, what: str, refusal: Refusal) -> None:
        super().__init__(f"{what}: {refusal.message}")
        self.refusal = refusal


class ProgramError(UsageError):
    """A program can not be executed: not there, of another architecture, without its interpreter."""

    def __init__(self, refusal: Refusal) -> None:
        super().__init__(refusal.message)
        self.refusal = refusal


class PortInUseError(UsageError):
    """What a program would listen on answers already."""

    def __init__(self, refusal: Refusal) -> None:
        super().__init__(refusal.message, hint="stop the other program, or have this one use another port")
        self.refusal = refusal


def refused(what: str, document: bytes) -> UsageError | MachineError | NoSpaceError:
    """Return the error that an agent's failure means."""
    refusal = decoded(what, document, Refusal)
    if refusal.code == "exec":
        return ProgramError(refusal)
    if refusal.code == "port-in-use":
        return PortInUseError(refusal)
    if refusal.errno in ("ENOSPC", "EDQUOT"):
        return NoSpaceError(f"{what}: {refusal.message}", hint="give the machine more memory or space")
    return RequestError(what, refusal)


def decoded(what: str, document: bytes, kind: type[T]) -> T:
    """Return a JSON document as a value.

    :raises MachineError: it is not what the protocol says.
    """
    try:
        return msgspec.json.decode(document, type=kind)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise MachineError(f"the agent's answer to {what} can not be read: {error}") from error


def answered(what: str, frame: Frame, kind: type[T]) -> T:
    """Return the document of an answer or event.

    :raises MachineError: the request failed, or the answer can not be read.
    """
    if frame.kind is Kind.FAILURE:
        raise refused(what, frame.document)
    return decoded(what, frame.document, kind)


def to(kind: type[T], fields: dict[str, Any], **more: Any) -> T:
    """Return a value made of a document's members and others.

    :raises MachineError: they do not fit.
    """
    try:
        return msgspec.convert(fields | more, kind)
    except msgspec.ValidationError as error:
        raise MachineError(f"the agent's answer does not fit {kind.__name__}: {error}") from error
