"""What is written of real verdicts is accepted by the readers that it is for."""

from __future__ import annotations

import json
import subprocess
from typing import TYPE_CHECKING, Any

import jsonschema
import pytest
from markdown_it import MarkdownIt

from emulab.progress import Silent
from emulab.report.sarif import as_sarif
from emulab.report.verdicts import as_annotations, as_junit, as_verdict_table
from emulab.testing.request import TestRequest
from emulab.testing.runner import test

if TYPE_CHECKING:
    from collections.abc import Callable

    from emulab.figures import Document

_FILES = {
    "sub dir/go.mod": "module example.com/mixed\n\ngo 1.22\n",
    "sub dir/well/well_test.go": 'package well\n\nimport "testing"\n\nfunc TestWell(t *testing.T) {}\n',
    "sub dir/says/says_test.go": """package says

import "testing"

func TestSays(t *testing.T) {
	t.Run("in|side", func(t *testing.T) {
		t.Errorf("a <b> & \\x01 | *c*")
	})
}

func TestSilent(t *testing.T) {
	t.Fail()
}
""",
    "sub dir/panics/panics.go": "package panics\n\nfunc Broken(p *int) int {\n\treturn *p\n}\n",
    "sub dir/panics/panics_test.go": """package panics

import "testing"

func TestPanics(t *testing.T) { Broken(nil) }
""",
    "sub dir/broken/broken_test.go": """package broken

import "testing"

func TestIt(t *testing.T) {
	undefined()
}
""",
    "sub dir/empty/empty_test.go": 'package empty\n\nimport "testing"\n\nfunc BenchmarkX(b *testing.B) {}\n',
}


@pytest.fixture(scope="module")
def document(tmp_path_factory: pytest.TempPathFactory) -> Document:
    """The verdicts on a module in a directory of a repository, on two machines."""
    top = tmp_path_factory.mktemp("repository")
    subprocess.run(["git", "init", "--quiet", str(top)], check=True)
    for name, text in _FILES.items():
        (top / name).parent.mkdir(parents=True, exist_ok=True)
        (top / name).write_text(text)
    request = TestRequest(
        ("./...",), top / "sub dir", architectures=("arm64", "riscv64"), libcs=("musl",), second_look=False
    )
    return test(request, Silent(), lambda _: None, None).document


def _results(log: dict[str, Any]) -> dict[tuple[str, str], dict[str, Any]]:
    return {
        (each["ruleId"], each["message"]["text"].splitlines()[0]): each for each in log["runs"][0]["results"]
    }


def test_sarif_is_what_its_schema_wants(document: Document, sarif_schema: dict[str, Any]) -> None:
    log = json.loads(as_sarif(document))
    formats = jsonschema.Draft4Validator.FORMAT_CHECKER
    jsonschema.Draft4Validator(sarif_schema, format_checker=formats).validate(log)
    # What a schema can not say: every result names a rule of the run, at its index.
    rules = [rule["id"] for rule in log["runs"][0]["tool"]["driver"]["rules"]]
    assert all(rules[each["ruleIndex"]] == each["ruleId"] for each in log["runs"][0]["results"])


def test_sarif_points_to_the_lines_that_are_wrong(document: Document) -> None:
    places = {}
    for (rule, said), result in _results(json.loads(as_sarif(document))).items():
        (location,) = result["locations"]
        place = location["physicalLocation"]
        at = (place["artifactLocation"]["uri"], place["region"]["startLine"])
        places[rule, said.split(":")[0].rpartition("/")[2], said.split(": ")[1].split(" ")[0]] = at
        assert result["properties"]["machines"] == [
            f"{arch} musl user go{document.environment['go']} pure".replace("go", "")
            for arch in ("arm64", "riscv64")
        ]
    assert places == {
        ("emulab/test-failed", "says", "TestSays/in|side"): ("sub%20dir/says/says_test.go", 7),
        # It said nothing: there is where it begins.
        ("emulab/test-failed", "says", "TestSilent"): ("sub%20dir/says/says_test.go", 11),
        # The innermost line of the module's own in the stack.
        ("emulab/test-failed", "panics", "the"): ("sub%20dir/panics/panics.go", 4),
        ("emulab/not-built", "broken", "undefined"): ("sub%20dir/broken/broken_test.go", 6),
        ("emulab/not-run", "empty", "it"): ("sub%20dir/go.mod", 1),
    }


def test_a_finding_keeps_its_fingerprint_when_lines_move(document: Document) -> None:
    before = json.loads(as_sarif(document))["runs"][0]["results"]
    for row in document.verdicts:
        for place in row["locations"]:
            place["line"] += 100
    after = json.loads(as_sarif(document))["runs"][0]["results"]
    for row in document.verdicts:
        for place in row["locations"]:
            place["line"] -= 100
    prints = [each["partialFingerprints"] for each in before]
    assert prints == [each["partialFingerprints"] for each in after]
    assert len({json.dumps(each) for each in prints}) == len(prints)


def test_junit_is_what_jenkins_takes(document: Document, junit_problems: Callable[[str], list[str]]) -> None:
    text = as_junit(document)
    assert junit_problems(text) == []
    assert junit_problems(text.replace("<testcase ", "<testcase colour='red' ", 1)) != []


def test_the_summary_is_one_table_and_a_paragraph_a_finding(document: Document) -> None:
    tokens = MarkdownIt("commonmark").enable("table").parse(as_verdict_table(document))
    kinds = [token.type for token in tokens]
    assert kinds.count("table_open") == 1
    assert kinds.count("tr_open") == 6
    assert kinds.count("td_open") == 5 * 3
    assert "html_block" not in kinds
    failing = [row for row in document.verdicts if row["verdict"] != "pass"]
    inline = [token for token in tokens if token.type == "inline"]
    assert kinds.count("paragraph_open") == len(failing)
    assert not any(child.type == "html_inline" for token in inline for child in token.children or ())
    html = MarkdownIt("commonmark").enable("table").render(as_verdict_table(document))
    assert "TestSays/in|side" in html


def test_annotations_name_the_file_and_its_line(document: Document) -> None:
    text = as_annotations(document)
    assert "::error file=sub dir/says/says_test.go,line=7,title=fail example.com/mixed/says::" in text
