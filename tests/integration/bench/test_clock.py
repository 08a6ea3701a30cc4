"""The processor's clock, measured."""

from __future__ import annotations

import pytest

from emulab.bench.clock import Clock
from emulab.errors import InfrastructureError
from emulab.progress import Silent


def test_the_clock_is_that_of_a_computer_and_stands_for_a_moment() -> None:
    with Clock(Silent()) as clock:
        seen = sorted(clock.hz() for _ in range(9))
    assert 0.3e9 < seen[4] < 10e9
    assert seen[6] / seen[2] < 1.5


def test_a_clock_whose_process_has_gone_says_so() -> None:
    with Clock(Silent()) as clock:
        clock._process.kill()
        clock._process.wait()
        with pytest.raises(InfrastructureError, match="clock could not be measured"):
            clock.hz()
