"""Binance's account and positionRisk become one book; wallets, not margins, are collateral. Invented figures."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from perpbook.errors import BookError
from perpbook.model.account import MarginMode
from tests.unit.saved_answers import equity, imported


def asset(name: str, wallet: str, cross: str) -> dict[str, str]:
    return {"asset": name, "walletBalance": wallet, "crossWalletBalance": cross, "marginBalance": wallet}


def row(symbol: str, amount: str, **more: Any) -> dict[str, Any]:
    return {"symbol": symbol, "positionSide": "BOTH", "positionAmt": amount, **more}


ACCOUNT = {
    "multiAssetsMargin": False, "totalWalletBalance": "5000.0",
    "assets": [asset("USDT", "5000.0", "4200.0"), asset("BNB", "0.00", "0.00")],
    "positions": [
        row("BTCUSDT", "0.040", entryPrice="60500.0", leverage="20", isolated=False, notional="2480.0",
            unrealizedProfit="60.0", maintMargin="9.9"),
        row("ETHUSDT", "-2.5", entryPrice="3100.0", leverage="10", isolated=True, isolatedWallet="800.0",
            notional="-7700.0", unrealizedProfit="50.0"),
        row("SOLUSDT", "0", entryPrice="0.0", leverage="20", isolated=False),
    ],
}  # fmt: skip
RISK = [
    row("BTCUSDT", "0.040", entryPrice="60500.0", markPrice="62000.0", liquidationPrice="0", marginType="cross"),
    row("ETHUSDT", "-2.5", entryPrice="3100.0", markPrice="3080.0", liquidationPrice="3390.5", marginType="isolated",
        isolatedMargin="850.0", isolatedWallet="800.0"),
    row("SOLUSDT", "0.000", entryPrice="0.0", markPrice="150.0", liquidationPrice="0", marginType="cross"),
]  # fmt: skip


def test_isolated_margin_is_its_wallet_and_equity_the_venues_margin(tmp_path: Path) -> None:
    snapshot = imported(tmp_path, ACCOUNT, RISK)
    cross, alone = snapshot.book.accounts
    assert cross.collateral[0].amount == 4200.0 and equity(snapshot, cross) == pytest.approx(4260.0)
    assert alone.mode is MarginMode.ISOLATED and alone.parent == "binance"
    assert alone.collateral[0].amount == 800.0 and equity(snapshot, alone) == pytest.approx(850.0)
    assert alone.reported.equity == 850.0


def test_closed_positions_are_left_out_and_zero_is_no_liquidation_price(tmp_path: Path) -> None:
    cross, alone = imported(tmp_path, RISK, ACCOUNT).book.accounts
    assert [one.symbol for one in cross.positions] == ["BTCUSDT"]
    assert cross.positions[0].reported.no_liquidation_price
    assert alone.positions[0].reported.liquidation_price == 3390.5


def test_an_account_alone_gives_marks_by_notional_and_says_nothing_of_liquidation(tmp_path: Path) -> None:
    snapshot = imported(tmp_path, ACCOUNT)
    assert snapshot.market.quotes["binance", "BTCUSDT"].mark_price == pytest.approx(62000.0)
    assert not snapshot.book.accounts[0].positions[0].reported.no_liquidation_price


def test_the_v3_account_names_no_entry_price_so_it_follows_from_the_profit(tmp_path: Path) -> None:
    bare = row("BTCUSDT", "0.040", notional="2480.0", unrealizedProfit="60.0", isolatedWallet="0", isolatedMargin="0")
    snapshot = imported(tmp_path, {**ACCOUNT, "positions": [bare]})
    assert snapshot.book.accounts[0].positions[0].entry_price == pytest.approx(60500.0)


def test_without_multi_assets_mode_each_margin_asset_is_a_pool(tmp_path: Path) -> None:
    assets = [asset("USDT", "5000.0", "4200.0"), asset("USDC", "100.0", "100.0")]
    alone = {**ACCOUNT, "assets": assets}
    ids = [one.id for one in imported(tmp_path, alone, RISK).book.accounts]
    assert ids == ["binance-USDT", "binance-USDC", "binance-ETHUSDT"]
    pooled = imported(tmp_path, {**alone, "multiAssetsMargin": True}, RISK).book.accounts[0]
    assert {one.asset: one.amount for one in pooled.collateral} == {"USDT": 4200.0, "USDC": 100.0}


def test_hedge_mode_keeps_both_sides(tmp_path: Path) -> None:
    sides = [{**row("BTCUSDT", amount, entryPrice="60000", markPrice="62000", marginType="cross"), "positionSide": side}
             for amount, side in (("0.3", "LONG"), ("-0.1", "SHORT"))]  # fmt: skip
    cross = imported(tmp_path, {**ACCOUNT, "positions": []}, sides).book.accounts[0]
    assert [one.quantity for one in cross.positions] == [0.3, -0.1]


def test_coin_margined_amounts_are_contracts_of_dollars(tmp_path: Path) -> None:
    held = row("BTCUSD_PERP", "-7", entryPrice="60000.0", markPrice="62000.0", leverage="5", isolated=False,
               liquidationPrice="90000.0", marginType="cross")  # fmt: skip
    account = {"assets": [asset("BTC", "0.5", "0.5")], "positions": [held]}
    cross = imported(tmp_path, account).book.accounts[0]
    assert cross.venue == "binance-coinm" and cross.positions[0].quantity == -700.0
    assert cross.collateral[0].asset == "BTC"


BAD: dict[str, tuple[tuple[Any, ...], str]] = {
    "cross positions without a wallet": ((RISK,), "account answer"),
    "nothing open and no wallet": ((RISK[2:],), "no open position and no wallet"),
    "an isolated one without a wallet": (
        ({**ACCOUNT, "positions": [row("BTCUSDT", "1", entryPrice="1", isolated=True)]},), "isolatedWallet"),
    "two answers of two moments": ((ACCOUNT, [{**RISK[0], "positionAmt": "0.05"}]), "between the two answers"),
    "two accounts": ((ACCOUNT, ACCOUNT), "two accounts"),
    "no entry price": (({**ACCOUNT, "positions": [row("BTCUSDT", "1")]},), "entryPrice"),
    "an empty list": (([],), "not a flat book"),
    "an empty object": (({},), "not a flat book"),
    "the venue's refusal": (({"code": -2015, "msg": "Invalid API-key"},), "Invalid API-key"),
}  # fmt: skip


@pytest.mark.parametrize("name", BAD)
def test_a_wrong_answer_is_refused_by_name(tmp_path: Path, name: str) -> None:
    found, words = BAD[name]
    with pytest.raises(BookError) as caught:
        imported(tmp_path, *found, format="binance")
    assert words in str(caught.value)
