"""What the Go linker writes into a program about its build: ``go version -m`` without a go command.

The layout (Go 1.18 and later): 16 bytes of header, which are the magic, the pointer size and a flag
byte with bit 1 set, zeros up to offset 32, then two strings, each behind its length as an unsigned
varint: the Go version, and the module information between two sentinels of 16 bytes. The module
information is lines of tab-separated fields: ``path``, ``mod``, ``dep``, ``=>`` and ``build``.
"""

from __future__ import annotations

import json
from dataclasses import dataclass

_MAGIC = b"\xff Go buildinf:"
_ALIGNMENT = 16
_HEADER_SIZE = 32
_INLINE_STRINGS = 0x2
_SENTINEL_SIZE = 16
_LONGEST_STRING = 16 << 20


@dataclass(frozen=True)
class GoModule:
    """A module that a program was built from.

    :param path: the module's path.
    :param version: its version, ``(devel)`` for a working tree, or empty.
    :param replaced_by: ``path version`` of what a ``replace`` directive put in its place, or empty.
    """

    path: str
    version: str
    replaced_by: str = ""


@dataclass(frozen=True)
class GoBuild:
    """How a Go program was built.

    :param version: Go's version as the program has it, ``go1.24.11``.
    :param path: the import path of its main package.
    :param module: its main module, or ``None``.
    :param dependencies: the other modules in it.
    :param settings: the build's settings, such as ``("GOARM", "7")`` and ``("-tags", "netgo")``.
    """

    version: str
    path: str
    module: GoModule | None
    dependencies: tuple[GoModule, ...]
    settings: tuple[tuple[str, str], ...]

    def setting(self, name: str) -> str:
        """Return a build setting, or an empty string when the program has none of that name."""
        return next((value for key, value in self.settings if key == name), "")


def parse_build_info(data: bytes) -> GoBuild | None:
    """Return the build information that ``data`` (a section or segment) holds, else ``None``.

    Information of Go before 1.18, whose strings are pointers into other sections, gives ``None``.
    """
    start = data.find(_MAGIC)
    while start >= 0 and start % _ALIGNMENT:
        start = data.find(_MAGIC, start + 1)
    if start < 0 or len(data) < start + _HEADER_SIZE or not data[start + 15] & _INLINE_STRINGS:
        return None
    version, end = _string(data, start + _HEADER_SIZE)
    information, _ = _string(data, end)
    if not version:
        return None
    lines = information[_SENTINEL_SIZE:-_SENTINEL_SIZE] if len(information) >= 2 * _SENTINEL_SIZE else b""
    return _parse_lines(version.decode(errors="replace"), lines.decode(errors="replace"))


def _string(data: bytes, offset: int) -> tuple[bytes, int]:
    length, shift = 0, 0
    while offset < len(data) and shift < 64:
        byte = data[offset]
        offset += 1
        length |= (byte & 0x7F) << shift
        shift += 7
        if byte < 0x80:
            break
    if length > _LONGEST_STRING or offset + length > len(data):
        return b"", len(data)
    return data[offset : offset + length], offset + length


def _parse_lines(version: str, lines: str) -> GoBuild:
    path, module = "", None
    dependencies: list[GoModule] = []
    settings: list[tuple[str, str]] = []
    for line in lines.splitlines():
        kind, _, rest = line.partition("\t")
        fields = [*rest.split("\t"), "", ""]
        if kind == "path":
            path = rest
        elif kind == "mod":
            module = GoModule(fields[0], fields[1])
        elif kind == "dep":
            dependencies.append(GoModule(fields[0], fields[1]))
        elif kind == "=>" and dependencies:
            replaced = dependencies[-1]
            dependencies[-1] = GoModule(replaced.path, replaced.version, f"{fields[0]} {fields[1]}".strip())
        elif kind == "build":
            settings.append(_setting(rest))
    return GoBuild(version, path, module, tuple(dependencies), tuple(settings))


def _setting(text: str) -> tuple[str, str]:
    """Split ``key=value``, either of which Go quotes when it holds a blank or a quote."""
    if text.startswith('"'):
        key, end = _quoted(text)
        value = text[end + 1 :]
    else:
        key, _, value = text.partition("=")
    if value.startswith('"'):
        value, _ = _quoted(value)
    return key, value


def _quoted(text: str) -> tuple[str, int]:
    try:
        value, end = json.JSONDecoder().raw_decode(text)
    except ValueError:  # an escape of Go's that JSON has not: show it as it is
        return text, len(text)
    return str(value), end
