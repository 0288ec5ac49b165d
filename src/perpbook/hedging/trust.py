"""How far a hedge can be trusted: sought again on resamples of the past, part by part."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from perpbook.errors import InputError
from perpbook.hedging.scenarios import SETS
from perpbook.kernels.types import Floats
from perpbook.tails.bootstrap import one_draw, spread_of

LEAST_DRAWS = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """One asset of a hedge: `dollars` (> 0 bought) of any size, with the interval [`low`, `high`] over resamples of the past.
    `kept` : the interval leaves zero out.

    `own` : dollars of it that are against the asset's own exposure, exact; the rest stands for `others` by their betas. None
    where it is not so divided. `left_out` : dollars of that rest that are not in it, for they cannot be told from none.
    """

    asset: str
    dollars: float
    low: float
    high: float
    kept: bool
    own: float | None = None
    others: tuple[str, ...] = ()
    left_out: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Again:
    """How a hedge is sought again: `draws` resamples in blocks of `mean_block` rows, at `confidence`."""

    draws: int
    mean_block: float
    confidence: float = 0.95

    def __post_init__(self) -> None:
        if self.draws < LEAST_DRAWS:
            raise InputError(f"{self.draws} draws make no interval of a hedge: give {LEAST_DRAWS} or more")


def trusted_parts(
    against: Sequence[str], hedge_of: Callable[[Floats], Floats], rows: int, again: Again, rng: np.random.Generator
) -> tuple[Part, ...]:
    """Each asset of a hedge with its interval. hedge_of : (K,) dollars from how often each row of the past is drawn (n,)."""
    first = hedge_of(np.ones(rows))
    draws = np.stack([hedge_of(one_draw(rows, again.mean_block, rng)) for _ in range(again.draws)])
    out = []
    for k, asset in enumerate(against):
        low, high = spread_of(draws[:, k], again.confidence)
        kept = bool(low > 0.0 or high < 0.0)
        out.append(Part(asset=asset, dollars=float(first[k]), low=low, high=high, kept=kept))
    return tuple(out)


def with_the_rest(
    own: Mapping[str, float],
    others: Sequence[str],
    rest_of: Callable[[Floats], float],
    rows: int,
    again: Again,
    rng: np.random.Generator,
) -> tuple[Part, ...]:
    """Each asset against its own exposure, exact, and on the first what others come to by their betas.

    own : dollars by asset. rest_of : dollars of the others from how often each row is drawn (n,). A rest that cannot be told from
    none is left out, and the exact part stays; one that can may cancel it, and then the sum is judged.
    """
    exact = [
        Part(asset=asset, dollars=dollars, low=dollars, high=dollars, kept=dollars != 0.0, own=dollars)
        for asset, dollars in own.items()
    ]
    (rest,) = trusted_parts((exact[0].asset,), lambda counts: np.array([rest_of(counts)]), rows, again, rng)
    first = replace(exact[0], others=tuple(others))
    if not rest.kept:
        return replace(first, left_out=rest.dollars), *exact[1:]
    low, high = first.low + rest.low, first.high + rest.high
    told = low > 0.0 or high < 0.0
    return replace(first, dollars=first.dollars + rest.dollars, low=low, high=high, kept=told), *exact[1:]


def on_rows(counts: Floats, weights: Mapping[str, float]) -> Floats:
    """(S,) weights of the sets one under another when rows are drawn so often: `counts` (n,) of them."""
    share = counts / counts.sum()
    return np.concatenate([weights[name] * share for name in SETS])


def all_kept(parts: Sequence[Part]) -> tuple[Part, ...]:
    """Parts that stand by what they are, not by an estimate."""
    return tuple(replace(one, kept=True) for one in parts)
