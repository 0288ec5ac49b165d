"""The playbook as numbers: `Policy`, with the names its arrays stand for."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from perpbook.kernels.state import Policy
from perpbook.kernels.types import Floats
from perpbook.margin.assess import Assessed
from perpbook.model.scenario import Scenario
from perpbook.model.units import SECOND_NS
from perpbook.playbook.ground import NO_GROUND, Ground, bridges_of, stablecoins_of
from perpbook.playbook.schema import Funding, Guardrails, Hedge, Layers, Playbook, Shares

NO_CAP = float("inf")
MINUTE_NS = 60 * SECOND_NS

RESPONSES = ("close", "rotate", "move")
"""In the order of `kernels.rules.rotation`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Names:
    """What the numbers of `State` and `Policy` stand for. `gas` : by layer the coin that fees are paid in, "" for not known."""

    accounts: tuple[str, ...]
    assets: tuple[str, ...]
    venues: tuple[str, ...]
    layers: tuple[str, ...]
    sleeves: tuple[str, ...]
    groups: tuple[tuple[str, float], ...]
    bridges: tuple[str, ...] = ()
    stablecoins: tuple[str, ...] = ()
    gas: tuple[str, ...] = ()


def names_of(assessed: Assessed, playbook: Playbook, ground: Ground = NO_GROUND) -> Names:
    """Every account, asset, venue, layer, sleeve and survival group (kind, size of move), in a fixed order."""
    accounts = assessed.arrays.accounts
    stand = [account.layer for account in accounts if account.layer] + list(assessed.outside.layers)
    layers = tuple(dict.fromkeys([*stand, *layers_wanted(playbook)]))
    capital = playbook.capital
    return Names(
        accounts=tuple(account.id for account in accounts),
        assets=tuple(dict.fromkeys(item.asset for item in assessed.arrays.items if item.position)),
        venues=tuple(dict.fromkeys(account.venue for account in accounts)),
        layers=layers,
        sleeves=tuple(sleeve.name for sleeve in capital.sleeves) if capital else (),
        groups=tuple(dict.fromkeys((one.kind, abs(one.size)) for one in assessed.scenarios)),
        bridges=bridges_of(assessed.outside, ground),
        stablecoins=stablecoins_of(assessed),
        gas=gas_coins(playbook, layers, ground),
    )


def compile_policy(playbook: Playbook, names: Names, scenarios: Sequence[Scenario]) -> Policy:
    """The playbook's limits as arrays; what the trader left out is no limit."""
    account = playbook.leverage.account if playbook.leverage else None
    book = playbook.leverage.book if playbook.leverage else None
    sleeves = playbook.capital.sleeves if playbook.capital else ()
    group = [names.groups.index((one.kind, abs(one.size))) for one in scenarios]
    guard, carry, back = playbook.guardrails or Guardrails(), playbook.funding, playbook.rebalance
    return Policy(
        near=playbook.near,
        buffer=playbook.survival.buffer if playbook.survival else 0.0,
        position_loss=_cap(guard.position_loss),
        depth_share=_cap(playbook.liquidity.max_depth_share if playbook.liquidity else None),
        account_gross=_cap(account.gross if account else None),
        account_net=_cap(account.net if account else None),
        account_effective=_cap(account.effective if account else None),
        book_gross=_cap(book.gross if book else None),
        book_net=_cap(book.net if book else None),
        book_effective=_cap(book.effective if book else None),
        asset_cap=np.array([_asset_cap(playbook, asset) for asset in names.assets], dtype=np.float64),
        venue_cap=np.array([share_cap(playbook.venues, venue) for venue in names.venues], dtype=np.float64),
        layer_cap=np.array([share_cap(playbook.layers, layer) for layer in names.layers], dtype=np.float64),
        sleeve_min=np.array([sleeve.min or 0.0 for sleeve in sleeves], dtype=np.float64),
        sleeve_max=np.array([_cap(sleeve.max) for sleeve in sleeves], dtype=np.float64),
        group=np.array(group, dtype=np.int64),
        groups=len(names.groups),
        daily_drawdown=_cap(guard.daily_drawdown),
        weekly_drawdown=_cap(guard.weekly_drawdown),
        drawdown_flattens=int(guard.drawdown_action == "flatten"),
        rearm_by_hand=int(guard.rearm == "manual"),
        profit_gain=np.array([step.gain for step in guard.take_profit], dtype=np.float64),
        profit_close=np.array([step.close for step in guard.take_profit], dtype=np.float64),
        funding_cap=_cap(carry.daily_cap if carry else None),
        funding_asset_cap=_scope_caps(carry.daily_cap_asset if carry else None, names.assets),
        funding_venue_cap=_scope_caps(carry.daily_cap_venue if carry else None, names.venues),
        **_rate_limits(carry or Funding()),
        hedge_band=_bands(playbook.hedge or Hedge(), names.assets),
        rebalance_drift=back.drift if back else NO_CAP,
        rebalance_minimum=(back.minimum_trade or 0.0) if back else 0.0,
        rebalance_cost_aware=1 if back and back.cost_aware else 0,
        slack=guard.slack,
        cooldown_ns=round(guard.cooldown_minutes * MINUTE_NS),
        **_money_limits(playbook, names),
    )


