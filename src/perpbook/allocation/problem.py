"""A rebalance laid out: where money stands, the bands it must come into, what may not get worse, and what any answer comes to."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from perpbook.allocation.levers import OUTSIDE, TradeLever, TransferLever
from perpbook.kernels.state import Policy, State
from perpbook.kernels.types import Floats
from perpbook.margin.assess import Assessed
from perpbook.playbook.compile import Names, share_cap
from perpbook.playbook.schema import RESERVE, Playbook
from perpbook.sizing.build import limits_of
from perpbook.sizing.limits import Limits, Linear, MarginLimits, margin_limits, surpluses

TOLERANCE = 1e-7
"""Of book equity: what is missed by no more counts as kept."""

EFFORT = 1e-5
"""Of book equity: what an order or a transfer is worth not to make, beside its cost. It keeps dust out and is no cost itself."""

REACHED = 1e-6
"""Of book equity: bands that are missed by no more together are reached."""

LEAST_TRADE = 50.0
"""Dollars: the least that is traded or sent where the playbook has no `rebalance.minimum_trade`."""

LEAST_LEFT = 0.01
"""Of an account's initial margin: it is never emptied of positions, which would make its money the reserve's at a stroke."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Band:
    """A sleeve's share of book equity: where it must come, and its target. `number` in the playbook's order."""

    number: int
    name: str
    least: float
    most: float
    target: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """The size (>= 0) that positions should have together, a share of book equity; `slack` is how far from it they may stay, a
    share too. One position for a weight, all of a sleeve's for its size."""

    positions: tuple[int, ...]
    share: float
    slack: float


@dataclass(frozen=True, slots=True, kw_only=True)
class ShareCap:
    """Money in one place (`accounts`, and `layers` by name) over book equity is at most `cap`; `base` dollars now."""

    name: str
    accounts: tuple[int, ...]
    layers: tuple[str, ...]
    base: float
    cap: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem:
    """What the search works on, dollars.

    `accounts` (A,) equity; `idle` money on layers and under way; `reserve` the sleeve that idle money is in, -1 for none. `now`
    (m,) is what each margin limit misses today (<= 0): no answer may miss more; `missed` (bands,) by what each band is missed
    today, < 0 short and > 0 over.
    """

    equity: float
    accounts: Floats
    idle: float
    reserve: int
    bands: tuple[Band, ...]
    wishes: tuple[Wish, ...]
    trades: tuple[TradeLever, ...]
    transfers: tuple[TransferLever, ...]
    caps: tuple[ShareCap, ...]
    limits: Limits
    laid: MarginLimits
    now: Floats
    upper: Floats
    minimum: float
    missed: Floats

    def of_account(self, number: int) -> list[int]:
        """Positions in an account."""
        return [k for k, one in enumerate(self.trades) if one.account == number]

    def margins(self, number: int) -> dict[int, float]:
        """Initial margin of an account today by sleeve, -1 for none; empty for one whose money is the reserve's."""
        out: dict[int, float] = {}
        for k in self.of_account(number):
            out[self.trades[k].sleeve] = out.get(self.trades[k].sleeve, 0.0) + self.trades[k].initial
        return out if sum(out.values()) > 0.0 else {}


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What sizes and sums sent come to, dollars.

    `trading`, `sending` costs; `reluctance` what it is worth not to do all that, beside its cost; `revalued` what coins count for
    more (> 0) where they arrive; `delta` (A,) by account, `layers` by name; `capital` by sleeve; `missing` by band, < 0 short and
    > 0 over; `astray` by wish.
    """

    trading: float
    sending: float
    reluctance: float
    revalued: float
    equity: float
    delta: Floats
    layers: Mapping[str, float]
    capital: Floats
    missing: Floats
    astray: Floats

    @property
    def cost(self) -> float:
        """All of it."""
        return self.trading + self.sending

    @property
    def short(self) -> float:
        """Dollars by which bands and wishes are missed, together."""
        return float(np.abs(self.missing).sum() + self.astray.sum())


def outcome(problem: Problem, scale: Floats, sent: Floats) -> Outcome:
    """Reckon it, with the true costs and the true shares of every account. scale (n,) of today's sizes; sent (ways,) coins."""
    delta, layers = np.zeros(problem.accounts.size), dict[str, float]()
    costs = [lever.cost(float(size)) for lever, size in zip(problem.trades, scale, strict=True)]
    for lever, cost in zip(problem.trades, costs, strict=True):
        delta[lever.account] -= cost
    sending = 0.0
    for way, coins in zip(problem.transfers, sent.tolist(), strict=True):
        arrived = way.arrives(coins)
        sending += way.cost(coins)
        if way.source != OUTSIDE:
            delta[way.source] -= coins * way.out_worth
        elif way.source_layer:
            layers[way.source_layer] = layers.get(way.source_layer, 0.0) - coins * way.out_worth
        if way.target != OUTSIDE:
            delta[way.target] += arrived * way.in_worth
        else:
            layers[way.target_layer] = layers.get(way.target_layer, 0.0) + arrived * way.in_worth
    idle = sum(layers.values())
    equity = problem.equity + float(delta.sum()) + idle
    capital = capital_of(problem, scale, delta, idle)
    trading = sum(costs)
    actions = int(np.count_nonzero(scale != 1.0) + np.count_nonzero(sent))
    prices = np.array([way.price for way in problem.transfers])
    return Outcome(
        trading=trading,
        sending=sending,
        reluctance=EFFORT * problem.equity * actions + float(prices @ sent),
        revalued=equity - problem.equity + trading + sending,
        equity=equity,
        delta=delta,
        layers=layers,
        capital=capital,
        missing=np.array([_missing(one, float(capital[one.number]), equity) for one in problem.bands]),
        astray=np.array([astray_by(problem, one, scale, equity) for one in problem.wishes]),
    )


