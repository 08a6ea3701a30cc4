"""What a root filesystem has for programs that are not static: dynamic linkers, libraries, symbols.

It is a fact of the built image, read once from its files and kept as a document.
"""

from __future__ import annotations

import io
import posixpath
import re
import tarfile
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from emulab.architectures import ARCHITECTURES
from emulab.inspection.linking import Linking, linking_from_json, linking_of

if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import IO

_ELF = b"\x7fELF"
_PLACES = re.compile(r"/(usr/(local/)?)?lib(/[a-z0-9_]+-linux-(gnu|musl)[a-z]*)?")
_LINKER = re.compile(r"ld[-.0-9a-z]*\.so\.\d+|ld-linux-[-a-z0-9]+\.so\.\d+|ld-musl-[-a-z0-9]+\.so\.1")
_GLIBC = re.compile(rb"GNU C Library [^\n]*version (\d+(?:\.\d+)+)")
_MOST_LINKS = 40


@dataclass(frozen=True)
class Offer:
    """What a root filesystem offers to a dynamic program.

    :param name: the image's name, ``rootfs-glibc-old-armv7``.
    :param libc: ``musl``, ``glibc`` or ``glibc-old``.
    :param architecture: emulab's name of it.
    :param glibc: the version of its glibc, such as ``2.31``; None where it has none.
    :param interpreters: the paths of the dynamic linkers that it has.
    :param links: path to target of each symbolic link to a directory or a library.
    :param libraries: path, free of links, to what the library there says.
    """

    name: str
    libc: str
    architecture: str
    glibc: str | None = None
    interpreters: tuple[str, ...] = ()
    links: Mapping[str, str] = field(default_factory=dict)
    libraries: Mapping[str, Linking] = field(default_factory=dict)

    @property
    def c_library(self) -> str:
        """Return ``musl`` or ``glibc``."""
        return "musl" if self.libc == "musl" else "glibc"

    def resolve(self, path: str) -> str:
        """Return the path with every symbolic link followed."""
        for _ in range(_MOST_LINKS):
            parts = path.strip("/").split("/")
            for end in range(1, len(parts) + 1):
                prefix = "/" + "/".join(parts[:end])
                if prefix in self.links:
                    target = posixpath.join(posixpath.dirname(prefix), self.links[prefix])
                    path = posixpath.normpath(posixpath.join(target, *parts[end:]))
                    break
            else:
                return posixpath.normpath("/" + path.strip("/"))
        return path

    def has_interpreter(self, path: str) -> bool:
        """Tell whether a dynamic linker is there."""
        return self.resolve(path) in {self.resolve(each) for each in self.interpreters}

    def search_path(self, *, musl: bool) -> tuple[str, ...]:
        """Return the directories that a dynamic linker looks in by itself, in order.

        glibc's are Debian's; musl's are those of its ``ldso/dynlink.c``. There is no cache of ldconfig's.
        """
        if musl:
            return ("/lib", "/usr/local/lib", "/usr/lib")
        triplet = ARCHITECTURES[self.architecture].triplet
        return (f"/lib/{triplet}", f"/usr/lib/{triplet}", "/lib", "/usr/lib")

    def library(self, path: str) -> Linking | None:
        """Return the library at a path, None where there is none."""
        return self.libraries.get(self.resolve(path))

    def to_json(self) -> dict[str, Any]:
        """Return it as a value that JSON can hold."""
        return {
            "name": self.name,
            "libc": self.libc,
            "architecture": self.architecture,
            "glibc": self.glibc,
            "interpreters": list(self.interpreters),
            "links": dict(self.links),
            "libraries": {path: library.to_json() for path, library in self.libraries.items()},
        }


def offer_from_json(value: Mapping[str, Any]) -> Offer:
    """Return the offer that :meth:`Offer.to_json` wrote."""
    return Offer(
        name=value["name"],
        libc=value["libc"],
        architecture=value["architecture"],
        glibc=value["glibc"],
        interpreters=tuple(value["interpreters"]),
        links=dict(value["links"]),
        libraries={path: linking_from_json(each) for path, each in value["libraries"].items()},
    )


def _glibc(library: bytes) -> str | None:
    """Return the version that glibc's own text in it names."""
    found = _GLIBC.search(library)
    return found[1].decode() if found is not None else None


def read_offer(name: str, libc: str, architecture: str, root: IO[bytes]) -> Offer:
    """Return what a root filesystem offers, from its tar archive.

    :param name: what it is called.
    :param root: an uncompressed tar archive that can be sought in.
    """
    links: dict[str, str] = {}
    contents: dict[str, bytes] = {}
    with tarfile.open(fileobj=root, mode="r:") as archive:
        for member in archive:
            path = posixpath.normpath("/" + member.name)
            if member.issym() and (_PLACES.fullmatch(path) or _PLACES.fullmatch(posixpath.dirname(path))):
                links[path] = member.linkname
            elif member.islnk() and _PLACES.fullmatch(posixpath.dirname(path)):
                links[path] = posixpath.normpath("/" + member.linkname)
            elif member.isfile() and _PLACES.fullmatch(posixpath.dirname(path)):
                stream = archive.extractfile(member)
                content = stream.read() if stream is not None else b""
                if content.startswith(_ELF):
                    contents[path] = content
    libraries = {path: linking_of(io.BytesIO(content)) for path, content in contents.items()}
    versions = (
        _GLIBC.search(contents[path]) for path, each in libraries.items() if each.soname == "libc.so.6"
    )
    glibc = next((version[1].decode() for version in versions if version is not None), None)
    offer = Offer(name, libc, architecture, glibc, (), links, libraries)
    names = [path for path in (*contents, *links) if _LINKER.fullmatch(posixpath.basename(path))]
    found = [path for path in names if offer.resolve(path) in libraries]
    return replace(offer, interpreters=tuple(sorted(found)))
