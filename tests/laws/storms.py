"""Storms drawn by Hypothesis, and grounds for them to fall on."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from itertools import permutations
from string import ascii_lowercase, digits
from typing import Any, TypeVar

import numpy as np
from hypothesis import assume
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

T = TypeVar("T")
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

CLOCK, LENGTH, COUNT = st.integers(0, 20 * 60), st.integers(1, 4 * 60), st.integers(1, 5)
NONE_TO_ONE, NONE_TO_TWO = st.integers(0, 1), st.integers(0, 2)
ONE_TO_TWO, ONE_TO_THREE = st.integers(1, 2), st.integers(1, 3)
PLACES = ((), *((one,) for one in VENUES))
REACHES = st.sampled_from(
    [
        Reach(of=some, venues=venues) if inside else Reach(but=some, venues=venues)
        for inside in (True, False)
        for some in ((), *((one,) for one in ASSETS), *permutations(ASSETS, 2))
        for venues in PLACES
    ]
)
ROWS = st.tuples(
    st.sampled_from(("historic", "synthetic")), st.sampled_from((MINUTE_NS * 5, MINUTE_NS * 20, HOUR_NS)),
    st.sampled_from(CONFIDENCE), st.sampled_from(PLACES),
)  # fmt: skip
VENUE, SHARE, WICK, BOOLEANS = st.sampled_from(VENUES), st.floats(0, 1), st.floats(0, 0.5), st.booleans()
MOVES, PEGS, MARKS = st.floats(-0.95, 2.0), st.floats(-0.9, 0.1), st.floats(-0.9, 2)
RATES, SPREADS, DEPTHS = st.floats(-0.01, 0.01), st.floats(1.5, 10), st.floats(0.05, 1)
AWAY = st.sampled_from([(where, kind) for where, kinds in OUTAGES.items() for kind in kinds])
CORRELATIONS = st.none() | st.sampled_from(
    [
        CorrelationShock(how="break", blend=0.4),
        CorrelationShock(how="given", assets=("BTC", "ETH"), matrix=((1.0, 0.2), (0.2, 1.0))),
        CorrelationShock(how="dislocated", kappa=1.5),
    ]
)
FIRST, REST = st.sampled_from(ascii_lowercase), st.text(ascii_lowercase + digits, max_size=6)


@st.composite
def minutes_of(draw: st.DrawFn, counts: st.SearchStrategy[int]) -> int:
    return draw(counts) * MINUTE_NS


minutes, lengths = minutes_of(CLOCK), minutes_of(LENGTH)


def named(draw: st.DrawFn) -> str:
    found = draw(FIRST) + draw(REST)
    assume(found not in ("then", "after", "calm"))
    return found


def span(draw: st.DrawFn) -> Span:
    at = draw(CLOCK) * MINUTE_NS
    return Span(at_ns=at, until_ns=at + draw(LENGTH) * MINUTE_NS)


def path(draw: st.DrawFn, moves: st.SearchStrategy[float]) -> Knots:
    """Points in order of time."""
    points = {draw(CLOCK) * MINUTE_NS: draw(moves) for _ in range(draw(COUNT))}
    return tuple(sorted(points.items()))


def fall(draw: st.DrawFn) -> PriceShock:
    return PriceShock(
        reach=draw(REACHES), knots=path(draw, MOVES), by_beta=draw(BOOLEANS), wick_down=draw(WICK), wick_up=draw(WICK)
    )  # fmt: skip


def funding(draw: st.DrawFn) -> FundingShock:
    half = draw(LENGTH) * MINUTE_NS if draw(BOOLEANS) else None
    return FundingShock(reach=draw(REACHES), span=span(draw), how="add", per_hour=draw(RATES), half_life_ns=half)


def thin(draw: st.DrawFn) -> LiquidityShock:
    return LiquidityShock(reach=draw(REACHES), span=span(draw), spread=draw(SPREADS), depth=draw(DEPTHS))


def outage(draw: st.DrawFn) -> Outage:
    where, kind = draw(AWAY)
    return Outage(where=where, name="arbitrum", kind=kind, span=span(draw), factor=1.0)


def taken(draw: st.DrawFn) -> Taken:
    return Taken(venue=draw(VENUE), at_ns=draw(CLOCK) * MINUTE_NS, share=draw(SHARE))


def many(draw: st.DrawFn, counts: st.SearchStrategy[int], one: Callable[[st.DrawFn], T]) -> tuple[T, ...]:
    return tuple(one(draw) for _ in range(draw(counts)))


def alone(draw: st.DrawFn) -> dict[str, Any]:
    """The shocks of which there can be one."""
    return {
        "correlation": draw(CORRELATIONS),
        "marks": (MarkShock(reach=draw(REACHES), span=span(draw), deviation=draw(MARKS)),),
        "collateral": (CollateralShock(asset="USDC", knots=path(draw, PEGS)),),
    }


@cache
@st.composite
def storms(draw: st.DrawFn, *, more: bool = False) -> Storm:
    """Storms that never contradict each other; with `more`, also the shocks of which there can be one."""
    kind, step, confidence, empty = draw(ROWS)
    return Storm(
        name=named(draw), title=named(draw), kind=kind, horizon_ns=HORIZON, step_ns=step, confidence=confidence,
        sources=tuple(dict.fromkeys(many(draw, ONE_TO_TWO, named))), prices=many(draw, ONE_TO_THREE, fall),
        funding=many(draw, NONE_TO_TWO, funding), liquidity=many(draw, NONE_TO_TWO, thin),
        outages=many(draw, NONE_TO_TWO, outage), adl=many(draw, NONE_TO_ONE, taken), insurance_empty=empty,
        **(alone(draw) if more else {}),
    )  # fmt: skip
