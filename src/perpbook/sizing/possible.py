"""A book no trims can mend whole: set aside what is out of reach, and plan for the rest."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from perpbook.kernels.types import Flags
from perpbook.sizing.cheapest import CostLines, cheapest_sizes
from perpbook.sizing.limits import Limits, Linear, MarginLimits


def within_reach(limits: Limits, laid: MarginLimits, costs: Sequence[CostLines]) -> tuple[Limits, MarginLimits] | None:
    """The limits without those that no trims can keep: accounts beyond saving, and caps out of reach on their own.

    None when nothing is left, or when what is left still contradicts itself.
    """
    saved = [a for a in np.unique(laid.account).tolist() if _keeps(limits, only(laid, laid.account == a), costs)]
    linear = tuple(one for one in limits.linear if _reachable(one, limits))
    kept = replace(limits, linear=linear), only(laid, np.isin(laid.account, saved))
    dropped_all = not linear and not saved
    return None if dropped_all or cheapest_sizes(*kept, costs) is None else kept


def only(laid: MarginLimits, keep: Flags | np.ndarray[tuple[int], np.dtype[np.bool_]]) -> MarginLimits:
    """Some of the margin limits."""
    return replace(
        laid,
        point=laid.point[keep],
        account=laid.account[keep],
        weight=laid.weight[keep],
        by_tier=laid.by_tier[keep],
        base=laid.base[keep],
    )


def _keeps(limits: Limits, laid: MarginLimits, costs: Sequence[CostLines]) -> bool:
    return cheapest_sizes(replace(limits, linear=()), laid, costs) is not None


def _reachable(one: Linear, limits: Limits) -> bool:
    """Can any sizes keep this cap, were it the only one?"""
    least = float(np.minimum(one.coefficients * limits.upper, 0.0).sum())
    return least <= one.bound
