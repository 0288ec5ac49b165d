"""What `decide` reads and writes: NamedTuples of arrays, so that the same call is compiled once for every verb.

Dollars, fractions and leverages; NaN for "not known", inf for "no cap". Sizes: n positions, and one entry per account,
asset, venue, layer, sleeve, scenario. Depends on no names: `playbook.compile` and `playbook.words` go there and back.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from perpbook.kernels.types import Floats, Integers, Rows

(
    ACCOUNT_DEAD,
    DAILY_DRAWDOWN,
    WEEKLY_DRAWDOWN,
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
    FUNDING_BOOK,
    FUNDING_ASSET,
    FUNDING_VENUE,
    FUNDING_PROJECTED,
    FUNDING_FLIP,
    FUNDING_EXPECTED,
    FUNDING_MOVED,
    FUNDING_SKEW,
    TAKE_PROFIT,
    HEDGE_BAND,
    MARGIN_MODE,
    SLEEVE_MIN,
    SLEEVE_MAX,
    REBALANCE,
    BRIDGE_SHARE,
    STABLECOIN_SHARE,
    VENUE_LOSS,
    LAYER_LOSS,
    LAYER_RESERVE,
    LAYER_GAS,
) = range(1, 36)
"""Reason codes, in order of precedence: a lower number was asked first and is never undone. 0 is no reason."""

REASONS = LAYER_GAS + 1
"""How many reasons there are, none included."""


SEEN_POSITION = np.dtype(
    [
        *[(name, np.int64) for name in ("account", "asset", "venue", "isolated", "wanted")],
        *[(name, np.float64) for name in ("notional", "value", "exposure", "loss", "gain", "depth")],
        *[(name, np.float64) for name in ("target", "cost", "funding", "yearly", "expected", "ahead", "paid_in_row")],
    ],
    align=True,
)
"""A position: numbers of its account, asset and venue; isolated 1/0, wanted mode (0 any, 1 isolated, 2 cross); notional,
signed notional `value`, beta-weighted signed exposure, unrealised loss (>= 0), unrealised profit over cost `gain`, notional
resting on the exit side (NaN unknown); the signed share of book equity a strategy wants (NaN none), what trading costs (a
fraction), funding paid (> 0) this UTC day. Of its contract's funding, NaN unknown, > 0 longs pay: the rate in force a year, and
the one expected. `ahead` dollars (> 0 paid) that the rate in force still costs until midnight UTC; `paid_in_row` settlements paid
since the last received, 0 where none ever was."""

SEEN_ACCOUNT = np.dtype(
    [
        *[
            (name, np.float64)
            for name in ("equity", "coins", "effective", "safe_scale", "calm_scale", "book_calm_scale")
        ],
        ("dead", np.int64),
    ],
    align=True,
)
"""An account: equity, beta-weighted net exposure of its coins, effective leverage, dead already 1/0. `safe_scale` is the
largest scale that survives every scenario with the buffer; `calm_scale` keeps effective leverage under the account cap,
`book_calm_scale` under the book's."""

SEEN_BOOK = np.dtype(
    [
        *[(name, np.float64) for name in ("equity", "coins", "effective")],
        ("now_ns", np.int64),
        ("rebalance_due", np.int64),
    ],
    align=True,
)
"""The book: equity, net exposure outside positions, effective leverage, the moment, whether a rebalance is due 1/0."""


class State(NamedTuple):
    """A book at one instant, as the rules see it, dollars.

    positions (n,), accounts (A,), book (1,): records as above. asset_notional (assets,); asset_net (assets,) beta-weighted net
    exposure, coins included. stress_equity, stress_maintenance (A, scenarios). venue_equity,
    layer_value, sleeve_capital by number. Of layers: `layer_free` stablecoins outside accounts, with what is on its way there,
    `layer_gas` the same of the coin that fees are paid in, coins. bridge_value, stablecoin_value: dollars under way over one
    family of bridges, and in one stablecoin. venue_left, layer_left: dollars left once it is lost and the worst scenario has
    come, whose number is `_left_in` (-1: as it stands). NaN: not known, and not judged.
    """

    positions: Rows
    accounts: Rows
    book: Rows
    asset_notional: Floats
    asset_net: Floats
    stress_equity: Floats
    stress_maintenance: Floats
    venue_equity: Floats
    layer_value: Floats
    sleeve_capital: Floats
    layer_free: Floats
    layer_gas: Floats
    bridge_value: Floats
    stablecoin_value: Floats
    venue_left: Floats
    venue_left_in: Integers
    layer_left: Floats
    layer_left_in: Integers


