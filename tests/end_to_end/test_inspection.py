"""`emulab inspect` as it is typed."""

from __future__ import annotations

import json
from importlib import resources
from typing import TYPE_CHECKING, Any

import jsonschema
import pytest

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


def test_a_static_program_is_told_to_start_on_its_boards_and_no_others(
    emulab: Callable[..., Any], probe: Callable[[str], Path]
) -> None:
    program = str(probe("arm64"))
    said = emulab("inspect", program, "--board", "raspberry-pi-4,raspberry-pi-5")
    assert said.status == 0, said.stderr
    for word in ("static", "GOARM64=", "no C code", "runtime", "stripping", "as PIE"):
        assert word in said.stdout
    said = emulab("inspect", program, "--board", "raspberry-pi-4,visionfive-2")
    assert said.status == 1
    assert "is built for arm64, and riscv64 can not run it" in said.stdout


def test_the_document_holds_the_program_and_the_verdicts(
    emulab: Callable[..., Any], probe: Callable[[str], Path]
) -> None:
    said = emulab("inspect", str(probe("riscv64")), "--board", "visionfive-2", "--json")
    assert said.status == 0, said.stderr
    schema = json.loads(resources.files("emulab.report").joinpath("emulab-1.schema.json").read_text())
    jsonschema.Draft202012Validator(schema).validate(said.document)
    program = said.document["program"]
    assert program["architecture"] == "riscv64"
    assert program["sizes"]["uses"]["code"] > 100_000
    assert {"runtime"} <= {row["package"] for row in program["sizes"]["packages"]}
    assert {row["libc"] for row in said.document["verdicts"]} == {"glibc", "musl"}
    assert [row["libc"] for row in said.document["verdicts"] if row["decides"]] == ["glibc"]


@pytest.mark.parametrize(
    ("name", "content", "sentence"),
    [
        ("none", None, "there is no file"),
        ("text", b"hello", "is no ELF file"),
        ("script", b"#!/bin/sh\n", "is a script"),
        ("cut", b"\x7fELF\x02\x01\x01" + bytes(20), "damaged or truncated"),
    ],
)
def test_bad_input_is_one_sentence_and_status_2(
    emulab: Callable[..., Any], tmp_path: Path, name: str, content: bytes | None, sentence: str
) -> None:
    path = tmp_path / name
    if content is not None:
        path.write_bytes(content)
    said = emulab("inspect", str(path), "--board", "raspberry-pi-4")
    assert said.status == 2
    assert sentence in said.stderr
    assert str(path) in said.stderr
    assert said.stdout == ""


def test_a_chip_without_linux_is_refused_with_its_reason(
    emulab: Callable[..., Any], probe: Callable[[str], Path]
) -> None:
    said = emulab("inspect", str(probe("arm64")), "--board", "esp32-c3")
    assert said.status == 1
    assert "ESP32-C3" in said.stderr


def test_every_way_to_build_a_program_is_measured(emulab: Callable[..., Any]) -> None:
    said = emulab("inspect", "healthd", "--builds", "--board", "raspberry-pi-5", "--runs", "1", "--json")
    assert said.status == 0, said.stderr
    figures = [each for each in said.document["figures"] if each["name"] == "binary-size"]
    builds = {tuple(sorted(each["evidence"]["build"].items())): each["value"] for each in figures}
    assert len(builds) == 8
    sizes = {tuple(value for _, value in key): size for key, size in builds.items()}  # cgo, pie, stripped
    assert sizes[False, False, True] < sizes[False, False, False] < sizes[False, True, False]
    assert len([each for each in said.document["figures"] if each["name"] == "rss-rest"]) == 8


def test_what_does_not_start_is_a_finding_of_code_scanning(
    emulab: Callable[..., Any], probe: Callable[[str], Path], tmp_path: Path
) -> None:
    (tmp_path / ".git").mkdir()
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "probe").write_bytes(probe("arm64").read_bytes())
    words = ("--board", "raspberry-pi-4,visionfive-2", "-o", "sarif=v.sarif", "-o", "junit=v.xml")
    said = emulab("inspect", "probe", *words, "-o", "json=../v.json", cwd=tmp_path / "out")
    assert said.status == 1
    (result,) = json.loads((tmp_path / "out" / "v.sarif").read_text())["runs"][0]["results"]
    assert result["ruleId"] == "emulab/does-not-start"
    assert result["properties"]["machines"] == ["visionfive-2 riscv64 glibc"]
    assert result["locations"][0]["physicalLocation"]["artifactLocation"]["uri"] == "out/probe"
    assert 'failures="1"' in (tmp_path / "out" / "v.xml").read_text()
    # As JSON it is what --json prints: of root filesystems that do not decide too, and with the program.
    document = json.loads((tmp_path / "v.json").read_text())
    assert document["program"]["architecture"] == "arm64"
    assert len(document["verdicts"]) > 2
