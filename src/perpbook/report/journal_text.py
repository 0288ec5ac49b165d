"""A journal in words: a line a record, then its head."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rich.console import Console


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """A record as it is shown. `body` is plain data."""

    number: int
    at: str
    kind: str
    body: object
    digest: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Shown:
    """Some of a journal's records, and its head: how many there are, and the last one's digest."""

    place: str
    records: tuple[Told, ...]
    count: int
    head: str


def tell_journal(console: Console, shown: Shown) -> None:
    """Records, oldest first."""
    for one in shown.records:
        console.print(f"{one.number:>6}  {one.at}  {one.kind:<12} {brief(one.body)}", soft_wrap=True)
    tell_head(console, shown)


def tell_head(console: Console, shown: Shown) -> None:
    """How many records there are, and the digest to note elsewhere."""
    console.print(f"{shown.place}: {shown.count} records; the last digest is {shown.head}", soft_wrap=True)


def brief(body: object) -> str:
    """A record's body on a line, cut where it is long."""
    text = json.dumps(body, ensure_ascii=False)
    return text if len(text) <= 200 else text[:199] + "…"
