"""What Binance's USD-M futures say of contracts, accounts, orders and trades, as JSON objects.

Shapes: the venue's documentation of `fapi`, a recorded exchangeInfo, and recorded answers.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from perpbook.dialects.plain import decimals_of, milliseconds, text
from perpbook.dialects.traded import Traded
from perpbook.dialects.venue import Known, Rate, ServedVenue
from perpbook.model.account import Account, MarginMode, Position
from perpbook.model.message import AccountSeen
from perpbook.model.order import OrderState, TimeInForce
from perpbook.model.units import HOUR_NS
from perpbook.simulation.exchange import ASKED
from perpbook.simulation.happened import Settled
from perpbook.simulation.moves import DEAD_MAN
from perpbook.simulation.order_rules import exponent, order_rules
from perpbook.terms.terms import ContractTerms

TIFS = {TimeInForce.GTC: "GTC", TimeInForce.IOC: "IOC", TimeInForce.POST: "GTX"}
NEVER_MS = 4_133_404_800_000
"""The delivery date of a perpetual."""


def tick(venue: ServedVenue, symbol: str) -> float:
    """A contract's price step; where the terms know none, a ten-millionth of the mark's decade."""
    known = venue.contract(symbol).contract.tick_size
    return known or 10.0 ** (exponent(venue.truth.prices(symbol).mark) - 6)


def lot(venue: ServedVenue, symbol: str) -> float:
    """A contract's size step; where the terms know none, a thousandth."""
    return venue.contract(symbol).contract.lot_size or 0.001


def contract(venue: ServedVenue, symbol: str) -> dict[str, Any]:
    """A contract of `exchangeInfo`."""
    terms, rules = venue.contract(symbol).contract, order_rules(venue.truth.name)
    step, price = text(lot(venue, symbol)), text(tick(venue, symbol))
    band = rules.band or 1.0
    size = {"minQty": step, "maxQty": "1000000000", "stepSize": step}
    return {
        "symbol": symbol,
        "pair": symbol,
        "contractType": "PERPETUAL",
        "deliveryDate": NEVER_MS,
        "onboardDate": 0,
        "status": "TRADING",
        "baseAsset": terms.base,
        "quoteAsset": terms.quote,
        "marginAsset": terms.settle,
        "pricePrecision": decimals_of(tick(venue, symbol)),
        "quantityPrecision": decimals_of(lot(venue, symbol)),
        "baseAssetPrecision": 8,
        "quotePrecision": 8,
        "underlyingType": "COIN",
        "underlyingSubType": [],
        "triggerProtect": "0.0500",
        "liquidationFee": text(venue.truth.terms.liquidation.penalty_rate),
        "marketTakeBound": text(band),
        "filters": [
            {"filterType": "PRICE_FILTER", "minPrice": price, "maxPrice": "1000000000", "tickSize": price},
            {"filterType": "LOT_SIZE", **size},
            {"filterType": "MARKET_LOT_SIZE", **size},
            {"filterType": "MAX_NUM_ORDERS", "limit": 200},
            {"filterType": "MIN_NOTIONAL", "notional": text(rules.least_notional)},
            {
                "filterType": "PERCENT_PRICE",
                "multiplierUp": text(1.0 + band),
                "multiplierDown": text(max(1.0 - band, 0.0)),
                "multiplierDecimal": "4",
            },
        ],
        "orderTypes": ["LIMIT", "MARKET"],
        "timeInForce": ["GTC", "IOC", "GTX"],
    }


def premium(venue: ServedVenue, symbol: str) -> dict[str, Any]:
    """A contract's mark, index and funding."""
    now = venue.truth.prices(symbol)
    return {
        "symbol": symbol,
        "markPrice": text(now.mark),
        "indexPrice": text(now.index or now.mark),
        "estimatedSettlePrice": text(now.index or now.mark),
        "lastFundingRate": text(now.funding_rate or 0.0),
        "interestRate": text(venue.truth.terms.funding.interest_rate_8h or 0.0),
        "nextFundingTime": milliseconds(venue.truth.next_funding_ns()),
        "time": milliseconds(venue.clock_ns),
    }