def capital_of(problem: Problem, scale: Floats, delta: Floats, idle: float) -> Floats:
    """(sleeves,) dollars in each, as `playbook.sleeves.sleeve_capital` does."""
    capital = np.zeros(max((band.number for band in problem.bands), default=-1) + 2)
    rest = problem.idle + idle
    for number, equity in enumerate((problem.accounts + delta).tolist()):
        shares: dict[int, float] = {}
        for k in problem.of_account(number):
            one = problem.trades[k]
            shares[one.sleeve] = shares.get(one.sleeve, 0.0) + one.initial * float(scale[k])
        whole = sum(shares.values())
        if whole <= 0.0:
            rest += equity
            continue
        for sleeve, margin in shares.items():
            capital[sleeve] += equity * margin / whole
    capital[problem.reserve] += rest
    return capital[:-1]


def _missing(band: Band, capital: float, equity: float) -> float:
    short, over = band.least * equity - capital, capital - band.most * equity
    return -short if short > 0.0 else max(over, 0.0)


def size_of(problem: Problem, wish: Wish, scale: Floats) -> float:
    """Dollars, >= 0, of a wish's positions at shares (n,) of today's sizes."""
    return sum(abs(problem.trades[k].value) * float(scale[k]) for k in wish.positions)


def astray_by(problem: Problem, wish: Wish, scale: Floats, equity: float) -> float:
    """Dollars by which positions stay outside what their wish allows."""
    return max(abs(size_of(problem, wish, scale) - wish.share * equity) - wish.slack * equity, 0.0)


def worst_miss(problem: Problem, scale: Floats, found: Outcome) -> float:
    """Dollars by which what may not get worse is missed at most, rules and bands alike; <= 0 when all is kept."""
    value, _ = surpluses(problem.limits, problem.laid, scale)
    value = value + found.delta[problem.laid.account] - problem.now
    misses = [-float(value.min(initial=np.inf)), *(_over(problem, one, scale, found) for one in problem.limits.linear)]
    for cap in problem.caps:
        misses.append(_held(problem, cap, found) - cap_now(problem, cap) * found.equity)
    for number, equity in enumerate((problem.accounts + found.delta).tolist()):
        own = problem.of_account(number)
        asked = sum(problem.trades[k].initial * float(scale[k]) for k in own)
        misses.append(asked - equity + free_now(problem, number))
    missed = problem.missed
    misses += (np.maximum(-found.missing, 0.0) - np.maximum(-missed, 0.0)).tolist()
    misses += (np.maximum(found.missing, 0.0) - np.maximum(missed, 0.0)).tolist()
    size = np.array([abs(one.value) for one in problem.trades])
    misses.append(float((size * (scale - problem.upper)).max(initial=-np.inf)))
    return max(misses)


def empties(problem: Problem, scale: Floats) -> bool:
    """True where sizes leave an account with next to nothing of its initial margin."""
    for number in range(problem.accounts.size):
        own = [problem.trades[k].initial * np.array([1.0, scale[k]]) for k in problem.of_account(number)]
        before, after = sum(own, np.zeros(2))
        if after < LEAST_LEFT * before * (1.0 - 1e-6):
            return True
    return False


def free_now(problem: Problem, number: int) -> float:
    """What an account lacks of its initial margin today (<= 0): it may not lack more."""
    asked = sum(problem.trades[k].initial for k in problem.of_account(number))
    return min(float(problem.accounts[number]) - asked, 0.0)


def cap_now(problem: Problem, cap: ShareCap) -> float:
    """A cap, or the share that stands there already where that is more."""
    return max(cap.cap, cap.base / problem.equity)


def _over(problem: Problem, one: Linear, scale: Floats, found: Outcome) -> float:
    gained = found.equity - problem.equity if one.account < 0 else float(found.delta[one.account])
    return float(one.coefficients @ scale) - one.bound - one.per_dollar * gained


def _held(problem: Problem, cap: ShareCap, found: Outcome) -> float:
    moved = sum(float(found.delta[number]) for number in cap.accounts)
    return cap.base + moved + sum(found.layers.get(layer, 0.0) for layer in cap.layers)


