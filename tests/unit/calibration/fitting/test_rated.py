"""Figures of programs that boards are rated by: joined with clocks, and predicted without their board."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest

from emulab.boards import load_catalogue
from emulab.calibration.fitting.joining import Parts
from emulab.calibration.fitting.rated import (
    Figure,
    board_of,
    figures_of,
    judged_figures,
    processors,
)
from emulab.calibration.rated_programs import PROGRAMS, Rated, RatedOperations
from emulab.calibration.schema import Record, Sample, Session
from emulab.profiling.file_format import BLOCK
from emulab.profiling.operation import Operation
from emulab.profiling.operation_file import OperationFile, write

OPENSSL = next(one for one in PROGRAMS if one.place == "openssl-3.0-arm64-aes.ops")
# arm64: eor x0, x0, x1; b.ne to it
LOOP = bytes.fromhex("000001ca e1ffff54")


def _figure(board: str, core: str, factor: float, *, memory_s: float = 0.0) -> Figure:
    cycles, clock = 30_000.0, 2.0e9
    seconds = factor * cycles / clock + memory_s
    return Figure(
        session=f"session-{board}",
        device=board,
        board=board,
        soc=f"soc-{board[0]}",
        core=core,
        rated=Rated(OPENSSL, "aes-256-cbc/16384", seconds),
        seconds=seconds,
        clock_hz=clock,
        parts=Parts(cycles, 0.0, None),
        memory_s=memory_s,
    )


def test_a_board_is_predicted_by_others_with_its_core() -> None:
    figures = [_figure(f"{name}-board", "cortex-a53", 1.3) for name in "abcdefgh"]
    figures += [_figure(f"{name}-board", "cortex-a76", 0.8) for name in "pqrstu"]
    (judged,) = judged_figures(figures).values()
    assert len(judged) == len(figures)
    assert max(one.relative for one in judged) < 0.03


def test_what_a_board_says_is_not_used_for_itself() -> None:
    figures = [_figure(f"{name}-board", "cortex-a53", 1.0) for name in "abcdefgh"]
    figures.append(_figure("odd", "cortex-a53", 2.0))
    odd = judged_figures(figures)["openssl arm64 aes"][-1]
    assert odd.predicted / odd.measured == pytest.approx(2.0, rel=0.03)


def test_boards_with_one_soc_are_left_out_together() -> None:
    alike = [_figure(f"a{number}", "cortex-a53", 2.0) for number in range(6)]
    other = [_figure(f"{name}-board", "cortex-a53", 1.0) for name in "bcdefg"]
    with_kin = judged_figures([*alike, *other])["openssl arm64 aes"][0]
    without = judged_figures([*alike, *other], "soc")["openssl arm64 aes"][0]
    assert without.predicted / without.measured == pytest.approx(2.0, rel=0.03)
    assert with_kin.predicted / with_kin.measured < without.predicted / without.measured


def test_the_prediction_is_in_the_unit_of_the_program() -> None:
    one = judged_figures([_figure(f"{name}-board", "cortex-a53", 1.0) for name in "abc"])[
        "openssl arm64 aes"
    ][0]
    assert one.measured == pytest.approx(16384 / one.figure.seconds)
    assert math.log(one.predicted / one.measured) == pytest.approx(one.judged.error)


@pytest.fixture
def record() -> Record:
    session = Session(
        "one", "", device="Somebody's Board (RK3588) review", soc="Rockchip RK3588", arch="arm64"
    )
    clock = Sample("clock.measured", "clock", 2.0e9, "Hz", "cortex-a76", settings={"cpus": "4-5"})
    little = Sample("clock.measured", "clock", 1.0e9, "Hz", "cortex-a76", settings={"cpus": "0-3"})
    settings = {"openssl": "3.0.11", "block": "16384", "cpus": "4"}
    runs = [
        Sample("openssl.aes-256-cbc", "throughput", value, "B/s", "cortex-a76", settings=settings)
        for value in (1.0e9, 1.1e9, 1.6e9)
    ]
    return Record(session, (clock, little, *runs), "", "")


@pytest.fixture
def operations(tmp_path_factory: pytest.TempPathFactory) -> RatedOperations:
    blocks = np.array([(0x1000, 0, 8, 2)], BLOCK)
    operation = Operation("arm64", blocks, LOOP, np.array([10_000]), 1, None, "", {}, None, None, 0.0, ())
    directory = tmp_path_factory.mktemp("programs")
    write(directory / OPENSSL.place, OperationFile({}, {"aes-256-cbc/16384": operation}))
    return RatedOperations(directory)


def test_a_figure_is_the_middle_of_its_runs_at_the_clock_of_its_own_cluster(
    record: Record, operations: RatedOperations
) -> None:
    (figure,) = figures_of([record], operations, load_catalogue())
    assert figure.seconds == pytest.approx(16384 / 1.1e9)
    assert figure.clock_hz == 2.0e9
    assert figure.parts.cycles == pytest.approx(10_000, rel=0.5)


def test_a_clock_that_fell_is_none(record: Record, operations: RatedOperations) -> None:
    after = replace_value(record.samples[0], 1.8e9)
    fallen = Record(record.session, (after, *record.samples), "", "")
    assert figures_of([fallen], operations, load_catalogue()) == []


def replace_value(sample: Sample, value: float) -> Sample:
    import msgspec

    return msgspec.structs.replace(sample, value=value)


def test_remarks_do_not_make_another_board(record: Record) -> None:
    assert board_of(record) == "somebody-s-board"
    known = Record(Session("two", "", device="Whatever", board="rock-5b"), (), "", "")
    assert board_of(known) == "rock-5b"


def test_lists_of_processors_are_read() -> None:
    assert processors("0,4-6") == {0, 4, 5, 6}
    assert processors("") == set()


def test_the_row_of_a_figure_is_in_cycles() -> None:
    figure = replace(_figure("a-board", "cortex-a53", 1.0), memory_s=1e-6)
    row = figure.row()
    assert row.seconds == pytest.approx(figure.seconds * 2.0e9)
    assert row.memory_s == pytest.approx(2000.0)
