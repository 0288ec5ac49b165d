"""One provider over HTTP, never trusted: a limit on time and size, few retries, and an address that is never printed whole."""

from __future__ import annotations

import json
import logging
import ssl
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any
from urllib.parse import unquote, urlsplit

import httpx

from perpbook.engine.clock import monotonic_ns, sleep
from perpbook.errors import InputError, ProviderError
from perpbook.model.units import SECOND_NS

AGAIN = frozenset({429, 502, 503, 504})
"""What a provider answers when the same question may be asked again."""

LOOPBACK = ("127.0.0.1", "localhost", "::1")
PAUSE_S = 0.25
LONGEST_TEXT = 160


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """How long an answer may take, how often a question is asked again, and how large an answer may be."""

    seconds: float = 5.0
    retries: int = 1
    most_bytes: int = 2_000_000


@dataclass(frozen=True, slots=True)
class Address:
    """Where a provider is. `name` is its host: all that is ever shown, because the rest may be a key."""

    url: str = field(repr=False)
    name: str

    def __str__(self) -> str:
        return self.name


def address_of(url: str, whose: str) -> Address:
    """An address, checked.

    Raises
    ------
    InputError : it is none that can be asked; the message does not repeat it.
    """
    try:
        parts = urlsplit(url.strip())
        host, port = parts.hostname, parts.port
    except ValueError:
        host, port, parts = None, None, urlsplit("")
    if parts.scheme not in ("http", "https") or not host:
        raise InputError(f"an address of {whose} is no http(s) address\n    write it like https://host/path")
    return Address(url.strip(), host if port is None else f"{host}:{port}")


class Wire:
    """Asks one provider. Errors name the provider and what went wrong, in words that have none of its address."""

    def __init__(self, address: Address, limits: Limits | None = None) -> None:
        quiet()
        self.name = address.name
        self._parts = urlsplit(address.url)
        self._limits = limits or Limits()
        self._secrets = secrets_of(address.url)
        host = self._parts.hostname
        self._client = httpx.Client(
            timeout=self._limits.seconds,
            trust_env=host not in LOOPBACK,
            verify=trusted() if self._parts.scheme == "https" else False,
            headers={"Accept-Encoding": "identity"},  # What is packed may unpack to more than there is room for.
        )

    def close(self) -> None:
        """Let its connections go."""
        self._client.close()

    def post(self, body: object) -> Any:
        """What it answers to a JSON document."""
        return self._again(lambda: self._send("POST", self._parts.geturl(), body))

    def get(self, path: str) -> Any:
        """The JSON document at a path below its address."""
        below, _, query = path.partition("?")
        parts = self._parts._replace(
            path=self._parts.path.rstrip("/") + below, query="&".join(filter(None, (query, self._parts.query)))
        )
        return self._again(lambda: self._send("GET", parts.geturl(), None))

    def said(self, text: object) -> str:
        """Words of the provider's, cut short, without control characters and without anything of its address."""
        out = "".join(one if one.isprintable() else " " for one in str(text))
        for secret in self._secrets:
            out = out.replace(secret, "***")
        return " ".join(out.split())[:LONGEST_TEXT]

    def fault(self, what: str) -> ProviderError:
        """An error about this provider."""
        return ProviderError(f"{self.name} {what}")

    def _again(self, ask: Callable[[], Any]) -> Any:
        for left in range(self._limits.retries, -1, -1):
            try:
                return ask()
            except _Busy as busy:
                if not left:
                    raise self.fault(busy.what) from None
                sleep(PAUSE_S)
        raise AssertionError("the last try answers or raises")

    def _send(self, method: str, url: str, body: object) -> Any:
        try:
            with self._client.stream(method, url, json=body) as answer:
                if answer.status_code in AGAIN:
                    raise _Busy(f"answers with HTTP {answer.status_code}")
                if answer.status_code != 200:
                    raise self.fault(f"answers with HTTP {answer.status_code}")
                text = self._read(answer)
        except httpx.TimeoutException:
            raise self.fault(f"does not answer within {self._limits.seconds:g} s") from None
        except httpx.InvalidURL:
            raise self.fault("has an address that cannot be asked") from None
        except httpx.TransportError as error:
            raise _Busy(f"cannot be reached ({type(error).__name__})") from None
        try:
            return json.loads(text)
        except (ValueError, RecursionError):
            raise self.fault("answers with something that is not JSON") from None

    def _read(self, answer: httpx.Response) -> bytes:
        begun, parts, size = monotonic_ns(), [], 0
        if answer.headers.get("Content-Encoding", "identity") != "identity":
            raise self.fault("packs its answer though it was asked not to")
        for part in answer.iter_raw():
            size += len(part)
            if size > self._limits.most_bytes:
                raise self.fault(f"answers with more than {self._limits.most_bytes:,} bytes")
            if monotonic_ns() - begun > self._limits.seconds * SECOND_NS:
                raise self.fault(f"does not answer within {self._limits.seconds:g} s")
            parts.append(part)
        return b"".join(parts)


@lru_cache(maxsize=1)
def trusted() -> ssl.SSLContext:
    """Whose certificates are believed: read once, for it takes long."""
    return httpx.create_ssl_context()


class _Busy(Exception):
    """The same question may be asked again."""

    def __init__(self, what: str) -> None:
        super().__init__(what)
        self.what = what


def secrets_of(url: str) -> tuple[str, ...]:
    """Parts of an address that may be keys, the longest first."""
    parts = urlsplit(url)
    words = [parts.username, parts.password, *parts.path.split("/"), *parts.query.replace("&", "=").split("=")]
    found = {form for word in words if word for form in (word, unquote(word)) if len(form) >= 6}
    return (url, *sorted(found, key=len, reverse=True))


def quiet() -> None:
    """The HTTP library writes whole addresses into its log: not here."""
    for name in ("httpx", "httpcore"):
        logger = logging.getLogger(name)
        if logger.level < logging.WARNING:
            logger.setLevel(logging.WARNING)
