"""Hyperliquid's answers become books whose equity is the venue's own, rounded entry prices or not. Invented figures."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from perpbook.errors import BookError
from perpbook.model.account import MarginMode
from tests.unit.saved_answers import equity, imported


def position(coin: str, size: float, entry: str, mark: float, **more: Any) -> dict[str, Any]:
    said = {
        "coin": coin, "szi": str(size), "entryPx": entry, "positionValue": str(abs(size) * mark),
        "leverage": {"type": "cross", "value": 8}, "liquidationPx": None, "marginUsed": "77.7", "unrealizedPnl": "1.5",
    }  # fmt: skip
    return {"type": "oneWay", "position": {**said, **more}}


CROSS = [position("BTC", 0.25, "60123.4", 61000.0, liquidationPx="30500.5"), position("ETH", -4.0, "3071.3", 3050.0)]
ALONE = position("SOL", 30.0, "151.37", 149.0, leverage={"type": "isolated", "value": 5, "rawUsd": "-3600.25"})
STATE = {
    "assetPositions": [*CROSS, ALONE],
    "crossMarginSummary": {"accountValue": "21234.5", "totalNtlPos": "27450.0", "totalMarginUsed": "3431.25"},
    "marginSummary": {"accountValue": "22104.25", "totalNtlPos": "31920.0", "totalMarginUsed": "4301.0"},
    "crossMaintenanceMarginUsed": "600.5", "withdrawable": "17800.0", "time": 1795176000123,
}  # fmt: skip
SPOT = {"balances": [{"coin": "USDC", "total": "40.5", "hold": "0"}, {"coin": "HYPE", "total": "0", "hold": "0"}]}


def test_cross_equity_is_the_account_value(tmp_path: Path) -> None:
    snapshot = imported(tmp_path, STATE)
    cross = snapshot.book.accounts[0]
    assert cross.id == "hyperliquid" and [one.symbol for one in cross.positions] == ["BTC", "ETH"]
    assert equity(snapshot, cross) == pytest.approx(21234.5, abs=1e-9)
    assert cross.reported.equity == 21234.5 and cross.reported.maintenance_margin == 600.5


def test_an_isolated_position_is_an_account_of_its_own_with_its_own_dollars(tmp_path: Path) -> None:
    snapshot = imported(tmp_path, STATE, account="desk")
    alone = snapshot.book.accounts[1]
    assert (alone.mode, alone.parent, alone.id) == (MarginMode.ISOLATED, "desk", "desk-SOL")
    assert alone.collateral[0].amount == pytest.approx(-3600.25 + 30.0 * 151.37)
    assert equity(snapshot, alone) == pytest.approx(-3600.25 + 30.0 * 149.0)


def test_the_mark_is_value_over_size_and_time_is_the_answers(tmp_path: Path) -> None:
    snapshot = imported(tmp_path, STATE)
    assert snapshot.market.quotes["hyperliquid", "ETH"].mark_price == pytest.approx(3050.0)
    assert snapshot.book.as_of_ns == 1795176000123 * 10**6


def test_what_the_venue_says_of_liquidation_is_kept(tmp_path: Path) -> None:
    long, short = imported(tmp_path, STATE).book.accounts[0].positions
    assert long.reported.liquidation_price == 30500.5 and not long.reported.no_liquidation_price
    assert short.reported.liquidation_price is None and short.reported.no_liquidation_price
    assert long.leverage == 8.0 and long.reported.initial_margin == 77.7


def test_spot_coins_are_money_on_a_layer_whether_in_one_file_or_two(tmp_path: Path) -> None:
    both = {"clearinghouseState": STATE, "spotClearinghouseState": SPOT}
    for snapshot in (imported(tmp_path, both), imported(tmp_path, STATE, SPOT), imported(tmp_path, SPOT, STATE)):
        (layer,) = snapshot.book.layers
        assert (layer.layer, layer.balance.asset, layer.balance.amount) == ("hyperliquid-spot", "USDC", 40.5)


def test_an_account_without_positions_is_flat_only_if_it_is_there(tmp_path: Path) -> None:
    summary = {"accountValue": "900.0", "totalNtlPos": "0.0", "totalMarginUsed": "0.0"}
    flat = imported(tmp_path, {"assetPositions": [], "marginSummary": summary}).book.accounts[0]
    assert flat.positions == () and flat.collateral[0].amount == 900.0
    with pytest.raises(BookError, match="not a flat book"):
        imported(tmp_path, {"assetPositions": []})


BAD: dict[str, tuple[Any, str]] = {
    "positions missing": ({**STATE, "assetPositions": [CROSS[0], ALONE]}, "positions are missing"),
    "an unknown coin": ({**STATE, "assetPositions": [*CROSS, position("NOPE", 1.0, "1.0", 0.01)]}, "NOPE"),
    "no size": ({**STATE, "assetPositions": [{"position": {"coin": "BTC"}}]}, "position.szi"),
    "text for a size": ({**STATE, "assetPositions": [position("BTC", 1, "x", 1.0)]}, "entryPx"),
    "a position that is none": ({**STATE, "assetPositions": ["BTC"]}, "must be an object"),
    "an isolated one without dollars": (
        {**STATE, "assetPositions": [*CROSS, position("SOL", 1, "1", 1.0, leverage={"type": "isolated"})]}, "rawUsd"),
    "spot alone": (SPOT, "one clearinghouseState is needed"),
}  # fmt: skip


@pytest.mark.parametrize("name", BAD)
def test_a_wrong_answer_is_refused_by_name(tmp_path: Path, name: str) -> None:
    found, words = BAD[name]
    with pytest.raises(BookError) as caught:
        imported(tmp_path, found)
    assert words in str(caught.value)
