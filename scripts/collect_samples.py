"""Make ``calibration/samples`` from the collections: ``collect_samples.py DIRECTORY [OUT]``.

The directory holds ``go-board-samples.csv``, ``sbc-bench-samples.csv.gz`` and ``boards-hardware.csv``.
The same collections give the same files, byte for byte.
"""

import shutil
import sys
from pathlib import Path

from emulab.calibration.collected_go import read_collected_go
from emulab.calibration.collected_sbc import read_collected_sbc
from emulab.calibration.files import samples_directory, write


def collect(collections: Path, out: Path) -> None:
    """Write every session of the collections, in the place of those that were made before."""
    for kind in ("go", "sbc-bench"):
        shutil.rmtree(out / kind, ignore_errors=True)
    for record in read_collected_go(collections / "go-board-samples.csv"):
        write(record, out / "go" / f"{record.session.id}.csv")
    runs = read_collected_sbc(collections / "sbc-bench-samples.csv.gz", collections / "boards-hardware.csv")
    for record in runs:
        write(record, out / "sbc-bench" / f"{record.session.id.removeprefix('sbc-bench-')}.csv.gz")


if __name__ == "__main__":
    collect(Path(sys.argv[1]), Path(sys.argv[2]) if len(sys.argv) > 2 else samples_directory())
