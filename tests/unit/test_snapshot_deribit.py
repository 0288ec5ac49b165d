"""Deribit's positions and summaries become one book whose equity is the venue's, paid-out profit and all. Invented."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from perpbook.errors import BookError
from tests.unit.saved_answers import equity, imported


def row(name: str, size: float, entry: float, mark: float, **more: Any) -> dict[str, Any]:
    said = {"kind": "future", "direction": "buy" if size > 0 else "sell", "leverage": 25}
    return {**said, "instrument_name": name, "size": size, "average_price": entry, "mark_price": mark, **more}


def summary(coin: str, held: float, **more: Any) -> dict[str, Any]:
    said = {"currency": coin, "equity": held, "balance": held - 0.01, "margin_model": "segregated_sm"}
    return {"jsonrpc": "2.0", "result": {**said, **more}, "usOut": 1795176000123456}


def positions(*rows: dict[str, Any]) -> dict[str, Any]:
    return {"jsonrpc": "2.0", "result": list(rows)}


SHORT = row("BTC-PERPETUAL", -30000.0, 58000.0, 60000.0, estimated_liquidation_price=91000.0)
LINEAR = row("ETH_USDC-PERPETUAL", 6.0, 3000.0, 3100.0, estimated_liquidation_price=0)


def test_collateral_makes_equity_the_venues_own_for_an_inverse_contract(tmp_path: Path) -> None:
    snapshot = imported(tmp_path, positions(SHORT), summary("BTC", 1.75))
    account = snapshot.book.accounts[0]
    profit = -30000.0 * (1 / 58000.0 - 1 / 60000.0)
    assert account.positions[0].quantity == -30000.0
    assert account.collateral[0].amount + profit == pytest.approx(1.75, abs=1e-12)
    assert snapshot.book.as_of_ns == 1795176000123456 * 1000


def test_options_value_is_no_collateral(tmp_path: Path) -> None:
    account = imported(tmp_path, positions(), summary("BTC", 1.75, options_value=-0.25)).book.accounts[0]
    assert account.collateral[0].amount == pytest.approx(2.0)


def test_each_coin_is_a_pool_under_segregated_margin_and_one_under_cross(tmp_path: Path) -> None:
    apart = imported(tmp_path, positions(SHORT, LINEAR), summary("BTC", 1.75), summary("USDC", 5000.0))
    assert [one.id for one in apart.book.accounts] == ["deribit-BTC", "deribit-USDC"]
    assert equity(apart, apart.book.accounts[1]) == pytest.approx(5000.0)
    sums = [summary(coin, held, margin_model="cross_sm")["result"] for coin, held in (("BTC", 1.75), ("USDC", 5000.0))]
    (pooled,) = imported(tmp_path, positions(SHORT, LINEAR), {"result": {"summaries": sums}}).book.accounts
    assert len(pooled.positions) == 2 and {one.asset for one in pooled.collateral} == {"BTC", "USDC"}


def test_zero_is_no_liquidation_price(tmp_path: Path) -> None:
    (account,) = imported(tmp_path, positions(LINEAR), summary("USDC", 5000.0)).book.accounts
    assert account.positions[0].reported.no_liquidation_price


BAD: dict[str, tuple[tuple[Any, ...], str]] = {
    "positions alone": ((positions(SHORT),), "no account summary"),
    "a summary alone": ((summary("BTC", 1.0),), "get_positions"),
    "a coin without summary": ((positions(LINEAR), summary("BTC", 1.0)), "get_account_summary of USDC"),
    "two summaries of a coin": ((positions(), summary("BTC", 1.0), summary("BTC", 1.0)), "two summaries"),
    "an option": ((positions({**SHORT, "kind": "option"}), summary("BTC", 1.0)), "no perpetual"),
    "portfolio margin": ((positions(), summary("BTC", 1.0, margin_model="cross_pm")), "not modelled"),
    "no direction": ((positions({**SHORT, "direction": "zero"}), summary("BTC", 1.0)), "buy or sell"),
    "the venue's refusal": (({"jsonrpc": "2.0", "error": {"code": 13009, "message": "unauthorized"}},), "unauthorized"),
}  # fmt: skip


@pytest.mark.parametrize("name", BAD)
def test_a_wrong_answer_is_refused_by_name(tmp_path: Path, name: str) -> None:
    found, words = BAD[name]
    with pytest.raises(BookError) as caught:
        imported(tmp_path, *found)
    assert words in str(caught.value)
