from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from emulab.boards import generic_board, load_catalogue
from emulab.inspection.compatibility import Subject, Verdict
from emulab.inspection.levels import Level
from emulab.inspection.linking import Linking
from emulab.inspection.offers import Offer
from emulab.inspection.program import ProgramFile
from emulab.inspection.sizes import PackageSize
from emulab.inspection.verdicts import Placed, fits
from emulab.report.inspection import facts_text, packages_text, sizes_text, verdicts_text
from emulab.toolchain.buildinfo import GoBuild, GoModule
from emulab.toolchain.elf_facts import ElfFacts
from emulab.toolchain.fitness import Misfit

GO = GoBuild(
    "go1.26.8", "example.com/thing", GoModule("example.com/thing", "v1.2.3"),
    tuple(GoModule(f"example.com/m{number}", "v1.0.0") for number in range(10)),
    (("CGO_ENABLED", "1"), ("GOARM64", "v8.0"), ("DefaultGODEBUG", "long")),
)  # fmt: skip
FACTS = ElfFacts(
    architecture="arm64", system="linux", kind="program", bits=64, endianness="little", float_abi=None,
    instruction_set="", interpreter="/lib/ld-linux-aarch64.so.1", needed=("libc.so.6",),
    symbol_versions=(("GLIBC", "2.34"),), dynamic=True, pie=True, stripped=True, segment_alignment=65536,
    sections=(), go=GO,
)  # fmt: skip
LINKING = Linking(needed=("libc.so.6",), search=("$ORIGIN/lib",))
PROGRAM = ProgramFile(
    Path("thing"), 3 << 20, Subject("thing", FACTS, LINKING, (Level("GOARM64=v8.1", ("atomics",)),)), True
)
OFFER = Offer("rootfs-glibc-old-arm64", "glibc-old", "arm64", "2.31")
REFUSED = Verdict(OFFER.name, (Misfit("version", "needs GLIBC_2.34", "build it against the older one"),))


def test_the_facts_of_a_dynamic_go_program_stand_a_line_each() -> None:
    text = facts_text(PROGRAM)
    for line in (
        "linux program, dynamic PIE, 3.00 MiB, stripped", "arm64; GOARM64=v8.1: atomics", "libc.so.6",
        "/lib/ld-linux-aarch64.so.1", "GLIBC_2.34", "$ORIGIN/lib", "go1.26.8 example.com/thing v1.2.3",
        "C code inside", "CGO_ENABLED=1 GOARM64=v8.0", "example.com/m7 v1.0.0 and 2 more",
    ):  # fmt: skip
        assert line in text, line
    assert "long" not in text


def test_a_static_program_has_no_lines_about_linking() -> None:
    facts = replace(FACTS, interpreter=None, needed=(), dynamic=False, pie=False, go=None)
    text = facts_text(ProgramFile(Path("thing"), 100, Subject("thing", facts, Linking()), None))
    assert "interpreter" not in text
    assert "cgo" not in text


def test_verdicts_show_the_reason_and_below_what_to_do_where_it_decides() -> None:
    board = load_catalogue().board("raspberry-pi-4")
    good = Verdict("rootfs-glibc-arm64")
    newer = Offer("rootfs-glibc-arm64", "glibc", "arm64", "2.41")
    placed = [Placed(board, OFFER, REFUSED, decides=True), Placed(board, newer, good, decides=False)]
    text = verdicts_text(placed)
    assert "glibc-old 2.31" in text
    assert "needs GLIBC_2.34" in text
    assert text.endswith("build it against the older one\n")
    assert not fits(placed, named=True)
    assert fits(placed, named=False)
    assert "build it against" not in verdicts_text([replace(placed[0], decides=False), placed[1]])


def test_a_verdict_in_a_document_names_the_board_but_no_generic_one() -> None:
    row = Placed(load_catalogue().board("raspberry-pi-4"), OFFER, REFUSED, decides=True).to_json()
    assert (row["board"], row["libc"], row["verdict"]) == ("raspberry-pi-4", "glibc-old", "fail")
    assert row["reason"] == "needs GLIBC_2.34"
    assert row["kinds"] == ["version"]
    generic = Placed(generic_board("arm64"), OFFER, Verdict(OFFER.name), decides=True).to_json()
    assert (generic["board"], generic["verdict"], generic["reason"]) == (None, "pass", None)


def test_sizes_say_what_stripping_and_position_independence_change() -> None:
    plain = ProgramFile(
        Path("thing"), 100, Subject("thing", replace(FACTS, pie=False), Linking()), has_c=False
    )
    text = sizes_text(plain, {"code": 2048, "data": 1024}, 4096, 512)
    assert "code   2.00 KiB" in text
    assert "4.00 KiB less in the file" in text
    assert "as PIE: about 512 B of relocations more" in text
    text = sizes_text(PROGRAM, {"code": 2048}, 0, 512)
    assert "no symbols to take away" in text
    assert "without PIE: 512 B of relocations less" in text


def test_a_stripped_program_shows_code_only_and_says_so() -> None:
    rows = [PackageSize("fmt", 2048, 0)]
    assert "stripped" in packages_text(rows, has_data=False)
    assert "data" not in packages_text(rows, has_data=False).splitlines()[0]
    assert "data" in packages_text(rows, has_data=True).splitlines()[0]
