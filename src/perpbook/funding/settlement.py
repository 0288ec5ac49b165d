"""The next settlement, from the premium samples of the interval so far, where the venue's way of averaging is known.

Binance weighs samples by how late in the interval they come; Hyperliquid weighs them alike. Sources: binance.com
"Introduction to Binance Futures Funding Rates"; Hyperliquid docs, "Funding".
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

import numpy as np

from perpbook.errors import InputError, TermsError
from perpbook.funding.rule import PremiumRule
from perpbook.kernels.types import Floats, Integers


class Averaging(Enum):
    """EVEN: every moment weighs alike. RISING: a moment weighs as far into the interval as it lies."""

    EVEN = "even"
    RISING = "rising"


AVERAGING = {"binance": Averaging.RISING, "binance-coinm": Averaging.RISING, "hyperliquid": Averaging.EVEN}


@dataclass(frozen=True, slots=True, kw_only=True)
class NextSettlement:
    """`rate` of the coming settlement if the last premium stays, `settled_share` of its average being past already.

    `at_interest` says the rate then is the interest; `least`, `most` are the rates if the premium stood `swing` lower or higher
    for the rest of the interval.
    """

    time_ns: int
    rate: float
    settled_share: float
    at_interest: bool
    least: float
    most: float


def next_settlement(
    venue: str, rule: PremiumRule, times_ns: Integers, premiums: Floats, *, settles_ns: int, interval_ns: int, swing: float
) -> NextSettlement:  # fmt: skip
    """The settlement at `settles_ns` of an interval, from premiums (n,) sampled at `times_ns` (n,), rising, within it.

    Each sample stands until the next one, the first from the start of the interval, the last until the settlement.

    Raises
    ------
    TermsError : how the venue averages is not known here.
    InputError : no sample, or one outside the interval.
    """
    if venue not in AVERAGING:
        raise TermsError(
            f"how {venue} averages its premium is not known here: known are {', '.join(sorted(AVERAGING))}"
        )
    opened = settles_ns - interval_ns
    if not premiums.size or times_ns[0] < opened or times_ns[-1] > settles_ns or not np.isfinite(premiums).all():
        raise InputError("premium samples must be numbers within the interval that is about to settle, one at least")
    into = (times_ns - opened) / interval_ns
    edges = np.concatenate([[0.0], into[1:], [1.0]])
    if AVERAGING[venue] is Averaging.RISING:
        edges = edges**2
    weights = np.diff(edges)
    done = into[-1] ** (2 if AVERAGING[venue] is Averaging.RISING else 1)
    mean = float(weights @ premiums)
    rates = [rule.settlement(mean + (1.0 - done) * shift, interval_ns) for shift in (0.0, -swing, swing)]
    return NextSettlement(
        time_ns=settles_ns, rate=rates[0], settled_share=float(done),
        at_interest=abs(mean - rule.interest) <= rule.clamp, least=rates[1], most=rates[2],
    )  # fmt: skip
