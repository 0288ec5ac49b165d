"""The same accounts through the package: files imported into a lake, loaded, and run."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import polars as pl

from perpbook.engine.backtest import Fills, Journey, backtest
from perpbook.engine.outcome import Outcome
from perpbook.history.choose import Wanted
from perpbook.history.importing import import_file
from perpbook.history.lake import Lake
from perpbook.history.load import load_bars
from perpbook.history.recognise import Naming
from perpbook.model.account import Account, Balance, Position
from perpbook.model.bars import Bars
from perpbook.model.book import Book
from perpbook.strategies import table
from perpbook.terms.load import load_terms
from tests.reference.cases import Case
from tests.reference.recorded_history import data_file
from tests.reference.slow_account import Held

MS = 1_000_000
BASES = ("BTC", "ETH", "LTC")


def lake_of(folder: Path, names: tuple[str, ...]) -> Lake:
    """A lake of three coins' series out of some files, by the package's own import."""
    lake = Lake(folder / "lake")
    for name in names:
        some = pl.col("symbol").str.split("-").list.first().is_in(BASES)
        part = folder / name.replace("/", "_")
        pl.scan_parquet(data_file(name)).filter(some).collect().write_parquet(part)
        import_file(part, lake, Naming(), 0)
    return lake


def bars_of(lake: Lake, case: Case) -> Bars:
    """The case's bars as a run gets them."""
    terms, (start, end) = load_terms(case.venue), case.span.bounds
    wanted = []
    for leg in case.legs:
        contract = terms.contracts[leg.symbol].contract
        wanted.append(Wanted(venue=case.venue, symbol=leg.symbol, base=contract.base, quote=contract.quote))
    borrowed = case.prices[1]
    return load_bars(
        lake,
        wanted,
        bar_ns=case.span.bar_ms * MS,
        start_ns=start * MS,
        end_ns=end * MS,
        proxies={} if borrowed == case.venue else {case.venue: borrowed},
        funding={} if case.funding else {case.venue: "none"},
    )


def run(bars: Bars, case: Case, holdings: Mapping[str, Held]) -> Outcome:
    """The case without rules and without a strategy."""
    positions = tuple(
        Position(
            symbol=symbol,
            quantity=float(one.quantity),
            entry_price=float(one.entry),
            leverage=float(one.leverage) if one.leverage else None,
        )
        for symbol, one in holdings.items()
    )
    terms = load_terms(case.venue)
    account = Account(
        id="main",
        venue=case.venue,
        collateral=(Balance(asset=terms.settle, amount=float(case.cash)),),
        positions=positions,
    )
    return backtest(
        Journey(
            book=Book(as_of_ns=int(bars.open_ns[0]), source="by hand", accounts=(account,)),
            terms={case.venue: terms},
            bars=bars,
            legs=tuple(table.Leg(account="main", venue=case.venue, symbol=leg.symbol) for leg in case.legs),
            fills=Fills(pessimistic=case.adverse),
        )
    )