def _rate_limits(funding: Funding) -> dict[str, Any]:
    """The rules on rates, as `Policy` names them."""
    return {
        "funding_projected": _cap(funding.projected_cap),
        "funding_expected": _cap(funding.expected_max),
        "funding_skew": _cap(funding.skew_alert),
        "flip_after": funding.flip_after or 0,
        "funding_rotates": RESPONSES.index(funding.response),
        "funding_payback": funding.payback_days / 365.0,
    }


def layers_wanted(playbook: Playbook) -> tuple[str, ...]:
    """Layers on which the playbook wants something to stand, whether or not anything does."""
    layers = playbook.layers or Layers()
    return tuple(dict.fromkeys([*(layers.reserves or {}), *(layers.gas or {})]))


def gas_coins(playbook: Playbook, layers: Sequence[str], ground: Ground) -> tuple[str, ...]:
    """The coin of each layer's fees: as the playbook says, else as is known, "" for not known."""
    own = (playbook.layers.gas_coins if playbook.layers else None) or {}
    return tuple(own.get(name, ground.gas.get(name, "")) for name in layers)


def _money_limits(playbook: Playbook, names: Names) -> dict[str, Any]:
    """What money must do, as `Policy` names it."""
    layers, venues = playbook.layers or Layers(), playbook.venues
    reserves, gas = layers.reserves or {}, layers.gas or {}
    return {
        "bridge_cap": _cap(layers.bridge_max_share),
        "stablecoin_cap": _cap(layers.stablecoin_max_share),
        "venue_leaves": _least_left(venues),
        "layer_leaves": _least_left(layers),
        "reserve": np.array([reserves.get(layer, 0.0) for layer in names.layers], dtype=np.float64),
        "gas": np.array([gas.get(layer, 0.0) for layer in names.layers], dtype=np.float64),
    }


def _least_left(section: Shares | None) -> float:
    """The share that must be left after a loss; 0 where none need be survived."""
    return section.left_after_loss if section is not None and section.survive_loss_of_any else 0.0


def _bands(hedge: Hedge, assets: Sequence[str]) -> Floats:
    """The band of every asset that has one."""
    bands = [hedge.delta_band if not hedge.assets or name in hedge.assets else None for name in assets]
    return np.array([_cap(band) for band in bands], dtype=np.float64)


def _scope_caps(caps: Mapping[str, float] | None, names: Sequence[str]) -> Floats:
    """A cap per name, `default` for the rest."""
    found = caps or {}
    return np.array([_cap(found.get(name, found.get("default"))) for name in names], dtype=np.float64)


def _cap(value: float | None) -> float:
    return NO_CAP if value is None else value


def _asset_cap(playbook: Playbook, asset: str) -> float:
    caps = playbook.leverage.asset if playbook.leverage and playbook.leverage.asset else {}
    return _cap(caps.get(asset, caps.get("default")))


def share_cap(section: object, name: str) -> float:
    """A named share, or the section's own maximum."""
    if section is None:
        return NO_CAP
    shares: dict[str, float] = getattr(section, "shares", None) or {}
    return _cap(shares.get(name, getattr(section, "max_share", None)))
