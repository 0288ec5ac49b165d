"""ccxt's answers: the venue's own words in `info` are read where they are, unified fields by what they mean there."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from perpbook.errors import BookError
from perpbook.model.account import MarginMode
from tests.unit import test_snapshot_bybit as bybit
from tests.unit import test_snapshot_deribit as deribit
from tests.unit import test_snapshot_hyperliquid as hyperliquid
from tests.unit import test_snapshot_okx as okx
from tests.unit.saved_answers import equity, imported


def row(symbol: str, side: str, contracts: float, entry: float, mark: float, **more: Any) -> dict[str, Any]:
    said = {"marginMode": "cross", "contractSize": 1.0, "leverage": 10, "liquidationPrice": None}
    return {
        **said,
        "symbol": symbol,
        "side": side,
        "contracts": contracts,
        "entryPrice": entry,
        "markPrice": mark,
        **more,
    }


def balance(**totals: float) -> dict[str, Any]:
    return {"free": totals, "used": dict.fromkeys(totals, 0.0), "total": totals, "timestamp": 1795176000789}


BTC = row("BTC/USDT:USDT", "long", 0.5, 60000.0, 61000.0)
ETH = row("ETH/USDT:USDT", "short", 2.0, 3000.0, 3100.0)
ALONE = row("SOL/USDT:USDT", "long", 10.0, 150.0, 155.0, marginMode="isolated", collateral=350.0)


def test_a_total_that_is_equity_gives_collateral_before_profit(tmp_path: Path) -> None:
    snapshot = imported(tmp_path, [BTC, ETH], balance(USDT=10000.0), format="ccxt:binance")
    cross = snapshot.book.accounts[0]
    assert cross.id == "binance" and equity(snapshot, cross) == pytest.approx(10000.0)
    assert [(one.symbol, one.quantity) for one in cross.positions] == [("BTCUSDT", 0.5), ("ETHUSDT", -2.0)]
    assert snapshot.book.as_of_ns == 1795176000789 * 10**6


def test_a_total_that_is_the_wallet_is_collateral(tmp_path: Path) -> None:
    cross = imported(tmp_path, [BTC, ETH], balance(USDT=10000.0), format="ccxt:bybit").book.accounts[0]
    assert cross.collateral[0].amount == 10000.0


def test_an_isolated_position_takes_its_equity_out_of_the_total(tmp_path: Path) -> None:
    snapshot = imported(tmp_path, [BTC, ALONE], balance(USDT=10000.0), format="ccxt:binance")
    cross, alone = snapshot.book.accounts
    assert alone.mode is MarginMode.ISOLATED and alone.collateral[0].amount == pytest.approx(300.0)
    assert equity(snapshot, alone) == pytest.approx(350.0)
    assert equity(snapshot, cross) == pytest.approx(10000.0 - 350.0)


def test_no_liquidation_price_in_ccxt_is_silence(tmp_path: Path) -> None:
    cross = imported(tmp_path, [BTC], balance(USDT=1.0), format="ccxt:binance").book.accounts[0]
    assert not cross.positions[0].reported.no_liquidation_price


def test_one_file_may_hold_exchange_positions_and_balance(tmp_path: Path) -> None:
    both = {"exchange": "hyperliquid", "positions": [row("BTC/USDC:USDC", "long", 1.0, 60000.0, 61000.0)],
            "balance": balance(USDC=9000.0)}  # fmt: skip
    snapshot = imported(tmp_path, both, account="desk")
    assert snapshot.book.accounts[0].id == "desk" and snapshot.book.accounts[0].positions[0].symbol == "BTC"
    assert equity(snapshot, snapshot.book.accounts[0]) == pytest.approx(9000.0)


def infos(*raw: dict[str, Any]) -> list[dict[str, Any]]:
    return [{**BTC, "info": one, "contracts": 1.0} for one in raw]


OWN: dict[str, tuple[list[dict[str, Any]], dict[str, Any], tuple[Any, ...]]] = {
    "bybit": (infos(bybit.BTC, bybit.ETH), bybit.WALLET, (bybit.positions(bybit.BTC, bybit.ETH), bybit.WALLET)),
    "okx": (infos(okx.BTC, okx.ALONE), okx.CASH, (okx.answer(okx.BTC, okx.ALONE), okx.CASH)),
    "deribit": (infos(deribit.SHORT), deribit.summary("BTC", 1.75)["result"],
                (deribit.positions(deribit.SHORT), deribit.summary("BTC", 1.75)["result"])),
    "hyperliquid": (infos(*hyperliquid.CROSS), hyperliquid.STATE, (hyperliquid.STATE,)),
}  # fmt: skip


@pytest.mark.parametrize("venue", OWN)
def test_the_venues_own_words_win_over_unified_fields(tmp_path: Path, venue: str) -> None:
    rows, info, own = OWN[venue]
    through = imported(tmp_path, rows, {**balance(USDT=1.0), "info": info})
    direct = imported(tmp_path, *own)
    assert through.book.accounts == direct.book.accounts
    assert through.market.quotes == direct.market.quotes


BAD: dict[str, tuple[tuple[Any, ...], str | None, str]] = {
    "no exchange": (([BTC], balance(USDT=1.0)), None, "which exchange"),
    "positions alone": (([BTC],), "ccxt:binance", "0 balances"),
    "a balance alone": ((balance(USDT=1.0),), "ccxt:binance", "0 lists of positions"),
    "no positions and nothing else": (([],), "ccxt:binance", "not a flat book"),
    "an exchange whose totals say too little": (([BTC], balance(USDC=1.0)), "ccxt:dydx", "info"),
    "an exchange nobody knows": (([BTC], balance(USDC=1.0)), "ccxt:nowhere", "nowhere"),
    "spot": (([{**BTC, "symbol": "BTC/USDT"}], balance(USDT=1.0)), "ccxt:binance", "BASE/QUOTE:SETTLE"),
    "another contract size": (([{**BTC, "contractSize": 0.1}], balance(USDT=1.0)), "ccxt:okx", "contract_size"),
    "an isolated one without collateral": (
        ([{**ALONE, "collateral": None}], balance(USDT=1.0)), "ccxt:binance", "collateral"),
}  # fmt: skip


@pytest.mark.parametrize("name", BAD)
def test_a_wrong_answer_is_refused_by_name(tmp_path: Path, name: str) -> None:
    found, format, words = BAD[name]
    with pytest.raises(BookError) as caught:
        imported(tmp_path, *found, format=format)
    assert words in str(caught.value)


def test_an_empty_list_beside_a_balance_is_a_flat_book(tmp_path: Path) -> None:
    book = imported(tmp_path, [], balance(USDT=5.0), format="ccxt:binance").book
    assert book.accounts[0].positions == () and book.accounts[0].collateral[0].amount == 5.0
