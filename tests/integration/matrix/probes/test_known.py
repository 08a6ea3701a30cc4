"""What the table says of every probe is what is seen: on each architecture, C library and mode."""

from __future__ import annotations

from pathlib import Path

from emulab.matrix.probes.runner import ProbeRequest, run_probes
from emulab.matrix.probes.table import load_probes
from emulab.progress import Silent
from emulab.testing.request import TestRequest


def test_every_probe_says_what_is_known_of_it_on_every_machine() -> None:
    machines = TestRequest(
        (),
        Path(),
        architectures=("arm64", "armv7", "riscv64"),
        libcs=("musl", "glibc"),
        modes=("user", "system"),
    )
    table = load_probes()
    request = ProbeRequest(table.probe, tuple(machines.places()), machines.second_place)
    cells = run_probes(request, table, Silent(), lambda _: None, None)
    assert len(cells) == 12 * len(table.probe)
    others = [
        f"{cell.id} on {cell.place.target.title}: {cell.judgement.verdict}, known is {cell.known.verdict}; "
        f"{cell.judgement.reason} {cell.judgement.evidence}"
        for cell in cells
        if not cell.is_as_known
    ]
    assert not others, "\n".join(others)
