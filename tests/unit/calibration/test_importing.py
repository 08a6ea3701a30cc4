from __future__ import annotations

import math
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from emulab.benchmark_text import BenchmarkLine, write
from emulab.boards import load_catalogue
from emulab.calibration.benchstat_tables import looks_like_benchstat, read_benchstat
from emulab.calibration.files import dumps
from emulab.calibration.go_text import read_go_text
from emulab.calibration.importing import import_file
from emulab.calibration.resolution import of_session
from emulab.calibration.sbc_bench_files import read_sbc_bench
from emulab.errors import UsageError

if TYPE_CHECKING:
    from emulab.calibration.schema import Record

_GOLDEN = Path(__file__).parent / "golden"
_NAMES = [
    "benchstat-old.txt",
    "benchstat-box.txt",
    "benchstat.csv",
    "go-bench.txt",
    "sbc-bench.txt",
    "document.json",
]


@pytest.mark.parametrize("name", _NAMES)
def test_a_file_becomes_the_samples_that_it_has_to(name: str) -> None:
    board = load_catalogue().board("visionfive-2")
    record = import_file(
        _GOLDEN / name,
        board,
        author="Somebody",
        date="2026-01-31",
        go="go1.23,go1.24" if "stat" in name else "go1.24",
    )
    assert dumps(record) == (_GOLDEN / f"{name}.samples").read_text()


@given(
    st.dictionaries(
        st.from_regex(r"[A-Z][a-z]{1,8}(/[a-z0-9]{1,4})?", fullmatch=True),
        st.lists(st.floats(1e-3, 1e12), min_size=1, max_size=4),
        min_size=1,
        max_size=4,
    )
)
def test_go_text_keeps_every_benchmark_and_the_middle_of_its_runs(runs: dict[str, list[float]]) -> None:
    lines = [
        BenchmarkLine(f"Benchmark{name}-4", 10, {"ns/op": value}, {"pkg": "a/b"})
        for name, values in runs.items()
        for value in values
    ]
    samples = {sample.workload: sample for sample in read_go_text(write(lines))}
    assert samples.keys() == {f"a/b.Benchmark{name}" for name in runs}
    for name, values in runs.items():
        sample = samples[f"a/b.Benchmark{name}"]
        assert sample.n == len(values)
        # The text has six digits, or one decimal.
        assert min(values) * (1 - 1e-5) <= sample.value * 1e9 <= max(values) * (1 + 1e-5)


@given(
    st.lists(
        st.tuples(
            st.from_regex(r"[A-Z][a-z]{1,8}", fullmatch=True), st.floats(1e-9, 50), st.floats(1e-9, 50)
        ),
        min_size=1,
        max_size=5,
        unique_by=lambda row: row[0],
    )
)
def test_a_box_of_benchstat_gives_both_columns_back(rows: list[tuple[str, float, float]]) -> None:
    text = "pkg: a/b\n     │ old │ new │\n     │ sec/op │ sec/op vs base │\n"
    for name, old, new in rows:
        text += f"{name}-4 {_scaled(old)} ± 0% {_scaled(new)} ± 1% -3.20% (p=0.000 n=10)\n"
    assert looks_like_benchstat(text)
    samples = read_benchstat(text)
    found = {(sample.workload, sample.settings["column"]): sample for sample in samples}
    for name, old, new in rows:
        for column, value in (("parent", old), ("commit", new)):
            sample = found[f"a/b.Benchmark{name}", column]
            assert math.isclose(sample.value, value, rel_tol=1e-3)
            assert sample.n == 10


def _scaled(seconds: float) -> str:
    for prefix, factor in (("n", 1e-9), ("µ", 1e-6), ("m", 1e-3)):
        if seconds < 999 * factor:
            return f"{seconds / factor:#.4g}{prefix}"
    return f"{seconds:#.4g}"


@given(st.text())
def test_no_text_breaks_an_importer(text: str) -> None:
    read_benchstat(text)
    read_sbc_bench(text)
    read_go_text(text)


def test_the_raw_file_and_the_collection_agree(records: list[Record]) -> None:
    raw = {_key(sample): sample.value for sample in read_sbc_bench((_GOLDEN / "sbc-bench.txt").read_text())}
    run = next(record for record in records if record.session.id == "sbc-bench-4xOY")
    shipped: dict[object, list[float]] = {}
    for sample in run.samples:
        shipped.setdefault(_key(sample), []).append(sample.value)
    common = raw.keys() & shipped.keys()
    assert len(common) >= 15
    for key in common:
        assert any(math.isclose(raw[key], value, rel_tol=1e-3) for value in shipped[key]), key


def _key(sample: object) -> object:
    workload, settings = getattr(sample, "workload", ""), getattr(sample, "settings", {})
    return workload, *(settings.get(name) for name in ("block", "test", "read", "when"))


def test_trailing_zeros_that_were_lost_are_found_again() -> None:
    assert of_session(["1.47e-08", "1.069e-08"]) == pytest.approx([1e-11, 1e-11])


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("nothing here\n", "holds no figures to import"),
        ("{", "is not valid JSON"),
        ('{"schema": "other"}', "field `schema` is 'other'"),
        ('{"schema": "emulab/1", "figures": []}', "no figure of class MEASURED"),
        ('{"schema": "emulab/1", "figures": [{}]}', "figure 0: 'class' is missing or wrong"),
    ],
)
def test_a_file_without_figures_is_refused(tmp_path: Path, text: str, said: str) -> None:
    path = tmp_path / "results.txt"
    path.write_text(text)
    with pytest.raises(UsageError) as caught:
        import_file(path, load_catalogue().board("visionfive-2"))
    assert str(path) in caught.value.message
    assert said in caught.value.message


def test_figures_of_another_board_are_refused() -> None:
    with pytest.raises(UsageError, match="field `board` is 'visionfive-2'"):
        import_file(_GOLDEN / "document.json", load_catalogue().board("raspberry-pi-4"))
