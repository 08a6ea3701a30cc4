from __future__ import annotations

import math
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from emulab.calibration.files import load, read, samples_directory, write
from emulab.calibration.schema import UNITS, Flag, Record, Sample, Session
from emulab.errors import UsageError

if TYPE_CHECKING:
    from pathlib import Path

_TEXT = st.text(
    st.characters(codec="utf-8", exclude_categories=("C", "Z"), exclude_characters=";="), min_size=1
)
_SHARE = st.floats(0, 1e3, allow_nan=False)
_SAMPLES = st.builds(
    Sample,
    workload=_TEXT,
    figure=_TEXT,
    value=st.floats(0, 1e15, allow_nan=False),
    unit=st.sampled_from(sorted(UNITS)),
    core=_TEXT,
    n=st.integers(1, 1000),
    spread=st.none() | _SHARE,
    settings=st.dictionaries(_TEXT, _TEXT, max_size=3),
    flags=st.just((Flag.NOISE,)),
    reasons=st.tuples(_TEXT),
)
_SESSIONS = st.builds(
    Session,
    id=_TEXT,
    source=st.text(st.characters(codec="utf-8", exclude_characters="\r")),
    claimed_clock_hz=st.none() | st.floats(1e6, 1e10),
    conditions=st.lists(_TEXT, max_size=3).map(tuple),
)


@given(session=_SESSIONS, samples=st.lists(_SAMPLES, max_size=4))
def test_what_is_written_is_read_again(
    tmp_path_factory: pytest.TempPathFactory, session: Session, samples: list[Sample]
) -> None:
    record = Record(session, tuple(samples), "free", "a test")
    for name in ("a.csv", "a.csv.gz"):
        path = tmp_path_factory.getbasetemp() / name
        write(record, path)
        assert read(path) == record


def test_writing_is_reproducible_byte_for_byte(tmp_path: Path, records: list[Record]) -> None:
    for path in sorted(samples_directory().rglob("*.csv*"))[::40]:
        again = tmp_path / path.name
        write(read(path), again)
        assert again.read_bytes() == path.read_bytes(), path


_HEAD = (
    '+++\nschema = "emulab-samples/1"\nlicence = ""\nprovenance = ""\n'
    '[session]\nid = "x"\nsource = "y"\n+++\n'
)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("no head at all\n", "is no file of samples"),
        (_HEAD.replace("source", "sauce"), "sauce"),
        (_HEAD.replace("samples/1", "samples/9"), "emulab-samples/9"),
        (_HEAD + "workload,figure,value\n", "no column 'unit'"),
        (_HEAD + "workload,figure,value,unit,colour\n", "unknown column 'colour'"),
        (_HEAD + "workload,figure,value,unit\na,time,1,s\nb,time,fast,s\n", "line 11: could not convert"),
        (_HEAD + "workload,figure,value,unit\na,time,-1,s\n", "line 10: `value` is -1.0"),
        (_HEAD + "workload,figure,value,unit\na,time,nan,s\n", "line 10: `value` is nan"),
        (_HEAD + "workload,figure,value,unit\na,time,1,ns\n", "line 10: `unit` is 'ns'"),
        (_HEAD + "workload,figure,value,unit\na,time,1\n", "line 10: not as many fields"),
        (
            _HEAD + "workload,figure,value,unit,flags,reasons\na,time,1,s,odd,why\n",
            "line 10: Invalid enum value",
        ),
        (
            _HEAD + "workload,figure,value,unit,settings\na,time,1,s,GOARM\n",
            "line 10: `settings` has 'GOARM'",
        ),
    ],
)
def test_a_wrong_file_is_refused_with_its_name_and_place(tmp_path: Path, text: str, said: str) -> None:
    path = tmp_path / "wrong.csv"
    path.write_text(text)
    with pytest.raises(UsageError) as caught:
        read(path)
    assert str(path) in caught.value.message
    assert said in caught.value.message


def test_two_files_of_one_session_are_refused(tmp_path: Path) -> None:
    for name in ("a.csv", "b.csv"):
        (tmp_path / name).write_text(_HEAD + "workload,figure,value,unit\n")
    with pytest.raises(UsageError, match="session 'x' is already in"):
        load([tmp_path])


def test_every_row_of_the_collection_of_go_figures_is_there(records: list[Record]) -> None:
    go = [record for record in records if not record.session.id.startswith("sbc-bench-")]
    assert sum(len(record.samples) for record in go) == 7321
    assert all(math.isfinite(sample.value) for record in go for sample in record.samples)


def test_every_run_of_sbc_bench_is_there(records: list[Record]) -> None:
    runs = [record for record in records if record.session.id.startswith("sbc-bench-")]
    assert len(runs) == 321
    assert all(record.session.source.startswith("ThomasKaiser/sbc-bench@") for record in runs)
