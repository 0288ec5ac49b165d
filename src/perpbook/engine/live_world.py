"""What the shell speaks to, and how long it waits for it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import dataclass

from perpbook.engine.clock import now_ns
from perpbook.engine.live_halt import HaltFlag
from perpbook.engine.ports import Feed, Inputs, Journal, Sink, Venue
from perpbook.model.message import Message


@dataclass(frozen=True, slots=True, kw_only=True)
class World:
    """What the shell speaks to. venues : that are open; more may come.  feeds : by venue.  people : approvals, kills, arming as
    they come in.  halt : the flag.  inputs : where what the guard is told is kept.  notices : what is seen beside the book."""

    venues: Mapping[str, Venue]
    feeds: Mapping[str, Feed]
    journal: Journal
    sink: Sink
    people: AsyncIterator[Message] | None = None
    halt: HaltFlag | None = None
    inputs: Inputs | None = None
    notices: AsyncIterator[Message] | None = None
    clock: Callable[[], int] = now_ns


@dataclass(frozen=True, slots=True, kw_only=True)
class Pace:
    """Seconds. wake : between two looks at the time.  request : until a request has no answer.  drain : how long answers are
    waited for at the end.  inbox, outbox : how many messages and alerts may wait.  spin : ask the sockets again and again
    instead of sleeping until they have something, and rehearse (`live_spin`)."""

    spin: bool = False
    wake: float = 0.25
    request: float = 10.0
    drain: float = 15.0
    inbox: int = 64
    outbox: int = 1_024
