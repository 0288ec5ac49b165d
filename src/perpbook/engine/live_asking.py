"""One request to a venue, and its answer as messages. What it raises is told as silence by who asked."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Callable

from perpbook.engine.ports import Venue
from perpbook.guard.case import Ticket, same
from perpbook.model.effect import AskAccount, AskBook, AskOrder, Cancel, SetTimer
from perpbook.model.message import FillSeen, Message, OrderSeen, TimerSeen
from perpbook.model.order import OrderReport, OrderRequest, OrderState, RejectReason
from perpbook.model.units import SECOND_NS

BEFORE_NS = 60 * SECOND_NS
"""How far before an order's first intent its trades are looked for, should the venue's clock be behind."""

TRADES_S = (0.5, 2.0, 8.0)
"""Seconds before each question about an order's trades: streams may tell them first, and venues list them late."""

Clock = Callable[[], int]


async def send(venue: Venue, request: OrderRequest, clock: Clock) -> list[Message]:
    """Place an order, once."""
    return [OrderSeen(report=await venue.place(request), received_ns=clock())]


async def take_back(venue: Venue, effect: Cancel, clock: Clock) -> list[Message]:
    """Cancel an order."""
    report = await venue.cancel(effect.account, effect.symbol, effect.client_id)
    return [OrderSeen(report=report, received_ns=clock())] if report.state is not OrderState.ABSENT else []


async def set_timer(venue: Venue, effect: SetTimer, clock: Clock) -> list[Message]:
    """Set a venue's timer, or take it off."""
    why = await venue.set_timer(effect.account, effect.symbol, effect.wait_ns)
    told = TimerSeen(
        account=effect.account, venue=effect.venue, symbol=effect.symbol, wait_ns=effect.wait_ns, received_ns=clock(), why=why
    )  # fmt: skip
    return [told]


async def ask_order(venue: Venue, effect: AskOrder, first_ns: int, clock: Clock) -> list[Message]:
    """What became of an order: by its id, then among open ones, then among trades. ABSENT only where all three say so."""
    report = await venue.order(effect.account, effect.symbol, effect.client_id)
    if report.state is not OrderState.ABSENT:
        return [OrderSeen(report=report, received_ns=clock())]
    for other in await venue.open_orders(effect.account):
        if other.client_id == effect.client_id:
            return [OrderSeen(report=other, received_ns=clock())]
    fills = await venue.fills(effect.account, first_ns - BEFORE_NS)
    mine = [fill for fill in fills if fill.client_id == effect.client_id]
    if mine:
        return [FillSeen(fill=fill, received_ns=clock()) for fill in mine]
    return [OrderSeen(report=report, received_ns=clock())]


async def ask_trades(venue: Venue, ticket: Ticket, clock: Clock) -> list[Message]:
    """The trades of an order of which the venue said that it traded; asked for again where they are not all there yet."""
    request = ticket.request
    found: list[Message] = []
    for wait in TRADES_S:
        await asyncio.sleep(wait)
        if not lacks_trades(ticket):
            return []
        fills = await venue.fills(request.account, ticket.first_ns - BEFORE_NS)
        mine = [fill for fill in fills if fill.client_id == request.client_id]
        found = [FillSeen(fill=fill, received_ns=clock()) for fill in mine]
        if same(math.fsum(fill.quantity for fill in mine), ticket.filled):
            break
    return found


def lacks_trades(ticket: Ticket) -> bool:
    """Whether its venue said that more of an order was traded than its known trades come to."""
    traded = math.fsum(ticket.fills.values())
    return abs(ticket.reported) > abs(traded) and not same(ticket.reported, traded)


async def ask_account(venue: Venue, effect: AskAccount) -> list[Message]:
    """How an account stands."""
    return [await venue.account(effect.account)]


async def ask_book(venue: Venue, effect: AskBook) -> list[Message]:
    """What rests in a book."""
    return [await venue.book(effect.symbol)]


def unsent(request: OrderRequest, why: str, at_ns: int) -> OrderReport:
    """An order that was written down and surely not sent."""
    return OrderReport(
        client_id=request.client_id, account=request.account, venue=request.venue, symbol=request.symbol,
        state=OrderState.REJECTED, filled=0.0, average_price=None, at_ns=at_ns, reason=RejectReason.OTHER, why=why,
    )  # fmt: skip
