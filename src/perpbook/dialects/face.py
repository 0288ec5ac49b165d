"""A venue's dialect as the server sees it: requests in, documents out."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from perpbook.dialects.hub import Client, Hub


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What a request is answered with: a JSON document."""

    document: Any
    status: int = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """A request as a dialect sees it. `path` without the venue's name; `query` as it was sent."""

    method: str
    path: str
    query: str
    body: bytes
    headers: Mapping[str, str]


class Face(Protocol):
    """A venue's dialect, HTTP and websocket."""

    hub: Hub

    def answer(self, asked: Asked) -> Answer:
        """The answer to a request; raises BrokenOnPurpose, Hanging, VenueUnavailable."""

    def admitted(self, path: str, query: str) -> Client | None:
        """A websocket client that comes to a path, None where there is none."""
