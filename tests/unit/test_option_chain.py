"""Chains: names, tables, venue's answers, forwards, and what is refused."""

from __future__ import annotations

import json
import math
from dataclasses import replace
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from perpbook.errors import InputError
from perpbook.history.option_table import read_option_table
from perpbook.model.contract import ContractKind
from perpbook.model.units import from_iso, to_iso
from perpbook.options.chain import RawQuote, build_chain
from perpbook.options.names import parse_name
from perpbook.snapshot.option_chain import read_option_answers
from tests.unit.option_rows import NOW_NS, ORIGIN, SPOT, chain, rows, written


def test_names_say_coin_expiry_strike_and_side() -> None:
    inverse, linear = parse_name("BTC-7AUG26-53000-C"), parse_name("XRP_USDC-30AUG24-0d625-P")
    assert (inverse.base, inverse.kind, inverse.strike, inverse.is_call) == (
        "BTC",
        ContractKind.INVERSE,
        53_000.0,
        True,
    )
    assert to_iso(inverse.expiry_ns) == "2026-08-07T08:00:00Z"
    assert (linear.base, linear.quote, linear.kind, linear.strike) == ("XRP", "USDC", ContractKind.LINEAR, 0.625)


@pytest.mark.parametrize(
    "name", ["BTC-PERPETUAL", "BTC-31FEB26-53000-C", "BTC-7AGO26-53000-C", "BTC-7AUG26-0-C", "btc-7AUG26-1-C"]
)
def test_what_is_no_option_has_no_name(name: str) -> None:
    with pytest.raises(InputError, match=r"names a day|no name|strike of 0"):
        parse_name(name)


def test_the_forward_is_the_venues_own_or_what_puts_and_calls_say() -> None:
    told, silent = chain(), build_chain([replace(one, underlying=None) for one in rows(wide=0.02)], "BTC", ORIGIN)
    assert {one.by for one in told.expiries} == {"venue"} and {one.by for one in silent.expiries} == {"parity"}
    for one, other in zip(told.expiries, silent.expiries, strict=True):
        assert math.isclose(one.forward, other.forward, rel_tol=1e-9)


def test_coin_prices_become_dollars_of_the_index() -> None:
    found = chain(wide=0.1).expiries[1]
    coin = next(one for one in rows(wide=0.1) if one.name == "BTC-25SEP26-54000-P")
    quote = next(one for one in found.quotes if one.contract.name == "BTC-25SEP26-54000-P")
    assert quote.ask == pytest.approx((coin.ask or 0.0) * SPOT)


