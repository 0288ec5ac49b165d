"""Quotes of futures that expire, and baskets from a lake: what is read, tried and refused."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

from perpbook.cli.main import app
from perpbook.errors import InputError
from perpbook.funding.dated import Dated
from perpbook.funding.scan import Limits
from perpbook.funding.tracking import Basket
from perpbook.history.importing import import_files
from perpbook.history.lake import Lake
from perpbook.history.recognise import Naming
from perpbook.model.account import Position
from perpbook.model.market import Snapshot
from perpbook.model.units import DAY_NS, from_iso
from perpbook.runs.baskets import baskets_for
from perpbook.runs.data import Recipe, run_generate
from perpbook.runs.dated import read_dated, usable
from perpbook.runs.offsets import OffsetsAsked, limits_of
from tests.unit.history_lakes import real_data
from tests.unit.test_offsets import NOW, desk

HEAD = "venue,symbol,asset,expiry,bid,ask,bid_size,ask_size,index,like\n"
GOOD = "binance,BTCUSDT_261225,BTC,2026-12-25T08:00:00Z,60590,60610,10,12,,BTCUSDT\n"
QUOTE = Dated(
    venue="binance", symbol="BTCUSDT_261225", asset="BTC", expiry_ns=from_iso("2026-12-25T08:00:00Z"), bid=60_590.0,
    ask=60_610.0, bid_size=10.0, ask_size=12.0, like="BTCUSDT",
)  # fmt: skip


def test_a_line_is_a_quote(tmp_path: Path) -> None:
    path = tmp_path / "dated.csv"
    path.write_text(HEAD + GOOD, encoding="utf-8")
    assert read_dated(path, NOW) == (QUOTE,)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "holds no quote"),
        (HEAD + GOOD + GOOD, "there twice"),
        (HEAD + GOOD.replace("60590", "60700"), ":2: is no quote .*above its ask"),
        (HEAD + GOOD.replace("2026-12-25", "2026-09-25"), "it expired"),
        (HEAD + GOOD.replace("60590", "-1"), "bid -1 is not above 0"),
        (HEAD + GOOD.replace("10,12", "nan,12"), "bid_size nan"),
        (HEAD + GOOD.replace("binance", " "), "is empty"),
        ("venue,symbol\nbinance,X\n", "it needs venue, symbol, asset"),
    ],
)
def test_what_is_no_quote_is_refused_with_its_line(text: str, message: str, tmp_path: Path) -> None:
    path = tmp_path / "dated.csv"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(InputError, match=message):
        read_dated(path, NOW)


def test_a_quote_that_cannot_be_tried_is_told_and_a_wrong_name_is_refused() -> None:
    notes: list[str] = []
    strange = replace(QUOTE, venue="okx", symbol="A"), replace(QUOTE, symbol="B", like="")
    assert usable(desk(), (QUOTE, *strange), NOW, notes) == (QUOTE,)
    assert "no account of the book is on okx" in notes[0] and "+4.3% a year; its margin is not modelled" in notes[1]
    for bad, message in (
        (replace(QUOTE, symbol="BTCUSDT"), "is a perpetual"),
        (replace(QUOTE, like="NOPE"), "does not have"),
        (replace(QUOTE, like="ETHUSDT"), "is of BTC, and ETHUSDT of ETH"),
    ):
        with pytest.raises(InputError, match=message):
            usable(desk(), (bad,), NOW, [])


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--depth-share", "2"], "a share of what rests"),
        (["--most-lost", "nan"], "fraction of price"),
        (["--spot-spread", "0.5"], "fraction of price"),
    ],
)
def test_a_limit_that_means_nothing_is_refused(options: list[str], message: str, tmp_path: Path) -> None:
    run = CliRunner().invoke(app, ["funding", "scan", str(tmp_path / "book.toml"), *options])
    assert run.exit_code == 3 and message in run.stderr


def test_the_share_of_depth_is_the_playbooks_unless_one_is_given(tmp_path: Path) -> None:
    asked = OffsetsAsked(book=tmp_path / "book.toml")
    assert limits_of(asked) == Limits(loss=1e-3, share=1.0)
    (tmp_path / "playbook.toml").write_text(
        'schema_version = 1\nname = "x"\n[liquidity]\nmax_depth_share = 0.25\n', encoding="utf-8"
    )
    assert limits_of(asked).share == 0.25 and limits_of(replace(asked, depth_share=0.5)).share == 0.5


# Baskets

BOOK = """
schema = "book/1"
as_of = "2026-05-14T00:00:00Z"
simulated = true
[prices]
BTC = 90000.0
ETH = 3000.0
[[accounts]]
id = "main"
venue = "binance"
collateral = {{ USDT = 60000.0 }}
positions = [{{ symbol = "{symbol}", quantity = {quantity}, entry_price = {price} }}]
[[markets]]
venue = "binance"
symbol = "{symbol}"
mark_price = {price}
"""


def offsets_of(tmp_path: Path, book: str, *options: str) -> dict[str, object]:
    (tmp_path / "book.toml").write_text(book, encoding="utf-8")
    command = [
        "funding",
        "offset",
        "--book",
        str(tmp_path / "book.toml"),
        "--lake",
        str(tmp_path / "lake"),
        *options,
        "--json",
    ]
    run = CliRunner().invoke(app, command)
    assert run.exit_code == 0, run.stdout + run.stderr
    data: dict[str, object] = json.loads(run.stdout)["data"]
    return data


def test_a_long_whose_coin_is_no_margin_is_offered_a_basket_and_a_future(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("perpbook.runs.offsets.GRID_DAYS", ())
    start = from_iso("2025-07-01")
    recipe = Recipe(assets=8, venues=("binance",), start_ns=start, days=320, bar_ns=DAY_NS // 3, seed=3)
    run_generate(tmp_path / "lake", recipe, now_ns=start)
    dated = tmp_path / "dated.csv"
    dated.write_text(
        HEAD + "binance,DOGEUSDT_261225,DOGE,2026-12-25T08:00:00Z,0.1510,0.1511,9e6,9e6,0.15,DOGEUSDT\n", "utf-8"
    )
    book = BOOK.format(symbol="DOGEUSDT", quantity=1e6, price=0.15)
    found = offsets_of(tmp_path, book, "--horizon", "7d", "--dated", str(dated))["positions"]
    assert isinstance(found, list)
    assert found
    ways = {one["way"]["kind"]: one for one in found[0]["offsets"]}
    basket, future = ways["basket"], ways["dated"]
    assert {coin["asset"] for coin in basket["way"]["coins"]} <= {"BTC", "ETH"}
    assert basket["way"]["strays"]["low"] < 0.0 < basket["way"]["strays"]["high"] and 0.0 < basket["way"]["kept"] <= 1.0
    wide, alone = (basket[name]["high"] - basket[name]["low"] for name in ("net", "saved"))
    assert wide == pytest.approx(alone + basket["way"]["strays"]["high"] - basket["way"]["strays"]["low"])
    assert future["chance"] is None and any("sure only if held to 2026-12-25" in one for one in future["assumed"])


@pytest.mark.slow
def test_baskets_of_recorded_prices_follow_better_than_nothing(tmp_path: Path) -> None:
    files = [real_data() / "candles" / "binance_perp_1d_universe.parquet"]
    import_files(files, Lake(tmp_path), Naming(), now_ns=NOW, tell=lambda *_: None)
    at, now = desk(), from_iso("2025-01-15")
    own = replace(at.account("bn"), positions=(Position(symbol="DOGEUSDT", quantity=1e5, entry_price=0.36),))
    prices = {"BTC": 96_500.0, "ETH": 3_220.0, "SOL": 187.0, "DOGE": 0.36}
    book = replace(at.snapshot.book, accounts=(own,))
    snapshot = Snapshot(book=book, market=replace(at.snapshot.market, asset_prices=prices))
    found = baskets_for(tmp_path, replace(at, snapshot=snapshot), now, 7 * DAY_NS, 0.9)["binance", "DOGE"]
    assert isinstance(found, Basket) and set(found.weights) <= set(prices) and found.days > 700
    assert 0.3 < found.back < 1.0 and np.isfinite([found.low, found.high]).all() and found.low < -0.02
