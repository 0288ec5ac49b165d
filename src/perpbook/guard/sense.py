"""Whether a message can be true: what is malformed, impossible, of strangers or of another time is refused before it is known."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from itertools import pairwise

from perpbook.guard.turn import Turn
from perpbook.model.message import (
    AccountSeen,
    BookSeen,
    FillSeen,
    FundingSeen,
    MarkSeen,
    Message,
    OrderSeen,
    RatesSeen,
    TimerSeen,
)
from perpbook.model.order import OrderReport

AHEAD_NS = 5_000_000_000
"""How far a sender's clock may be ahead of ours before what it says is refused."""


def nonsense(turn: Turn, message: Message) -> str:
    """Why a message is refused, or ""."""
    try:
        return _wrong(turn, message)
    except (TypeError, ValueError, IndexError, AttributeError):
        return "it is not made as it should be"


def _wrong(turn: Turn, message: Message) -> str:
    match message:
        case BookSeen():
            return _of_contract(turn, message.venue, message.symbol) or _late(message) or _book(message)
        case MarkSeen():
            return _of_contract(turn, message.venue, message.symbol) or _late(message) or _mark(message)
        case AccountSeen():
            return _late(message) or _account(turn, message)
        case FundingSeen():
            is_ours = turn.settings.accounts.get(message.account) == message.venue
            return (_late(message) or _payments(message)) if is_ours else "an account that is not ours"
        case RatesSeen():
            return _of_contract(turn, message.venue, message.symbol) or _late(message) or _rates(message)
        case OrderSeen():
            return _report(message.report)
        case FillSeen():
            fill = message.fill
            good = _numbers((fill.quantity, fill.price, fill.fee)) and fill.price > 0.0 and fill.quantity != 0.0
            return "" if good else "a trade without a size or a price"
        case TimerSeen():
            return "" if message.account in turn.settings.accounts else "an account that nobody asked for"
        case _:
            return ""


def _late(message: BookSeen | MarkSeen | AccountSeen | FundingSeen | RatesSeen) -> str:
    return "its time is in the future" if message.at_ns > message.received_ns + AHEAD_NS else ""


def _of_contract(turn: Turn, venue: str, symbol: str) -> str:
    return "" if (venue, symbol) in turn.settings.contracts else "a contract that nobody asked for"


def _book(message: BookSeen) -> str:
    if message.depth.is_sound():
        return ""
    bids, asks = message.depth.bids, message.depth.asks
    if not bids or not asks:
        return "one side of the book is empty"
    if bids[0][0] >= asks[0][0]:
        return "its best bid is not below its best ask"
    return "its levels are not in order, or not numbers above nothing"


def _mark(message: MarkSeen) -> str:
    for price in (message.mark_price, message.oracle_price, message.index_price):
        if price is not None and not (_number(price) and price > 0.0):
            return "a price that is not a number above nothing"
    for rate in (message.funding_rate, message.open_interest):
        if rate is not None and not _number(rate):
            return "a rate that is not a number"
    return ""


def _account(turn: Turn, message: AccountSeen) -> str:
    account = message.account
    if turn.settings.accounts.get(account.id) != account.venue:
        return "an account that is not ours"
    if not _numbers([position.quantity for position in account.positions]):
        return "a position that is not a number"
    ways = {(position.symbol, position.quantity > 0) for position in account.positions if position.quantity}
    if len({symbol for symbol, _ in ways}) < len(ways):
        return (
            "it holds a contract both ways (hedge mode), which the guard does not trade: switch the account to one way"
        )
    if not _numbers([balance.amount for balance in account.collateral]):
        return "a balance that is not a number"
    return "" if _numbers([order.quantity for order in account.orders]) else "an order that is not a number"


def _payments(message: FundingSeen) -> str:
    for one in message.payments:
        told = [number for number in (one.rate, one.quantity) if number is not None]
        if not _numbers((one.dollars, *told)):
            return "a payment that is not a number"
    return _times([one.at_ns for one in message.payments], message.since_ns, message.at_ns)


def _rates(message: RatesSeen) -> str:
    if not _numbers([one.rate for one in message.rates]):
        return "a rate that is not a number"
    return _times([one.at_ns for one in message.rates], message.since_ns, message.at_ns)


def _times(settled: Sequence[int], since_ns: int, at_ns: int) -> str:
    """Settlements in their order, of the span that was asked for."""
    steps = [since_ns, *settled, at_ns + AHEAD_NS]
    return "" if all(a <= b for a, b in pairwise(steps)) else "settlements out of their order, or of another time"


def _report(report: OrderReport) -> str:
    average = report.average_price
    good = _number(report.filled) and (average is None or (_number(average) and average > 0.0))
    return "" if good else "an order's fills are not numbers"


def _numbers(values: Iterable[object]) -> bool:
    return all(_number(value) for value in values)


def _number(value: object) -> bool:
    if type(value) is float:
        return -math.inf < value < math.inf
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)