def empty_state(
    positions: int,
    accounts: int,
    scenarios: int,
    counts: tuple[int, int, int, int],
    bridges: int = 0,
    stablecoins: int = 0,
) -> State:
    """Room for a state; `counts` of assets, venues, layers, sleeves. What nobody knows is NaN."""
    assets, venues, layers, sleeves = counts
    seen = np.zeros(positions, dtype=SEEN_POSITION).view(np.recarray)
    for name in ("depth", "target", "funding", "yearly", "expected", "ahead", "paid_in_row"):
        seen[name] = np.nan
    own = np.zeros(accounts, dtype=SEEN_ACCOUNT).view(np.recarray)
    for name in ("safe_scale", "calm_scale", "book_calm_scale"):
        own[name] = 1.0
    return State(
        positions=seen,
        accounts=own,
        book=np.zeros(1, dtype=SEEN_BOOK).view(np.recarray),
        asset_notional=np.zeros(assets),
        asset_net=np.zeros(assets),
        stress_equity=np.zeros((accounts, scenarios)),
        stress_maintenance=np.zeros((accounts, scenarios)),
        venue_equity=np.zeros(venues),
        layer_value=np.zeros(layers),
        sleeve_capital=np.zeros(sleeves),
        layer_free=np.zeros(layers),
        layer_gas=np.full(layers, np.nan),
        bridge_value=np.zeros(bridges),
        stablecoin_value=np.zeros(stablecoins),
        venue_left=np.full(venues, np.nan),
        venue_left_in=np.full(venues, -1, dtype=np.int64),
        layer_left=np.full(layers, np.nan),
        layer_left_in=np.full(layers, -1, dtype=np.int64),
    )


class Policy(NamedTuple):
    """A playbook as numbers; inf (or 0 for a minimum) where the trader set no limit.

    asset_cap (assets,), venue_cap, layer_cap, sleeve_min, sleeve_max: shares or multiples of book equity.
    group (scenarios,): the survival finding a scenario belongs to, `groups` of them. drawdown_flattens 1 closes
    everything, 0 only refuses new risk; rearm_by_hand 1 never re-arms. profit_gain, profit_close (steps,): the ladder.
    funding_cap, funding_asset_cap, funding_venue_cap: shares of book equity a UTC day may cost; funding_projected: the same with
    what the rates in force cost until midnight. funding_expected, funding_skew: rates a year. flip_after: settlements (0 none).
    funding_rotates: see `rules.rotation`; funding_payback: years in which a move must pay for itself. hedge_band
    (assets,), rebalance_drift: shares of book equity; rebalance_minimum dollars. slack: by how much more than needed a cut cuts,
    a fraction; cooldown_ns: how long a position cut by a rule under survival is left alone by those rules. bridge_cap,
    stablecoin_cap; venue_leaves, layer_leaves: least left after a loss, 0 none; all shares of book equity. reserve dollars, gas
    coins (layers,): the least there, 0 none.
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
    daily_drawdown: float
    weekly_drawdown: float
    drawdown_flattens: int
    rearm_by_hand: int
    profit_gain: Floats
    profit_close: Floats
    funding_cap: float
    funding_asset_cap: Floats
    funding_venue_cap: Floats
    funding_projected: float
    funding_expected: float
    funding_skew: float
    flip_after: int
    funding_rotates: int
    funding_payback: float
    hedge_band: Floats
    rebalance_drift: float
    rebalance_minimum: float
    rebalance_cost_aware: int
    slack: float
    cooldown_ns: int
    bridge_cap: float
    stablecoin_cap: float
    venue_leaves: float
    layer_leaves: float
    reserve: Floats
    gas: Floats


class Findings(NamedTuple):
    """What was measured, `rows` (1,) of it: rule code, subject number, detail (scenario or -1), value and limit."""

    rows: Integers
    code: Integers
    subject: Integers
    detail: Integers
    measured: Floats
    limit: Floats


class Proposals(NamedTuple):
    """What should be done: `scale` (n,) of each position to keep, 1 = all; `target` (n,) the signed dollars it should be
    brought to, NaN none; `reason` (n,) the code of the rule that asked most; `no_new_risk` (1,) 1 while nothing may grow."""

    scale: Floats
    target: Floats
    reason: Integers
    no_new_risk: Integers


def empty_findings(state: State, policy: Policy) -> Findings:
    """Room for every finding the rules can make."""
    positions, accounts = state.positions.size, state.accounts.size
    room = 8 * positions + 4 * accounts + policy.groups * accounts + policy.asset_cap.size + policy.venue_cap.size
    room += policy.layer_cap.size + 2 * policy.sleeve_max.size + 7
    room += policy.funding_asset_cap.size + policy.funding_venue_cap.size + policy.hedge_band.size
    room += state.bridge_value.size + state.stablecoin_value.size + state.venue_left.size + 3 * state.layer_left.size
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
    positions = state.positions.size
    return Proposals(
        scale=np.ones(positions),
        target=np.full(positions, np.nan),
        reason=np.zeros(positions, dtype=np.int64),
        no_new_risk=np.zeros(1, dtype=np.int64),
    )
