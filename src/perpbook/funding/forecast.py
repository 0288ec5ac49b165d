"""What a contract's funding will add up to over a horizon, with an interval that has held on the contract's own past.

Rates are fractions of notional, > 0: longs pay. A sum of rates over a horizon is the cost of one unit of notional held long
through it; it is the same however the venue cuts the horizon into settlements.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import numpy as np

from perpbook.errors import InputError, MissingData, StaleData
from perpbook.funding.candidates import LAST, MODELS
from perpbook.funding.intervals import chance_of_other_sign, intervals
from perpbook.funding.series import snapped
from perpbook.funding.walk_forward import Walk, walks
from perpbook.kernels.types import Floats
from perpbook.model.bars import Settlements
from perpbook.model.units import DAY_NS, to_iso
from perpbook.terms.terms import FundingTerms

STALE_NS = 2 * DAY_NS
"""A history that ends longer ago than that is not the present."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Forecast:
    """Funding of one contract from `now_ns` over `horizon_ns`.

    `mean`, `low`, `high` are sums of the rates settled in (now, now + horizon], fractions of notional, > 0: longs pay; low to
    high is meant to hold with chance `level`. `model` names what made it. `flip` is the chance that the sum has the other
    sign than the last rate settled. `half_life_ns` is how long a departure from the usual rate takes to halve, None when it
    is not known to fade. `last_rate` is the last settlement's, of an interval of `interval_ns`.
    """

    venue: str
    symbol: str
    now_ns: int
    horizon_ns: int
    mean: float
    low: float
    high: float
    level: float
    model: str
    flip: float
    half_life_ns: int | None
    last_rate: float
    interval_ns: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Outlook:
    """A forecast and what it stands on: the walk over the contract's own past, None where no settlement is due; `predicted`
    (n,) what the model that was taken forecast at each origin."""

    forecast: Forecast
    walk: Walk | None = None
    predicted: Floats | None = None


def forecast(
    history: Settlements,
    *,
    horizon_ns: int,
    now_ns: int,
    level: float = 0.9,
    model: str | None = None,
    venue: str = "",
    symbol: str = "",
    terms: FundingTerms | None = None,
) -> Forecast:
    """The funding of the coming `horizon_ns`, from what was settled up to `now_ns` and nothing later.

    `model` None takes the one that has forecast this contract best so far, and the last value where none beat it. `terms` are
    the venue's funding rules; with them the premium is modelled and the venue's clamp applied. Errors as `outlook`.
    """
    return outlook(
        history, horizon_ns=horizon_ns, now_ns=now_ns, level=level, model=model, who=(venue, symbol), terms=terms
    ).forecast


def outlook(
    history: Settlements,
    *,
    horizon_ns: int,
    now_ns: int,
    level: float = 0.9,
    model: str | None = None,
    who: tuple[str, str] = ("", ""),
    terms: FundingTerms | None = None,
) -> Outlook:
    """`forecast`, with what it stands on; `who` is venue and symbol.

    Raises
    ------
    InputError : a horizon, level or model that is none.
    MissingData : nothing, or too little, is settled before `now_ns`.
    StaleData : the last settlement known is old.
    """
    named = " ".join(who).strip() or "the contract"
    _refuse_nonsense(horizon_ns, level, model)
    past = _past(history, now_ns, named)
    last, step = int(past.times_ns[-1]), int(past.interval_ns[-1])
    skipped = (now_ns - last) // step
    if skipped * step > STALE_NS:
        raise StaleData(
            f"{named}: the last settlement known is of {to_iso(last)}, {skipped:,} before {to_iso(now_ns)}: import newer "
            "funding, or ask for an earlier time"
        )
    steps = int((now_ns + horizon_ns - last) // step)
    made = Forecast(
        venue=who[0], symbol=who[1], now_ns=now_ns, horizon_ns=horizon_ns, mean=0.0, low=0.0, high=0.0, level=level,
        model=LAST, flip=0.0, half_life_ns=None, last_rate=float(past.rates[-1]), interval_ns=step,
    )  # fmt: skip
    if steps == skipped:
        return Outlook(forecast=made)
    walk = walks(past, [steps * step], terms)[0]
    name, predicted = _model_of(walk, model, named)
    drawn = intervals(walk, predicted, level)
    if not np.isfinite(drawn.low[-1]):
        raise MissingData(
            f"{named}: {past.times_ns.size:,} settlements are too few to say how far sums over {steps} of them stray (ten times "
            "the horizon must be known, after a month): import more history, or ask for a shorter horizon"
        )
    mean, low, high = ((1.0 - skipped / steps) * float(part[-1]) for part in (predicted, drawn.low, drawn.high))
    made = replace(
        made, mean=mean, low=low, high=high, model=name, flip=chance_of_other_sign(walk, predicted),
        half_life_ns=half_life_ns(walk),
    )  # fmt: skip
    return Outlook(forecast=made, walk=walk, predicted=predicted)


def _past(history: Settlements, now_ns: int, who: str) -> Settlements:
    known = (history.times_ns <= now_ns) & np.isfinite(history.rates)
    if np.count_nonzero(known) < 2:
        raise MissingData(
            f"{who}: no funding is settled before {to_iso(now_ns)}: import some with `perpbook data import`"
        )
    return snapped(
        Settlements(
            times_ns=history.times_ns[known], rates=history.rates[known], interval_ns=history.interval_ns[known]
        )
    )


def _refuse_nonsense(horizon_ns: int, level: float, model: str | None) -> None:
    if horizon_ns <= 0:
        raise InputError("a forecast needs a horizon above 0: 8h, 1d, 7d")
    if not 0.0 < level < 1.0:
        raise InputError(f"a level of {level:g} is none: choose one between 0 and 1, like 0.9")
    if model is not None and model not in MODELS:
        raise InputError(f'"{model}" is no model of funding: choose one of {", ".join(MODELS)}')


def _model_of(walk: Walk, model: str | None, who: str) -> tuple[str, Floats]:
    """The model's name and its forecasts at every origin; those of the models trusted when none is asked for."""
    if model is None:
        return MODELS[int(walk.chosen[-1])], walk.trusted
    predicted = walk.predicted[MODELS.index(model)]
    if not np.isfinite(predicted[-1]):
        raise MissingData(f"{who}: {model} needs 30 days of settlements: import more history, or leave --model out")
    return model, predicted


def half_life_ns(walk: Walk) -> int | None:
    """How long half of a departure of the premium takes to fade, by the AR(1) now in force; None where none fades."""
    phi = float(walk.fading[-1])
    if not 0.0 < phi < 1.0:
        return None
    return round(math.log(0.5) / math.log(phi) * float(walk.interval_ns[-1]))
