from __future__ import annotations

import importlib.util
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

_ROOT = Path(__file__).resolve().parents[3]


def _fill_block() -> Any:
    spec = importlib.util.spec_from_file_location("fill_block", _ROOT / "scripts" / "fill_block.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_block_is_replaced_and_the_rest_stays() -> None:
    document = "before\n<!-- table:begin -->\nold \\1\n<!-- table:end -->\nafter\n"
    filled = _fill_block().filled(document, "table", "| new \\1 |\n")
    assert filled == "before\n<!-- table:begin -->\n| new \\1 |\n<!-- table:end -->\nafter\n"
    assert _fill_block().filled(filled, "table", "| new \\1 |") == filled


@pytest.mark.parametrize("document", ["none", "<!-- t:begin --><!-- t:end --><!-- t:begin --><!-- t:end -->"])
def test_document_without_exactly_one_block_is_refused(document: str) -> None:
    with pytest.raises(ValueError, match="instead of one"):
        _fill_block().filled(document, "t", "text")


def test_readme_has_the_block_that_make_docs_fills() -> None:
    assert _fill_block().filled((_ROOT / "README.md").read_text(), "table", "x")


def test_readme_shows_only_verbs_and_targets_that_there_are() -> None:
    readme = (_ROOT / "README.md").read_text()
    text = "\n".join(re.findall(r"```sh\n(.*?)```", readme, re.DOTALL))
    verbs = set(re.findall(r"^(?:\.venv/bin/)?emulab ([a-z]+)", text, re.MULTILINE))
    known = subprocess.run(
        [sys.executable, "-m", "emulab", "--help"], capture_output=True, text=True, check=True
    ).stdout
    assert verbs
    assert {verb for verb in verbs if not re.search(rf"^  {verb} ", known, re.MULTILINE)} == set()
    targets = set(re.findall(r"^make ([a-z]+)", text, re.MULTILINE))
    makefile = (_ROOT / "Makefile").read_text()
    assert targets
    assert {target for target in targets if f"\n{target}:" not in makefile} == set()


@pytest.mark.parametrize("name", ["README.md", "CONTRIBUTING.md"])
def test_links_lead_to_files_that_there_are(name: str) -> None:
    links = re.findall(r"\]\((?!http)([^)#]+)\)", (_ROOT / name).read_text())
    assert links
    assert [link for link in links if not (_ROOT / link).exists()] == []
