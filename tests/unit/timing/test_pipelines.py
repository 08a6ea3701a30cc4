"""Loops whose cycles can be counted by hand, from what the makers say of their pipelines."""

from __future__ import annotations

from dataclasses import dataclass

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from emulab.timing.core import Core, core_ids, load_core
from emulab.timing.decoding import decode_instruction
from emulab.timing.in_order import in_order_times
from emulab.timing.out_of_order import out_of_order_times
from tests.unit.timing.encodings import (
    add,
    add64,
    addi,
    bne,
    divu,
    ld,
    ldp64,
    ldr64,
    mul,
    mul64,
    mulhu,
    rate,
    sd,
)  # fmt: skip

U74, X60, A53, A72 = "sifive-u74", "spacemit-x60", "cortex-a53", "cortex-a72"


@dataclass(frozen=True)
class _Loop:
    core: str
    words: tuple[int, ...]
    cycles: float


@pytest.mark.parametrize(
    "loop",
    [
        # Results are there one cycle later, whichever ALU made them.
        _Loop(U74, (add(5, 5, 6),) * 8, 8),
        _Loop(X60, (add(5, 5, 6),) * 8, 8),
        _Loop("xuantie-c906", (add(5, 5, 6),) * 8, 8),
        _Loop("xuantie-c910", (add(5, 5, 6),) * 8, 8),
        # What does not depend on each other issues in pairs.
        _Loop(U74, (add(5, 6, 6), add(7, 6, 6)) * 4, 4),
        _Loop(X60, (add(5, 6, 6), add(7, 6, 6)) * 4, 4),
        _Loop("xuantie-c906", (add(5, 6, 6), add(7, 6, 6)) * 4, 8),
        _Loop("sifive-u54", (add(5, 6, 6), add(7, 6, 6)) * 4, 8),
        # Addresses wait for a load two cycles more; sums do not, they are made in the late ALU.
        _Loop(U74, (ld(5, 5),), 3),
        _Loop(U74, (ld(5, 6), add(7, 5, 7)) * 4, 4),
        _Loop(X60, (ld(5, 5),), 2),
        _Loop("xuantie-c906", (ld(5, 5),), 2),
        _Loop("xuantie-c910", (ld(5, 5),), 3),
        # A late sum is too late for an address: load, sum, address of the next load.
        _Loop(U74, (ld(5, 6), add(6, 5, 7)), 4),
        # Stores need their data last.
        _Loop(U74, (ld(5, 6), sd(5, 7)) * 2, 4),
        # One multiplication per cycle, its result after three; nothing helps a chain.
        _Loop(U74, (mul(5, 5, 6),) * 4, 12),
        _Loop(U74, (mulhu(5, 5, 6),) * 4, 12),
        _Loop(U74, (mul(5, 6, 6), mul(7, 6, 6)) * 4, 8),
        _Loop(X60, (mulhu(5, 5, 6),) * 4, 24),
        _Loop(X60, (mul(5, 6, 6), mul(7, 6, 6)) * 4, 4),
        # The divider is not pipelined; its pipe takes other things meanwhile.
        _Loop(U74, (divu(5, 6, 7), divu(8, 6, 7)), 74),
        _Loop(U74, (divu(5, 6, 7), *(add(8, 6, 7), mul(9, 6, 7)) * 10), 37),
        # Memory and branches have a pipe each, so a load issues beside a multiplication.
        _Loop(U74, (ld(5, 6), mul(7, 8, 8)) * 4, 4),
        _Loop(U74, (ld(5, 6), ld(7, 6)) * 4, 8),
        _Loop(X60, (ld(5, 6), ld(7, 6)) * 4, 8),
        _Loop(X60, (ld(5, 6), sd(7, 8)) * 4, 4),
    ],
    ids=lambda loop: f"{loop.core}-{loop.words[0]:08x}x{len(loop.words)}-{loop.cycles:g}",
)
def test_riscv_loops_take_what_their_pipelines_say(loop: _Loop) -> None:
    assert rate(loop.core, "riscv64", loop.words) == pytest.approx(loop.cycles)


