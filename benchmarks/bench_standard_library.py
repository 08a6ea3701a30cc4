"""The standard library's tests as a load: what emulab test says of forty packages on every architecture.

Every ``fail`` that is printed is one that a whole machine repeated, so it should be the package's own, or a
need that the root filesystem does not meet; ``emulator-fault`` is what one look alone would have blamed on
the package.

Usage: ``python benchmarks/bench_standard_library.py [PACKAGE...]``
"""

from __future__ import annotations

import sys
from collections import Counter
from pathlib import Path

from emulab.progress import Silent
from emulab.testing.request import TestRequest
from emulab.testing.runner import test

PACKAGES = (
    "bufio", "bytes", "cmp", "compress/flate", "compress/gzip", "container/heap", "container/list", "context",
    "crypto/aes", "crypto/hmac", "crypto/md5", "crypto/sha256", "encoding/base64", "encoding/binary",
    "encoding/csv", "encoding/hex", "encoding/json", "encoding/xml", "errors", "expvar", "flag", "fmt",
    "hash/crc32", "hash/fnv", "html", "io", "io/fs", "log", "maps", "math", "math/bits", "math/rand", "mime",
    "net/url", "os/exec", "path/filepath", "regexp", "slices", "sort", "strconv", "strings", "sync",
    "text/template", "time", "unicode/utf8",
)  # fmt: skip


def main() -> None:
    """Test and print what was found."""
    request = TestRequest(
        packages=tuple(sys.argv[1:]) or PACKAGES,
        directory=Path(__file__).parent,
        architectures=("arm64", "armv7", "riscv64"),
        libcs=("glibc",),
        flags=("-test.short",),
        timeout_s=300,
    )
    result = test(request, Silent(), lambda _: None, None)
    for cell in result.cells:
        if cell.judgement.verdict != "pass":
            print(f"{cell.judgement.verdict:15} {cell.package} on {cell.place.target.title}")
            print(f"    {cell.judgement.reason}")
            for line in cell.judgement.evidence:
                print(f"    | {line}")
    found = Counter(str(cell.judgement.verdict) for cell in result.cells)
    tests = sum(cell.judgement.tests for cell in result.cells)
    print(f"{len(result.cells)} cells, {tests} tests: {dict(found)}")


if __name__ == "__main__":
    main()