def settlement(symbol: str, rate: Rate) -> dict[str, Any]:
    """A row of `fundingRate`."""
    return {
        "symbol": symbol,
        "fundingRate": text(rate.rate),
        "fundingTime": milliseconds(rate.at_ns),
        "markPrice": text(rate.price),
    }


def funding_info(venue: ServedVenue, symbol: str) -> dict[str, Any]:
    """How often a contract settles, and its cap."""
    funding = venue.truth.terms.funding
    cap = funding.cap if funding.cap is not None else 0.02
    return {
        "symbol": symbol,
        "adjustedFundingRateCap": text(cap),
        "adjustedFundingRateFloor": text(-cap),
        "fundingIntervalHours": funding.interval_ns // HOUR_NS,
    }


def levels(side: Iterable[tuple[float, float]]) -> list[list[str]]:
    """One side of a book."""
    return [[text(price), text(size)] for price, size in side]


def best(venue: ServedVenue, symbol: str) -> dict[str, Any]:
    """The best level of each side."""
    depth = venue.book(symbol).depth
    bid, ask = (depth.bids or ((0.0, 0.0),))[0], (depth.asks or ((0.0, 0.0),))[0]
    return {
        "symbol": symbol,
        "bidPrice": text(bid[0]),
        "bidQty": text(bid[1]),
        "askPrice": text(ask[0]),
        "askQty": text(ask[1]),
        "time": milliseconds(venue.clock_ns),
    }


def brackets(terms: ContractTerms) -> dict[str, Any]:
    """A contract's tiers."""
    tiers, cuts = terms.tiers.tiers, terms.tiers.deductions()
    caps = [*(tier.lower for tier in tiers[1:]), min(terms.tiers.covers, 1e15)]
    return {
        "symbol": terms.contract.symbol,
        "notionalCoef": 1.0,
        "brackets": [
            {
                "bracket": number + 1,
                "initialLeverage": round(1.0 / tier.initial_margin_fraction),
                "notionalCap": caps[number],
                "notionalFloor": tier.lower,
                "maintMarginRatio": tier.maintenance_margin_fraction,
                "cum": cuts[number],
            }
            for number, tier in enumerate(tiers)
        ],
    }


def cash_of(account: Account) -> float:
    """The settle coin in a bucket."""
    return account.collateral[0].amount if account.collateral else 0.0


def leverage_of(venue: ServedVenue, held: Position) -> float:
    """The user's leverage, the most there is where none was set."""
    return held.leverage or round(1.0 / venue.contract(held.symbol).tiers.tiers[0].initial_margin_fraction)


def mark_of(held: Position) -> float:
    """The price that a position was valued at."""
    return held.entry_price + (held.reported.unrealized_pnl or 0.0) / held.quantity


