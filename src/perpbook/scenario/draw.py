"""A storm drawn onto contracts and steps: an overlay."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import numpy as np

from perpbook.errors import InputError
from perpbook.kernels.types import Floats
from perpbook.model.units import DAY_NS
from perpbook.scenario.durations import write_duration
from perpbook.scenario.grid import FLOOR
from perpbook.scenario.knots import Knots, moved_by, straight
from perpbook.scenario.matrix import dislocation
from perpbook.scenario.overlay import Absence, Ground, Overlay, Peg, TakenAt, clear_sky
from perpbook.scenario.storm import FundingShock, PriceShock, Reach, Span, Storm

LEAST_DEPTH = 1e-6
"""No less than this is left of an order book, however many storms thin it."""


def draw(storm: Storm, ground: Ground, *, bar_ns: int, steps: int) -> Overlay:
    """What a storm does to contracts in `steps` steps of `bar_ns`. A window it replays is left to whoever has history.

    Raises
    ------
    InputError : no step, or the storm needs a figure of the book that is not known.
    """
    if bar_ns <= 0 or steps <= 0:
        raise InputError("a storm is drawn onto 1 step or more")
    sky = clear_sky(len(ground.series), steps, bar_ns)
    _move_prices(storm, ground, sky)
    _strain_books(storm, ground, sky)
    _turn_funding(storm, ground, sky)
    _close_venues(storm, ground, sky)
    pegs = _pegs(storm, sky)
    return replace(
        sky,
        collateral={coin: _least(peg) for coin, peg in pegs.items()},
        pegs=pegs,
        adl=tuple(_takings(storm, ground, sky)),
        insurance_empty=tuple(dict.fromkeys(venue for one in storm.insurance_empty for venue in _venues(one, ground))),
        outages=tuple(_absences(storm, sky)),
        notes=tuple(_notes(storm, ground, steps * bar_ns)),
    )


def _move_prices(storm: Storm, ground: Ground, sky: Overlay) -> None:
    shocks = [*storm.prices, *_dislocated(storm, ground)]
    for row, (key, asset) in enumerate(zip(ground.series, ground.assets, strict=True)):
        mine = [shock for shock in shocks if shock.reach.covers(key.venue, asset)]
        if mine:
            paths = [(shock.knots, ground.betas.get(asset, 1.0) if shock.by_beta else None) for shock in mine]
            sky.price[row], sky.low[row], sky.high[row] = product_of(paths, sky.bar_ns, sky.price.shape[1])
        for shock in mine:
            span = Span(at_ns=shock.knots[0][0], until_ns=max(shock.knots[-1][0], shock.knots[0][0] + 1))
            within = _steps(span, sky)
            sky.low[row, within] *= 1.0 - shock.wick_down
            sky.high[row, within] *= 1.0 + shock.wick_up
        for mark in storm.marks:
            if mark.reach.covers(key.venue, asset):
                side = sky.low if mark.deviation < 0 else sky.high
                side[row, _steps(mark.span, sky)] *= 1.0 + mark.deviation
                sky.mark[row, _steps(mark.span, sky)] *= 1.0 + mark.deviation


def product_of(paths: list[tuple[Knots, float | None]], bar_ns: int, steps: int) -> tuple[Floats, Floats, Floats]:
    """(T,) factor at each close, and how far the path goes beyond open and close inside each step (low <= 1 <= high).

    paths : points, and the beta they are multiplied by, None for none; a fall by beta stops at `grid.FLOOR`.
    """
    ends = np.arange(1, steps + 1, dtype=np.int64) * bar_ns
    moments = np.unique(np.array([when for knots, _ in paths for when, _ in knots], dtype=np.int64))
    moments = moments[moments < steps * bar_ns]
    close = _factor(paths, ends)[0]
    before, from_then = _factor(paths, moments)
    opened = np.concatenate([[1.0], close[:-1]])
    floor, ceiling = np.minimum(opened, close), np.maximum(opened, close)
    low, high = floor.copy(), ceiling.copy()
    step = moments // bar_ns
    inside = np.where(moments % bar_ns == 0, from_then, before)
    np.minimum.at(low, step, np.minimum(inside, from_then))
    np.maximum.at(high, step, np.maximum(inside, from_then))
    return close, low / floor, high / ceiling


def _factor(
    paths: list[tuple[Knots, float | None]], at_ns: np.ndarray[tuple[int], np.dtype[np.int64]]
) -> tuple[Floats, Floats]:
    before, from_then = np.ones(at_ns.size), np.ones(at_ns.size)
    for knots, beta in paths:
        left, right = moved_by(knots, at_ns)
        before *= 1.0 + (left if beta is None else np.maximum(beta * left, FLOOR))
        from_then *= 1.0 + (right if beta is None else np.maximum(beta * right, FLOOR))
    return before, from_then


def _dislocated(storm: Storm, ground: Ground) -> Iterator[PriceShock]:
    """The move of every asset against the book, over a day or the storm, whichever is shorter."""
    shock = storm.correlation
    if shock is None or shock.how != "dislocated":
        return
    assets = tuple(dict.fromkeys(ground.assets))
    moves = dislocation(assets, ground.volatility, ground.exposures, shock.kappa)
    for asset, move in zip(assets, moves, strict=True):
        if move:
            yield PriceShock(reach=Reach(of=(asset,)), knots=straight(0, float(move), min(DAY_NS, storm.horizon_ns)))


def _strain_books(storm: Storm, ground: Ground, sky: Overlay) -> None:
    for shock in storm.liquidity:
        within = _steps(shock.span, sky)
        for row in _rows(shock.reach, ground):
            sky.spread[row, within] *= shock.spread
            sky.depth[row, within] *= shock.depth
    np.maximum(sky.depth, LEAST_DEPTH, out=sky.depth)


def _turn_funding(storm: Storm, ground: Ground, sky: Overlay) -> None:
    for shock in storm.funding:
        within = _steps(shock.span, sky)
        left = _left(shock, sky)[within]
        for row in _rows(shock.reach, ground):
            if shock.how == "add":
                sky.funding_add[row, within] += shock.per_hour * left
                continue
            now = _funding_now(shock, ground, row)
            level = -now if shock.how == "flip" else shock.per_hour
            sky.funding_set[row, within] = now + (level - now) * left


def _funding_now(shock: FundingShock, ground: Ground, row: int) -> float:
    """Funding of a contract as it is; what does not need it does without."""
    now = np.nan if ground.funding is None else float(ground.funding[row])
    if not np.isnan(now):
        return now
    if shock.how == "flip" or shock.half_life_ns is not None:
        key = ground.series[row]
        what = "turned round" if shock.how == "flip" else "let fade back"
        raise InputError(
            f"funding of {key.symbol} on {key.venue} is not known and cannot be {what}: give it, or its history"
        )
    return 0.0


def _left(shock: FundingShock, sky: Overlay) -> Floats:
    """(T,) what is left of a shock to funding in the middle of each step."""
    steps = sky.price.shape[1]
    if shock.half_life_ns is None:
        return np.ones(steps)
    middle = (np.arange(steps) + 0.5) * sky.bar_ns - shock.span.at_ns
    out: Floats = np.exp2(-np.maximum(middle, 0.0) / shock.half_life_ns)
    return out


def _close_venues(storm: Storm, ground: Ground, sky: Overlay) -> None:
    for outage in storm.outages:
        flags = {"api": sky.no_orders, "halt": sky.halted}.get(outage.kind)
        if outage.where != "venue" or flags is None:
            continue
        for row, key in enumerate(ground.series):
            if outage.name in ("*", key.venue):
                flags[row, _steps(outage.span, sky)] = 1


def _takings(storm: Storm, ground: Ground, sky: Overlay) -> Iterator[TakenAt]:
    """Venue by venue; one that is halted takes nothing when every one does."""
    for one in storm.adl:
        step = one.at_ns // sky.bar_ns
        if step >= sky.price.shape[1]:
            continue
        for venue in _venues(one.venue, ground):
            rows = [row for row, key in enumerate(ground.series) if key.venue == venue]
            if one.venue != "*" or not sky.halted[rows, step].any():
                yield TakenAt(venue=venue, step=step, share=one.share)


def _venues(name: str, ground: Ground) -> tuple[str, ...]:
    """Those a name stands for: itself, or with "*" every one of the book."""
    return tuple(dict.fromkeys(key.venue for key in ground.series)) if name == "*" else (name,)


def _pegs(storm: Storm, sky: Overlay) -> dict[str, Peg]:
    """The path of every coin off its peg."""
    out = {}
    for asset in dict.fromkeys(one.asset for one in storm.collateral):
        paths: list[tuple[Knots, float | None]] = [(one.knots, None) for one in storm.collateral if one.asset == asset]
        close, low, high = product_of(paths, sky.bar_ns, sky.price.shape[1])
        out[asset] = Peg(close=close, low=low, high=high)
    return out


def _least(peg: Peg) -> Floats:
    """The least a coin is worth in a step, for margin is judged at a step's worst."""
    least: Floats = np.minimum(np.concatenate([[1.0], peg.close[:-1]]), peg.close) * peg.low
    return least


