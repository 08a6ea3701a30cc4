"""How far predictions are off for benchmarks of Go's standard library on the computer that this runs on.

What `emulab calibrate host` prints, with targets; the computer should do nothing else meanwhile.
"""

from __future__ import annotations

import sys
from pathlib import Path

from emulab.cli.display import progress_shown
from emulab.prediction.host import try_host
from emulab.report.host import host_table

MEDIAN, P90 = 0.10, 0.25
FEWEST = 60


def main() -> int:
    """Print the table, and whether the targets are met."""
    with progress_shown(quiet=False) as progress:
        trial = try_host((), Path.cwd(), None, progress)
    judgement = trial.judgement
    sys.stdout.write(host_table(judgement))
    met = True
    for name, value, target in (
        ("median error", judgement.quantile(0.5), MEDIAN),
        ("error at the 90th percentile", judgement.quantile(0.9), P90),
    ):
        met &= value <= target
        verdict = "met" if value <= target else "MISSED"
        sys.stdout.write(f"{name}: {value:.1%}, target <= {target:.0%}: {verdict}\n")
    number = len(judgement.judged)
    met &= number >= FEWEST
    verdict = "met" if number >= FEWEST else "MISSED"
    sys.stdout.write(f"benchmarks judged: {number}, target >= {FEWEST}: {verdict}\n")
    return 0 if met else 1


if __name__ == "__main__":
    sys.exit(main())
