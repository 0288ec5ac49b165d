"""The plans a verdict offers: the cheapest trims and the uniform ones, both in whole lots and both checked again."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from perpbook.kernels.state import BOOK_EFFECTIVE, DEPTH_SHARE, HEDGE_BAND, MARGIN_MODE, POSITION_LOSS, Policy, State
from perpbook.kernels.types import Floats
from perpbook.margin.arrays import Item, exit_levels, fee_to_close, slippage
from perpbook.margin.assess import Assessed
from perpbook.model.verdict import Binding, Finding, Plan, Status, Trim
from perpbook.playbook.compile import Names
from perpbook.playbook.words import WORDINGS
from perpbook.sizing.build import cost_lines, limits_of
from perpbook.sizing.cheapest import CostLines, Price, Solution, cheapest_sizes
from perpbook.sizing.limits import Limits, MarginLimits, margin_limits
from perpbook.sizing.lots import round_to_lots
from perpbook.sizing.possible import within_reach
from perpbook.sizing.quantities import quantity_at
from perpbook.sizing.reasons import Asked, asked_by
from perpbook.sizing.uniform import SLACK, largest_uniform, uniform_sizes

Changes = Mapping[int, tuple[float, float]]
"""Book row -> (new quantity, dollars of cost)."""

MENDABLE = tuple(
    one.rule
    for code, one in WORDINGS.items()
    if POSITION_LOSS <= code <= BOOK_EFFECTIVE or code in (DEPTH_SHARE, HEDGE_BAND)
)
"""Rules that trims can restore; the others want money moved or a position reopened."""

TIGHTENINGS = (0.01, 0.05, 0.25, 1.5, 9.0, 54.0)
"""By how many of the largest lots the limits are tightened, in turn, when no rounding keeps them."""

assert WORDINGS[MARGIN_MODE].rule not in MENDABLE


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem:
    """A broken book, laid out: what must hold, what trims cost, and how to check an answer.

    `whole` False: some limits are out of reach of any trim and were set aside, so no plan restores everything.
    `dollars` is the size of the book, `asked` what is broken in it.
    """

    assessed: Assessed
    limits: Limits
    laid: MarginLimits
    items: Sequence[Item]
    costs: Sequence[CostLines]
    recheck: Callable[[Changes], tuple[Finding, ...]]
    asked: Callable[[tuple[Price, ...]], Asked]
    dollars: float
    whole: bool = True

    @property
    def tolerance(self) -> float:
        """Dollars by which a limit may be missed and still count as kept."""
        return SLACK * max(self.dollars, 1.0)


def is_mendable(finding: Finding) -> bool:
    """True for a breach that some trim could end."""
    return finding.status is Status.BREACH and finding.rule.startswith(MENDABLE)


def plans_for(
    assessed: Assessed,
    rules: tuple[State, Policy, Names],
    findings: tuple[Finding, ...],
    recheck: Callable[[Changes], tuple[Finding, ...]],
) -> tuple[Plan, ...]:
    """The cheapest plan first, then the uniform one; empty when no trim is called for or none helps.

    Where some limit is out of reach of any trim, the plans keep all others, and say what remains.
    """
    broken = [finding for finding in findings if is_mendable(finding)]
    if not broken or not assessed.arrays.positions():
        return ()
    limits = limits_of(assessed, *rules)
    items = [assessed.arrays.items[row] for row in limits.rows]
    problem = Problem(
        assessed=assessed,
        limits=limits,
        laid=margin_limits(limits),
        items=items,
        costs=[cost_lines(item, fee_to_close(item, assessed.arrays.prices)) for item in items],
        recheck=recheck,
        asked=lambda prices: asked_by(assessed, rules[0], rules[1], broken, prices),
        dollars=float(np.abs(assessed.measures.equity).sum()),
    )
    first = cheapest_sizes(problem.limits, problem.laid, problem.costs)
    if first is None:
        kept = within_reach(problem.limits, problem.laid, problem.costs)
        if kept is None:
            return ()
        problem = replace(problem, limits=kept[0], laid=kept[1], whole=False)
        first = cheapest_sizes(problem.limits, problem.laid, problem.costs)
    uniform = _uniform(problem)
    found = (_cheapest(problem, first, uniform), uniform)
    return tuple(
        sorted((plan for plan in found if plan and plan.trims), key=lambda plan: (not plan.restores, plan.cost))
    )


def _cheapest(problem: Problem, solution: Solution | None, uniform: Plan | None) -> Plan | None:
    """The optimiser's sizes in lots, or the uniform ones in the rare case that rounding made those the better ones."""
    best = None
    for tighter in (*TIGHTENINGS, None):
        if solution is None:
            break
        sizes = round_to_lots(problem.limits, problem.laid, problem.items, solution.scale, problem.tolerance)
        plan = _plan(problem, "cheapest", sizes, solution=solution) if sizes is not None else None
        if plan and (plan.restores or not problem.whole):
            best = plan
            break
        best = best or plan
        if tighter is not None:
            solution = cheapest_sizes(*_tightened(problem, tighter * _largest_lot(problem)), problem.costs)
    if best and uniform and (uniform.restores, -uniform.cost) > (best.restores, -best.cost):
        return replace(
            best, trims=uniform.trims, cost=uniform.cost, restores=uniform.restores, remaining=uniform.remaining
        )
    return best


