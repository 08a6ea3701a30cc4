"""Which program a figure of sbc-bench is of."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from emulab.calibration.rated_programs import PROGRAMS, rated_of
from emulab.calibration.schema import Flag, Sample, Session

if TYPE_CHECKING:
    from typing import Any

ROCK = Session("one", "somewhere", device="Radxa ROCK 5B", soc="Rockchip RK3588", arch="arm64")
PI = Session("two", "somewhere", device="Raspberry Pi 4 B", soc="Broadcom BCM2711", arch="arm64")


def _aes(**changes: Any) -> Sample:
    settings = {"openssl": "3.0.11", "block": "16384", **changes.pop("settings", {})}
    fields = {"workload": "openssl.aes-256-cbc", "core": "cortex-a76", **changes}
    return Sample(figure="throughput", value=1.6384e9, unit="B/s", settings=settings, **fields)


def _seven_zip(**settings: str) -> Sample:
    given = {"version": "16.02", "threads": "1", "dicts": "22-25", **settings}
    return Sample("7-zip.single-thread.compress", "rating", 3201e6, "1/s", "cortex-a76", settings=given)


def test_a_figure_of_openssl_is_the_time_of_a_block() -> None:
    found = rated_of(ROCK, _aes())
    assert found is not None
    assert (found.program.place, found.operation) == ("openssl-3.0-arm64-aes.ops", "aes-256-cbc/16384")
    assert found.seconds == pytest.approx(1e-5)


def test_the_letters_of_a_release_do_not_matter_but_its_series_does() -> None:
    found = [rated_of(ROCK, _aes(settings={"openssl": each})) for each in ("1.1.1d", "1.1.1w", "1.1.1")]
    assert {each.program.version for each in found if each is not None} == {"1.1.1"}
    assert all(rated_of(ROCK, _aes(settings={"openssl": each})) is None for each in ("1.1.0f", "3.2.4"))


def test_a_chip_without_the_instructions_has_the_other_code() -> None:
    without = rated_of(PI, _aes(core="cortex-a72"))
    assert without is not None
    assert without.program.variant == "neon"
    newer = rated_of(Session("three", "", soc="Broadcom BCM2712", arch="arm64"), _aes())
    assert newer is not None
    assert newer.program.variant == "aes"


def test_a_figure_of_seven_zip_is_the_time_of_a_million_commands() -> None:
    found = rated_of(ROCK, _seven_zip())
    assert found is not None
    assert (found.program.place, found.operation) == ("7-zip-16.02-arm64.ops", "compress/cortex-a76")
    assert found.seconds == pytest.approx(1 / 3201)


@pytest.mark.parametrize("settings", [{"threads": "4"}, {"version": "23.01"}, {"dicts": "18-21"}])
def test_other_runs_of_seven_zip_do_not_count(settings: dict[str, str]) -> None:
    assert rated_of(ROCK, _seven_zip(**settings)) is None


def test_what_is_flagged_or_measures_the_calls_does_not_count() -> None:
    assert rated_of(ROCK, _aes(flags=(Flag.THROTTLED,), reasons=("it fell",))) is None
    assert rated_of(ROCK, _aes(settings={"block": "16"})) is None
    assert rated_of(ROCK, _aes(core="")) is None


def test_every_program_has_a_file_of_its_own() -> None:
    assert len({program.place for program in PROGRAMS}) == len(PROGRAMS)
