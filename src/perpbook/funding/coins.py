"""Coins in place of a perpetual: its own coin, or a basket of others that moves like it, in the account that holds it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from perpbook.funding.planner import Planner, Sum, Way
from perpbook.funding.tracking import Basket
from perpbook.funding.trading import Desk, Spot
from perpbook.funding.trial import account_in
from perpbook.margin.assess import assess
from perpbook.margin.assessment import PositionAssessment
from perpbook.model.account import MarginMode
from perpbook.model.trade import Trade


def counts_as_margin(desk: Desk, venue: str, asset: str) -> bool:
    """Whether a venue takes a coin for margin at all."""
    weight = desk.terms[venue].collateral.get(asset)
    return weight is not None and weight.maintenance_weight > 0.0


def coin_ways(planner: Planner, one: PositionAssessment, missing: list[str]) -> Iterator[Way]:
    """Coins bought with the account's own money, as many as its initial margin allows, and so much less of the perpetual: its
    own, and a basket of others where its own does not count as margin there."""
    desk, account = planner.desk, planner.desk.account(one.account)
    if one.exposure < 0.0 or desk.contract(one.account, one.symbol).contract.is_inverse:
        missing.append("spot: only a long in a contract that pays dollars can be held as coins")
    elif account.mode is MarginMode.ISOLATED:
        missing.append(f"spot in {one.account}: an isolated account takes no coins as margin")
    elif counts_as_margin(desk, account.venue, one.asset):
        yield from _own(planner, one, missing)
    else:
        missing.append(f"spot in {one.account}: {one.asset} counts for nothing as margin there")
        yield from _basket(planner, one, missing)


def _own(planner: Planner, one: PositionAssessment, missing: list[str]) -> Iterator[Way]:
    bought = _bought(planner.desk, one, {one.asset: 1.0})
    if bought is None:
        missing.append(f"spot in {one.account}: no money is free there")
        return
    trade, coins = bought
    words = f"{coins[0].dollars / one.notional:.0%} as {one.asset} coins in {one.account}, the rest as it is"
    yield Way(kind="spot", words=words, trades=(trade,), kept=1.0, coins=coins)


def _basket(planner: Planner, one: PositionAssessment, missing: list[str]) -> Iterator[Way]:
    """What its coins may make beside it is risk that the perpetual did not have."""
    basket = planner.baskets.get((planner.desk.account(one.account).venue, one.asset), "no history of it was asked for")
    if isinstance(basket, str):
        missing.append(f"a basket of coins in {one.account}: {basket}")
        return
    bought = _bought(planner.desk, one, basket.weights)
    if bought is None:
        missing.append(f"a basket of coins in {one.account}: no money is free there")
        return
    trade, coins = bought
    moved = planner.desk.notional(trade)
    share = moved / one.notional
    held = " + ".join(f"{weight:.2f} {asset}" for asset, weight in basket.weights.items())
    yield Way(
        kind="basket", words=f"{share:.0%} as coins in {one.account} ({held} for a dollar), the rest as it is",
        trades=(trade,), kept=1.0 - share * (1.0 - min(basket.back, 1.0)), coins=coins,
        strays=strays(basket, moved),
    )  # fmt: skip


def strays(basket: Basket, dollars: float) -> Sum:
    """What so many dollars in a basket may make beside the asset over the horizon."""
    return Sum(mean=0.0, low=dollars * basket.low, high=dollars * basket.high)


def _bought(desk: Desk, one: PositionAssessment, weights: Mapping[str, float]) -> tuple[Trade, tuple[Spot, ...]] | None:
    """The perpetual made smaller and the coins bought for it; None where no money is free.

    A dollar moved from the perpetual to coins frees the perpetual's initial margin and ties up the coins' haircuts and all costs.
    """
    account, prices = desk.account(one.account), desk.prices
    counts = desk.terms[account.venue].collateral
    spread = desk.slippage(Trade(account=one.account, symbol=one.symbol, quantity=-one.quantity))[0]
    eats = spread + desk.fee(one.account) - one.initial_margin / one.notional
    for asset, weight in weights.items():
        eats += weight * (1.0 - counts[asset].maintenance_weight + prices.spot_fee + prices.spot_spread)
    own = account_in(assess(desk.snapshot, desk.terms).assessment, one.account)
    room = own.summary.free_collateral / eats if eats > 0.0 else one.notional
    cash_held = sum(part.amount for part in account.collateral if part.asset == desk.terms[account.venue].settle)
    spent = sum(weights.values()) * (1.0 + prices.spot_fee + prices.spot_spread) + spread + desk.fee(one.account)
    dollars = min(one.notional, max(min(0.99 * room, cash_held / spent), 0.0))
    quantity = desk.quantity(one.account, one.symbol, -dollars)
    if not quantity:
        return None
    trade = Trade(account=one.account, symbol=one.symbol, quantity=quantity)
    moved = desk.notional(trade)
    coins = (Spot(account=one.account, asset=asset, dollars=moved * weight) for asset, weight in weights.items())
    return trade, tuple(coins)
