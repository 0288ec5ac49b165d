"""What to hedge with, and how much of each, before any place is looked at."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from perpbook.errors import InputError

if TYPE_CHECKING:
    from perpbook.hedging.trust import Part
    from perpbook.kernels.types import Floats
    from perpbook.runs.hedge_asked import HedgeAsked
    from perpbook.runs.hedge_desk import HedgeDesk, Opened
    from perpbook.tails.returns import JointReturns

AGAIN = 200
"""Resamples on which a hedge is sought again."""


def parts_of(asked: HedgeAsked, opened: Opened, rng: np.random.Generator) -> tuple[Part, ...]:
    """Dollars of each asset to hedge with; those not told from none are not kept. Under a budget they are those of the hedge of
    least shortfall, and none where the book keeps the budget already."""
    from perpbook.hedging.trust import Again, all_kept, trusted_parts, with_the_rest
    from perpbook.runs.hedge_rules import keeps_budget
    from perpbook.tails.bootstrap import usual_resampling

    desk, returns, against = opened.desk, opened.past.returns, opened.against
    again = Again(draws=AGAIN, mean_block=usual_resampling(returns.rows, returns.bar_ns).mean_block)
    if asked.method == "delta":
        own = {asset: -desk.exposures.get(asset, 0.0) for asset in against}
        others = others_of(asked, opened)
        found = with_the_rest(own, others, _by_betas(opened, others), returns.rows, again, rng)
        return found if others else all_kept(found)
    if asked.method == "budget" and keeps_budget(desk):
        return ()
    hedge_of = _variance_of(desk, returns, against) if asked.method == "variance" else _cvar_of(desk, against)
    return trusted_parts(against, hedge_of, returns.rows, again, rng)


def others_of(asked: HedgeAsked, opened: Opened) -> list[str]:
    """Assets held that a hedge of no delta takes away by their betas; none where no asset stands for another."""
    if asked.beta == "none":
        return []
    return [one for one, dollars in opened.desk.exposures.items() if dollars != 0.0 and one not in opened.against]


def _cvar_of(desk: HedgeDesk, against: Sequence[str]) -> Callable[[Floats], Floats]:
    """The hedge of least shortfall of any size, at the cheapest fee and funding of any account, without margin limits."""
    from perpbook.hedging.cvar import cvar_hedge
    from perpbook.hedging.instruments import Instruments, Room
    from perpbook.hedging.trust import on_rows
    from perpbook.runs.hedge_desk import instruments, priced
    from perpbook.runs.hedge_place import scenarios_of

    gross = desk.gross
    fees, funding = [], []
    for asset in against:
        found = [priced(desk, account, asset) for account in desk.before.snapshot.book.accounts]
        costs = [instruments(desk, [one], np.array([gross]), isolated=False) for one in found if one is not None]
        if not costs:
            raise InputError(f"no account of the book lists a contract of {asset}: leave it out of --against")
        fees.append(min(float(one.fees[0]) for one in costs))
        funding.append(min((float(one.funding[0]) for one in costs), key=abs))
    count = len(against)
    one = Instruments(
        low=np.full(count, -gross), high=np.full(count, gross), lots=np.zeros(count), fees=np.array(fees),
        funding=np.array(funding), held=np.zeros(count), margins=np.zeros(count), accounts=np.zeros(count, dtype=np.int64),
    )  # fmt: skip
    scenarios, room = scenarios_of(desk, against), Room(margin=np.array([np.inf]), turnover=desk.turnover)
    return lambda counts: cvar_hedge(replace(scenarios, weights=on_rows(counts, desk.weights)), one, room).hedge


def _variance_of(desk: HedgeDesk, returns: JointReturns, against: Sequence[str]) -> Callable[[Floats], Floats]:
    """The hedge of least variance in the calm past."""
    from perpbook.hedging.scenarios import usual_covariance
    from perpbook.hedging.variance import variance_hedge

    def hedge_of(counts: Floats) -> Floats:
        drawn = replace(returns, values=np.repeat(returns.values, counts.astype(np.int64), axis=1))
        return variance_hedge(usual_covariance(drawn), returns.names, desk.exposures, against)

    return hedge_of


def _by_betas(opened: Opened, others: Sequence[str]) -> Callable[[Floats], float]:
    """Dollars of the first asset hedged with that take away what others come to by their betas on it."""
    from perpbook.hedging.betas import OLS, slopes_by

    desk, returns, method = opened.desk, opened.past.returns, opened.asked.beta or OLS
    x = returns.values[returns.index(opened.against[0])]

    def rest_of(counts: Floats) -> float:
        betas = (slopes_by(method, returns, x, one, counts[None])[0] for one in others)
        return -sum(desk.exposures[one] * float(beta) for one, beta in zip(others, betas, strict=True))

    return rest_of
