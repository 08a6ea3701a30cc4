"""What instructions read and write, and the files of cores."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING

import pytest

from emulab.boards import load_catalogue
from emulab.errors import UsageError
from emulab.profiling.disassembly import disassembler
from emulab.timing.core import SHIPPED, core_ids, load_core, read_core
from emulab.timing.decoding import decode_instruction
from emulab.timing.instruction import FLAGS, FP, Instruction

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.parametrize(
    ("isa", "word", "size", "expected"),
    [
        ("riscv64", 0x00C58533, 4, Instruction("integer", 4, (11, 12), writes=(10,))),  # add a0, a1, a2
        ("riscv64", 0x20C5A533, 4, Instruction("integer.shift-add", 4, (11, 12), writes=(10,))),  # sh1add
        ("riscv64", 0x6B85D513, 4, Instruction("integer.reverse", 4, (11,), writes=(10,))),  # rev8
        ("riscv64", 0x60059513, 4, Instruction("integer.count", 4, (11,), writes=(10,))),  # clz
        ("riscv64", 0x60259513, 4, Instruction("integer.popcount", 4, (11,), writes=(10,))),  # cpop
        ("riscv64", 0x6085D513, 4, Instruction("integer.rotate", 4, (11,), writes=(10,))),  # rori
        ("riscv64", 0x02C5B533, 4, Instruction("multiply.long", 4, (11, 12), writes=(10,))),  # mulhu
        ("riscv64", 0x02C5D53B, 4, Instruction("divide.word", 4, (11, 12), writes=(10,))),  # divuw
        ("riscv64", 0x0085B503, 4, Instruction("load", 4, (), (11,), writes=(10,), offset=8)),
        ("riscv64", 0x00A5B423, 4, Instruction("store", 4, (), (11,), (10,), offset=8)),
        ("riscv64", 0xFEA5BC23, 4, Instruction("store", 4, (), (11,), (10,), offset=-8)),
        ("riscv64", 0xFF810113, 4, Instruction("integer", 4, (2,), writes=(2,), offset=-8)),  # addi sp
        ("riscv64", 0x02C5F553, 4, Instruction("fp.double", 4, (FP + 11, FP + 12), writes=(FP + 10,))),
        (
            "riscv64", 0x6AC5F543, 4,
            Instruction("fp.fused.double", 4, (FP + 11, FP + 12), (), (FP + 13,), (FP + 10,)),
        ),
        ("riscv64", 0x852E, 2, Instruction("integer", 2, (11,), writes=(10,))),  # c.mv a0, a1
        ("riscv64", 0x952E, 2, Instruction("integer", 2, (10, 11), writes=(10,))),  # c.add a0, a1
        ("riscv64", 0x6588, 2, Instruction("load", 2, (), (11,), writes=(10,), offset=8)),  # c.ld a0, 8(a1)
        ("riscv64", 0xE506, 2, Instruction("store", 2, (), (2,), (1,), offset=136)),  # c.sdsp ra
        ("riscv64", 0x8082, 2, Instruction("return", 2, (), (1,))),
        ("arm64", 0xAB020020, 4, Instruction("integer", 4, (1, 2), writes=(FLAGS, 0))),  # adds
        ("arm64", 0x9B020C20, 4, Instruction("multiply", 4, (1, 2), (), (3,), (0,))),  # madd
        ("arm64", 0xB4000040, 4, Instruction("branch", 4, (0,))),  # cbz
        ("arm64", 0xA8C17BFD, 4, Instruction("load.pair", 4, (), (31,), (), (29, 30), (31,), 2)),
        ("arm64", 0xD65F03C0, 4, Instruction("return", 4, (), (30,))),
        ("armv7", 0xE0900001, 4, Instruction("integer", 4, (0, 1), writes=(0, FLAGS))),  # adds
        ("armv7", 0x00800001, 4, Instruction("integer", 4, (0, 1, FLAGS), (), (0,), (0,))),  # addeq
        ("armv7", 0xE0A43291, 4, Instruction("multiply.long", 4, (1, 2), (), (3, 4), (3, 4))),  # umlal
        ("armv7", 0xE92D4010, 4, Instruction("store.many", 4, (), (13,), (4, 14), (), (13,), 2)),  # push
        ("armv7", 0xE49DF004, 4, Instruction("return", 4, (), (13,), base=(13,))),  # pop {pc}
        ("amd64", 0xD80148, 3, Instruction("integer", 3, (0, 3), writes=(FLAGS, 0))),  # add rax, rbx
        ("amd64", 0x24048B48, 4, Instruction("load", 4, (), (4,), (), (0,), offset=0)),  # mov rax, [rsp]
        ("amd64", 0x24040148, 4, Instruction("integer.update", 4, (), (4,), (0,), (FLAGS,), offset=0)),
        ("amd64", 0xF075, 2, Instruction("branch", 2, (FLAGS,))),
    ],
)  # fmt: skip
def test_instructions_read_and_write_what_their_manual_says(
    isa: str, word: int, size: int, expected: Instruction
) -> None:
    assert decode_instruction(isa, word, size) == expected


def test_riscv_registers_are_those_that_the_disassembler_finds() -> None:
    random.seed(1)
    made = type(disassembler("riscv64"))(disassembler("riscv64").arch, disassembler("riscv64")._mode)
    made.detail = True
    compared = 0
    for _ in range(30_000):
        word = random.getrandbits(32)
        size = 4 if word & 3 == 3 else 2
        word &= (1 << 8 * size) - 1
        found = next(made.disasm(word.to_bytes(size, "little"), 0), None)
        if found is None or found.size != size:
            continue
        ours = decode_instruction("riscv64", word, size)
        name = str(found.mnemonic)
        if not ours.group.startswith(("integer", "load", "store", "multiply", "divide", "branch", "fp")):
            continue
        if name.startswith(
            ("c.nop", "c.unimp", "unimp", "nop", "lui", "auipc", "c.slli64", "c.srli64", "c.srai64")
        ):
            continue
        known = {str(found.reg_name(each.reg)) for each in found.operands if each.type == 1}
        known |= {str(found.reg_name(each.mem.base)) for each in found.operands if each.type == 3}
        mine = {*ours.data, *ours.address, *ours.late, *ours.writes}
        names = {_abi(each) for each in mine}
        assert known - {"zero", "0"} <= names | {"sp", "ra"}, (hex(word), name, found.op_str, ours)
        compared += 1
    assert compared > 3_000


_ABI = ["zero", "ra", "sp", "gp", "tp", "t0", "t1", "t2", "s0", "s1", *[f"a{n}" for n in range(8)],
        *[f"s{n}" for n in range(2, 12)], *[f"t{n}" for n in range(3, 7)]]  # fmt: skip
_ABI_FP = [*[f"ft{n}" for n in range(8)], "fs0", "fs1", *[f"fa{n}" for n in range(8)],
           *[f"fs{n}" for n in range(2, 12)], *[f"ft{n}" for n in range(8, 12)]]  # fmt: skip


def _abi(register: int) -> str:
    return _ABI[register] if register < FP else _ABI_FP[register - FP] if register < 2 * FP else ""


@pytest.mark.parametrize("isa", ["riscv64", "arm64", "armv7"])
def test_any_word_can_be_decoded_and_timed(isa: str) -> None:
    random.seed(2)
    cores = [load_core(each) for each in core_ids() if isa in load_core(each).facts.isas]
    for _ in range(4_000):
        word = random.getrandbits(32)
        size = 2 if isa == "riscv64" and word & 3 != 3 else 4
        for core in cores:
            core.step(decode_instruction(isa, word & ((1 << 8 * size) - 1), size))


def test_any_amd64_code_can_be_decoded_and_timed() -> None:
    random.seed(3)
    core = load_core("x86-64")
    for _ in range(4_000):
        core.step(decode_instruction("amd64", random.getrandbits(64), 8))


def test_every_core_of_a_board_that_runs_go_has_a_pipeline() -> None:
    catalogue = load_catalogue()
    boards = [catalogue.board(each) for each in catalogue.ids() if each != "host"]
    needed = {cluster.core.id for board in boards if board.runs_go for cluster in board.clusters}
    assert needed - {"this-computer"} <= set(core_ids())


@pytest.mark.parametrize("name", core_ids())
def test_a_core_says_where_its_numbers_come_from(name: str) -> None:
    facts = load_core(name).facts
    told = {source.partition(".")[0] for source in facts.sources}
    numbers = {"issue", "window", "retire", "fetch_bytes", "mispredict", "taken_bubble"}
    given = {each for each in numbers if getattr(facts, each)}
    assert given - told == set()
    assert "groups" in facts.sources


def _edited(tmp_path: Path, old: str, new: str) -> Path:
    text = (SHIPPED / "sifive-u74.toml").read_text()
    assert old in text
    path = tmp_path / "mine.toml"
    path.write_text(text.replace(old, new, 1))
    return path


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("issue = 2", "isue = 2", r"mine.toml: unknown field `isue`, did you mean `issue`\?"),
        ("issue = 2", 'issue = "2"', r"mine.toml: field `issue` is '2': expected `int`"),
        ("mispredict = 5", "", r"mine.toml: field `mispredict` is missing"),
        ('pipes = ["A", "B"]\nstages', 'pipes = ["C"]\nstages', r"field `groups.integer.pipes` names 'C'"),
        ("[groups.divide]", "[groups.divisor]", r"field `groups` lacks divide"),
        ("stages = [0, 2]", "stages = [2, 0]", r"`groups.integer.stages` must be ascending"),
        ('kind = "in-order"', 'kind = "out-of-order"', r"field `window` is missing"),
        ('fetch_ahead = "', 'ahead = "', r"field `sources` has 'ahead'"),
    ],
)  # fmt: skip
def test_a_wrong_file_of_a_core_is_told_by_file_and_field(
    tmp_path: Path, old: str, new: str, message: str
) -> None:
    with pytest.raises(UsageError, match=message):
        read_core(_edited(tmp_path, old, new))


def test_an_unknown_core_is_told() -> None:
    with pytest.raises(UsageError, match="no pipeline is known of the core 'z80'"):
        load_core("z80")
