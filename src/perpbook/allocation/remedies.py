"""What would make a rebalance feasible that is not: the rule that holds it back, or fresh money, tried by solving again."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

import numpy as np

from perpbook.allocation.levers import OUTSIDE, TransferLever
from perpbook.allocation.plan import Remedy
from perpbook.allocation.problem import REACHED, Problem
from perpbook.allocation.search import Answer, Search
from perpbook.model.account import Account, MarginMode
from perpbook.sizing.possible import only
from perpbook.treasury.pots import Pot
from perpbook.treasury.ways import Way

MARGINS = {"survival": "fewer or smaller survival moves", "leverage": "larger caps on effective leverage"}

NODES = 24
"""A remedy need not be the cheapest."""

MOST_MONEY = 10.0
"""Times the book's equity: fresh money beyond that is no remedy."""


def remedies_for(problem: Problem, answer: Answer, accounts: Sequence[Account]) -> tuple[Remedy, ...]:
    """What helps, by itself: enough, or at least some. Empty where nothing tried does."""
    short = answer.outcome.short
    out = []
    for what, tried in _relaxed(problem):
        found = Search(problem=tried, nodes=NODES).run()
        if found is not None and found.outcome.short < short - REACHED * problem.equity:
            out.append(Remedy(what=what, dollars=0.0, enough=_reached(problem, found)))
    money = _with_money(problem, accounts)
    found = Search(problem=money, nodes=NODES).run()
    first = len(problem.transfers)
    dollars = 0.0 if found is None else float(found.sent[first:].sum())
    if found is not None and _reached(problem, found) and dollars > 0.0:
        places = [
            _place(lever, accounts)
            for lever, coins in zip(money.transfers[first:], found.sent[first:], strict=True)
            if coins
        ]
        out.append(Remedy(what=f"fresh money in {' and '.join(places)}", dollars=dollars, enough=True))
    return tuple(sorted(out, key=lambda one: not one.enough))


def _reached(problem: Problem, found: Answer) -> bool:
    return found.outcome.short <= REACHED * problem.equity


def _place(lever: TransferLever, accounts: Sequence[Account]) -> str:
    return "the reserve" if lever.target == OUTSIDE else accounts[lever.target].id


def _relaxed(problem: Problem) -> Iterator[tuple[str, Problem]]:
    """The problem without one kind of rule at a time, and what that is called."""
    if problem.minimum > 0.0:
        yield "a smaller rebalance.minimum_trade", replace(problem, minimum=0.0)
    for name in ("survival", "leverage"):
        rules = np.array([point.rule.startswith(name) for point in problem.limits.margin], dtype=bool)
        if rules.any():
            keep = ~rules[problem.laid.point]
            yield MARGINS[name], replace(problem, laid=only(problem.laid, keep), now=problem.now[keep])
    if problem.limits.linear:
        limits = replace(problem.limits, linear=())
        banded = any(one.rule.startswith("hedge.") for one in problem.limits.linear)
        band = " or a wider hedge.delta_band" if banded else ""
        yield f"larger caps on gross or net leverage or by asset{band}", replace(problem, limits=limits)
    for section in ("venues", "layers"):
        named = tuple(one for one in problem.caps if not one.name.startswith(section))
        if any(np.isfinite(one.cap) for one in problem.caps if one not in named):
            yield f"a larger {section}.max_share", replace(problem, caps=named)
    if any(one.lot > 0.0 for one in problem.trades):
        yield "smaller lots", replace(problem, trades=tuple(replace(one, lot=0.0) for one in problem.trades))


def _with_money(problem: Problem, accounts: Sequence[Account]) -> Problem:
    """With money from outside that may come into any cross account, and into the reserve."""
    most = MOST_MONEY * problem.equity
    way = Way(pot=Pot(name="outside", asset="USD", dollars=most), hops=(), dollars=most)
    pot = 1 + max((one.pot for one in problem.transfers), default=-1)
    blank = TransferLever(
        way=way, pot=pot, source=OUTSIDE, target=OUTSIDE, target_layer="", taken="USD", landed="USD", coins=most, out_worth=0.0,
        in_worth=1.0, least=0.0, most=most, median=0.0, p90=0.0, worst=0.0, price=1.0,
    )  # fmt: skip
    targets = [number for number, one in enumerate(accounts) if one.mode is MarginMode.CROSS]
    more = [blank, *(replace(blank, target=number) for number in targets)]
    return replace(problem, transfers=(*problem.transfers, *more))
