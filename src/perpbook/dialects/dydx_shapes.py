"""What dYdX's indexer says of markets, subaccounts, orders and fills, as JSON objects.

Shapes: the indexer's documentation (`docs.dydx.xyz/indexer-client`), and recorded answers.
"""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from perpbook.dialects.plain import decimals_of, text
from perpbook.dialects.traded import Traded
from perpbook.dialects.venue import Known, Rate, ServedVenue
from perpbook.model.account import Account, Position
from perpbook.model.market import Depth
from perpbook.model.message import BookSeen
from perpbook.model.order import OrderState, TimeInForce
from perpbook.model.units import SECOND_NS
from perpbook.terms.terms import ContractTerms

NAMESPACE = uuid.UUID("0f9da948-a6fb-4c45-9edc-4685c3f3317d")
"""Of the indexer's ids, from its source (`packages/postgres/src/helpers/uuid.ts`), as ccxt has it, too."""

GENESIS_S = 1_700_000_000
"""The venue's block 0, seconds UTC: one block a second here."""

QUOTE_EXPONENT, STEP_EXPONENT = -9, 6
"""`quantumConversionExponent`, and the power of ten of `stepBaseQuantums`, of most markets."""

STATUS = {
    OrderState.OPEN: "OPEN",
    OrderState.FILLED: "FILLED",
    OrderState.CANCELED: "CANCELED",
    OrderState.REJECTED: "CANCELED",
}
TIFS = {TimeInForce.GTC: "GTT", TimeInForce.IOC: "IOC", TimeInForce.POST: "GTT"}


def height(at_ns: int) -> int:
    """The block of a time."""
    return at_ns // SECOND_NS - GENESIS_S


def block_end_ns(block: int) -> int:
    """When a block is over."""
    return (block + 1 + GENESIS_S) * SECOND_NS


