"""``emulab bench`` as a user types it."""

from __future__ import annotations

import json
import os
import re
import subprocess
from typing import TYPE_CHECKING, Any

import pytest

from emulab.benchmark_text import parse
from emulab.progress import Silent
from emulab.toolchain.go import find_go

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

ARCHITECTURES = ["arm64", "armv7", "riscv64"]
BENCHSTAT = "golang.org/x/perf/cmd/benchstat@v0.0.0-20260908200009-22c9c6c9d4da"
# What a turn of Count's loop is compiled to: addition, increment, comparison with branch.
LOOP = {"arm64": 4, "armv7": 4, "riscv64": 3}


def _counts(said: Any) -> dict[str, dict[str, float]]:
    return {line.name: dict(line.values) for line in parse(said.stdout)}


@pytest.mark.parametrize("arch", ARCHITECTURES)
def test_the_instructions_of_an_operation_are_counted_and_nothing_else(
    emulab: Callable[..., Any], programs: Path, arch: str
) -> None:
    said = emulab("bench", "./measured", "--bench", "Count|SetUp|Loop|Testdata", "--arch", arch, cwd=programs)
    assert said.status == 0, said.stderr
    counts = _counts(said)
    each = counts["BenchmarkCount/1000"]
    twice = counts["BenchmarkCount/2000"]
    assert twice["insn/op"] - each["insn/op"] == pytest.approx(1000 * LOOP[arch], abs=1)
    assert twice["branches/op"] - each["branches/op"] == pytest.approx(1000, abs=1)
    assert each["insn/op"] < 1000 * LOOP[arch] + 40
    assert each["calls/op"] == pytest.approx(1, abs=0.01)
    assert (each["B/op"], each["allocs/op"]) == (0, 0)
    for other in ("BenchmarkSetUp", "BenchmarkLoop"):
        assert counts[other]["insn/op"] == pytest.approx(each["insn/op"], abs=25), other
    assert counts["BenchmarkReadsTestdata"]["insn/op"] < 60


def test_benchmarks_are_told_apart_whatever_their_names(emulab: Callable[..., Any], programs: Path) -> None:
    said = emulab("bench", "./measured", "--bench", "Names", "--arch", "riscv64", cwd=programs)
    counts = _counts(said)
    assert list(counts) == [
        f"BenchmarkNames/{name}" for name in ("a_b", "x=1.5,[y]|z*", "deep/er", "same", "same#01")
    ]
    assert len({round(values["insn/op"]) for values in counts.values()}) == 1


def test_a_benchmark_that_fails_is_named_and_the_others_are_counted(
    emulab: Callable[..., Any], programs: Path
) -> None:
    said = emulab("bench", "./measured", "./panics", "--bench", "Fails|Before|Panics|Towards|/1000",
                  "--arch", "arm64", cwd=programs)  # fmt: skip
    assert said.status == 1
    assert re.search(r"measured\.BenchmarkFails failed: .*it can not be measured", said.stderr)
    assert "panics.BenchmarkPanics failed: panic: no way on" in said.stderr
    assert {"BenchmarkBefore", "BenchmarkTowardsTheEnd"} <= set(_counts(said))


def test_what_is_uncertain_is_told_with_its_cause(emulab: Callable[..., Any], programs: Path) -> None:
    said = emulab("bench", "./measured", "--bench", "Allocates", "--arch", "arm64", "--json", cwd=programs)
    figure = said.figure("instructions")
    assert figure["workload"] == "example.com/programs/measured.BenchmarkAllocates"
    assert (figure["class"], figure["unit"]) == ("COUNTED", "insn/op")
    assert any(cause.startswith("GC: ") for cause in figure["evidence"]["causes"])
    assert said.figure("allocated-bytes")["value"] == 1024


def test_what_is_known_is_not_counted_again(
    emulab: Callable[..., Any], programs: Path, tmp_path: Path
) -> None:
    words = ["bench", "./measured", "--bench", "Count/1000", "--counts-only", "--board", "raspberry-pi-5"]
    first = emulab(*words, cwd=programs)
    # Another board with the same processor costs no machine: a container would be shown.
    again = emulab(*words[:-1], "rock-5b", "--verbose", cwd=programs)
    assert first.status == again.status == 0
    assert "qemu-aarch64" not in again.stderr
    assert _counts(first) == _counts(again)
    fresh = emulab(*words, "--fresh", "--verbose", cwd=programs)
    assert "qemu-aarch64" in fresh.stderr
    assert _counts(fresh)["BenchmarkCount/1000"]["insn/op"] == pytest.approx(
        _counts(first)["BenchmarkCount/1000"]["insn/op"], rel=1e-3
    )


