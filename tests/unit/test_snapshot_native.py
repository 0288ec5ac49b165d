"""A native book says what is held, or everything that is wrong with it: where, what, and what to do."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from perpbook.errors import BookError, Problem
from perpbook.model.account import MarginMode
from perpbook.model.market import Snapshot
from perpbook.model.units import from_iso
from perpbook.snapshot import dump_snapshot, load_snapshot

GOOD = """\
schema = "book/1"
as_of = "2026-11-20T12:00:00Z"
simulated = true

[prices]
ETH = 3150.0
[betas]
ETH = 1.15

[[accounts]]
id = "main"
venue = "hyperliquid"
layer = "hyperliquid-l1"
collateral = { USDC = 50000.0 }
debts = { ETH = 0.5 }
[accounts.reported]
equity = 51000.0

[[accounts.positions]]
symbol = "BTC"
quantity = 0.5
entry_price = 61000.0
leverage = 10
tags = ["core", "carry"]
[accounts.positions.reported]
liquidation_price = 31000.0

[[accounts.orders]]
symbol = "BTC"
quantity = -0.2
limit_price = 66000.0
reduce_only = true

[[accounts]]
id = "alone"
venue = "okx"
mode = "isolated"
collateral = { USDT = 900.0 }
positions = [{ symbol = "BTC/USDT:USDT", side = "short", contracts = 12, entry_price = 60500.0 }]

[[markets]]
venue = "hyperliquid"
symbol = "BTC"
mark_price = 62000.0
funding_rate = -0.00001
bids = [[61990.0, 1.5], [61980.0, 4.0]]
asks = [[62010.0, 2.0]]

[[layers]]
layer = "arbitrum"
asset = "USDC"
amount = 12000.0

