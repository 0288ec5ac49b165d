"""What Hyperliquid's `/info` and websocket say of markets, accounts, orders and fills, as JSON objects.

Shapes: the venue's documentation of the info endpoint, and the recorded calls of its Python client.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from perpbook.dialects.plain import decimal, decimals_of, milliseconds
from perpbook.dialects.traded import Traded
from perpbook.dialects.venue import Known, Rate, ServedVenue
from perpbook.model.account import Account, MarginMode, Position
from perpbook.model.message import AccountSeen, BookSeen
from perpbook.model.order import OrderReport, OrderState, RejectReason, TimeInForce
from perpbook.simulation.exchange import NO_MATCH
from perpbook.simulation.happened import Settled
from perpbook.simulation.matching import NOTHING_LEFT, SELF_TRADE
from perpbook.simulation.moves import DEAD_MAN
from perpbook.terms.terms import ContractTerms

LEVELS = 20
"""Levels a side that a book shows."""

NO_HASH = "0x" + "0" * 64
TIFS = {TimeInForce.GTC: "Gtc", TimeInForce.IOC: "Ioc", TimeInForce.POST: "Alo"}

REJECTED = {
    RejectReason.PRICE: "tickRejected",
    RejectReason.SIZE: "minTradeNtlRejected",
    RejectReason.MARGIN: "perpMarginRejected",
    RejectReason.REDUCE_ONLY: "reduceOnlyRejected",
    RejectReason.POST_ONLY: "badAloPxRejected",
}
CANCELED = {
    NO_MATCH: "iocCancelRejected",
    NOTHING_LEFT: "reduceOnlyCanceled",
    SELF_TRADE: "selfTradeCanceled",
    DEAD_MAN: "scheduledCancel",
}


def meta(venue: ServedVenue) -> dict[str, Any]:
    """Contracts, in the order of their asset numbers."""
    universe, tables = [], []
    for number, symbol in enumerate(venue.truth.symbols):
        terms = venue.contract(symbol)
        most = max_leverage(terms)
        universe.append(
            {
                "szDecimals": decimals_of(terms.contract.lot_size or 1.0),
                "name": symbol,
                "maxLeverage": most,
                "marginTableId": number,
            }
        )
        tables.append([number, {"description": "", "marginTiers": margin_tiers(terms)}])
    return {"universe": universe, "marginTables": tables, "collateralToken": 0}


def margin_tiers(terms: ContractTerms) -> list[dict[str, Any]]:
    """The contract's tiers as the venue tells them."""
    return [
        {"lowerBound": decimal(tier.lower), "maxLeverage": round(1.0 / tier.initial_margin_fraction)}
        for tier in terms.tiers.tiers
    ]


def max_leverage(terms: ContractTerms) -> int:
    """The most leverage of its lowest tier."""
    return round(1.0 / terms.tiers.tiers[0].initial_margin_fraction)


def spot_meta() -> dict[str, Any]:
    """The settle coin, and no spot market."""
    usdc = {
        "name": "USDC",
        "szDecimals": 8,
        "weiDecimals": 8,
        "index": 0,
        "tokenId": "0x6d1e7cde53ba9467b783cb7c530ce054",
        "isCanonical": True,
        "evmContract": None,
        "fullName": None,
    }
    return {"tokens": [usdc], "universe": []}


def context(venue: ServedVenue, symbol: str) -> dict[str, Any]:
    """One contract's prices."""
    now, book = venue.truth.prices(symbol), venue.truth.book(symbol).depth
    middle = mid(venue, symbol)
    oracle = now.oracle or now.mark
    impact = [decimal(side[0][0]) for side in (book.bids, book.asks) if side]
    return {
        "funding": decimal(now.funding_rate or 0.0),
        "openInterest": decimal(now.open_interest or 0.0),
        "prevDayPx": decimal(now.mark),
        "dayNtlVlm": "0.0",
        "premium": decimal(round(middle / oracle - 1.0, 10)),
        "oraclePx": decimal(oracle),
        "markPx": decimal(now.mark),
        "midPx": decimal(middle),
        "impactPxs": impact if len(impact) == 2 else None,
        "dayBaseVlm": "0.0",
    }


def contexts(venue: ServedVenue) -> list[dict[str, Any]]:
    """Of every contract, in the order of `meta`."""
    return [context(venue, symbol) for symbol in venue.truth.symbols]


