"""A storm's overlay as a run feels it: factors on prices, books and funding, closed venues, coins, winners taken."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from perpbook.engine.backtest import Journey
from perpbook.engine.coins import coin_and_unit, is_coin, unit_of
from perpbook.engine.surroundings import Surroundings
from perpbook.kernels.tape import NO_ORDERS, NO_PRICE, TAKEN
from perpbook.kernels.types import Flags, Floats
from perpbook.model.account import Account
from perpbook.model.bars import Bars, SeriesKey
from perpbook.model.market import STABLECOINS
from perpbook.scenario.overlay import Overlay, Peg
from perpbook.terms.find import find_contract
from perpbook.terms.terms import VenueTerms


def surroundings_of(overlay: Overlay, journey: Journey) -> Surroundings:
    """What a drill needs of an overlay of the contracts among a journey's bars. A book thinned to a share d costs
    1 / sqrt(d) times the impact, by the square-root law."""
    known = list(dict.fromkeys(account.venue for account in journey.book.accounts))
    taken = [(one.step, known.index(one.venue), one.share) for one in overlay.adl if one.venue in known]
    unfunded = [known.index(venue) for venue in overlay.insurance_empty if venue in known]
    closed = overlay.no_orders * np.uint8(NO_ORDERS) | overlay.halted * np.uint8(NO_PRICE | NO_ORDERS)
    coins = [key for key in journey.bars.series if is_coin(key)]
    paths = [relative(overlay, key, journey.bars.count) for key in coins]
    still = np.ones((len(coins), journey.bars.count))
    return Surroundings(
        factor=_below(overlay.price, [one.close for one in paths]),
        low=_below(overlay.low, [one.low for one in paths]),
        high=_below(overlay.high, [one.high for one in paths]),
        funding_set=_below(overlay.funding_set, np.nan * still),
        funding_add=_below(overlay.funding_add, 0.0 * still),
        closed=_with_coins(closed.astype(np.uint8), journey, coins),
        spread=_below(overlay.spread, still),
        impact=_below(1.0 / np.sqrt(overlay.depth), still),
        taken=np.array(taken, dtype=TAKEN).view(np.recarray),
        off=_below(overlay.mark, still) if (overlay.mark != 1.0).any() else None,
        unfunded=np.array(unfunded, dtype=np.int64),
        pegs=overlay.pegs,
        given_back={venue: _given_back(overlay, venue) for venue in known},
    )


def _below(contracts: Floats, coins: list[Floats] | Floats) -> Floats:
    """Rows of coins under those of contracts."""
    return np.concatenate([contracts, coins]) if len(coins) else contracts


def relative(overlay: Overlay, key: SeriesKey, steps: int) -> Peg:
    """The path of the price of a coin in another, which its series names."""
    par = Peg(close=np.ones(steps), low=np.ones(steps), high=np.ones(steps))
    own, other = (overlay.peg(coin) or par for coin in coin_and_unit(key))
    return Peg(close=own.close / other.close, low=own.low / other.high, high=own.high / other.low)


def _with_coins(closed: Flags, journey: Journey, coins: list[SeriesKey]) -> Flags:
    """Flags of contracts and coins: a coin has those that all contracts of its venue have."""
    rows = [closed]
    for coin in coins:
        venue = [
            closed[number] for number, key in enumerate(journey.bars.series[: len(closed)]) if key.venue == coin.venue
        ]
        rows.append(np.bitwise_and.reduce(venue or [np.zeros_like(closed[0])])[None, :])
    return np.ascontiguousarray(np.concatenate(rows))


def _given_back(overlay: Overlay, venue: str) -> float:
    """The share of an account's equity that comes back from a venue at the end."""
    out = 1.0
    for one in overlay.outages:
        if one.where == "venue" and one.kind == "frozen" and one.name in ("*", venue):
            out *= 1.0 - one.factor
    return out


