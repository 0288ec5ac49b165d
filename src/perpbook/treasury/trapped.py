"""Legs that nobody can trade while something stands still: which of them are not offset elsewhere, where a hedge of them is
cheapest, and which trades would undo their other legs."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from perpbook.errors import MissingData
from perpbook.funding.trading import Desk
from perpbook.model.account import Account, MarginMode
from perpbook.model.trade import Trade
from perpbook.treasury.audit_view import View
from perpbook.treasury.failures import Single
from perpbook.treasury.repair import Case, taken_off
from perpbook.treasury.standing import standing_of

LEAST_DOLLARS = 100.0
"""Less exposure than this is let be."""

HALVINGS = 12


@dataclass(frozen=True, slots=True, kw_only=True)
class Hedge:
    """A trade on a live venue against trapped exposure of `asset`. dollars : its notional; `wanted` : what would offset all.
    margin : free collateral that it takes, `free` what the account has left."""

    asset: str
    trade: Trade
    dollars: float
    wanted: float
    cost: float
    margin: float
    free: float


def trapped(view: View, single: Single) -> dict[str, tuple[float, float]]:
    """By asset, net dollars that cannot be traded, and that part of them which nothing elsewhere offsets."""
    out = {}
    for asset, by in view.deltas().items():
        inside = sum(value for place, value in by.items() if place in single.closed)
        whole, side = sum(by.values()), 1.0 if inside > 0.0 else -1.0
        if inside:
            out[asset] = (inside, side * min(abs(inside), max(0.0, side * whole)))
    return out


def hedge_of(case: Case, single: Single, asset: str, dollars: float) -> Hedge | None:
    """The cheapest offset of so many trapped dollars on a venue that lives, as much as its own free collateral bears; None where
    there is none."""
    free = standing_of(case.snapshot, case.terms).free
    found = [
        hedge
        for account in case.snapshot.book.accounts
        if account.id not in single.closed and account.mode is MarginMode.CROSS
        for symbol in symbols_of(case.desk, account, asset)
        if (hedge := _borne(case, free[account.id], account, symbol, (asset, -dollars))) is not None
    ]
    return max(found, key=lambda one: (round(one.dollars / abs(dollars), 2), -one.cost / one.dollars), default=None)


def symbols_of(desk: Desk, account: Account, asset: str) -> list[str]:
    """Contracts of an asset on an account's venue that the book knows a price of."""
    venue = desk.terms[account.venue]
    return [
        symbol
        for symbol, terms in venue.contracts.items()
        if terms.contract.base == asset and (venue.venue, symbol) in desk.snapshot.market.quotes
    ]


def _borne(case: Case, before: float, account: Account, symbol: str, wanted: tuple[str, float]) -> Hedge | None:
    """As much of a trade as leaves the account's free collateral at 0 or more."""
    asset, dollars = wanted
    desk = case.desk

    def free_after(share: float) -> float:
        trade = Trade(account=account.id, symbol=symbol, quantity=desk.quantity(account.id, symbol, share * dollars))
        if trade.quantity == 0.0:
            return before
        return standing_of(desk.after([trade]).snapshot, case.terms).free[account.id]

    try:
        share = _largest(free_after)
    except MissingData:
        return None
    quantity = desk.quantity(account.id, symbol, share * dollars)
    if quantity == 0.0:
        return None
    trade = Trade(account=account.id, symbol=symbol, quantity=quantity)
    free = free_after(share)
    return Hedge(
        asset=asset, trade=trade, dollars=desk.notional(trade), wanted=abs(dollars), cost=desk.cost(trade),
        margin=before - free, free=free,
    )  # fmt: skip


def _largest(free_after: Callable[[float], float]) -> float:
    """The largest share (at most 1) of a trade that leaves free collateral at 0 or more."""
    if free_after(1.0) >= 0.0:
        return 1.0
    low, high = 0.0, 1.0
    for _ in range(HALVINGS):
        middle = 0.5 * (low + high)
        low, high = (middle, high) if free_after(middle) >= 0.0 else (low, middle)
    return low


def unwinds(case: Case, view: View, single: Single) -> list[Trade]:
    """Trades that take off, on venues that live, what legs that are lost would leave without its other side."""
    out = []
    for asset, by in view.deltas().items():
        before = sum(by.values())
        after = before - sum(value for place, value in by.items() if place in single.closed)
        naked = max(0.0, abs(after) - abs(before))
        if naked >= LEAST_DOLLARS:
            side = 1.0 if after > 0.0 else -1.0
            out += taken_off(case, asset, naked, side, lambda name: name not in single.closed)
    return out