def mid(venue: ServedVenue, symbol: str) -> float:
    """The middle of the best prices, the mark where a side is empty."""
    book = venue.truth.book(symbol).depth
    if not (book.bids and book.asks):
        return venue.truth.prices(symbol).mark
    return (book.bids[0][0] + book.asks[0][0]) / 2.0


def mids(venue: ServedVenue) -> dict[str, str]:
    """Of every contract."""
    return {symbol: decimal(mid(venue, symbol)) for symbol in venue.truth.symbols}


def book(seen: BookSeen) -> dict[str, Any]:
    """A book."""
    sides = [
        [{"px": decimal(price), "sz": decimal(size), "n": 1} for price, size in side[:LEVELS]]
        for side in (seen.depth.bids, seen.depth.asks)
    ]
    return {"coin": seen.symbol, "time": milliseconds(seen.at_ns), "levels": sides}


def best(seen: BookSeen) -> dict[str, Any]:
    """The best level of each side."""
    levels = book(seen)["levels"]
    return {
        "coin": seen.symbol,
        "time": milliseconds(seen.at_ns),
        "bbo": [side[0] if side else None for side in levels],
    }


def state(venue: ServedVenue, seen: Sequence[AccountSeen]) -> dict[str, Any]:
    """A user's account with the isolated positions that hang on it, the account itself first."""
    accounts = [one.account for one in seen]
    main = accounts[0]
    return {
        "marginSummary": summary(accounts),
        "crossMarginSummary": summary(accounts[:1]),
        "crossMaintenanceMarginUsed": decimal(main.reported.maintenance_margin or 0.0),
        "withdrawable": decimal(max(min(main.reported.free_collateral or 0.0, cash_of(main)), 0.0)),
        "assetPositions": [
            {"type": "oneWay", "position": position(venue, account, held)}
            for account in accounts
            for held in account.positions
        ],
        "time": milliseconds(seen[0].at_ns),
    }


def summary(accounts: Sequence[Account]) -> dict[str, str]:
    """Sums over accounts: value, notional, dollars without positions, margin that positions use."""
    value = sum(account.reported.equity or 0.0 for account in accounts)
    held = [one for account in accounts for one in account.positions]
    return {
        "accountValue": decimal(round(value, 6)),
        "totalNtlPos": decimal(round(sum(abs(one.quantity) * mark_of(one) for one in held), 6)),
        "totalRawUsd": decimal(round(value - sum(one.quantity * mark_of(one) for one in held), 6)),
        "totalMarginUsed": decimal(round(sum(one.reported.initial_margin or 0.0 for one in held), 6)),
    }


def cash_of(account: Account) -> float:
    """Coins of the settle currency."""
    return account.collateral[0].amount if account.collateral else 0.0


def mark_of(held: Position) -> float:
    """The price that a position was valued at."""
    return held.entry_price + (held.reported.unrealized_pnl or 0.0) / held.quantity


def position(venue: ServedVenue, account: Account, held: Position) -> dict[str, Any]:
    """One position."""
    is_isolated = account.mode is MarginMode.ISOLATED
    most = max_leverage(venue.contract(held.symbol))
    used = (account.reported.equity if is_isolated else held.reported.initial_margin) or 0.0
    leverage: dict[str, Any] = {
        "type": "isolated" if is_isolated else "cross",
        "value": round(held.leverage or most),
    }
    if is_isolated:
        leverage["rawUsd"] = decimal(round(used - held.quantity * mark_of(held), 6))
    profit, paid = held.reported.unrealized_pnl or 0.0, funding_paid(venue, account.id, held.symbol)
    liquidation = held.reported.liquidation_price
    return {
        "coin": held.symbol,
        "szi": decimal(held.quantity),
        "leverage": leverage,
        "entryPx": decimal(held.entry_price),
        "positionValue": decimal(round(abs(held.quantity) * mark_of(held), 6)),
        "unrealizedPnl": decimal(round(profit, 6)),
        "returnOnEquity": decimal(round(profit / used, 10) if used > 0.0 else 0.0),
        "liquidationPx": None if liquidation is None else decimal(round(liquidation, 8)),
        "marginUsed": decimal(round(used, 6)),
        "maxLeverage": most,
        "cumFunding": {"allTime": paid, "sinceOpen": paid, "sinceChange": paid},
    }


