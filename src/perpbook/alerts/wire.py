"""JSON over HTTP to one place, never trusted: https or loopback, no redirects, little time and room, no address in any error."""

from __future__ import annotations

import json
import logging
import ssl
from dataclasses import dataclass
from functools import lru_cache
from typing import Any
from urllib.parse import urlsplit

import httpx

from perpbook.alerts.secret import Secret
from perpbook.errors import InputError, ProviderError

LOOPBACK = ("127.0.0.1", "localhost", "::1")
MOST_BYTES = 2_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """What came back. body : JSON, or None where it was none. retry_after_s : how long it asks to wait, 0 where it does not."""

    status: int
    body: Any
    retry_after_s: float


class Wire:
    """Posts to one place. `name` : its host, all that is ever shown of it."""

    def __init__(self, url: Secret, whose: str, timeout_s: float = 10.0) -> None:
        for one in ("httpx", "httpcore"):  # They write whole addresses into their logs.
            logging.getLogger(one).setLevel(logging.CRITICAL)
        try:
            parts = urlsplit(url.reveal().strip())
            host, port = parts.hostname, parts.port
        except ValueError:
            parts, host, port = urlsplit(""), None, None
        if not host or not (parts.scheme == "https" or (parts.scheme == "http" and host in LOOPBACK)):
            raise InputError(f"the address of {whose} should be https://..., or http:// on this machine")
        self.name, self._url = host if port is None else f"{host}:{port}", url
        self._client = httpx.AsyncClient(
            timeout=timeout_s,
            trust_env=host not in LOOPBACK,
            follow_redirects=False,
            verify=trusted() if parts.scheme == "https" else False,
        )

    async def post(self, path: str, body: bytes, headers: dict[str, str] | None = None, wait_s: float = 0.0) -> Reply:
        """Its reply. path : added to its address. wait_s : how much longer than usual it may take.

        Raises
        ------
        ProviderError : it is away, too slow, or says too much.
        """
        url = self._url.reveal().strip() + path
        sent = {"Content-Type": "application/json", "Accept-Encoding": "identity", **(headers or {})}
        timeout = httpx.Timeout(self._client.timeout.connect, read=(self._client.timeout.read or 0.0) + wait_s)
        try:
            async with self._client.stream("POST", url, content=body, headers=sent, timeout=timeout) as answer:
                return _reply(answer, await self._read(answer))
        except httpx.TimeoutException:
            raise ProviderError(f"{self.name} does not answer in time") from None
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            raise ProviderError(f"{self.name} cannot be reached ({type(error).__name__})") from None

    async def close(self) -> None:
        """Let its connections go."""
        await self._client.aclose()

    async def _read(self, answer: httpx.Response) -> bytes:
        out = b""
        async for part in answer.aiter_raw():
            out += part
            if len(out) > MOST_BYTES:
                raise ProviderError(f"{self.name} answers with more than {MOST_BYTES:,} bytes")
        return out


@lru_cache(maxsize=1)
def trusted() -> ssl.SSLContext:
    """Whose certificates are believed: read once, for it takes long."""
    return httpx.create_ssl_context()


def _reply(answer: httpx.Response, text: bytes) -> Reply:
    try:
        body = json.loads(text)
    except (ValueError, RecursionError):
        body = None
    asked = answer.headers.get("Retry-After", "")
    if isinstance(body, dict) and isinstance(body.get("parameters"), dict):
        asked = str(body["parameters"].get("retry_after", asked))
    wait = float(asked) if asked.isascii() and asked.isdigit() and len(asked) < 7 else 0.0
    return Reply(status=answer.status_code, body=body, retry_after_s=wait)
