"""Verdicts are read by others' readers as what they are."""

from __future__ import annotations

import xml.etree.ElementTree as ET

from emulab.figures import Document
from emulab.report.verdicts import as_annotations, as_junit, as_verdict_table


def _row(probe: str, verdict: str, reason: str = "") -> dict[str, object]:
    return {
        "board": None, "arch": "riscv64", "libc": "musl", "mode": "user", "probe": probe, "verdict": verdict,
        "reason": reason, "remedy": "", "tests": 1, "evidence": ["a <line> \x16"], "seconds": 1.5,
    }  # fmt: skip


_DOCUMENT = Document(
    "test",
    verdicts=[
        _row("p/a", "pass"),
        _row("p/b", "fail", "TestB: 100% wrong\nand more"),
        _row("p/c", "emulator-fault", "QEMU"),
        _row("p/d", "error", "died"),
    ],
)


def test_junit_keeps_failures_errors_and_skips_apart_and_is_xml() -> None:
    (suite,) = ET.fromstring(as_junit(_DOCUMENT))
    assert suite.attrib["name"] == "riscv64 musl user"
    counts = [suite.attrib[name] for name in ("tests", "failures", "errors", "skipped")]
    assert counts == ["4", "1", "1", "1"]
    kinds = {case.attrib["name"]: [child.tag for child in case] for case in suite}
    assert kinds == {"p/a": [], "p/b": ["failure"], "p/c": ["skipped"], "p/d": ["error"]}


def test_an_annotation_is_one_line_whatever_the_reason_holds() -> None:
    lines = as_annotations(_DOCUMENT).splitlines()
    assert lines[0] == "::error title=fail p/b::riscv64 musl user: TestB: 100%25 wrong%0Aand more"
    assert [line.split()[0] for line in lines] == ["::error", "::warning", "::error"]


def test_the_summary_has_a_cell_for_each_package_and_a_line_for_what_did_not_pass() -> None:
    text = as_verdict_table(_DOCUMENT)
    assert "| p/a | pass |" in text
    assert "**emulator-fault** p/c on riscv64 musl user: QEMU" in text
    assert "**pass**" not in text
