"""Every way there is to stop what a position pays while its direction stays, as trades; what cannot be tried, and why."""

from __future__ import annotations

from collections.abc import Iterator

from perpbook.funding.coins import coin_ways
from perpbook.funding.planner import Planner, Way, cash, curve_of, horizons_of
from perpbook.margin.assessment import PositionAssessment
from perpbook.model.account import MarginMode
from perpbook.model.trade import Trade


def ways(planner: Planner, one: PositionAssessment, missing: list[str]) -> Iterator[Way]:
    """Every way there is; what cannot be tried is named in `missing`."""
    places = list(_places(planner, one, missing))
    for account, symbol in places:
        yield from _elsewhere(planner, one, account, symbol)
    yield from coin_ways(planner, one, missing)
    if not planner.ends_ns:
        missing.append("dated futures: no quotes of any were given (--dated)")
    for account, symbol in places:
        yield from _hedge(planner, one, account, symbol)
    quantity = planner.desk.quantity(one.account, one.symbol, -planner.part * one.exposure)
    if quantity:
        kept = 1.0 - abs(quantity) / abs(one.quantity)
        trade = Trade(account=one.account, symbol=one.symbol, quantity=quantity)
        yield Way(kind="smaller", words=f"close {1.0 - kept:.0%} of it", trades=(trade,), kept=kept)


def _places(planner: Planner, one: PositionAssessment, missing: list[str]) -> Iterator[tuple[str, str]]:
    """Other contracts in the asset that accounts of the book may trade and whose funding is known."""
    for account in planner.desk.snapshot.book.accounts:
        venue = planner.desk.terms[account.venue]
        held = {planner.desk.contract(account.id, position.symbol).contract.symbol for position in account.positions}
        here = [
            symbol
            for symbol, terms in venue.contracts.items()
            if terms.contract.base == one.asset and (terms.contract.settle == venue.settle or symbol in held)
        ]
        for symbol in here:
            if account.id == one.account and planner.desk.contract(one.account, one.symbol).contract.symbol == symbol:
                continue
            expires_in = _left(planner, account.venue, symbol)
            if expires_in < horizons_of(planner)[planner.horizon]:
                missing.append(
                    f"{symbol} on {account.venue}: it expires before the horizon, and what comes after is not known"
                )
            elif account.mode is MarginMode.ISOLATED and symbol not in held:
                missing.append(f"{symbol} in {account.id}: the account is isolated on another contract")
            elif (account.venue, symbol) not in planner.curves:
                missing.append(f"{symbol} on {account.venue}: no funding of it is known")
            else:
                yield account.id, symbol


def _left(planner: Planner, venue: str, symbol: str) -> float:
    """Nanoseconds until a contract expires, inf where it never does."""
    end = planner.ends_ns.get((venue, symbol))
    return float("inf") if end is None else end - next(iter(planner.curves.values()))[0].now_ns


def _elsewhere(planner: Planner, one: PositionAssessment, account: str, symbol: str) -> Iterator[Way]:
    """The whole exposure in another contract."""
    opened = planner.desk.quantity(account, symbol, one.exposure)
    if opened:
        close = Trade(account=one.account, symbol=one.symbol, quantity=-one.quantity)
        trade = Trade(account=account, symbol=symbol, quantity=opened)
        kept = planner.desk.notional(trade) / abs(one.exposure)
        kind = "dated" if (planner.desk.account(account).venue, symbol) in planner.ends_ns else "venue"
        yield Way(kind=kind, words=f"the same in {symbol} @ {account}", trades=(close, trade), kept=kept)


def _hedge(planner: Planner, one: PositionAssessment, account: str, symbol: str) -> Iterator[Way]:
    """A part of it held against in another contract, where that is expected to be paid."""
    curve = curve_of(planner, account, symbol)
    quantity = planner.desk.quantity(account, symbol, -planner.part * one.exposure)
    if curve is not None and quantity and cash(curve[planner.horizon], -one.exposure).mean > 0.0:
        trade = Trade(account=account, symbol=symbol, quantity=quantity)
        kept = 1.0 - planner.desk.notional(trade) / abs(one.exposure)
        yield Way(
            kind="hedge", words=f"{1.0 - kept:.0%} against it in {symbol} @ {account}", trades=(trade,), kept=kept
        )
