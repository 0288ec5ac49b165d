"""Simulated venues on one loopback port: each under its own name, `/hyperliquid`, `/dydx`, `/binance`.

Only 127.0.0.1 is bound, and requests that name another host, or come from a page of one, are refused.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
import socket
from collections.abc import AsyncIterator, Mapping
from typing import Any
from urllib.parse import urlsplit

from fastapi import FastAPI, Request, Response, WebSocket, WebSocketDisconnect
from starlette.middleware.trustedhost import TrustedHostMiddleware
from starlette.types import ASGIApp

from perpbook.dialects.face import Asked, Face
from perpbook.dialects.hub import Client, Hub
from perpbook.dialects.venue import BrokenOnPurpose, Hanging
from perpbook.errors import InputError, VenueUnavailable

BEAT_S = 0.1
"""How often time passes where nobody asks."""

HOST = "127.0.0.1"
HOSTS = [HOST, "localhost"]


class Sockets:
    """What runs beside the requests."""

    def __init__(self, faces: Mapping[str, Face], hang_s: float) -> None:
        self.faces = faces
        self.hang_s = hang_s
        self.is_broken = False

    def stopped(self, beating: asyncio.Task[None]) -> None:
        """Time passes no more: where that is our bug, nobody is answered as if it did."""
        if beating.cancelled() or beating.exception() is None:
            return
        self.is_broken = True
        logging.getLogger("uvicorn.error").error(
            "time has stopped: start venue-sim again", exc_info=beating.exception()
        )
        for face in self.faces.values():
            face.hub.cut_off()

    async def beat(self) -> None:
        """Let time pass at every venue, for ever."""
        while True:
            for face in self.faces.values():
                if face.hub.venue.beat():
                    face.hub.cut_off()
                face.hub.flush()
            await asyncio.sleep(BEAT_S)

    async def answer(self, name: str, asked: Asked) -> Response:
        """One HTTP request; faults become a 500, or no answer for `hang_s` and then a 504."""
        face = self.faces[name]
        if self.is_broken:
            return Response("time has stopped here", status_code=503, media_type="text/plain")
        try:
            answer = face.answer(asked)
        except (BrokenOnPurpose, VenueUnavailable):
            return Response("Internal Server Error", status_code=500, media_type="text/plain")
        except Hanging:
            face.hub.flush()
            await asyncio.sleep(self.hang_s)
            return Response("Gateway Timeout", status_code=504, media_type="text/plain")
        face.hub.flush()
        return Response(
            json.dumps(answer.document, separators=(",", ":")),
            status_code=answer.status,
            media_type="application/json",
        )

    async def serve(self, name: str, path: str, socket_: WebSocket) -> None:
        """One websocket client, until it leaves or is cut off."""
        face = self.faces[name]
        is_away = self.is_broken or face.hub.venue.is_dark or is_foreign(socket_.headers)
        client = None if is_away else face.admitted(path, socket_.url.query)
        if client is None:
            await socket_.close(code=1013)
            return
        await socket_.accept()
        face.hub.clients.append(client)
        sending = asyncio.create_task(send_all(socket_, client))
        receiving = asyncio.create_task(self._hear_all(face.hub, socket_, client))
        try:
            await asyncio.wait((sending, receiving), return_when=asyncio.FIRST_COMPLETED)
        finally:
            face.hub.clients.remove(client)
            for task in (sending, receiving):
                task.cancel()
            await asyncio.gather(sending, receiving, return_exceptions=True)
            with contextlib.suppress(RuntimeError, WebSocketDisconnect):
                await socket_.close(code=1012)

    async def _hear_all(self, hub: Hub, socket_: WebSocket, client: Client) -> None:
        for document in hub.stream.greeting(client):
            hub.send(client, document)
        with contextlib.suppress(WebSocketDisconnect):
            while True:
                for document in hub.stream.heard(client, await socket_.receive_text()):
                    hub.send(client, document)
                hub.flush()


async def send_all(socket_: WebSocket, client: Client) -> None:
    """Send what waits, until there is nothing more to come."""
    with contextlib.suppress(WebSocketDisconnect, RuntimeError):
        while (text := await client.queue.get()) is not None:
            await socket_.send_text(text)


def made_app(faces: Mapping[str, Face], hang_s: float = 30.0) -> FastAPI:
    """The application over some venues, by name."""
    sockets = Sockets(faces, hang_s)

    @contextlib.asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        beating = asyncio.create_task(sockets.beat())
        beating.add_done_callback(sockets.stopped)
        yield
        beating.cancel()
        await asyncio.gather(beating, return_exceptions=True)

    app = FastAPI(lifespan=lifespan, docs_url=None, redoc_url=None, openapi_url=None)
    app.add_middleware(TrustedHostMiddleware, allowed_hosts=HOSTS)

    async def requested(name: str, path: str, request: Request) -> Response:
        if name not in faces:
            return Response("no such venue here", status_code=404, media_type="text/plain")
        if is_foreign(request.headers):
            return Response("no page of another host may ask", status_code=403, media_type="text/plain")
        asked = Asked(
            method=request.method,
            path="/" + path,
            query=request.url.query,
            body=await request.body(),
            headers=request.headers,
        )
        return await sockets.answer(name, asked)

    async def connected(name: str, path: str, socket_: WebSocket) -> None:
        if name not in faces:
            await socket_.close(code=1008)
            return
        await sockets.serve(name, "/" + path, socket_)

    app.add_api_route("/{name}/{path:path}", requested, methods=["GET", "POST", "PUT", "DELETE"])
    app.add_api_websocket_route("/{name}/{path:path}", connected)
    return app


def is_foreign(headers: Mapping[str, str]) -> bool:
    """Whether a page of another host asks, through somebody's browser."""
    origin = headers.get("origin")
    return origin is not None and urlsplit(origin).hostname not in HOSTS


def bound(host: str, port: int) -> socket.socket:
    """A listening socket on loopback; port 0 takes a free one.

    Raises
    ------
    InputError : another host than 127.0.0.1, or a port that is taken.
    """
    if host != HOST:
        raise InputError(f"venue-sim listens on {HOST} only, not on {host}: it holds keys that are no secret")
    made = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        made.bind((HOST, port))
    except OSError as error:
        made.close()
        raise InputError(f"port {port} cannot be had ({error.strerror}): choose another, or 0 for a free one") from None
    return made


def made_server(app: ASGIApp) -> Any:
    """A server that is ready: `run(sockets=[...])` blocks, `should_exit` ends it, `started` says that it listens."""
    import uvicorn

    config = uvicorn.Config(
        app, log_level="warning", ws="websockets-sansio", lifespan="on", timeout_graceful_shutdown=1
    )
    return uvicorn.Server(config)


def serve(app: ASGIApp, listening: socket.socket, seconds: float | None = None) -> None:
    """Serve until interrupted, or for so long."""
    server = made_server(app)

    async def until() -> None:
        serving = asyncio.create_task(server.serve(sockets=[listening]))
        await asyncio.wait({serving}, timeout=seconds)
        server.should_exit = True
        await serving

    asyncio.run(until())