[[transfers]]
asset = "USDC"
amount = 5000.0
source = "arbitrum"
destination = "main"
arrives = "2026-11-20T12:30:00Z"
"""


def loaded(folder: Path, text: str, name: str = "book.toml") -> Snapshot:
    path = folder / name
    path.write_text(text, encoding="utf-8")
    return load_snapshot(path)


def problems_of(folder: Path, text: str, name: str = "book.toml") -> tuple[Problem, ...]:
    with pytest.raises(BookError) as caught:
        loaded(folder, text, name)
    return caught.value.problems


def test_a_book_is_read_as_written(tmp_path: Path) -> None:
    snapshot = loaded(tmp_path, GOOD)
    main, alone = snapshot.book.accounts
    assert {one.asset: one.amount for one in main.collateral} == {"USDC": 50000.0, "ETH": -0.5}
    assert main.positions[0].quantity == 0.5 and main.positions[0].tags == ("core", "carry")
    assert main.positions[0].reported.liquidation_price == 31000.0 and main.reported.equity == 51000.0
    assert main.orders[0].reduce_only and main.orders[0].quantity == -0.2
    assert alone.mode is MarginMode.ISOLATED
    quote = snapshot.market.quotes["hyperliquid", "BTC"]
    assert quote.depth is not None and quote.depth.bids[1] == (61980.0, 4.0)
    assert snapshot.market.simulated and snapshot.market.betas["ETH"] == 1.15
    assert snapshot.book.as_of_ns == from_iso("2026-11-20T12:00:00Z") == snapshot.market.as_of_ns
    assert snapshot.book.transfers[0].arrives_ns == from_iso("2026-11-20T12:30:00Z")


def test_contracts_and_a_unified_symbol_become_the_venues_own_quantity_and_name(tmp_path: Path) -> None:
    position = loaded(tmp_path, GOOD).book.accounts[1].positions[0]
    assert position.symbol == "BTC-USDT-SWAP"
    assert position.quantity == pytest.approx(-12 * 0.01)


def test_json_and_toml_say_the_same(tmp_path: Path) -> None:
    snapshot = loaded(tmp_path, GOOD)
    assert loaded(tmp_path, dump_snapshot(snapshot, "json"), "book.json") == snapshot
    assert loaded(tmp_path, dump_snapshot(snapshot, "json"), "book") == snapshot
    assert loaded(tmp_path, dump_snapshot(snapshot), "book.txt") == snapshot


BAD = {
    "unknown key": ("leverage = 10", "levrage = 10", "accounts[0].positions[0].levrage", 'mean "leverage"'),
    "unknown key at the top": ("simulated", "simulatd", "simulatd", 'mean "simulated"'),
    "text for a number": ("quantity = 0.5", 'quantity = "0.5"', "accounts[0].positions[0].quantity", "without quotes"),
    "boolean for a number": ("quantity = 0.5", "quantity = true", "accounts[0].positions[0].quantity", "got true"),
    "number for text": ('id = "main"', "id = 7", "accounts[0].id", "quotes"),
    "nan": ("entry_price = 61000.0", "entry_price = nan", "accounts[0].positions[0].entry_price", "finite"),
    "infinity": ("amount = 12000.0", "amount = inf", "layers[0].amount", "finite"),
    "too large": ("quantity = 0.5", "quantity = 1e40", "accounts[0].positions[0].quantity", "size that can be true"),
    "negative collateral": ("USDC = 50000.0", "USDC = -5.0", "accounts[0].collateral.USDC", "debts"),
    "held and owed": ("ETH = 0.5 }", "USDC = 0.5 }", "accounts[0].debts.USDC", "difference"),
    "no collateral": ("collateral = { USDC = 50000.0 }", "", "accounts[0].collateral", "USDC = 0.0"),
    "unknown venue": ('"hyperliquid"\nlayer', '"hyperliqid"\nlayer', "accounts[0].venue", 'mean "hyperliquid"'),
    "unknown symbol": ('symbol = "BTC"\nquantity = 0.5', 'symbol = "BTCC"\nquantity = 0.5',
                       "accounts[0].positions[0].symbol", '"BTC"'),
    "quantity 0": ("quantity = 0.5", "quantity = 0", "accounts[0].positions[0].quantity", "other than 0"),
    "entry price 0": ("entry_price = 61000.0", "entry_price = 0.0", "accounts[0].positions[0].entry_price", "above 0"),
    "side beside quantity": ("quantity = 0.5", 'quantity = 0.5\nside = "long"', "accounts[0].positions[0].side", "or"),
    "contracts without a side": ("quantity = 0.5", "contracts = 5", "accounts[0].positions[0].side", "long"),
    "wrong side": ('side = "short"', 'side = "shrt"', "accounts[1].positions[0].side", 'mean "short"'),
    "inverse in a linear market": ("quantity = 0.5", 'quantity = 0.5\nkind = "inverse"',
                                   "accounts[0].positions[0].kind", "linear"),
    "another settlement coin": ("quantity = 0.5", 'quantity = 0.5\nsettle = "BTC"',
                                "accounts[0].positions[0].settle", "USDC"),
    "duplicate ids": ('id = "alone"', 'id = "main"', "accounts[1].id", "accounts[0]"),
    "unknown mode": ('mode = "isolated"', 'mode = "isolate"', "accounts[1].mode", 'mean "isolated"'),
    "parent of a cross account": ('layer = "hyperliquid-l1"', 'parent = "alone"', "accounts[0].parent", "isolated"),
    "unknown parent": ('mode = "isolated"', 'mode = "isolated"\nparent = "mian"', "accounts[1].parent", 'mean "main"'),
    "parent on another venue": ('mode = "isolated"', 'mode = "isolated"\nparent = "main"', "accounts[1].parent", "okx"),
    "contradicting report": ("liquidation_price = 31000.0", "liquidation_price = 31000.0\nno_liquidation_price = true",
                             "accounts[0].positions[0].reported.no_liquidation_price", "contradicts"),
    "levels out of order": ("[61990.0, 1.5]", "[61970.0, 1.5]", "markets[0].bids[1]", "best price first"),
    "crossed book": ("[62010.0, 2.0]", "[61000.0, 2.0]", "markets[0].bids[0]", "swap"),
    "level without quantity": ("[62010.0, 2.0]", "[62010.0]", "markets[0].asks[0]", "pair"),
    "no time": ("2026-11-20T12:00:00Z", "yesterday", "as_of", "write it as"),
    "no schema": ('schema = "book/1"', "", "schema", "book/1"),
    "another schema": ("book/1", "book/9", "schema", "book/1"),
    "empty transfer": ("amount = 5000.0", "amount = 0.0", "transfers[0].amount", "above 0"),
    "accounts as a table": ("[[layers]]", "[layers]", "layers", "[[layers]]"),
    "blank tag": ('"carry"', '" "', "accounts[0].positions[0].tags[1]", "visible"),
}  # fmt: skip


@pytest.mark.parametrize("name", BAD)
def test_each_slip_is_named_at_its_key_with_a_next_step(tmp_path: Path, name: str) -> None:
    old, new, key, hint = BAD[name]
    assert old in GOOD
    problems = problems_of(tmp_path, GOOD.replace(old, new, 1))
    assert [problem.key for problem in problems] == [key]
    assert hint in str(problems[0])


def test_the_line_and_column_are_those_of_the_file(tmp_path: Path) -> None:
    text = GOOD.replace("USDC = 50000.0", "USDC = -1.0")
    (problem,) = problems_of(tmp_path, text)
    assert problem.line is not None and problem.column is not None
    line = text.splitlines()[problem.line - 1]
    assert line[problem.column - 1 :].startswith("USDC = -1.0")


def test_every_problem_is_raised_at_once_in_the_order_of_the_file(tmp_path: Path) -> None:
    text = GOOD.replace("quantity = 0.5", "quantity = 0").replace('"okx"', '"okxx"').replace("12000.0", "false")
    problems = problems_of(tmp_path, text)
    assert [problem.key for problem in problems] == [
        "accounts[0].positions[0].quantity", "accounts[1].venue", "layers[0].amount",
    ]  # fmt: skip
    assert [problem.line for problem in problems] == sorted(problem.line or 0 for problem in problems)


def test_an_isolated_account_holds_exactly_one_position(tmp_path: Path) -> None:
    two = GOOD.replace(
        "positions = [{", 'positions = [{ symbol = "ETH-USDT-SWAP", quantity = 1, entry_price = 3000.0 }, {'
    )
    none = GOOD.replace("positions = [{ symbol", "orders = [] # [{ symbol")
    for text in (two, none):
        (problem,) = problems_of(tmp_path, text)
        assert "exactly one position" in problem.message


def test_one_symbol_twice_is_a_hedge_only_with_opposite_signs(tmp_path: Path) -> None:
    more = '\n[[accounts.positions]]\nsymbol = "BTC"\nquantity = {}\nentry_price = 60000.0\n\n[[accounts.orders]]'
    hedged = loaded(tmp_path, GOOD.replace("\n[[accounts.orders]]", more.format(-0.2), 1))
    assert [one.quantity for one in hedged.book.accounts[0].positions] == [0.5, -0.2]
    (problem,) = problems_of(tmp_path, GOOD.replace("\n[[accounts.orders]]", more.format(0.2), 1))
    assert problem.key == "accounts[0].positions[1].symbol" and "hedge" in str(problem)


def test_a_book_from_the_future_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "book.toml"
    path.write_text(GOOD)
    minute = 60_000_000_000
    assert load_snapshot(path, now_ns=from_iso("2026-11-20T12:00:00Z") - 4 * minute).book.accounts
    with pytest.raises(BookError, match="in the future"):
        load_snapshot(path, now_ns=from_iso("2026-11-20T12:00:00Z") - 6 * minute)


def test_a_missing_mark_price_is_left_to_the_assessment(tmp_path: Path) -> None:
    snapshot = loaded(tmp_path, GOOD.replace("mark_price = 62000.0\n", ""))
    assert snapshot.market.quotes["hyperliquid", "BTC"].mark_price is None


def test_files_that_are_no_books_are_refused_in_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "latin.toml").write_bytes(b'schema = "book/1"\nsource = "caf\xe9"\n')
    cases = {
        "nowhere.toml": "no such file", ".": "folder", "latin.toml": "UTF-8",
        "empty.toml": "is empty", "blank.json": "is empty", "list.json": "must be a table",
        "null.json": "must be a table", "broken.toml": "not valid TOML", "broken.json": "not valid JSON",
        "twice.json": "given twice", "hollow.toml": "holds no accounts",
    }  # fmt: skip
    texts = {
        "empty.toml": "", "blank.json": " \n", "list.json": "[]", "null.json": "null", "broken.toml": "a = = 1",
        "broken.json": '{"schema": ', "twice.json": '{"schema": "book/1", "schema": "book/1"}',
        "hollow.toml": 'schema = "book/1"\nas_of = "2026-11-20T12:00:00Z"\n',
    }  # fmt: skip
    for name, text in texts.items():
        (tmp_path / name).write_text(text)
    for name, words in cases.items():
        with pytest.raises(BookError, match=words) as caught:
            load_snapshot(tmp_path / name)
        assert len(caught.value.problems) == 1 and caught.value.problems[0].hint


def test_an_invalid_line_of_toml_is_named(tmp_path: Path) -> None:
    (problem,) = problems_of(tmp_path, GOOD.replace("quantity = 0.5", "quantity = 0,5"))
    assert problem.line is not None and "quantity" in GOOD.splitlines()[problem.line - 1]


def test_numbers_no_machine_can_hold_and_bottomless_nesting_are_problems(tmp_path: Path) -> None:
    document = json.loads(dump_snapshot(loaded(tmp_path, GOOD), "json"))
    document["accounts"][0]["positions"][0]["quantity"] = 10**400
    (problem,) = problems_of(tmp_path, json.dumps(document), "book.json")
    assert problem.key == "accounts[0].positions[0].quantity"
    assert "nested" in str(problems_of(tmp_path, "[" * 100_000, "book.json")[0])
    assert problems_of(tmp_path, f"a = {'[' * 100_000}", "deep.toml")
    assert problems_of(tmp_path, '{"schema": ' + "9" * 5000 + "}", "long.json")


def test_prices_of_a_second_file_win_and_keep_their_time(tmp_path: Path) -> None:
    book, market = tmp_path / "book.toml", tmp_path / "market.toml"
    book.write_text(GOOD)
    market.write_text(
        'schema = "book/1"\nas_of = "2026-11-20T12:05:00Z"\n[prices]\nETH = 3200.0\n[[markets]]\nvenue = "okx"\n'
        'symbol = "BTC-USDT-SWAP"\nmark_price = 62100.0\n'
    )
    found = load_snapshot(book, market=market).market
    assert found.asset_prices["ETH"] == 3200.0 and found.betas["ETH"] == 1.15
    assert found.as_of_ns == from_iso("2026-11-20T12:00:00Z"), "as old as the oldest price left in it"
    assert found.quotes["okx", "BTC-USDT-SWAP"].as_of_ns == from_iso("2026-11-20T12:05:00Z")
    assert found.simulated and found.quotes["hyperliquid", "BTC"].mark_price == 62000.0
    market.write_text(market.read_text() + '[[markets]]\nvenue = "hyperliquid"\nsymbol = "BTC"\nmark_price = 1.0\n')
    replaced = load_snapshot(book, market=market).market
    assert replaced.as_of_ns == from_iso("2026-11-20T12:05:00Z") and not replaced.simulated


def test_problems_of_book_and_market_file_come_together(tmp_path: Path) -> None:
    book, market = tmp_path / "book.toml", tmp_path / "market.toml"
    book.write_text(GOOD.replace("quantity = 0.5", "quantity = 0"))
    market.write_text('schema = "book/1"\nas_of = "2026-11-20T12:05:00Z"\n')
    with pytest.raises(BookError) as caught:
        load_snapshot(book, market=market)
    assert [Path(problem.file).name for problem in caught.value.problems] == ["book.toml", "market.toml"]


MONEY = """
[[layers]]
layer = "ethereum"
asset = "ETH"
amount = 4.0
locked = 1.5
gas = true

