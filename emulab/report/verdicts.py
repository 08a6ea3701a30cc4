"""Verdicts as others read them: JUnit XML, a Markdown summary, GitHub's annotations."""

from __future__ import annotations

import re
import xml.etree.ElementTree as ET
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

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
_MARKDOWN = re.compile(r"[\\`*_|~\[\]]")
_CONTROLS = {code: None for code in range(32) if code not in (9, 10, 13)}


def as_junit(document: Document) -> str:
    """Return the verdicts as JUnit XML: a suite a machine, a case a package."""
    root = ET.Element("testsuites", name=f"emulab {document.command}")
    suites: dict[str, list[dict[str, Any]]] = {}
    built = _build_of(document)
    for row in document.verdicts:
        suites.setdefault(" ".join(filter(None, (_place(row), built(row)))), []).append(row)
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
                said = "\n".join([*row.get("evidence", []), row["remedy"] or ""]).strip()
                message = _clean(f"{row['verdict']}: {row['reason']}")
                ET.SubElement(case, kind, message=message).text = _clean(said)
    ET.indent(root)
    return ET.tostring(root, encoding="unicode", xml_declaration=True) + "\n"


def as_verdict_table(document: Document) -> str:
    """Return the verdicts as Markdown: a row a package, a column a machine; then what did not pass."""
    built = _build_of(document)
    places = list(dict.fromkeys(_place(row) for row in document.verdicts))
    kinds = list(dict.fromkeys((row["probe"], built(row)) for row in document.verdicts))
    cells = {(row["probe"], built(row), _place(row)): row["verdict"] for row in document.verdicts}
    lines = ["| package | " + " | ".join(places) + " |", "| --- |" + " --- |" * len(places)]
    for package, build in kinds:
        line = [_plain(f"{package} {build}".strip()), *(cells.get((package, build, at), "") for at in places)]
        lines.append("| " + " | ".join(line) + " |")
    for row in _news(document):
        if row["verdict"] != "pass":
            where = " ".join(filter(None, (_place(row), built(row))))
            remedy = f" ({row['remedy']})" if row["remedy"] else ""
            said = _plain(f"{row['probe']} on {where}: {row['reason']}{remedy}")
            lines.append(f"\n**{row['verdict']}** {said}")
    lines += [f"\n{_plain(note)}" for note in document.notes]
    return "\n".join(lines) + "\n"


def as_annotations(document: Document) -> str:
    """Return a GitHub workflow command for each verdict that somebody should see, at its place in a file."""
    built = _build_of(document)
    lines = []
    for row in _news(document):
        if (level := _LEVELS.get(row["verdict"])) is None:
            continue
        properties = {"title": f"{row['verdict']} {row['probe']}"}
        if places := row.get("locations"):
            properties = {"file": places[0]["file"], "line": str(places[0]["line"])} | properties
        named = ",".join(f"{name}={_escaped(value, inside=True)}" for name, value in properties.items())
        where = " ".join(filter(None, (_place(row), built(row))))
        said = _escaped(f"{where}: {row['reason']}")
        lines.append(f"::{level} {named}::{said}\n")
    return "".join(lines)


def _build_of(document: Document) -> Callable[[dict[str, Any]], str]:
    """Return what names how a verdict's program was built; "" where all were built the same way."""

    def name(row: dict[str, Any]) -> str:
        return " ".join(
            f"{prefix}{row[key]}" for key, prefix in (("go", "go"), ("build", "")) if row.get(key)
        )

    return name if len({name(row) for row in document.verdicts}) > 1 else lambda row: ""


def _news(document: Document) -> list[dict[str, Any]]:
    """Return the verdicts without those of probes that are as they are known to be, unless they failed."""
    return [row for row in document.verdicts if not row.get("known") or row["verdict"] == "fail"]


def _place(row: dict[str, Any]) -> str:
    return " ".join(str(row[key]) for key in ("board", "arch", "libc", "mode") if row[key])


def _plain(text: str) -> str:
    """Return a text in one line of Markdown that means nothing but itself."""
    return _MARKDOWN.sub(r"\\\g<0>", " ".join(text.split())).replace("<", "&lt;")


def _clean(text: str) -> str:
    """Return a text without the characters that XML can not hold."""
    return text.translate(_CONTROLS)


def _escaped(text: str, *, inside: bool = False) -> str:
    """Escape a text as GitHub's workflow commands want it; ``inside`` a property's value."""
    text = text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")
    return text.replace(":", "%3A").replace(",", "%2C") if inside else text
