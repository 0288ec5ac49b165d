"""History that no market made, for a trial of a drill without any data."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from perpbook.model.units import DAY_NS

if TYPE_CHECKING:
    from perpbook.model.bars import Bars, SeriesKey
    from perpbook.terms.terms import VenueTerms


def made_up_past(terms: Mapping[str, VenueTerms], contracts: tuple[SeriesKey, ...], *, bar_ns: int, seed: int) -> Bars:
    """A year of simulated steps of every asset; venues differ in nothing."""
    from perpbook.model.bars import Bars, Settlements
    from perpbook.scenario.generate import DESK, Asset, Plan, generate
    from perpbook.terms.find import find_contract

    bases = [find_contract(terms[key.venue], key.symbol).contract.base for key in contracts]
    known = {one.base: one for one in DESK}
    assets = tuple(known.get(base, Asset(base=base, price=1.0, beta=1.3, own=0.4)) for base in dict.fromkeys(bases))
    plan = Plan(assets=assets, start_ns=0, bar_ns=bar_ns, count=int(365 * DAY_NS // bar_ns))
    made = {one.base: one for one in generate(plan, np.random.default_rng(seed))}

    def stack(name: str) -> Any:
        return np.ascontiguousarray([getattr(made[base], name) for base in bases])

    close = stack("close")
    settled = [
        Settlements(
            times_ns=made[base].funding_ns, rates=made[base].rates,
            interval_ns=np.full(made[base].rates.size, plan.funding_ns),
        )
        for base in bases
    ]  # fmt: skip
    return Bars(
        bar_ns=plan.bar_ns, open_ns=made[bases[0]].open_ns, series=contracts, open=stack("open"), high=stack("high"),
        low=stack("low"), close=close, stale=np.zeros(close.shape, dtype=np.uint8), settlements=tuple(settled),
        simulated=True, source=f"generated, seed {seed}",
        notes=("history is SIMULATED: no market ever made it",),
    )  # fmt: skip
