"""`perpbook tails`: what a few coins do together when it goes wrong, from the lake."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from perpbook.errors import InputError
from perpbook.model.units import HOUR_NS, to_iso

if TYPE_CHECKING:
    from perpbook.history.choose import Wanted
    from perpbook.model.bars import Bars
    from perpbook.tails.found import TailReport
    from perpbook.tails.returns import JointReturns
    from perpbook.tails.stressed import Window

Tell = Callable[[str, int, int], None]


def silent(step: str, number: int, total: int) -> None:
    """Say nothing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """What is looked at. `symbols` are coins (BTC) or BASE-QUOTE; times None for as far as the data goes.

    `windows` are crises as NAME=START/END. `market` is the coin whose worst rows are the market's, None for the mean of all.
    """

    symbols: tuple[str, ...]
    venue: str = "binance"
    bar_ns: int = HOUR_NS
    since_ns: int | None = None
    until_ns: int | None = None
    level: float = 0.05
    market: str | None = None
    windows: tuple[str, ...] = ()
    draws: int = 1_000
    seed: int = 0


def run_tails(folder: Path, asked: Asked, tell: Tell = silent) -> TailReport:
    """Load, align, and measure.

    Raises
    ------
    InputError : fewer than two coins, the same twice, a level or window that is none, too little history.
    MissingData : the lake has no such prices.
    """
    windows = [window_of(text) for text in asked.windows]
    wanted = [wanted_of(symbol, asked.venue) for symbol in asked.symbols]
    names = tuple(one.base for one in wanted)
    _refuse_nonsense(asked, names)
    tell("reading", 0, 6)
    bars = _bars(folder, wanted, asked)
    return report_of(bars, names, asked, windows, tell)


def report_of(bars: Bars, names: Sequence[str], asked: Asked, windows: Sequence[Window], tell: Tell) -> TailReport:
    """The report of bars that are there; `names` are what the series are called."""
    import numpy as np

    from perpbook.tails.bootstrap import usual_resampling
    from perpbook.tails.calm import calm_and_stress
    from perpbook.tails.dependence import LEVELS, pair_tails
    from perpbook.tails.found import TailReport
    from perpbook.tails.hedge import hedge_report
    from perpbook.tails.losses import shortfalls
    from perpbook.tails.returns import ewma_filtered, joint_returns
    from perpbook.tails.stressed import stressed_matrix

    raw = joint_returns(bars, names=names)
    filtered = ewma_filtered(raw)
    how = usual_resampling(raw.rows, bars.bar_ns, draws=asked.draws)
    seeds = iter(np.random.SeedSequence(asked.seed).spawn(4 + 2 * len(raw.names)))

    def chance() -> np.random.Generator:
        return np.random.Generator(np.random.SFC64(next(seeds)))

    tell("tail dependence of moves", 1, 6)
    levels = tuple(sorted({*LEVELS, asked.level}))
    of_raw = pair_tails(raw, how, chance(), levels=levels)
    tell("tail dependence of filtered moves", 2, 6)
    of_filtered = pair_tails(filtered, how, chance(), levels=levels)
    tell("stressed correlation", 3, 6)
    stressed = stressed_matrix(raw, how, chance(), market=asked.market, windows=windows)
    rolling = calm_and_stress(raw, how, chance(), market=asked.market)
    tell("expected shortfall", 4, 6)
    losses = [one for name in raw.names for one in shortfalls(raw, name, asked.level, how, chance())]
    tell("hedges", 5, 6)
    hedges = [hedge_report(raw, (name, raw.names[0]), asked.level, how, chance()) for name in raw.names[1:]]
    return TailReport(
        names=raw.names, venue=asked.venue, bar_ns=bars.bar_ns, **_span(raw), rows=raw.rows, level=asked.level,
        draws=how.draws, seed=asked.seed, mean_block=how.mean_block, source=bars.source, simulated=bars.simulated,
        notes=tuple(dict.fromkeys([*bars.notes, *filtered.notes])), raw=of_raw, filtered=of_filtered,
        shortfalls=tuple(losses), stressed=stressed, rolling=rolling, hedges=tuple(hedges),
    )  # fmt: skip


def _span(returns: JointReturns) -> dict[str, str]:
    return {
        "start": to_iso(int(returns.times_ns[0]) - returns.bar_ns),
        "end": to_iso(int(returns.times_ns[-1])),
    }


def wanted_of(symbol: str, venue: str) -> Wanted:
    """A coin, or BASE-QUOTE, as a series of the lake; coins are quoted in dollars of any kind."""
    from perpbook.history.choose import Wanted

    base, _, quote = symbol.partition("-")
    if not base:
        raise InputError(f'"{symbol}" is no coin: write BTC, or BTC-USDT')
    return Wanted(venue=venue, symbol=symbol, base=base, quote=quote or "USDT")


def window_of(text: str) -> Window:
    """NAME=START/END as a crisis.

    Raises
    ------
    InputError : it is not written so.
    """
    from perpbook.runs.moments import moment_ns
    from perpbook.tails.stressed import Window

    name, equals, span = text.partition("=")
    start, slash, end = span.partition("/")
    begins, ends = moment_ns(start or None, "--window"), moment_ns(end or None, "--window")
    if not name or not equals or not slash or begins is None or ends is None:
        raise InputError(f'--window "{text}": write it like ftx=2022-11-06/2022-11-12')
    return Window(name=name, start_ns=begins, end_ns=ends)


def _refuse_nonsense(asked: Asked, names: Sequence[str]) -> None:
    if len(names) < 2:
        raise InputError(f"a tail is a matter of two coins at least (got {', '.join(names) or 'none'}): add another")
    if len(set(names)) != len(names):
        raise InputError(f"a coin is named twice: {', '.join(names)}")
    if asked.market is not None and asked.market not in names:
        raise InputError(f"--market {asked.market}: it is not among {', '.join(names)}")
    if not 0.0 < asked.level <= 0.25:
        raise InputError(f"--level {asked.level:g}: a tail is above 0 and up to 0.25; 0.05 is the worst twentieth")


def _bars(folder: Path, wanted: Sequence[Wanted], asked: Asked) -> Bars:
    from perpbook.history.choose import span_of
    from perpbook.history.lake import Lake
    from perpbook.history.load import WITHOUT, load_bars

    lake = Lake(folder)
    start, end = span_of(lake, wanted, bar_ns=asked.bar_ns, proxies={})
    return load_bars(
        lake,
        wanted,
        bar_ns=asked.bar_ns,
        start_ns=start if asked.since_ns is None else asked.since_ns,
        end_ns=end if asked.until_ns is None else asked.until_ns,
        proxies={},
        funding={asked.venue: WITHOUT},
    )
