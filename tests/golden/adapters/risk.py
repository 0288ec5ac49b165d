"""Risk sets: the largest scale a book survives, through the kernel that sizing uses."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from perpbook.kernels.scale import largest_scales
from tests.golden.one_account import LinearPosition, holdings
from tests.golden.registry import adapter

Values = Mapping[str, Any]


@adapter(
    "risk",
    "max_scale_tiered",
    needs={"equity", "notional", "scenarios", "tier_mmr", "tier_deduction"},
    gives={"max_scale"},
)
def max_scale(given: Values) -> Values:
    tiers = list(zip(given["tier_mmr"], given["tier_deduction"], strict=True))
    positions = [LinearPosition(size=notional, price=1.0, tiers=tiers) for notional in given["notional"]]
    moves = np.array(given["scenarios"], dtype=np.float64).reshape(-1, len(positions))
    out = np.empty(1)
    largest_scales(holdings(given["equity"], positions), np.ascontiguousarray(1.0 + moves.T), 0.0, out)
    return {"max_scale": float(out[0])}