@pytest.mark.parametrize(
    "loop",
    [
        _Loop(A53, (add64(0, 0, 1),) * 8, 8),
        _Loop(A53, (add64(0, 1, 1), add64(2, 1, 1)) * 4, 4),
        _Loop(A53, (ldr64(0, 0),), 3),
        _Loop("cortex-a55", (ldr64(0, 0),), 2),
        _Loop("cortex-a76", (ldr64(0, 0),), 4),
        # A pair of 64-bit registers takes the load pipe for two cycles.
        _Loop(A53, (ldp64(0, 3, 2),) * 4, 8),
        _Loop(A53, (ldr64(0, 2),) * 4, 4),
        _Loop(A72, (add64(0, 0, 1),) * 8, 8),
        # Two integer pipes, whatever the width of dispatch.
        _Loop(A72, (add64(0, 1, 1), add64(2, 1, 1)) * 4, 4),
        _Loop(A72, (ldr64(0, 0),), 4),
        _Loop(A72, (ldr64(0, 2),) * 4, 4),
        _Loop(A72, (mul64(0, 0, 1),) * 2, 10),
        _Loop(A72, (mul64(0, 1, 1),) * 2, 6),
        _Loop("cortex-a76", (add64(0, 1, 1), add64(2, 1, 1), add64(3, 1, 1)) * 4, 4),
        _Loop("cortex-a76", (ldr64(0, 2),) * 4, 2),
    ],
    ids=lambda loop: f"{loop.core}-{loop.words[0]:08x}x{len(loop.words)}-{loop.cycles:g}",
)
def test_arm_loops_take_what_their_pipelines_say(loop: _Loop) -> None:
    assert rate(loop.core, "arm64", loop.words) == pytest.approx(loop.cycles, abs=0.1)


def test_out_of_order_work_hides_behind_a_chain() -> None:
    chain = [mul64(0, 0, 1)] * 2
    work = [add64(2, 1, 1), ldr64(3, 4), add64(5, 1, 1)]
    assert rate(A72, "arm64", chain + work) == pytest.approx(rate(A72, "arm64", chain), abs=0.1)
    # In order, what needs the product waits at issue, and all that stands behind it as well.
    use = [add64(2, 0, 1), ldr64(3, 2), add64(5, 3, 3), *work]
    assert rate(A72, "arm64", chain + use) == pytest.approx(rate(A72, "arm64", chain), abs=0.1)
    assert rate(A53, "arm64", chain + use) > rate(A53, "arm64", chain) + 0.9


def test_a_small_window_hides_less() -> None:
    core = load_core(A72)
    words = [mul64(0, 0, 1), *[add64(2, 1, 1)] * 30, mul64(3, 3, 1), *[add64(5, 1, 1)] * 30]
    narrow = Core("narrow", msgspec.structs.replace(core.facts, window=8))
    assert rate(narrow, "arm64", words) > rate(core, "arm64", words)


def test_a_full_queue_before_a_pipe_stops_what_comes_after() -> None:
    # Multiplications of 99 cycles and a chain of sums of as many: where few may wait before their pipes, the
    # sums are held up behind the multiplications, and these behind the sums.
    words = [mul64(3, 4, 5)] * 33 + [add64(6, 6, 7)] * 99
    core = load_core(A72)
    endless = Core(A72, msgspec.structs.replace(core.facts, queue=0))
    assert rate(core, "arm64", words) > 1.2 * rate(endless, "arm64", words)


