"""Weights for the positions of one sleeve from history: what they should be, and what such weights were worth out of sample."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from perpbook.errors import InputError
from perpbook.model.units import HOUR_NS, to_iso

if TYPE_CHECKING:
    from perpbook.allocation.evidence import Evidence
    from perpbook.allocation.problem import Wish
    from perpbook.history.choose import Wanted
    from perpbook.kernels.types import Floats
    from perpbook.model.bars import Bars
    from perpbook.runs.check import CheckResult
    from perpbook.tails.returns import JointReturns
    from perpbook.terms.terms import VenueTerms

DIRECTIONAL = "directional"
FOLDS = 24
"""Steps of the walk through the second half of history."""

PAIR = 0.05
"""Net over gross: positions of one asset that come to less offset one another."""

FUNDING = ": funding "
"""In notes of bars: weights stand on price moves alone."""

USUAL_DRIFT = 0.05
"""The playbook's own default, where it has no [rebalance]."""


@dataclass(frozen=True, slots=True, kw_only=True)
class WeightsAsked:
    """Which weights, of which sleeve (None: "directional", or the only one that holds positions), from which history."""

    scheme: str
    lake: Path
    sleeve: str | None = None
    bar_ns: int = HOUR_NS
    since_ns: int | None = None
    until_ns: int | None = None
    level: float = 0.05
    proxies: Mapping[str, str] = field(default_factory=dict)
    draws: int = 1_000
    seed: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Group:
    """The sleeve's positions in one asset, signed dollars: a weight is their net's, and they grow and shrink together."""

    asset: str
    positions: tuple[int, ...]
    values: tuple[float, ...]
    wanted: Wanted

    @property
    def net(self) -> float:
        """Signed dollars."""
        return sum(self.values)


def weigh(
    before: CheckResult, terms: Mapping[str, VenueTerms], asked: WeightsAsked
) -> tuple[tuple[Wish, ...], Evidence]:
    """A wish for every position of the sleeve, one for its size, which is to stay as it is, and the evidence.

    Raises
    ------
    InputError : no such weights or sleeve, fewer than two positions, too little history, or skfolio is not there.
    MissingData : the lake has no such prices.
    """
    from perpbook.allocation.evidence import Evidence, tracks_of
    from perpbook.allocation.weights import Scheme, fitted_weights, held_weights, walked_forward
    from perpbook.tails.bootstrap import usual_resampling

    if asked.scheme not in [one.value for one in Scheme]:
        raise InputError(f'--weights "{asked.scheme}": choose target, {", ".join(one.value for one in Scheme)}')
    scheme, sleeve = Scheme(asked.scheme), sleeve_asked(before, asked.sleeve)
    groups, notes = groups_of(before, sleeve)
    signed, joint, bars = _history(groups, asked)
    weights = fitted_weights(scheme, signed, asked.level)
    held = held_weights([one.net for one in groups])
    train, test = joint.rows // 2, max(joint.rows // 2 // FOLDS, 1)
    earned = {scheme.value: walked_forward(scheme, signed, asked.level, train=train, test=test)}
    if scheme is not Scheme.EQUAL:
        earned["equal"] = walked_forward(Scheme.EQUAL, signed, asked.level, train=train, test=test)
    tested = earned[scheme.value].size
    earned["held"] = signed[train : train + tested] @ held
    rng = np.random.Generator(np.random.SFC64(np.random.SeedSequence(asked.seed)))
    how = usual_resampling(tested, asked.bar_ns, draws=asked.draws)
    evidence = Evidence(
        scheme=scheme.value, sleeve=sleeve, rows=joint.rows, tested=tested, bar_ns=asked.bar_ns,
        start=to_iso(int(joint.times_ns[0]) - joint.bar_ns), end=to_iso(int(joint.times_ns[-1])), level=asked.level,
        source=bars.source, simulated=bars.simulated,
        notes=(*notes, *(told for told in bars.notes if FUNDING not in told), *joint.notes),
        tracks=tracks_of(scheme.value, earned, asked.level, asked.bar_ns, how, rng),
    )  # fmt: skip
    return wishes_of(before, groups, weights), evidence


