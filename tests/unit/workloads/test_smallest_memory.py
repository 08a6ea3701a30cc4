"""The least memory is found by halving."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from emulab.workloads.smallest_memory import least


@given(st.integers(1, 200), st.integers(1, 200), st.integers(1, 9))
def test_it_finds_the_first_step_that_works(low: int, needed: int, step: int) -> None:
    high = 200
    tried = []

    def works(memory: int) -> bool:
        tried.append(memory)
        return memory >= needed

    found = least(works, low, high, step)
    steps = [n for n in range(0, high + 1, step) if n >= low]
    expected = next((n for n in steps if n >= needed), None)
    assert found == expected
    assert all(low <= memory <= high and memory % step == 0 for memory in tried)
    assert len(tried) <= 10


def test_nothing_is_found_where_nothing_works() -> None:
    assert least(lambda _: False, 16, 64, 4) is None
