"""A server of one guard's inbox on 127.0.0.1: made, and run until it is stopped."""

from __future__ import annotations

import os
import socket
from collections.abc import Callable
from dataclasses import dataclass, field
from importlib.resources import files
from pathlib import Path

from fastapi import FastAPI, Response
from starlette.types import ASGIApp

from perpbook.dialects.server import HOST, bound, serve
from perpbook.engine.clock import now_ns
from perpbook.runs.guard_inbox import Inbox
from perpbook.runs.guard_places import GuardPlaces
from perpbook.web.api import Api
from perpbook.web.doors import Doors
from perpbook.web.gate import Gate, Rules

PAGES = {
    "/": ("perpbook.web", "index.html", "text/html"),
    "/inbox.css": ("perpbook.web", "inbox.css", "text/css"),
    "/inbox.js": ("perpbook.web", "inbox.js", "text/javascript"),
    "/draw.js": ("perpbook.web", "draw.js", "text/javascript"),
    "/asking.js": ("perpbook.web", "asking.js", "text/javascript"),
    "/page.css": ("perpbook.report", "page.css", "text/css"),
}
"""Paths that hold no data: package, file in its folder `page`, type."""


@dataclass(frozen=True, slots=True, kw_only=True)
class WebAsked:
    """What is to be served. port : 0 for a free one."""

    places: GuardPlaces
    port: int = 0
    allow_actions: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Web:
    """A server that is ready. login : a link that counts once, for ten minutes; token_file : holds the token of programs, for its
    owner's eyes, as long as the server runs."""

    url: str
    login: str = field(repr=False)
    token_file: Path
    allow_actions: bool
    app: ASGIApp = field(repr=False)
    listening: socket.socket = field(repr=False)

    def serve(self, seconds: float | None = None) -> None:
        """Answer until interrupted, or for so long."""
        try:
            serve(self.app, self.listening, seconds)
        finally:
            self.close()

    def close(self) -> None:
        """Let go of the port and the token."""
        self.listening.close()
        self.token_file.unlink(missing_ok=True)


def prepare(asked: WebAsked, clock: Callable[[], int] = now_ns) -> Web:
    """Open the port and make the secrets.

    Raises
    ------
    InputError : the port cannot be had.
    """
    listening = bound(HOST, asked.port)
    port = listening.getsockname()[1]
    doors = Doors(clock)
    rules = Rules(port=port, allow_actions=asked.allow_actions, pages=frozenset(PAGES))
    url = f"http://{HOST}:{port}"
    return Web(
        url=url, login=f"{url}/#login={doors.new_link()}", token_file=kept(asked.places, port, doors.new_bearer()),
        allow_actions=asked.allow_actions, app=made_app(asked.places, doors, rules), listening=listening,
    )  # fmt: skip


def made_app(places: GuardPlaces, doors: Doors, rules: Rules) -> Gate:
    """The application behind its gate."""
    app = FastAPI(docs_url=None, redoc_url=None, openapi_url=None)
    for path, (package, name, kind) in PAGES.items():
        app.add_api_route(path, page(package, name, kind), methods=["GET"], response_model=None)
    Api(places=places, inbox=Inbox(places), doors=doors, rules=rules).add_to(app)
    return Gate(app, doors, rules)


def page(package: str, name: str, kind: str) -> Callable[[], Response]:
    """A route that answers with a file of ours."""
    text = files(package).joinpath("page", name).read_text(encoding="utf-8")

    def answer() -> Response:
        return Response(text, media_type=kind)

    return answer


def kept(places: GuardPlaces, port: int, token: str) -> Path:
    """The token in a file of the guard's folder that only its owner may read."""
    places.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    path = places.folder / f"web-{port}.token"
    path.unlink(missing_ok=True)
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as file:
        file.write(token)
    return path
