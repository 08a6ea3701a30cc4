"""Progress of long work, as a seam: whoever works reports steps, whoever shows them decides how."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from types import TracebackType


class Step(Protocol):
    """One piece of long work; a context manager that ends when the work does."""

    def update(self, text: str, *, done: float | None = None, total: float | None = None) -> None:
        """Say what is happening now and, where it is known, how much of how much is done."""

    def __enter__(self) -> Step: ...

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None: ...


class Progress(Protocol):
    """Where steps are shown. Safe to use from several threads."""

    def step(self, title: str) -> Step:
        """Begin a piece of work that takes longer than a moment."""

    def note(self, text: str) -> None:
        """Say one line that stays."""


class SilentStep:
    """A step that shows nothing."""

    def update(self, text: str, *, done: float | None = None, total: float | None = None) -> None:
        """Ignore it."""

    def __enter__(self) -> SilentStep:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        return None


class Silent:
    """Progress that shows nothing."""

    def step(self, title: str) -> Step:
        """Begin a step that shows nothing."""
        return SilentStep()

    def note(self, text: str) -> None:
        """Ignore it."""