def test_a_table_is_read_at_its_last_moment_or_an_earlier_one(tmp_path: Path) -> None:
    path = tmp_path / "chain.parquet"
    stamps = [NOW_NS // 1_000_000, NOW_NS // 1_000_000 + 86_400_000]
    columns = {
        "ts": stamps,
        "instrument": ["BTC-25SEP26-54000-P"] * 2,
        "mark_iv": [44.0, 46.0],
        "underlying_price": [6e4, 6.1e4],
    }
    pl.DataFrame(columns).write_parquet(path)
    last, origin, told = read_option_table(path)
    assert last[0].mark_volatility == pytest.approx(0.46) and "2 moments" in told[0]
    early, _, _ = read_option_table(path, from_iso("2026-08-07T12:00:00"))
    assert early[0].mark_volatility == pytest.approx(0.44) and origin.as_of_ns == stamps[1] * 1_000_000
    with pytest.raises(InputError, match="later --at"):
        read_option_table(path, from_iso("2026-08-01T00:00:00"))


def test_a_table_that_is_none_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "prices.parquet"
    pl.DataFrame({"ts": [1], "close": [2.0]}).write_parquet(path)
    with pytest.raises(InputError, match="no column instrument, mark_iv, underlying_price"):
        read_option_table(path)
    path.write_bytes(b"no table")
    with pytest.raises(InputError, match="cannot be read as Parquet"):
        read_option_table(path)


def test_the_venues_answers_are_read_and_a_ticker_wins(tmp_path: Path) -> None:
    found = written(tmp_path, rows(wide=0.1)[:6])
    name = rows()[0].name
    ticker = {
        "instrument_name": name, "best_bid_price": 0.3, "best_bid_amount": 4.0, "best_ask_price": 0.31, "best_ask_amount": 5.0,
        "mark_iv": 80.0, "underlying_price": 60_100.0, "index_price": 60_000.0, "timestamp": NOW_NS // 1_000_000 + 5,
    }  # fmt: skip
    listed = {"instrument_name": name, "kind": "option", "min_trade_amount": 0.1, "tick_size": 0.0005}
    more, least = tmp_path / "ticker.json", tmp_path / "instruments.json"
    more.write_text(json.dumps({"result": ticker}), encoding="utf-8")
    least.write_text(json.dumps({"result": [listed, {"instrument_name": "BTC-PERPETUAL"}]}), encoding="utf-8")
    read, origin = read_option_answers([found, more, least])
    first = next(one for one in read if one.name == name)
    assert (first.bid, first.ask_quantity, first.mark_volatility, first.lot_size) == (0.3, 5.0, 0.8, 0.1)
    assert len(read) == 6 and origin.as_of_ns == NOW_NS + 5_000_000


@pytest.mark.parametrize(
    ("text", "told"),
    [("{", "not valid JSON"), ('{"result": []}', "quotes no option"),
     ('{"result": [{"instrument_name": "BTC-25SEP26-54000-P", "mark_iv": "x"}]}', "finite number"),
     ('{"result": [{"instrument_name": "BTC-25SEP26-54000-P", "mark_iv": 40}]}', "when it was given")],
)  # fmt: skip
def test_answers_that_are_no_chain_are_refused(tmp_path: Path, text: str, told: str) -> None:
    path = tmp_path / "chain.json"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(InputError, match=told):
        read_option_answers([path])


def test_crossed_and_expired_options_are_left_out_and_said_so() -> None:
    found = rows(wide=0.1)
    crossed = replace(found[0], bid=0.9, ask=0.8)
    over = replace(found[1], name="BTC-31JUL26-54000-P")
    left = build_chain([crossed, over, *found[2:]], "BTC", ORIGIN)
    assert sum(len(one.quotes) for one in left.expiries) == len(found) - 2
    assert "had expired" in left.notes[0] and "bid more than they ask" in left.notes[1]


def test_options_without_any_price_are_counted() -> None:
    found = rows()
    silent = replace(found[0], mark_volatility=None, bid=0.01)
    (said,) = build_chain([silent, *found[1:]], "BTC", ORIGIN).notes[:1]
    assert said.startswith(f"1 of {len(found)} options have neither a mark nor both a bid and an ask")
    assert not any("neither" in one for one in build_chain(found, "BTC", ORIGIN).notes)


@pytest.mark.parametrize(
    ("change", "told"),
    [({"mark_volatility": -0.4}, "mark_volatility of -0.4"), ({"bid": -1.0}, "bid of -1"),
     ({"underlying": 0.0}, "underlying of 0"), ({"open_interest": math.nan}, "open_interest of nan")],
)  # fmt: skip
def test_figures_that_cannot_be_are_refused(change: dict[str, Any], told: str) -> None:
    with pytest.raises(InputError, match=told):
        build_chain([replace(rows()[0], **change), *rows()[1:]], "BTC", ORIGIN)


def test_chains_without_what_is_needed_are_refused() -> None:
    one = rows()[0]
    with pytest.raises(InputError, match="twice"):
        build_chain([one, one], "BTC", ORIGIN)
    with pytest.raises(InputError, match="it has BTC"):
        build_chain([one], "ETH", ORIGIN)
    with pytest.raises(InputError, match="settle in different currencies"):
        build_chain([one, replace(one, name="BTC_USDC-25SEP26-60000-C")], "BTC", ORIGIN)
    with pytest.raises(InputError, match="least trade"):
        build_chain([replace(one, name="SOL_USDC-25SEP26-150-C", lot_size=None)], "SOL", ORIGIN)
    with pytest.raises(InputError, match="neither an index nor"):
        build_chain([RawQuote(name=one.name, lot_size=0.1)], "BTC", ORIGIN)
    with pytest.raises(InputError, match="nothing tells the forward"):
        build_chain([RawQuote(name=one.name, index=SPOT, lot_size=0.1)], "BTC", ORIGIN)


def test_rows_with_stamps_of_their_own_are_one_moment(tmp_path: Path) -> None:
    path, start = tmp_path / "stamped.parquet", NOW_NS // 1_000_000
    found = rows()
    columns = {
        "ts": [start - 3_600_000 * (number == 0) + 100 * number for number in range(len(found))],
        "instrument": [one.name for one in found],
        "mark_iv": [100.0 * (one.mark_volatility or 0.0) for one in found],
        "underlying_price": [one.underlying for one in found],
    }
    pl.DataFrame(columns).write_parquet(path)
    read, origin, told = read_option_table(path)
    assert [one.name for one in read] == [one.name for one in found[1:]]
    assert origin.as_of_ns == NOW_NS + 100_000_000 * (len(found) - 1) and "holds 2 moments" in told[0]
    again = pl.concat([pl.DataFrame(columns), pl.DataFrame(columns).with_columns(pl.col("ts") + 20_000)])
    again.write_parquet(path)
    assert len(read_option_table(path)[0]) == len(found) - 1


def test_a_mark_in_another_unit_is_refused() -> None:
    odd = [replace(one, mark_volatility=100.0 * (one.mark_volatility or 0.0)) for one in rows()]
    with pytest.raises(InputError, match="mark_iv is in percent"):
        build_chain(odd, "BTC", ORIGIN)
