"""Shocks that cannot both be: two answers to one question, or a trade where nobody trades."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import combinations
from typing import NamedTuple

from perpbook.scenario.durations import write_duration
from perpbook.scenario.knots import Knots
from perpbook.scenario.storm import CollateralShock, FundingShock, Reach, Span, Storm


class Contradiction(NamedTuple):
    """Which shock of a storm cannot be, beside those before it, and why."""

    table: str
    number: int
    why: str


def contradictions(storm: Storm) -> Iterator[Contradiction]:
    """Everything in a storm that cannot be together."""
    yield from _funding(storm)
    yield from _marks(storm)
    yield from _collateral(storm)
    yield from _trades_in_silence(storm)
    if storm.replay and storm.correlation and storm.correlation.how != "dislocated":
        why = "a replay has the correlation of its own days; take the one or the other away"
        yield Contradiction("correlation", 0, why)


def _funding(storm: Storm) -> Iterator[Contradiction]:
    for (_, a), (number, b) in combinations(enumerate(storm.funding), 2):
        if a != b and "add" not in (a.how, b.how) and a.reach.meets(b.reach) and a.span.meets(b.span):
            why = f"funding of {_both(a.reach, b.reach)} is {_put(a)} and {_put(b)} at once, from {_first(a.span, b.span)}"
            yield Contradiction("funding", number, why)


def _marks(storm: Storm) -> Iterator[Contradiction]:
    for (_, a), (number, b) in combinations(enumerate(storm.marks), 2):
        if a.deviation != b.deviation and a.reach.meets(b.reach) and a.span.meets(b.span):
            why = f"marks of {_both(a.reach, b.reach)} are off by {a.deviation:+.1%} and by {b.deviation:+.1%} at once"
            yield Contradiction("marks", number, why)


def _collateral(storm: Storm) -> Iterator[Contradiction]:
    for (_, a), (number, b) in combinations(enumerate(storm.collateral), 2):
        if a != b and a.asset == b.asset and _away(a.knots).meets(_away(b.knots)):
            yield Contradiction(
                "collateral", number, f"{a.asset} is off its peg twice at once: {_low(a)} and {_low(b)}"
            )


def _trades_in_silence(storm: Storm) -> Iterator[Contradiction]:
    halts = [one for one in storm.outages if one.where == "venue" and one.kind == "halt"]
    for number, taken in enumerate(storm.adl):
        for halt in halts:
            same = halt.name in ("*", taken.venue)
            if same and halt.span.at_ns <= taken.at_ns < halt.span.until_ns:
                where = "every venue" if taken.venue == "*" else taken.venue
                why = f"{where} takes winners at {write_duration(taken.at_ns)} while {_venue(halt.name)} is halted"
                yield Contradiction("adl", number, why)


def _put(shock: FundingShock) -> str:
    return "turned round" if shock.how == "flip" else f"put at {shock.per_hour * 8:+.4%} per 8 h"


def _venue(name: str) -> str:
    return "every venue" if name == "*" else name


def _both(a: Reach, b: Reach) -> str:
    names = set(a.of) & set(b.of) or set(a.of) or set(b.of)
    return ", ".join(sorted(names)) or "every asset"


def _first(a: Span, b: Span) -> str:
    return write_duration(max(a.at_ns, b.at_ns))


def _away(knots: Knots) -> Span:
    """While a coin is off its peg: for good, unless its last point is the peg."""
    last, move = knots[-1]
    return Span(at_ns=knots[0][0], until_ns=last if move == 0.0 and last > knots[0][0] else 2**62)


def _low(shock: CollateralShock) -> str:
    return f"to {1 + min(move for _, move in shock.knots):.2f}"
