from __future__ import annotations

import threading
import time

import pytest

from emulab.images import ImageName
from emulab.images.schedule import Job, run


def name(text: str) -> ImageName:
    return ImageName(text)


def job(*needs: str, seconds: float = 1.0, all_cores: bool = False) -> Job:
    return Job(frozenset(map(name, needs)), seconds, all_cores)


class Recorder:
    """Work that notes when each job begins and ends, and how many ran at once."""

    def __init__(self, lasting: float = 0.02) -> None:
        self.lasting = lasting
        self.events: list[tuple[str, str]] = []
        self.running: set[str] = set()
        self.together: list[frozenset[str]] = []
        self._lock = threading.Lock()

    def __call__(self, image: ImageName) -> None:
        with self._lock:
            self.events.append(("begin", str(image)))
            self.running.add(str(image))
            self.together.append(frozenset(self.running))
        time.sleep(self.lasting)
        with self._lock:
            self.running.remove(str(image))
            self.events.append(("end", str(image)))


def test_a_job_begins_after_those_that_it_needs_have_ended() -> None:
    recorder = Recorder()
    jobs = {name("c"): job("b"), name("b"): job("a"), name("a"): job(), name("d"): job("a")}
    run(jobs, recorder, at_once=4)
    for late, early in [("c", "b"), ("b", "a"), ("d", "a")]:
        assert recorder.events.index(("end", early)) < recorder.events.index(("begin", late))


def test_what_exists_already_is_not_waited_for() -> None:
    recorder = Recorder()
    run({name("b"): job("there")}, recorder, at_once=1)
    assert ("end", "b") in recorder.events


def test_independent_jobs_run_side_by_side_up_to_the_limit() -> None:
    recorder = Recorder(0.05)
    run({name(letter): job() for letter in "abcdef"}, recorder, at_once=3)
    assert max(map(len, recorder.together)) == 3


def test_two_jobs_that_take_all_cores_never_run_together_but_beside_light_ones() -> None:
    recorder = Recorder(0.05)
    jobs = {name("x"): job(all_cores=True), name("y"): job(all_cores=True), name("z"): job()}
    run(jobs, recorder, at_once=3)
    assert not any({"x", "y"} <= together for together in recorder.together)
    assert any("z" in together and len(together) > 1 for together in recorder.together)


def test_the_longest_way_begins_first() -> None:
    recorder = Recorder()
    jobs = {
        name("short"): job(seconds=1),
        name("tools"): job(seconds=1),
        name("compile"): job("tools", seconds=99),
    }
    run(jobs, recorder, at_once=1)
    assert recorder.events[0] == ("begin", "tools")
    assert recorder.events[-1] == ("end", "short")


def test_a_failure_is_raised_and_nothing_begins_after_it() -> None:
    begun: list[str] = []

    def work(image: ImageName) -> None:
        begun.append(str(image))
        raise ValueError(str(image))

    with pytest.raises(ValueError, match="a"):
        run({name("a"): job(), name("b"): job("a")}, work, at_once=2)
    assert begun == ["a"]
