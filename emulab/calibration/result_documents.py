"""Documents that emulab itself printed with ``--json`` as samples: only what was MEASURED is one."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from emulab.calibration.schema import UNITS, Sample
from emulab.errors import UsageError
from emulab.figures import SCHEMA, FigureClass

if TYPE_CHECKING:
    from pathlib import Path


def read_document(
    path: Path, document: dict[str, Any], board: str, core: str = "", go: str = ""
) -> list[Sample]:
    """Return the measured figures of a document.

    :param board: figures that name another are refused; those that name none are taken.
    :raises UsageError: it is no document of emulab's, a figure is incomplete or of another board, or none was
        measured.
    """
    if document.get("schema") != SCHEMA:
        raise UsageError(
            f"{path}: field `schema` is {document.get('schema')!r}, not {SCHEMA!r}",
            hint="name a document that `--json` printed",
        )
    release = str((document.get("environment") or {}).get("go") or go)
    samples = []
    for number, row in enumerate(document.get("figures") or []):
        try:
            sample = _sample(row, core, release)
            named = row.get("board")
        except (AttributeError, KeyError, TypeError, ValueError) as error:
            raise UsageError(
                f"{path}: figure {number}: {error} is missing or wrong", hint="make it again with `--json`"
            ) from error
        if sample is None:
            continue
        if named not in (None, board):
            raise UsageError(
                f"{path}: figure {number}: field `board` is {named!r}", hint=f"import it with --board {named}"
            )
        fault = sample.fault()
        if fault is not None:
            raise UsageError(f"{path}: figure {number}: {fault}")
        samples.append(sample)
    if not samples:
        raise UsageError(
            f"{path} has no figure of class {FigureClass.MEASURED}",
            hint="what was emulated or counted says nothing of a board's time",
        )
    return samples


def _sample(row: dict[str, Any], core: str, release: str) -> Sample | None:
    if row["class"] != FigureClass.MEASURED or row["unit"] not in UNITS:
        return None
    value = float(row["value"])
    low, high = row.get("low"), row.get("high")
    half = (float(high) - float(low)) / 2 if low is not None and high is not None else None
    return Sample(
        workload=str(row["workload"]),
        figure=str(row["name"]),
        value=value,
        unit=str(row["unit"]),
        core=core,
        n=int(row["n"]),
        spread=half / value if half is not None and value else None,
        go=release if release.startswith("go1") else "",
        settings={"libc": str(row["libc"])} if row.get("libc") else {},
    )
