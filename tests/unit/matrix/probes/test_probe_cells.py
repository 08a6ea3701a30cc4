"""Probes' verdicts are rows of the document like those of packages, and decide the exit status."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from emulab.figures import Document
from emulab.matrix.probes.cells import ProbeCell, exit_status, worse
from emulab.matrix.probes.table import Known
from emulab.report.verdicts import as_annotations, as_verdict_table
from emulab.testing.request import TestRequest
from emulab.testing.verdicts import Judgement, Verdict

_PLACE = TestRequest((), Path(), architectures=("armv7",), libcs=("glibc",), modes=("user",)).places()[0]
_PASSES = Known("pass", "")


def _cell(verdict: Verdict) -> ProbeCell:
    judged = Judgement(verdict, "since", "do so", 1, ("a", "b"))
    return ProbeCell("statx", _PLACE, judged, Known("pass", ""), 0.125, "key")


def test_a_cell_comes_back_from_its_row() -> None:
    cell = _cell(Verdict.EMULATOR_FAULT)
    row = cell.to_json()
    assert (row["probe"], row["arch"], row["libc"], row["mode"]) == ("probe:statx", "armv7", "glibc", "user")
    assert ProbeCell.recalled("statx", _PLACE, cell.known, "key", row) == replace(cell, is_recalled=True)


def test_a_cell_knows_whether_it_is_as_known() -> None:
    assert _cell(Verdict.PASS).is_as_known
    assert not _cell(Verdict.UNSUPPORTED).is_as_known


@pytest.mark.parametrize(
    ("verdicts", "status"),
    [
        ((Verdict.PASS, Verdict.FAIL, Verdict.ERROR), 1),
        ((Verdict.PASS, Verdict.ERROR), 3),
        ((Verdict.UNSUPPORTED, Verdict.EMULATOR_FAULT), 0),
        ((), 4),
    ],
)
def test_the_worst_verdict_decides(verdicts: tuple[Verdict, ...], status: int) -> None:
    assert exit_status(_cell(each) for each in verdicts) == status


@pytest.mark.parametrize(
    ("one", "other", "status"), [(0, 1, 1), (3, 1, 1), (3, 0, 3), (4, 0, 4), (0, 0, 0), (4, 1, 1)]
)
def test_passing_probes_do_not_hide_that_no_test_ran(one: int, other: int, status: int) -> None:
    assert worse(one, other) == status
    assert worse(other, one) == status


def test_what_is_as_known_is_in_the_table_and_in_no_annotation() -> None:
    known = replace(_cell(Verdict.UNSUPPORTED), known=Known("unsupported", "so it is"))
    document = Document(
        "matrix", {}, (), [known.to_json(), replace(known, id="other", known=_PASSES).to_json()]
    )
    assert as_annotations(document).count("::notice") == 1
    assert "other" in as_annotations(document)
    table = as_verdict_table(document)
    assert "| probe:statx | unsupported |" in table
    assert table.count("**unsupported**") == 1


def test_what_is_known_to_fail_is_told_all_the_same() -> None:
    row = replace(_cell(Verdict.FAIL), known=Known("fail", "it always did")).to_json()
    assert "::error" in as_annotations(Document("matrix", {}, (), [row]))
