from __future__ import annotations

from pathlib import Path

import pytest

from emulab.errors import UsageError
from emulab.figures import Figure, FigureClass
from emulab.progress import Silent
from emulab.report.inspection import variants_text
from emulab.workloads.request import BuildOptions, Program, ProgramKind, RunRequest
from emulab.workloads.variants import Measured, Variant, measure_variants, variants

PACKAGE = Program(ProgramKind.PACKAGE, "thing", "./thing", Path())


def test_every_combination_comes_once() -> None:
    found = list(variants())
    assert len(set(found)) == len(found) == 8
    assert found[0].title == "no cgo"
    assert {each.title for each in found} >= {"cgo, -s -w, PIE", "no cgo, PIE"}


def test_a_variant_sets_what_it_is_about_and_keeps_the_other_linker_flags() -> None:
    request = RunRequest(PACKAGE, build=BuildOptions(ldflags="-s -X main.version=1", go="1.24"))
    stripped = Variant(cgo=True, stripped=True, pie=True).request(request).build
    assert (stripped.cgo, stripped.buildmode, stripped.go) == (True, "pie", "1.24")
    assert stripped.ldflags == "-s -w -X main.version=1"
    whole = Variant(cgo=False, stripped=False, pie=False).request(request).build
    assert (whole.cgo, whole.buildmode, whole.ldflags) == (False, "exe", "-X main.version=1")


def test_what_is_built_already_is_refused() -> None:
    request = RunRequest(Program(ProgramKind.BINARY, "thing", "./thing", Path()))
    with pytest.raises(UsageError, match="built already"):
        measure_variants(request, Silent())


def test_the_table_shows_what_was_seen_how_much_larger_a_build_is_and_what_failed() -> None:
    def size(value: float) -> Figure:
        return Figure("binary-size", value, "B", FigureClass.COUNTED, "thing", "arm64", "user")

    plain, small = Variant(False, False, False), Variant(False, True, False)
    text = variants_text([
        Measured(plain, "board musl", (size(3 << 20),)),
        Measured(small, "board musl", (size(2 << 20),)),
        Measured(Variant(False, False, True), "board musl", failure="no such mode"),
    ])  # fmt: skip
    rows = text.splitlines()
    assert "3.00 MiB, +50.0%" in rows[2]
    assert "2.00 MiB" in rows[3]
    assert "%" not in rows[3]
    assert "no such mode" in rows[4]
    assert "start-up" not in rows[0]