def funding_paid(venue: ServedVenue, account: str, symbol: str) -> str:
    """Funding since the start, paid > 0 > received, as the venue signs it."""
    paid = -sum(one.cash for one in venue.truth.settled(account) if one.symbol == symbol)
    return decimal(round(paid, 6))


def side_of(quantity: float) -> str:
    """B for a buy, A for a sale."""
    return "B" if quantity > 0.0 else "A"


def order(known: Known) -> dict[str, Any]:
    """An order as the websocket and `openOrders` tell it."""
    request = known.request
    left = round(abs(request.quantity) - abs(known.report.filled), 12)
    out = {
        "coin": known.report.symbol,
        "side": side_of(request.quantity),
        "limitPx": decimal(request.limit_price),
        "sz": decimal(left),
        "oid": known.number,
        "timestamp": milliseconds(known.placed_ns),
        "origSz": decimal(abs(request.quantity)),
        "reduceOnly": request.reduce_only,
    }
    if cloid(known) is not None:
        out["cloid"] = cloid(known)
    return out


def cloid(known: Known) -> str | None:
    """The client's own id, where it gave one."""
    return known.request.client_id if known.request.client_id.startswith("0x") else None


def front_order(known: Known) -> dict[str, Any]:
    """An order with all its details."""
    return order(known) | {
        "triggerCondition": "N/A",
        "isTrigger": False,
        "triggerPx": "0.0",
        "children": [],
        "isPositionTpsl": False,
        "reduceOnly": known.request.reduce_only,
        "orderType": "Limit",
        "tif": TIFS[known.request.time_in_force],
        "cloid": cloid(known),
    }


def status(report: OrderReport) -> str:
    """The venue's word for what became of an order."""
    if report.state is OrderState.REJECTED:
        return REJECTED.get(report.reason, "rejected") if report.reason else "rejected"
    if report.state is OrderState.CANCELED:
        return CANCELED.get(report.why, "canceled")
    word: str = report.state.value
    return word


def with_status(known: Known, *, front: bool) -> dict[str, Any]:
    """An order and what became of it."""
    return {
        "order": front_order(known) if front else order(known),
        "status": status(known.report),
        "statusTimestamp": milliseconds(known.report.at_ns),
    }


def fill(venue: ServedVenue, traded: Traded, user: str) -> dict[str, Any]:
    """A trade of an account's."""
    one = traded.fill
    known = venue.order(one.account, one.client_id) if one.client_id else None
    out: dict[str, Any] = {
        "coin": one.symbol,
        "px": decimal(one.price),
        "sz": decimal(abs(one.quantity)),
        "side": side_of(one.quantity),
        "time": milliseconds(one.time_ns + venue.faults.skew_ns),
        "startPosition": decimal(traded.before),
        "dir": direction(traded),
        "closedPnl": decimal(round(traded.profit, 6)),
        "hash": NO_HASH,
        "oid": known.number if known else 0,
        "crossed": traded.is_taker,
        "fee": decimal(round(one.fee, 6)),
        "tid": int(one.trade_id),
        "feeToken": venue.truth.terms.settle,
    }
    if known and cloid(known):
        out["cloid"] = cloid(known)
    if traded.is_liquidation:
        mark = decimal(venue.truth.prices(one.symbol).mark)
        out["liquidation"] = {"liquidatedUser": user, "markPx": mark, "method": "market"}
    return out


def direction(traded: Traded) -> str:
    """The venue's words for what a trade did to the position."""
    before, quantity = traded.before, traded.fill.quantity
    if before * quantity >= 0.0:
        return "Open Long" if quantity > 0.0 else "Open Short"
    if abs(quantity) > abs(before) * (1.0 + 1e-9):
        return "Long > Short" if before > 0.0 else "Short > Long"
    return "Close Long" if before > 0.0 else "Close Short"


def settlement(symbol: str, rate: Rate) -> dict[str, Any]:
    """A row of `fundingHistory`."""
    return {
        "coin": symbol,
        "fundingRate": decimal(rate.rate),
        "premium": "0.0",
        "time": milliseconds(rate.at_ns),
    }


def payment(one: Settled) -> dict[str, Any]:
    """A row of `userFunding`."""
    return {
        "time": milliseconds(one.at_ns),
        "hash": NO_HASH,
        "delta": {
            "type": "funding",
            "coin": one.symbol,
            "usdc": decimal(round(one.cash, 6)),
            "szi": decimal(one.quantity),
            "fundingRate": decimal(one.rate),
            "nSamples": None,
        },
    }
