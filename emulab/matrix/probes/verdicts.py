"""What a probe's line means: the machine's failure, the emulator's, or that it can not be there.

A probe that ends without its line has failed; that a machine lacks a capability is no failure, but no pass
either. In user mode a lack is the emulator's where a whole machine of the same kind has the capability.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import msgspec

from emulab.testing.verdicts import WHOLE_MACHINE, Judgement, Verdict, gap_in

if TYPE_CHECKING:
    from emulab.machines.protocol import Completed
    from emulab.matrix.probes.table import Known, Probe

Word = Literal["pass", "fail", "missing", "unsupported"]
_MOST_LINES = 5


class Line(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The line that a probe prints at its end.

    :param verdict: ``missing`` where the machine does not have what it looks for, ``unsupported`` where this
        can not be found out.
    """

    verdict: Word
    saw: str


@dataclass(frozen=True)
class Sighting:
    """What one run of a probe said.

    :param saw: a clause.
    :param evidence: lines of a probe that failed.
    """

    word: Word
    saw: str
    evidence: tuple[str, ...] = ()
    seconds: float = 0.0

    @property
    def is_good(self) -> bool:
        """Tell whether the capability is there and works."""
        return self.word == "pass"

    @property
    def asks_for_a_whole_machine(self) -> bool:
        """Tell whether, in user mode, it is left open whose doing it is."""
        return self.word in ("fail", "missing")


def sighting_of(stdout: bytes, stderr: bytes, ended: Completed, limit_s: float) -> Sighting:
    """Return what a probe's process said, however it ended."""
    said = tuple(line.strip() for line in stderr.decode(errors="replace").splitlines() if line.strip())
    seconds = ended.usage.wall_s
    if ended.timed_out:
        return Sighting("fail", f"it did not end within {limit_s:g} s", said[:_MOST_LINES], seconds)
    try:
        line = msgspec.json.decode(stdout.strip().rpartition(b"\n")[2], type=Line)
    except msgspec.DecodeError:
        evidence = said or tuple(stdout.decode(errors="replace").splitlines())
        return Sighting("fail", f"it {ended.ending()} and said nothing", evidence[:_MOST_LINES], seconds)
    if not ended.succeeded:
        return Sighting("fail", f"it {ended.ending()} after saying: {line.saw}", said[:_MOST_LINES], seconds)
    return Sighting(line.verdict, line.saw.strip(), said[:_MOST_LINES], seconds)


def judge_probe(
    probe: Probe, known: Known, mode: str, seen: Sighting, whole: Sighting | None = None
) -> Judgement:
    """Return the verdict on a probe.

    :param known: what is known of it there; it changes no verdict, and is named where that differs.
    :param whole: what it said on a whole machine, where that was asked.
    """
    verdict, reason, remedy = _verdict(probe, mode, seen, whole)
    evidence = seen.evidence if verdict is not Verdict.PASS else ()
    if verdict != known.verdict:
        why = f", since {known.reason}" if known.reason else ""
        evidence = (f"what is known of it is {known.verdict}{why}", *evidence)
    return Judgement(verdict, reason, remedy, 1 if seen.word in ("pass", "fail") else 0, evidence)


def _verdict(probe: Probe, mode: str, seen: Sighting, whole: Sighting | None) -> tuple[Verdict, str, str]:
    if seen.is_good:
        return Verdict.PASS, seen.saw, ""
    if mode == "user" and seen.word == "unsupported":
        return Verdict.UNSUPPORTED, seen.saw, WHOLE_MACHINE
    if mode == "user" and whole is not None:
        if whole.is_good:
            cause = gap_in("\n".join((seen.saw, *seen.evidence)))[1]
            reason = f"{seen.saw}{f' ({cause})' if cause else ''}; on a whole machine: {whole.saw}"
            return Verdict.EMULATOR_FAULT, reason, WHOLE_MACHINE
        if seen.word == "fail" and whole.word == "unsupported":
            # Nobody can say whose failure it is, so it is nobody's.
            reason = f"in user mode {seen.saw}; a whole machine does not show it: {whole.saw}"
            return Verdict.UNSUPPORTED, reason, probe.remedy
        if seen.word == "fail" and whole.word == "missing":
            return Verdict.UNSUPPORTED, whole.saw, probe.remedy
    verdict = Verdict.FAIL if seen.word == "fail" else Verdict.UNSUPPORTED
    return verdict, seen.saw, probe.remedy
