"""Verdicts as others read them: JUnit XML, a Markdown summary, GitHub's annotations."""

from __future__ import annotations

import xml.etree.ElementTree as ET
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from emulab.figures import Document

# JUnit knows a failure of what is tested, an error of what is beneath, and what was skipped; the rest passed.
_JUNIT = {
    "fail": "failure",
    "error": "error",
    "not-run": "skipped",
    "unsupported": "skipped",
    "emulator-fault": "skipped",
}
_LEVELS = {"fail": "error", "error": "error", "emulator-fault": "warning", "unsupported": "notice"}
_CONTROLS = {code: None for code in range(32) if code not in (9, 10, 13)}


def as_junit(document: Document) -> str:
    """Return the verdicts as JUnit XML: a suite a machine, a case a package."""
    root = ET.Element("testsuites", name=f"emulab {document.command}")
    suites: dict[str, list[dict[str, Any]]] = {}
    for row in document.verdicts:
        suites.setdefault(_place(row), []).append(row)
    for name, rows in suites.items():
        kinds = [_JUNIT.get(row["verdict"], "") for row in rows]
        suite = ET.SubElement(
            root, "testsuite", name=name, tests=str(len(rows)), failures=str(kinds.count("failure")),
            errors=str(kinds.count("error")), skipped=str(kinds.count("skipped")),
            time=f"{sum(row.get('seconds', 0) for row in rows):.3f}",
        )  # fmt: skip
        for row, kind in zip(rows, kinds, strict=True):
            seconds = f"{row.get('seconds', 0):.3f}"
            case = ET.SubElement(suite, "testcase", classname=name, name=row["probe"], time=seconds)
            if kind:
                said = "\n".join([*row.get("evidence", []), row["remedy"]]).strip()
                message = _clean(f"{row['verdict']}: {row['reason']}")
                ET.SubElement(case, kind, message=message).text = _clean(said)
    ET.indent(root)
    return ET.tostring(root, encoding="unicode", xml_declaration=True) + "\n"


def as_verdict_table(document: Document) -> str:
    """Return the verdicts as Markdown: a row a package, a column a machine; then what did not pass."""
    places = list(dict.fromkeys(_place(row) for row in document.verdicts))
    packages = list(dict.fromkeys(row["probe"] for row in document.verdicts))
    cells = {(row["probe"], _place(row)): row["verdict"] for row in document.verdicts}
    lines = ["| package | " + " | ".join(places) + " |", "| --- |" + " --- |" * len(places)]
    lines += [
        f"| {package} | " + " | ".join(cells.get((package, place), "") for place in places) + " |"
        for package in packages
    ]
    for row in _news(document):
        if row["verdict"] != "pass":
            remedy = f" ({row['remedy']})" if row["remedy"] else ""
            lines.append(f"\n**{row['verdict']}** {row['probe']} on {_place(row)}: {row['reason']}{remedy}")
    return "\n".join(lines) + "\n"


def as_annotations(document: Document) -> str:
    """Return a GitHub workflow command for each verdict that somebody should see."""
    return "".join(
        f"::{level} title={_escaped(row['verdict'] + ' ' + row['probe'], inside=True)}"
        f"::{_escaped(_place(row) + ': ' + row['reason'])}\n"
        for row in _news(document)
        if (level := _LEVELS.get(row["verdict"])) is not None
    )


def _news(document: Document) -> list[dict[str, Any]]:
    """Return the verdicts without those of probes that are as they are known to be, unless they failed."""
    return [row for row in document.verdicts if not row.get("known") or row["verdict"] == "fail"]


def _place(row: dict[str, Any]) -> str:
    parts = (row["board"], row["arch"], row["libc"], row["mode"])
    return " ".join(part for part in parts if part)


def _clean(text: str) -> str:
    """Return a text without the characters that XML can not hold."""
    return text.translate(_CONTROLS)


def _escaped(text: str, *, inside: bool = False) -> str:
    """Escape a text as GitHub's workflow commands want it; ``inside`` a property's value."""
    text = text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")
    return text.replace(":", "%3A").replace(",", "%2C") if inside else text
