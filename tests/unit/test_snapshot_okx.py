"""OKX's positions and balance become one book; sizes are contracts, each coin its own pool unless pooled. Invented."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from perpbook.errors import BookError
from perpbook.model.account import MarginMode
from tests.unit.saved_answers import equity, imported


def row(symbol: str, contracts: str, entry: str, mark: str, **more: Any) -> dict[str, Any]:
    said = {
        "instType": "SWAP",
        "mgnMode": "cross",
        "posSide": "net",
        "ccy": "USDT",
        "lever": "5",
        "liqPx": "",
        "upl": "1",
    }
    return {**said, "instId": symbol, "pos": contracts, "avgPx": entry, "markPx": mark, **more}


def answer(*data: dict[str, Any]) -> dict[str, Any]:
    return {"code": "0", "msg": "", "data": list(data)}


def balance(adjusted: str, *details: tuple[str, str, str]) -> dict[str, Any]:
    rows = [{"ccy": coin, "cashBal": cash, "isoEq": isolated, "eq": "7777"} for coin, cash, isolated in details]
    return answer({"adjEq": adjusted, "details": rows})


BTC = row("BTC-USDT-SWAP", "-25", "61000", "60000", liqPx="83000.5")
ETH = row("ETH-USDT-SWAP", "40", "3000", "3100", posSide="long")
ALONE = row("ETH-USDT-SWAP", "15", "3000", "3100", posSide="short", mgnMode="isolated", margin="450")
CASH = balance("", ("USDT", "8000", "300"))


def test_contracts_become_coins_and_pos_side_tells_the_way(tmp_path: Path) -> None:
    snapshot = imported(tmp_path, answer(BTC, ETH), CASH)
    cross = snapshot.book.accounts[0]
    assert [one.quantity for one in cross.positions] == [pytest.approx(-0.25), pytest.approx(4.0)]
    assert equity(snapshot, cross) == pytest.approx(8000 + 250 + 400)
    assert cross.positions[0].reported.liquidation_price == 83000.5
    assert cross.positions[1].reported.no_liquidation_price


def test_an_isolated_position_holds_its_margin_beside_the_cash(tmp_path: Path) -> None:
    cross, alone = imported(tmp_path, answer(BTC, ALONE), CASH).book.accounts
    assert cross.collateral[0].amount == 8000.0 and cross.reported.equity == 7477.0
    assert (alone.mode, alone.parent, alone.id) == (MarginMode.ISOLATED, "okx", "okx-ETH-USDT-SWAP-short")
    assert alone.collateral[0].amount == 450.0 and alone.positions[0].quantity == pytest.approx(-1.5)
    assert imported(tmp_path, answer(ALONE)).book.accounts[0].parent is None, "its margin needs no balance"


def test_each_coin_is_a_pool_unless_the_account_pools_them(tmp_path: Path) -> None:
    inverse = row("ETH-USD-SWAP", "3", "3000", "3100", ccy="ETH")
    coins = (("USDT", "8000", ""), ("ETH", "1.5", ""), ("BTC", "0", ""))
    single = imported(tmp_path, answer(BTC, inverse), balance("", *coins)).book.accounts
    assert {one.id: one.positions[0].symbol for one in single} == {
        "okx-USDT": "BTC-USDT-SWAP", "okx-ETH": "ETH-USD-SWAP",
    }  # fmt: skip
    (pooled,) = imported(tmp_path, answer(BTC, inverse), balance("12000", *coins)).book.accounts
    assert {one.asset: one.amount for one in pooled.collateral} == {"USDT": 8000.0, "ETH": 1.5}
    assert pooled.positions[1].quantity == 30.0 and pooled.reported.equity == 12000.0


def test_no_positions_beside_a_balance_is_a_flat_book(tmp_path: Path) -> None:
    assert imported(tmp_path, answer(), CASH).book.accounts[0].positions == ()


BAD: dict[str, tuple[tuple[Any, ...], str]] = {
    "positions alone": ((answer(BTC),), "one balance is needed"),
    "no positions alone": ((answer(),), "one balance is needed"),
    "a balance alone": ((CASH,), "account/positions"),
    "an option": ((answer({**BTC, "instType": "OPTION"}), CASH), "no perpetual swap"),
    "margin in another coin": ((answer({**ALONE, "ccy": "BTC"}), CASH), "settle"),
    "no such side": ((answer({**ETH, "posSide": "up"}), CASH), "net, long or short"),
    "isolated without margin": ((answer({**ALONE, "margin": ""}), CASH), "margin: has no value"),
    "the venue's refusal": (({"code": "50111", "msg": "Invalid OK-ACCESS-KEY", "data": []},), "Invalid OK-ACCESS-KEY"),
}  # fmt: skip


@pytest.mark.parametrize("name", BAD)
def test_a_wrong_answer_is_refused_by_name(tmp_path: Path, name: str) -> None:
    found, words = BAD[name]
    with pytest.raises(BookError) as caught:
        imported(tmp_path, *found)
    assert words in str(caught.value)
