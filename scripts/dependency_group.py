"""Print a dependency group of pyproject.toml, one requirement a line, for pips older than 25.1."""

import sys
import tomllib
from pathlib import Path

project = tomllib.loads(Path("pyproject.toml").read_text())
print("\n".join(project["dependency-groups"][sys.argv[1]]))
