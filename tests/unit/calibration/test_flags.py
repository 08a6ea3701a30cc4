from __future__ import annotations

from typing import TYPE_CHECKING

from emulab.calibration.flags import flagged
from emulab.calibration.schema import Flag, Record, Sample, Session

if TYPE_CHECKING:
    from collections.abc import Iterable

_SESSION = Session("s", "somewhere", arch="riscv64", claimed_clock_hz=1.5e9)


def _flags(*samples: Sample) -> list[set[Flag]]:
    return [set(sample.flags) for sample in flagged(_SESSION, samples)]


def _of(records: Iterable[Record], part: str) -> list[Sample]:
    return [sample for record in records if part in record.session.source for sample in record.samples]


def test_the_sha512_of_no_release_is_flagged_and_its_parent_is_not(records: list[Record]) -> None:
    samples = _of(records, "370f1a88edfec10c")
    assert samples
    for sample in samples:
        assert (Flag.NO_RELEASE in sample.flags) == (sample.settings["column"] == "commit")


def test_unaligned_parents_on_riscv64_measured_a_trap(records: list[Record]) -> None:
    samples = _of(records, "e18d07ddc5c9")
    trapped = [sample for sample in samples if Flag.KERNEL_TRAP in sample.flags]
    assert len(trapped) == 43
    assert all(sample.settings["column"] == "parent" for sample in trapped)
    assert all("Unaligned" in sample.workload for sample in trapped)
    # What is copied by bytes in either code has no unaligned access.
    assert not any(sample.workload.endswith("/1") for sample in trapped)


def test_a_core_that_reads_unaligned_words_by_itself_has_no_trap(records: list[Record]) -> None:
    samples = [sample for sample in _of(records, "75ea2d05c01903a6") if "Unaligned" in sample.workload]
    assert samples
    assert not any(Flag.KERNEL_TRAP in sample.flags for sample in samples)


def test_reading_the_clock_is_the_kernels_figure(records: list[Record]) -> None:
    samples = _of(records, "1bd35fab05252450")
    assert any(Flag.KERNEL_FIGURE in sample.flags for sample in samples)


def test_bytes_per_second_beside_seconds_are_the_same_measurement() -> None:
    time = Sample("a.BenchmarkX", "time", 1e-6, "s/op", go="go1.24")
    speed = Sample("a.BenchmarkX", "throughput", 1e9, "B/s", go="go1.24")
    alone = Sample("a.BenchmarkY", "throughput", 1e9, "B/s", go="go1.24")
    assert _flags(time, speed, alone) == [set(), {Flag.DUPLICATE}, set()]


def test_releases_before_the_register_abi_are_ratios_only() -> None:
    old, new = (Sample("a.BenchmarkX", "time", 1e-6, "s/op", go=go) for go in ("go1.16.7", "go1.17"))
    assert _flags(old, new) == [{Flag.OLD_TOOLCHAIN}, set()]


def test_less_than_a_quarter_of_a_cycle_is_impossible() -> None:
    assert _flags(Sample("a.BenchmarkX", "time", 1e-10, "s/op", go="go1.24")) == [{Flag.IMPOSSIBLE}]


def test_a_core_whose_clock_fell_under_load_is_throttled_and_no_other() -> None:
    clocks = [
        Sample("clock.measured", "clock", value, "Hz", core, settings={"when": when, "cpus": "0"})
        for core, when, value in [
            *[("a", "before", 2e9), ("a", "after_load", 1.9e9)],
            *[("b", "before", 2e9), ("b", "after_load", 1.95e9)],
        ]
    ]
    figures = [Sample("openssl.aes-256-cbc", "throughput", 1e9, "B/s", core) for core in "ab"]
    assert _flags(*clocks, *figures) == [set(), set(), set(), set(), {Flag.THROTTLED}, set()]


def test_many_threads_pinned_to_a_core_are_no_single_thread() -> None:
    one, many = (
        Sample("7-zip.single-thread.total", "rating", 1e9, "1/s", settings={"threads": threads})
        for threads in ("1", "6")
    )
    assert _flags(one, many) == [set(), {Flag.THREADS_PINNED}]


def test_every_flag_of_the_shipped_samples_has_a_reason(records: list[Record]) -> None:
    seen = {flag for record in records for sample in record.samples for flag in sample.flags}
    assert seen >= set(Flag) - {Flag.IMPOSSIBLE}
    assert all(all(sample.reasons) for record in records for sample in record.samples)
