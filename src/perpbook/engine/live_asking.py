"""One request to a venue, and its answer as messages. What it raises is told as silence by who asked."""

from __future__ import annotations

from collections.abc import Callable

from perpbook.engine.ports import Venue
from perpbook.model.effect import AskAccount, AskBook, AskOrder, Cancel, SetTimer
from perpbook.model.message import FillSeen, Message, OrderSeen, TimerSeen
from perpbook.model.order import OrderRequest, OrderState
from perpbook.model.units import SECOND_NS

BEFORE_NS = 60 * SECOND_NS
"""How far before an order's first intent its trades are looked for, should the venue's clock be behind."""

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


async def ask_account(venue: Venue, effect: AskAccount) -> list[Message]:
    """How an account stands."""
    return [await venue.account(effect.account)]


async def ask_book(venue: Venue, effect: AskBook) -> list[Message]:
    """What rests in a book."""
    return [await venue.book(effect.symbol)]
