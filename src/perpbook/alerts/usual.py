"""Spreads, bases and depths against their own past: how many usual deviations a figure is from its median.

    away = (value - median) / max(1.4826 * median(|past - median|), 2 % of |median|, 1e-6)

The median absolute deviation, scaled to a normal one's standard deviation, is not moved by the few figures that are themselves
abnormal; a past that never moved still has the floor.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import median

from perpbook.model.alert import Alert, Severity
from perpbook.model.market import Quote

SCALE, FLOOR_SHARE, FLOOR = 1.4826, 0.02, 1e-6
LEAST = 30
"""Looks of the past below which nothing is called abnormal."""

MOST = 500
"""Looks that are remembered."""

Figures = Mapping[str, Mapping[str, float]]
"""By contract ("venue:symbol"): spread, basis (fractions) and depth (quote within the levels that are known)."""


def figures_of(quotes: Mapping[tuple[str, str], Quote]) -> dict[str, dict[str, float]]:
    """What a market shows; of a book that is crossed or empty nothing is known."""
    out = {}
    for (venue, symbol), quote in quotes.items():
        found: dict[str, float] = {}
        depth, index = quote.depth, quote.index_price or quote.oracle_price
        if depth is not None and depth.bids and depth.asks:
            bid, ask = depth.bids[0][0], depth.asks[0][0]
            if 0.0 < bid <= ask:
                found["spread"] = (ask - bid) / (0.5 * (ask + bid))
                found["depth"] = min(sum(price * size for price, size in side) for side in (depth.bids, depth.asks))
        if quote.mark_price and index:
            found["basis"] = quote.mark_price / index - 1.0
        if found:
            out[f"{venue}:{symbol}"] = found
    return out


@dataclass(frozen=True, slots=True, kw_only=True)
class Against:
    """A figure against its past. away : usual deviations from `middle`."""

    value: float
    middle: float
    away: float


def against(value: float, past: Sequence[float]) -> Against | None:
    """How far a figure is from its own past, None where that is too short."""
    if len(past) < LEAST:
        return None
    middle = median(past)
    spread = SCALE * median([abs(one - middle) for one in past])
    return Against(value=value, middle=middle, away=(value - middle) / max(spread, FLOOR_SHARE * abs(middle), FLOOR))


def unusual(now: Figures, past: Sequence[Figures], times: float, at_ns: int) -> tuple[Alert, ...]:
    """Spreads that are too wide, bases too far either way, depths too thin: by more than `times` usual deviations."""
    out = []
    for contract, figures in now.items():
        venue, _, symbol = contract.partition(":")
        for name, value in figures.items():
            found = against(value, [one[contract][name] for one in past[-MOST:] if name in one.get(contract, {})])
            if found is None or {"spread": found.away, "depth": -found.away}.get(name, abs(found.away)) <= times:
                continue
            told = f"The {name} of {symbol} on {venue} is {_figure(name, value)}, its median {_figure(name, found.middle)}: "
            told += f"{abs(found.away):,.1f} usual deviations away."
            alert = Alert(
                kind=f"market.{name}", severity=Severity.WARN, at_ns=at_ns, sentence=told, symbol=contract, measured=value
            )  # fmt: skip
            out.append(alert)
    return tuple(out)


def _figure(name: str, value: float) -> str:
    return f"${value:,.0f}" if name == "depth" else f"{1e4 * value:,.2f} bp"
