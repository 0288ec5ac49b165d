"""How far prices may move, each on its own, with the findings of a full look proven to stay.

A reach r lets every followed price stand anywhere in [p / (1 + r), p (1 + r)]. Over such a box every measure of a rule is
bounded: equity is linear in each price, a position's requirement convex, hence surplus concave and least at ends. A finding
stays when what it compares stays on its side of the limit and of the near mark. The widest of a few reaches that settles all of
them is taken; where none does, every move asks for a look.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from perpbook.guard.watch_box import Box, Span, box_of
from perpbook.guard.watch_effective import effective_spans
from perpbook.kernels import state as codes
from perpbook.margin.arrays import Item
from perpbook.margin.assess import Assessed
from perpbook.playbook.decision import Decision
from perpbook.playbook.hardship_judge import HARD
from perpbook.playbook.schema import Playbook
from perpbook.playbook.spread_judge import SPREAD
from perpbook.playbook.words import WORDINGS
from perpbook.terms.terms import CloseFeeBasis, TierMode, TierUnit

RATIO_LEVELS = (0.5, 0.8, 1.0)
"""Maintenance margin over equity at which somebody may want to know (our choice)."""

WIDEST, HALVINGS = 0.25, 16
SURE = 1e-8
"""Relative: what is nearer to a limit than this is on no side of it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """A full look: what was assessed and decided under a playbook, when, and the dollars the day and the week began with (0: not
    known)."""

    assessed: Assessed
    decision: Decision
    playbook: Playbook
    now_ns: int
    starts: tuple[float, float] = (0.0, 0.0)

    @property
    def pull(self) -> float:
        """How far hedges break: the playbook's share."""
        return self.playbook.survival.correlation_stress if self.playbook.survival else 0.0


def is_followed(item: Item) -> bool:
    """Whether a position's margin is lines in its own contract's price, whatever that price."""
    terms, position = item.terms, item.position
    assert terms is not None and position is not None
    if terms.contract.is_inverse:
        return False
    if terms.tiers.mode is TierMode.WHOLE_POSITION and terms.tiers.unit is TierUnit.NOTIONAL:
        return False
    fee = terms.close_fee
    return fee is None or fee.basis is not CloseFeeBasis.BANKRUPTCY or bool(position.leverage)


def proven_range(look: Look, levels: Sequence[float], floor: float) -> float:
    """The widest reach tried at which every finding stays; 0 where none of at least `floor` does."""
    reach = WIDEST
    for _ in range(HALVINGS):
        if reach < floor:
            return 0.0
        if stays(look, box_of(look.assessed, look.pull, reach, is_followed), levels):
            return reach
        reach *= 0.5
    return 0.0


def stays(look: Look, box: Box, levels: Sequence[float]) -> bool:
    """Whether no finding can change in a box."""
    return (
        _margins_stay(look, box, levels)
        and _drawdowns_stay(look, box)
        and _survival_stays(look, box)
        and _ratios_stay(look, box)
        and _profits_stay(look, box)
        and _effective_stays(look, box)
    )


def over(amount: Span, equity: Span, limit: float) -> bool | None:
    """Whether amount / equity (inf without equity) is beyond a limit all over the box, or under it; None: not proven."""
    if equity.low > 0.0:
        if amount.low > limit * equity.high * (1.0 + SURE):
            return True
        return False if amount.high < limit * equity.low * (1.0 - SURE) else None
    if equity.high <= 0.0:
        return True if amount.low > 0.0 else False if amount.high == 0.0 == amount.low else None
    return None


def _settled(amount: Span, equity: Span, limit: float, near: float) -> bool:
    """Whether a status stays: on one side of the limit and of the near mark, or nothing moves it."""
    if not np.isfinite(limit) or (amount.low == amount.high and equity.low == equity.high):
        return True
    if limit <= 0.0:
        return over(amount, equity, 0.0) is not None
    return all(over(amount, equity, mark) is not None for mark in (limit, near * limit))


def _margins_stay(look: Look, box: Box, levels: Sequence[float]) -> bool:
    """Every account stays on its side of liquidation, and of each level of its margin ratio."""
    del look
    for account in range(box.accounts):
        for level in (1.0, *levels):
            surplus = box.surplus(account, 0, level, 1.0)
            scale = SURE * box.size(account)
            if surplus.low <= scale and surplus.high >= -scale and not box.is_still(account):
                return False
    return True


def _survival_stays(look: Look, box: Box) -> bool:
    """Per group of scenarios and account: either all leave what is asked, or one surely does not."""
    policy, dead = look.decision.policy, look.decision.state.accounts["dead"]
    for account in range(box.accounts):
        if dead[account] or box.is_still(account):
            continue
        scale = SURE * box.size(account)
        for group in range(policy.groups):
            numbers = [s + 1 for s, of in enumerate(policy.group.tolist()) if of == group]
            for level in (1.0, policy.near):
                spans = [box.surplus(account, s, level, 1.0 + policy.buffer) for s in numbers]
                if all(span.low > scale for span in spans) or any(span.high < -scale for span in spans):
                    continue
                return False
    return True


