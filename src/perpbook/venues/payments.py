"""Funding as venues tell it: what accounts received and paid, and what was settled of contracts, page by page.

Sources: the venues' documentation (Hyperliquid `userFunding`, `fundingHistory`; Binance USD-M `income`, `fundingRate`; Bybit v5
`transaction-log`, whose `funding` is received > 0 > paid; OKX v5 `bills`, type 8) and dYdX's indexer, whose `payment` is minus
size times oracle price times rate.
"""

from __future__ import annotations

import math
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from perpbook.errors import VenueUnavailable
from perpbook.model.market import STABLECOINS
from perpbook.model.message import FundingPayment, SettledRate
from perpbook.venues.dialect import WEEK_MS, number

MS_NS = 1_000_000
PAGES, PAGES_A_DAY = 100, 5
"""Answers in a row that are asked for at most: some, and more for every day asked for. 60 days are 400."""
DAY_MS = 86_400_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """What is asked: `of` an address, or a contract by the venue's name; from `since_ms` to `now_ms`. `subaccount` : dYdX's."""

    of: str
    since_ms: int
    now_ms: int
    subaccount: int = 0


@dataclass(frozen=True, slots=True)
class Row:
    """A payment, or (dollars 0) what was settled of a contract. settlements : of which it is the sum."""

    symbol: str
    at_ms: int
    dollars: float = 0.0
    rate: float | None = None
    quantity: float | None = None
    settlements: int = 1


Page = tuple[list[Row], Any]
"""Rows in any order, and after what the next page is asked for, None where there is none."""
Ask = Callable[[Any, Asked, Any], Awaitable[Page]]
"""A client's page. The last is what the page before gave, None for the first."""


async def all_rows(page: Callable[[Any], Awaitable[Page]], asked: Asked) -> list[Row]:
    """Every row of every page, oldest first, each once, of what was there when it was asked for.

    Raises
    ------
    VenueUnavailable : there are more pages than are asked for.
    """
    found: dict[Row, None] = {}
    after: Any = None
    for _ in range(pages_of(asked)):
        rows, more = await page(after)
        found.update(dict.fromkeys(one for one in rows if asked.since_ms <= one.at_ms <= asked.now_ms))
        if more is None:
            return sorted(found, key=lambda one: (one.at_ms, one.symbol))
        if more == after:
            break
        after = more
    raise VenueUnavailable(f"the list does not end within {pages_of(asked)} answers, which are asked for at most")


def pages_of(asked: Asked) -> int:
    """How many answers in a row are asked for at most."""
    return PAGES + PAGES_A_DAY * max(0, asked.now_ms - asked.since_ms) // DAY_MS


def payments_of(rows: Iterable[Row]) -> tuple[FundingPayment, ...]:
    """As payments; those of one contract at one time are one."""
    found: dict[tuple[str, int], list[Row]] = {}
    for row in rows:
        if not math.isfinite(row.dollars):
            raise ValueError("a payment is not a number")
        found.setdefault((row.symbol, row.at_ms), []).append(row)
    return tuple(
        FundingPayment(
            symbol=symbol, dollars=math.fsum(one.dollars for one in mine), at_ns=at_ms * MS_NS, rate=mine[0].rate,
            quantity=mine[0].quantity, settlements=max(one.settlements for one in mine),
        )
        for (symbol, at_ms), mine in found.items()
    )  # fmt: skip


def rates_of(rows: Sequence[Row]) -> tuple[SettledRate, ...]:
    """As rates."""
    found: list[SettledRate] = []
    for row in rows:
        if row.rate is None or not math.isfinite(row.rate):
            raise ValueError("a rate is not a number")
        found.append(SettledRate(at_ns=row.at_ms * MS_NS, rate=row.rate))
    return tuple(found)


def dollars(text: Any, coin: Any) -> float:
    """An amount of a dollar coin; in another it is not known what it was worth."""
    if str(coin) not in STABLECOINS:
        raise ValueError("funding was paid in a coin that is no dollar")
    return float(text)


def iso_ms(text: Any) -> int:
    """Milliseconds of an ISO time."""
    return round(datetime.fromisoformat(str(text).replace("Z", "+00:00")).timestamp() * 1000)


async def _hyperliquid(client: Any, asked: Asked, after: Any) -> Page:
    """Old settlements come as sums, of `nSamples`."""
    given = {"type": "userFunding", "user": asked.of, "startTime": after or asked.since_ms}
    told = await client.publicPostInfo(given)
    rows = [
        Row(
            str(one["delta"]["coin"]), int(one["time"]), float(one["delta"]["usdc"]),
            number(one["delta"].get("fundingRate")), number(one["delta"].get("szi")),
            int(one["delta"].get("nSamples") or 1),
        )
        for one in told
    ]  # fmt: skip
    return rows, rows[-1].at_ms if len(rows) >= 500 else None


async def _hyperliquid_rates(client: Any, asked: Asked, after: Any) -> Page:
    told = await client.publicPostInfo(
        {"type": "fundingHistory", "coin": asked.of, "startTime": after or asked.since_ms}
    )
    rows = [Row(asked.of, int(one["time"]), rate=float(one["fundingRate"])) for one in told]
    return rows, rows[-1].at_ms if len(rows) >= 500 else None


