"""The past that a hedge is measured on: joint moves of the coins, and what funding has been of late, from the lake."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from perpbook.errors import DataError, InputError, MissingData
from perpbook.model.units import DAY_NS, HOUR_NS

if TYPE_CHECKING:
    from perpbook.model.bars import Bars
    from perpbook.tails.returns import JointReturns

RECENT_DAYS = 30
"""Days of settlements that stand for what a contract will cost where the book says nothing of its funding."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PastAsked:
    """Where the past is: `venue`'s prices in `lake`, moves over `bar_ns`. like : asset = asset whose past stands in."""

    lake: Path
    venue: str = "binance"
    bar_ns: int = DAY_NS
    since_ns: int | None = None
    until_ns: int | None = None
    like: Mapping[str, str] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Past:
    """Joint moves by asset, funding per hour of late by asset where it is known, and what to say of both."""

    returns: JointReturns
    funding: Mapping[str, float]
    simulated: bool
    source: str
    notes: tuple[str, ...]


def read_past(asked: PastAsked, assets: Sequence[str]) -> Past:
    """Joint moves of the assets.

    Raises
    ------
    MissingData : the lake has no prices of one; says how to get them.
    InputError : too little history, or a stand-in that makes no sense.
    """
    from perpbook.tails.returns import joint_returns

    like = dict(asked.like or {})
    for asset, other in like.items():
        if asset not in assets:
            raise InputError(f"--like {asset}={other}: {asset} is not among {', '.join(assets)}")
    names = {asset: like.get(asset, asset) for asset in assets}
    sources = tuple(dict.fromkeys(names.values()))
    bars = bars_of(asked, sources)
    found = joint_returns(bars, names=sources)
    lacking = sorted({asset for asset, name in names.items() if name not in found.names})
    if lacking:
        raise InputError(
            f"too little is known of {', '.join(lacking)}: {'; '.join(found.notes)}; name a coin like it, as in --like A=B"
        )
    rows = [found.names.index(names[asset]) for asset in assets]
    notes = [f"{other}'s past stands in for {asset}'s" for asset, other in like.items()]
    return Past(
        returns=replace(found, names=tuple(assets), values=found.values[rows]),
        funding=_recent_funding(asked, names, bars),
        simulated=bars.simulated,
        source=bars.source,
        notes=(*notes, *found.notes),
    )


def bars_of(asked: PastAsked, sources: Sequence[str]) -> Bars:
    """Bars of coins, where all of them have prices."""
    from perpbook.history.choose import span_of
    from perpbook.history.lake import Lake
    from perpbook.history.load import WITHOUT, load_bars
    from perpbook.runs.tails import wanted_of

    lake, wanted = Lake(asked.lake), [wanted_of(one, asked.venue) for one in sources]
    try:
        start, end = span_of(lake, wanted, bar_ns=asked.bar_ns, proxies={})
    except MissingData as error:
        raise MissingData(f"{error}\n    or name a coin whose past stands in, as in --like DOGE=BTC") from None
    return load_bars(
        lake, wanted, bar_ns=asked.bar_ns, start_ns=start if asked.since_ns is None else asked.since_ns,
        end_ns=end if asked.until_ns is None else asked.until_ns, proxies={}, funding={asked.venue: WITHOUT},
    )  # fmt: skip


def _recent_funding(asked: PastAsked, names: Mapping[str, str], bars: Bars) -> dict[str, float]:
    """Mean per hour over the last days of the past, by asset; those without settlements are left out."""
    from perpbook.history.lake import Lake
    from perpbook.history.load import load_bars
    from perpbook.runs.tails import wanted_of

    end = int(bars.open_ns[-1]) + bars.bar_ns
    out = {}
    for asset, source in names.items():
        try:
            settled = load_bars(
                Lake(asked.lake), [wanted_of(source, asked.venue)], bar_ns=asked.bar_ns,
                start_ns=end - RECENT_DAYS * DAY_NS, end_ns=end, proxies={},
            ).settlements[0]  # fmt: skip
        except DataError:
            continue
        hours = float(settled.interval_ns.sum()) / HOUR_NS
        if hours > 0.0:
            out[asset] = float(settled.rates.sum()) / hours
    return out
