"""This computer counted, timed and predicted, with two small packages of Go's."""

from __future__ import annotations

import platform
from typing import TYPE_CHECKING

import pytest

from emulab.prediction.host import Choice, try_host
from emulab.progress import Silent

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.skipif(platform.machine() != "x86_64", reason="needs an amd64")


def test_two_benchmarks_are_counted_and_timed_and_a_third_is_predicted(tmp_path: Path) -> None:
    choice = Choice(
        fitted={"hash/fnv": ("Fnv64aKB",), "hash/adler32": ("Adler32KB",)}, judged={"crypto/md5": ("Hash1K",)}
    )
    trial = try_host((), tmp_path, None, Silent(), choice)
    assert trial.failures == ()
    rows = {row.timed.package: row for row in trial.judgement.rows}
    assert set(rows) == {"hash/fnv", "hash/adler32", "crypto/md5"}
    # FNV takes a multiplication and more for each of 1024 bytes, whatever the core.
    fnv = rows["hash/fnv"].timed
    assert 4 * 1024 < fnv.operation.instructions < 16 * 1024
    assert 0.2e-6 < fnv.seconds < 50e-6
    assert fnv.n == 7
    assert fnv.operation.isa == "amd64"
    (judged,) = trial.judgement.judged
    assert judged.timed.package == "crypto/md5"
    assert 0.2 < judged.seconds / judged.timed.seconds < 5
    assert 0.2e9 < trial.judgement.clock_hz < 20e9
