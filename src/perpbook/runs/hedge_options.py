"""Options beside a hedge: the overlay that keeps the book's loss in storms to what the hedge leaves, or to a limit."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from perpbook.errors import InputError

if TYPE_CHECKING:
    from perpbook.hedging.laying import Laying
    from perpbook.hedging.plan import HedgePlan
    from perpbook.runs.hedge_asked import HedgeAsked


def laid_beside(plan: HedgePlan, asked: HedgeAsked, tell: Callable[[str, int, int], object]) -> Laying | None:
    """The overlay; None where no options are asked for.

    Raises
    ------
    InputError : there is no loss of a hedge that could be the limit, or the chain does not do.
    """
    from perpbook.hedging.candidates import Trading
    from perpbook.runs.drill_asked import drill_from
    from perpbook.runs.overlay import OverlayAsked, lay_overlay
    from perpbook.runs.overlay_storms import USUAL

    wanted = asked.options
    if not wanted.chain:
        return None
    kinds = (*asked.storms, "grid") if asked.storms else USUAL
    overlay = OverlayAsked(
        drill=drill_from({"book": asked.book, "playbook": asked.playbook, "made_up": False}),
        chain=wanted.chain,
        limit=left_by(plan, kinds) if wanted.limit is None else wanted.limit,
        trading=Trading(spread=wanted.spread, share=wanted.share),
        kinds=kinds,
    )
    return lay_overlay(overlay, tell)


def left_by(plan: HedgePlan, kinds: tuple[str, ...]) -> float:
    """The largest loss that a hedge leaves in storms of some kinds, as a share of equity."""
    losses = [-one.change for one in plan.storms if one.kind in kinds and not one.not_faced]
    if not losses or max(losses) <= 0.0 or plan.equity <= 0.0:
        raise InputError(
            "no storm says what a hedge leaves, which options could be held to: give the limit with --max-loss"
        )
    return max(losses) / plan.equity
