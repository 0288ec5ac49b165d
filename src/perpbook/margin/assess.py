"""A book, its market, its terms and some scenarios become an `Assessment`, and keep the arrays it was read from."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from perpbook.kernels.types import Floats
from perpbook.margin.arrays import BookArrays, book_arrays
from perpbook.margin.assessment import Assessment, Caution
from perpbook.margin.columns import Columns, coin_price
from perpbook.margin.compare import differences_of
from perpbook.margin.measures import Measures, StressGrid, measure, stress
from perpbook.margin.outcomes import stress_outcomes
from perpbook.margin.tolls import Hardship, Tolls, tolls_of
from perpbook.margin.views import account_views, book_view, position_views
from perpbook.model.book import LayerBalance, Transfer
from perpbook.model.market import STABLECOINS, Snapshot
from perpbook.model.scenario import Scenario
from perpbook.terms.terms import VenueTerms


@dataclass(frozen=True, slots=True, kw_only=True)
class OutsideMoney:
    """Dollars held on layers, by layer, and in transit: book equity that backs no account. `exposures` is by
    asset, `weighted` that of coins by beta, `net` its sum. `prices` : dollars of every coin outside accounts,
    and of every stablecoin that has a price."""

    layers: Mapping[str, float]
    in_transit: float
    exposures: Mapping[str, float]
    weighted: Mapping[str, float]
    net: float
    balances: tuple[LayerBalance, ...] = ()
    transfers: tuple[Transfer, ...] = ()
    prices: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Assessed:
    """An assessment with the arrays behind it, which `decide` and `sizing` go on from. `tolls` : what hardship takes."""

    assessment: Assessment
    arrays: BookArrays
    measures: Measures
    grid: StressGrid
    scenarios: tuple[Scenario, ...]
    outside: OutsideMoney
    tolls: Tolls | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Rigour:
    """How strict an assessment is: the margin buffer a stress must leave (fraction of maintenance margin), the age in days beyond
    which terms are called stale, and what comes besides the moves."""

    buffer: float = 0.0
    terms_max_age_days: float = 365.0
    hardship: Hardship | None = None


def assess(
    snapshot: Snapshot,
    terms: Mapping[str, VenueTerms],
    scenarios: Sequence[Scenario] = (),
    rigour: Rigour = Rigour(),
) -> Assessed:
    """Read a book: equity, margin, liquidation, leverage, stress.

    Raises
    ------
    MissingData : a held contract or coin has no price.
    TermsError : a venue or contract is unknown.
    """
    arrays = book_arrays(snapshot.book, snapshot.market, terms)
    measures = measure(arrays)
    outside, cautions = outside_money(snapshot)
    grid = stress(arrays, measures.lines, column_moves(arrays, scenarios))
    book = book_view(arrays, measures, outside.layers, outside.in_transit, outside.net)
    positions = position_views(arrays, measures, book.equity)
    accounts = account_views(arrays, measures, book.equity, outside.exposures)
    assessment = Assessment(
        as_of_ns=snapshot.market.as_of_ns,
        book_source=snapshot.book.source,
        market_source=snapshot.market.source,
        simulated=snapshot.market.simulated,
        terms=tuple((venue, terms[venue].as_of.isoformat()) for venue in _venues(arrays)),
        book=book,
        accounts=accounts,
        positions=positions,
        stress=stress_outcomes(arrays, grid, scenarios, measures.equity, book.equity, rigour.buffer, outside.exposures),
        differences=differences_of(positions, accounts),
        cautions=tuple(
            dict.fromkeys(
                (*arrays.cautions, *cautions, *stale_terms(snapshot, terms, arrays, rigour.terms_max_age_days))
            )
        ),
    )
    return Assessed(
        assessment=assessment,
        arrays=arrays,
        measures=measures,
        grid=grid,
        scenarios=tuple(scenarios),
        outside=outside,
        tolls=None if rigour.hardship is None else tolls_of(arrays, rigour.hardship),
    )


def column_moves(arrays: BookArrays, scenarios: Sequence[Scenario]) -> Floats:
    """(columns, scenarios): how far each column's price moves in each scenario, fractions."""
    moves = np.zeros((len(arrays.columns), len(scenarios)))
    for number, scenario in enumerate(scenarios):
        for row, column in enumerate(arrays.columns):
            moves[row, number] = scenario.moves.get(column.asset, 0.0)
    return moves


def outside_money(snapshot: Snapshot) -> tuple[OutsideMoney, tuple[Caution, ...]]:
    """What stands on layers and in transit, in dollars, with the cautions of pricing it."""
    columns = Columns(snapshot.market)
    layers: dict[str, float] = {}
    exposures: dict[str, float] = {}
    book = snapshot.book
    held = (*(one.balance.asset for one in book.layers), *(one.asset for one in book.transfers))
    prices = {asset: coin_price(columns, asset) for asset in dict.fromkeys(held)}
    for holding in book.layers:
        value = holding.balance.amount * prices[holding.balance.asset]
        layers[holding.layer] = layers.get(holding.layer, 0.0) + value
        exposures[holding.balance.asset] = exposures.get(holding.balance.asset, 0.0) + value
    moving = 0.0
    for transfer in book.transfers:
        value = transfer.amount * prices[transfer.asset]
        moving += value
        exposures[transfer.asset] = exposures.get(transfer.asset, 0.0) + value
    betas = snapshot.market.betas
    weighted = {asset: value * betas.get(asset, 1.0) for asset, value in exposures.items() if asset not in STABLECOINS}
    money = OutsideMoney(
        layers=layers,
        in_transit=moving,
        exposures=exposures,
        weighted=weighted,
        net=sum(weighted.values()),
        balances=book.layers,
        transfers=book.transfers,
        prices={
            **{coin: price for coin, price in snapshot.market.asset_prices.items() if coin in STABLECOINS},
            **prices,
        },
    )
    return money, tuple(columns.cautions.values())


def stale_terms(
    snapshot: Snapshot, terms: Mapping[str, VenueTerms], arrays: BookArrays, max_age_days: float
) -> tuple[Caution, ...]:
    """A caution for every venue whose terms are older than the age allowed, or younger than the prices."""
    from perpbook.terms.load import age_days

    out = []
    for venue in _venues(arrays):
        of, age = terms[venue], age_days(terms[venue], snapshot.market.as_of_ns)
        if age > max_age_days:
            told = f"{age:.0f} days before these prices: check them against the venue, and put a newer file in the terms folder"
        elif age < 0:
            told = f"{-age:.0f} days after these prices: no older ones are known"
        else:
            continue
        out.append(Caution(code="stale-terms", message=f"{of.name}'s terms are of {of.as_of}, {told}"))
    return tuple(out)


def _venues(arrays: BookArrays) -> tuple[str, ...]:
    return tuple(dict.fromkeys(account.venue for account in arrays.accounts))
