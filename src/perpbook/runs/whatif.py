"""`whatif`: the book before and after a trade, and the largest size of it that is allowed."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from perpbook.model.market import Snapshot
from perpbook.model.trade import Comparison, Sides
from perpbook.model.verdict import Finding, Status
from perpbook.runs.check import CheckResult, check_snapshot, load_all_terms, read_inputs
from perpbook.runs.trade import Priced, in_lots, read_trade, with_trade

if TYPE_CHECKING:
    from perpbook.margin.assessment import AccountAssessment, PositionAssessment


FURTHER = 2e-3
"""Relative: a broken rule that is used this much more is broken further; less is the trade's own fees."""


@dataclass(frozen=True, slots=True, kw_only=True)
class WhatIf:
    """The comparison, and both checks it was made from."""

    comparison: Comparison
    before: CheckResult
    after: CheckResult

    def document(self) -> dict[str, object]:
        """What --json prints."""
        return {"comparison": self.comparison, "before": self.before.assessment, "after": self.after.assessment}


@dataclass(frozen=True, slots=True, kw_only=True)
class Desk:
    """A checked book in which one trade is tried at several sizes."""

    before: CheckResult
    priced: Priced

    def cost(self, quantity: float) -> tuple[float, bool]:
        """Fees and slippage of the trade in the settle currency, and whether depth was known."""
        notional = self.notional(quantity)
        fees = notional * max(self.priced.venue.fees[0].taker_fee_rate, 0.0)
        depth = self.priced.quote.depth
        levels = () if depth is None else (depth.asks if quantity > 0 else depth.bids)
        if not levels:
            return fees, False
        from perpbook.margin.arrays import price_lost

        base = abs(quantity) / self.priced.price if self.priced.terms.contract.is_inverse else abs(quantity)
        return fees + notional * price_lost(levels, base, self.priced.price, selling=quantity < 0), True

    def notional(self, quantity: float) -> float:
        """The size of the trade in the settle currency."""
        price = self.priced.price
        return abs(quantity) / price if self.priced.terms.contract.is_inverse else abs(quantity) * price

    def after(self, quantity: float) -> CheckResult:
        """The book checked again with the trade in it."""
        before = self.before
        book = with_trade(before.snapshot.book, self.priced, quantity, self.cost(quantity)[0])
        snapshot = Snapshot(book=book, market=before.snapshot.market)
        return check_snapshot(
            snapshot, before.playbook, load_all_terms(snapshot, before.terms_folders), with_plans=False
        )

    def allowed(self, quantity: float) -> bool:
        """Would the venue take it, and does it break no rule that held, nor a broken one further?"""
        found = self.after(quantity)
        return not self.worse(found) and not self.refused(found)

    def worse(self, after: CheckResult) -> tuple[Finding, ...]:
        """Rules the trade breaks or breaks further; one that only closes is not held against the sleeves' shares."""
        trade = self.priced.trade
        past, held = (position_of(result, trade.account, trade.symbol) for result in (self.before, after))
        closes = past is not None and (held is None or 0 <= held.quantity / past.quantity < 1)
        found = [*worse(self.before, after), *self.worse_beyond_all(after)]
        return tuple(one for one in found if not (closes and one.rule.startswith("capital.sleeves")))

    def worse_beyond_all(self, after: CheckResult) -> list[Finding]:
        """What was broken beyond measure in the traded account and still is, when the trade adds to its risk."""
        if not self.adds_risk(after):
            return []
        account = self.priced.trade.account
        past = {(one.rule, one.subject) for one in self.before.verdict.findings if math.isinf(one.used)}
        now = (one for one in after.verdict.findings if math.isinf(one.used) and (one.rule, one.subject) in past)
        return [one for one in now if one.subject == account or one.subject.endswith(f": {account}")]

    def adds_risk(self, after: CheckResult) -> bool:
        """Does the trade ask for more initial margin in its account?"""
        pair = (account_of(result, self.priced.trade.account).summary.initial_margin for result in (self.before, after))
        past, now = pair
        return now > past * (1 + 1e-12)

    def refused(self, after: CheckResult) -> bool:
        """Free collateral is gone and the trade does not lower the account's risk."""
        account = account_of(after, self.priced.trade.account)
        return account.summary.free_collateral < 0 and self.adds_risk(after)