@pytest.mark.parametrize(("offset", "waits"), [(0, True), (16, False)])
def test_out_of_order_a_load_waits_for_the_store_that_it_reads_of(offset: int, waits: bool) -> None:
    # str x0, [sp]; ldr x0, [sp, #offset]; add x0, x0, x7: a chain through memory.
    words = [0xF90003E0, 0xF94003E0 | offset // 8 << 10, add64(0, 0, 7)]
    taken = rate(A72, "arm64", words)
    assert taken == pytest.approx(6 if waits else 1, abs=0.5)


def test_a_bit_field_of_two_registers_takes_the_a72_three_cycles() -> None:
    two, one = 0x93C00C00 | 1 << 16, 0x93C00C00  # extr x0, x0, x1, #3; ror x0, x0, #3
    assert rate(A72, "arm64", [two] * 4) == 12
    assert rate(A72, "arm64", [one] * 4) == 4


def test_a_taken_branch_ends_what_is_fetched() -> None:
    # 9 words of 4 bytes are five pieces of 8; with the branch, the loop's tenth word fills the fifth.
    body = [addi(register, 6) for register in range(10, 19)]
    straight = rate(U74, "riscv64", [*body, addi(19, 6)])
    assert straight == pytest.approx(5)
    assert rate(U74, "riscv64", [*body, bne(6, 0, -36)], loops=True) == pytest.approx(5)
    # A loop of one instruction in two words uses one piece of code per round.
    assert rate(U74, "riscv64", [addi(10, 6), bne(6, 0, -4)], loops=True) == pytest.approx(1)


def test_the_bubble_of_a_taken_branch_is_added() -> None:
    core = load_core(U74)
    slow = Core("slow", msgspec.structs.replace(core.facts, taken_bubble=3))
    loop = [addi(10, 6), bne(6, 0, -4)]
    assert rate(slow, "riscv64", loop, loops=True) == pytest.approx(
        rate(core, "riscv64", loop, loops=True) + 3
    )


def test_a_branch_that_is_not_taken_costs_a_bubble_where_fetching_limits() -> None:
    core = load_core(U74)
    without = Core("without", msgspec.structs.replace(core.facts, passed_bubble=0))
    words = [addi(10, 6), bne(6, 0, 64), addi(11, 6), addi(12, 6)]
    assert rate(without, "riscv64", words) == pytest.approx(2)
    assert rate(core, "riscv64", words) == pytest.approx(4)
    # Where instructions wait for each other anyway, fetching is ahead.
    chain = [mul(5, 5, 6), bne(6, 0, 64), mul(5, 5, 6)]
    assert rate(core, "riscv64", chain) == rate(without, "riscv64", chain)


def test_a_load_waits_for_what_was_stored_a_moment_ago() -> None:
    loop = [sd(5, 2, 16), addi(2, 2, -8), ld(6, 2, 24), addi(2, 2, 8)]
    elsewhere = [sd(5, 2, 16), addi(2, 2, -8), ld(6, 2, 32), addi(2, 2, 8)]
    core = load_core(U74)
    at_once = Core("at-once", msgspec.structs.replace(core.facts, store_to_load=0))
    assert rate(core, "riscv64", elsewhere) == rate(at_once, "riscv64", loop)
    # Four cycles from the store to the load, and two more to the next store.
    assert rate(core, "riscv64", loop) == pytest.approx(6, abs=1)
    assert rate(core, "riscv64", loop) > rate(core, "riscv64", elsewhere)


_RISCV = st.one_of(
    st.builds(add, *[st.integers(5, 12)] * 3),
    st.builds(mul, *[st.integers(5, 12)] * 3),
    st.builds(divu, *[st.integers(5, 12)] * 3),
    st.builds(ld, st.integers(5, 12), st.integers(5, 12)),
    st.builds(sd, st.integers(5, 12), st.integers(5, 12)),
)


def _end(core: Core, words: list[int], extra: int | None = None) -> float:
    steps = [core.step(decode_instruction("riscv64", word, 4)) for word in words]
    run = in_order_times if core.facts.kind == "in-order" else out_of_order_times
    return run(core.facts, steps, [4 * place for place in range(len(words))], [False] * len(words))[-1]


@given(
    st.lists(_RISCV, min_size=1, max_size=25),
    _RISCV,
    st.sampled_from([U74, X60, "xuantie-c906", "sifive-u54"]),
)
def test_one_more_instruction_never_takes_less(words: list[int], more: int, name: str) -> None:
    core = load_core(name)
    assert _end(core, [*words, more]) >= _end(core, words)


@given(st.lists(_RISCV, min_size=1, max_size=25), st.sampled_from(["xuantie-c910", U74, X60, "xuantie-c906"]))
def test_longer_latencies_never_take_less(words: list[int], name: str) -> None:
    core = load_core(name)
    groups = {
        key: msgspec.structs.replace(group, latency=group.latency + 2) if key == "load" else group
        for key, group in core.facts.groups.items()
    }
    slower = Core("slower", msgspec.structs.replace(core.facts, groups=groups))
    # With a choice of pipes, what comes later may move between them by a cycle.
    assert _end(slower, words) >= _end(core, words) - 1


@given(st.lists(_RISCV, min_size=1, max_size=25))
def test_a_wider_core_is_never_slower(words: list[int]) -> None:
    core = load_core(U74)
    wide = Core("wide", msgspec.structs.replace(core.facts, issue=4, fetch_bytes=16))
    # The fraction of the last cycle counts in widths, so whole cycles are compared.
    assert int(_end(wide, words) - 1e-9) <= int(_end(core, words) - 1e-9) + 0


@pytest.mark.parametrize("name", core_ids())
def test_every_core_does_at_most_its_width(name: str) -> None:
    core = load_core(name)
    word, isa = (0x00000013, "riscv64") if "riscv64" in core.facts.isas else (0xE3A00001, "armv7")
    if core.facts.isas == ("amd64",):
        word, isa = 0x00C0FFC8, "amd64"
    assert rate(core, isa, [word] * 12) >= 12 / core.facts.issue


@pytest.mark.parametrize(("name", "cycles"), [("cortex-a76", 2), ("cortex-a78ae", 2), ("cortex-a72", 3)])
def test_a_round_of_aes_takes_its_first_instruction_alone(name: str, cycles: int) -> None:
    # aese v0.16b, v16.16b; aesmc v0.16b, v0.16b
    assert rate(name, "arm64", [0x4E284A00, 0x4E286800]) == pytest.approx(cycles)
