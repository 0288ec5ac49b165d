"""The other way out of a breach: the money that would keep every position as it is."""

from __future__ import annotations

import math

import numpy as np

from perpbook.kernels.liquidation import joint_moves
from perpbook.kernels.state import Policy, State
from perpbook.kernels.types import Floats
from perpbook.margin.assess import Assessed
from perpbook.margin.measures import effective_leverages, nearer, position_sizes
from perpbook.margin.tolls import account_tolls
from perpbook.model.verdict import MoneyWanted


def collateral_needed(assessed: Assessed, state: State, policy: Policy) -> dict[str, float]:
    """Dollars of collateral that each account lacks to meet its margin now and in every scenario, buffer included, and
    its own leverage caps, with no trim at all; only accounts that lack any.

    Counted in the account's settlement dollars, at full weight. Caps on assets and on the book's gross and net leverage
    are about book equity, wherever it stands: see `equity_needed`.
    """
    lacking = np.maximum.reduce([
        assessed.measures.maintenance - assessed.measures.equity,
        _for_survival(assessed, state, policy),
        _for_caps(state, policy),
        _for_effective(assessed, state, policy),
    ])  # fmt: skip
    names = [account.id for account in assessed.arrays.accounts]
    return {name: float(dollars) for name, dollars in zip(names, lacking, strict=True) if dollars > 0.0}


def equity_needed(state: State, policy: Policy) -> float:
    """Dollars of book equity, in any account, that the caps on assets and on the book's gross and net leverage lack."""
    gross = float(state.positions.notional.sum())
    net = abs(float(state.positions.exposure.sum()) + float(state.book.coins[0]))
    wanted = [gross / policy.book_gross, net / policy.book_net, *(state.asset_notional / policy.asset_cap).tolist()]
    return max(0.0, float(max(wanted)) - float(state.book.equity[0]))


def money_wanted(assessed: Assessed, state: State, policy: Policy) -> tuple[MoneyWanted, ...]:
    """What would mend the book without a trim: accounts by what they lack, then the book."""
    lacking = collateral_needed(assessed, state, policy)
    wanted = [MoneyWanted(account=name, dollars=dollars) for name, dollars in lacking.items()]
    rest = equity_needed(state, policy)
    whole = (MoneyWanted(account="book", dollars=rest),) if rest > 0.0 else ()
    return (*sorted(wanted, key=lambda one: -one.dollars), *whole)


def _for_survival(assessed: Assessed, state: State, policy: Policy) -> Floats:
    """(accounts,) the worst shortfall of any scenario, hardship included; a dollar of collateral is a dollar in each."""
    short = (1.0 + policy.buffer) * state.stress_maintenance - state.stress_equity
    short += account_tolls(assessed.arrays, assessed.tolls)[:, None]
    worst: Floats = short.max(axis=1, initial=-math.inf)
    return worst


def _for_caps(state: State, policy: Policy) -> Floats:
    """(accounts,) what gross and net leverage caps want beyond equity."""
    accounts = state.accounts.equity.size
    gross = np.bincount(state.positions.account, state.positions.notional, accounts)
    net = np.bincount(state.positions.account, state.positions.exposure, accounts)
    held = gross > 0.0
    wanted = np.maximum(gross / policy.account_gross, np.abs(net + state.accounts.coins) / policy.account_net)
    return np.where(held, wanted - state.accounts.equity, -math.inf)


def _for_effective(assessed: Assessed, state: State, policy: Policy) -> Floats:
    """(accounts,) what effective leverage wants, by halving: more collateral moves the joint liquidation away.

    The book's cap is about the account that dies first; kept by every account, it holds whichever that is.
    """
    cap = min(policy.account_effective, policy.book_effective)
    out = np.full(state.accounts.equity.size, -math.inf)
    for a in np.flatnonzero(state.accounts.effective > cap):
        low, high = 0.0, max(float(assessed.measures.gross[a]) / cap, 1.0)
        while effective_with(assessed, int(a), high) > cap:
            low, high = high, 2.0 * high
        while high - low > 1e-9 * high:
            middle = 0.5 * (low + high)
            low, high = (middle, high) if effective_with(assessed, int(a), middle) > cap else (low, middle)
        out[a] = high
    return out


def effective_with(assessed: Assessed, account: int, dollars: float) -> float:
    """An account's effective leverage with that many dollars more in it."""
    arrays, lines = assessed.arrays, assessed.measures.lines
    moves, move = np.empty((1, 2)), np.full(lines.cash.size, math.nan)
    alone = lines._replace(start=lines.start[account : account + 2], cash=lines.cash[account : account + 1] + dollars)
    joint_moves(alone, arrays.prices, arrays.betas, moves)
    equity = assessed.measures.equity[account : account + 1] + dollars
    move[account] = nearer(moves, equity >= assessed.measures.maintenance[account])[0]
    return float(effective_leverages(arrays, lines, move, position_sizes(arrays))[account])
