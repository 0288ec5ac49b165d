"""Hedges that break: how far every asset moves when correlations go against what a book holds."""

from __future__ import annotations

import math
from collections.abc import Mapping

HEDGED = 1e-9
"""Relative to the largest net exposure: less than this is the rounding of a perfect hedge, and has no sign."""


def broken_moves(
    size: float, betas: Mapping[str, float], exposures: Mapping[str, float], pull: float
) -> dict[str, float]:
    """Fractions by asset: its beta move, pulled towards |size| against the exposure held in it (dollars, signed)."""
    hedged = HEDGED * max((abs(value) for value in exposures.values()), default=0.0)
    moves = {}
    for asset, beta in betas.items():
        held = exposures.get(asset, 0.0)
        against = 0.0 if abs(held) <= hedged else -math.copysign(size, held)
        moves[asset] = (1.0 - pull) * beta * size + pull * against
    return moves