def _drawdowns_stay(look: Look, box: Box) -> bool:
    """Book equity stays on its side of what a day and a week may lose, and of the near marks."""
    policy, equity = look.decision.policy, box.book_equity()
    for cap, start in zip((policy.daily_drawdown, policy.weekly_drawdown), look.starts, strict=True):
        if start > 0.0 and np.isfinite(cap):
            for mark in (cap, policy.near * cap):
                line = start * (1.0 - mark)
                if equity.low <= line + SURE * start and equity.high >= line - SURE * start:
                    return False
    return True


def _profits_stay(look: Look, box: Box) -> bool:
    """No position reaches another step of its ladder, nor falls back under one."""
    steps = look.decision.policy.profit_gain
    for k in range(look.decision.state.positions.size):
        span = box.gain(k)
        if any(span.low <= step + SURE and span.high >= step - SURE for step in steps):
            return False
    return True


def _ratios_stay(look: Look, box: Box) -> bool:
    """Every other finding that is a ratio of two measures."""
    raw, near = look.decision.raw, look.decision.policy.near
    for row in range(int(raw.rows[0])):
        measure = MEASURES.get(int(raw.code[row]))
        if measure is not None:
            amount, equity = measure(box, look, int(raw.subject[row]))
            if not _settled(amount, equity, float(raw.limit[row]), near):
                return False
    return True


def _effective_stays(look: Look, box: Box) -> bool:
    """Effective leverages of accounts and of the book, where they are capped."""
    policy, dead = look.decision.policy, look.decision.state.accounts["dead"]
    if not (np.isfinite(policy.account_effective) or np.isfinite(policy.book_effective)):
        return True
    one = Span(1.0, 1.0)
    accounts, book = effective_spans(box, [bool(flag) for flag in dead])
    if np.isfinite(policy.account_effective):
        for span in accounts:
            if span is not None and not _settled(span, one, policy.account_effective, policy.near):
                return False
    return not np.isfinite(policy.book_effective) or _settled(book, one, policy.book_effective, policy.near)


Measure = Callable[[Box, Look, int], tuple[Span, Span]]

MEASURES: dict[int, Measure] = {
    codes.POSITION_LOSS: lambda box, look, k: (box.loss(k), box.book_equity()),
    codes.ASSET_LEVERAGE: lambda box, look, k: (
        box.notional(look.decision.state.positions["asset"] == k),
        box.book_equity(),
    ),
    codes.ACCOUNT_GROSS: lambda box, look, k: (
        box.notional(look.decision.state.positions["account"] == k),
        box.equity(k),
    ),
    codes.ACCOUNT_NET: lambda box, look, k: (
        box.net(box.account_rows(k), 0.0).absolute(),
        box.equity(k),
    ),
    codes.BOOK_GROSS: lambda box, look, k: (
        box.notional(np.ones(look.decision.state.positions.size, dtype=bool)),
        box.book_equity(),
    ),
    codes.BOOK_NET: lambda box, look, k: (
        box.net(slice(None), look.assessed.outside.net).absolute(),
        box.book_equity(),
    ),
    codes.VENUE_SHARE: lambda box, look, k: (
        box.equity_where([one.venue == look.decision.names.venues[k] for one in look.assessed.arrays.accounts]),
        box.book_equity(),
    ),
    codes.LAYER_SHARE: lambda box, look, k: (
        box.equity_where(
            [one.layer == look.decision.names.layers[k] for one in look.assessed.arrays.accounts],
            look.assessed.outside.layers.get(look.decision.names.layers[k], 0.0),
        ),
        box.book_equity(),
    ),
    codes.HEDGE_BAND: lambda box, look, k: (
        box.net(
            np.array([item.asset == look.decision.names.assets[k] for item in look.assessed.arrays.items], dtype=bool),
            look.assessed.outside.weighted.get(look.decision.names.assets[k], 0.0),
        ).absolute(),
        box.book_equity(),
    ),
    codes.BRIDGE_SHARE: lambda box, look, k: (
        Span(float(look.decision.state.bridge_value[k]), float(look.decision.state.bridge_value[k])),
        box.book_equity(),
    ),
}
"""The amount and the equity that a finding of each rule compares, over a box."""

PROVEN = frozenset(
    {
        *MEASURES,
        *(codes.ACCOUNT_DEAD, codes.DAILY_DRAWDOWN, codes.WEEKLY_DRAWDOWN, codes.SURVIVAL, codes.TAKE_PROFIT),
        *(codes.ACCOUNT_EFFECTIVE, codes.BOOK_EFFECTIVE, codes.MARGIN_MODE, codes.LAYER_RESERVE, codes.LAYER_GAS),
    }
)
"""Rules that no move of a price changes, or whose findings the range keeps."""


def unproven_rules(look: Look) -> tuple[str, ...]:
    """Rules of this playbook that the range says nothing of: they are judged at each full look, at most its longest pause
    late."""
    raw = look.decision.raw
    found = dict.fromkeys(int(raw.code[row]) for row in range(int(raw.rows[0])) if np.isfinite(raw.limit[row]))
    beside = dict.fromkeys(one.rule for one in look.decision.findings if one.rule in (*HARD, SPREAD))
    return (*(WORDINGS[code].rule for code in found if code not in PROVEN), *beside)
