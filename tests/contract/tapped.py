"""A server between a client and a served venue: it keeps the bytes that came, and may spoil what goes back."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import requests

Spoil = Callable[[str, int, bytes], tuple[int, bytes]]
"""Path, status and body as the venue answered; status and body as the client gets them."""


@dataclass(frozen=True, slots=True)
class Heard:
    """One request."""

    method: str
    path: str
    headers: dict[str, str]
    body: bytes


@dataclass(slots=True)
class Tap:
    """Everything that a client sent."""

    url: str
    heard: list[Heard] = field(default_factory=list)
    spoil: Spoil = lambda path, status, body: (status, body)

    def with_path(self, part: str) -> list[Heard]:
        return [one for one in self.heard if part in one.path]


@contextlib.contextmanager
def tapped(target: str) -> Iterator[Tap]:
    """A tap before an address."""
    tap = Tap("")

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def _pass(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            tap.heard.append(Heard(self.command, self.path, dict(self.headers), body))
            kept = {
                name: value for name, value in self.headers.items() if name.lower() not in ("host", "content-length")
            }
            got = requests.request(self.command, target + self.path, data=body or None, headers=kept, timeout=5)
            status, answer = tap.spoil(self.path, got.status_code, got.content)
            self.send_response(status)
            self.send_header("Content-Type", got.headers.get("Content-Type", "application/json"))
            self.send_header("Content-Length", str(len(answer)))
            self.end_headers()
            self.wfile.write(answer)

        do_GET = do_POST = do_PUT = do_DELETE = _pass

        def log_message(self, *words: Any) -> None:
            return

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    tap.url = f"http://127.0.0.1:{server.server_address[1]}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    thread.start()
    try:
        yield tap
    finally:
        server.shutdown()
        server.server_close()
        thread.join(5.0)
