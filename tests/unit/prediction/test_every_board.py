"""Every board of the catalogue that runs Linux gets every figure of a service, and says where it is from.

The code is that of benchmarks, one for each architecture, which is simulated in no time.
"""

from __future__ import annotations

import pytest

from emulab.boards import load_catalogue
from emulab.calibration.models import read_model
from emulab.calibration.operations import operations_directory
from emulab.calibration.prediction import Predictor
from emulab.errors import WorkloadError
from emulab.prediction.conditions import Conditions
from emulab.prediction.program_counts import MemoryRuns, ProgramCounts
from emulab.prediction.program_figures import KERNEL_EVIDENCE, boot_figure, predicted_figures
from emulab.prediction.program_work import Work
from emulab.prediction.service_times import Shape
from emulab.profiling.operation_file import read
from emulab.workloads.service import Subject

CATALOGUE = load_catalogue()
LINUX = [
    name
    for name in CATALOGUE.ids()
    if CATALOGUE.board(name).kind == "board" and CATALOGUE.board(name).runs_go
]
CHIPS = [name for name in CATALOGUE.ids() if CATALOGUE.board(name).kind == "chip"]
PREDICTOR = Predictor()
_KNOWN: dict[str, ProgramCounts] = {}


def counts_of(arch: str) -> ProgramCounts:
    """Return counts whose code is a benchmark's that ships as an operation, one for each architecture."""
    if arch not in _KNOWN:
        operation = next(
            operation
            for path in sorted(operations_directory().rglob("*.ops"))
            for operation in read(path).operations.values()
            if operation.isa == arch and operation.instructions > 1000
        )
        work = Work(operation, operation, 2e6, 4e6, 1000.0, 300, 20, 400)
        memory = tuple(
            MemoryRuns(pages, 4, {"rss-rest": (7e6, 7.1e6), "rss-load": (12e6, 12.2e6)})
            for pages in (4096, 16384)
        )
        shape = Shape(0.8, 3.0, 1000, 50)
        _KNOWN[arch] = ProgramCounts({"program": "healthd"}, work, work, work, shape, memory)
    return _KNOWN[arch]


@pytest.mark.parametrize("name", LINUX)
def test_a_board_gets_every_figure_with_an_interval_and_its_evidence(name: str) -> None:
    board = CATALOGUE.board(name)
    counts = counts_of(board.arch)
    subject = Subject("healthd", board.arch, "user", None, name)
    figures = predicted_figures(
        subject, counts, board, PREDICTOR, Conditions(), is_service=True, concurrency=50
    )
    figures += boot_figure(subject, counts, board, PREDICTOR, Conditions())
    assert [each.name for each in figures] == [
        "startup", "rss-rest", "rss-load", "throughput", "latency-p50", "latency-p99", "init-start"
    ]  # fmt: skip
    for figure in figures:
        assert figure.low is not None
        assert figure.high is not None
        assert 0 < figure.low < figure.value < figure.high
        assert figure.board == name
        assert figure.evidence["support"]


@pytest.mark.parametrize("name", LINUX)
def test_a_board_without_samples_of_its_own_says_from_where_it_borrows(name: str) -> None:
    board = CATALOGUE.board(name)
    model = read_model(board.fastest.core.id)
    figures = predicted_figures(
        Subject("healthd", board.arch, "user", None, name),
        counts_of(board.arch), board, PREDICTOR, Conditions(), is_service=True,
    )  # fmt: skip
    support = figures[0].evidence["support"]
    assert support.endswith(KERNEL_EVIDENCE)
    if name in model.evidence.boards:
        assert "some on this board" in support
    elif model.evidence.samples:
        assert all(other in support for other in model.evidence.boards)
    else:
        assert "no figure of its core" in support
        assert model.evidence.borrowed
        assert all(other in support for other in model.evidence.borrowed)


@pytest.mark.parametrize("name", CHIPS)
def test_what_runs_no_linux_stays_refused(name: str) -> None:
    with pytest.raises(WorkloadError, match=f"{name} cannot run a standard Go program"):
        CATALOGUE.board(name).require_go()


def test_faster_boards_are_predicted_faster() -> None:
    def start(name: str) -> float:
        board = CATALOGUE.board(name)
        return predicted_figures(
            Subject("healthd", board.arch, "user", None, name),
            counts_of(board.arch), board, PREDICTOR, Conditions(), is_service=True,
        )[0].value  # fmt: skip

    assert start("raspberry-pi-5") < start("raspberry-pi-4") < start("raspberry-pi-3")
    assert start("visionfive-2") < start("hifive-unmatched") < start("lichee-rv")
