"""Where a simulated venue's prices come from: a book file's prices that stand still, or a storm that begins at them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from perpbook.model.market import Snapshot
from perpbook.simulation.market import Path, path_of_prices, path_of_storm

if TYPE_CHECKING:
    from perpbook.model.bars import SeriesKey
    from perpbook.scenario.overlay import Ground
    from perpbook.scenario.storm import Storm
    from perpbook.terms.terms import VenueTerms

BAR_NS = 60_000_000_000
"""A storm is drawn minute by minute."""


def start_of(snapshot: Snapshot, terms: Mapping[str, VenueTerms]) -> dict[SeriesKey, float]:
    """Every contract of a book with the price its venue margins on, quote per base."""
    from perpbook.engine.stage import contracts_of, start_prices

    keys = contracts_of(snapshot, terms)
    return dict(zip(keys, start_prices(snapshot, terms, keys).tolist(), strict=True))


def standing_paths(snapshot: Snapshot, terms: Mapping[str, VenueTerms], start_ns: int) -> dict[str, Path]:
    """By venue, the book file's own prices, which do not move."""
    prices = start_of(snapshot, terms)
    return {
        venue: path_of_prices([start_ns], {key.symbol: [one] for key, one in prices.items() if key.venue == venue})
        for venue in dict.fromkeys(key.venue for key in prices)
    }


def storm_paths(
    snapshot: Snapshot, terms: Mapping[str, VenueTerms], storm: Storm, start_ns: int, minutes: int
) -> dict[str, Path]:
    """By venue, a storm over the book file's prices, a bar a minute. A window that it replays is outlined by its known moves."""
    from perpbook.scenario.draw import draw
    from perpbook.scenario.replay import outline

    prices, drawn = start_of(snapshot, terms), outline(storm) if storm.replay else storm
    found = {}
    for venue in dict.fromkeys(key.venue for key in prices):
        mine = {key: price for key, price in prices.items() if key.venue == venue}
        overlay = draw(drawn, ground_at(snapshot, terms, mine), bar_ns=BAR_NS, steps=minutes)
        marks = {key.symbol: price for key, price in mine.items()}
        found[venue] = path_of_storm(overlay, marks, start_ns, terms[venue].funding.interval_ns)
    return found


def ground_at(snapshot: Snapshot, terms: Mapping[str, VenueTerms], prices: Mapping[SeriesKey, float]) -> Ground:
    """What a storm must know of a book, for some of its contracts; exposures are the whole book's."""
    from perpbook.scenario.overlay import Ground
    from perpbook.terms.find import find_contract

    exposures: dict[str, float] = {}
    everywhere = start_of(snapshot, terms)
    by_name = {(key.venue, key.symbol): price for key, price in everywhere.items()}
    for account in snapshot.book.accounts:
        for one in account.positions:
            contract = find_contract(terms[account.venue], one.symbol).contract
            price = 1.0 if contract.is_inverse else by_name[account.venue, contract.symbol]
            exposures[contract.base] = exposures.get(contract.base, 0.0) + one.quantity * price
    return Ground(
        series=tuple(prices),
        assets=tuple(find_contract(terms[key.venue], key.symbol).contract.base for key in prices),
        betas=snapshot.market.betas,
        exposures=exposures,
    )
