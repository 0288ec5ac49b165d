"""What a run's coins are worth in dollars on its way: every account's own coin, and money outside accounts.

Margin is reckoned in an account's own coin (`engine.coins`), so that coin's fall leaves margin alone and takes dollars from
whoever holds it.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from perpbook.engine.backtest import Ready
from perpbook.engine.coins import unit_of
from perpbook.engine.surroundings import Surroundings
from perpbook.kernels.toll import Worth
from perpbook.kernels.types import Floats
from perpbook.model.market import STABLECOINS


def worth_in(ready: Ready, around: Surroundings) -> Worth:
    """Dollars at every close: of one of each account's own coin, and outside accounts; and what frozen venues give back."""
    accounts, steps = ready.arrangement.accounts, ready.journey.bars.count
    coin, back = np.ones((len(accounts), steps)), np.ones(len(accounts))
    for number, account in enumerate(accounts):
        peg = around.peg(unit_of(account, ready.arrangement.terms[number]))
        if peg is not None:
            coin[number] = peg.close
        back[number] = around.given_back.get(account.venue, 1.0)
    return Worth(coin=coin, back=back, away=_amounts(ready) - _lost(ready, around))


def _amounts(ready: Ready) -> Floats:
    """(T,) dollars outside accounts with every coin at its peg: what is under way leaves when it arrives."""
    out, left = np.empty(ready.journey.bars.count), float(ready.body.outside.transit[0])
    arrivals = ready.body.under_way[: int(ready.body.moving[0])]
    for step in range(out.size):
        for one in arrivals:
            left -= float(one.dollars) if one.bar == step else 0.0
        out[step] = left + float(ready.body.outside.layers.sum())
    return out


def _lost(ready: Ready, around: Surroundings) -> Floats:
    """(T,) by how much money outside accounts is worth less than its amount."""
    steps = np.arange(ready.journey.bars.count)
    lost = np.zeros(steps.size)
    for coin, amount, arrives in _outside(ready):
        peg = around.peg(coin)
        if peg is not None:
            lost += np.where(steps < arrives, amount * (1.0 - peg.close), 0.0)
    return lost


def _outside(ready: Ready) -> Iterator[tuple[str, float, float]]:
    """Coin, amount, and the bar in which it arrives in an account (inf for never), of layers and of transfers."""
    for held in ready.journey.book.layers:
        if held.balance.asset in STABLECOINS:
            yield held.balance.asset, held.balance.amount, np.inf
    waiting, found = ready.body.under_way, 0
    for one in ready.journey.book.transfers:
        arrives = np.inf
        if found < int(ready.body.moving[0]):
            name = ready.arrangement.accounts[int(waiting[found].account)].id
            if waiting[found].dollars == one.amount and name == one.destination and one.arrives_ns is not None:
                arrives, found = float(waiting[found].bar), found + 1
        if one.asset in STABLECOINS:
            yield one.asset, one.amount, arrives
