from __future__ import annotations

import pytest

from emulab.boards import load_catalogue
from emulab.calibration.clocks import Evidence, Kind, SessionClock
from emulab.calibration.fitting.operating_points import by_operating_points
from emulab.calibration.fitting.rows import Row
from emulab.calibration.fitting.solve import CorePrior
from emulab.calibration.schema import Record, Session

CORES = {"cortex-a72": CorePrior("out-of-order", 14.0), "cortex-a76": CorePrior("out-of-order", 13.0)}


def _clock(session: str, kind: Kind, hz: float) -> SessionClock:
    return SessionClock(session, (Evidence(kind, hz, hz, hz, "a reason"),))


def _rows(session: str, core: str, hz: float) -> list[Row]:
    return [
        Row(
            session,
            "board",
            core,
            f"package{place % 3}",
            f"w{place}",
            f"f{place}",
            cycles / hz,
            0.002,
            cycles,
        )
        for place, cycles in enumerate((100.0, 350.0, 2000.0, 40.0, 77.0, 5000.0))
    ]


@pytest.mark.parametrize(("true_hz", "found"), [(600e6, Kind.INSTRUCTIONS), (1500e6, Kind.INSTRUCTIONS)])
def test_a_board_that_stood_at_its_lowest_clock_is_found_out(true_hz: float, found: Kind) -> None:
    clocks = {
        "known": _clock("known", Kind.MEASURED, 2400e6),
        "claimed": _clock("claimed", Kind.CLAIMED, 1500e6),
    }
    records = [Record(Session(name, "a source", board="raspberry-pi-4"), (), "", "") for name in clocks]
    rows = [*_rows("known", "cortex-a76", 2400e6), *_rows("claimed", "cortex-a72", true_hz)]
    best = by_operating_points(clocks, records, rows, CORES, load_catalogue())["claimed"].best
    assert best is not None
    assert (best.kind, best.clock_hz) == (found, true_hz)
    assert "6 figures take 1.00 times their counted cycles" in best.text


def test_a_clock_between_the_two_is_not_guessed() -> None:
    clocks = {
        "known": _clock("known", Kind.MEASURED, 2400e6),
        "claimed": _clock("claimed", Kind.CLAIMED, 1500e6),
    }
    records = [Record(Session(name, "a source", board="raspberry-pi-4"), (), "", "") for name in clocks]
    between = (600e6 * 1500e6) ** 0.5
    rows = [*_rows("known", "cortex-a76", 2400e6), *_rows("claimed", "cortex-a72", between)]
    best = by_operating_points(clocks, records, rows, CORES, load_catalogue())["claimed"].best
    assert best is not None
    assert best.kind is Kind.CLAIMED
