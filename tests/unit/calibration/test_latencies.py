from __future__ import annotations

import pytest

from emulab.boards import load_catalogue
from emulab.calibration.files import load
from emulab.calibration.fitting.boards_apart import boards_apart
from emulab.calibration.latencies import cache_sizes, latencies_of
from emulab.calibration.schema import Record, Sample, Session

KIB = 1024
SHAPE = {1: 32 * KIB, 2: 512 * KIB}


def _record(samples: list[Sample], device: str = "a board") -> Record:
    return Record(Session(f"session-{device}", "a source", device=device), tuple(samples), "", "")


def _chain(times: dict[int, float]) -> list[Sample]:
    return [
        Sample("ramlat", "latency", time, "s", core="core", settings={"block": str(block), "test": "1xPTR"})
        for block, time in times.items()
    ]


CLOCK = Sample("clock.measured", "clock", 1e9, "Hz", core="core")
COPY = Sample("tinymembench.copy", "bandwidth", 2e9, "B/s", core="core", settings={"test": "C copy"})
TIMES = {16 * KIB: 3e-9, 64 * KIB: 15e-9, 128 * KIB: 15e-9, 4096 * KIB: 103e-9, 8192 * KIB: 103e-9}


def test_latencies_are_what_comes_on_top_of_a_hit() -> None:
    found = latencies_of([_record([*_chain(TIMES), CLOCK, COPY])], "core", SHAPE)
    assert found is not None
    assert found.l2_cycles == pytest.approx(12.0)  # (15 - 3) ns at 1 GHz
    assert found.memory_s == pytest.approx(100e-9)
    assert found.line_s == pytest.approx(64 / 4e9)  # each copied byte is read and written
    assert found.l3_s is None
    assert found.source == ("session-a board",)


@pytest.mark.parametrize("missing", ["ramlat", "clock.measured", "tinymembench.copy"])
def test_what_was_not_measured_is_not_made_up(missing: str) -> None:
    samples = [one for one in (*_chain(TIMES), CLOCK, COPY) if one.workload != missing]
    assert latencies_of([_record(samples)], "core", SHAPE) is None


def test_the_boards_own_figures_make_sense() -> None:
    records = load()
    board = load_catalogue().board("visionfive-2")
    own = [record for record in records if record.session.board == "visionfive-2"]
    found = latencies_of(own, "sifive-u74", cache_sizes(board, "sifive-u74"))
    assert found is not None
    # The runs print 11.5 ns for a load from the second level and 1.7 ns from the first, at 1.5 GHz.
    assert 13 < found.l2_cycles < 20
    assert 100e-9 < found.memory_s < 250e-9


def _decompression(device: str, rate: float) -> Record:
    rating = Sample(
        "7-zip.single-thread.decompress", "rating", rate, "1/s", core="core", settings={"threads": "1"}
    )
    return _record([CLOCK, rating], device)


def test_how_far_boards_are_apart_is_of_pairs_with_one_core() -> None:
    records = [_decompression("one", 1.0e9), _decompression("two", 1.1e9), _decompression("three", 1.1e9)]
    low, high = boards_apart(records, (0.3, 0.9))
    assert low == 0.0
    assert high == pytest.approx(0.0953, abs=1e-3)  # ln 1.1
    assert boards_apart(records[:1], (0.5,)) == [0.0]
