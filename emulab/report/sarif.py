"""Verdicts as SARIF 2.1.0, for code scanning: one run, a result for each finding, wherever it was seen.

A package that fails on six machines is one finding with six machines, not six findings.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator

    from emulab.figures import Document

_SCHEMA = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"
_TOP = "SRCROOT"


@dataclass(frozen=True)
class _Rule:
    """A kind of finding. Ids stay as they are once published: alerts are followed by them."""

    id: str
    name: str
    level: str
    says: str
    help: str


_RULES = {
    rule.id: rule
    for rule in (
        _Rule(
            "emulab/test-failed", "TestFailed", "error", "A test fails on an emulated machine.",
            "It failed there and, when that was in user mode, again on a whole machine with its own kernel.",
        ),
        _Rule(
            "emulab/not-built", "NotBuilt", "error", "A package or its tests do not build for a machine.",
            "Build it as the message says: GOOS, GOARCH and CGO_ENABLED decide which files are compiled.",
        ),
        _Rule(
            "emulab/does-not-start", "DoesNotStart", "error", "A program does not start on a machine.",
            "Its ELF file wants what the machine or its root filesystem does not have.",
        ),
        _Rule(
            "emulab/emulator-fault", "EmulatorFault", "warning", "It failed by the emulator's doing.",
            "The same tests pass on a whole machine. A board has no such fault.",
        ),
        _Rule(
            "emulab/unsupported", "Unsupported", "note", "It can not be shown on this kind of machine.",
            "The message says why, and on which machine it can be.",
        ),
        _Rule(
            "emulab/infrastructure", "Infrastructure", "error", "Something beneath the program failed twice.",
            "`emulab doctor` says what works on the machine that ran it.",
        ),
        _Rule(
            "emulab/not-run", "NotRun", "note", "No test ran, so nothing is known.",
            "Name packages with tests, or see why all of them were skipped.",
        ),
    )
}  # fmt: skip
_OF_VERDICTS = {
    "emulator-fault": "emulab/emulator-fault",
    "unsupported": "emulab/unsupported",
    "error": "emulab/infrastructure",
    "not-run": "emulab/not-run",
}


@dataclass
class _Finding:
    rule: str
    probe: str
    subject: str
    text: str
    place: dict[str, Any] | None
    machines: dict[str, None] = field(default_factory=dict)

    @property
    def fingerprint(self) -> str:
        """Return what tells it from others, also when lines have moved since."""
        # A message of the compiler means one file; a test is one wherever its stack points to.
        file = (self.place or {}).get("file", "") if self.rule == "emulab/not-built" else ""
        parts = [self.rule, self.probe, self.subject, file]
        return hashlib.sha256(json.dumps(parts).encode()).hexdigest()[:32]


def as_sarif(document: Document) -> str:
    """Return the verdicts that are no pass as a SARIF log."""
    findings: dict[str, _Finding] = {}
    for row in document.verdicts:
        for finding in _findings(row, document.environment.get("module")):
            found = findings.setdefault(finding.fingerprint, finding)
            found.machines.setdefault(_machine(row))
    order = list(_RULES)
    driver = {
        "name": "emulab",
        "version": str(document.environment.get("emulab", "")) or "0",
        "rules": [_rule(rule) for rule in _RULES.values()],
    }
    run = {
        "tool": {"driver": driver},
        "automationDetails": {"id": f"emulab/{document.command}/"},
        "columnKind": "unicodeCodePoints",
        "originalUriBaseIds": {_TOP: {"description": {"text": "The top of the checked-out repository."}}},
        "results": [_result(finding, order.index(finding.rule)) for finding in findings.values()],
    }
    return json.dumps({"$schema": _SCHEMA, "version": "2.1.0", "runs": [run]}, indent=2) + "\n"


def _findings(row: dict[str, Any], module: str | None) -> Iterator[_Finding]:
    """Yield what a verdict says: of failing tests each, else one."""
    if row["verdict"] == "pass":
        return
    rule = _rule_of(row)
    places = row.get("locations") or []
    # Where nothing better is known it is the module as a whole.
    whole = {"file": module, "line": 1} if module else None
    reason = row["reason"] or row["verdict"]
    remedy = f" ({row['remedy']})" if row["remedy"] else ""
    if rule == "emulab/test-failed" and row.get("failures"):
        for test in row["failures"]:
            place = next((each for each in places if each["test"] == test), None)
            said = f": {place['message']}" if place and place["message"] else ""
            yield _Finding(rule, row["probe"], test, f"{test} fails{said}", place or whole)
    elif rule == "emulab/not-built" and places:
        for place in places:
            yield _Finding(rule, row["probe"], place["message"], place["message"], place)
    else:
        place = places[0] if places else whole
        yield _Finding(rule, row["probe"], reason, f"{reason}{remedy}", place)


def _rule_of(row: dict[str, Any]) -> str:
    if row["verdict"] in _OF_VERDICTS:
        return _OF_VERDICTS[row["verdict"]]
    if row["probe"] == "starts":
        return "emulab/does-not-start"
    built = row.get("tests") or row.get("failures") or " not build" not in row["reason"]
    return "emulab/test-failed" if built else "emulab/not-built"


def _machine(row: dict[str, Any]) -> str:
    return " ".join(str(row[key]) for key in ("board", "arch", "libc", "mode", "go", "build") if row.get(key))


def _rule(rule: _Rule) -> dict[str, Any]:
    return {
        "id": rule.id,
        "name": rule.name,
        "shortDescription": {"text": rule.says},
        "help": {"text": rule.help},
        "defaultConfiguration": {"level": rule.level},
    }


def _result(finding: _Finding, index: int) -> dict[str, Any]:
    machines = list(finding.machines)
    result: dict[str, Any] = {
        "ruleId": finding.rule,
        "ruleIndex": index,
        "level": _RULES[finding.rule].level,
        "message": {"text": f"{finding.probe}: {finding.text}\nOn {'; '.join(machines)}"},
        "partialFingerprints": {"emulabFinding/v1": finding.fingerprint},
        "properties": {"probe": finding.probe, "machines": machines},
    }
    if finding.place is not None:
        region = {"startLine": finding.place["line"]}
        if finding.place.get("column"):
            region["startColumn"] = finding.place["column"]
        artifact = {"uri": _uri(finding.place["file"]), "uriBaseId": _TOP}
        result["locations"] = [{"physicalLocation": {"artifactLocation": artifact, "region": region}}]
    return result


def _uri(path: str) -> str:
    from urllib.parse import quote

    return quote(path)
