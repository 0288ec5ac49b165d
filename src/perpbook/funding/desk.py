"""A book's funding: what each position pays now, has paid, and is expected to pay.

Cash is dollars, received > 0 > paid; rates are fractions of notional, > 0: longs pay.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from perpbook.errors import DataError
from perpbook.funding.calibration import corrected_flip, past_outcomes
from perpbook.funding.candidates import LEVEL_NS, following
from perpbook.funding.flips import Flip, PremiumLaw, first_flip
from perpbook.funding.forecast import Forecast, Outlook, forecast, outlook
from perpbook.funding.paid import KINDS, WINDOWS_DAYS, PaidRow, at_present_size
from perpbook.funding.scores import Coverage, coverage_of
from perpbook.funding.series import snapped
from perpbook.funding.skew import Skew, annualised, compounded, skew_of, sum_over, trailing
from perpbook.model.bars import Settlements
from perpbook.model.units import DAY_NS
from perpbook.terms.terms import FundingTerms


@dataclass(frozen=True, slots=True, kw_only=True)
class Costly:
    """A position as funding sees it: `exposure` dollars of notional, long > 0; `history` None where the lake has none, `series`
    its name there."""

    account: str
    venue: str
    symbol: str
    asset: str
    sleeve: str
    exposure: float
    history: Settlements | None
    series: str = ""
    terms: FundingTerms | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Ahead:
    """What is expected of a position over the horizon: `mean`, `low`, `high` cash; how the model's intervals have held. `fan` are
    forecasts of shorter horizons on the way, where they were asked for, each by the model that has been best at its length."""

    forecast: Forecast
    mean: float
    low: float
    high: float
    flip: Flip | None
    coverage: Coverage | None
    fan: tuple[Forecast, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class PositionFunding:
    """One position. `annual_rate` is the last rate, simple, of 365 days; `now` the cash of one such settlement. `why`
    says what is missing, when something is."""

    account: str
    venue: str
    symbol: str
    asset: str
    sleeve: str
    exposure: float
    series: str
    last_rate: float | None = None
    interval_ns: int | None = None
    settled_ns: int | None = None
    annual_rate: float | None = None
    now: float | None = None
    skew: Skew | None = None
    ahead: Ahead | None = None
    why: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class TermRow:
    """One venue's funding of an asset, annualised simply: the last rate, what the last days cost by number of days, and what the
    horizon is expected to."""

    asset: str
    venue: str
    symbol: str
    last: float
    interval_ns: int
    trailing: dict[int, float | None]
    expected: float | None
    model: str


@dataclass(frozen=True, slots=True, kw_only=True)
class FundingDesk:
    """The whole book's. `paid` are rows by position, asset, venue, sleeve and book, at present sizes; `drag` by days what that
    would have done to a return on today's `equity`, compounded. `expected` is the sum of the positions' means; `low` and `high`
    add their bounds up, as if all came out worst (or best) together."""

    as_of_ns: int
    horizon_ns: int
    level: float
    equity: float
    positions: tuple[PositionFunding, ...]
    paid: tuple[PaidRow, ...]
    drag: dict[int, float | None]
    expected: float | None
    low: float | None
    high: float | None
    term_structure: tuple[TermRow, ...]
    simulated: bool = False
    notes: tuple[str, ...] = ()


def position_funding(
    one: Costly, *, now_ns: int, horizon_ns: int, level: float, model: str | None, chance: np.random.Generator
) -> PositionFunding:
    """One position's funding; what cannot be told is None, and `why` says so."""
    made = {
        name: getattr(one, name) for name in ("account", "venue", "symbol", "asset", "sleeve", "exposure", "series")
    }
    if one.history is None or not (one.history.times_ns <= now_ns).any():
        return PositionFunding(**made, why="no funding of it is in the lake")
    last = int(np.flatnonzero(one.history.times_ns <= now_ns)[-1])
    rate, width = float(one.history.rates[last]), int(one.history.interval_ns[last])
    made |= {
        "last_rate": rate, "interval_ns": width, "settled_ns": int(one.history.times_ns[last]),
        "annual_rate": annualised(rate, width), "now": -one.exposure * rate,
        "skew": skew_of(one.history, now_ns=now_ns),
    }  # fmt: skip
    try:
        found = outlook(
            one.history, horizon_ns=horizon_ns, now_ns=now_ns, level=level, model=model, who=(one.venue, one.symbol),
            terms=one.terms,
        )  # fmt: skip
    except DataError as error:
        return PositionFunding(**made, why=str(error).removeprefix(f"{one.venue} {one.symbol}: "))
    return PositionFunding(**made, ahead=_ahead(found, one.exposure, one.history, chance))


FAN = 6
"""Horizons of a fan."""