def run_whatif(
    text: str,
    book: Path,
    playbook: Path | None,
    *,
    market: Path | None,
    now_ns: int,
    terms_folders: Sequence[Path],
    largest: bool = False,
) -> WhatIf:
    """Try a trade, in words, on a book file.

    Raises
    ------
    InputError : a file is wrong, or the trade is not understood.
    DataError : a price is missing or stale.
    """
    snapshot, rules = read_inputs(book, playbook, market=market, now_ns=now_ns, terms_folders=terms_folders)
    terms = load_all_terms(snapshot, terms_folders)
    before = check_snapshot(snapshot, rules, terms, with_plans=False, terms_folders=tuple(terms_folders))
    desk = Desk(before=before, priced=read_trade(text, snapshot.book, snapshot.market, terms))
    after = desk.after(desk.priced.trade.quantity)
    return WhatIf(comparison=compare(desk, after, largest_size(desk) if largest else None), before=before, after=after)


def largest_size(desk: Desk) -> float:
    """The largest size of the trade, on its side, that is allowed; 0 when none is."""
    from perpbook.sizing.largest import largest_trade

    quantity, lot = desk.priced.trade.quantity, desk.priced.terms.contract.lot_size
    side = 1.0 if quantity > 0 else -1.0
    found = largest_trade(lambda size: desk.allowed(side * size), abs(quantity), lot)
    return side * abs(in_lots(found, desk.priced.terms))


def compare(desk: Desk, after: CheckResult, largest: float | None) -> Comparison:
    """Everything a trader wants to see side by side."""
    trade, before = desk.priced.trade, desk.before
    cost, known = desk.cost(trade.quantity)
    account = account_of(after, trade.account)
    settle = account.settle_price if desk.priced.terms.contract.is_inverse else 1.0
    return Comparison(
        trade=trade,
        price=desk.priced.price,
        notional=desk.notional(trade.quantity) * settle,
        cost=cost * settle,
        slippage_known=known,
        sides=sides_of(before, after, desk.priced),
        worse=desk.worse(after),
        mended=worse(after, before),
        free_collateral=account.summary.free_collateral,
        venue_refuses=desk.refused(after),
        simulated=after.assessment.simulated,
        largest=largest,
    )


def worse(before: CheckResult, after: CheckResult) -> tuple[Finding, ...]:
    """Rules broken after that held before, or that are broken further."""
    past = {(one.rule, one.subject): one for one in before.verdict.findings}
    out = []
    for one in after.verdict.findings:
        if one.status is not Status.BREACH:
            continue
        was = past.get((one.rule, one.subject))
        if was is None or was.status is not Status.BREACH or one.used > was.used * (1 + FURTHER):
            out.append(one)
    return tuple(out)


def account_of(result: CheckResult, name: str) -> AccountAssessment:
    """The account of that name."""
    return next(account for account in result.assessment.accounts if account.id == name)


def position_of(result: CheckResult, account: str, symbol: str) -> PositionAssessment | None:
    """The position, or None when it is flat."""
    rows = result.assessment.positions
    return next((one for one in rows if one.account == account and one.symbol == symbol), None)


def sides_of(before: CheckResult, after: CheckResult, priced: Priced) -> tuple[Sides, ...]:
    """The numbers a trade moves: book, account, position."""
    name, symbol = priced.trade.account, priced.trade.symbol
    accounts = account_of(before, name), account_of(after, name)
    books = before.assessment.book, after.assessment.book
    held = position_of(before, name, symbol), position_of(after, name, symbol)
    fall = _worst_loss(before), _worst_loss(after)

    def side(label: str, unit: str, pair: tuple[float | None, float | None]) -> Sides:
        return Sides(name=label, unit=unit, before=pair[0], after=pair[1])

    return (
        side("book gross leverage", "x", (books[0].gross_leverage, books[1].gross_leverage)),
        side("book net leverage", "x", (books[0].net_leverage, books[1].net_leverage)),
        side("book effective leverage", "x", (books[0].effective_leverage, books[1].effective_leverage)),
        side("worst stress loss, share of equity", "share", fall),
        side(f"{name}: effective leverage", "x", (accounts[0].effective_leverage, accounts[1].effective_leverage)),
        side(f"{name}: dies at", "move", (accounts[0].liquidation_move, accounts[1].liquidation_move)),
        side(f"{name}: margin ratio", "share", (accounts[0].summary.margin_ratio, accounts[1].summary.margin_ratio)),
        side(
            f"{name}: free collateral", "dollars",
            (accounts[0].summary.free_collateral, accounts[1].summary.free_collateral),
        ),
        side(f"{symbol}: notional", "dollars", (held[0].notional if held[0] else 0.0, held[1].notional if held[1] else 0.0)),
        side(
            f"{symbol}: liquidation price", "price",
            (held[0].liquidation_price if held[0] else None, held[1].liquidation_price if held[1] else None),
        ),
    )  # fmt: skip


def _worst_loss(result: CheckResult) -> float | None:
    return max((outcome.loss_share for outcome in result.assessment.stress), default=None)
