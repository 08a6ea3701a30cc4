"""Which windows are a benchmark's own."""

from __future__ import annotations

from emulab.bench.windows import WindowPair, own_windows


def test_a_benchmark_has_a_window_of_one_operation_and_one_of_all() -> None:
    assert own_windows([1, 100], 100) == WindowPair((0,), (1,))


def test_the_windows_of_what_it_is_part_of_come_before_its_own() -> None:
    assert own_windows([1, 1, 1, 100], 100) == WindowPair((2,), (3,))


def test_repeats_have_windows_each() -> None:
    assert own_windows([1, 1, 9, 1, 9], 9) == WindowPair((1, 3), (2, 4))


def test_a_loop_has_one_window_with_all_operations() -> None:
    assert own_windows([1, 1], 100) == WindowPair((), (1,))


def test_a_single_operation_is_the_last_window() -> None:
    assert own_windows([1, 1], 1) == WindowPair((), (1,))


def test_a_process_without_windows_has_none() -> None:
    assert own_windows([], 10) == WindowPair((), ())
