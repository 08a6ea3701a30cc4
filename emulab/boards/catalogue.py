"""The catalogue of boards: what there is, under every name that people use for it."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

from emulab.architectures import ARCHITECTURES, architecture
from emulab.boards.assembly import assemble
from emulab.boards.library import SHIPPED, Library, read_toml
from emulab.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from emulab.boards.board import Board

HOST = "host"
_GENERIC = "generic-"
_ID = re.compile(r"[a-z0-9]+([.-][a-z0-9]+)*")


class Catalogue:
    """Boards by id; a file is read when its board is asked for, and not before."""

    def __init__(self, library: Library) -> None:
        self._library = library
        self._boards: dict[str, Board] = {}
        self._aliases: dict[str, str] | None = None

    def ids(self) -> tuple[str, ...]:
        """Return the ids of all boards, sorted; generic targets are not among them."""
        return tuple(sorted(self._library.files("boards")))

    def boards(self) -> Iterator[Board]:
        """Yield all boards in the order of their ids."""
        for identifier in self.ids():
            yield self.board(identifier)

    def board(self, name: str) -> Board:
        """Return the board of an id, an alias (``rpi5``), or a file (``./my-board.toml``).

        :raises UsageError: there is none, or its file is not right.
        """
        if name.endswith(".toml") or "/" in name:
            return self._board_of_file(Path(name).expanduser())
        identifier = name if name in self._boards else self.canonical(name)
        if identifier not in self._boards:
            self._boards[identifier] = self._load(identifier)
        return self._boards[identifier]

    def generic(self, spelling: str) -> Board:
        """Return the target that stands for an architecture when no board is named.

        :raises UsageError: the architecture is not known.
        """
        return self.board(_GENERIC + architecture(spelling).name)

    def canonical(self, name: str) -> str:
        """Return the id that a name means: an id, an alias, or either in another spelling.

        :raises UsageError: no board has that name; the message has the nearest ids.
        """
        wanted = name.strip().lower()
        if self._library.find("boards", wanted) is not None or wanted in _generic_ids():
            return wanted
        ids = self.ids()
        names = {_plain(alias): target for alias, target in self.aliases().items()}
        names |= {_plain(identifier): identifier for identifier in ids}
        found = names.get(_plain(wanted))
        if found is not None:
            return found
        nearest = self._nearest(wanted)
        listed = ", ".join(nearest[:-1]) + (" and " if len(nearest) > 1 else "") + nearest[-1]
        raise UsageError(
            f"unknown board {name!r}; the nearest known {'is' if len(nearest) == 1 else 'are'} {listed}",
            hint="`emulab boards` lists all; a file of your own is named by its path, ./my-board.toml",
        )

    def aliases(self) -> dict[str, str]:
        """Return the aliases, and the id that each stands for.

        :raises UsageError: an alias stands for no board.
        """
        if self._aliases is None:
            self._aliases = {}
            for directory in self._library.directories:
                path = directory / "aliases.toml"
                if path.is_file():
                    self._aliases |= self._read_aliases(path)
        return self._aliases

    def _read_aliases(self, path: Path) -> dict[str, str]:
        shown = self._library.shown(path)
        aliases = read_toml(path, shown)
        for alias, identifier in aliases.items():
            if not isinstance(identifier, str) or self._library.find("boards", identifier) is None:
                raise UsageError(
                    f"{shown}: field `{alias}` is {identifier!r}, which is no board;"
                    f" name one of {', '.join(self.ids())}"
                )
        return aliases

    def _nearest(self, wanted: str) -> list[str]:
        import difflib

        names = {_plain(identifier): identifier for identifier in self.ids()}
        names |= {_plain(alias): target for alias, target in self.aliases().items()}
        close = difflib.get_close_matches(_plain(wanted), names, n=6, cutoff=0.3) or list(names)[:3]
        return list(dict.fromkeys(names[name] for name in close))[:3]

    def _load(self, identifier: str) -> Board:
        if identifier in _generic_ids():
            path = SHIPPED / "generic" / f"{identifier.removeprefix(_GENERIC)}.toml"
            return assemble(self._library, path, "generic", identifier)
        path = self._library.find("boards", identifier) or Path(identifier)
        live = None
        if identifier == HOST:
            from emulab.boards.host import facts

            live = facts()
        return assemble(self._library, path, "boards", identifier, live)

    def _board_of_file(self, path: Path) -> Board:
        identifier = path.name.removesuffix(".toml")
        if not path.is_file():
            raise UsageError(
                f"there is no board file {path}",
                hint="correct the path; `emulab boards` lists the boards known by name",
            )
        if not _ID.fullmatch(identifier):
            raise UsageError(
                f"{path}: the file's name is the board's id, and {identifier!r} is none;"
                " rename the file to small letters, digits and hyphens, my-board.toml"
            )
        if self._library.find("boards", identifier) not in (None, path, path.resolve()):
            raise UsageError(
                f"{path}: the catalogue has a board {identifier!r} already;"
                " rename the file, so that results can be told apart"
            )
        directories = (path.parent.resolve(), *self._library.directories)
        library = Library(tuple(dict.fromkeys(directories)))
        return assemble(library, path.resolve(), "boards", identifier)


def load_catalogue(directories: Sequence[Path] = ()) -> Catalogue:
    """Return the catalogue that ships with emulab, with the boards in the user's directories.

    :param directories: each holds board files (``*.toml``) and may have folders ``socs``, ``cores``
        and ``models`` for what they inherit or name.
    :raises UsageError: a directory does not exist.
    """
    for directory in directories:
        if not directory.is_dir():
            raise UsageError(
                f"there is no directory of boards {directory}", hint="correct the path or make the directory"
            )
    return Catalogue(Library((*(d.resolve() for d in directories), SHIPPED)))


def generic_board(spelling: str) -> Board:
    """Return the target that stands for an architecture (``arm64``, ``armv7``, ``riscv64``).

    :raises UsageError: the architecture is not known.
    """
    return load_catalogue().generic(spelling)


def _generic_ids() -> tuple[str, ...]:
    return tuple(_GENERIC + name for name in ARCHITECTURES)


def _plain(name: str) -> str:
    return re.sub(r"[^a-z0-9]", "", name.lower())
