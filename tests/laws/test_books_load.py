"""Laws of book files: what is written comes back, and a damaged file is a book or a list of problems, nothing else."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Callable
from functools import cache
from pathlib import Path

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from perpbook.errors import BookError
from perpbook.model.account import Account, Balance, MarginMode, Order, Position, Reported
from perpbook.model.book import Book, LayerBalance, Transfer
from perpbook.model.market import Depth, Market, Quote, Snapshot
from perpbook.snapshot import dump_snapshot, import_snapshot, load_snapshot
from tests.laws.strategies import BOOLEANS, among, perhaps, signs
from tests.unit.test_snapshot_import import ANSWERS

SYMBOLS = {"hyperliquid": ["BTC", "ETH", "SOL"], "okx": ["BTC-USDT-SWAP", "ETH-USD-SWAP"], "deribit": ["BTC-PERPETUAL"]}
TIMES = st.integers(0, 2**62)
WORDS = st.text(st.characters(codec="utf-8", exclude_categories=("C", "Z")), min_size=1, max_size=8).filter(
    str.isprintable
)
POSITIVE = st.floats(1e-12, 1e15)
STEPS = st.lists(st.floats(0.001, 0.5), max_size=3)


@st.composite
def signed(draw: st.DrawFn) -> float:
    sign: float = draw(signs)
    return sign * draw(POSITIVE)


SIGNED = signed()
ANY = st.one_of(st.just(0.0), SIGNED)


COINS = st.lists(st.tuples(WORDS, ANY), max_size=3, unique_by=lambda one: one[0])


TAGS = st.lists(WORDS, max_size=2)


@cache
def some_of(symbols: tuple[str, ...], fewest: int, most: int) -> st.SearchStrategy[list[str]]:
    return st.lists(among(*symbols), unique=True, min_size=fewest, max_size=most)


@cache
def orders_of(symbols: tuple[str, ...]) -> st.SearchStrategy[list[tuple[str, float, float, bool]]]:
    return st.lists(st.tuples(among(*symbols), SIGNED, POSITIVE, BOOLEANS), max_size=2)


@cache
@st.composite
def reports(draw: st.DrawFn) -> Reported:
    none = draw(BOOLEANS)
    return Reported(
        liquidation_price=None if none else draw(perhaps(POSITIVE)), no_liquidation_price=none,
        initial_margin=draw(perhaps(ANY)), equity=draw(perhaps(ANY)), free_collateral=draw(perhaps(ANY)),
    )  # fmt: skip


@cache
@st.composite
def positions(draw: st.DrawFn, symbol: str) -> Position:
    return Position(
        symbol=symbol, quantity=draw(SIGNED), entry_price=draw(POSITIVE), leverage=draw(perhaps(POSITIVE)),
        tags=tuple(draw(TAGS)), reported=draw(reports()),
    )  # fmt: skip


@st.composite
def accounts(draw: st.DrawFn, name: str) -> Account:
    venue = draw(among(*sorted(SYMBOLS)))
    mode = draw(among(*MarginMode))
    fewest, most = (1, 1) if mode is MarginMode.ISOLATED else (0, 3)
    held = draw(some_of(tuple(SYMBOLS[venue]), fewest, most))
    coins = draw(COINS)
    orders = draw(orders_of(tuple(SYMBOLS[venue])))
    return Account(
        id=name, venue=venue, mode=mode, layer=draw(perhaps(WORDS)),
        collateral=tuple(Balance(asset=asset, amount=amount) for asset, amount in sorted(coins, key=lambda one: one[1] < 0)),
        positions=tuple(draw(positions(symbol)) for symbol in held),
        orders=tuple(Order(symbol=symbol, quantity=quantity, limit_price=price, reduce_only=flag)
                     for symbol, quantity, price, flag in orders),
        reported=draw(reports()),
    )  # fmt: skip


def levels(prices: list[float], start: float, sign: int) -> tuple[tuple[float, float], ...]:
    """Levels that step away from a start."""
    found = []
    for step in prices:
        start *= 1 + sign * step
        found.append((start, step))
    return tuple(found)


@cache
@st.composite
def quotes(draw: st.DrawFn, venue: str, symbol: str) -> Quote:
    depth = Depth(bids=levels(draw(STEPS), 100.0, -1), asks=levels(draw(STEPS), 101.0, 1))
    return Quote(
        venue=venue, symbol=symbol, mark_price=draw(perhaps(POSITIVE)), oracle_price=draw(perhaps(POSITIVE)),
        index_price=draw(perhaps(POSITIVE)), funding_rate=draw(perhaps(ANY)), open_interest=draw(perhaps(POSITIVE)),
        depth=depth if draw(BOOLEANS) else None, as_of_ns=draw(perhaps(TIMES)),
    )  # fmt: skip


NAMES = st.lists(WORDS, min_size=1, max_size=3, unique=True)
QUOTED = st.lists(
    among(*((venue, symbol) for venue, symbols in SYMBOLS.items() for symbol in symbols)), unique=True, max_size=3
)
COIN_PRICES, BETAS = st.dictionaries(WORDS, POSITIVE, max_size=2), st.dictionaries(WORDS, ANY, max_size=2)
MOVEMENTS = st.lists(
    st.builds(Transfer, asset=WORDS, amount=POSITIVE, source=WORDS, destination=WORDS, arrives_ns=st.none() | TIMES),
    max_size=2,
)
MONEY = st.lists(
    st.builds(LayerBalance, layer=WORDS, balance=st.builds(Balance, asset=WORDS, amount=POSITIVE)), max_size=2
)


@st.composite
def snapshots(draw: st.DrawFn) -> Snapshot:
    names, quoted = draw(NAMES), draw(QUOTED)
    return Snapshot(
        book=Book(
            as_of_ns=draw(TIMES), source=draw(WORDS), accounts=tuple(draw(accounts(name)) for name in names),
            layers=tuple(draw(MONEY)), transfers=tuple(draw(MOVEMENTS)),
        ),
        market=Market(
            as_of_ns=draw(TIMES), source=draw(WORDS), simulated=draw(BOOLEANS),
            quotes={key: draw(quotes(*key)) for key in quoted},
            asset_prices=draw(COIN_PRICES),
            betas=draw(BETAS),
        ),
    )  # fmt: skip


QUICK = settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])


def outcome(content: bytes, name: str, read: Callable[[Path], Snapshot] = load_snapshot) -> Snapshot | BookError:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / name
        path.write_bytes(content)
        try:
            return read(path)
        except BookError as error:
            return error


@QUICK
@given(snapshot=snapshots(), format=st.sampled_from(["toml", "json"]))
def test_a_written_book_reads_back_the_same(snapshot: Snapshot, format: str) -> None:
    text = dump_snapshot(snapshot, format)
    again = outcome(text.encode(), f"book.{format}")
    assert again == snapshot
    assert isinstance(again, Snapshot) and dump_snapshot(again, format) == text


GOOD = """schema = "book/1"
as_of = "2026-11-20T12:00:00Z"
prices = { ETH = 3150.0 }
[[accounts]]
id = "main"
venue = "hyperliquid"
collateral = { USDC = 50000.0 }
debts = { ETH = 0.5 }
[[accounts.positions]]
symbol = "BTC"
quantity = 0.5
entry_price = 61000.0
tags = ["core"]
[accounts.positions.reported]
liquidation_price = 31000.0
[[accounts.orders]]
symbol = "ETH"
quantity = -0.2
limit_price = 3300.0
[[markets]]
venue = "hyperliquid"
symbol = "BTC"
bids = [[61990.0, 1.5], [61980.0, 4.0]]
[[transfers]]
asset = "USDC"
amount = 5000.0
source = "arbitrum"
destination = "main"
"""
SHEET = """account,venue,symbol,quantity,entry_price,mark_price,tags,collateral_asset,amount,as_of
main,hyperliquid,BTC,0.5,61000,62000,core;carry,,,2026-11-20T12:00:00Z
main,,,,,,,USDC,50000,
other,okx,BTC-USDT-SWAP,-0.1,61000,,"a, b",USDT,900,
"""


def as_json(text: str) -> str:
    found = outcome(text.encode(), "book.toml")
    assert isinstance(found, Snapshot)
    return dump_snapshot(found, "json")


FILES = {"book.toml": GOOD, "book.json": as_json(GOOD), "book.csv": SHEET, "book": GOOD}
SPLICES = st.one_of(
    st.binary(max_size=3),
    st.sampled_from(
        [b"nan", b"-1", b"true", b'""', b"[]", b"{}", b"1e999", b"\n", b",", b"null", b"[[", b"\x00", b"9" * 400]
    ),
)


def unharmed_or_named(content: bytes, name: str, read: Callable[[Path], Snapshot] = load_snapshot) -> None:
    found = outcome(content, name, read)
    if isinstance(found, BookError):
        assert found.problems and all(problem.message and problem.file for problem in found.problems)
        str(found).encode()
    else:
        assert outcome(dump_snapshot(found).encode(), "book.toml") == found


@QUICK
@given(name=st.sampled_from(sorted(FILES)), splices=st.lists(st.tuples(st.floats(0, 1), st.integers(0, 6), SPLICES),
                                                             min_size=1, max_size=3))  # fmt: skip
def test_bytes_changed_at_random_give_a_book_or_problems(name: str, splices: list[tuple[float, int, bytes]]) -> None:
    content = FILES[name].encode()
    for place, length, put in splices:
        start = int(place * len(content))
        content = content[:start] + put + content[start + length :]
    unharmed_or_named(content, name)


@QUICK
@given(name=st.sampled_from(sorted(FILES)), data=st.data())
def test_lines_dropped_doubled_or_swapped_give_a_book_or_problems(name: str, data: st.DataObject) -> None:
    lines = FILES[name].splitlines(keepends=True)
    order = data.draw(st.lists(st.integers(0, len(lines) - 1), min_size=len(lines) - 2, max_size=len(lines) + 2))
    kept = data.draw(st.integers(0, len(lines)))
    unharmed_or_named("".join([*lines[:kept], *(lines[number] for number in order[kept:])]).encode(), name)


PUT = ["null", '""', '"0"', '"-1"', '"x"', "true", "[]", "{}", "Infinity", "7", '"1e999"', '"NaN"', "[[1]]", '"BTC"',
       '"isolated"', "1e17", '"1e-9"', "0", "-1"]  # fmt: skip


@settings(QUICK, max_examples=150)
@given(data=st.data(), venue=st.sampled_from(sorted(ANSWERS)), named=st.booleans())
def test_a_venues_answer_with_any_value_replaced_gives_a_book_or_problems(
    data: st.DataObject, venue: str, named: bool
) -> None:
    answers = json.loads(json.dumps(ANSWERS[venue]))
    for _ in range(data.draw(st.integers(1, 3))):
        node, key = answers, data.draw(st.integers(0, len(answers) - 1))
        while isinstance(node[key], dict | list) and node[key] and data.draw(st.integers(0, 7)):
            node = node[key]
            key = data.draw(st.sampled_from(sorted(node) if isinstance(node, dict) else range(len(node))))
        node[key] = json.loads(data.draw(st.sampled_from(PUT)))
    format = ("ccxt:binance" if venue == "ccxt" else venue) if named else None

    def read(path: Path) -> Snapshot:
        beside = path.with_name("beside.json")
        beside.write_text(json.dumps(answers[1]))
        return import_snapshot(path, format=format, extra=[beside])

    unharmed_or_named(json.dumps(answers[0]).encode(), "answer.json", read)


def test_a_long_book_reads_in_proportion_to_its_length() -> None:
    """Three times the positions take about three times the calls of the reader: no loop inside a loop."""
    import sys

    def calls(count: int) -> int:
        rows = "".join(
            f'[[accounts]]\nid = "a{number}"\nvenue = "okx"\ncollateral = {{ USDT = 9.0 }}\n[[accounts.positions]]\n'
            f'symbol = "BTC-USDT-SWAP"\nquantity = 1.5\nentry_price = 60000.0\n' for number in range(count)
        )  # fmt: skip
        text = f'schema = "book/1"\nas_of = "2026-11-20T12:00:00Z"\n{rows}'
        seen = 0

        def count_call(*_: object) -> None:
            nonlocal seen
            seen += 1

        before = sys.getprofile()
        sys.setprofile(count_call)
        try:
            assert isinstance(outcome(text.encode(), "book.toml"), Snapshot)
        finally:
            sys.setprofile(before)
        return seen

    small, large = calls(300), calls(900)
    assert large < 3.2 * small
