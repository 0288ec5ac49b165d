"""What a playbook's [hedge] says of a hedge: the estimator of betas, the tail budget, and how the book stands with it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from perpbook.errors import InputError
from perpbook.hedging.betas import NONE, OLS
from perpbook.model.units import HOUR_NS

if TYPE_CHECKING:
    from perpbook.hedging.plan import Placement
    from perpbook.model.verdict import Finding
    from perpbook.playbook.schema import Playbook
    from perpbook.runs.hedge_asked import HedgeAsked
    from perpbook.runs.hedge_desk import HedgeDesk

BUDGETED_TAIL = 0.025
"""The tail that `hedge.tail_budget` is of."""


def under_rules(asked: HedgeAsked, rules: Playbook) -> HedgeAsked:
    """What is asked, with what was left out filled in from the playbook.

    Raises
    ------
    InputError : the playbook's budget is of another tail, a budget is to be kept and there is none, or options are not allowed.
    """
    hedge = rules.hedge
    budget, beta = asked.budget, asked.beta or (hedge.beta if hedge else None) or OLS
    if budget is None and hedge is not None and hedge.tail_budget is not None:
        if asked.tail != BUDGETED_TAIL:
            raise InputError(
                f"--tail {asked.tail:g}: the playbook's hedge.tail_budget is of the worst {100 * BUDGETED_TAIL:g} %; leave "
                "--tail out, or give a budget for this tail with --tail-budget"
            )
        budget = hedge.tail_budget
    if asked.options.chain:
        refuse_options(rules, allowed=asked.options.allowed)
    method = asked.method or ("cvar" if budget is None else "budget")
    if method == "budget" and budget is None:
        raise InputError(
            "--method budget has no budget to keep: give --tail-budget, or set hedge.tail_budget in the playbook"
        )
    return replace(asked, method=method, beta=beta, budget=budget)


def budget_of(asked: HedgeAsked, equity: float) -> float | None:
    """The tail budget in dollars, None without one.

    Raises
    ------
    InputError : the book is worth nothing.
    """
    if asked.budget is None:
        return None
    if not equity > 0.0:
        raise InputError(f"the book's equity is {equity:,.0f}: no share of it is a tail budget")
    return asked.budget * equity


def left_alone(asked: HedgeAsked, held: Sequence[str], against: Sequence[str]) -> tuple[str, ...]:
    """What a hedge of no delta leaves as it is where no asset stands for another."""
    alone = [one for one in held if one not in against] if (asked.method, asked.beta) == ("delta", NONE) else []
    return (f"{', '.join(alone)}: held, and left as it is, for no asset stands for another",) if alone else ()


def refuse_options(rules: Playbook, *, allowed: bool) -> None:
    """Refuse options that the playbook does not allow. allowed : the trader says so all the same.

    Raises
    ------
    InputError : they are not.
    """
    if rules.hedge is not None and rules.hedge.options is False and not allowed:
        raise InputError(
            f'hedge.options = false: the playbook "{rules.name}" allows no options; give --allow-options to lay them all the '
            "same, or change the key"
        )


def options_note(asked: HedgeAsked, rules: Playbook) -> tuple[str, ...]:
    """That options are allowed and were not looked at."""
    allowed = rules.hedge is not None and rules.hedge.options is True
    if not allowed or asked.options.chain or asked.method == "report":
        return ()
    return ("the playbook allows options (hedge.options) and none were looked at: give a chain of them with --chain",)


def keeps_budget(desk: HedgeDesk) -> bool:
    """Whether the book keeps its tail budget as it is."""
    from perpbook.runs.hedge_place import unhedged

    return desk.budget is not None and unhedged(desk).shortfall <= desk.budget


def judged_tail(
    asked: HedgeAsked, desk: HedgeDesk, unhedged: Placement, chosen: Placement | None
) -> tuple[Finding, ...]:
    """The tail budget held against what is left after the hedge, or against the book as it is; () without a budget."""
    from perpbook.playbook.hedge_judge import TailLeft, judge_tail

    if asked.budget is None:
        return ()
    equity = desk.before.assessment.book.equity
    left = TailLeft(
        sought=asked.method == "budget",
        without=unhedged.shortfall / equity,
        hedged=None if chosen is None else chosen.shortfall / equity,
        tail=asked.tail,
        move_hours=desk.bar_ns / HOUR_NS,
    )
    return (judge_tail(asked.budget, left, near=desk.before.playbook.near),)