def bands_of(playbook: Playbook) -> tuple[Band, ...]:
    """Where each sleeve must come: as near to its target as the drift allows, within its least and most."""
    drift = playbook.rebalance.drift if playbook.rebalance else None
    out = []
    for number, one in enumerate(playbook.capital.sleeves if playbook.capital else ()):
        least, most = one.min or 0.0, 1.0 if one.max is None else one.max
        if one.target is not None and drift is not None:
            least, most = max(least, one.target - drift), min(most, one.target + drift)
        out.append(Band(number=number, name=one.name, least=least, most=most, target=one.target))
    return tuple(out)


def lay_out(
    assessed: Assessed,
    rules: tuple[Playbook, State, Policy, Names],
    levers: tuple[Sequence[TradeLever], Sequence[TransferLever]],
    wishes: Sequence[Wish] = (),
) -> Problem:
    """Put it together. The limits are those of `sizing`, with trading costs counted apart."""
    playbook, state, policy, names = rules
    arrays = assessed.arrays
    held = arrays.held._replace(close_cost=np.zeros_like(arrays.held.close_cost))
    bare = replace(assessed, arrays=replace(arrays, held=held))
    limits = limits_of(bare, state, policy, names, no_worse=True)
    equity = assessed.measures.equity
    linear = tuple(
        _no_worse(one, assessed.assessment.book.equity if one.account < 0 else float(equity[one.account]))
        for one in limits.linear
    )
    limits = replace(limits, linear=linear)
    laid, stands = _no_worse_margins(limits, margin_limits(limits))
    sleeves = [one.name for one in playbook.capital.sleeves] if playbook.capital else []
    outside = sum(assessed.outside.layers.values()) + assessed.outside.in_transit
    problem = Problem(
        equity=assessed.assessment.book.equity,
        accounts=assessed.measures.equity.copy(),
        idle=outside,
        reserve=sleeves.index(RESERVE) if RESERVE in sleeves else -1,
        bands=bands_of(playbook),
        wishes=tuple(wishes),
        trades=tuple(levers[0]),
        transfers=tuple(levers[1]),
        caps=tuple(_share_caps(assessed, playbook, levers[1])),
        limits=limits,
        laid=laid,
        now=np.minimum(stands, 0.0),
        upper=_upper(state, policy),
        minimum=policy.rebalance_minimum or LEAST_TRADE,
        missed=np.zeros(0),
    )
    still = outcome(problem, np.ones(len(problem.trades)), np.zeros(len(problem.transfers)))
    return replace(problem, missed=still.missing)


def _no_worse(one: Linear, equity: float) -> Linear:
    """A cap that is broken, at the multiple of equity that stands today."""
    stands = float(one.coefficients.sum())
    if stands <= one.bound or equity <= 0.0:
        return replace(one, bound=max(one.bound, stands))
    fixed = one.per_dollar * equity - one.bound
    return replace(one, bound=stands, per_dollar=(stands + fixed) / equity)


def _no_worse_margins(limits: Limits, laid: MarginLimits) -> tuple[MarginLimits, Floats]:
    """Margin limits that are broken, at the share of equity that margin takes today, and what each misses today all the same."""
    one = np.ones(limits.rows.size)
    stands, _ = surpluses(limits, laid, one)
    alone, _ = surpluses(limits, replace(laid, weight=np.zeros_like(laid.weight)), one)
    broken = (stands < 0.0) & (alone > 0.0)
    with np.errstate(divide="ignore", invalid="ignore"):
        ratio = np.where(broken, alone / (alone - stands), 1.0)
    return replace(laid, weight=laid.weight * ratio), np.where(broken, 0.0, np.minimum(stands, 0.0))


def _upper(state: State, policy: Policy) -> Floats:
    """(n,) the share of today's size beyond which a rule on the position alone is broken, or broken further."""
    if not math.isfinite(policy.depth_share):
        return np.full(state.positions.size, np.inf)
    room = policy.depth_share * state.positions.depth / state.positions.notional
    return np.where(np.isnan(room), np.inf, np.maximum(room, 1.0))


def _share_caps(assessed: Assessed, playbook: Playbook, transfers: Sequence[TransferLever]) -> Iterator[ShareCap]:
    """Caps on venues and layers, those that money could come onto included."""
    accounts, equity = assessed.arrays.accounts, assessed.measures.equity
    for venue in dict.fromkeys(one.venue for one in accounts):
        own = tuple(k for k, one in enumerate(accounts) if one.venue == venue)
        yield ShareCap(
            name=f"venues.max_share {venue}", accounts=own, layers=(), base=float(equity[list(own)].sum()),
            cap=share_cap(playbook.venues, venue),
        )  # fmt: skip
    money: Mapping[str, float] = assessed.outside.layers
    places = [*(one.layer for one in accounts if one.layer), *money, *(one.target_layer for one in transfers)]
    for layer in dict.fromkeys(place for place in places if place):
        own = tuple(k for k, one in enumerate(accounts) if one.layer == layer)
        yield ShareCap(
            name=f"layers.max_share {layer}", accounts=own, layers=(layer,),
            base=float(equity[list(own)].sum()) + money.get(layer, 0.0), cap=share_cap(playbook.layers, layer),
        )  # fmt: skip
