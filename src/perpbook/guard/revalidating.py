"""Whether an approved leg may still be sent, as its account and its book stand now; and how much of it, at what price."""

from __future__ import annotations

import math
from dataclasses import dataclass

from perpbook.guard import pacing
from perpbook.guard.case import Case, Ticket, same
from perpbook.guard.controls import FLATTEN, price_within, room, shrink
from perpbook.guard.ladder import TAKE_PROFIT
from perpbook.guard.turn import Turn, held, mid
from perpbook.model.action import Leg, client_id_of
from perpbook.model.message import AccountSeen, BookSeen
from perpbook.model.order import OrderRequest, OrderState, TimeInForce

SENDS = 3
"""How often one order is sent at most, each time after its venue said that it never came."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Refusal:
    """Nothing more is sent for a leg. `done` : nothing is left to send.  `empty` : the book has nothing within its price."""

    why: str
    done: bool = False
    empty: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Waits:
    """Not yet. `patient` : for as long as its proposal lives, not only until it should have been read."""

    why: str
    patient: bool = False


def checked(
    turn: Turn, case: Case, index: int, seen: AccountSeen, book: BookSeen, beside: float = 0.0
) -> OrderRequest | Refusal | Waits:
    """The order that may be sent for a leg now. beside : dollars of other legs' that go out with it."""
    leg = case.proposal.legs[index]
    position = held(seen).get(leg.symbol, 0.0)
    tickets = turn.desk.tickets_of(case, index)
    changed = _changed(turn, case, leg, position)
    if changed is not None:
        return changed
    price = _price(turn, case, leg, book)
    if isinstance(price, Refusal):
        waits = price.empty and tickets and case.proposal.rule != FLATTEN
        return Waits(why=price.why, patient=True) if waits else price
    if tickets and tickets[-1].state is OrderState.ABSENT:
        return _again(turn, tickets[-1], position, price)
    if pacing.rests(leg, tickets, turn.settings.rests):
        return _next(turn, case, index, position, _touch(turn, leg, book), beside, TimeInForce.POST)
    return _next(turn, case, index, position, price, beside, TimeInForce.IOC)


def _changed(turn: Turn, case: Case, leg: Leg, position: float) -> Refusal | Waits | None:
    """Whether a position is not what the leg was made for, or not what its own orders made of it."""
    base = case.base.get((leg.account, leg.symbol))
    if base is not None:
        traded = turn.desk.traded(case, leg.account, leg.symbol)
        return None if same(position, base + traded) else Waits(why="its position is not what its orders made of it")
    if leg.reduce_only and (case.proposal.rule != TAKE_PROFIT or same(position, leg.held)):
        return None if position * leg.quantity < 0 else Refusal(why=f"its position in {leg.symbol} is gone or turned")
    return None if same(position, leg.held) else Refusal(why=f"its position in {leg.symbol} changed")


def _price(turn: Turn, case: Case, leg: Leg, book: BookSeen) -> float | Refusal:
    """A limit price within the collar and the cost of now, and no worse than the leg's."""
    middle, collar = mid(book), case.proposal.collar
    reach = min(collar, _affords(turn, case) - turn.settings.fees.get(leg.venue, 0.0))
    if reach <= 0.0:
        return Refusal(why="its fees alone come to more than its cost may be")
    if leg.mid_price is not None and abs(middle - leg.mid_price) > collar * leg.mid_price:
        return Refusal(why=f"{leg.symbol} left its collar: {middle:g} now, {leg.mid_price:g} when it was proposed")
    buys = leg.quantity > 0
    far = middle * (1.0 + math.copysign(reach, leg.quantity))
    tick = turn.settings.contracts[leg.venue, leg.symbol].tick_size
    price = price_within(leg.quantity, min(far, leg.limit_price) if buys else max(far, leg.limit_price), tick)
    best = book.depth.asks[0][0] if buys else book.depth.bids[0][0]
    if price <= 0.0 or (best > price if buys else best < price):
        return Refusal(why=f"nothing in the book of {leg.symbol} is within its limit price", empty=True)
    return price


def _affords(turn: Turn, case: Case) -> float:
    """What a proposal may cost, fraction of what it trades: each order keeps to it, so that all of them do."""
    return case.proposal.cost_max / turn.settings.traded(case.proposal.legs)


def _again(turn: Turn, ticket: Ticket, position: float, price: float) -> OrderRequest | Refusal:
    """The same order, as it was, where it would still be sent."""
    request = ticket.request
    if turn.now_ns - ticket.first_ns > turn.settings.timing.dedupe:
        return Refusal(why="an order was lost for longer than its venue remembers ids, so it is not sent again")
    if ticket.sends >= SENDS:
        return Refusal(why=f"an order was lost {SENDS} times")
    worse = request.limit_price > price if request.quantity > 0 else request.limit_price < price
    fits = not request.reduce_only or (position * request.quantity < 0 and abs(request.quantity) <= abs(position))
    return (
        request
        if fits and not worse
        else Refusal(why="an order that was lost does not fit its position or its book any more")
    )


def _touch(turn: Turn, leg: Leg, book: BookSeen) -> float:
    """The best price on a leg's own side, no worse than its limit: an order there rests."""
    tick = turn.settings.contracts[leg.venue, leg.symbol].tick_size
    best = (
        min(book.depth.bids[0][0], leg.limit_price) if leg.quantity > 0 else max(book.depth.asks[0][0], leg.limit_price)
    )
    return price_within(leg.quantity, best, tick)


def _due(turn: Turn, case: Case, leg: Leg) -> float:
    """How much of a leg may be done by now, > 0."""
    first = next(iter(turn.desk.tickets_of(case)), None)
    return pacing.due_share(case, leg, first.first_ns if first else turn.now_ns, turn.now_ns) * abs(leg.quantity)


def _next(
    turn: Turn, case: Case, index: int, position: float, price: float, beside: float, lives: TimeInForce
) -> OrderRequest | Refusal | Waits:
    leg = case.proposal.legs[index]
    tickets = turn.desk.tickets_of(case, index)
    settled = pacing.settled(tickets)
    left = abs(leg.quantity) - settled
    contract = turn.settings.contracts[leg.venue, leg.symbol]
    dollars, limit = room(
        turn.desk,
        turn.settings,
        case,
        turn.now_ns,
        turn.settings.dollars(leg.venue, leg.symbol, contract.lot_size, price),
        beside,
    )
    most = dollars / turn.settings.dollars(leg.venue, leg.symbol, 1.0, price)
    wanted = math.copysign(max(0.0, left), leg.quantity)
    bound = position if leg.reduce_only else None
    if shrink(wanted, math.inf, contract, bound) == 0.0:
        return Refusal(why="nothing is left to send", done=bool(tickets))
    due = max(_due(turn, case, leg), contract.lot_size) - settled
    if shrink(wanted, due, contract, bound) == 0.0:
        return Waits(why="its next slice is due later", patient=True)
    quantity = shrink(wanted, min(most, due), contract, bound)
    if quantity == 0.0:
        return Refusal(why=f"{limit} is used up")
    return OrderRequest(
        client_id=client_id_of(leg.account, case.digest, index, len(tickets)), account=leg.account, venue=leg.venue,
        symbol=leg.symbol, quantity=quantity, limit_price=price, reduce_only=leg.reduce_only, time_in_force=lives,
    )  # fmt: skip
