"""Broken guards: each breaks one promise, so that a law of the simulation must notice."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any
from unittest.mock import patch

from perpbook.guard import (
    approving,
    dead_man,
    executing,
    hearing,
    incidents,
    killing,
    ladder,
    lost,
    pacing,
    reconciling,
    revalidating,
)
from perpbook.guard.case import Case, Phase, Ticket
from perpbook.guard.controls import shrink
from perpbook.guard.turn import Turn
from perpbook.model.alert import Severity
from perpbook.model.effect import Send
from perpbook.model.order import OrderState
from perpbook.model.record import RecordKind


@dataclass(frozen=True, slots=True)
class Mutant:
    """`laws` : one of these must break within so many seeds; `first` : the seed that is tried first."""

    name: str
    laws: tuple[str, ...]
    where: Any
    what: str
    made: Callable[[Any], Any]
    first: int = 0
    seeds: int = 400

    @contextmanager
    def loose(self) -> Iterator[None]:
        """The guard is this one for a while."""
        with patch.object(self.where, self.what, self.made(getattr(self.where, self.what))):
            yield


def _sends_first(_: Any) -> Any:
    def send(turn: Turn, case: Case, one: Any) -> None:
        turn.do(Send(request=one.request))
        turn.write(
            RecordKind.INTENDED, digest=case.digest, leg=one.leg, part=one.part, request=one.request, dollars=1.0
        )

    return send


def _renamed(_: Any) -> Any:
    numbers = itertools.count()

    def again(turn: Turn, ticket: Ticket, *rest: Any) -> Any:
        return replace(ticket.request, client_id=f"{next(numbers):032x}")

    return again


def _deaf_to(word: str) -> Callable[[Any], Any]:
    """Nothing that says this word forbids an order."""

    def made(forbids: Any) -> Any:
        def deaf(turn: Turn, case: Case) -> str:
            why = str(forbids(turn, case))
            return "" if word in why else why

        return deaf

    return made


def _unclamped(_: Any) -> Any:
    return lambda wanted, most, contract, held: shrink(wanted, most, contract, None)


def _counted_twice(_: Any) -> Any:
    return property(lambda ticket: ticket.reported + math.fsum(ticket.fills.values()))


def _guesses(_: Any) -> Any:
    def lose(turn: Turn, ticket: Ticket, why: str) -> None:
        request = ticket.request
        said = {
            "client_id": request.client_id, "account": request.account, "venue": request.venue, "symbol": request.symbol,
            "filled": 0.0, "average_price": None, "at_ns": turn.now_ns, "reason": None, "why": why,
        }  # fmt: skip
        turn.write(RecordKind.ANSWERED, report={**said, "state": "unknown"})
        turn.write(RecordKind.ANSWERED, report={**said, "state": "rejected"})

    return lose


def _loosely_bound(answer: Any) -> Any:
    def loosely(turn: Turn, message: Any) -> None:
        near = [digest for digest in turn.desk.cases if digest[:-1] == message.digest[:-1]]
        answer(turn, replace(message, digest=near[0]) if near else message)

    return loosely


def _yes_in_the_end(_: Any) -> Any:
    def expire(turn: Turn, case: Case) -> None:
        if case.phase is Phase.PROPOSED and turn.now_ns >= case.proposal.expires_ns - 5_000_000_000:
            turn.write(RecordKind.APPROVED, digest=case.digest, who="nobody", channel="timeout")

    return expire


def _boundless(_: Any) -> Any:
    return lambda *_: (math.inf, "nothing")


def _any_price(price: Any) -> Any:
    def worse(turn: Turn, case: Case, leg: Any, book: Any) -> Any:
        found = price(turn, case, leg, book)
        return found * (1.0 + math.copysign(0.05, leg.quantity)) if isinstance(found, float) else found

    return worse


def _silent(_: Any) -> Any:
    return lambda *_, **__: None


def _unpaged(_: Any) -> Any:
    def open_one(turn: Turn, key: str, account: str, why: str, digest: str = "") -> None:
        if key not in turn.desk.incidents:
            turn.write(RecordKind.INCIDENT, key=key, account=account, why=why, digest=digest)

    return open_one


def _kept_in_mind(_: Any) -> Any:
    def lose(turn: Turn, ticket: Ticket, why: str) -> None:
        ticket.state, ticket.unknown_ns = OrderState.UNKNOWN, turn.now_ns
        turn.tell("order.lost", Severity.INFO, why)

    return lose


def _starts_again(shown: Any) -> Any:
    """Whatever changes a position starts its ladder again."""

    def show(ladders: Any, account: str, before: Any, now: Any, ours: Any) -> None:
        shown(ladders, account, before, now, ours)
        for symbol in before or ():
            ladders.pop((account, symbol), None)

    return show


def _gives_back(closed: Any) -> Any:
    def give(ladders: Any, case: Case, tickets: list[Ticket]) -> None:
        closed(ladders, case, [])

    return give


def _always(value: object) -> Callable[[Any], Any]:
    return lambda _: lambda *_, **__: value


MUTANTS = (
    Mutant("it sends before it writes", ("intent",), executing, "_send", _sends_first),
    Mutant("a new id for every try", ("id", "duplicate", "error"), revalidating, "_again", _renamed, 2),
    Mutant("a lost order never came, without waiting", ("duplicate",), hearing, "_is_absent", _always(True), 17),
    Mutant("an unknown order was refused", ("guess",), lost, "lose", _guesses, 3),
    Mutant("a lost order is kept in mind only", ("fold",), lost, "lose", _kept_in_mind, 3),
    Mutant("the kill switch is not asked", ("kill",), executing, "_forbids", _deaf_to("kill switch"), 13),
    Mutant("an expiry is not asked", ("expiry",), executing, "_forbids", _deaf_to("expired")),
    Mutant("arming is not asked", ("arming",), executing, "_forbids", _deaf_to("not armed"), 11),
    Mutant("a size is not clamped", ("clamp",), revalidating, "shrink", _unclamped, 30),
    Mutant("reports and trades are added up", ("fills", "positions", "page"), Ticket, "filled", _counted_twice),
    Mutant(
        "an order that rests is no order", ("duplicate",), Ticket, "may_live", lambda _: property(lambda _: False), 2
    ),
    Mutant(
        "an approval of another hash counts", ("approval", "approval lost"), approving, "answer", _loosely_bound, 10
    ),
    Mutant("a timeout is a yes", ("approval",), approving, "expire", _yes_in_the_end),
    Mutant("a refused answer leaves no word", ("approval lost",), approving, "_refuse", _silent),
    Mutant("caps are not asked", ("caps",), revalidating, "room", _boundless, 17),
    Mutant("the price is whatever it takes", ("price",), revalidating, "_price", _any_price),
    Mutant("a slice does not wait for its time", ("pace",), pacing, "due_share", _always(1.0)),
    Mutant("what rests is never taken back", ("orphan",), executing, "withdraw", _silent, 4),
    Mutant(
        "what was sent is forgotten", ("size", "caps", "pace"), Ticket, "counted", lambda _: property(lambda _: 0.0)
    ),
    Mutant(
        "a timer takes protective orders",
        ("timer",),
        dead_man,
        "opening",
        lambda _: lambda seen: list(seen.account.orders),
        4,
    ),
    Mutant("the venue is not held against the journal", ("positions",), reconciling, "meet", _silent),
    Mutant("an incident pages nobody", ("page", "approval lost"), incidents, "open_one", _unpaged, 44),
    Mutant("orders that open risk stay", ("cancel",), killing, "cancel_opening", _silent, 57),
    Mutant("nothing is told again after a crash", ("approval lost", "page"), reconciling, "tell_again", _silent, 34),
    Mutant("a step is taken twice", ("step",), ladder, "shown", _starts_again, 4),
    Mutant("a step that was traded is given back", ("step",), ladder, "closed", _gives_back, 4),
    Mutant("what was traded of a step stays owed", ("step",), ladder, "traded", _silent, 4),
    Mutant(
        "a flatten does not wait for orders under way",
        ("two proposals", "duplicate"),
        lost,
        "reserved",
        _always(0.0),
        107,
    ),
)
