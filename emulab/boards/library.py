"""The files of the catalogue: where they are, how they inherit, each read at most once."""

from __future__ import annotations

import difflib
import tomllib
from pathlib import Path
from typing import TYPE_CHECKING, Any

from emulab.boards.checking import check_file
from emulab.boards.merging import merge_all
from emulab.boards.schema import BoardFile, CoreFile, ModelFile
from emulab.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Iterator

    import msgspec

SHIPPED = Path(__file__).resolve().parent / "catalogue"

SCHEMAS: dict[str, type[msgspec.Struct]] = {
    "boards": BoardFile,
    "generic": BoardFile,
    "socs": BoardFile,
    "cores": CoreFile,
    "models": ModelFile,
}


class Library:
    """Catalogue files in one or more directories, which are searched in order.

    A directory has a folder for each kind (``boards``, ``socs``, ``cores``, ``models``, ``generic``);
    the boards of a user's directory lie in it directly.
    """

    def __init__(self, directories: tuple[Path, ...] = (SHIPPED,)) -> None:
        self.directories = directories
        self._read: dict[Path, dict[str, Any]] = {}

    def files(self, kind: str) -> dict[str, Path]:
        """Return the files of a kind by id, without reading them.

        :raises UsageError: two directories have one of the same id.
        """
        found: dict[str, Path] = {}
        for directory in self.directories:
            for path in sorted(_folder(directory, kind).glob("*.toml")):
                if path.stem == "aliases":
                    continue
                if path.stem in found:
                    raise UsageError(
                        f"{self.shown(path)}: {kind}/{path.stem} is already there as"
                        f" {self.shown(found[path.stem])}; rename one of the files"
                    )
                found[path.stem] = path
        return found

    def find(self, kind: str, identifier: str) -> Path | None:
        """Return the file of a kind and id, or ``None``."""
        for directory in self.directories:
            path = _folder(directory, kind) / f"{identifier}.toml"
            if path.is_file():
                return path
        return None

    def document(self, path: Path, kind: str) -> dict[str, Any]:
        """Return a file merged over everything that it inherits, each checked by itself.

        Parents count in the order in which they are named, a later one overriding an earlier one.

        :raises UsageError: a file is unreadable, not TOML, has an unknown field or one of the wrong
            type, inherits itself or what is not there.
        """
        return merge_all(self._layers(path, kind, ()))

    def part(self, kind: str, identifier: str, named_by: Path, field: str) -> dict[str, Any]:
        """Return the merged document of a core or model that a field of another file names.

        :raises UsageError: there is none of that id, or as for :meth:`document`.
        """
        path = self.find(kind, identifier)
        if path is None:
            known = sorted(self.files(kind))
            raise UsageError(
                f"{self.shown(named_by)}: field `{field}` names {identifier!r},"
                f" but there is no {kind}/{identifier}.toml; known are {', '.join(known)}"
            )
        return self.document(path, kind)

    def shown(self, path: Path) -> str:
        """Return a path as its reader knows it: within the catalogue, or from the current directory."""
        if path.is_relative_to(SHIPPED):
            return str(Path("catalogue") / path.relative_to(SHIPPED))
        here = Path.cwd()
        return str(path.relative_to(here)) if path.is_relative_to(here) else str(path)

    def _layers(self, path: Path, kind: str, heirs: tuple[Path, ...]) -> Iterator[dict[str, Any]]:
        document = self._load(path, kind)
        for reference in document.get("inherits", ()):
            parent, parent_kind = self._parent(reference, path, kind)
            if parent in (*heirs, path):
                chain = " -> ".join(self.shown(p) for p in (*heirs, path, parent))
                raise UsageError(
                    f"{self.shown(path)}: field `inherits` goes in a circle ({chain});"
                    f" remove {reference!r} from it"
                )
            yield from self._layers(parent, parent_kind, (*heirs, path))
        yield {key: value for key, value in document.items() if key != "inherits"}

    def _parent(self, reference: str, heir: Path, kind: str) -> tuple[Path, str]:
        """Find what ``inherits`` names: ``socs/bcm2712``, or a file's path relative to its heir."""
        if reference.endswith(".toml"):
            path = (heir.parent / reference).resolve()
            if path.is_file():
                return path, kind
            raise UsageError(
                f"{self.shown(heir)}: field `inherits` names {reference!r}, and there is no file {path};"
                " correct the path"
            )
        parent_kind, _, identifier = reference.partition("/")
        found = self.find(parent_kind, identifier) if SCHEMAS.get(parent_kind) is SCHEMAS[kind] else None
        if found is None:
            kinds = [name for name, schema in SCHEMAS.items() if schema is SCHEMAS[kind]]
            known = [f"{name}/{i}" for name in kinds for i in self.files(name)]
            nearest = difflib.get_close_matches(reference, known, n=1, cutoff=0.4) or known[:1]
            raise UsageError(
                f"{self.shown(heir)}: field `inherits` names {reference!r}, which is not there;"
                f" write it like {nearest[0]!r}, or a path that ends in .toml"
            )
        return found, parent_kind

    def _load(self, path: Path, kind: str) -> dict[str, Any]:
        if path not in self._read:
            document = read_toml(path, self.shown(path))
            check_file(document, SCHEMAS[kind], self.shown(path))
            self._read[path] = document
        return self._read[path]


def _folder(directory: Path, kind: str) -> Path:
    return directory if kind == "boards" and directory != SHIPPED else directory / kind


def read_toml(path: Path, shown: str) -> dict[str, Any]:
    """Return the content of a TOML file.

    :param shown: how to name the file to its writer.
    :raises UsageError: it cannot be read or is not TOML.
    """
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise UsageError(
            f"{shown}: cannot be read ({error.strerror}); give the path of a board file"
        ) from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise UsageError(f"{shown}: is not valid TOML, correct it: {error}") from error
