"""Measures become the values that are shown: positions, accounts, the book."""

from __future__ import annotations

import math
from collections.abc import Mapping

from perpbook.kernels.partial import first_closed
from perpbook.margin.arrays import BookArrays, Item
from perpbook.margin.assessment import (
    ZERO,
    AccountAssessment,
    BookAssessment,
    MarginSummary,
    OrphanExposure,
    PositionAssessment,
)
from perpbook.margin.measures import Measures
from perpbook.terms.terms import VenueTerms


def none_if_nan(value: float) -> float | None:
    """A number, or None for the kernels' "there is none"."""
    return None if math.isnan(value) else float(value)


def position_views(arrays: BookArrays, measures: Measures, equity: float) -> tuple[PositionAssessment, ...]:
    """Every position, in the order of its account."""
    return tuple(_position_view(arrays, measures, row, equity) for row in arrays.positions())


def _position_view(arrays: BookArrays, measures: Measures, row: int, equity: float) -> PositionAssessment:
    item = arrays.items[row]
    position, terms = item.position, item.terms
    assert position is not None and terms is not None
    account = arrays.accounts[item.account]
    liquidation = nearest_price(item, measures.liquidation[row])
    notional = float(measures.notional[row])
    maintenance = float(measures.row_maintenance[row])
    sign = 1.0 if position.quantity > 0 else -1.0
    bankruptcy = none_if_nan(measures.bankruptcy[row])
    return PositionAssessment(
        account=account.id,
        venue=account.venue,
        symbol=terms.contract.symbol,
        asset=terms.contract.base,
        quantity=position.quantity,
        entry_price=position.entry_price,
        mark_price=item.mark,
        notional=notional,
        exposure=float(measures.exposure[row]),
        unrealized_pnl=item.profit * profit_price(arrays, item),
        initial_margin=float(measures.row_initial[row]),
        maintenance_margin=maintenance,
        maintenance_margin_fraction=maintenance / notional if notional else 0.0,
        liquidation_price=liquidation,
        liquidation_distance=None if liquidation is None else sign * (item.mark - liquidation) / item.mark,
        bankruptcy_price=None if bankruptcy is None else bankruptcy / item.ratio,
        first_closed=first_bite(arrays.terms[item.account], notional),
        share_to_close=float(measures.to_close[row]),
        equity_share=notional / equity if equity > 0 else math.inf,
        beta=float(arrays.betas[item.column]),
        leverage=position.leverage,
        tags=position.tags,
        mode=account.mode,
        settle_price=profit_price(arrays, item),
        reported=position.reported,
    )


def first_bite(terms: VenueTerms, notional: float) -> float:
    """Dollars of a position that its venue closes first."""
    rules = terms.liquidation
    if rules.partial_fraction is None:
        return notional
    return first_closed(notional, rules.partial_fraction, rules.partial_above or 0.0, rules.partial_least)


def profit_price(arrays: BookArrays, item: Item) -> float:
    """Dollars per unit of the position's profit: 1, or the coin's price for an inverse contract."""
    return float(arrays.prices[item.column]) if item.terms and item.terms.contract.is_inverse else 1.0


def nearest_price(item: Item, ends: tuple[float, float]) -> float | None:
    """The liquidation price a position is shown: below the mark for a long, above for a short, else the other side.

    The other side happens when coin collateral or a second leg turns the account's exposure round.
    """
    low, high = (none_if_nan(end) for end in ends)
    assert item.position is not None
    first, second = (low, high) if item.position.quantity > 0 else (high, low)
    found = first if first is not None else second
    return None if found is None else found / item.ratio


def account_views(
    arrays: BookArrays, measures: Measures, equity: float, outside: Mapping[str, float]
) -> tuple[AccountAssessment, ...]:
    """Every account, in the book's order."""
    exposures = exposures_by_account(arrays, measures)
    return tuple(
        _account_view(arrays, measures, number, equity, orphans(exposures, number, outside))
        for number in range(len(arrays.accounts))
    )


