"""Go's benchmark text, read and written."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from emulab.benchmark_text import BenchmarkLine, exact_units, parse, write

_TEXT = """\
goos: linux
goarch: riscv64
pkg: crypto/sha256
cpu: a board: of theirs
BenchmarkHash8Bytes/New-4	 1000000	 1234 ns/op	   6.48 MB/s	 0 B/op	 0 allocs/op
PASS
ok  	crypto/sha256	1.2s
pkg: sort
BenchmarkSortInt1K \t     200\t     5.5e+04 ns/op
"""


def test_results_carry_the_configuration_that_holds_for_them() -> None:
    first, second = parse(_TEXT)
    assert first.name == "BenchmarkHash8Bytes/New-4"
    assert first.iterations == 1_000_000
    assert first.values == {"ns/op": 1234, "MB/s": 6.48, "B/op": 0, "allocs/op": 0}
    assert first.configuration["cpu"] == "a board: of theirs"
    assert first.configuration["pkg"] == "crypto/sha256"
    assert second.configuration["pkg"] == "sort"
    assert second.values == {"ns/op": 55_000}


def test_what_a_benchmark_prints_itself_does_not_hide_its_measures() -> None:
    [line] = parse("BenchmarkLoud \thello\nsome: thing\nworld      1\t  77 ns/op\n")
    assert (line.name, line.iterations, line.values) == ("BenchmarkLoud", 1, {"ns/op": 77})


def test_a_name_without_measures_is_no_result() -> None:
    assert parse("BenchmarkFailed\n--- FAIL: BenchmarkFailed\nBenchmarked is a word 1 2 ns/op\n") == []


def test_a_changed_configuration_is_said_before_the_line_that_it_holds_for() -> None:
    lines = [
        BenchmarkLine("BenchmarkA", 1, {"insn/op": 1.0}, {"pkg": "a", "board": "x"}),
        BenchmarkLine("BenchmarkB", 1, {"insn/op": 2.0}, {"pkg": "b"}),
    ]
    text = write(lines, exact=["insn/op"])
    assert text.splitlines()[:3] == ["Unit insn/op assume=exact better=lower", "pkg: a", "board: x"]
    again = parse(text)
    assert [line.configuration["pkg"] for line in again] == ["a", "b"]
    assert again[1].configuration["board"] == ""


def test_units_without_noise_are_told() -> None:
    text = write([BenchmarkLine("BenchmarkA", 1, {"insn/op": 1.0, "ns/op": 2.0})], exact=["insn/op"])
    assert exact_units(text) == ["insn/op"]


_NAMES = st.from_regex(r"Benchmark[A-Z][A-Za-z0-9]{0,8}(/[!-~]{1,12}){0,2}", fullmatch=True)
_UNITS = st.sampled_from(["insn/op", "B/op", "allocs/op", "predicted-ns/op"])
_VALUES = st.one_of(
    st.integers(0, 10**14).map(float), st.floats(1e-6, 1e12, allow_nan=False, allow_infinity=False)
)


@given(_NAMES, st.integers(1, 10**9), st.dictionaries(_UNITS, _VALUES, min_size=1))
def test_what_is_written_is_read_back(name: str, iterations: int, values: dict[str, float]) -> None:
    [line] = parse(write([BenchmarkLine(name, iterations, values, {"pkg": "p"})]))
    assert (line.name, line.iterations, line.configuration) == (name, iterations, {"pkg": "p"})
    assert list(line.values) == list(values)
    assert all(abs(line.values[unit] - value) <= 1e-5 * value for unit, value in values.items())
