"""A provider on loopback that passes questions on to a real node, or answers as a test says: away, slow, lying, malformed."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import httpx

Answer = dict[str, Any]
Change = Callable[[Answer, Answer], Answer | bytes]
"""From a question and the node's answer to what is said instead."""


@dataclass(slots=True, kw_only=True)
class Relay:
    """What a provider does. node : whom it asks, "" for nobody. change : what becomes of an answer. status : HTTP status, once
    for each of the first requests, then 200. asked : every path and method so far."""

    node: str = ""
    change: Change = lambda question, answer: answer
    status: list[int] = field(default_factory=list)
    asked: list[str] = field(default_factory=list)
    url: str = ""

    client: httpx.Client = field(default_factory=lambda: httpx.Client(trust_env=False, verify=False, timeout=20.0))

    def answer(self, path: str, body: bytes) -> tuple[int, bytes]:
        """Status and body."""
        question = json.loads(body) if body else {}
        self.asked.append(question.get("method") or path)
        if self.status:
            return self.status.pop(0), b"{}"
        try:
            real: Answer = self.client.post(self.node, json=question).json() if self.node else {}
        except httpx.TransportError:
            return 502, b"{}"
        said = self.change(question or {"path": path}, real)
        return 200, said if isinstance(said, bytes) else json.dumps(said).encode()


@contextmanager
def relay(node: str = "", change: Change | None = None, status: list[int] | None = None) -> Iterator[Relay]:
    """A provider for as long as a test needs it."""
    one = Relay(node=node, status=status or [])
    if change is not None:
        one.change = change

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            self._send(self.rfile.read(int(self.headers["Content-Length"])))

        def do_GET(self) -> None:
            self._send(b"")

        def _send(self, body: bytes) -> None:
            status, said = one.answer(self.path, body)
            self.send_response(status)
            self.send_header("Content-Length", str(len(said)))
            self.end_headers()
            with suppress(ConnectionError):  # Who asked may have given up.
                self.wfile.write(said)

        def log_message(self, *words: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    one.url = f"http://127.0.0.1:{server.server_address[1]}"
    try:
        yield one
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
        one.client.close()


def instead(method: str, result: object) -> Change:
    """Lies about one method: its result, or a function of the true one."""

    def change(question: Answer, answer: Answer) -> Answer:
        if question.get("method") != method:
            return answer
        return {**answer, "result": result(answer["result"]) if callable(result) else result}

    return change
