"""`decide` on an assessed book: compile the playbook, run the kernel, put the findings into words."""

from __future__ import annotations

import math
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass

import numpy as np

from perpbook.kernels.decide import decide
from perpbook.kernels.memory import DAY_NS, memory_of_one_look
from perpbook.kernels.state import Findings, Policy, Proposals, State, empty_findings, no_proposals
from perpbook.margin.assess import Assessed
from perpbook.model.verdict import Finding, Status
from perpbook.playbook.compile import Names, compile_policy, names_of
from perpbook.playbook.ground import NO_GROUND, Ground
from perpbook.playbook.hardship_judge import judge_hardship
from perpbook.playbook.past import Past, write_past
from perpbook.playbook.schema import Playbook
from perpbook.playbook.spread_judge import judge_spreads
from perpbook.playbook.state import state_of
from perpbook.playbook.words import SEVERITY, findings_in_words

Starts = tuple[float, float]
"""Dollars that the book was worth when the UTC day and week began, NaN where that is not known: nothing is measured by it
then."""
NO_STARTS: Starts = (math.nan, math.nan)
StepsTaken = Mapping[tuple[str, str], int]
"""How many steps of the profit ladder positions have taken, by account and symbol; one that is missing none."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """What the rules saw, measured and asked for, as arrays and in words."""

    names: Names
    state: State
    policy: Policy
    raw: Findings
    proposals: Proposals
    findings: tuple[Finding, ...]

    @property
    def status(self) -> Status:
        """The worst status of any finding; OK when the playbook asks for nothing."""
        return self.findings[0].status if self.findings else Status.OK


def decide_on(
    assessed: Assessed,
    playbook: Playbook,
    past: Past | None = None,
    ground: Ground = NO_GROUND,
    starts: Starts = NO_STARTS,
    steps: StepsTaken | None = None,
    cuts: Collection[tuple[str, str]] = (),
) -> Decision:
    """Judge an assessed book by a playbook; `past` is what is known of its positions' funding, `ground` of its layers, `starts`
    of the day and the week, `steps` of profit taken: None is nothing, and no step counts as open then; `cuts` are positions, by
    account and symbol, that were cut today already for what their funding cost. Pure."""
    names = names_of(assessed, playbook, ground)
    policy = compile_policy(playbook, names, assessed.scenarios)
    state = state_of(assessed, playbook, names, policy, ground)
    if past is not None:
        write_past(state, assessed.arrays.by_row(past))
    raw, proposals = empty_findings(state, policy), no_proposals(state)
    memory = memory_of_one_look(state.positions.size, policy.profit_gain.size)
    memory.day_start[0], memory.week_start[0] = starts
    if steps is not None:
        memory.steps_taken[:] = _taken(assessed, steps, policy.profit_gain.size)
    if cuts:
        today = int(state.book[0].now_ns) // DAY_NS
        memory.funding_cut_day[:] = [today if pair in cuts else -1 for pair in _pairs(assessed)]
    with np.errstate(
        over="ignore"
    ):  # of a speck of a position every excess is infinitely many: plain kernels would warn of it
        decide(state, policy, memory, raw, proposals)
    return Decision(
        names=names,
        state=state,
        policy=policy,
        raw=raw,
        proposals=proposals,
        findings=tuple(
            sorted(
                (*findings_in_words(raw, policy, names, assessed), *_besides(assessed, playbook, state, policy, names)),
                key=lambda one: SEVERITY[one.status],
            )
        ),
    )


def _taken(assessed: Assessed, steps: StepsTaken, most: int) -> list[int]:
    """Steps taken in the order of the state's positions."""
    return [min(steps.get(pair, 0), most) for pair in _pairs(assessed)]


def _pairs(assessed: Assessed) -> list[tuple[str, str]]:
    """Account and symbol in the order of the state's positions."""
    arrays = assessed.arrays
    items = [arrays.items[row] for row in arrays.positions()]
    return [(arrays.accounts[one.account].id, one.position.symbol if one.position else "") for one in items]


def _besides(assessed: Assessed, playbook: Playbook, state: State, policy: Policy, names: Names) -> Iterator[Finding]:
    """Findings of rules that no kernel knows of."""
    if playbook.survival is not None:
        yield from judge_hardship(assessed, state, policy, names, playbook.survival)
    alert = playbook.liquidity.spread_alert if playbook.liquidity else None
    if alert is not None:
        yield from judge_spreads(assessed, alert, playbook.near)
