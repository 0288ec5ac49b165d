"""Something that may happen to prices: a move per asset, all at once."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Scenario:
    """`moves` are fractions by asset (-0.15 falls 15 %); an asset not named stays where it is.

    `kind` is how it was made ("joint", "asset", "beta", "broken") and `size` the move that made it, signed.
    """

    name: str
    kind: str
    size: float
    moves: Mapping[str, float]

    def __post_init__(self) -> None:
        assert all(move > -1 for move in self.moves.values()), "a price cannot fall to nothing or below"
