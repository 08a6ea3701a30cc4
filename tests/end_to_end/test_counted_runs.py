"""``emulab run --count`` as a user types it."""

from __future__ import annotations

import subprocess
from typing import TYPE_CHECKING, Any

import pytest

from emulab.progress import Silent
from emulab.toolchain.go import find_go

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


def test_a_service_is_counted_and_its_profile_is_one_that_pprof_reads(
    emulab: Callable[..., Any], tmp_path: Path
) -> None:
    profile = tmp_path / "healthd.pb.gz"
    said = emulab(
        *("run", "healthd", "--board", "visionfive-2", "--count", "--runs", "2", "--requests", "100"),
        *("--json", "-o", f"pprof={profile}"),
    )
    assert said.status == 0, said.stderr
    assert {figure["class"] for figure in said.document["figures"]} == {"COUNTED"}
    assert {figure["mode"] for figure in said.document["figures"]} == {"system"}
    start, kernel = said.figure("instructions-start"), said.figure("kernel-instructions-start")
    assert start["low"] < start["value"] < start["high"]
    assert min(start["value"], kernel["value"]) > 1_000_000
    assert said.figure("instructions-request")["unit"] == "insn/request"
    assert said.figure("system-calls-request")["evidence"]["calls"]["accept4"] >= 1
    assert said.figure("instructions-to-main")["value"] < start["value"]
    assert "system calls until ready" in " ".join(said.document["notes"])
    assert "counting healthd" in said.stderr
    go = find_go(None, Silent()).command
    top = subprocess.run(
        [go, "tool", "pprof", "-top", "-tagfocus=stretch=start", profile],
        capture_output=True, text=True, check=True,
    ).stdout  # fmt: skip
    assert "Type: instructions" in top
    assert "[kernel]" in top
    assert "runtime.schedinit" in top or "runtime." in top


def test_a_program_of_the_root_filesystem_is_counted_and_prints_a_table(emulab: Callable[..., Any]) -> None:
    said = emulab("run", "--count", "--arch", "armv7", "--libc", "musl", "--runs", "1", "--", "/bin/true")
    assert said.status == 0, said.stderr
    assert "instructions" in said.stdout
    assert "kernel instructions" in said.stdout
    assert "exit_group 1" in said.stdout


def test_a_program_of_ones_own_that_fails_is_counted_and_told(
    emulab: Callable[..., Any], module: Callable[[str], Path]
) -> None:
    source = 'package main\n\nimport "os"\n\nfunc main() { println("here"); os.Exit(3) }\n'
    directory = module(source)
    words = ("run", ".", "--count", "--arch", "riscv64", "--libc", "musl", "--deterministic", "--json")
    said = emulab(*words, cwd=directory)
    assert said.status == 1
    assert "ended with status 3" in said.stderr
    assert "here" in said.stderr
    again = emulab(*words, cwd=directory)
    assert [each["value"] for each in again.document["figures"]] == [
        each["value"] for each in said.document["figures"]
    ]


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (("healthd", "--count", "--mode", "user"), "can not be counted in user mode"),
        (("healthd", "--count", "--network"), "can not be counted with a network"),
        (("healthd", "--count", "--requests", "1"), "1 request can not be counted"),
        (("healthd", "--count", "--find-smallest-memory"), "exclude each other"),
        (("healthd", "-o", "pprof=x.pb.gz"), "add --count"),
        (("--count", "-o", "pprof=x.pb.gz", "--", "/bin/true"), "whose functions are not known"),
        (("--count", "--deterministic", "--", "/bin/true"), "can not be run deterministically"),
    ],
)
def test_what_can_not_be_counted_is_refused_in_one_sentence(
    emulab: Callable[..., Any], words: tuple[str, ...], sentence: str, tmp_path: Path
) -> None:
    said = emulab("run", *words, cwd=tmp_path)
    assert said.status == 2
    assert sentence in said.stderr
    assert said.stdout == ""
    assert list(tmp_path.iterdir()) == []