def _absences(storm: Storm, sky: Overlay) -> Iterator[Absence]:
    steps = sky.price.shape[1]
    for one in storm.outages:
        within = _steps(one.span, sky)
        if within.start < steps:
            yield Absence(
                where=one.where, name=one.name, kind=one.kind,
                start_step=within.start, end_step=within.stop, factor=one.factor,
            )  # fmt: skip


def _notes(storm: Storm, ground: Ground, end_ns: int) -> Iterator[str]:
    """What the storm says that this book, or this horizon, does not hear."""
    yield from storm.assumed
    if storm.horizon_ns > end_ns:
        yield f'"{storm.name}" goes on for {write_duration(storm.horizon_ns)}, the drill for {write_duration(end_ns)}'
    assets, venues = set(ground.assets), {key.venue for key in ground.series}
    reaches = [one.reach for table in (storm.prices, storm.funding, storm.liquidity, storm.marks) for one in table]
    absent = sorted({name for reach in reaches for name in reach.of} - assets)
    if absent:
        yield f"not in the book, so untouched: {', '.join(absent)}"
    away = {one.name for one in storm.outages if one.where == "venue"} | {one.venue for one in storm.adl}
    away = (away | {name for reach in reaches for name in reach.venues} | set(storm.insurance_empty)) - venues - {"*"}
    if away:
        yield f"the book has no contract on {', '.join(sorted(away))}"
    guessed = sorted(asset for asset in assets if asset not in ground.betas)
    if guessed and any(one.by_beta for one in storm.prices):
        yield f"no beta is known of {', '.join(guessed)}: 1 stands in"


def _rows(reach: Reach, ground: Ground) -> list[int]:
    pairs = enumerate(zip(ground.series, ground.assets, strict=True))
    return [row for row, (key, asset) in pairs if reach.covers(key.venue, asset)]


def _steps(span: Span, sky: Overlay) -> slice:
    """Every step that a span touches, of those there are."""
    steps = sky.price.shape[1]
    first = min(span.at_ns // sky.bar_ns, steps)
    return slice(first, max(first, min(-(-span.until_ns // sky.bar_ns), steps)))
