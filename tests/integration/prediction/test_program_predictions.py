"""Whole programs that are counted on real machines and predicted from that."""

from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from emulab.figures import FigureClass
from emulab.machines.protocol import Load
from emulab.prediction.conditions import Conditions
from emulab.prediction.programs import run_with_predictions
from emulab.progress import Silent
from emulab.workloads.request import BuildOptions, Program, ProgramKind, RunRequest

if TYPE_CHECKING:
    from emulab.figures import Figure

PROGRAMS = Path(__file__).parents[2] / "programs"
BOARDS = ["raspberry-pi-4", "visionfive-2"]
SERVICE = RunRequest(
    Program(ProgramKind.PACKAGE, "counts", "./counts", PROGRAMS, ("serve", "100000")),
    libcs=("musl",),
    ready="http://:8099/",
    load=Load("http://:8099/", 400, 5),
    build=BuildOptions(ldflags="-s -w"),
    runs=1,
)


def predicted(request: RunRequest, conditions: Conditions | None = None) -> dict[str, Figure]:
    document, failures = run_with_predictions(
        request, Silent(), lambda *_: None, conditions=conditions or Conditions()
    )
    assert failures == []
    assert not [note for note in document.notes if "nothing is predicted" in note], document.notes
    return {each.name: each for each in document.figures if each.kind is FigureClass.PREDICTED}


@pytest.mark.parametrize("board", BOARDS)
def test_a_service_is_predicted_in_every_respect_and_repeats_exactly(board: str) -> None:
    request = replace(SERVICE, boards=(board,))
    found = predicted(request)
    assert {
        "startup", "rss-rest", "pss-rest", "vss-rest", "rss-load", "pss-load", "vss-load", "throughput",
        "latency-p50", "latency-p99", "init-start",
    } == set(found)  # fmt: skip
    for figure in found.values():
        assert figure.low is not None
        assert figure.high is not None
        assert figure.low < figure.value < figure.high
        assert figure.board == board
        assert figure.mode == "user"
    # A Go program's start is some milliseconds of work on such boards, and it holds some megabytes.
    assert 0.5e-3 < found["startup"].value < 50e-3
    assert 1e6 < found["rss-rest"].value < 20e6
    assert found["latency-p50"].value < found["latency-p99"].value
    assert predicted(request) == found


@pytest.mark.parametrize("board", BOARDS)
def test_a_requests_loop_costs_what_its_turns_do(board: str) -> None:
    def request_s(turns: str) -> float:
        program = replace(SERVICE.program, arguments=("serve", turns))
        found = predicted(replace(SERVICE, boards=(board,), program=program), Conditions(cpus=1))
        return float(found["throughput"].evidence["cores"][0]["request_s"])

    grown = request_s("300000") - request_s("100000")
    # Three or four instructions a turn, of which the core issues between a half and three a cycle.
    clock = {"raspberry-pi-4": 1.8e9, "visionfive-2": 1.5e9}[board]
    assert 200_000 * 1.0 / clock < grown < 200_000 * 8 / clock


@pytest.mark.parametrize("board", BOARDS)
def test_a_program_that_ends_is_predicted_to_its_end(board: str) -> None:
    rounds = 40_000_000
    program = replace(SERVICE.program, arguments=("loop", str(rounds)))
    request = replace(SERVICE, boards=(board,), program=program, ready="", load=None)
    own, half = predicted(request), predicted(request, Conditions(clock_hz=0.9e9))
    assert {"run-time", "peak-rss", "init-start"} == set(own)
    clock = {"raspberry-pi-4": 1.8e9, "visionfive-2": 1.5e9}[board]
    assert rounds * 1.0 / clock < own["run-time"].value < rounds * 8 / clock + 20e-3
    # Nearly all of it is the loop, in the caches.
    assert math.isclose(half["run-time"].value, own["run-time"].value * clock / 0.9e9, rel_tol=0.05)
