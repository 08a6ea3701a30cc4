"""A board's figures of a whole program, from counts that are given."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pytest

from emulab.boards import load_catalogue
from emulab.calibration.fitting.solve import LEFT_OPEN
from emulab.calibration.latencies import Latencies
from emulab.calibration.models import SCHEMA, Evidence, Factor, Intervals, LatencyFile, Model, write
from emulab.calibration.prediction import Predictor
from emulab.errors import UsageError
from emulab.figures import FigureClass
from emulab.prediction import program_counts
from emulab.prediction.conditions import Conditions
from emulab.prediction.program_counts import MemoryRuns, ProgramCounts
from emulab.prediction.program_figures import HUGE_PAGE, boot_figure, predicted_figures
from emulab.prediction.program_work import Work
from emulab.prediction.service_times import Shape
from emulab.prediction.work_times import KERNEL_SPREAD, work_time
from emulab.profiling.file_format import BLOCK
from emulab.profiling.operation import Operation
from emulab.profiling.profile import Measure
from emulab.workloads.service import Subject

if TYPE_CHECKING:
    from pathlib import Path

    from emulab.figures import Figure

# A loop of one dependent addition and the branch back: addi a0,a0,1; bne a0,a1,-4.
LOOP = bytes.fromhex("13051500e31eb5fe")
BOARD = load_catalogue().board("visionfive-2")
SUBJECT = Subject("healthd", "riscv64", "user", "glibc", "visionfive-2")
REACH = 2.0
# A loop in the first level of caches: what the model is wrong of, and what is open of its pipeline.
HALF = REACH * math.hypot(LEFT_OPEN, 0.01)
LINE_S = 1e-8


def operation(address: int, rounds: int, misses: float = 0.0) -> Operation:
    blocks = np.zeros(1, BLOCK)
    blocks["address"], blocks["size"], blocks["instructions"] = address, len(LOOP), 2
    measures = np.zeros(len(Measure))
    measures[Measure.L1D_LOAD_MISS] = measures[Measure.L2_DATA_MISS] = measures[Measure.MEMORY] = misses
    return Operation(
        "riscv64", blocks, LOOP, np.array([rounds]), 1, measures, "l1d=1:1:64", {}, None, None, 0.0, ()
    )


def work(rounds: int = 1000, *, user: float = 2000, kernel: float = 4000, cleared: float = 0.0) -> Work:
    return Work(operation(0x10000, rounds), operation(1 << 63, rounds), user, kernel, cleared, 7, 3, 5)


def counts(page_size: int = 4096) -> ProgramCounts:
    memory = MemoryRuns(page_size, 4, {"rss-rest": (5e6, 6e6, 7e6), "vss-rest": (1e9, 1e9, 1e9)})
    shape = Shape(0.9, 3.0, 1000, 50)
    return ProgramCounts({"program": "healthd"}, work(), work(100), work(5000), shape, (memory,))


@pytest.fixture
def predictor(tmp_path: Path) -> Predictor:
    latencies = LatencyFile(SCHEMA, {"visionfive-2/sifive-u74": Latencies(20.0, None, 1e-7, LINE_S, ())})
    model = Model(
        SCHEMA, "sifive-u74", "in-order", Factor(1.0, 0.01), Factor(1.0, 0.1), Factor(1.0, 0.1),
        Intervals((0.5, 1.0, REACH, 3.0), (0.02, 0.05, 0.2, 0.3)),
        Evidence(12, ("math/big",), (), ("visionfive-2",), (), {}), {},
    )  # fmt: skip
    write([model], latencies, tmp_path)
    return Predictor(tmp_path)


def figures(predictor: Predictor, conditions: Conditions | None = None) -> dict[str, Figure]:
    found = predicted_figures(
        SUBJECT, counts(), BOARD, predictor, conditions or Conditions(), is_service=True, concurrency=50
    )
    return {each.name: each for each in found}


def test_kernel_work_runs_like_the_sample_of_its_code_for_as_many_instructions(predictor: Predictor) -> None:
    time = work_time(work(), BOARD, predictor)
    # The sample has 2,000 instructions, as many as the program executes, and the kernel executes twice that.
    assert time.kernel_s == pytest.approx(2 * time.user_s)
    assert time.seconds == pytest.approx(3 * time.user_s)
    twice = work_time(work(user=4000), BOARD, predictor)
    assert twice.user_s == pytest.approx(2 * time.user_s)


def test_cleared_lines_take_the_boards_bandwidth(predictor: Predictor) -> None:
    plain, clearing = (work_time(work(cleared=lines), BOARD, predictor) for lines in (0, 1000))
    assert clearing.seconds - plain.seconds == pytest.approx(1000 * LINE_S)


def test_the_interval_is_the_cores_widened_by_the_kernels_share(predictor: Predictor) -> None:
    without = work_time(work(kernel=0), BOARD, predictor)
    assert without.above == pytest.approx(HALF)
    kernel = work_time(work(), BOARD, predictor)
    assert kernel.above == pytest.approx(math.hypot(HALF, KERNEL_SPREAD * 2 / 3))
    assert kernel.low < kernel.seconds < kernel.high
    wider = work_time(work(), BOARD, predictor, further={"start": 0.5})
    assert wider.above == pytest.approx(math.hypot(kernel.above, 0.5))


def test_misses_cost_the_boards_memory_time_whatever_the_clock(predictor: Predictor) -> None:
    cold = replace(work(kernel=0), user=operation(0x10000, 1000, misses=50))
    for clock in (1e9, 0.5e9):
        warm_s = work_time(work(kernel=0), BOARD, predictor, clock_hz=clock).seconds
        assert work_time(cold, BOARD, predictor, clock_hz=clock).seconds == pytest.approx(warm_s + 50e-7)


def test_a_service_gets_every_figure_with_an_interval_and_what_it_rests_on(predictor: Predictor) -> None:
    found = figures(predictor)
    assert list(found) == [
        "startup", "rss-rest", "vss-rest", "throughput", "latency-p50", "latency-p99"
    ]  # fmt: skip
    for figure in found.values():
        assert figure.kind is FigureClass.PREDICTED
        assert figure.coverage == 0.9
        assert figure.low is not None
        assert figure.high is not None
        assert figure.low < figure.value < figure.high
        assert figure.evidence["counted"] == {"program": "healthd"}
    assert found["startup"].evidence["support"] == (
        "user work: 12 figures of 1 packages on its core, some on this board;"
        " kernel work: by physics, no samples of it"
    )
    assert found["throughput"].evidence["cores"][0]["count"] == 4
    assert "no samples" in found["rss-rest"].evidence["support"]


def test_half_the_clock_takes_twice_as_long_where_everything_fits_the_caches(predictor: Predictor) -> None:
    own, half = figures(predictor), figures(predictor, Conditions(clock_hz=0.75e9))
    assert half["startup"].value == pytest.approx(2 * own["startup"].value)
    assert half["throughput"].value == pytest.approx(own["throughput"].value / 2)
    assert half["latency-p50"].value == pytest.approx(2 * own["latency-p50"].value)
    assert half["rss-rest"] == own["rss-rest"]


def test_fewer_cores_answer_fewer_requests_and_start_as_fast(predictor: Predictor) -> None:
    own, one = figures(predictor), figures(predictor, Conditions(cpus=1))
    assert one["startup"] == own["startup"]
    assert one["throughput"].value == pytest.approx(own["throughput"].value * 1.15 / 4)
    assert one["throughput"].evidence["cores"][0]["count"] == 1


def test_a_clock_that_rises_late_widens_a_start_upwards_only(predictor: Predictor) -> None:
    own, late = figures(predictor), figures(predictor, Conditions(governor="schedutil"))
    assert late["startup"].value == own["startup"].value
    assert late["startup"].low == own["startup"].low
    assert late["startup"].high is not None
    assert late["startup"].high > 4 * own["startup"].value
    assert late["throughput"] == own["throughput"]


def test_memory_is_the_median_of_the_guests_and_may_have_a_huge_page_more(predictor: Predictor) -> None:
    rest = figures(predictor)["rss-rest"]
    assert rest.value == 6e6
    assert rest.n == 3
    assert rest.low is not None
    assert rest.high is not None
    assert rest.low < 5e6
    assert rest.high > 7e6 + HUGE_PAGE


def test_memory_is_predicted_from_a_machine_with_the_boards_pages_only(predictor: Predictor) -> None:
    found = predicted_figures(SUBJECT, counts(16384), BOARD, predictor, Conditions(), is_service=True)
    assert [each.name for each in found] == ["startup"]
    few, many = (MemoryRuns(4096, cpus, {"rss-rest": (cpus * 1e6,)}) for cpus in (1, 8))
    (rest,) = (
        each
        for each in predicted_figures(
            SUBJECT,
            replace(counts(), memory=(few, many)),
            BOARD,
            predictor,
            Conditions(),
            is_service=True,
        )
        if each.name == "rss-rest"
    )
    assert rest.value == 1e6
    assert rest.evidence["cpus"] == 1


def test_a_program_that_ends_has_a_run_time_and_no_figure_of_a_load(predictor: Predictor) -> None:
    ending = replace(counts(), request=None, memory=(), boot=None)
    found = predicted_figures(SUBJECT, ending, BOARD, predictor, Conditions(), is_service=False)
    assert [each.name for each in found] == ["run-time"]
    assert boot_figure(SUBJECT, ending, BOARD, predictor, Conditions()) == []


def test_the_start_of_init_says_whose_kernel_it_is_of(predictor: Predictor) -> None:
    (figure,) = boot_figure(SUBJECT, counts(), BOARD, predictor, Conditions())
    assert figure.name == "init-start"
    assert "emulab's own" in figure.evidence["kernel"]


def test_counts_of_another_boards_machine_widen_the_interval(predictor: Predictor) -> None:
    def start(machine: str) -> Figure:
        given = replace(counts(), origin={"machine": machine})
        return predicted_figures(SUBJECT, given, BOARD, predictor, Conditions(), is_service=True)[0]

    own, other = start("visionfive-2"), start("milk-v-mars")
    assert own.value == other.value
    assert own.high is not None
    assert other.high is not None
    assert other.high > own.high
    assert other.evidence["spreads"]["counts"] > 0


def test_a_board_of_another_architecture_is_refused(predictor: Predictor) -> None:
    board = load_catalogue().board("raspberry-pi-4")
    with pytest.raises(UsageError, match="raspberry-pi-4 does not run code of riscv64"):
        predicted_figures(SUBJECT, counts(), board, predictor, Conditions(), is_service=True)


def test_counts_that_are_kept_give_the_same_predictions(predictor: Predictor, tmp_path: Path) -> None:
    program_counts.write(tmp_path, counts())
    again = program_counts.read(tmp_path)
    assert {name: one.user_instructions for name, one in again.works().items()} == {
        "start": 2000, "request": 2000, "boot": 2000
    }  # fmt: skip
    found = predicted_figures(SUBJECT, again, BOARD, predictor, Conditions(), is_service=True, concurrency=50)
    assert {each.name: each for each in found} == figures(predictor)


@pytest.mark.parametrize("content", ["", "{}", '{"schema": "emulab-program/0"}'])
def test_damaged_counts_are_refused_by_name(content: str, tmp_path: Path) -> None:
    program_counts.write(tmp_path, counts())
    (tmp_path / "facts.json").write_text(content)
    with pytest.raises(UsageError, match=r"facts\.json"):
        program_counts.read(tmp_path)