def _account_view(
    arrays: BookArrays, measures: Measures, number: int, equity: float, orphaned: tuple[OrphanExposure, ...]
) -> AccountAssessment:
    account = arrays.accounts[number]
    summary = summary_of(measures, number)
    own, gross, net = summary.equity, float(measures.gross[number]), float(measures.net[number])
    down, up = (none_if_nan(end) for end in measures.moves[number])
    return AccountAssessment(
        id=account.id,
        venue=account.venue,
        layer=account.layer,
        mode=account.mode,
        summary=summary,
        collateral=float(arrays.collateral[number]),
        unrealized_pnl=own - float(arrays.collateral[number]),
        notional=gross,
        gross_leverage=ratio_to_equity(gross, own),
        net_leverage=ratio_to_equity(net, own),
        effective_leverage=float(measures.effective[number]),
        liquidation_move=none_if_nan(measures.move[number]),
        move_down=down,
        move_up=up,
        is_liquidatable=own < summary.maintenance_margin,
        equity_share=own / equity if equity > 0 else math.inf,
        orphans=orphaned,
        settle_price=account_settle_price(arrays, number),
        reported=account.reported,
    )


def account_settle_price(arrays: BookArrays, number: int) -> float:
    """Dollars per unit of the currency a venue reports this account in: 1, or the one coin it is all settled in."""
    items = [item for item in arrays.items if item.account == number]
    held = [item for item in items if item.position is not None]
    if not held and len(items) == 1 and not arrays.held.cash[number]:
        return float(arrays.prices[items[0].column])
    coins = {profit_price(arrays, item) for item in held}
    return coins.pop() if len(coins) == 1 else 1.0


def summary_of(measures: Measures, number: int) -> MarginSummary:
    """One account's margin triple."""
    return MarginSummary(
        equity=float(measures.equity[number]),
        initial_margin=float(measures.initial[number]),
        maintenance_margin=float(measures.maintenance[number]),
    )


def ratio_to_equity(amount: float, equity: float) -> float:
    """Amount over equity; 0 when there is no amount, signed infinity when there is no equity."""
    if amount == 0:
        return 0.0
    return amount / equity if equity > 0 else math.copysign(math.inf, amount)


def exposures_by_account(arrays: BookArrays, measures: Measures) -> list[dict[str, float]]:
    """Signed dollars per asset in each account; dollars themselves are no exposure."""
    out: list[dict[str, float]] = [{} for _ in arrays.accounts]
    for row, item in enumerate(arrays.items):
        out[item.account][item.asset] = out[item.account].get(item.asset, 0.0) + float(measures.exposure[row])
    return out


def orphans(exposures: list[dict[str, float]], dead: int, outside: Mapping[str, float]) -> tuple[OrphanExposure, ...]:
    """Assets in which the book is left more exposed when account `dead` is gone than it is now."""
    found = []
    for asset, own in exposures[dead].items():
        now = sum(one.get(asset, 0.0) for one in exposures) + outside.get(asset, 0.0)
        after = now - own
        if abs(after) > abs(now) * (1 + 1e-9) and abs(after) > 1e-6:
            found.append(OrphanExposure(asset=asset, exposure_now=now, exposure_after=after))
    return tuple(found)


def book_view(
    arrays: BookArrays,
    measures: Measures,
    layers: Mapping[str, float],
    in_transit: float,
    outside: float,
) -> BookAssessment:
    """The whole book; layer money and money in transit are equity, and coins among it are exposure: `outside`,
    dollars weighted by beta."""
    accounts = range(len(arrays.accounts))
    summary = sum((summary_of(measures, number) for number in accounts), ZERO)
    held = sum(layers.values())
    equity = summary.equity + held + in_transit
    notional = float(measures.gross.sum())
    net = float(measures.net.sum()) + outside
    mortal = [number for number in accounts if not math.isnan(measures.move[number]) and measures.gross[number] > 0]
    first = min(mortal, key=lambda number: (abs(measures.move[number]), -measures.effective[number]), default=None)
    return BookAssessment(
        equity=equity,
        accounts_equity=summary.equity,
        layers_value=held,
        in_transit=in_transit,
        summary=summary,
        notional=notional,
        unrealized_pnl=summary.equity - float(arrays.collateral.sum()),
        gross_leverage=ratio_to_equity(notional, equity),
        net_leverage=ratio_to_equity(net, equity),
        effective_leverage=0.0 if first is None else float(measures.effective[first]),
        liquidation_move=None if first is None else float(measures.move[first]),
        first_to_die=None if first is None else arrays.accounts[first].id,
    )