def iso(at_ns: int) -> str:
    """A time, ISO 8601 to the millisecond."""
    moment = datetime.fromtimestamp(at_ns // SECOND_NS, UTC)
    return f"{moment:%Y-%m-%dT%H:%M:%S}.{at_ns % SECOND_NS // 1_000_000:03d}Z"


@dataclass(frozen=True, slots=True)
class Units:
    """The chain's units of a market: base units a quantum, quote units a subtick."""

    atomic: int
    tick: float

    @property
    def quantum(self) -> float:
        """Base units."""
        return float(10.0**self.atomic)

    @property
    def subticks_per_quote(self) -> float:
        """Subticks in one quote unit of price."""
        return float(10.0 ** (self.atomic - QUOTE_EXPONENT + 6))


def units(terms: ContractTerms) -> Units:
    """A market's units, from its lot and tick."""
    contract = terms.contract
    return Units(-decimals_of(contract.lot_size) - STEP_EXPONENT, contract.tick_size)


def market(venue: ServedVenue, symbol: str) -> dict[str, Any]:
    """A market."""
    terms, now = venue.contract(symbol), venue.truth.prices(symbol)
    unit, lowest = units(terms), terms.tiers.tiers[0]
    scaling = terms.open_interest_scaling
    return {
        "clobPairId": str(venue.truth.symbols.index(symbol)),
        "ticker": symbol,
        "status": "ACTIVE",
        "oraclePrice": text(now.oracle or now.mark),
        "priceChange24H": "0",
        "volume24H": "0",
        "trades24H": 0,
        "nextFundingRate": text(now.funding_rate or 0.0),
        "initialMarginFraction": text(lowest.initial_margin_fraction),
        "maintenanceMarginFraction": text(lowest.maintenance_margin_fraction),
        "openInterest": text(now.open_interest or 0.0),
        "atomicResolution": unit.atomic,
        "quantumConversionExponent": QUOTE_EXPONENT,
        "tickSize": text(unit.tick),
        "stepSize": text(terms.contract.lot_size),
        "stepBaseQuantums": 10**STEP_EXPONENT,
        "subticksPerTick": round(unit.tick * unit.subticks_per_quote),
        "marketType": "CROSS",
        "openInterestLowerCap": text(scaling.lower) if scaling else "0",
        "openInterestUpperCap": text(scaling.upper) if scaling else "0",
        "baseOpenInterest": text(now.open_interest or 0.0),
        "defaultFundingRate1H": "0",
    }


def levels(depth: Depth) -> dict[str, Any]:
    """A book, whole."""
    return {
        "bids": [{"price": text(price), "size": text(size)} for price, size in depth.bids],
        "asks": [{"price": text(price), "size": text(size)} for price, size in depth.asks],
    }


def changes(venue: ServedVenue, seen: BookSeen) -> dict[str, Any]:
    """What of a book is new: all of it where the one before is not known, the best levels again where nothing is."""
    found = venue.change(seen.symbol, seen.sequence)
    depth = found.levels if found else seen.depth
    if not (depth.bids or depth.asks):
        depth = Depth(bids=seen.depth.bids[:1], asks=seen.depth.asks[:1])
    sides = {
        "bids": [[text(price), text(size)] for price, size in depth.bids],
        "asks": [[text(price), text(size)] for price, size in depth.asks],
    }
    return {name: rows for name, rows in sides.items() if rows}


def rate(symbol: str, settled: Rate) -> dict[str, Any]:
    """A settlement of a market."""
    return {
        "ticker": symbol,
        "rate": text(settled.rate),
        "price": text(settled.price),
        "effectiveAtHeight": str(height(settled.at_ns)),
        "effectiveAt": iso(settled.at_ns),
    }


def subaccount_id(address: str, number: int) -> str:
    """The indexer's id of a subaccount."""
    return str(uuid.uuid5(NAMESPACE, f"{address}-{number}"))


def subaccount(venue: ServedVenue, account: Account, address: str, number: int) -> dict[str, Any]:
    """A subaccount."""
    block = str(height(venue.clock_ns))
    return {
        "address": address,
        "subaccountNumber": number,
        "equity": text(round(account.reported.equity or 0.0, 6)),
        "freeCollateral": text(round(max(account.reported.free_collateral or 0.0, 0.0), 6)),
        "openPerpetualPositions": {
            held.symbol: position(venue, account.id, held, number) for held in account.positions
        },
        "assetPositions": {"USDC": asset(account, number)},
        "marginEnabled": True,
        "updatedAtHeight": block,
        "latestProcessedBlockHeight": block,
    }


def asset(account: Account, number: int) -> dict[str, Any]:
    """The settle coin of a subaccount: what was paid for its positions is taken off, as the chain has it."""
    cash = account.collateral[0].amount if account.collateral else 0.0
    held = cash - sum(one.quantity * one.entry_price for one in account.positions)
    return {
        "size": text(round(abs(held), 6)),
        "symbol": "USDC",
        "side": "SHORT" if held < 0.0 else "LONG",
        "assetId": "0",
        "subaccountNumber": number,
    }


def position(venue: ServedVenue, account: str, held: Position, number: int) -> dict[str, Any]:
    """A position."""
    closed = [one for one in venue.trades[account] if one.fill.symbol == held.symbol]
    began = iso(venue.pace.start_ns)
    return {
        "market": held.symbol,
        "status": "OPEN",
        "side": "LONG" if held.quantity > 0.0 else "SHORT",
        "size": text(held.quantity),
        "maxSize": text(held.quantity),
        "entryPrice": text(held.entry_price),
        "exitPrice": None,
        "realizedPnl": text(round(sum(one.profit for one in closed), 6)),
        "unrealizedPnl": text(round(held.reported.unrealized_pnl or 0.0, 6)),
        "createdAt": began,
        "createdAtHeight": str(height(venue.pace.start_ns)),
        "closedAt": None,
        "sumOpen": text(abs(held.quantity)),
        "sumClose": "0",
        "netFunding": text(
            round(sum(one.cash for one in venue.truth.settled(account) if one.symbol == held.symbol), 6)
        ),
        "subaccountNumber": number,
    }


def closed_positions(venue: ServedVenue, account: Account, number: int) -> list[dict[str, Any]]:
    """Positions that were traded away, as an update tells them."""
    held = {one.symbol for one in account.positions}
    trades = venue.trades.get(account.id, [])
    gone = sorted({one.fill.symbol for one in trades} - held)
    return [
        {"market": symbol, "status": "CLOSED", "side": "LONG", "size": "0", "subaccountNumber": number}
        for symbol in gone
    ]


@dataclass(frozen=True, slots=True, kw_only=True)
class Written:
    """What a dYdX order says beside an order of the exchange. `good_til` : a block, or seconds UTC where it lives by time."""

    client_id: int
    flags: int
    clob_pair: int
    good_til: int
    metadata: int


def order_uuid(address: str, number: int, written: Written) -> str:
    """The indexer's id of an order."""
    prefix = subaccount_id(address, number)
    return str(uuid.uuid5(NAMESPACE, f"{prefix}-{written.client_id}-{written.clob_pair}-{written.flags}"))


def order(known: Known, written: Written, address: str, number: int) -> dict[str, Any]:
    """An order."""
    request, report = known.request, known.report
    out = {
        "id": order_uuid(address, number, written),
        "subaccountId": subaccount_id(address, number),
        "clientId": str(written.client_id),
        "clobPairId": str(written.clob_pair),
        "side": "BUY" if request.quantity > 0.0 else "SELL",
        "size": text(abs(request.quantity)),
        "totalFilled": text(abs(report.filled)),
        "price": text(request.limit_price),
        "type": "LIMIT",
        "status": STATUS.get(report.state, "BEST_EFFORT_CANCELED"),
        "timeInForce": TIFS[request.time_in_force],
        "reduceOnly": request.reduce_only,
        "orderFlags": str(written.flags),
        "createdAtHeight": str(height(known.placed_ns)),
        "clientMetadata": str(written.metadata),
        "updatedAt": iso(report.at_ns),
        "updatedAtHeight": str(height(report.at_ns)),
        "orderRouterAddress": "",
        "postOnly": request.time_in_force is TimeInForce.POST,
        "ticker": report.symbol,
        "subaccountNumber": number,
    }
    if report.why:
        out["removalReason"] = report.why
    if written.flags == 0:
        return out | {"goodTilBlock": str(written.good_til)}
    return out | {"goodTilBlockTime": iso(written.good_til * SECOND_NS)}


def fill(traded: Traded, order_id: str, number: int, at_ns: int) -> dict[str, Any]:
    """A trade of a subaccount. `at_ns` : by the venue's clock."""
    one = traded.fill
    return {
        "id": str(uuid.uuid5(NAMESPACE, f"fill-{one.trade_id}")),
        "side": "BUY" if one.quantity > 0.0 else "SELL",
        "liquidity": "TAKER" if traded.is_taker else "MAKER",
        "type": "LIQUIDATED" if traded.is_liquidation else "LIMIT",
        "market": one.symbol,
        "marketType": "PERPETUAL",
        "price": text(one.price),
        "size": text(abs(one.quantity)),
        "fee": text(round(one.fee, 6)),
        "affiliateRevShare": "0",
        "createdAt": iso(at_ns),
        "createdAtHeight": str(height(at_ns)),
        "orderId": order_id,
        "clientMetadata": "0",
        "subaccountNumber": number,
    }


def public_trade(traded: Traded, at_ns: int) -> dict[str, Any]:
    """A trade as everybody sees it."""
    one = traded.fill
    return {
        "id": str(uuid.uuid5(NAMESPACE, f"trade-{one.trade_id}")),
        "side": "BUY" if one.quantity > 0.0 else "SELL",
        "size": text(abs(one.quantity)),
        "price": text(one.price),
        "type": "LIQUIDATED" if traded.is_liquidation else "LIMIT",
        "createdAt": iso(at_ns),
        "createdAtHeight": str(height(at_ns)),
    }


def newest(rows: Sequence[Any], limit: str | None, page: str | None = None) -> list[Any]:
    """The last rows first, at most so many; of a page, the first unless one is given."""
    most = int(limit) if limit and limit.isdigit() else 1000
    first = (int(page) - 1) * most if page and page.isdigit() and page != "0" else 0
    return list(reversed(rows))[first : first + most]
