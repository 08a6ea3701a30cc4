"""What Go is told so that it runs the same code on this computer and on the emulated processor."""

from __future__ import annotations

from typing import TYPE_CHECKING

from emulab.boards.host import go_switches, processor

if TYPE_CHECKING:
    from pathlib import Path

_ALL = [
    "adx", "aes", "avx", "avx2", "avx512f", "avx512cd", "avx512bw", "avx512dq", "avx512vl", "bmi1", "bmi2",
    "fma", "pclmulqdq", "popcnt", "rdtscp", "sha_ni", "pni", "sse4_1", "sse4_2", "ssse3", "vpclmulqdq",
]  # fmt: skip


def test_what_qemu_lacks_and_what_does_not_count_is_off_on_a_computer_that_has_all() -> None:
    off = {each.removeprefix("cpu.").removesuffix("=off") for each in go_switches(_ALL)}
    assert off == {"avx512bw", "avx512cd", "avx512dq", "avx512f", "avx512vl", "vpclmulqdq", "erms", "fsrm"}


def test_what_this_computer_lacks_is_off_too() -> None:
    lacking = [flag for flag in _ALL if flag not in ("sha_ni", "bmi2")]
    assert set(go_switches(lacking)) - set(go_switches(_ALL)) == {"cpu.sha=off", "cpu.bmi2=off"}


def test_maker_family_and_model_are_read_from_the_kernel(tmp_path: Path) -> None:
    fields = {"processor": 0, "vendor_id": "AuthenticAMD", "cpu family": 26, "model": 2, "model name": "X"}
    (tmp_path / "cpuinfo").write_text("".join(f"{key}\t: {value}\n" for key, value in fields.items()) + "\n")
    assert processor(tmp_path) == ("AuthenticAMD", 26, 2)
    (tmp_path / "cpuinfo").write_text("")
    assert processor(tmp_path) == ("unknown", 0, 0)
