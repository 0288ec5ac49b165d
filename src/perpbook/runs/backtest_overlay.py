"""Options laid beside a backtest: read from a file, priced by a chain along the run's own prices, paid for by the book."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from perpbook.errors import InputError
from perpbook.hedging.candidates import Trading
from perpbook.model.units import DAY_NS, to_iso
from perpbook.options.revalue import VolatilityRule

if TYPE_CHECKING:
    from perpbook.engine.backtest import Journey
    from perpbook.engine.overlaid import Standing
    from perpbook.hedging.holding import Level, Priced
    from perpbook.kernels.types import Floats, Integers
    from perpbook.model.option import OptionChain
    from perpbook.options.legs import OptionLeg

SAME_TIME_NS = DAY_NS
"""A chain this near to a run's start is of the same time."""

OLDEST_INDEX_NS = 3 * DAY_NS
"""An index that has said nothing for so long says nothing of a moment."""

APART = 0.03
"""A chain whose spot is this far from the run's first price is told of."""


@dataclass(frozen=True, slots=True, kw_only=True)
class OverlayGiven:
    """An overlay as the trader gives it. `file` the options, `chain` what prices them (`at_ns` one moment of a table), `index` a
    volatility index, `payer` an account or layer, None for whoever has most; `borrow` allows a chain of another time."""

    file: Path
    chain: tuple[Path, ...]
    trading: Trading
    rule: VolatilityRule = field(default_factory=VolatilityRule)
    at_ns: int | None = None
    index: Path | None = None
    roll: bool = False
    payer: str | None = None
    borrow: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Laid:
    """A journey with the overlay in it, how it stands, by what it was priced, and what to say about that."""

    journey: Journey
    standing: Standing
    facts: dict[str, Any]
    notes: tuple[str, ...]


def overlay_given(one: Mapping[str, Any]) -> OverlayGiven | None:
    """The overlay that a backtest's options ask for, by name; None where there is none.

    Raises
    ------
    InputError : an option of it stands alone, or its value is not what it takes.
    """
    from perpbook.runs.moments import moment_ns

    if not one["overlay"]:
        alone = [
            name
            for name in ("chain", "option_spread", "volatility_index", "roll", "paid_from", "borrow_smile")
            if one[name]
        ]
        if alone:
            raise InputError(
                f"--{alone[0].replace('_', '-')} is of an overlay: give one with --overlay FILE, or leave it out"
            )
        return None
    if not one["chain"]:
        raise InputError(
            "an overlay needs a chain to be priced by: give --chain FILE, a Parquet table or Deribit's answers as JSON"
        )
    chain = one["chain"]
    return OverlayGiven(
        file=Path(one["overlay"]),
        chain=tuple(Path(each) for each in ([chain] if isinstance(chain, str | Path) else chain)),
        trading=Trading(spread=one["option_spread"]),
        rule=VolatilityRule(sticky=one["sticky"], with_spot=one["vol_with_spot"]),
        at_ns=moment_ns(one["chain_at"], "--chain-at"),
        index=Path(one["volatility_index"]) if one["volatility_index"] else None,
        roll=one["roll"],
        payer=one["paid_from"],
        borrow=one["borrow_smile"],
    )  # fmt: skip


def lay(given: OverlayGiven, journey: Journey) -> Laid:
    """The overlay bought at the first open, and the journey that holds it.

    Raises
    ------
    InputError : the file, the chain or the index is wrong, the chain is of another time and that was not allowed, the run has no
    contract on a coin, or nobody can pay.
    """
    from perpbook.engine.overlaid import overlaid, payer_of, stand
    from perpbook.hedging.holding import Along, hold
    from perpbook.snapshot.overlay_file import read_overlay

    legs = read_overlay(given.file)
    bars = journey.bars
    moments_ns = np.concatenate([bars.open_ns[:1], bars.open_ns + bars.bar_ns])
    chains = _chains(given, legs, int(moments_ns[0]))
    coins, facts, notes = {}, {}, list[str]()
    for base, chain in chains.items():
        coins[base], facts[base], told = _priced(given, journey, chain, moments_ns)
        notes += told
    held = hold(
        legs, Along(moments_ns=moments_ns, coins=coins, trading=given.trading, rule=given.rule, roll=given.roll)
    )
    standing = stand(held, moments_ns.size, given.payer or payer_of(journey.book))
    return Laid(
        journey=overlaid(journey, standing),
        standing=standing,
        facts={
            "file": given.file.name, "chains": facts, "sticky": given.rule.sticky, "vol_with_spot": given.rule.with_spot,
            "option_spread": given.trading.spread, "volatility_index": given.index.name if given.index else None,
            "roll": given.roll, "paid_from": standing.payer,
        },
        notes=tuple(dict.fromkeys(notes)),
    )  # fmt: skip