[[layers]]
layer = "base"
asset = "ETH"
amount = 1.0
gas = false

[[transfers]]
asset = "USDC"
amount = 500.0
source = "arbitrum"
destination = "main"
routes = ["cctp-fast", "hyperliquid-bridge-in"]
departed = "2026-11-20T11:50:00Z"
arrives = "2026-11-20T12:10:00Z"
stuck = true

[[unread]]
what = "starknet"
why = "its RPC is silent"
"""


def test_money_that_is_bound_or_under_way_comes_back_as_written(tmp_path: Path) -> None:
    path = tmp_path / "book.toml"
    path.write_text(GOOD + MONEY, encoding="utf-8")
    found = load_snapshot(path)
    assert [(one.locked, one.gas) for one in found.book.layers][-2:] == [(1.5, True), (0.0, False)]
    moving = found.book.transfers[-1]
    assert moving.routes == ("cctp-fast", "hyperliquid-bridge-in") and moving.stuck
    assert moving.departed_ns == from_iso("2026-11-20T11:50:00Z")
    assert (found.book.unread[0].what, found.book.unread[0].why) == ("starknet", "its RPC is silent")
    for format in ("toml", "json"):
        again = tmp_path / f"again.{format}"
        again.write_text(dump_snapshot(found, format), encoding="utf-8")
        assert load_snapshot(again) == found


@pytest.mark.parametrize(
    ("old", "new", "key", "message"),
    [
        ("locked = 1.5", "locked = 5.0", "layers[1].locked", "more than the amount"),
        ("locked = 1.5", "locked = -1.0", "layers[1].locked", "not below 0"),
        ("T11:50", "T12:05", "transfers[1].departed", "after the book was read"),
        ("T12:10", "T11:10", "transfers[1].arrives", "before it departed"),
        ("routes = [", 'route = "cctp-fast"\nroutes = [', "transfers[1].route", "beside routes"),
        ('why = "its RPC is silent"', "", "unread[0].why", "is missing"),
        ("stuck = true", 'stuck = "yes"', "transfers[1].stuck", "true or false"),
    ],
)
def test_money_that_cannot_be_so_is_named(tmp_path: Path, old: str, new: str, key: str, message: str) -> None:
    path = tmp_path / "book.toml"
    path.write_text((GOOD + MONEY).replace(old, new), encoding="utf-8")
    with pytest.raises(BookError) as error:
        load_snapshot(path)
    assert [(key, True)] == [(one.key, message in one.message) for one in error.value.problems]
