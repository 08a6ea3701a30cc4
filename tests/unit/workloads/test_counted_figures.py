"""Figures of counted runs: what is done once cancels, and what can not be counted is refused."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest

from emulab.errors import UsageError
from emulab.figures import Figure, FigureClass
from emulab.machines.marks import Account
from emulab.machines.protocol import Load
from emulab.profiling.gate import Gate
from emulab.profiling.start_phases import PHASES, Start
from emulab.profiling.stretches import Executed, Stretch
from emulab.report.counts import COUNT_TITLES
from emulab.workloads.counted import (
    CountedLoad,
    CountedProgram,
    CountedRun,
    loads_of,
    require_countable,
)
from emulab.workloads.counted_figures import figures_of, per_request
from emulab.workloads.request import RunRequest, find_places, find_program
from emulab.workloads.service import Subject

SUBJECT = Subject("healthd", "arm64", "system", "musl", None)


class Given(Stretch):
    """A stretch of which this was executed, in each of its phases."""

    def __init__(self, executed: Executed) -> None:
        super().__init__(2, ())
        object.__setattr__(self, "given", executed)

    @property
    def executed(self) -> Executed:
        return cast("Executed", vars(self)["given"])

    def by_mark(self) -> dict[str, Executed]:
        return dict.fromkeys(("", *PHASES), self.executed)


def load(requests: int, once: int, each: int) -> CountedLoad:
    total = once + requests * each
    executed = Executed(total, 2 * total, 0, {64: requests, 98: 5})
    return CountedLoad(requests, Given(executed), Account(requests, 0, 3 * requests, requests))


def counted_run(once: int = 0, each: int = 700) -> CountedRun:
    start = Given(Executed(1000 + once, 4000, 3, {222: 20}))
    account = Account(400, 1, 30, 5)
    return CountedRun(cast("Any", None), start, account, load(200, once, each), load(1000, once, each))


def figures(*runs: CountedRun) -> dict[str, Figure]:
    place = cast("Any", SimpleNamespace(target=None))
    counted = CountedProgram("healthd", place, None, Start(Gate(), PHASES), runs)
    return {figure.name: figure for figure in figures_of(SUBJECT, counted)}


def test_what_is_done_once_is_no_part_of_a_request() -> None:
    for once in (0, 123_456):
        found = per_request("arm64", counted_run(once))
        assert found is not None
        assert found.numbers == {
            "instructions": 700,
            "kernel-instructions": 1400,
            "page-faults": 1,
            "context-switches": 4,
            "system-calls": 1,
        }
        assert found.calls == {"write": 1, "futex": 0}


def test_figures_are_counted_and_have_titles_and_units() -> None:
    found = figures(counted_run())
    assert {figure.kind for figure in found.values()} == {FigureClass.COUNTED}
    assert set(found) <= set(COUNT_TITLES)
    assert (found["instructions-request"].value, found["instructions-request"].unit) == (700, "insn/request")
    assert (found["page-faults-start"].value, found["page-faults-start"].unit) == (401, "faults")
    assert found["system-calls-start"].evidence["calls"] == {"mmap": 20}
    assert found["kernel-instructions-to-main"].value == 4000
    assert found["instructions-to-ready"].low is None


def test_several_runs_show_their_spread() -> None:
    figure = figures(counted_run(0), counted_run(30), counted_run(90))["instructions-start"]
    assert (figure.value, figure.n) == (1030, 3)
    assert figure.low is not None
    assert figure.high is not None
    assert 1000 <= figure.low < 1030 < figure.high <= 1090
    assert (figure.evidence["least"], figure.evidence["most"]) == (1000, 1090)


@pytest.mark.parametrize(("requests", "concurrency"), [(2, 50), (3, 1), (40, 50), (1000, 50), (100, 1)])
def test_two_loads_of_different_sizes_follow_one_that_warms_up(requests: int, concurrency: int) -> None:
    sizes = [size for size, _ in loads_of(Load("http://:80/", requests, concurrency))]
    assert sizes[0] == sizes[1] < sizes[2] == requests
    assert sizes[0] >= 1


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"modes": ("user",)}, "user mode"),
        ({"network": True}, "with a network"),
        ({"find_smallest_memory": True}, "exclude each other"),
        ({"load": Load("http://:8080/", 1, 1)}, "1 request can not be counted"),
    ],
)
def test_what_can_not_be_counted_is_refused(changes: dict[str, Any], message: str) -> None:
    request = RunRequest(find_program("healthd", [], Path.cwd()), ready="http://:8080/", count=True)
    assert [place.target.mode for place in find_places(request)] == ["system"]
    wrong = replace(request, **changes)
    with pytest.raises(UsageError, match=message):
        require_countable(wrong, find_places(wrong)[0])
