"""Orders of which nobody knows what became: asked for, never sent again before the venue has said that they never came."""

from __future__ import annotations

import math

from perpbook.guard.case import Ticket
from perpbook.guard.turn import Turn
from perpbook.model.alert import Alert, Severity
from perpbook.model.effect import AskOrder
from perpbook.model.order import OrderReport, OrderState
from perpbook.model.record import RecordKind


def lose(turn: Turn, ticket: Ticket, why: str) -> None:
    """An order of which nobody knows whether it was placed: ask, and never send it again before the answer."""
    request = ticket.request
    report = OrderReport(
        client_id=request.client_id, account=request.account, venue=request.venue, symbol=request.symbol,
        state=OrderState.UNKNOWN, filled=0.0, average_price=None, at_ns=turn.now_ns, why=why,
    )  # fmt: skip
    turn.write(RecordKind.ANSWERED, report=report)
    ask(turn, ticket)


def ask(turn: Turn, ticket: Ticket) -> None:
    """What became of an order?"""
    request = ticket.request
    effect = AskOrder(account=request.account, venue=request.venue, symbol=request.symbol, client_id=request.client_id)
    turn.ask(effect, ticket.at_ns)


def reserved(turn: Turn, pair: tuple[str, str]) -> float | None:
    """How much of a position orders that are lost for long may still take; None where another's orders are under way."""
    case = turn.desk.busy(*pair)
    if case is None:
        return 0.0
    alive = [
        one for one in turn.desk.tickets_of(case) if one.may_live and (one.request.account, one.request.symbol) == pair
    ]
    long = turn.now_ns - turn.settings.timing.unknown
    if not alive or any(one.state is not OrderState.UNKNOWN or one.unknown_ns >= long for one in alive):
        return None
    return math.fsum(abs(one.request.quantity) - abs(one.filled) for one in alive)


def page(turn: Turn, ticket: Ticket) -> None:
    """Tell a person about an order that is unknown for long."""
    request = ticket.request
    if turn.now_ns - (ticket.unknown_ns or ticket.at_ns) <= turn.settings.timing.unknown:
        return
    order = f"{request.client_id} ({request.quantity:g} {request.symbol})"
    sentence = f"what became of order {order} is not known; no rule touches its position until it is"
    alert = Alert(
        kind="order.unknown",
        severity=Severity.PAGE,
        at_ns=turn.now_ns,
        sentence=sentence,
        account=request.account,
        symbol=request.symbol,
        proposal=ticket.digest,
    )
    turn.say(alert, stands=True)
