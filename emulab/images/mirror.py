"""Which Debian mirror packages come from: the setting, else the machine's own apt sources."""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterator

SETTING: Final = "EMULAB_DEBIAN_MIRROR"
SUITE: Final = "trixie"

_TIMEOUT_S = 3.0
_DEBIAN_SUITES = frozenset(
    {"buster", "bullseye", "bookworm", "trixie", "forky", "sid", "unstable", "testing"}
    | {"stable", "oldstable", "oldoldstable"}
)
_LIST_LINE = re.compile(r"^deb\s+(?:\[[^]]*\]\s+)?(https?://\S+)\s+(\S+)\s+(.*)$")


def sources_mirrors(apt: Path = Path("/etc/apt")) -> list[str]:
    """Return the mirrors of Debian's own suites that a machine's apt sources name, in their order."""
    found: list[str] = []
    for path in [apt / "sources.list", *sorted((apt / "sources.list.d").glob("*"))]:
        try:
            text = path.read_text(errors="replace")
        except OSError:
            continue
        rows = _deb822(text) if path.suffix == ".sources" else _one_line(text)
        found += [uri.rstrip("/") for uri, suites, components in rows if _is_debian(suites, components)]
    return list(dict.fromkeys(found))


def suite_names(mirror: str, suite: str = SUITE) -> list[str]:
    """Return the names under which a mirror carries a suite, best first; none when it does not answer.

    A mirror in the middle of its update can be broken under one name and whole under the other.
    Takes a few seconds at most.
    """
    names = []
    for name in (suite, "stable", "oldstable"):
        release = _fetch(f"{mirror}/dists/{name}/InRelease")
        if release is None:
            break
        if re.search(rf"^Codename: {suite}$", release, re.MULTILINE):
            names.append(name)
    return names


def chosen_mirror() -> str:
    """Return the mirror to use, "" when none is known that answers. An explicit setting is not doubted."""
    setting = os.environ.get(SETTING, "").rstrip("/")
    if setting:
        return setting
    return next((mirror for mirror in sources_mirrors() if suite_names(mirror)), "")


def _is_debian(suites: list[str], components: list[str]) -> bool:
    return "main" in components and any(suite in _DEBIAN_SUITES for suite in suites)


def _one_line(text: str) -> Iterator[tuple[str, list[str], list[str]]]:
    for line in text.splitlines():
        if match := _LIST_LINE.match(line.strip()):
            yield match.group(1), [match.group(2)], match.group(3).split()


def _deb822(text: str) -> Iterator[tuple[str, list[str], list[str]]]:
    for stanza in re.split(r"\n\s*\n", text):
        lines = [line for line in stanza.splitlines() if not line.startswith("#")]
        fields = {
            key.strip().lower(): value.split() for key, _, value in (line.partition(":") for line in lines)
        }
        if "deb" in fields.get("types", []) and fields.get("enabled", ["yes"]) != ["no"]:
            for uri in fields.get("uris", []):
                if uri.startswith(("http://", "https://")):
                    yield uri, fields.get("suites", []), fields.get("components", [])


def _fetch(url: str) -> str | None:
    """Return a text, "" if the server has none, None if it does not answer."""
    import urllib.error
    import urllib.request

    try:
        with urllib.request.urlopen(url, timeout=_TIMEOUT_S) as response:
            return str(response.read(4096).decode(errors="replace"))
    except urllib.error.HTTPError:
        return ""
    except (OSError, ValueError):
        return None
