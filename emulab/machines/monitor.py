"""QEMU's monitor (QMP), driven with the qemu.qmp package from synchronous code."""

from __future__ import annotations

import asyncio
import contextlib
import importlib
import threading
from typing import TYPE_CHECKING, Any, Self

from emulab.errors import MachineError

if TYPE_CHECKING:
    import socket
    from collections.abc import Coroutine, Sequence

_TIMEOUT_S = 10.0


def load_monitor() -> None:
    """Import what a monitor needs, so that the first one need not."""
    importlib.import_module("qemu.qmp")


class Monitor:
    """A QMP session over a connected socket, served by an event loop on its own thread."""

    def __init__(self, connection: socket.socket) -> None:
        """Negotiate capabilities.

        :raises MachineError: QEMU does not answer.
        """
        from qemu.qmp import QMPClient

        self._client = QMPClient("emulab")
        self._loop = asyncio.new_event_loop()
        # An emulator that dies breaks the package's own readers too; the command that waits says so.
        self._loop.set_exception_handler(lambda _loop, _context: None)
        self._thread = threading.Thread(target=self._loop.run_forever, name="qmp", daemon=True)
        self._thread.start()
        # The package logs what this class turns into errors, and its loop those that nobody awaits any more.
        self._client.logger.disabled = True
        self._loop.set_exception_handler(lambda *_: None)
        try:
            self._await(self._client.connect(connection), "greet")
        except MachineError:
            self._stop_loop()
            raise

    def execute(self, command: str, **arguments: Any) -> Any:
        """Run a QMP command and return its answer; ``_`` in argument names becomes ``-``.

        :raises MachineError: QEMU refused it, or is gone.
        """
        named = {name.replace("_", "-"): value for name, value in arguments.items()}
        return self._await(self._client.execute(command, named or None), command)

    def execute_all(self, commands: Sequence[tuple[str, dict[str, Any]]]) -> None:
        """Run QMP commands in their order, without waiting for one's answer before the next is sent.

        :raises MachineError: QEMU refused one, or is gone.
        """

        async def together() -> None:
            await asyncio.gather(*(self._client.execute(name, given or None) for name, given in commands))

        self._await(together(), ", ".join(name for name, _ in commands))

    def await_migration(self, *, timeout_s: float = _TIMEOUT_S) -> None:
        """Wait until the migration under way (in or out) has ended.

        :raises MachineError: it failed, with QEMU's reason.
        """

        async def poll() -> None:
            while True:
                answer: dict[str, Any] = await self._client.execute("query-migrate")  # type: ignore[assignment]
                status = answer.get("status", "none")
                if status == "completed":
                    return
                if status in ("failed", "cancelled"):
                    raise MachineError(
                        f"QEMU could not move the machine's state: {answer.get('error-desc', status)}"
                    )
                await asyncio.sleep(0.001)

        self._await(poll(), "migrate", timeout_s)

    def close(self) -> None:
        """End the session; QEMU goes on."""
        with contextlib.suppress(MachineError):
            self._await(self._client.disconnect(), "disconnect", 2.0)
        self._stop_loop()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _await(self, work: Coroutine[Any, Any, Any], what: str, timeout_s: float = _TIMEOUT_S) -> Any:
        from qemu.qmp import QMPError

        future = asyncio.run_coroutine_threadsafe(work, self._loop)
        try:
            return future.result(timeout_s)
        except TimeoutError:
            future.cancel()
            raise MachineError(f"QEMU did not answer `{what}` within {timeout_s:g} s") from None
        except (QMPError, OSError, EOFError) as error:
            raise MachineError(f"QEMU's monitor failed at `{what}`: {error}") from error

    def _stop_loop(self) -> None:
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(timeout=2.0)
        if not self._thread.is_alive():
            self._loop.close()
