"""The grid of moves a playbook says must be survived: joint, one asset at a time, beta-weighted, hedge-breaking."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from perpbook.margin.breaking import broken_moves
from perpbook.model.scenario import Scenario

KINDS = ("joint", "asset", "beta", "broken")
"""joint: every asset by the same move (correlation one). asset: one asset moves, the rest stand still. beta: every
asset by its beta times the move. broken: every asset against the book's own net exposure in it, blended with beta."""

FLOOR = -0.99
"""No price falls further than this in one scenario, whatever its beta."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Exposed:
    """What the grid must know of a book: per asset its beta and the book's net exposure (dollars, signed)."""

    betas: Mapping[str, float]
    exposures: Mapping[str, float]
    correlation_stress: float


def survival_grid(moves: Sequence[float], kinds: Sequence[str], exposed: Exposed) -> tuple[Scenario, ...]:
    """Every move (a fraction > 0) both ways, in every kind asked for; `asset` gives one scenario per asset."""
    sizes = [sign * move for move in sorted(moves) for sign in (-1.0, 1.0)]
    makers: dict[str, Callable[[float, Exposed], list[Scenario]]] = {
        "joint": _joint,
        "asset": _asset,
        "beta": _beta,
        "broken": _broken,
    }
    return tuple(scenario for kind in kinds for size in sizes for scenario in makers[kind](size, exposed))


def _joint(size: float, exposed: Exposed) -> list[Scenario]:
    return [_scenario(f"all {size:+.0%}", "joint", size, dict.fromkeys(exposed.betas, size))]


def _asset(size: float, exposed: Exposed) -> list[Scenario]:
    return [_scenario(f"{asset} {size:+.0%}", "asset", size, {asset: size}) for asset in exposed.betas]


def _beta(size: float, exposed: Exposed) -> list[Scenario]:
    moves = {asset: beta * size for asset, beta in exposed.betas.items()}
    return [_scenario(f"market {size:+.0%} by beta", "beta", size, moves)]


def _broken(size: float, exposed: Exposed) -> list[Scenario]:
    """Beta move, pulled towards every asset moving |size| against the exposure the book has in it."""
    moves = broken_moves(size, exposed.betas, exposed.exposures, exposed.correlation_stress)
    return [_scenario(f"hedges break, market {size:+.0%}", "broken", size, moves)]


def _scenario(name: str, kind: str, size: float, moves: Mapping[str, float]) -> Scenario:
    return Scenario(name=name, kind=kind, size=size, moves={asset: max(move, FLOOR) for asset, move in moves.items()})
