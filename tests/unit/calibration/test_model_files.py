from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from emulab.calibration.latencies import Latencies
from emulab.calibration.models import (
    SCHEMA,
    Evidence,
    Factor,
    Intervals,
    LatencyFile,
    Model,
    read_latencies,
    read_model,
    write,
)
from emulab.errors import UsageError

if TYPE_CHECKING:
    from pathlib import Path

MODEL = Model(
    SCHEMA, "sifive-u74", "in-order", Factor(1.02, 0.01), Factor(0.9, 0.2), Factor(1.1, 0.3),
    Intervals((0.5, 1.0, 2.0, 3.0), (0.02, 0.05, 0.1, 0.2)),
    Evidence(247, ("math/big",), ("a",), ("visionfive-2",), (), {"b": "off"}), {"samples": "0123"},
)  # fmt: skip
LATENCIES = LatencyFile(SCHEMA, {"visionfive-2/sifive-u74": Latencies(17.0, None, 1.5e-7, 3e-8, ("x",))})


def test_what_is_written_is_read_and_is_the_same_twice(tmp_path: Path) -> None:
    write([MODEL], LATENCIES, tmp_path / "one")
    write([MODEL], LATENCIES, tmp_path / "two")
    assert read_model("sifive-u74", tmp_path / "one") == MODEL
    assert read_latencies(tmp_path / "one") == LATENCIES
    for name in ("sifive-u74.json", "latencies.json"):
        assert (tmp_path / "one" / name).read_bytes() == (tmp_path / "two" / name).read_bytes()


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ('"pipeline"', '"pipelines"', "unknown field `pipelines`"),
        ('"samples": 247', '"samples": "many"', r"Expected `int`, got `str` - at `\$.evidence.samples`"),
        ("emulab-model/2", "emulab-model/9", "field `schema` is 'emulab-model/9'"),
        ("{", "", "is no model"),
    ],
)
def test_a_file_that_is_no_model_is_named_with_the_field(
    tmp_path: Path, old: str, new: str, said: str
) -> None:
    write([MODEL], LATENCIES, tmp_path)
    path = tmp_path / "sifive-u74.json"
    path.write_text(path.read_text().replace(old, new, 1))
    with pytest.raises(UsageError, match=said) as caught:
        read_model("sifive-u74", tmp_path)
    assert "sifive-u74.json" in caught.value.message


def test_a_core_without_a_model_is_told(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="can not be read"):
        read_model("no-such-core", tmp_path)
