"""What ``openssl speed`` prints, of the three versions that are counted."""

from __future__ import annotations

import pytest

from emulab.bench.openssl_speed import blocks_done
from emulab.errors import WorkloadError


@pytest.mark.parametrize(
    "line",
    [
        "Doing aes-256-cbc for 1s on 16384 size blocks: 58421 aes-256-cbc's in 1.00s",
        "Doing AES-256-CBC for 1s on 16384 size blocks: 58421 AES-256-CBC's in 1.00s",
        "Doing AES-256-CBC ops for 1s on 16384 size blocks: 58421 AES-256-CBC ops in 1.00s",
    ],
)
def test_the_number_of_blocks_is_found(line: str) -> None:
    before = "You have chosen to measure elapsed time instead of user CPU time.\n"
    assert blocks_done(f"{before}{line}\n", 16384) == 58421


def test_a_run_that_does_not_say_it_is_told() -> None:
    with pytest.raises(WorkloadError, match="1024 bytes"):
        blocks_done("Doing aes-256-cbc for 1s on 16384 size blocks: 5 aes-256-cbc's in 1.00s", 1024)
