"""Files that a user has, as sessions: which format it is, and who measured what on which board."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING

from emulab.calibration.benchstat_tables import looks_like_benchstat, read_benchstat
from emulab.calibration.flags import flagged
from emulab.calibration.go_text import read_go_text
from emulab.calibration.result_documents import read_document
from emulab.calibration.sbc_bench_files import looks_like_sbc_bench, read_sbc_bench
from emulab.calibration.schema import Record, Session
from emulab.errors import UsageError

if TYPE_CHECKING:
    from pathlib import Path

    from emulab.boards import Board
    from emulab.calibration.schema import Sample

LICENCE = "Figures are facts; who imported them knows whether they may be passed on."


def import_file(
    path: Path, board: Board, *, author: str = "", date: str = "", clock_hz: float | None = None, go: str = ""
) -> Record:
    """Return the session that a file holds: Go benchmark text, a benchstat table, a result file of
    sbc-bench, or a document of emulab's.

    :param board: where it was measured.
    :param author: who measured.
    :param date: when, as ``2026-01-31``.
    :param clock_hz: the clock that the board is said to have had.
    :param go: the release of Go, where the file does not say it.
    :raises UsageError: the file can not be read, is none of these, or holds nothing to import.
    """
    text = _text(path)
    core = _only_core(board)
    samples = _samples(path, text, board.id, core, go)
    if not samples:
        raise UsageError(
            f"{path} holds no figures to import",
            hint="give Go benchmark text, a benchstat table, a result file of sbc-bench or a --json document",
        )
    words = [author, board.id, date, path.name.split(".")[0]]
    session = Session(
        id=re.sub(r"[^a-z0-9]+", "-", "-".join(word for word in words if word).lower()).strip("-"),
        source=path.name,
        author=author,
        date=date,
        device=board.name,
        board=board.id,
        arch={"armv7": "arm"}.get(board.arch, board.arch),
        claimed_clock_hz=clock_hz,
    )
    return Record(session, tuple(flagged(session, samples)), LICENCE, "emulab calibrate import")


def _samples(path: Path, text: str, board: str, core: str, go: str) -> list[Sample]:
    if text.lstrip().startswith("{"):
        try:
            document = json.loads(text)
        except ValueError as error:
            raise UsageError(f"{path} is not valid JSON: {error}", hint="write it with `--json`") from error
        return read_document(path, document, board, core, go)
    if looks_like_sbc_bench(text):
        return read_sbc_bench(text)
    if looks_like_benchstat(text):
        return read_benchstat(text, core, go)
    return read_go_text(text, core, go)


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is no text"
        raise UsageError(f"{path} can not be read: {reason}", hint="name a file of figures") from error


def _only_core(board: Board) -> str:
    """Return the board's core, "" where it has several kinds: which one ran is not known then."""
    cores = {cluster.core.id for cluster in board.clusters}
    return cores.pop() if len(cores) == 1 else ""