def sleeve_asked(before: CheckResult, name: str | None) -> str:
    """The sleeve that is meant."""
    from perpbook.playbook.sleeves import sleeve_of

    assert before.playbook.capital is not None
    names = [one.name for one in before.playbook.capital.sleeves]
    if name is not None:
        if name not in names:
            raise InputError(f'--sleeve "{name}": the playbook has {", ".join(names)}')
        return name
    if DIRECTIONAL in names:
        return DIRECTIONAL
    arrays = before.assessed.arrays
    items = [arrays.items[row] for row in arrays.positions()]
    own = {sleeve_of(before.playbook, arrays.accounts[item.account].venue, item) for item in items} - {-1}
    if len(own) == 1:
        return names[own.pop()]
    raise InputError(f"which sleeve is weighed? name it with --sleeve: {', '.join(names)}")


def groups_of(before: CheckResult, sleeve: str) -> tuple[tuple[Group, ...], tuple[str, ...]]:
    """The sleeve's positions by asset, and what is left as it is: pairs, whose net is next to nothing."""
    from perpbook.history.choose import Wanted
    from perpbook.playbook.sleeves import sleeve_of

    assert before.playbook.capital is not None
    number = [one.name for one in before.playbook.capital.sleeves].index(sleeve)
    arrays, values = before.assessed.arrays, before.decision.state.positions.value
    found: dict[str, list[int]] = {}
    rows = arrays.positions()
    for k, row in enumerate(rows):
        item = arrays.items[row]
        if sleeve_of(before.playbook, arrays.accounts[item.account].venue, item) == number:
            found.setdefault(item.asset, []).append(k)
    groups, notes = [], []
    for asset, own in found.items():
        largest = arrays.items[rows[max(own, key=lambda k: abs(float(values[k])))]]
        assert largest.terms is not None
        contract = largest.terms.contract
        wanted = Wanted(venue=contract.venue, symbol=contract.symbol, base=contract.base, quote=contract.quote)
        group = Group(asset=asset, positions=tuple(own), values=tuple(float(values[k]) for k in own), wanted=wanted)
        if abs(group.net) < PAIR * sum(map(abs, group.values)):
            notes.append(f"{asset} is a pair: its net is next to nothing, and it is left as it is")
            continue
        groups.append(group)
    if len(groups) < 2:
        raise InputError(f'"{sleeve}" holds {len(groups)} asset(s) on one side: weights are a matter of two at least')
    return tuple(groups), tuple(notes)


def _history(groups: Sequence[Group], asked: WeightsAsked) -> tuple[Floats, JointReturns, Bars]:
    """(rows, groups) simple returns signed by side, the joint returns they are from, and the bars of those."""
    from perpbook.history.choose import span_of
    from perpbook.history.lake import Lake
    from perpbook.history.load import WITHOUT, load_bars
    from perpbook.tails.returns import joint_returns

    lake, wanted = Lake(asked.lake), [one.wanted for one in groups]
    start, end = span_of(lake, wanted, bar_ns=asked.bar_ns, proxies=asked.proxies)
    bars = load_bars(
        lake, wanted, bar_ns=asked.bar_ns, start_ns=start if asked.since_ns is None else asked.since_ns,
        end_ns=end if asked.until_ns is None else asked.until_ns, proxies=asked.proxies,
        funding={one.venue: WITHOUT for one in wanted},
    )  # fmt: skip
    names = tuple(one.asset for one in groups)
    joint = joint_returns(bars, names=names)
    if joint.names != names:
        raise InputError("no weights for all of the sleeve's positions:\n    " + "\n    ".join(joint.notes))
    signed = np.expm1(joint.values).T * np.sign([one.net for one in groups])
    return np.ascontiguousarray(signed), joint, bars


def wishes_of(before: CheckResult, groups: Sequence[Group], weights: Floats) -> tuple[Wish, ...]:
    """The weights as shares of book equity, and how far the playbook lets each position stray, and all of them together."""
    from perpbook.allocation.problem import Wish
    from perpbook.kernels.rules.rebalance import band

    state, policy = before.decision.state, before.decision.policy
    if not np.isfinite(policy.rebalance_drift):
        policy = policy._replace(rebalance_drift=USUAL_DRIFT)
    equity, size = before.assessment.book.equity, sum(abs(one.net) for one in groups)
    out = []
    for group, weight in zip(groups, weights.tolist(), strict=True):
        for k, value in zip(group.positions, group.values, strict=True):
            share = weight * size / abs(group.net) * abs(value) / equity
            out.append(Wish(positions=(k,), share=share, slack=band(policy, float(state.positions.cost[k]))))
    every = tuple(k for one in out for k in one.positions)
    whole = Wish(positions=every, share=sum(one.share for one in out), slack=policy.rebalance_drift)
    return (*out, whole)