def _tightened(problem: Problem, slack: float) -> tuple[Limits, MarginLimits]:
    """The same limits with some dollars to spare, so that whole lots fit inside the real ones."""
    linear = tuple(replace(one, bound=one.bound - slack) for one in problem.limits.linear)
    return replace(problem.limits, linear=linear), replace(problem.laid, base=problem.laid.base - slack)


def _largest_lot(problem: Problem) -> float:
    """Dollars in the largest lot of any position; a ten-thousandth of the book without lots."""
    lots = [
        item.terms.contract.lot_size / abs(item.position.quantity) * abs(item.delta) * item.mark * item.ratio
        for item in problem.items
        if item.terms and item.position
    ]
    return max(lots, default=0.0) or 1e-4 * problem.dollars


def _uniform(problem: Problem) -> Plan | None:
    scale = largest_uniform(problem.limits, problem.laid, problem.dollars)
    if scale is None:
        return None
    best = None
    for _ in range(40):
        wanted = uniform_sizes(problem.limits, scale)
        sizes = round_to_lots(problem.limits, problem.laid, problem.items, wanted, problem.tolerance)
        if sizes is not None:
            plan = _plan(problem, "uniform", sizes, uniform_scale=scale)
            best = best or plan
            if plan.restores or not problem.whole:
                return plan
        scale *= 0.995
    return best


def _plan(
    problem: Problem,
    method: str,
    sizes: Floats,
    *,
    solution: Solution | None = None,
    uniform_scale: float | None = None,
) -> Plan:
    asked = problem.asked(solution.prices if solution else ())
    trims = {
        int(row): _trim(problem, item, float(size), asked)
        for row, item, size in zip(problem.limits.rows, problem.items, sizes, strict=True)
        if size < 1.0 - 1e-12
    }
    after = problem.recheck({row: (trim.quantity_after, trim.cost) for row, trim in trims.items()})
    return Plan(
        method=method,
        trims=tuple(trims.values()),
        cost=sum(trim.cost for trim in trims.values()),
        restores=not any(is_mendable(finding) for finding in after),
        uniform_scale=uniform_scale,
        bindings=_bindings(problem, solution) if solution else (),
        remaining=tuple(dict.fromkeys(one.rule for one in after if one.status is Status.BREACH)),
    )


def _trim(problem: Problem, item: Item, size: float, asked: Asked) -> Trim:
    assert item.position is not None
    arrays = problem.assessed.arrays
    closed = 1.0 - size
    return Trim(
        account=arrays.accounts[item.account].id,
        symbol=item.position.symbol,
        quantity_before=item.position.quantity,
        quantity_after=quantity_at(item, size),
        notional_closed=abs(item.delta) * float(arrays.prices[item.column]) * closed,
        fees=fee_to_close(item, arrays.prices) * closed,
        slippage=slippage(item, closed),
        slippage_known=bool(exit_levels(item)),
        rules=asked.rules(problem.assessed, item),
    )


def _bindings(problem: Problem, solution: Solution) -> tuple[Binding, ...]:
    return tuple(
        Binding(
            name=one.name,
            account="book" if one.account < 0 else problem.limits.account_names[one.account],
            per_dollar=one.per_dollar,
        )
        for one in solution.prices
    )
