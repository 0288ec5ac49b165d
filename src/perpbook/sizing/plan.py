"""The plans a verdict offers: the cheapest trims and the uniform ones, both in whole lots and both checked again."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

import numpy as np

from perpbook.kernels.state import DEPTH_SHARE, MARGIN_MODE, Policy, State
from perpbook.kernels.types import Floats
from perpbook.margin.arrays import Item, exit_levels, fee_to_close, slippage
from perpbook.margin.assess import Assessed
from perpbook.model.verdict import Binding, Finding, Plan, Status, Trim
from perpbook.playbook.compile import Names
from perpbook.playbook.words import WORDINGS
from perpbook.sizing.build import cost_lines, limits_of
from perpbook.sizing.cheapest import Solution, cheapest_sizes
from perpbook.sizing.limits import Limits, MarginLimits, margin_limits, worst_shortfall
from perpbook.sizing.lots import round_to_lots
from perpbook.sizing.uniform import SLACK, largest_uniform, uniform_sizes

Changes = Mapping[int, tuple[float, float]]
"""Book row -> (new quantity, dollars of cost)."""

MENDABLE = tuple(WORDINGS[code].rule for code in WORDINGS if code <= 9 or code == DEPTH_SHARE)
"""Rules that trims can restore; the others want money moved or a position reopened."""

assert WORDINGS[MARGIN_MODE].rule not in MENDABLE


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem:
    """A broken book, laid out: what must hold, what trims cost, and how to check an answer."""

    assessed: Assessed
    limits: Limits
    laid: MarginLimits
    items: list[Item]
    recheck: Callable[[Changes], tuple[Finding, ...]]
    reasons: tuple[str, ...]
    tolerance: float


def is_mendable(finding: Finding) -> bool:
    """True for a breach that some trim could end."""
    return finding.status is Status.BREACH and finding.rule.startswith(MENDABLE)


def plans_for(
    assessed: Assessed,
    rules: tuple[State, Policy, Names],
    findings: tuple[Finding, ...],
    recheck: Callable[[Changes], tuple[Finding, ...]],
) -> tuple[Plan, ...]:
    """The cheapest plan first, then the uniform one; empty when no trim is called for or none helps."""
    broken = tuple(dict.fromkeys(finding.rule for finding in findings if is_mendable(finding)))
    if not broken or not assessed.arrays.positions():
        return ()
    limits = limits_of(assessed, *rules)
    laid = margin_limits(limits)
    items = [assessed.arrays.items[row] for row in limits.rows]
    dollars = float(np.abs(assessed.measures.equity).sum())
    problem = Problem(
        assessed=assessed,
        limits=limits,
        laid=laid,
        items=items,
        recheck=recheck,
        reasons=broken,
        tolerance=SLACK * max(dollars, 1.0),
    )
    found = (_cheapest(problem), _uniform(problem, dollars))
    return tuple(sorted((plan for plan in found if plan), key=lambda plan: (not plan.restores, plan.cost)))


def _cheapest(problem: Problem) -> Plan | None:
    prices = problem.assessed.arrays.prices
    costs = [cost_lines(item, fee_to_close(item, prices)) for item in problem.items]
    slack = 0.0
    for _ in range(5):
        tightened = _tightened(problem, slack)
        solution = cheapest_sizes(*tightened, costs)
        if solution is None:
            return None
        sizes = round_to_lots(problem.limits, problem.laid, problem.items, solution.scale, problem.tolerance)
        if sizes is not None:
            return _plan(problem, "cheapest", sizes, solution=solution)
        slack = 2.0 * slack + 0.25 * _largest_lot(problem)
    return None


def _tightened(problem: Problem, slack: float) -> tuple[Limits, MarginLimits]:
    """The same limits with some dollars to spare, so that whole lots fit inside the real ones."""
    linear = tuple(replace(one, bound=one.bound - slack) for one in problem.limits.linear)
    return replace(problem.limits, linear=linear), replace(problem.laid, base=problem.laid.base - slack)


def _largest_lot(problem: Problem) -> float:
    """Dollars in the largest lot of any position."""
    return max(
        item.terms.contract.lot_size / abs(item.position.quantity) * abs(item.delta) * item.mark * item.ratio
        for item in problem.items
        if item.terms and item.position
    )


def _uniform(problem: Problem, dollars: float) -> Plan | None:
    scale = largest_uniform(problem.limits, problem.laid, dollars)
    if scale is None:
        return None
    for _ in range(40):
        wanted = uniform_sizes(problem.limits, scale)
        sizes = round_to_lots(problem.limits, problem.laid, problem.items, wanted, problem.tolerance)
        if sizes is not None:
            return _plan(problem, "uniform", sizes, uniform_scale=scale)
        scale *= 0.995
    return None


def _plan(
    problem: Problem,
    method: str,
    sizes: Floats,
    *,
    solution: Solution | None = None,
    uniform_scale: float | None = None,
) -> Plan:
    trims = {
        int(row): _trim(problem, item, float(size))
        for row, item, size in zip(problem.limits.rows, problem.items, sizes, strict=True)
        if size < 1.0 - 1e-12
    }
    after = problem.recheck({row: (trim.quantity_after, trim.cost) for row, trim in trims.items()})
    assert worst_shortfall(problem.limits, problem.laid, sizes) <= problem.tolerance
    return Plan(
        method=method,
        trims=tuple(trims.values()),
        cost=sum(trim.cost for trim in trims.values()),
        restores=not any(is_mendable(finding) for finding in after),
        uniform_scale=uniform_scale,
        bindings=_bindings(problem, solution) if solution else (),
        remaining=tuple(dict.fromkeys(one.rule for one in after if one.status is Status.BREACH)),
    )


def _trim(problem: Problem, item: Item, size: float) -> Trim:
    assert item.position is not None
    arrays = problem.assessed.arrays
    closed = 1.0 - size
    return Trim(
        account=arrays.accounts[item.account].id,
        symbol=item.position.symbol,
        quantity_before=item.position.quantity,
        quantity_after=item.position.quantity * size,
        notional_closed=abs(item.delta) * float(arrays.prices[item.column]) * closed,
        fees=fee_to_close(item, arrays.prices) * closed,
        slippage=slippage(item, closed),
        slippage_known=bool(exit_levels(item)),
        rules=problem.reasons,
    )


def _bindings(problem: Problem, solution: Solution) -> tuple[Binding, ...]:
    return tuple(
        Binding(name=name, account="book" if who < 0 else problem.limits.account_names[who], per_dollar=price)
        for name, who, price in solution.prices
    )