def test_a_package_with_modules_of_its_own_is_counted(emulab: Callable[..., Any], tmp_path: Path) -> None:
    library, own = tmp_path / "library", tmp_path / "own"
    for directory, module in ((library, "example.com/library"), (own, "example.com/own")):
        directory.mkdir()
        (directory / "go.mod").write_text(f"module {module}\n\ngo 1.22\n")
    with (own / "go.mod").open("a") as file:
        file.write("\nrequire example.com/library v0.0.0\n\nreplace example.com/library => ../library\n")
    loop = "\tfor i := range to {\n\t\tall += i\n\t}\n"
    (library / "sum.go").write_text(f"package library\n\nfunc Sum(to int) (all int) {{\n{loop}\treturn\n}}\n")
    (own / "own_test.go").write_text(
        'package own\n\nimport (\n\t"testing"\n\n\t"example.com/library"\n)\n\nvar sink int\n\n'
        "func BenchmarkLibrary(b *testing.B) {\n\tfor i := 0; i < b.N; i++ {\n"
        "\t\tsink = library.Sum(500)\n\t}\n}\n"
    )
    for arch in ARCHITECTURES:
        said = emulab("bench", "--arch", arch, cwd=own)
        assert said.status == 0, said.stderr
        count = _counts(said)["BenchmarkLibrary"]["insn/op"]
        assert 500 * 2 < count < 500 * 6


def test_modelled_caches_tell_misses(emulab: Callable[..., Any], programs: Path) -> None:
    said = emulab("bench", "./measured", "--bench", "Count/1000|Allocates", "--board", "visionfive-2",
                  "--caches", cwd=programs)  # fmt: skip
    assert said.status == 0, said.stderr
    counts = _counts(said)
    assert counts["BenchmarkCount/1000"]["misses/op"] < 0.01
    # The loop's end, and at most a little more.
    assert 0.9 < counts["BenchmarkCount/1000"]["mispredictions/op"] < 2
    assert counts["BenchmarkAllocates"]["l1d-misses/op"] > 1
    assert counts["BenchmarkAllocates"]["misses/op"] > counts["BenchmarkCount/1000"]["misses/op"]


def test_the_standard_library_is_counted_at_the_chosen_go(emulab: Callable[..., Any], tmp_path: Path) -> None:
    # Trial counts on VisionFive 2's processor: about 849,000 with Go 1.23, about 519,000 with Go 1.24.
    for version, expected in (("1.23", 849_000), ("1.24", 519_000)):
        said = emulab("bench", "crypto/sha256", "--bench", "Hash8K$/^New$", "--board", "visionfive-2",
                      "--go", version, cwd=tmp_path)  # fmt: skip
        assert said.status == 0, said.stderr
        assert _counts(said)["BenchmarkHash8K/New"]["insn/op"] == pytest.approx(expected, rel=0.01)


def test_pprof_shows_the_functions_that_executed(emulab: Callable[..., Any], tmp_path: Path) -> None:
    said = emulab("bench", "crypto/sha256", "--bench", "Hash8K$/^New$", "--arch", "riscv64",
                  "-o", "pprof=profile.pb.gz", cwd=tmp_path)  # fmt: skip
    assert said.status == 0, said.stderr
    go = find_go(None, Silent()).command
    top = subprocess.run(
        [go, "tool", "pprof", "-top", tmp_path / "profile.pb.gz"], capture_output=True, text=True, check=True
    ).stdout
    assert "Type: instructions" in top
    first = top.splitlines()[next(i for i, line in enumerate(top.splitlines()) if "flat%" in line) + 1]
    assert "sha256" in first
    assert "block" in first
    assert float(first.split()[1].rstrip("%")) > 95


def test_benchstat_reads_the_text(emulab: Callable[..., Any], programs: Path, tmp_path: Path) -> None:
    for name in ("old", "new"):
        outputs = ["-o", f"bench={tmp_path / name}", "-o", f"json={tmp_path / name}.json"]
        said = emulab("bench", "./measured", "--bench", "Count", "--arch", "riscv64", *outputs, cwd=programs)
        assert said.status == 0
    go = find_go(None, Silent()).command
    done = subprocess.run(
        [go, "run", BENCHSTAT, "old", "new"], cwd=tmp_path, capture_output=True, text=True, check=False,
        env={**os.environ, "GOTOOLCHAIN": "local", "GOFLAGS": ""},
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert re.search(r"Count/1000 +3\.01\dk ± 0% +3\.01\dk ± 0% +0\.00%", done.stdout), done.stdout
    assert "insn/op" in done.stdout
    assert json.loads((tmp_path / "old.json").read_text())["schema"] == "emulab/1"


@pytest.mark.parametrize(
    ("words", "status", "sentence"),
    [
        ("bench --bench Nothing ./measured", 4, "no benchmark of ./measured matches 'Nothing'"),
        ("bench ./nothing", 2, "there is no Go package|no package matches"),
        ("bench no/such/package", 2, "there is no Go package 'no/such/package'"),
        ("bench ./probe", 2, "no package of ./probe has tests"),
        ("bench ./measured --benchtime 1s", 2, "'1s' is no number of iterations\n.*100x"),
        ("bench ./measured --mode system", 2, "counted in user mode only"),
        ("bench ./measured --board esp32-c3", 1, "cannot run a standard Go program"),
        ("bench ./measured -o picture=x.png", 2, "formats are table, json, markdown, bench, pprof"),
        ("bench ./measured --bench ( --arch arm64", 2, r"--bench '\(' is no pattern: error parsing regexp"),
    ],
)
def test_bad_input_is_told_in_a_sentence(
    emulab: Callable[..., Any], programs: Path, words: str, status: int, sentence: str
) -> None:
    said = emulab(*words.split(), cwd=programs)
    assert re.search(sentence, said.stderr), said.stderr
    assert said.status == status
    assert said.stdout == ""
