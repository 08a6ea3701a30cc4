"""Benchmarks of the standard library, counted twice: the second time while every processor is busy elsewhere.

    python benchmarks/bench_repeatability.py [ARCHITECTURE...]

For each architecture it prints insn/op of both, how far they differ, and of those that differ by more than
0.1 % the cause that `emulab bench` itself names. It ends with status 1 when fewer than 40 agree, or when one
differs of which no cause is named.
"""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

TOLERANCE = 1e-3
FEWEST = 40
CHOSEN = {
    "bytes": r"^BenchmarkIndexByte$/^(32|4K)$|^BenchmarkEqual$/^(64|4K)$|^BenchmarkToUpper$/^#0[12]$"
    r"|^BenchmarkWriteByte$|^BenchmarkBufferNotEmptyWriteRead$",
    "strings": r"^BenchmarkBuildString_Builder$|^BenchmarkByteByteReplaces$|^BenchmarkSingleMatch$",
    "sort": r"^BenchmarkSearchWrappers$|^BenchmarkSortInt1K$|^BenchmarkSortString1K$|^BenchmarkStableInt1K$",
    "strconv": r"^BenchmarkQuote$|^BenchmarkUnquoteHard$|^BenchmarkAppendQuoteRune$",
    "encoding/json": r"^BenchmarkCodeMarshal$|^BenchmarkCodeUnmarshal$|^BenchmarkUnmarshalInt64$"
    r"|^BenchmarkNumberIsValid$|^BenchmarkMarshalMap$",
    "encoding/binary": r"^BenchmarkReadStruct$|^BenchmarkWriteInts$|^BenchmarkPutUvarint64$",
    "compress/flate": r"^Benchmark(De|En)code$/^(Digits|Newton)$/^Default$/^1e4$"
    r"|^Benchmark(De|En)code$/^(Digits|Newton)$/^Speed$/^1e4$",
    "crypto/md5": r"^BenchmarkHash1K$|^BenchmarkHash8KUnaligned$",
    "crypto/sha256": r"^BenchmarkHash8K$/^(New|Sum224)$|^BenchmarkHash8Bytes$/^New$",
    "crypto/sha512": r"^BenchmarkHash1K$/^(New|Sum512)$",
    "crypto/aes": r"^Benchmark(En|De)crypt$|^BenchmarkCreateCipher$",
    "hash/crc32": r"^BenchmarkCRC32$/^poly=(IEEE|Castagnoli)$/^size=(1kB|4kB)$/^align=0$",
    "math/big": r"^BenchmarkGCD100x1000$|^BenchmarkExp$|^BenchmarkHilbert$|^BenchmarkFloatAdd$/^1000$"
    r"|^BenchmarkModSqrt225_3Mod4$",
    "math/bits": r"^BenchmarkLeadingZeros64$|^BenchmarkReverse32$|^BenchmarkDiv64$",
    "regexp": r"^BenchmarkLiteral$|^BenchmarkOnePassLongPrefix$|^BenchmarkCompile$/^Onepass$|^BenchmarkFind$",
    "container/heap": r"^BenchmarkDup$",
    "unicode/utf8": r"^BenchmarkRuneCountTenJapaneseChars$|^BenchmarkValidLongJapanese$"
    r"|^BenchmarkDecodeJapaneseRune$",
    "runtime": r"^BenchmarkMemmove$/^(64|4096)$|^BenchmarkMapAccessHit$/^Key=int64/Elem=int64$/^len=64$"
    r"|^BenchmarkMapIter$/^Key=int64/Elem=int64$/^len=64$|^BenchmarkSmallStrMap$|^BenchmarkMakeChan$/^Byte$"
    r"|^BenchmarkChanUncontended$|^BenchmarkChanProdCons10$|^BenchmarkMalloc16$|^BenchmarkMallocLargeStruct$",
}
"""The benchmarks, by package: some of each, small ones and large ones, so that it stays quick. What has none
in the standard library (compress/gzip, text/template) is in the module beside this file."""
MODULE = Path(__file__).resolve().parent / "module"


def main() -> int:
    """Print the table for each architecture and return the exit status."""
    architectures = sys.argv[1:] or ["arm64", "armv7", "riscv64"]
    return max([_architecture(name) for name in architectures])


def _architecture(name: str) -> int:
    quiet = _counts(name)
    with _busy():
        loaded = _counts(name)
    agreeing, unexplained = 0, []
    print(f"{name}: insn/op alone, insn/op beside other work, difference")
    for workload, (value, causes) in quiet.items():
        again, further = loaded.get(workload, (0.0, []))
        difference = abs(again - value) / max(value, again)
        agrees = difference <= TOLERANCE
        agreeing += agrees
        # One line a cause: both name the same ones, with other numbers.
        named = {cause.partition(":")[0]: cause for cause in [*causes, *further]}
        if not agrees and not named:
            unexplained.append(workload)
        cause = "" if agrees else "; ".join(named.values()) or "no cause is named"
        print(f"  {workload:72} {value:14.1f} {again:14.1f} {difference:9.4%} {cause}")
    print(f"  {agreeing} of {len(quiet)} agree within {TOLERANCE:.1%}")
    return 1 if agreeing < FEWEST or unexplained else 0


def _counts(architecture: str) -> dict[str, tuple[float, list[str]]]:
    found: dict[str, tuple[float, list[str]]] = {}
    standard = ["--bench", "|".join(CHOSEN.values()), *CHOSEN]
    for directory, words in ((Path.cwd(), standard), (MODULE, ["./..."])):
        with tempfile.NamedTemporaryFile() as output:
            command = [sys.executable, "-m", "emulab", "bench", "--arch", architecture, "--fresh", "--quiet"]
            subprocess.run(
                [*command, "-o", f"json={output.name}", "-o", "bench=/dev/null", *words],
                cwd=directory, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=False,
            )  # fmt: skip
            document = json.loads(Path(output.name).read_text())
        for figure in document["figures"]:
            if figure["name"] == "instructions":
                found[figure["workload"]] = figure["value"], figure["evidence"]["causes"]
    return found


@contextlib.contextmanager
def _busy() -> Iterator[None]:
    """Keep every processor busy."""
    spin = "while True: pass"
    others = [subprocess.Popen([sys.executable, "-c", spin]) for _ in range(os.cpu_count() or 1)]
    try:
        yield
    finally:
        for other in others:
            other.kill()
            other.wait()


if __name__ == "__main__":
    sys.exit(main())
