"""The rescue gap of a book as it stands, in closed form, from volatilities that the trader gives."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np

from perpbook.errors import InputError
from perpbook.model.units import DAY_NS, SECOND_NS

if TYPE_CHECKING:
    from perpbook.runs.check import CheckResult
    from perpbook.treasury.barrier import Motion
    from perpbook.treasury.gaps import AccountGap

WITHIN_DAYS = 7
"""Liquidations further off than this are left out."""

SEED = 1
LARGEST = 10.0
"""A volatility above 1,000 % a year is a slip of the pen."""


def check_gaps(result: CheckResult, volatility: Mapping[str, str]) -> tuple[AccountGap, ...]:
    """The gap of every account that holds a position, without a storm; none without a volatility.

    Raises
    ------
    InputError : a volatility that is none, or of an asset that no account lives by alone.
    """
    from perpbook.runs.check import load_all_terms
    from perpbook.runs.rescue import FEWEST_DRAWS, scores_by_name
    from perpbook.treasury.barrier import closed_form, one_factors
    from perpbook.treasury.conditions import Conditions
    from perpbook.treasury.facts_load import packaged_facts
    from perpbook.treasury.gaps import AccountGap
    from perpbook.treasury.pots import pots_of
    from perpbook.treasury.rescue import Deaths, Treasury, rescue_of
    from perpbook.treasury.standing import standing_of
    from perpbook.treasury.ways import Chance

    snapshot, facts = result.snapshot, packaged_facts()
    terms = load_all_terms(snapshot, result.terms_folders)
    standing = standing_of(snapshot, terms)
    factors = one_factors(standing)
    motions = motions_from(volatility, {one.asset for one in factors.values()})
    treasury = Treasury(
        facts=facts,
        terms=terms,
        pots=pots_of(snapshot.book, snapshot.market, standing.free, facts).pots,
        conditions=Conditions(facts=facts),
        chance=Chance(scores=scores_by_name(SEED, FEWEST_DRAWS)),
    )
    nobody = Deaths(step=np.ones(1), steps=1, step_seconds=1.0, inside=np.zeros(1))
    gaps = []
    for number, account in enumerate(snapshot.book.accounts):
        factor = factors.get(account.id)
        if factor is None or factor.asset not in motions or not account.positions:
            continue
        rescue = rescue_of(treasury, account, float(standing.equity[number]), nobody)
        closed = None
        if rescue.best is not None:
            seconds, horizon = rescue.best.seconds, WITHIN_DAYS * DAY_NS / SECOND_NS
            closed = closed_form(factor, motions[factor.asset], seconds, seconds, horizon)
        gaps.append(AccountGap(rescue=rescue, under=None, without=None, closed=closed))
    return tuple(gaps)


def motions_from(volatility: Mapping[str, str], known: set[str]) -> dict[str, Motion]:
    """Volatilities of a year as the trader writes them: fractions, by asset."""
    from perpbook.treasury.barrier import Motion

    out = {}
    for asset, text in volatility.items():
        try:
            value = float(text)
        except ValueError:
            value = -1.0
        if not 0.0 < value <= LARGEST:
            raise InputError(
                f"--volatility {asset}={text}: write a year's volatility as a fraction, such as {asset}=0.6"
            )
        if asset not in known:
            raise InputError(
                f"--volatility names {asset}, which no account lives by alone: here {', '.join(sorted(known)) or 'none does'}"
            )
        out[asset] = Motion(volatility=value)
    return out
