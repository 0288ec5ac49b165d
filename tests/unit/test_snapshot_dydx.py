"""dYdX's subaccounts: what trades left in USDC is not collateral until the positions' cost is added. Invented figures."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from perpbook.errors import BookError
from perpbook.model.account import MarginMode
from perpbook.model.market import Snapshot
from tests.unit.saved_answers import imported


def held(market: str, side: str, size: str, entry: str, profit: str) -> dict[str, str]:
    return {"market": market, "side": side, "size": size, "entryPrice": entry, "unrealizedPnl": profit}


def subaccount(number: int, usdc: tuple[str, str], *positions: dict[str, str], **more: Any) -> dict[str, Any]:
    side, size = usdc
    return {
        "subaccountNumber": number,
        "assetPositions": {"USDC": {"symbol": "USDC", "side": side, "size": size}},
        "openPerpetualPositions": {one["market"]: one for one in positions},
        **more,
    }


BTC, ETH = held("BTC-USD", "LONG", "0.5", "60000", "1000"), held("ETH-USD", "SHORT", "-4", "3100", "200")
MAIN = subaccount(0, ("SHORT", "7400"), BTC, ETH, equity="11400", freeCollateral="9000")
MARKETS = {"markets": {"BTC-USD": {"ticker": "BTC-USD", "oraclePrice": "62500.5", "openInterest": "55"},
                       "NOPE-USD": {"ticker": "NOPE-USD", "oraclePrice": "1"}}}  # fmt: skip


def equity(snapshot: Snapshot) -> float:
    account = snapshot.book.accounts[0]
    prices = {symbol: quote.oracle_price or 0.0 for (_, symbol), quote in snapshot.market.quotes.items()}
    profit = sum(one.quantity * (prices[one.symbol] - one.entry_price) for one in account.positions)
    return account.collateral[0].amount + profit


def test_collateral_is_the_cash_with_the_cost_of_positions_added_back(tmp_path: Path) -> None:
    snapshot = imported(tmp_path, {"subaccount": MAIN})
    account = snapshot.book.accounts[0]
    assert account.id == "dydx-0" and [one.quantity for one in account.positions] == [0.5, -4.0]
    assert account.collateral[0].amount == pytest.approx(-7400 + 0.5 * 60000 - 4 * 3100)
    assert equity(snapshot) == pytest.approx(11400.0)


def test_oracle_prices_are_derived_only_where_the_equity_confirms_them(tmp_path: Path) -> None:
    assert imported(tmp_path, {"subaccount": MAIN}).market.quotes["dydx", "BTC-USD"].oracle_price == 62000.0
    assert not imported(tmp_path, {"subaccount": {**MAIN, "equity": "12000"}}).market.quotes
    assert not imported(tmp_path, {"subaccount": {**MAIN, "equity": None}}).market.quotes


def test_a_markets_answer_beside_it_gives_the_prices_of_what_is_held(tmp_path: Path) -> None:
    quotes = imported(tmp_path, {"subaccount": {**MAIN, "equity": None}}, MARKETS).market.quotes
    assert list(quotes) == [("dydx", "BTC-USD")] and quotes["dydx", "BTC-USD"].oracle_price == 62500.5


def test_a_native_file_beside_it_wins(tmp_path: Path) -> None:
    prices = {"schema": "book/1", "as_of": "2026-11-20T12:00:00Z",
              "markets": [{"venue": "dydx", "symbol": "ETH-USD", "oracle_price": 3000.0}]}  # fmt: skip
    quotes = imported(tmp_path, {"subaccount": MAIN}, prices).market.quotes
    assert quotes["dydx", "ETH-USD"].oracle_price == 3000.0 and quotes["dydx", "BTC-USD"].oracle_price == 62000.0


def test_no_liquidation_price_is_reported_nor_denied(tmp_path: Path) -> None:
    for one in imported(tmp_path, {"subaccount": MAIN}).book.accounts[0].positions:
        assert one.reported.liquidation_price is None and not one.reported.no_liquidation_price


def test_high_numbers_are_isolated_and_hang_on_their_parent(tmp_path: Path) -> None:
    alone = subaccount(256, ("SHORT", "29000"), BTC, equity="2000")
    found = imported(tmp_path, {"address": "dydx1x", "subaccounts": [MAIN, alone]}, account="desk")
    main, isolated = found.book.accounts
    assert (isolated.mode, isolated.parent, isolated.id) == (MarginMode.ISOLATED, "desk-0", "desk-256")
    assert isolated.collateral[0].amount == pytest.approx(1000.0) and main.mode is MarginMode.CROSS
    lonely = imported(tmp_path, {"subaccount": alone}).book.accounts[0]
    assert lonely.mode is MarginMode.ISOLATED and lonely.parent is None


def test_envelopes_are_opened_and_their_time_is_read(tmp_path: Path) -> None:
    found = imported(tmp_path, {"isoTimestamp": "2026-11-20T12:00:00.5Z", "result": {"subaccount": MAIN}})
    assert found.book.as_of_ns == 1795176000_500_000_000
    assert imported(tmp_path, {"contents": {"subaccount": MAIN}}).book.accounts[0].positions


BAD: dict[str, tuple[Any, str]] = {
    "markets alone": (MARKETS, "no subaccount"),
    "a long below 0": ({"subaccount": subaccount(0, ("LONG", "1"), {**BTC, "size": "-1"})}, "below 0 for a LONG"),
    "no side": ({"subaccount": subaccount(0, ("LONG", "1"), {**BTC, "side": "UP"})}, "LONG or SHORT"),
    "no positions key": ({"subaccount": {**MAIN, "openPerpetualPositions": None}}, "openPerpetualPositions"),
    "an unknown market": ({"subaccount": subaccount(0, ("LONG", "1"), {**BTC, "market": "NOPE-USD"})}, "NOPE-USD"),
    "the indexer's refusal": ({"errors": [{"msg": "No subaccount found"}]}, "No subaccount found"),
}  # fmt: skip


@pytest.mark.parametrize("name", BAD)
def test_a_wrong_answer_is_refused_by_name(tmp_path: Path, name: str) -> None:
    found, words = BAD[name]
    with pytest.raises(BookError) as caught:
        imported(tmp_path, found)
    assert words in str(caught.value)
