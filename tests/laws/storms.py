"""Storms drawn by Hypothesis, and grounds for them to fall on."""

from __future__ import annotations

from functools import cache
from string import ascii_lowercase, digits

import numpy as np
from hypothesis import strategies as st

from perpbook.model.bars import SeriesKey
from perpbook.model.units import HOUR_NS
from perpbook.scenario.durations import MINUTE_NS
from perpbook.scenario.knots import Knots
from perpbook.scenario.overlay import Ground
from perpbook.scenario.storm import (
    CONFIDENCE,
    OUTAGES,
    CollateralShock,
    CorrelationShock,
    FundingShock,
    LiquidityShock,
    MarkShock,
    Outage,
    PriceShock,
    Reach,
    Span,
    Storm,
    Taken,
)

ASSETS = ("BTC", "ETH", "SOL")
VENUES = ("binance", "dydx")
HORIZON = 24 * HOUR_NS
GROUND = Ground(
    series=tuple(SeriesKey(venue=venue, symbol=f"{asset}-PERP") for venue in VENUES for asset in ASSETS),
    assets=ASSETS * 2,
    betas={"BTC": 1.0, "ETH": 1.2, "SOL": 1.7},
    exposures={"BTC": 1e5, "ETH": -4e4, "SOL": -3e4},
    funding=np.full(6, 1e-5),
    volatility={"BTC": 0.03, "ETH": 0.04, "SOL": 0.06},
)

minutes = st.integers(0, 20 * 60).map(lambda count: count * MINUTE_NS)
lengths = st.integers(1, 4 * 60).map(lambda count: count * MINUTE_NS)
spans = st.builds(lambda at, long: Span(at_ns=at, until_ns=at + long), minutes, lengths)
some_assets = st.lists(st.sampled_from(ASSETS), unique=True, max_size=2).map(tuple)
some_venues = st.lists(st.sampled_from(VENUES), unique=True, max_size=1).map(tuple)
reaches = st.one_of(
    st.builds(lambda of, venues: Reach(of=of, venues=venues), some_assets, some_venues),
    st.builds(lambda but, venues: Reach(but=but, venues=venues), some_assets, some_venues),
)


def paths(least: float, most: float) -> st.SearchStrategy[Knots]:
    """Points in order of time, at most two at one moment."""
    points = st.lists(st.tuples(minutes, st.floats(least, most)), min_size=1, max_size=5)
    return points.map(lambda many: tuple(sorted({when: move for when, move in many}.items())))


prices = st.builds(
    PriceShock, reach=reaches, knots=paths(-0.95, 2.0), by_beta=st.booleans(), wick_down=st.floats(0, 0.5),
    wick_up=st.floats(0, 0.5),
)  # fmt: skip
adding = st.builds(
    FundingShock, reach=reaches, span=spans, how=st.just("add"), per_hour=st.floats(-0.01, 0.01),
    half_life_ns=st.none() | lengths,
)  # fmt: skip
books = st.builds(LiquidityShock, reach=reaches, span=spans, spread=st.floats(1.5, 10), depth=st.floats(0.05, 1))
outages = st.builds(
    lambda place, span, factor: Outage(
        where=place[0], name="arbitrum", kind=place[1], span=span,
        factor=factor if OUTAGES[place[0]][place[1]].factor else 1.0,
    ),
    st.sampled_from([(where, kind) for where, kinds in OUTAGES.items() for kind in kinds]), spans, st.just(1.0),
)  # fmt: skip
taken = st.builds(Taken, venue=st.sampled_from(VENUES), at_ns=minutes, share=st.floats(0, 1))
names = st.builds(
    str.__add__, st.sampled_from(ascii_lowercase), st.text(ascii_lowercase + digits, max_size=6)
).filter(lambda name: name not in ("then", "after", "calm"))  # fmt: skip


@cache
def storms(*, more: bool = False) -> st.SearchStrategy[Storm]:
    """Storms that never contradict each other; with `more`, also the shocks of which there can be one."""
    alone = {
        "correlation": st.none() | st.sampled_from([
            CorrelationShock(how="break", blend=0.4),
            CorrelationShock(how="given", assets=("BTC", "ETH"), matrix=((1.0, 0.2), (0.2, 1.0))),
            CorrelationShock(how="dislocated", kappa=1.5),
        ]),
        "marks": st.builds(MarkShock, reach=reaches, span=spans, deviation=st.floats(-0.9, 2)).map(lambda one: (one,)),
        "collateral": st.builds(CollateralShock, asset=st.just("USDC"), knots=paths(-0.9, 0.1)).map(lambda one: (one,)),
    }  # fmt: skip
    return st.builds(
        Storm, name=names, title=names, kind=st.sampled_from(("historic", "synthetic")), horizon_ns=st.just(HORIZON),
        step_ns=st.sampled_from((MINUTE_NS * 5, MINUTE_NS * 20, HOUR_NS)), confidence=st.sampled_from(CONFIDENCE),
        sources=st.lists(names, min_size=1, max_size=2, unique=True).map(tuple),
        prices=st.lists(prices, min_size=1, max_size=3).map(tuple), funding=st.lists(adding, max_size=2).map(tuple),
        liquidity=st.lists(books, max_size=2).map(tuple), outages=st.lists(outages, max_size=2).map(tuple),
        adl=st.lists(taken, max_size=1).map(tuple), insurance_empty=some_venues, **(alone if more else {}),
    )  # fmt: skip
