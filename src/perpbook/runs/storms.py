"""Storms by name or file, and what of them a drill of one book needs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from perpbook.errors import InputError, MissingData
from perpbook.model.units import DAY_NS

if TYPE_CHECKING:
    from perpbook.engine.backtest import Journey
    from perpbook.engine.surroundings import Surroundings
    from perpbook.history.choose import Wanted
    from perpbook.kernels.paths import Source
    from perpbook.kernels.types import Floats
    from perpbook.model.bars import Bars
    from perpbook.model.market import Snapshot
    from perpbook.scenario.overlay import Absence, Ground
    from perpbook.scenario.replay import Replayed
    from perpbook.scenario.storm import Storm
    from perpbook.terms.terms import VenueTerms


@dataclass(frozen=True, slots=True, kw_only=True)
class Faced:
    """A storm as one book meets it: `unheard` is what of it a drill does not act on, `absences` what is away; `moves_prices` says
    that it moves prices or marks."""

    storm: Storm
    surroundings: Surroundings
    notes: tuple[str, ...]
    unheard: tuple[str, ...]
    absences: tuple[Absence, ...]
    moves_prices: bool


STAND_IN = "binance"
"""The venue whose bars stand in for a contract that has none of its own: it has the longest history."""

HAS_CORRELATION = ("copula", "student", "normal")
"""Kinds of paths with a correlation that a storm can shock."""


def face(storm: Storm, journey: Journey, ground: Ground, kind: str) -> Faced:
    """Draw a storm onto a drill's stage. A window that it replays is outlined by its known moves, unless `kind` is replay."""
    from perpbook.engine.weather import heard, surroundings_of, unheard
    from perpbook.scenario.draw import draw
    from perpbook.scenario.replay import outline

    bars = journey.bars
    overlay = draw(
        outline(storm) if storm.replay and kind != "replay" else storm, ground, bar_ns=bars.bar_ns, steps=bars.count
    )
    shock = storm.correlation
    told = unheard(overlay, journey)
    if shock is not None and shock.how != "dislocated" and kind not in HAS_CORRELATION:
        told = (f"the storm's shock to correlation, which needs --kind {', '.join(HAS_CORRELATION)}", *told)
    return Faced(
        storm=storm,
        surroundings=surroundings_of(overlay, journey),
        notes=(*overlay.notes, *heard(overlay, journey)),
        unheard=told,
        absences=overlay.outages,
        moves_prices=bool((overlay.price != 1.0).any() or (overlay.low != 1.0).any() or (overlay.high != 1.0).any()),
    )


def ground_of(snapshot: Snapshot, terms: Mapping[str, VenueTerms], journey: Journey, past: Bars | None) -> Ground:
    """What a storm must know of the book; the volatility of its assets where there is a past."""
    from perpbook.engine.coins import is_coin
    from perpbook.model.units import HOUR_NS
    from perpbook.scenario.overlay import Ground
    from perpbook.terms.find import find_contract

    series = tuple(key for key in journey.bars.series if not is_coin(key))
    found = [find_contract(terms[key.venue], key.symbol).contract for key in series]
    quotes = [snapshot.market.quotes.get((key.venue, key.symbol)) for key in series]
    rates = [
        np.nan if quote is None or quote.funding_rate is None
        else quote.funding_rate * HOUR_NS / terms[key.venue].funding.interval_ns
        for key, quote in zip(series, quotes, strict=True)
    ]  # fmt: skip
    exposures: dict[str, float] = {}
    for account in snapshot.book.accounts:
        for one in account.positions:
            contract = find_contract(terms[account.venue], one.symbol).contract
            row = journey.bars.column(account.venue, contract.symbol)
            dollars = one.quantity * (1.0 if contract.is_inverse else float(journey.bars.open[row, 0]))
            exposures[contract.base] = exposures.get(contract.base, 0.0) + dollars
    return Ground(
        series=series,
        assets=tuple(contract.base for contract in found),
        betas=snapshot.market.betas,
        exposures=exposures,
        funding=np.array(rates),
        volatility=daily_volatility(past, [contract.base for contract in found]) if past else {},
    )


def daily_volatility(past: Bars, assets: Sequence[str]) -> dict[str, float]:
    """Standard deviation of each asset's log move in a day, by the square root of time."""
    a_day = (DAY_NS / past.bar_ns) ** 0.5
    return {
        asset: float(np.diff(np.log(past.close[row])).std()) * a_day for row, asset in reversed(list(enumerate(assets)))
    }


