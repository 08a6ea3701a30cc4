"""`emulab run` as it is typed: what runs, what reaches it, and where the results go."""

from __future__ import annotations

import json
from importlib import resources
from typing import TYPE_CHECKING, Any

import jsonschema
import pytest

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

FAILED = 1
WORDS = ["", "two words", "--flag", "-x", "--", "-", "'quoted'", '"', "*", "$HOME", "ünïcödé"]
SERVICE = """package main

import (
	"fmt"
	"net/http"
	"os"
)

func main() {
	http.HandleFunc("/health", func(w http.ResponseWriter, _ *http.Request) { fmt.Fprintln(w, "well") })
	fmt.Fprintln(os.Stderr, http.ListenAndServe(":"+os.Args[1], nil))
	os.Exit(1)
}
"""


def valid(document: dict[str, Any]) -> dict[str, Any]:
    """Check a result document against the schema that the package ships."""
    schema = json.loads(resources.files("emulab.report").joinpath("emulab-1.schema.json").read_text())
    jsonschema.Draft202012Validator.check_schema(schema)
    jsonschema.Draft202012Validator(schema).validate(document)
    return document


def test_a_program_of_the_root_filesystem_runs_without_any_option(emulab: Callable[..., Any]) -> None:
    said = emulab("run", "--", "/bin/uname", "-a")
    assert said.status == 0, said.stderr
    assert said.stdout.startswith("Linux ")
    assert "aarch64" in said.stdout


@pytest.mark.parametrize("mode", ["user", "system"])
def test_words_after_the_dashes_reach_the_program_unchanged(
    emulab: Callable[..., Any], programs: Path, mode: str
) -> None:
    said = emulab("run", "./probe", "--arch", "riscv64", "--libc", "musl", "--mode", mode, "-q",
                  "--", "arguments", *WORDS, cwd=programs)  # fmt: skip
    assert said.status == 0, said.stderr
    # Go's %q is JSON's string here.
    assert [json.loads(line) for line in said.stdout.splitlines()] == WORDS


def test_a_board_of_larger_pages_has_them_in_system_mode(emulab: Callable[..., Any]) -> None:
    said = emulab("run", "--board", "raspberry-pi-5", "--mode", "system", "--json",
                  "--", "/usr/bin/getconf", "PAGESIZE")  # fmt: skip
    assert said.status == 0, said.stderr
    assert "\n16384\n" in said.stderr
    assert [machine["page_size"] for machine in said.document["environment"]["machines"]] == [16384]


def test_a_programs_own_exit_status_is_told_and_not_passed_on(
    emulab: Callable[..., Any], programs: Path
) -> None:
    said = emulab("run", "./probe", "--", "exit", "42", cwd=programs)
    assert said.status == FAILED
    assert "/work/probe ended with status 42 on arm64" in said.stderr


def test_a_service_of_ones_own_is_measured_from_its_directory(
    emulab: Callable[..., Any], module: Callable[[str], Path], tmp_path: Path
) -> None:
    directory = module(SERVICE)
    markdown = tmp_path / "figures.md"
    said = emulab(
        "run", ".", "--board", "lichee-rv", "--ready", "http://:9191/health", "--requests", "100",
        "--runs", "2", "--json", "-o", f"markdown={markdown}", "--", "9191", cwd=directory,
    )  # fmt: skip
    assert said.status == 0, said.stderr
    valid(said.document)
    names = {figure["name"] for figure in said.document["figures"]}
    assert {"startup", "rss-rest", "pss-load", "throughput", "latency-p99", "binary-size"} <= names
    startup = said.figure("startup")
    assert (startup["board"], startup["arch"], startup["workload"]) == ("lichee-rv", "riscv64", "module")
    assert startup["low"] <= startup["value"] <= startup["high"]
    assert (startup["n"], startup["coverage"]) == (2, 0.9)
    lines = markdown.read_text().splitlines()
    assert lines[0].startswith("| figure | class | lichee-rv<br>riscv64 ")
    assert any(line.startswith("| start-up | EMULATED | ") for line in lines)


def test_a_ready_binary_runs_and_its_figures_go_where_they_are_asked_for(
    emulab: Callable[..., Any], probe: Callable[[str], Path], tmp_path: Path
) -> None:
    said = emulab("run", str(probe("armv7")), "--arch", "armv7", "--mode", "system", "--libc", "musl",
                  "-o", "json=-", "-o", f"table={tmp_path / 'table'}", "-q", "--", "exit", "0")  # fmt: skip
    assert said.status == 0, said.stderr
    figures = {figure["name"]: figure for figure in valid(said.document)["figures"]}
    assert set(figures) == {"run-time", "peak-rss", "binary-size"}
    assert figures["binary-size"]["value"] == probe("armv7").stat().st_size
    assert "peak RSS" in (tmp_path / "table").read_text()


def test_with_json_the_programs_output_stays_out_of_the_document(
    emulab: Callable[..., Any], programs: Path
) -> None:
    said = emulab("run", "./probe", "--json", "--", "arguments", "for people", cwd=programs)
    assert valid(said.document)["command"] == "run"
    assert '"for people"' in said.stderr


def test_what_it_reads_comes_from_this_commands_input(emulab: Callable[..., Any]) -> None:
    said = emulab("run", "--stdin", "-q", "--", "/bin/cat", stdin="from here\n")
    assert said.stdout == "from here\n"
    assert emulab("run", "-q", "--", "/bin/cat", stdin="not asked for\n").stdout == ""
