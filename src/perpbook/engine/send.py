"""Money leaves a place of a run for another: whether it can, and what that writes."""

from __future__ import annotations

import numpy as np

from perpbook.engine.backtest import Ready
from perpbook.kernels.holding import GAS, SENT
from perpbook.kernels.journal import MONEY_OUT, write
from perpbook.kernels.orders import has_margin
from perpbook.kernels.types import Floats
from perpbook.model.market import STABLECOINS


def depart(
    ready: Ready, bar: int, way: tuple[str, str], dollars: tuple[float, float], *, due: int, reason: int
) -> bool:
    """Start a transfer from one account or layer to another, there at the opening of bar `due`.

    dollars : what arrives, and the fee on top, paid by the sender. False, and nothing done, where the money is not there, the
    account's margin needs it, or no bar is left.
    """
    body, arrangement = ready.body, ready.arrangement
    places = [account.id for account in arrangement.accounts]
    (source, destination), (amount, fee) = way, dollars
    number, sender = int(body.moving[0]), sender_of(ready, source)
    if (
        number == body.under_way.size
        or bar + 1 >= ready.journey.bars.count
        or not can_spare(ready, bar, source, amount + fee)
    ):
        return False
    if sender >= 0:
        wallet = body.holding.accounts
        wallet[sender].cash -= amount + fee
        body.holding.lines.cash[sender] = wallet[sender].cash + wallet[sender].fixed
        body.holding.moved[sender, SENT] -= amount
        body.holding.moved[sender, GAS] -= fee
        event = write(body.journal, bar, MONEY_OUT, sender, -1, reason)
        body.journal.figures[event, 0], body.journal.figures[event, 2] = -amount, -fee
    else:
        body.outside.layers[arrangement.layers.index(source)] -= amount + fee
    body.outside.transit[0] += amount
    receiver = places.index(destination) if destination in places else -1 - arrangement.layers.index(destination)
    body.under_way[number] = (due, receiver, amount)
    body.moving[0] = number + 1
    return True


def sender_of(ready: Ready, source: str) -> int:
    """The number of an account, -1 for a layer."""
    places = [account.id for account in ready.arrangement.accounts]
    return places.index(source) if source in places else -1


def free_on_layer(ready: Ready, name: str) -> float:
    """Dollars that may leave a layer: neither locked nor kept for fees."""
    there = float(ready.body.outside.layers[ready.arrangement.layers.index(name)])
    held = [one for one in ready.journey.book.layers if one.layer == name and one.balance.asset in STABLECOINS]
    return there - sum(one.bound for one in held)


def can_spare(ready: Ready, bar: int, source: str, dollars: float) -> bool:
    """Whether a place holds that much beyond what its positions need as initial margin."""
    sender = sender_of(ready, source)
    if sender < 0:
        return free_on_layer(ready, source) >= dollars
    slots, holding = ready.arrangement.slots, ready.body.holding
    prices: Floats = np.ascontiguousarray(ready.journey.bars.close[:, bar])
    if holding.accounts.cash[sender] < dollars:
        return False
    first = int(slots.start[sender])
    if first == int(slots.start[sender + 1]):
        return True
    return bool(has_margin(slots, holding, first, 0.0, prices, dollars))
