from __future__ import annotations

import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture
def mirror() -> Iterator[tuple[str, dict[str, str]]]:
    """Serve Release files on loopback: suite to codename."""
    codenames: dict[str, str] = {}

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            suite = self.path.split("/")[-2]
            self.send_response(200 if suite in codenames else 404)
            self.end_headers()
            if suite in codenames:
                self.wfile.write(f"Origin: Debian\nCodename: {codenames[suite]}\n".encode())

        def log_message(self, format: str, *args: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}", codenames
    server.shutdown()
    server.server_close()
