"""A program held against boards and root filesystems."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from emulab.architectures import ARCHITECTURES
from emulab.boards import generic_board, load_catalogue
from emulab.errors import UsageError
from emulab.inspection.compatibility import judge
from emulab.inspection.levels import processor_of
from emulab.inspection.offers import Offer
from emulab.inspection.rootfs import offers, root_filesystems

if TYPE_CHECKING:
    from collections.abc import Sequence

    from emulab.boards import Board
    from emulab.inspection.compatibility import Subject, Verdict
    from emulab.progress import Progress

_KIB = 1024


@dataclass(frozen=True)
class Placed:
    """A verdict on one root filesystem for a board.

    :param decides: the root filesystem is the board's own, or one that was asked for.
    """

    board: Board
    offer: Offer
    verdict: Verdict
    decides: bool

    def to_json(self) -> dict[str, Any]:
        """Return it as a verdict of the result document."""
        said = [*self.verdict.misfits, *self.verdict.warnings]
        return {
            "board": None if self.board.kind == "generic" else self.board.id,
            "arch": self.board.architecture.name,
            "libc": self.offer.libc,
            "mode": None,
            "probe": "starts",
            "verdict": "pass" if self.verdict.compatible else "fail",
            "reason": "; ".join(each.reason for each in said) or None,
            "remedy": "; ".join(dict.fromkeys(each.remedy for each in said)) or None,
            "kinds": [each.kind for each in self.verdict.misfits],
            "decides": self.decides,
            "tests": [],
        }


def hold_against(
    subject: Subject, boards: Sequence[str], libcs: Sequence[str], progress: Progress
) -> list[Placed]:
    """Return a verdict for each board and each root filesystem of its architecture.

    :param boards: ids; without any the generic board of the program's architecture, or of every one.
    :param libcs: the root filesystems that decide; without any each board's own.
    :raises UsageError: there is no such board or C library.
    :raises WorkloadError: a board runs no Go program at all.
    :raises EngineError: the root filesystems' libraries matter, and can not be read.
    """
    places = _boards(subject, boards)
    architectures = list(dict.fromkeys(board.architecture.name for board in places))
    known = _offers(subject, architectures, progress)
    unknown = [libc for libc in libcs if libc not in {each.libc for each in known}]
    if unknown:
        names = dict.fromkeys(each.libc for each in known)
        raise UsageError(
            f"there is no root filesystem {unknown[0]!r} for {', '.join(architectures)}",
            hint=f"use {', '.join(names)}",
        )
    return [
        _placed(subject, board, offer, libcs)
        for board in places
        for offer in known
        if offer.architecture == board.architecture.name
    ]


def fits(placed: Sequence[Placed], *, named: bool) -> bool:
    """Tell whether a program starts on every board.

    :param named: the boards or C libraries were named; otherwise one root filesystem is enough.
    """
    deciding = [each for each in placed if each.decides]
    if named:
        return bool(deciding) and all(each.verdict.compatible for each in deciding)
    return any(each.verdict.compatible for each in placed)


def _boards(subject: Subject, names: Sequence[str]) -> list[Board]:
    if names:
        catalogue = load_catalogue()
        boards = [catalogue.board(name) for name in names]
        for board in boards:
            board.require_go()
        return boards
    own = "armv7" if subject.facts.architecture.startswith("arm") and subject.facts.bits == 32 else None
    name = own or subject.facts.architecture
    return [generic_board(each) for each in ([name] if name in ARCHITECTURES else ARCHITECTURES)]


def _offers(subject: Subject, architectures: Sequence[str], progress: Progress) -> list[Offer]:
    if subject.facts.interpreter is not None:
        return offers(architectures, progress)
    # A static program asks nothing of a root filesystem, so none is read.
    return [
        Offer(str(name), libc, name.architecture)
        for name, libc in root_filesystems().items()
        if name.architecture in architectures
    ]


def _placed(subject: Subject, board: Board, offer: Offer, libcs: Sequence[str]) -> Placed:
    own = board.software.libc if board.software is not None else "musl"
    pages = board.software.page_kib * _KIB if board.software is not None else None
    verdict = judge(subject, offer, processor_of(board), page_size=pages)
    return Placed(board, offer, verdict, offer.libc in libcs if libcs else offer.libc == own)
