"""What every request must be before a route sees it, and what every answer carries. A path that is not named here is closed.

A page of another host, or of another port of this machine, is refused: by the Host header (a name that was made to point
here), by Origin and Sec-Fetch-Site, and because actions need JSON and a token that only our own page keeps.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from starlette.datastructures import MutableHeaders
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from perpbook.errors import Refused
from perpbook.report.document import envelope
from perpbook.web.doors import Doors

SCHEMA = "guard-web/1"
LONGEST = 16_384
"""Bytes of a request's body."""
TOKEN = "x-perpbook-token"
"""Carries the action token."""
LOGIN, LOGOUT, LINK = "/api/login", "/api/logout", "/api/link"
CSP = (
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src data:; base-uri 'none'; "
    "form-action 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'; trusted-types 'none'"
)
HEADERS: Mapping[str, str] = {
    "content-security-policy": CSP,
    "cache-control": "no-store",
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
    "referrer-policy": "no-referrer",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "permissions-policy": "camera=(), geolocation=(), microphone=()",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Rules:
    """port : that is served. allow_actions : whether anything but reading is. pages : paths that hold no data of anybody's."""

    port: int
    allow_actions: bool
    pages: frozenset[str]

    @property
    def hosts(self) -> tuple[str, ...]:
        """Names this server answers to."""
        return f"127.0.0.1:{self.port}", f"localhost:{self.port}"

    @property
    def cookie(self) -> str:
        """The cookie's name: a browser gives cookies of one port to all, so two servers need two names."""
        return f"perpbook_{self.port}"


@dataclass(frozen=True, slots=True, kw_only=True)
class No:
    """A request that is refused, and why."""

    status: int
    why: str


class Gate:
    """The application behind its rules."""

    def __init__(self, app: ASGIApp, doors: Doors, rules: Rules) -> None:
        self.app, self.doors, self.rules = app, doors, rules

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Refuse a request, or hand it on; either way its answer carries our headers."""
        if scope["type"] == "lifespan":
            await self.app(scope, receive, send)
            return
        if scope["type"] != "http":
            await send({"type": "websocket.close", "code": 1008})
            return

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                MutableHeaders(scope=message).update(HEADERS)
            await send(message)

        no = self.refusal(Request(scope))
        answer = self.app if no is None else refused(no.status, no.why)
        await answer(scope, receive, send_with_headers)

    def refusal(self, asked: Request) -> No | None:
        """Why a request is not answered; None where it is."""
        return self._foreign(asked) or self._shapeless(asked) or self._stranger(asked)

    def _foreign(self, asked: Request) -> No | None:
        hosts = asked.headers.getlist("host")
        if len(hosts) != 1 or hosts[0].lower() not in self.rules.hosts:
            return No(status=421, why=f"this server answers to {self.rules.hosts[0]} alone")
        origins = asked.headers.getlist("origin")
        if origins and origins != [f"http://{hosts[0].lower()}"]:
            return No(status=403, why="a page of another origin may not ask")
        site = asked.headers.get("sec-fetch-site", "none")
        if site not in ("none", "same-origin") and not (asked.method == "GET" and asked.url.path in self.rules.pages):
            return No(status=403, why="a page of another site may not ask")
        return None

    def _shapeless(self, asked: Request) -> No | None:
        if asked.method in ("GET", "HEAD"):
            return None
        if asked.method != "POST":
            return No(status=405, why="read with GET, act with POST")
        length = asked.headers.get("content-length", "")
        if not length.isdecimal():
            return No(status=411, why="an action says how long it is")
        if len(length) > 9 or int(length) > LONGEST:
            return No(status=413, why=f"no action is longer than {LONGEST} bytes")
        if asked.headers.get("content-type", "").split(";")[0].strip().lower() != "application/json":
            return No(status=415, why="an action is application/json")
        return None

    def _stranger(self, asked: Request) -> No | None:
        path = asked.url.path
        if (asked.method != "POST" and path in self.rules.pages) or path == LOGIN:
            return None
        cookie, bearer = asked.cookies.get(self.rules.cookie, ""), asked.headers.get("authorization")
        if bearer is not None:
            scheme, _, token = bearer.partition(" ")
            if scheme.lower() != "bearer" or not self.doors.is_bearer(token.strip()):
                return No(status=401, why="this is not the token of this server")
        elif self.doors.session(cookie) is None:
            return No(status=401, why="nobody is logged in: open the link that `perpbook web` printed")
        if asked.method != "POST":
            return None
        if bearer is None and not self.doors.may_act(cookie, asked.headers.get(TOKEN, "")):
            return No(status=403, why="the action token is missing or of another session: log in again")
        if bearer is None and path == LINK:
            return No(status=403, why="only a program with the token asks for another link")
        if path not in (LOGOUT, LINK) and not self.rules.allow_actions:
            return No(status=403, why="this server only shows: start `perpbook web --allow-actions` to act")
        return None


def refused(status: int, why: str) -> Response:
    """An answer that says no."""
    return Response(envelope(SCHEMA, error=Refused(why)), status_code=status, media_type="application/json")
