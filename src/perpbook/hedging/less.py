"""The other way to lose less: hold less. The scale of all positions at which a book's storms keep a limit, and what it costs."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from perpbook.hedging.moments import Moments

LEAST = 1e-3
"""A smaller scale is as good as none."""

PRECISE = 2e-3
STEPS = 14
ROUNDS = 8

LossesAt = Callable[[float, Sequence[str]], Mapping[str, float]]
"""A scale, and names of storms: the largest loss of each, dollars, before what the trades cost."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Less:
    """Every position at `scale` of what is held. `cost` dollars of fees and known slippage to get there. `losses` by storm
    that was looked at, with the cost in them; `binding` the storm that asks for it. `reached` False: almost nothing still loses
    more."""

    scale: float
    cost: float
    losses: Mapping[str, float]
    binding: str
    reached: bool

    @property
    def worst(self) -> float:
        """The largest loss."""
        return max(self.losses.values())


def hold_less(moments: Moments, limit: float, losses_at: LossesAt, cost_of: Callable[[float], float]) -> Less:
    """The largest scale that keeps the limit in every storm, to 0.2 % of what is held. cost_of : a scale's, dollars.

    The storm that is worst is asked for its own scale, then all that broke the limit are gone through at it, until none does.
    """
    worst = moments.worst_of(moments.losses)
    broken = {
        path.name: float(moments.losses[at])
        for path, at in zip(moments.paths, worst, strict=True)
        if moments.losses[at] > limit
    }
    scale, binding = 1.0, max(broken, key=lambda name: broken[name])
    losses: Mapping[str, float] = broken
    for _ in range(ROUNDS):
        scale = _scale_for(binding, scale, limit, losses_at, cost_of)
        cost = cost_of(scale)
        losses = {name: loss + cost for name, loss in losses_at(scale, list(broken)).items()}
        binding = max(losses, key=lambda name: losses[name])
        if losses[binding] <= limit or scale <= LEAST:
            break
    return Less(scale=scale, cost=cost_of(scale), losses=losses, binding=binding, reached=losses[binding] <= limit)


def _scale_for(name: str, most: float, limit: float, losses_at: LossesAt, cost_of: Callable[[float], float]) -> float:
    """The largest scale up to `most` at which one storm keeps the limit, by halving."""
    low, high = LEAST, most
    for _ in range(STEPS):
        if high - low <= PRECISE:
            break
        middle = 0.5 * (low + high)
        if losses_at(middle, [name])[name] + cost_of(middle) <= limit:
            low = middle
        else:
            high = middle
    return low
