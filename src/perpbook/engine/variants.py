"""Playbooks that differ in their figures, run by the thousand: what a key changes is found by trying it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Any

import numpy as np

from perpbook.engine.backtest import Journey, Ready, prepare
from perpbook.errors import InputError
from perpbook.kernels.state import Policy
from perpbook.kernels.sweep import MEASURES, Fresh, Sweep, run_variants
from perpbook.kernels.types import Floats
from perpbook.playbook.compile import Names, compile_policy
from perpbook.playbook.schema import Playbook

SCALARS = (
    "near", "buffer", "position_loss", "depth_share", "account_gross", "account_net", "account_effective", "book_gross",
    "book_net", "book_effective", "daily_drawdown", "weekly_drawdown", "funding_cap",
    "funding_projected", "funding_expected", "funding_skew", "rebalance_drift", "rebalance_minimum", "slack", "cooldown_ns",
)  # fmt: skip
ARRAYS = (
    "asset_cap", "venue_cap", "layer_cap", "sleeve_min", "sleeve_max", "profit_gain", "profit_close",
    "funding_asset_cap", "funding_venue_cap", "hedge_band",
)  # fmt: skip
"""In the order of `kernels.sweep.policy_from`."""


def figures_of(policy: Policy) -> Floats:
    """(P,) every figure of a policy that may vary."""
    arrays = [getattr(policy, name) for name in ARRAYS]
    return np.concatenate([np.array([float(getattr(policy, name)) for name in SCALARS]), *arrays])


def set_key(playbook: Playbook, key: str, value: float) -> Playbook:
    """The playbook with one figure changed: `guardrails.daily_drawdown`, `leverage.asset.BTC`.

    Raises
    ------
    InputError : no such key, or the playbook refuses the value.
    """
    from pydantic import ValidationError

    tree: dict[str, Any] = playbook.model_dump(exclude_none=True)
    *path, last = key.split(".")
    at = tree
    for part in path:
        inner = at.setdefault(part, {})
        if not isinstance(inner, dict):
            raise InputError(f'"{key}" names no single figure of a playbook: "{part}" is a list')
        at = inner
    at[last] = value
    try:
        return Playbook.model_validate(tree, strict=False)
    except ValidationError as error:
        told = error.errors()[0]
        raise InputError(f"{key} = {value:g} does not do: {told['msg']}") from None


def variant_figures(playbook: Playbook, names: Names, groups: Sequence[Any], varied: Mapping[str, Floats]) -> Floats:
    """(V, P) the figures of every variant; `varied` gives each key's value in every variant, (V,).

    A key's figures are found by compiling the playbook with its smallest and largest value: they must be the value itself,
    or a fixed multiple of it.

    Raises
    ------
    InputError : a key is unknown, refuses a value, or changes nothing that a sweep can vary.
    """
    base = figures_of(compile_policy(playbook, names, groups))
    count = len(next(iter(varied.values()))) if varied else 1
    out = np.tile(base, (count, 1))
    for key, values in varied.items():
        low, high = float(np.min(values)), float(np.max(values))
        probes = {value: set_key(playbook, key, value) for value in {low, high}}
        found = {value: figures_of(compile_policy(one, names, groups)) for value, one in probes.items()}
        if any(one.shape != base.shape for one in found.values()):
            raise InputError(f'"{key}" changes how many figures the playbook has and cannot be varied')
        other = found[high] if high != low else base
        moved = np.flatnonzero(found[low] != other)
        if not moved.size and high != low:
            raise InputError(
                f'"{key}" changes no figure that acts in this run: survival moves and cadences cannot be varied, and a cap '
                "on an asset or venue must be one of the run's"
            )
        for place in moved if high != low else np.flatnonzero(found[low] != base):
            scale = found[high][place] / high if high else 1.0
            if not np.isclose(found[low][place], scale * low, rtol=1e-12):
                raise InputError(f'"{key}" does not act in proportion to its value and cannot be varied')
            out[:, place] = scale * values
    return out


def run_figures(journey: Journey, figures: Floats, *, split: int, threads: int = 2) -> Floats:
    """(V, MEASURES) what every variant gave (columns: `kernels.sweep`), on so many threads; `split` is the last bar of the
    part that is looked at first."""
    out = np.empty((figures.shape[0], MEASURES))
    parts = np.array_split(np.arange(figures.shape[0]), max(1, min(threads, figures.shape[0])))
    readies = [_ready(journey) for _ in parts]

    def one(ready: Ready, rows: Any) -> None:
        mine = np.empty((rows.size, MEASURES))
        sweep = Sweep(
            figures=np.ascontiguousarray(figures[rows]), day_bar=ready.reel.schedule.day_bar, split=split, out=mine
        )
        run_variants(
            ready.reel.tape, ready.reel.schedule, ready.arrangement.slots, ready.habits, ready.body, ready.play.mind,
            fresh_of(ready), sweep,
        )  # fmt: skip
        out[rows] = mine

    with ThreadPoolExecutor(max_workers=len(parts)) as pool:
        list(pool.map(one, readies, parts))
    return out


def _ready(journey: Journey) -> Ready:
    return prepare(replace(journey))


def fresh_of(ready: Ready) -> Fresh:
    """Copies of what a run changes, as they are now."""
    body = ready.body
    lines = body.holding.lines
    return Fresh(
        rows=body.holding.rows.copy(),
        accounts=body.holding.accounts.copy(),
        orders=body.orders.rows.copy(),
        resting=body.orders.resting.copy(),
        resting_count=body.orders.resting_count.copy(),
        under_way=body.under_way.copy(),
        moving=body.moving.copy(),
        layers=body.outside.layers.copy(),
        transit=body.outside.transit.copy(),
        clock=body.clock.copy(),
        delta=lines.delta.copy(),
        slope=lines.slope.copy(),
        offset=lines.offset.copy(),
        pieces=lines.pieces.copy(),
        reciprocal=lines.reciprocal.copy(),
        cash=lines.cash.copy(),
    )