def funding_now(ground: Ground) -> Floats:
    """(C,) per hour, 0 where none is known."""
    assert ground.funding is not None
    return np.nan_to_num(ground.funding)


def still(ground: Ground) -> Source:
    """Prices that stand still but for the storm."""
    from perpbook.scenario.sources import still_source

    return still_source(funding_now(ground))


def window_of(storm: Storm, lake_at: Path, ground: Ground, bar_ns: int) -> Replayed:
    """The window that a storm replays, from a lake, aligned over venues: a contract's own bars where it has them throughout,
    else Binance's of its asset, else Binance's bitcoin by beta; the last two are told.

    Raises
    ------
    InputError : the storm replays nothing.
    DataError : the lake has no history of the window.
    """
    from dataclasses import replace

    from perpbook.history.choose import Wanted
    from perpbook.scenario.replay import MARKET, replayed

    if storm.replay is None:
        raise InputError(f'"{storm.name}" replays no window of history: leave --kind out')
    span = (storm.replay.start_ns, storm.replay.end_ns)
    wanted = [(one, Wanted(venue=STAND_IN, symbol=f"{one}USDT", base=one, quote="USDT")) for one in ground.assets]
    wanted.append((MARKET, Wanted(venue=STAND_IN, symbol=f"{MARKET}USDT", base=MARKET, quote="USDT")))
    wanted += [
        (asset, Wanted(venue=key.venue, symbol=key.symbol, base=asset, quote="USDT"))
        for asset, key in zip(ground.assets, ground.series, strict=True)
    ]
    found: dict[tuple[str, str], tuple[str, Bars]] = {}
    for asset, one in wanted:
        if (one.venue, one.symbol) not in found:
            bars = _bars_of(lake_at, one, bar_ns, span)
            if bars is not None:
                found[one.venue, one.symbol] = (asset, bars)
    if not found:
        raise MissingData(_no_window(storm, bar_ns))
    window = replayed(joined([bars for _, bars in found.values()]), [asset for asset, _ in found.values()], ground)
    borrowed = [
        f"{key.symbol} on {key.venue} has no bars of its own in the window: {STAND_IN}'s of {asset} stand in"
        for asset, key in zip(ground.assets, ground.series, strict=True)
        if (key.venue, key.symbol) not in found and asset in {name for name, _ in found.values()}
    ]
    paid = tuple(note for _, bars in found.values() for note in bars.notes)
    return replace(window, notes=(*borrowed, *window.notes, *paid))


def _bars_of(lake_at: Path, wanted: Wanted, bar_ns: int, span: tuple[int, int]) -> Bars | None:
    """A contract's bars of a window, with its own funding, else the stand-in's, else none; None where it has no such bars."""
    from perpbook.errors import DataError
    from perpbook.history.lake import Lake
    from perpbook.history.load import WITHOUT, load_bars

    for funding in ({}, {wanted.venue: STAND_IN}, {wanted.venue: WITHOUT}):
        try:
            return load_bars(
                Lake(lake_at), [wanted], bar_ns=bar_ns, start_ns=span[0], end_ns=span[1], proxies={}, funding=funding
            )
        except DataError:
            continue
    return None


def _no_window(storm: Storm, bar_ns: int) -> str:
    from perpbook.history.widths import word_of
    from perpbook.model.units import to_iso

    assert storm.replay is not None
    span = f"{to_iso(storm.replay.start_ns)} to {to_iso(storm.replay.end_ns)}"
    leave = (
        "leave --kind out for straight lines through its known moves" if storm.replay.moves else "choose another storm"
    )
    return (
        f"the lake has no bars of {word_of(bar_ns)} or finer from {span}\n"
        f"    import or pull them (`perpbook data`), give a wider --step, or {leave}"
    )


def joined(many: Sequence[Bars]) -> Bars:
    """Bars of several contracts on the same grid as one."""
    from dataclasses import replace

    first = many[0]

    def stack(name: str) -> Any:
        return np.ascontiguousarray(np.concatenate([getattr(one, name) for one in many]))

    return replace(
        first,
        series=tuple(key for one in many for key in one.series),
        settlements=tuple(paid for one in many for paid in one.settlements),
        notes=tuple(dict.fromkeys(note for one in many for note in one.notes)),
        open=stack("open"),
        high=stack("high"),
        low=stack("low"),
        close=stack("close"),
        stale=stack("stale"),
    )


def replay(found: Replayed) -> Source:
    """A window gone through again."""
    from perpbook.scenario.sources import replay_source

    return replay_source(found.close, found.high, found.low, found.funding)
