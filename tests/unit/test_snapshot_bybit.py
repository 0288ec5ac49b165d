"""Bybit's positions and wallet become one book; blank is not zero, and what is borrowed is owed. Invented figures."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from perpbook.errors import BookError
from perpbook.model.account import MarginMode
from tests.unit.saved_answers import equity, imported


def row(symbol: str, side: str, size: str, entry: str, mark: str, **more: Any) -> dict[str, Any]:
    said = {"positionIdx": 0, "tradeMode": 0, "leverage": "10", "liqPrice": "", "positionValue": "1", "positionIM": "9"}
    return {**said, "symbol": symbol, "side": side, "size": size, "avgPrice": entry, "markPrice": mark, **more}


def positions(*rows: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {"retCode": 0, "retMsg": "OK", "result": {"list": list(rows), "category": "linear", **more}}


def coin(name: str, wallet: str, **more: Any) -> dict[str, Any]:
    return {"coin": name, "walletBalance": wallet, "spotBorrow": "0", "collateralSwitch": True, **more}


def wallet(*coins: dict[str, Any]) -> dict[str, Any]:
    said = {"accountType": "UNIFIED", "totalMarginBalance": "9876.5", "totalInitialMargin": "", "coin": list(coins)}
    return {"retCode": 0, "result": {"list": [said]}, "time": 1795176000456}


BTC = row("BTCUSDT", "Buy", "0.4", "61000", "62000", liqPrice="41000.5")
ETH = row("ETHUSDT", "Sell", "3", "3100", "3150")
CLOSED = row("ETHUSDT", "", "0", "0", "3150")
WALLET = wallet(coin("USDT", "9000"), coin("ETH", "0.2", spotBorrow="0.5"), coin("BTC", "0.3", collateralSwitch=False))


def test_size_and_side_make_the_quantity_and_closed_rows_are_left_out(tmp_path: Path) -> None:
    cross = imported(tmp_path, positions(BTC, ETH, CLOSED), WALLET).book.accounts[0]
    assert [one.quantity for one in cross.positions] == [0.4, -3.0]


def test_equity_is_the_wallet_with_unrealised_profit(tmp_path: Path) -> None:
    snapshot = imported(tmp_path, positions(BTC, ETH), wallet(coin("USDT", "9000")))
    assert equity(snapshot, snapshot.book.accounts[0]) == pytest.approx(9000 + 0.4 * 1000 - 3 * 50)
    assert snapshot.book.as_of_ns == 1795176000456 * 10**6


def test_borrowed_coins_are_owed_and_coins_switched_off_back_nothing(tmp_path: Path) -> None:
    book = imported(tmp_path, WALLET, positions(BTC)).book
    assert {one.asset: one.amount for one in book.accounts[0].collateral} == {
        "USDT": 9000.0,
        "ETH": pytest.approx(-0.3),
    }
    assert [(one.layer, one.balance.asset, one.balance.amount) for one in book.layers] == [("bybit-wallet", "BTC", 0.3)]


def test_a_blank_liquidation_price_is_the_word_for_none_and_an_absent_one_is_not(tmp_path: Path) -> None:
    silent = {key: value for key, value in ETH.items() if key != "liqPrice"}
    first, second = imported(tmp_path, positions(BTC, ETH), WALLET).book.accounts[0].positions
    assert first.reported.liquidation_price == 41000.5 and second.reported.no_liquidation_price
    assert not imported(tmp_path, positions(silent), WALLET).book.accounts[0].positions[0].reported.no_liquidation_price


def test_isolated_margin_comes_out_of_the_wallet(tmp_path: Path) -> None:
    alone = {**ETH, "tradeMode": 1, "positionBalance": "950"}
    cross, isolated = imported(tmp_path, positions(BTC, alone), wallet(coin("USDT", "9000"))).book.accounts
    assert cross.collateral[0].amount == 8050.0 and isolated.collateral[0].amount == 950.0
    assert isolated.mode is MarginMode.ISOLATED and isolated.parent == cross.id == "bybit"


def test_the_accounts_own_margin_mode_counts(tmp_path: Path) -> None:
    info = {"retCode": 0, "result": {"marginMode": "ISOLATED_MARGIN", "unifiedMarginStatus": 4}}
    found = imported(tmp_path, positions({**BTC, "positionBalance": "2500"}), WALLET, info).book.accounts
    assert [one.mode for one in found] == [MarginMode.CROSS, MarginMode.ISOLATED]
    info["result"]["marginMode"] = "PORTFOLIO_MARGIN"  # type: ignore[index]
    with pytest.raises(BookError, match="portfolio margin"):
        imported(tmp_path, positions(BTC), WALLET, info)


def test_inverse_sizes_are_dollars(tmp_path: Path) -> None:
    inverse = {
        "retCode": 0,
        "result": {"category": "inverse", "list": [row("BTCUSD", "Sell", "5000", "60000", "62000")]},
    }
    cross = imported(tmp_path, positions(), WALLET, inverse).book.accounts[0]
    assert [(one.symbol, one.quantity) for one in cross.positions] == [("BTCUSD", -5000.0)]


def test_no_positions_beside_a_wallet_is_a_flat_book(tmp_path: Path) -> None:
    assert imported(tmp_path, positions(), WALLET).book.accounts[0].positions == ()


BAD: dict[str, tuple[tuple[Any, ...], str]] = {
    "positions alone": ((positions(BTC),), "one wallet is needed"),
    "no positions alone": ((positions(),), "one wallet is needed"),
    "a wallet alone": ((WALLET,), "position/list"),
    "more pages": ((positions(*[BTC] * 20, nextPageCursor="x%3D"), WALLET), "more pages"),
    "a side that is none": ((positions({**BTC, "side": ""}), WALLET), "Buy or Sell"),
    "text for a price": ((positions({**BTC, "avgPrice": "sixty"}), WALLET), "avgPrice"),
    "an endless price": ((positions({**BTC, "avgPrice": "1e400"}), WALLET), "avgPrice"),
    "an isolated one without margin": ((positions({**BTC, "tradeMode": 1}), WALLET), "positionBalance"),
    "the venue's refusal": (({"retCode": 10003, "retMsg": "API key is invalid."},), "API key is invalid"),
}  # fmt: skip


@pytest.mark.parametrize("name", BAD)
def test_a_wrong_answer_is_refused_by_name(tmp_path: Path, name: str) -> None:
    found, words = BAD[name]
    with pytest.raises(BookError) as caught:
        imported(tmp_path, *found)
    assert words in str(caught.value)
