"""Which coins move like an asset whose own coin is no margin where it is held: from the daily prices of the lake."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from perpbook.errors import DataError, InputError
from perpbook.model.units import DAY_NS

if TYPE_CHECKING:
    from perpbook.funding.tracking import Basket
    from perpbook.funding.trading import Desk

STEADY = 0.99
"""A coin that counts for more as margin is taken for money: it moves with nothing."""


def baskets_for(
    folder: Path, desk: Desk, now_ns: int, horizon_ns: int, level: float
) -> Mapping[tuple[str, str], Basket | str]:
    """By venue and asset, for every long whose own coin does not count there: a basket, or why there is none."""
    from perpbook.funding.coins import counts_as_margin

    wanted = {
        (account.venue, desk.contract(account.id, position.symbol).contract.base)
        for account in desk.snapshot.book.accounts
        for position in account.positions
        if position.quantity > 0.0
    }
    out: dict[tuple[str, str], Basket | str] = {}
    for venue, asset in sorted(wanted):
        if not counts_as_margin(desk, venue, asset):
            out[venue, asset] = _basket(folder, desk, (venue, asset), now_ns, horizon_ns, level)
    return out


def _basket(folder: Path, desk: Desk, key: tuple[str, str], now_ns: int, horizon_ns: int, level: float) -> Basket | str:
    import numpy as np

    from perpbook.funding.tracking import basket_of
    from perpbook.runs.hedge_past import PastAsked, read_past

    venue, asset = key
    coins = [one for one in _priced_coins(desk, venue) if one != asset and _held(folder, venue, one)]
    if not coins:
        return f"no coin that {venue} takes as margin has a price in the book and a past in the lake"
    try:
        asked = PastAsked(lake=folder, venue=venue, until_ns=now_ns // DAY_NS * DAY_NS)
        returns = read_past(asked, (asset, *coins)).returns
        rows = [returns.index(name) for name in (asset, *coins)]
        return basket_of(asset, coins, np.expm1(returns.values[rows]), -(-horizon_ns // DAY_NS), level)
    except (DataError, InputError) as error:
        return str(error).splitlines()[0]


def _priced_coins(desk: Desk, venue: str) -> list[str]:
    """Coins that a venue takes as margin below par, and whose price the book knows."""
    market = desk.snapshot.market
    return [
        asset
        for asset, weight in desk.terms[venue].collateral.items()
        if 0.0 < weight.maintenance_weight < STEADY
        and (asset in market.asset_prices or desk.any_price(asset) is not None)
    ]


def _held(folder: Path, venue: str, asset: str) -> bool:
    from perpbook.history.lake import Lake

    return bool(Lake(folder).held(kind="candles", venue=venue, symbol=f"{asset}-*"))
