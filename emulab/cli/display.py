"""What a person sees while a command works, and the output options that verbs share.

Progress goes to stderr: drawn over itself on a terminal, otherwise one plain line where a step begins,
one where it ends, and one now and then between.
"""

from __future__ import annotations

import contextlib
import json
import os
import sys
import threading
import time
from typing import IO, TYPE_CHECKING, Any, TypeVar

import click

from emulab.progress import Silent

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from types import TracebackType

    from emulab.progress import Progress, Step

_F = TypeVar("_F", bound="Callable[..., Any]")

_PLAIN_INTERVAL_S = 5.0
_WORTH_A_LINE_S = 1.0


def is_animated(stream: IO[str]) -> bool:
    """Tell whether a stream is a terminal whose user has not asked for plain text (``NO_COLOR``)."""
    plain = os.environ.get("NO_COLOR") or os.environ.get("TERM") == "dumb"
    return stream.isatty() and not plain


@contextlib.contextmanager
def progress_shown(*, quiet: bool = False, above: Any = None) -> Iterator[Progress]:
    """Show progress on stderr while the block runs.

    :param quiet: show nothing.
    :param above: what rich draws above it, where it is drawn over itself.
    """
    if quiet:
        yield Silent()
    elif progress_is_animated():
        with AnimatedProgress(above) as progress:
            yield progress
    else:
        yield PlainProgress(sys.stderr)


def progress_is_animated() -> bool:
    """Tell whether progress is drawn over itself, rather than written in lines."""
    return is_animated(sys.stderr) and not _commands_are_shown()


def _commands_are_shown() -> bool:
    """Tell whether command lines go to stderr too, where an animation would overwrite them."""
    import logging

    return logging.getLogger("emulab.commands").isEnabledFor(logging.DEBUG)