def still_coins(bars: Bars) -> tuple[str, ...]:
    """Coins that count as collateral and have no path of their own, in words."""
    names = [coin_and_unit(key)[0] for key in bars.series if is_coin(key)]
    return tuple(
        f"{coin} is collateral and no contract prices it: it stands at its price but where a storm takes it off its peg"
        for coin in dict.fromkeys(names)
        if coin not in STABLECOINS
    )


def heard(overlay: Overlay, journey: Journey) -> tuple[str, ...]:
    """What a drill does with coins off their peg, funds that are empty and winners that are taken, in words."""
    out: list[str] = []
    for coin, peg in overlay.pegs.items():
        out += _coin_words(coin, peg.least, journey)
    if overlay.adl:
        out.append(
            "winners are closed at the step's close, the first in their venue's queue first; that a venue closes them at a "
            "loser's bankruptcy price, and where the rest of its traders stand in the queue, is not known"
        )
    if overlay.insurance_empty:
        out.append(
            "where no insurance fund pays, a bankrupt account's debt falls on the book's own winners on its other side there, "
            "as far as they go; what other traders' bankruptcies take is only what a storm's [[adl]] names"
        )
    return tuple(out)


def _coin_words(coin: str, least: float, journey: Journey) -> Iterator[str]:
    """Who feels a coin's fall, and how."""
    falls = f"{coin} falls to {least:.2f} of its peg"
    own: list[str] = []
    for account in journey.book.accounts:
        venue = journey.terms[account.venue]
        if unit_of(account, venue).upper() == coin.upper():
            own.append(account.id)
        for balance in account.collateral:
            if balance.asset.upper() == coin.upper() and account.id not in own:
                yield f"{falls}: {_beside(account, balance.asset, venue)}"
    if own:
        yield (
            f"{falls}: what is held in {', '.join(own)} is worth that much less in dollars, while margin there, reckoned in "
            f"{coin} and at prices quoted in it, does not feel it"
        )
    away = sum(held.balance.amount for held in journey.book.layers if held.balance.asset.upper() == coin.upper())
    if away and coin.upper() in STABLECOINS:
        yield f"{falls}: {away:,.0f} of it on layers are worth that much less"


def _beside(account: Account, coin: str, venue: VenueTerms) -> str:
    """What a coin beside an account's own counts for."""
    found = venue.collateral.get(coin)
    if found is None:
        return f"{coin} in {account.id} counts for nothing by {venue.name}'s terms; a terms file of yours may give it a weight"
    return f"margin of {account.id} feels it, where {coin} counts {found.maintenance_weight:g} of its price"


def unheard(overlay: Overlay, journey: Journey) -> tuple[str, ...]:
    """What a storm says that a drill does not act on, in words."""
    out = [words for coin, peg in overlay.pegs.items() for words in _not_felt(coin, peg.least, journey)]
    out += [
        f"gas on {one.name} is {one.factor:g} times as dear: no rule pays for gas in a drill"
        for one in overlay.outages
        if one.where == "layer" and one.kind == "gas"
    ]
    return tuple(dict.fromkeys(out))


def _not_felt(coin: str, least: float, journey: Journey) -> Iterator[str]:
    """What does not feel a coin's fall though it would."""
    falls, units = f"{coin} falls to {least:.2f} of its peg", {}
    for account in journey.book.accounts:
        venue = journey.terms[account.venue]
        units[account.id] = unit_of(account, venue).upper()
        settles = {find_contract(venue, one.symbol).contract.settle.upper() for one in account.positions}
        if coin.upper() in settles - {units[account.id]}:
            yield f"{falls}: profit of contracts in {account.id} that settle in it is counted at its peg"
    if coin.upper() in units.values():
        yield f"{falls}: rules judge equity and shares in each account's own coin, and do not see it"
    for one in journey.book.transfers:
        if one.asset.upper() == coin.upper() and units.get(one.destination, coin.upper()) != coin.upper():
            yield f"{falls}: what is under way to {one.destination} arrives at its peg"
