"""A Telegram bot API on this machine: real HTTP, as much of it as a bot meets, and as badly behaved as a test asks."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

TOKEN = "123456:AAtheTOKENthatNobodyMaySee"


@dataclass
class Bot:
    """calls : what was asked, in order. updates : what getUpdates has. instead : by method, (status, bytes) that come first."""

    port: int = 0
    calls: list[tuple[str, dict[str, Any]]] = field(default_factory=list)
    updates: list[Any] = field(default_factory=list)
    instead: dict[str, list[tuple[int, bytes]]] = field(default_factory=dict)
    messages: int = 0

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def called(self, method: str) -> list[dict[str, Any]]:
        return [asked for name, asked in self.calls if name == method]

    def buttons(self, message: int = -1) -> dict[str, str]:
        """Words and data of a message's buttons, the last one's unless said."""
        sent = [one for one in self.called("sendMessage") if "reply_markup" in one]
        return {
            one["text"]: one["callback_data"] for row in sent[message]["reply_markup"]["inline_keyboard"] for one in row
        }

    def press(self, data: Any, user: Any = 7, number: int | None = None) -> None:
        """Somebody presses a button."""
        sender = {"id": user, "is_bot": False, "first_name": "X"}
        query = {
            "id": f"q{len(self.updates)}",
            "from": sender,
            "data": data,
            "message": {"message_id": 1, "chat": {"id": user}},
        }
        self.updates.append(
            {"update_id": len(self.updates) + 100 if number is None else number, "callback_query": query}
        )

    def answer(self, method: str, asked: dict[str, Any]) -> tuple[int, bytes]:
        self.calls.append((method, asked))
        if self.instead.get(method):
            return self.instead[method].pop(0)
        result: Any = True
        if method == "sendMessage":
            self.messages += 1
            result = {"message_id": self.messages, "chat": {"id": asked["chat_id"]}}
        if method == "getUpdates":
            result = [one for one in self.updates if not _read_before(one, asked["offset"])]
        return 200, json.dumps({"ok": True, "result": result}).encode()


def _read_before(update: Any, offset: int) -> bool:
    number = update.get("update_id") if isinstance(update, dict) else None
    return type(number) is int and number < offset


@contextmanager
def telegram() -> Iterator[Bot]:
    """One bot API, gone afterwards."""
    bot = Bot()

    class Said(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            _, token, method = self.path.split("/")
            status, text = (
                bot.answer(method, asked)
                if token == f"bot{TOKEN}"
                else (401, b'{"ok":false,"description":"Unauthorized"}')
            )
            self.send_response(status)
            self.send_header("Content-Length", str(len(text)))
            self.end_headers()
            self.wfile.write(text)

        def log_message(self, format: str, *args: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Said)
    bot.port = server.server_address[1]
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield bot
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