async def _dydx(client: Any, asked: Asked, after: Any) -> Page:
    """Newest first. Sizes are signed."""
    number_of_page = after or 1
    given = {"address": asked.of, "subaccountNumber": asked.subaccount, "limit": 1000, "page": number_of_page}
    told = (await client.indexerGetFundingPayments(given))["fundingPayments"]
    rows = [
        Row(
            str(one["ticker"]), iso_ms(one["createdAt"]), float(one["payment"]), number(one.get("rate")),
            number(one.get("size")),
        )
        for one in told
    ]  # fmt: skip
    is_last = len(rows) < 1000 or rows[-1].at_ms < asked.since_ms
    return rows, None if is_last else number_of_page + 1


async def _dydx_rates(client: Any, asked: Asked, after: Any) -> Page:
    told = await client.indexerGetHistoricalFundingMarket({"market": asked.of, "limit": 1000})
    return [
        Row(asked.of, iso_ms(one["effectiveAt"]), rate=float(one["rate"])) for one in told["historicalFunding"]
    ], None


async def _binance(client: Any, asked: Asked, after: Any) -> Page:
    given = {"incomeType": "FUNDING_FEE", "startTime": after or asked.since_ms, "limit": 1000}
    told = await client.fapiPrivateGetIncome(given)
    rows = [Row(str(one["symbol"]), int(one["time"]), dollars(one["income"], one["asset"])) for one in told]
    return rows, rows[-1].at_ms if len(rows) >= 1000 else None


async def _binance_rates(client: Any, asked: Asked, after: Any) -> Page:
    given = {"symbol": asked.of, "startTime": after or asked.since_ms, "limit": 1000}
    told = await client.fapiPublicGetFundingRate(given)
    rows = [Row(asked.of, int(one["fundingTime"]), rate=float(one["fundingRate"])) for one in told]
    return rows, rows[-1].at_ms if len(rows) >= 1000 else None


async def _bybit(client: Any, asked: Asked, after: Any) -> Page:
    """A week at a time, each in pages."""
    start, cursor = after or (asked.since_ms, "")
    end = min(start + WEEK_MS, asked.now_ms)
    given = {"accountType": "UNIFIED", "category": "linear", "type": "SETTLEMENT", "limit": 50}
    result = (
        await client.privateGetV5AccountTransactionLog(
            {**given, "startTime": start, "endTime": end, **({"cursor": cursor} if cursor else {})}
        )
    )["result"]
    rows = [
        Row(
            str(one["symbol"]), int(one["transactionTime"]), dollars(one["funding"], one["currency"]),
            number(one.get("feeRate")), number(one.get("size")),
        )
        for one in result["list"]
    ]  # fmt: skip
    more = str(result.get("nextPageCursor") or "")
    if more and len(rows) >= 50:
        return rows, (start, more)
    return rows, (end, "") if end < asked.now_ms else None


async def _bybit_rates(client: Any, asked: Asked, after: Any) -> Page:
    """Newest first."""
    given = {"category": "linear", "symbol": asked.of, "startTime": asked.since_ms, "endTime": after or asked.now_ms}
    told = (await client.publicGetV5MarketFundingHistory({**given, "limit": 200}))["result"]["list"]
    rows = [Row(asked.of, int(one["fundingRateTimestamp"]), rate=float(one["fundingRate"])) for one in told]
    return rows, min(one.at_ms for one in rows) if len(rows) >= 200 else None


async def _okx(client: Any, asked: Asked, after: Any) -> Page:
    """Of three months, then of the last week, which the first may lack the newest of. Newest first."""
    is_old, last = after or (asked.now_ms - asked.since_ms > WEEK_MS, "")
    ask = client.privateGetAccountBillsArchive if is_old else client.privateGetAccountBills
    begin = asked.since_ms if is_old else max(asked.since_ms, asked.now_ms - WEEK_MS)
    given = {"instType": "SWAP", "type": "8", "begin": str(begin), "limit": "100"}
    told = (await ask({**given, **({"after": last} if last else {})}))["data"]
    rows = [
        Row(
            str(one["instId"]), int(one["ts"]),
            dollars(one["balChg"] if float(one["balChg"] or 0.0) else one["posBalChg"] or 0.0, one["ccy"]),
        )
        for one in told
    ]  # fmt: skip
    if len(told) >= 100:
        return rows, (is_old, str(told[-1]["billId"]))
    return rows, (False, "") if is_old else None


async def _okx_rates(client: Any, asked: Asked, after: Any) -> Page:
    """Newest first."""
    given = {"instId": asked.of, "limit": "100", **({"after": after} if after else {})}
    told = (await client.publicGetPublicFundingRateHistory(given))["data"]
    rows = [
        Row(asked.of, int(one["fundingTime"]), rate=float(one.get("realizedRate") or one["fundingRate"]))
        for one in told
    ]
    is_last = len(rows) < 100 or rows[-1].at_ms < asked.since_ms
    return rows, None if is_last else str(rows[-1].at_ms)


PAYMENTS: Mapping[str, Ask] = {
    "hyperliquid": _hyperliquid, "dydx": _dydx, "binance": _binance, "bybit": _bybit, "okx": _okx,
}  # fmt: skip
RATES: Mapping[str, Ask] = {
    "hyperliquid": _hyperliquid_rates, "dydx": _dydx_rates, "binance": _binance_rates, "bybit": _bybit_rates,
    "okx": _okx_rates,
}  # fmt: skip
