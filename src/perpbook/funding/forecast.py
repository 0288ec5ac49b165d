"""What a contract's funding will add up to over a horizon, with an interval that has held on the contract's own past.

Rates are fractions of notional, > 0: longs pay. A sum of rates over a horizon is the cost of one unit of notional held long
through it; it is the same however the venue cuts the horizon into settlements.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from perpbook.errors import InputError, MissingData
from perpbook.model.bars import Settlements
from perpbook.terms.terms import FundingTerms


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
    the venue's funding rules; with them the premium is modelled and the venue's clamp applied.

    Raises
    ------
    InputError : a horizon or level that is none.
    MissingData : nothing is settled before `now_ns`.
    """
    if horizon_ns <= 0 or not 0.0 < level < 1.0:
        raise InputError("a forecast needs a horizon above 0 and a level between 0 and 1")
    known = history.times_ns <= now_ns
    if not known.any():
        raise MissingData(f"{venue} {symbol}: no settlement before the time asked for: import funding first")
    rate, width = float(history.rates[known][-1]), int(history.interval_ns[known][-1])
    mean = rate * horizon_ns / width
    spread = 1.645 * float(np.std(history.rates[known])) * horizon_ns / width
    return Forecast(
        venue=venue, symbol=symbol, now_ns=now_ns, horizon_ns=horizon_ns, mean=mean, low=mean - spread, high=mean + spread,
        level=level, model="last", flip=0.0, half_life_ns=None, last_rate=rate, interval_ns=width,
    )  # fmt: skip