def account(venue: ServedVenue, seen: tuple[AccountSeen, ...]) -> dict[str, Any]:
    """`account`, versions 2 and 3 in one."""
    main, asset = seen[0].account, venue.truth.terms.settle
    buckets = [one.account for one in seen]
    wallet, profit = sum(map(cash_of, buckets)), total(buckets, "unrealized_pnl")
    initial, maintenance = total(buckets, "initial_margin"), total(buckets, "maintenance_margin")
    held = sum(one.reported.initial_margin or 0.0 for bucket in buckets for one in bucket.positions)
    free = max(main.reported.free_collateral or 0.0, 0.0)
    row = {
        "asset": asset,
        "walletBalance": text(round(wallet, 8)),
        "unrealizedProfit": text(round(profit, 8)),
        "marginBalance": text(round(total(buckets, "equity"), 8)),
        "maintMargin": text(round(maintenance, 8)),
        "initialMargin": text(round(initial, 8)),
        "positionInitialMargin": text(round(held, 8)),
        "openOrderInitialMargin": text(round(max(initial - held, 0.0), 8)),
        "crossWalletBalance": text(round(cash_of(main), 8)),
        "crossUnPnl": text(round(total(buckets[:1], "unrealized_pnl"), 8)),
        "availableBalance": text(round(free, 8)),
        "maxWithdrawAmount": text(round(max(min(free, wallet), 0.0), 8)),
        "marginAvailable": True,
        "updateTime": milliseconds(seen[0].at_ns),
    }
    return {
        "feeTier": 0,
        "canTrade": True,
        "canDeposit": False,
        "canWithdraw": False,
        "updateTime": 0,
        "multiAssetsMargin": False,
        "tradeGroupId": -1,
        "totalInitialMargin": row["initialMargin"],
        "totalMaintMargin": row["maintMargin"],
        "totalWalletBalance": row["walletBalance"],
        "totalUnrealizedProfit": row["unrealizedProfit"],
        "totalMarginBalance": row["marginBalance"],
        "totalPositionInitialMargin": row["positionInitialMargin"],
        "totalOpenOrderInitialMargin": row["openOrderInitialMargin"],
        "totalCrossWalletBalance": row["crossWalletBalance"],
        "totalCrossUnPnl": row["crossUnPnl"],
        "availableBalance": row["availableBalance"],
        "maxWithdrawAmount": row["maxWithdrawAmount"],
        "assets": [row],
        "positions": [account_position(venue, one.account, held) for one in seen for held in one.account.positions],
    }


def total(buckets: Sequence[Account], name: str) -> float:
    """A sum of what buckets report."""
    return float(sum(getattr(bucket.reported, name) or 0.0 for bucket in buckets))


def account_position(venue: ServedVenue, bucket: Account, held: Position) -> dict[str, Any]:
    """A position as `account` tells it."""
    risk = position(venue, bucket, held)
    return {
        "symbol": held.symbol,
        "initialMargin": risk["initialMargin"],
        "maintMargin": risk["maintMargin"],
        "unrealizedProfit": risk["unRealizedProfit"],
        "positionInitialMargin": risk["initialMargin"],
        "openOrderInitialMargin": "0",
        "leverage": risk["leverage"],
        "isolated": bucket.mode is MarginMode.ISOLATED,
        "entryPrice": risk["entryPrice"],
        "breakEvenPrice": risk["entryPrice"],
        "maxNotional": risk["maxNotionalValue"],
        "bidNotional": "0",
        "askNotional": "0",
        "positionSide": "BOTH",
        "positionAmt": risk["positionAmt"],
        "notional": risk["notional"],
        "isolatedMargin": risk["isolatedMargin"],
        "isolatedWallet": risk["isolatedWallet"],
        "updateTime": 0,
    }


def position(venue: ServedVenue, bucket: Account, held: Position) -> dict[str, Any]:
    """A position as `positionRisk` tells it, versions 2 and 3 in one."""
    is_isolated = bucket.mode is MarginMode.ISOLATED
    mark = mark_of(held)
    liquidation = held.reported.liquidation_price
    tiers = venue.contract(held.symbol).tiers
    return {
        "symbol": held.symbol,
        "positionSide": "BOTH",
        "positionAmt": text(held.quantity),
        "entryPrice": text(held.entry_price),
        "breakEvenPrice": text(held.entry_price),
        "markPrice": text(mark),
        "unRealizedProfit": text(round(held.reported.unrealized_pnl or 0.0, 8)),
        "liquidationPrice": "0" if liquidation is None else text(round(liquidation, 8)),
        "isolatedMargin": text(round(bucket.reported.equity or 0.0, 8)) if is_isolated else "0",
        "isolatedWallet": text(round(cash_of(bucket), 8)) if is_isolated else "0",
        "notional": text(round(held.quantity * mark, 8)),
        "marginAsset": venue.truth.terms.settle,
        "initialMargin": text(round(held.reported.initial_margin or 0.0, 8)),
        "maintMargin": text(round(held.reported.maintenance_margin or 0.0, 8)),
        "positionInitialMargin": text(round(held.reported.initial_margin or 0.0, 8)),
        "openOrderInitialMargin": "0",
        "adl": 0,
        "bidNotional": "0",
        "askNotional": "0",
        "leverage": text(leverage_of(venue, held)),
        "maxNotionalValue": text(tiers.tiers[1].lower if len(tiers.tiers) > 1 else 1e15),
        "marginType": "isolated" if is_isolated else "cross",
        "isAutoAddMargin": "false",
        "updateTime": milliseconds(venue.clock_ns),
    }