class PlainProgress:
    """Progress as lines, for logs and pipes.

    :param stream: where they go.
    :param interval_s: a step in between says something at most this often.
    :param clock: seconds that only go forward.
    """

    def __init__(
        self,
        stream: IO[str],
        *,
        interval_s: float = _PLAIN_INTERVAL_S,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._stream = stream
        self._lock = threading.Lock()
        self.interval_s = interval_s
        self.clock = clock

    def step(self, title: str) -> Step:
        """Say that a step begins."""
        self.note(f"{title} ...")
        return _PlainStep(self, title)

    def note(self, text: str) -> None:
        """Write one line."""
        with self._lock:
            self._stream.write(f"emulab: {text}\n")
            self._stream.flush()


class _PlainStep:
    def __init__(self, progress: PlainProgress, title: str) -> None:
        self._progress = progress
        self._title = title
        self._began = self._said = progress.clock()
        self._last = ""

    def update(self, text: str, *, done: float | None = None, total: float | None = None) -> None:
        now = self._progress.clock()
        if now - self._said < self._progress.interval_s:
            return
        share = _share(done, total)
        line = f"{text} ({share:.0%})" if share is not None else text
        if line != self._last:
            self._said, self._last = now, line
            self._progress.note(f"{self._title}: {line} [{now - self._began:.0f} s]")

    def __enter__(self) -> _PlainStep:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        took = self._progress.clock() - self._began
        self._progress.note(f"{self._title}: {'done' if kind is None else 'failed'} in {took:.1f} s")


class AnimatedProgress:
    """Progress drawn over itself; what took long leaves one line behind.

    :param above: what rich draws above it.
    """

    def __init__(self, above: Any = None) -> None:
        from rich.console import Console
        from rich.progress import BarColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

        self._bars = _below(Progress, above)(
            SpinnerColumn(),
            TextColumn("{task.description}", markup=False),
            _bar_where_known(BarColumn)(bar_width=20),
            TimeElapsedColumn(),
            TextColumn("{task.fields[text]}", style="dim", markup=False, table_column=_last_column()),
            console=Console(stderr=True, highlight=False),
            transient=True,
            # stdout is data: it is neither redirected nor captured.
            redirect_stdout=False,
        )

    def __enter__(self) -> AnimatedProgress:
        self._bars.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._bars.stop()

    def step(self, title: str) -> Step:
        """Draw a step until it ends."""
        return _AnimatedStep(self, title)

    def note(self, text: str) -> None:
        """Write a line above what is drawn."""
        self._bars.console.print(text, markup=False, soft_wrap=True)

    def begin(self, title: str) -> Any:
        """Add a bar and return its id."""
        return self._bars.add_task(title, total=None, text="")

    def change(self, bar: Any, text: str, done: float | None, total: float | None) -> None:
        """Redraw a bar."""
        self._bars.update(bar, completed=done or 0.0, total=total, text=text)

    def end(self, bar: Any) -> None:
        """Take a bar away."""
        self._bars.remove_task(bar)


class _AnimatedStep:
    def __init__(self, progress: AnimatedProgress, title: str) -> None:
        self._progress = progress
        self._title = title
        self._began = time.monotonic()
        self._bar = progress.begin(title)

    def update(self, text: str, *, done: float | None = None, total: float | None = None) -> None:
        self._progress.change(self._bar, text, done, total)

    def __enter__(self) -> _AnimatedStep:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._progress.end(self._bar)
        took = time.monotonic() - self._began
        if kind is not None:
            self._progress.note(f"✗ {self._title} ({took:.1f} s)")
        elif took >= _WORTH_A_LINE_S:
            self._progress.note(f"✓ {self._title} ({took:.1f} s)")


def _below(base: type[Any], above: Any) -> type[Any]:
    """Return bars that are drawn below something else."""

    class Below(base):  # type: ignore[misc]
        def get_renderables(self) -> Any:
            if above is not None:
                yield above
            yield from super().get_renderables()

    return Below


def _last_column() -> Any:
    """Return a column that is cut, not folded, where the terminal ends."""
    from rich.table import Column

    return Column(ratio=1, no_wrap=True, overflow="ellipsis")


def _bar_where_known(base: type[Any]) -> type[Any]:
    """Return a bar that is drawn only where it is known how much there is to do."""

    class KnownBar(base):  # type: ignore[misc]
        def render(self, task: Any) -> Any:
            return super().render(task) if task.total else ""

    return KnownBar


def _share(done: float | None, total: float | None) -> float | None:
    return min(1.0, done / total) if done is not None and total else None


def json_option(function: _F) -> _F:
    """Add ``--json`` (as ``as_json``) to a verb."""
    return click.option("--json", "as_json", is_flag=True, help="Print one JSON document on stdout.")(
        function
    )


def document_options(formats: str) -> Callable[[_F], _F]:
    """Return what adds ``--json`` (as ``as_json``) and ``--output`` to a verb that has a result document.

    :param formats: what it can be written as, as the help says it.
    """

    def add(function: _F) -> _F:
        output = click.option(
            "-o",
            "--output",
            multiple=True,
            metavar="FORMAT=PATH",
            help=f"Write {formats}; PATH - is the standard output. [repeatable]",
        )
        return json_option(output(function))

    return add


def yes_option(function: _F) -> _F:
    """Add ``--yes`` to a verb that asks before it acts."""
    return click.option("--yes", "-y", is_flag=True, help="Do not ask.")(function)


def quiet_option(function: _F) -> _F:
    """Add ``--quiet`` to a verb that shows progress."""
    return click.option("--quiet", "-q", is_flag=True, help="Show no progress.")(function)


def print_json(document: Mapping[str, Any]) -> None:
    """Print a document on stdout."""
    click.echo(json.dumps(document, indent=2, ensure_ascii=False))


def confirmed(question: str, *, yes: bool) -> bool:
    """Ask on the terminal; without one only ``--yes`` agrees."""
    if yes:
        return True
    return sys.stdin.isatty() and sys.stderr.isatty() and click.confirm(question, err=True, default=True)


def colored(text: str, color: str) -> str:
    """Return text in a colour where stdout is a terminal that may have one."""
    return click.style(text, fg=color) if is_animated(sys.stdout) else text
