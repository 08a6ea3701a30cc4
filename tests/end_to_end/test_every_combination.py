"""healthd everywhere: every architecture, C library and mode in one call of the command."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable

MEBIBYTE = 1 << 20
ARCHITECTURES = ["arm64", "armv7", "riscv64"]
TIMES = ["startup", "latency-p50", "latency-p99"]
MEMORY = ["rss-rest", "pss-rest", "rss-load", "pss-load"]
PLACES = [
    (arch, libc, mode)
    for arch in ARCHITECTURES
    for libc in ("musl", "glibc", "glibc-old")
    for mode in ("user", "system")
    if (arch, libc) != ("riscv64", "glibc-old")
]


@pytest.fixture(scope="module")
def everywhere(emulab: Callable[..., Any]) -> Any:
    return emulab(
        "run", "healthd", "--arch", ",".join(ARCHITECTURES), "--libc", "musl,glibc,glibc-old",
        "--mode", "user,system", "--runs", "1", "--requests", "200", "--json",
    )  # fmt: skip


def test_one_call_runs_every_combination(everywhere: Any) -> None:
    assert everywhere.status == 0, everywhere.stderr
    seen = {(f["arch"], f["libc"], f["mode"]) for f in everywhere.document["figures"]}
    assert seen == set(PLACES)
    assert len(everywhere.document["environment"]["machines"]) == len(PLACES) == 16


@pytest.mark.parametrize(("arch", "libc", "mode"), PLACES, ids="-".join)
def test_all_figures_are_there_and_plausible(everywhere: Any, arch: str, libc: str, mode: str) -> None:
    place = {"arch": arch, "libc": libc, "mode": mode}
    figures = {name: everywhere.figure(name, **place) for name in [*TIMES, *MEMORY, "throughput"]}
    for name, figure in figures.items():
        assert figure["class"] == "EMULATED", name
        assert figure["workload"] == "healthd"
        assert figure["board"] is None
    for name in TIMES:
        assert 0 < figures[name]["value"] < 60
        assert figures[name]["unit"] == "s"
    for name in MEMORY:
        assert 2 * MEBIBYTE < figures[name]["value"] < 40 * MEBIBYTE
        assert figures[name]["unit"] == "B"
    assert figures["latency-p50"]["value"] <= figures["latency-p99"]["value"]
    assert 1 < figures["throughput"]["value"] < 100_000
    size = everywhere.figure("binary-size", **place)
    assert (size["class"], size["unit"]) == ("COUNTED", "B")
    assert MEBIBYTE < size["value"] < 16 * MEBIBYTE
    if mode == "system":
        assert everywhere.figure("vss-rest", **place)["value"] > figures["rss-rest"]["value"]


def test_healthd_reports_its_memory_in_64_mib_on_every_architecture(emulab: Callable[..., Any]) -> None:
    said = emulab(
        "run", "healthd", "--arch", ",".join(ARCHITECTURES), "--mode", "system", "--libc", "musl",
        "--memory", "64M", "--runs", "1", "--requests", "200", "--json",
    )  # fmt: skip
    assert said.status == 0, said.stderr
    for arch in ARCHITECTURES:
        assert 2 * MEBIBYTE < said.figure("rss-rest", arch=arch)["value"] < 40 * MEBIBYTE
        machine = next(m for m in said.document["environment"]["machines"] if m["arch"] == arch)
        assert machine["memory"] <= 64 * MEBIBYTE


def test_the_least_memory_is_found(emulab: Callable[..., Any]) -> None:
    said = emulab(
        "run", "healthd", "--arch", "arm64", "--libc", "musl", "--find-smallest-memory",
        "--memory", "64M", "--requests", "200", "--json",
    )  # fmt: skip
    assert said.status == 0, said.stderr
    least = said.figure("smallest-memory")["value"]
    assert 20 * MEBIBYTE <= least <= 60 * MEBIBYTE
    assert least % (4 * MEBIBYTE) == 0
    assert f"{int(least) // MEBIBYTE - 4} MiB: " in "".join(said.document["notes"])


@pytest.mark.parametrize("arch", ARCHITECTURES)
def test_three_deterministic_runs_give_the_same_nanoseconds(
    emulab: Callable[..., Any], programs: Any, arch: str
) -> None:
    seen = []
    for _ in range(3):
        said = emulab(
            "run", "./probe", "--arch", arch, "--deterministic", "--json", "--", "work", "3000", cwd=programs
        )
        assert said.status == 0, said.stderr
        # The figure, and what the program itself saw on its clock.
        own = re.findall(r"^[0-9a-f]{8} \d+$", said.stderr, re.MULTILINE)
        assert len(own) == 1, said.stderr
        seen.append((said.figure("run-time")["value"], own[0]))
    assert seen[0] == seen[1] == seen[2]
