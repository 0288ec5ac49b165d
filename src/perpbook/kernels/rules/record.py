"""How a rule writes down what it measured, and what it asks for."""

from __future__ import annotations

from perpbook.kernels.jit import part
from perpbook.kernels.memory import Memory
from perpbook.kernels.state import Findings, Proposals, State


@part
def record(findings: Findings, code: int, subject: int, detail: int, measured: float, limit: float) -> None:
    """Append one finding. `detail` is a scenario number, or -1."""
    row = findings.rows[0]
    findings.code[row] = code
    findings.subject[row] = subject
    findings.detail[row] = detail
    findings.measured[row] = measured
    findings.limit[row] = limit
    findings.rows[0] = row + 1


@part
def keep_at_most(proposals: Proposals, i: int, scale: float, code: int) -> None:
    """Ask that position i keep at most `scale` of its size; an earlier, smaller answer stands."""
    scale = min(max(scale, 0.0), 1.0)
    if scale < proposals.scale[i]:
        proposals.scale[i] = scale
        proposals.reason[i] = code


@part
def is_quiet(state: State, memory: Memory, i: int) -> bool:
    """Whether a rule under survival cut position i so short a while ago that those rules leave it alone."""
    return bool(state.book[0].now_ns < memory.quiet_until_ns[i])


@part
def trim(state: State, memory: Memory, proposals: Proposals, i: int, scale: float, code: int) -> None:
    """`keep_at_most` for rules under survival: not while the position is quiet."""
    if not is_quiet(state, memory, i):
        keep_at_most(proposals, i, scale, code)


@part
def share_of(amount: float, equity: float) -> float:
    """Amount over equity; infinite when there is an amount and no equity."""
    if equity > 0.0:
        return amount / equity
    return 0.0 if amount == 0.0 else float("inf")


@part
def room(limit: float, fixed: float, scaled: float) -> float:
    """The largest scale k in [0, 1] at which `|fixed + k scaled| <= limit`.

    Where there is none the end that comes nearer to it: 0, or 1 when what would be cut is what hedges the rest.
    """
    if abs(fixed + scaled) <= limit:
        return 1.0
    if scaled == 0.0:
        return 0.0
    edge = limit if fixed + scaled > 0.0 else -limit
    scale = (edge - fixed) / scaled
    if 0.0 <= scale <= 1.0:
        return scale
    return 0.0 if abs(fixed) <= abs(fixed + scaled) else 1.0
