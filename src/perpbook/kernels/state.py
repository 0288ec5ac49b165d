"""What `decide` reads and writes: NamedTuples of arrays, so that the same call is compiled once for every verb.

Dollars, fractions and leverages; NaN for "not known", inf for "no cap". Sizes: n positions, and one entry per account,
asset, venue, layer, sleeve, scenario. Depends on no names: `playbook.compile` and `playbook.words` go there and back.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from perpbook.kernels.types import Flags, Floats, Integers

(
    POSITION_LOSS,
    SURVIVAL,
    ASSET_LEVERAGE,
    ACCOUNT_GROSS,
    ACCOUNT_NET,
    ACCOUNT_EFFECTIVE,
    BOOK_GROSS,
    BOOK_NET,
    BOOK_EFFECTIVE,
    VENUE_SHARE,
    LAYER_SHARE,
    DEPTH_SHARE,
    MARGIN_MODE,
    SLEEVE_MIN,
    SLEEVE_MAX,
    ACCOUNT_DEAD,
) = range(1, 17)
"""Reason codes, in order of precedence: a lower number was asked first and is never undone. 0 is no reason."""


class State(NamedTuple):
    """A book at one instant, as the rules see it.

    position_* (n,): account and asset numbers, notional, unrealised loss (>= 0), notional resting on the exit side
    (NaN unknown), beta-weighted signed exposure, isolated 1/0, wanted mode (0 any, 1 isolated, 2 cross).
    account_* (accounts,): equity, dead already 1/0, beta-weighted net exposure of coins, effective leverage.
    stress_* (accounts, scenarios). safe_scale (accounts,): the largest scale that survives every scenario
    with the buffer; calm_scale: that keeps effective leverage under the account cap; book_calm_scale: under the book's.
    venue_equity, layer_value, sleeve_capital: dollars. book_equity, book_coins (net exposure outside positions),
    book_effective: one number each, (1,).
    """

    position_account: Integers
    position_asset: Integers
    position_notional: Floats
    position_exposure: Floats
    position_loss: Floats
    position_depth: Floats
    position_isolated: Flags
    position_wanted: Integers
    account_equity: Floats
    account_dead: Flags
    account_coins: Floats
    account_effective: Floats
    asset_notional: Floats
    stress_equity: Floats
    stress_maintenance: Floats
    safe_scale: Floats
    calm_scale: Floats
    book_calm_scale: Floats
    venue_equity: Floats
    layer_value: Floats
    sleeve_capital: Floats
    book_equity: Floats
    book_coins: Floats
    book_effective: Floats


class Policy(NamedTuple):
    """A playbook as numbers; inf (or 0 for a minimum) where the trader set no limit.

    asset_cap (assets,), venue_cap, layer_cap, sleeve_min, sleeve_max: shares or multiples of book equity.
    group (scenarios,): the survival finding a scenario belongs to, `groups` of them.
    """

    near: float
    buffer: float
    position_loss: float
    depth_share: float
    account_gross: float
    account_net: float
    account_effective: float
    book_gross: float
    book_net: float
    book_effective: float
    asset_cap: Floats
    venue_cap: Floats
    layer_cap: Floats
    sleeve_min: Floats
    sleeve_max: Floats
    group: Integers
    groups: int


class Findings(NamedTuple):
    """What was measured, `rows` (1,) of it: rule code, subject number, detail (scenario or -1), value and limit."""

    rows: Integers
    code: Integers
    subject: Integers
    detail: Integers
    measured: Floats
    limit: Floats


class Proposals(NamedTuple):
    """What should be cut: `scale` (n,) of each position to keep, 1 = all, and the code of the rule that asked most."""

    scale: Floats
    reason: Integers


def empty_findings(state: State, policy: Policy) -> Findings:
    """Room for every finding the rules can make."""
    positions, accounts = state.position_account.size, state.account_equity.size
    room = 3 * positions + 4 * accounts + policy.groups * accounts + policy.asset_cap.size + policy.venue_cap.size
    room += policy.layer_cap.size + 2 * policy.sleeve_max.size + 3
    return Findings(
        rows=np.zeros(1, dtype=np.int64),
        code=np.zeros(room, dtype=np.int64),
        subject=np.zeros(room, dtype=np.int64),
        detail=np.zeros(room, dtype=np.int64),
        measured=np.zeros(room),
        limit=np.zeros(room),
    )


def no_proposals(state: State) -> Proposals:
    """Keep everything."""
    positions = state.position_account.size
    return Proposals(scale=np.ones(positions), reason=np.zeros(positions, dtype=np.int64))