def status(known: Known) -> str:
    """The venue's word for what became of an order."""
    report = known.report
    if report.state is OrderState.OPEN:
        return "PARTIALLY_FILLED" if report.filled else "NEW"
    if report.state is OrderState.CANCELED:
        return "CANCELED" if report.why in (ASKED, DEAD_MAN) else "EXPIRED"
    word: str = report.state.value.upper()
    return word


def order(known: Known) -> dict[str, Any]:
    """An order."""
    request, report = known.request, known.report
    average = report.average_price or 0.0
    return {
        "orderId": known.number,
        "symbol": report.symbol,
        "status": status(known),
        "clientOrderId": request.client_id,
        "price": text(request.limit_price),
        "avgPrice": text(round(average, 8)),
        "origQty": text(abs(request.quantity)),
        "executedQty": text(abs(report.filled)),
        "cumQty": text(abs(report.filled)),
        "cumQuote": text(round(abs(report.filled) * average, 8)),
        "timeInForce": TIFS[request.time_in_force],
        "type": "LIMIT",
        "reduceOnly": request.reduce_only,
        "closePosition": False,
        "side": side_of(request.quantity),
        "positionSide": "BOTH",
        "stopPrice": "0",
        "workingType": "CONTRACT_PRICE",
        "priceProtect": False,
        "origType": "LIMIT",
        "priceMatch": "NONE",
        "selfTradePreventionMode": "EXPIRE_MAKER",
        "goodTillDate": 0,
        "time": milliseconds(known.placed_ns),
        "updateTime": milliseconds(report.at_ns),
    }


def side_of(quantity: float) -> str:
    """BUY or SELL."""
    return "BUY" if quantity > 0.0 else "SELL"


def trade(venue: ServedVenue, traded: Traded) -> dict[str, Any]:
    """A trade of an account's."""
    one = traded.fill
    number = venue.truth.number(one.account, one.client_id)
    return {
        "symbol": one.symbol,
        "id": int(one.trade_id),
        "orderId": number or 0,
        "side": side_of(one.quantity),
        "price": text(one.price),
        "qty": text(abs(one.quantity)),
        "realizedPnl": text(round(traded.profit, 8)),
        "quoteQty": text(round(abs(one.quantity) * one.price, 8)),
        "commission": text(round(one.fee, 8)),
        "commissionAsset": venue.truth.terms.settle,
        "time": milliseconds(one.time_ns + venue.faults.skew_ns),
        "positionSide": "BOTH",
        "buyer": one.quantity > 0.0,
        "maker": not traded.is_taker,
    }


def income(venue: ServedVenue, number: int, one: Settled) -> dict[str, Any]:
    """Funding that was received or paid."""
    return {
        "symbol": one.symbol,
        "incomeType": "FUNDING_FEE",
        "income": text(round(one.cash, 8)),
        "asset": venue.truth.terms.settle,
        "time": milliseconds(one.at_ns),
        "info": "FUNDING_FEE",
        "tranId": number,
        "tradeId": "",
    }
