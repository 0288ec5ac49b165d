"""The stage of a drill: a book's contracts at today's prices, and the steps that imagined futures are drawn onto."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from perpbook.engine.coins import coin_and_unit, counts_as_margin
from perpbook.errors import InputError
from perpbook.kernels.types import Floats
from perpbook.margin.columns import Columns, coin_price, risk_price
from perpbook.model.bars import Bars, SeriesKey, Settlements
from perpbook.model.market import STABLECOINS, Snapshot
from perpbook.terms.find import find_contract
from perpbook.terms.terms import VenueTerms


@dataclass(frozen=True, slots=True, kw_only=True)
class Horizon:
    """So many steps of `step_ns` from `start_ns` on."""

    start_ns: int
    step_ns: int
    steps: int

    def __post_init__(self) -> None:
        if self.steps < 1:
            raise InputError(f"a drill of {self.steps} steps is none: choose a longer horizon, or shorter steps")
        if self.step_ns <= 0:
            raise InputError("a step must be longer than nothing: write it like 15m, 1h or 4h")


def contracts_of(snapshot: Snapshot, terms: Mapping[str, VenueTerms]) -> tuple[SeriesKey, ...]:
    """Every contract that the book holds, once, by the venue's own symbol; then one for every coin that it holds as collateral
    and no contract of the book prices."""
    found = [
        SeriesKey(venue=account.venue, symbol=find_contract(terms[account.venue], one.symbol).contract.symbol)
        for account in snapshot.book.accounts
        for one in account.positions
    ]
    priced = {find_contract(terms[key.venue], key.symbol).contract.base for key in found}
    for account in snapshot.book.accounts:
        for balance in account.collateral:
            if (
                balance.asset in STABLECOINS
                or balance.asset in priced
                or not counts_as_margin(terms[account.venue], balance)
            ):
                continue
            symbol = _contract_on(terms[account.venue], balance.asset)
            if symbol is not None:
                found.append(SeriesKey(venue=account.venue, symbol=symbol))
                priced.add(balance.asset)
    return tuple(dict.fromkeys(found))


def _contract_on(venue: VenueTerms, coin: str) -> str | None:
    """A venue's contract on a coin: that which settles as the venue does, then the shortest name; None when it has none."""
    every = [venue.contracts[name].contract for name in venue.contracts if name.upper().startswith(coin.upper())]
    found = sorted((one.settle != venue.settle, len(one.symbol), one.symbol) for one in every if one.base == coin)
    return found[0][2] if found else None


def stage(
    snapshot: Snapshot,
    terms: Mapping[str, VenueTerms],
    contracts: Sequence[SeriesKey],
    horizon: Horizon,
    coins: Sequence[SeriesKey] = (),
) -> Bars:
    """Bars of every contract standing at its price, with a settlement of rate 0 at every boundary of its venue's interval;
    then of `coins` (`engine.coins`): stablecoins at par, others at their price.

    Raises
    ------
    MissingData : the snapshot has no price of a contract.
    InputError : the book holds no contract.
    """
    if not contracts:
        raise InputError("the book holds no position: there is nothing to drill")
    prices = np.concatenate([start_prices(snapshot, terms, contracts), coin_prices(snapshot, coins)])
    flat = np.repeat(prices[:, None], horizon.steps, axis=1)
    open_ns = horizon.start_ns + horizon.step_ns * np.arange(horizon.steps, dtype=np.int64)
    end = int(open_ns[-1]) + horizon.step_ns
    return Bars(
        bar_ns=horizon.step_ns,
        open_ns=open_ns,
        series=(*contracts, *coins),
        open=flat,
        high=flat.copy(),
        low=flat.copy(),
        close=flat.copy(),
        stale=np.zeros(flat.shape, dtype=np.uint8),
        settlements=tuple(_boundaries(terms[key.venue].funding.interval_ns, horizon.start_ns, end) for key in contracts)
        + (_boundaries(horizon.step_ns, end, end),) * len(coins),
        simulated=True,
        source="a drill",
    )


def start_prices(snapshot: Snapshot, terms: Mapping[str, VenueTerms], contracts: Sequence[SeriesKey]) -> Floats:
    """(C,) the prices that the venues margin on, where the drill starts; a coin's own where its contract has none."""
    columns = Columns(market=snapshot.market)
    held = {
        (account.venue, find_contract(terms[account.venue], one.symbol).contract.symbol)
        for account in snapshot.book.accounts
        for one in account.positions
    }
    out = []
    for key in contracts:
        contract = find_contract(terms[key.venue], key.symbol)
        if (key.venue, key.symbol) in held or (key.venue, key.symbol) in snapshot.market.quotes:
            out.append(risk_price(columns, terms[key.venue], contract))
        else:
            out.append(coin_price(columns, contract.contract.base))
    return np.array(out)


def coin_prices(snapshot: Snapshot, coins: Sequence[SeriesKey]) -> Floats:
    """(k,) prices of coins in their accounts' own, which is at par."""
    columns, names = Columns(market=snapshot.market), [coin_and_unit(key)[0] for key in coins]
    return np.array([1.0 if coin in STABLECOINS else coin_price(columns, coin) for coin in names])


def _boundaries(interval_ns: int, start_ns: int, end_ns: int) -> Settlements:
    """Settlements at every multiple of the interval after the start, before the end."""
    first = (start_ns // interval_ns + 1) * interval_ns
    times = np.arange(first, end_ns, interval_ns, dtype=np.int64)
    return Settlements(times_ns=times, rates=np.zeros(times.size), interval_ns=np.full(times.size, interval_ns))