def with_fan(told: PositionFunding, one: Costly, *, model: str | None) -> PositionFunding:
    """The position with forecasts of parts of its horizon; without those that are told too little of."""
    if told.ahead is None or one.history is None:
        return told
    last, fan = told.ahead.forecast, []
    for part in range(1, FAN):
        try:
            made = forecast(
                one.history, horizon_ns=last.horizon_ns * part // FAN, now_ns=last.now_ns, level=last.level, model=model,
                venue=last.venue, symbol=last.symbol, terms=one.terms,
            )  # fmt: skip
        except DataError:
            continue
        fan.append(made)
    return replace(told, ahead=replace(told.ahead, fan=(*fan, last)))


def _ahead(found: Outlook, exposure: float, history: Settlements, chance: np.random.Generator) -> Ahead:
    told = found.forecast
    low, high = sorted((-exposure * told.low, -exposure * told.high))
    return Ahead(
        forecast=told, mean=-exposure * told.mean, low=low, high=high, flip=_flip(found, history, chance),
        coverage=None if found.walk is None or found.predicted is None
        else coverage_of(found.walk, found.predicted, told.level),
    )  # fmt: skip


def _flip(found: Outlook, history: Settlements, chance: np.random.Generator) -> Flip | None:
    walk = found.walk
    if walk is None or not np.isfinite(walk.law[:, -1]).all():
        return None
    mean, variance, level, persistence, noise = (float(part) for part in walk.law[:, -1])
    law = PremiumLaw(
        mean=mean, variance=variance, level=level, persistence=persistence, noise=noise,
        step_ns=int(walk.interval_ns[-1]), follow=following(LEVEL_NS / float(walk.interval_ns[-1])),
    )  # fmt: skip
    flip = first_flip(law, walk.rule, found.forecast.last_rate, walk.horizon_ns // law.step_ns, chance)
    return corrected_flip(flip, past_outcomes(walk, snapped(history), chance), found.forecast.flip)


def paid_at_present_size(
    positions: Sequence[Costly], now_ns: int, windows: Sequence[int] = WINDOWS_DAYS
) -> tuple[PaidRow, ...]:
    """What the positions would have been paid at their present sizes and prices over the last `windows` days, by position, asset,
    venue, sleeve and book; None where the history of one of them does not reach back so far."""
    cash = [
        {
            days: None if one.history is None else at_present_size(one.history, one.exposure, now_ns=now_ns, days=days)
            for days in windows
        }
        for one in positions
    ]
    out = []
    for kind, key_of in KINDS.items():
        for key in dict.fromkeys(map(key_of, positions)):
            mine = [found for one, found in zip(positions, cash, strict=True) if key_of(one) == key]
            out.append(PaidRow(kind=kind, key=key, cash={days: _sum([one[days] for one in mine]) for days in windows}))
    return tuple(out)


def _sum(parts: Sequence[float | None]) -> float | None:
    known = [part for part in parts if part is not None]
    return sum(known) if len(known) == len(parts) else None


def drag_at_present_size(
    positions: Sequence[Costly], equity: float, now_ns: int, windows: Sequence[int] = WINDOWS_DAYS
) -> dict[int, float | None]:
    """What those payments would have done to a return on `equity` dollars, compounded, by days; None where not all are known."""
    out: dict[int, float | None] = {}
    for days in windows:
        start = now_ns - days * DAY_NS
        histories = [one.history for one in positions]
        whole = [one is not None and sum_over(one, start, now_ns) is not None for one in histories]
        if equity <= 0.0 or not all(whole):
            out[days] = None
            continue
        shares = [
            -one.exposure
            / equity
            * one.history.rates[(one.history.times_ns > start) & (one.history.times_ns <= now_ns)]
            for one in positions
            if one.history is not None
        ]
        out[days] = compounded(np.concatenate(shares)) if shares else 0.0
    return out


def term_row(one: Costly, told: Forecast | None, *, now_ns: int) -> TermRow | None:
    """One venue's row of an asset's term structure; None where nothing is settled by then."""
    if one.history is None or not (one.history.times_ns <= now_ns).any():
        return None
    last = int(np.flatnonzero(one.history.times_ns <= now_ns)[-1])
    width = int(one.history.interval_ns[last])
    return TermRow(
        asset=one.asset, venue=one.venue, symbol=one.symbol, last=annualised(float(one.history.rates[last]), width),
        interval_ns=width, trailing=trailing(one.history, now_ns=now_ns),
        expected=None if told is None else annualised(told.mean, told.horizon_ns), model="" if told is None else told.model,
    )  # fmt: skip


def totals(positions: Sequence[PositionFunding]) -> tuple[float | None, float | None, float | None]:
    """Mean, low and high cash of all positions; None where one of them has no forecast."""
    ahead = [one.ahead for one in positions]
    mean = _sum([None if one is None else one.mean for one in ahead])
    low = _sum([None if one is None else one.low for one in ahead])
    return mean, low, _sum([None if one is None else one.high for one in ahead])
