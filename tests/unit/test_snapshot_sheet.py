"""A sheet is a book, row by row; a wrong cell is named by line and column."""

from __future__ import annotations

from pathlib import Path

import pytest

from perpbook.errors import BookError
from perpbook.model.units import from_iso
from perpbook.snapshot import import_snapshot, load_snapshot

HEADER = "account,venue,symbol,quantity,side,contracts,entry_price,leverage,mark_price,mode,tags,collateral_asset,amount,as_of"
GOOD = f"""{HEADER}
main,hyperliquid,BTC,0.5,,,61000,10,62000,,core; carry,,,2026-11-20T12:00:00Z
main,hyperliquid,ETH,-3,,,3100,5,3150,,,,,
main,,,,,,,,,,,USDC,50000,
main,,,,,,,,,,,ETH,-0.5,

alone,okx,BTC-USDT-SWAP,,short,12,60500,,62010,isolated,,USDT,900,
"""


def write(folder: Path, text: str) -> Path:
    path = folder / "book.csv"
    path.write_text(text, encoding="utf-8")
    return path


def test_rows_become_accounts_positions_and_collateral(tmp_path: Path) -> None:
    snapshot = load_snapshot(write(tmp_path, GOOD))
    main, alone = snapshot.book.accounts
    assert [one.quantity for one in main.positions] == [0.5, -3.0] and main.positions[0].tags == ("core", "carry")
    assert {one.asset: one.amount for one in main.collateral} == {"USDC": 50000.0, "ETH": -0.5}
    assert alone.positions[0].quantity == pytest.approx(-0.12) and alone.mode.value == "isolated"
    assert snapshot.market.quotes["okx", "BTC-USDT-SWAP"].mark_price == 62010.0
    assert snapshot.book.as_of_ns == from_iso("2026-11-20T12:00:00Z")
    assert import_snapshot(tmp_path / "book.csv", format="csv").book == snapshot.book


def test_a_sheet_without_a_time_is_as_old_as_its_file(tmp_path: Path) -> None:
    path = write(tmp_path, GOOD.replace("2026-11-20T12:00:00Z", ""))
    assert load_snapshot(path).book.as_of_ns == path.stat().st_mtime_ns
    assert load_snapshot(path, now_ns=5).book.as_of_ns == 5


BAD = {
    "unknown column": ("leverage", "levrage", 1, 'mean "leverage"'),
    "column twice": ("leverage", "symbol", 1, "twice"),
    "no account column": ("account,", "acount,", 1, 'mean "account"'),
    "not a number": ("0.5,,,", "half,,,", 2, "quantity"),
    "thousands separator": ("61000", '"61,000"', 2, "entry_price"),
    "unknown symbol": (",ETH,-3", ",ETHX,-3", 3, "ETHX"),
    "entry price 0": ("3100", "0", 3, "entry_price"),
    "no entry price": ("3100", "", 3, "entry_price"),
    "nan": ("3100", "nan", 3, "entry_price"),
    "too many cells": ("USDC,50000,", "USDC,50000,,,,", 4, "cells"),
    "no amount": ("USDC,50000", "USDC,", 4, "amount"),
    "a coin twice": ("ETH,-0.5", "USDC,1", 5, "twice"),
    "two venues": ("main,,,,,,,,,,,ETH", "main,okx,,,,,,,,,,ETH", 5, "hyperliquid"),
    "nothing in the row": ("main,,,,,,,,,,,ETH,-0.5,", "main,okx,,,,,,,,,,,,", 5, "neither"),
    "no account": ("main,hyperliquid,ETH", ",hyperliquid,ETH", 3, "account"),
    "two marks of one contract": ("main,hyperliquid,ETH,-3,,,3100,5,3150", "main,hyperliquid,BTC,-3,,,3100,5,3150", 3,
                                  "62000"),
    "two times": ("USDC,50000,", "USDC,50000,2026-11-20T13:00:00Z", 4, "one instant"),
    "no time at all": ("2026-11-20T12:00:00Z", "noon", 2, "not a time"),
}  # fmt: skip


@pytest.mark.parametrize("name", BAD)
def test_each_slip_is_named_at_its_line(tmp_path: Path, name: str) -> None:
    old, new, line, words = BAD[name]
    assert old in GOOD
    with pytest.raises(BookError) as caught:
        load_snapshot(write(tmp_path, GOOD.replace(old, new, 1)))
    first = caught.value.problems[0]
    assert first.line == line and words in str(first)


def test_an_account_without_collateral_rows_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BookError, match="collateral: is missing"):
        load_snapshot(write(tmp_path, "account,venue,symbol,quantity,entry_price\na,dydx,BTC-USD,1,60000\n"))


def test_a_header_alone_is_not_a_flat_book(tmp_path: Path) -> None:
    with pytest.raises(BookError, match="no accounts"):
        load_snapshot(write(tmp_path, HEADER + "\n"))


def test_an_open_quote_is_one_problem(tmp_path: Path) -> None:
    with pytest.raises(BookError, match="not valid CSV"):
        load_snapshot(write(tmp_path, GOOD.replace("core", '"core')))