def _chains(given: OverlayGiven, legs: Sequence[OptionLeg], start_ns: int) -> dict[str, OptionChain]:
    """The chain of every coin of the overlay; refused where it is of another time and that was not allowed."""
    from perpbook.runs.options import read_chains

    bases = tuple(dict.fromkeys(leg.base for leg in legs))
    found = read_chains(given.chain, coins=bases, at_ns=given.at_ns)
    missing = [base for base in bases if base not in found]
    if missing:
        raise InputError(f"{given.chain[0]} has no options on {', '.join(missing)}, which {given.file} lays")
    for chain in found.values():
        if abs(chain.as_of_ns - start_ns) > SAME_TIME_NS and not given.borrow:
            raise InputError(
                f"{chain.source} is of {to_iso(chain.as_of_ns)[:16]} and the run begins {to_iso(start_ns)[:16]}, more than a day "
                "apart: give a chain of that time (--chain-at chooses a moment of a table), or allow its smile, by strike over "
                "forward and time to expiry, at another time with --borrow-smile, best with --volatility-index"
            )
    return found


def _priced(
    given: OverlayGiven, journey: Journey, chain: OptionChain, moments_ns: Integers
) -> tuple[Priced, dict[str, Any], list[str]]:
    from perpbook.engine.coins import columns_by_asset
    from perpbook.hedging.holding import Priced
    from perpbook.runs.options import chart

    bars = journey.bars
    column = columns_by_asset(bars, journey.terms).get(chain.base)
    if column is None:
        raise InputError(
            f"the run has no contract on {chain.base}, whose price its options need: add one with --leg account:symbol"
        )
    prices = np.concatenate([bars.open[column, :1], bars.close[column]])
    borrowed = abs(chain.as_of_ns - int(moments_ns[0])) > SAME_TIME_NS
    notes, apart = list(chain.notes), chain.spot / float(prices[0]) - 1.0
    if not borrowed and abs(apart) > APART:
        notes.append(
            f"the chain's {chain.base} is {chain.spot:,.0f} and the run's {prices[0]:,.0f} ({apart:+.1%}): options move by the "
            "run's prices as shares"
        )
    spot = prices if borrowed else prices * (chain.spot / float(prices[0]))
    level = _level(given, chain, moments_ns, spot)
    quotes = {} if borrowed else {one.contract.name: one for expiry in chain.expiries for one in expiry.quotes}
    facts = {
        "source": chain.source, "as_of": to_iso(chain.as_of_ns), "borrowed": borrowed,
        "days_after_start": (chain.as_of_ns - int(moments_ns[0])) / DAY_NS, "volatility_times": float(level.times[0]),
    }  # fmt: skip
    return Priced(spot=spot, surface=chart(chain), level=level, venue=chain.venue, quotes=quotes), facts, notes


def _level(given: OverlayGiven, chain: OptionChain, moments_ns: Integers, spot: Floats) -> Level:
    """What volatility is of the surface's: the last close of the index over that at the chain's moment, 1 where there is none."""
    from perpbook.hedging.holding import Level

    if given.index is None:
        return Level(times=np.ones(spot.size), anchor=np.full(spot.size, spot[0]))
    from perpbook.history.volatility_index import read_volatility_index

    known_ns, values = read_volatility_index(given.index, chain.base)
    asked_ns = np.append(moments_ns, chain.as_of_ns)
    at = np.searchsorted(known_ns, asked_ns, side="right") - 1
    late = (at < 0) | (asked_ns - known_ns[np.maximum(at, 0)] > OLDEST_INDEX_NS)
    if late.any():
        raise InputError(
            f"{given.index} has no {chain.base} in the three days before {to_iso(int(asked_ns[late][0]))[:16]}: it must reach "
            "over the run and the chain's moment"
        )
    since = np.searchsorted(moments_ns, known_ns[at[:-1]])
    return Level(times=values[at[:-1]] / values[at[-1]], anchor=spot[since])
