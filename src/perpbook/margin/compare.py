"""Our numbers beside the venue's own, and where they part."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from perpbook.margin.assessment import AccountAssessment, PositionAssessment, VenueDifference

TOLERANCE = 1e-3
"""Relative difference that is still rounding: venues print prices and money to a few digits."""

CENT = 0.01
"""Dollars of money that are still rounding."""


def differences_of(
    positions: Sequence[PositionAssessment], accounts: Sequence[AccountAssessment]
) -> tuple[VenueDifference, ...]:
    """Every reported number that ours does not agree with, to a tenth of a percent."""
    found = [difference for position in positions for difference in _of_position(position)]
    return (*found, *(difference for account in accounts for difference in _of_account(account)))


def _of_position(position: PositionAssessment) -> Iterator[VenueDifference]:
    account, symbol, reported = position.account, position.symbol, position.reported
    ours = position.liquidation_price
    if reported.no_liquidation_price and ours is not None:
        yield _difference(account, symbol, "liquidation_price", ours, None)
    yield from _compare(account, symbol, "liquidation_price", ours, reported.liquidation_price, 0.0)
    for quantity in ("maintenance_margin", "initial_margin", "unrealized_pnl"):
        value, theirs = getattr(position, quantity) / position.settle_price, getattr(reported, quantity)
        yield from _compare(account, symbol, quantity, value, theirs, CENT / position.settle_price)


def _of_account(account: AccountAssessment) -> Iterator[VenueDifference]:
    for quantity in ("equity", "initial_margin", "maintenance_margin"):
        value, theirs = getattr(account.summary, quantity) / account.settle_price, getattr(account.reported, quantity)
        yield from _compare(account.id, None, quantity, value, theirs, CENT / account.settle_price)


def _compare(
    account: str, symbol: str | None, quantity: str, ours: float | None, theirs: float | None, rounding: float
) -> Iterator[VenueDifference]:
    if theirs is not None and (ours is None or abs(ours - theirs) > max(TOLERANCE * abs(theirs), rounding)):
        yield _difference(account, symbol, quantity, ours, theirs)


def _difference(
    account: str, symbol: str | None, quantity: str, ours: float | None, theirs: float | None
) -> VenueDifference:
    relative = None if ours is None or not theirs else (ours - theirs) / abs(theirs)
    return VenueDifference(
        account=account, symbol=symbol, quantity=quantity, ours=ours, theirs=theirs, relative=relative
    )
