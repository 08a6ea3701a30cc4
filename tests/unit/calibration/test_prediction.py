from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np
import pytest

from emulab.boards import load_catalogue
from emulab.calibration.fitting.solve import LEFT_OPEN
from emulab.calibration.latencies import Latencies
from emulab.calibration.models import SCHEMA, Evidence, Factor, Intervals, LatencyFile, Model, write
from emulab.calibration.prediction import Predictor
from emulab.errors import UsageError
from emulab.profiling.file_format import BLOCK
from emulab.profiling.operation import Operation
from emulab.profiling.profile import Measure

if TYPE_CHECKING:
    from pathlib import Path

# A loop of one dependent addition and the branch back: addi a0,a0,1; bne a0,a1,-4.
LOOP = bytes.fromhex("13051500e31eb5fe")


# The same on Arm: add, #1; b.ne -4.
LOOPS = {
    "riscv64": LOOP,
    "arm64": bytes.fromhex("00040091e1ffff54"),
    "armv7": bytes.fromhex("010080e2fdffff1a"),
}

REACH, APART = 2.0, 0.2
# A loop in the first level of caches: what the model is wrong of, and what is open of its pipeline.
HALF = REACH * math.hypot(LEFT_OPEN, 0.01)


def _operation(measures: dict[Measure, float] | None = None, isa: str = "riscv64") -> Operation:
    blocks = np.zeros(1, BLOCK)
    blocks["address"], blocks["size"], blocks["instructions"] = 0x10000, len(LOOP), 2
    values = None
    if measures is not None:
        values = np.array([measures.get(measure, 0.0) for measure in Measure])
    return Operation(isa, blocks, LOOPS[isa], np.array([1000]), 1, values, "a model", {}, None, None, 0.0, ())


def _model(samples: int, boards: tuple[str, ...], borrowed: tuple[str, ...]) -> Model:
    return Model(
        SCHEMA, "sifive-u74", "in-order", Factor(1.1, 0.01), Factor(1.0, 0.1), Factor(0.5, 0.1),
        Intervals((0.5, 1.0, REACH, 3.0), (0.02, 0.05, APART, 0.3)),
        Evidence(samples, ("math/big",) if samples else (), (), boards, borrowed, {}), {},
    )  # fmt: skip


@pytest.fixture
def models(tmp_path: Path) -> Path:
    latencies = LatencyFile(SCHEMA, {"visionfive-2/sifive-u74": Latencies(20.0, None, 1e-7, 1e-8, ())})
    write([_model(12, ("visionfive-2",), ())], latencies, tmp_path)
    return tmp_path


def test_a_loop_takes_its_cycles_times_the_correction(models: Path) -> None:
    board = load_catalogue().board("visionfive-2")
    one = Predictor(models).predict(_operation(), board, clock_hz=1e9)
    half = Predictor(models).predict(_operation(), board, clock_hz=0.5e9)
    assert 1.1e-6 <= one.seconds <= 3.3e-6  # one to three cycles a round, times 1.1
    assert half.seconds == pytest.approx(2 * one.seconds)
    assert (one.low, one.high) == pytest.approx((one.seconds * math.exp(-HALF), one.seconds * math.exp(HALF)))
    assert (one.coverage, one.core) == (0.9, "sifive-u74")


def test_what_lies_beyond_the_caches_is_added_in_the_boards_own_times(models: Path) -> None:
    board = load_catalogue().board("visionfive-2")
    without = Predictor(models).predict(_operation({}), board, clock_hz=1e9)
    behind = Predictor(models).predict(
        _operation({Measure.L1D_LOAD_MISS: 100.0, Measure.MEMORY: 10.0}), board, clock_hz=1e9
    )
    # Half of 100 times 20 cycles, and of 10 times 100 ns.
    assert behind.seconds - without.seconds == pytest.approx(0.5 * (100 * 20e-9 + 10 * 100e-9))


@pytest.mark.parametrize(
    ("board", "model", "said"),
    [
        ("visionfive-2", _model(12, ("visionfive-2",), ()), "12 figures of 1 packages on its core, some on"),
        ("milk-v-mars", _model(12, ("visionfive-2",), ()), "12 figures of its core on visionfive-2"),
        (
            "milk-v-mars",
            _model(0, (), ("spacemit-x60",)),
            "no figure of its core; corrected like other in-order",
        ),
        ("milk-v-mars", _model(0, (), ()), "no figure of any in-order core"),
    ],
)
def test_a_prediction_says_what_it_rests_on(tmp_path: Path, board: str, model: Model, said: str) -> None:
    write([model], LatencyFile(SCHEMA, {}), tmp_path)
    found = Predictor(tmp_path).predict(_operation(), load_catalogue().board(board))
    assert found.support.startswith(said)
    own = board in model.evidence.boards
    assert math.log(found.high / found.seconds) == pytest.approx(HALF if own else math.hypot(HALF, APART))


def test_a_figure_of_much_memory_is_less_certain_than_one_without(models: Path) -> None:
    board = load_catalogue().board("visionfive-2")
    measures = {Measure.L1D_LOAD_MISS: 100.0, Measure.L2_DATA_MISS: 100.0, Measure.MEMORY: 100.0}
    found = Predictor(models).predict(_operation(measures), board, clock_hz=1e9)
    share = 0.5 * 100 * 100e-9 / found.seconds
    assert 0.5 < share < 0.9
    expected = REACH * math.sqrt(LEFT_OPEN**2 + (0.01 * (1 - share)) ** 2 + (0.1 * share) ** 2)
    assert math.log(found.high / found.seconds) == pytest.approx(expected)


def test_another_instruction_set_is_refused(models: Path) -> None:
    with pytest.raises(UsageError, match="raspberry-pi-5 does not run code of riscv64"):
        Predictor(models).predict(_operation(), load_catalogue().board("raspberry-pi-5"))


BOARDS = [
    name
    for name in load_catalogue().ids()
    if (board := load_catalogue().board(name)).kind == "board" and board.runs_go
]


@pytest.mark.parametrize("name", BOARDS)
def test_every_linux_board_is_predicted_by_the_models_that_ship_and_says_what_they_rest_on(name: str) -> None:
    board = load_catalogue().board(name)
    found = Predictor().predict(_operation(isa=board.arch), board)
    cycles = found.seconds * board.fastest.nominal_mhz * 1e6
    assert 500 < cycles < 4000  # a thousand rounds of a dependent addition and a branch
    assert found.low < found.seconds < found.high
    assert found.support
