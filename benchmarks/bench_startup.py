"""How long the command itself takes before it does anything: `emulab --help`, `emulab boards`."""

from __future__ import annotations

import sys

from measuring import Report, Row, arguments, command, in_turn, timed_command

TARGET_S = 0.3
VERBS = (("--help",), ("boards",), ("run", "--help"))


def main() -> None:
    options = arguments(__doc__ or "", runs=11, architectures=False).parse_args()
    report = Report("start-up of the command", options.as_json)
    lines = [[sys.executable, "-c", "pass"], *(command(*words) for words in VERBS)]
    for line in lines:  # bytecode and the page cache are warm from here on
        timed_command(line)
    bare, *verbs = in_turn(options.runs, [lambda line=line: timed_command(line)[0] for line in lines])
    rows = [Row(f"emulab {' '.join(w)}", values, TARGET_S) for w, values in zip(VERBS, verbs, strict=True)]
    ratios = tuple(one / other for one, other in zip(verbs[0], bare, strict=True))
    rows += [Row("bare Python", bare), Row("emulab --help / bare Python", ratios, unit="x")]
    report.add("command", rows)
    report.end()


if __name__ == "__main__":
    main()
