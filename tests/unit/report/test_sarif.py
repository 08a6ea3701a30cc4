"""Findings of code scanning: one for what is wrong, however many cells show it."""

from __future__ import annotations

import json
from typing import Any

from emulab.figures import Document
from emulab.report.sarif import as_sarif


def _row(arch: str, verdict: str, **more: Any) -> dict[str, Any]:
    known = {
        "board": None, "arch": arch, "libc": "musl", "mode": "user", "probe": "p/a", "verdict": verdict,
        "reason": "", "remedy": "", "tests": 0,
    }  # fmt: skip
    return known | more


def _results(*rows: dict[str, Any], module: str | None = "m/go.mod") -> list[dict[str, Any]]:
    log = json.loads(as_sarif(Document("matrix", {"emulab": "1", "module": module}, verdicts=rows)))
    results: list[dict[str, Any]] = log["runs"][0]["results"]
    return results


def test_a_test_that_fails_in_many_cells_is_one_finding() -> None:
    place = {"file": "m/a/a_test.go", "line": 3, "column": 0, "test": "TestA", "message": "wrong"}
    rows = [
        _row(arch, "fail", tests=2, failures=["TestA", "TestB"], locations=[place], reason="2 failed")
        for arch in ("arm64", "armv7", "riscv64")
    ]
    first, second = _results(*rows, _row("amd64", "pass"))
    assert first["message"]["text"].startswith("p/a: TestA fails: wrong\nOn arm64 musl user; ")
    assert first["properties"]["machines"] == ["arm64 musl user", "armv7 musl user", "riscv64 musl user"]
    assert first["locations"][0]["physicalLocation"]["region"] == {"startLine": 3}
    # Of TestB nothing better is known than its module.
    assert second["locations"][0]["physicalLocation"]["artifactLocation"]["uri"] == "m/go.mod"


def test_every_verdict_that_is_no_pass_has_a_rule_and_a_level() -> None:
    reason = {"reason": "p/a does not build for arm64 with Go 1.26", "locations": []}
    rows = [
        _row("arm64", "fail", tests=1, reason="the test binary ended with status 2"),
        _row("arm64", "fail", **reason),
        _row("arm64", "fail", probe="starts", reason="wants a newer glibc"),
        _row("arm64", "emulator-fault", reason="QEMU"),
        _row("arm64", "unsupported", reason="needs root"),
        _row("arm64", "error", reason="twice: died"),
        _row("arm64", "not-run", reason=None, remedy=None),
    ]
    assert [(each["ruleId"].removeprefix("emulab/"), each["level"]) for each in _results(*rows)] == [
        ("test-failed", "error"), ("not-built", "error"), ("does-not-start", "error"),
        ("emulator-fault", "warning"), ("unsupported", "note"), ("infrastructure", "error"),
        ("not-run", "note"),
    ]  # fmt: skip


def test_without_a_module_a_finding_has_no_place() -> None:
    (result,) = _results(_row("arm64", "error", reason="died"), module=None)
    assert "locations" not in result
