"""A rebalance as a trader acts on it: steps in order, what they cost, how long they take, and where the sleeves come to."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from perpbook.allocation.apply import Change, Sent
from perpbook.allocation.evidence import Evidence
from perpbook.allocation.levers import OUTSIDE
from perpbook.allocation.problem import REACHED, Problem, capital_of, size_of
from perpbook.allocation.search import Answer
from perpbook.model.account import Account
from perpbook.model.contract import in_lots
from perpbook.model.verdict import Finding


@dataclass(frozen=True, slots=True, kw_only=True)
class Trade:
    """A change of one position. `notional` dollars traded; `when` 1: at once, 3: when money has arrived."""

    when: int
    account: str
    symbol: str
    quantity_before: float
    quantity_after: float
    notional: float
    cost: float
    slippage_known: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Convert:
    """`amount` of one coin changed into another where it stands, at `rate` coins for one, costs included. `when` as of what is
    sent where it leaves, 3 where it lands."""

    when: int
    account: str
    asset: str
    into: str
    amount: float
    rate: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Send:
    """Money over a way. `median`, `p90`, `worst` (99 %) seconds; `fee` in dollars, `unknown` what has no figure. `when` 2: once
    the trades at once are done. `converts` : coins changed before it leaves and where it lands, `converting` dollars of cost."""

    when: int
    source: str
    target: str
    asset: str
    amount: float
    arrives: float
    by: str
    fee: float
    unknown: tuple[str, ...]
    median: float
    p90: float
    worst: float
    converts: tuple[Convert, ...] = ()
    converting: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class SleeveMove:
    """A sleeve's share of book equity before and after, its band, and dollars it is still short (< 0) or over (> 0)."""

    name: str
    target: float | None
    least: float
    most: float
    before: float
    after: float
    missing: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Weight:
    """A position's part of its sleeve's size: held, wanted, and after. `missing` dollars outside its band.

    The one without an account is the sleeve's whole size over today's.
    """

    account: str
    symbol: str
    before: float
    wanted: float
    after: float
    missing: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Remedy:
    """What would make an infeasible rebalance feasible. `dollars` of fresh money, 0 for other remedies."""

    what: str
    dollars: float
    enough: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """All of it. `reached`: every band; `proven`: nothing cheaper is left.

    `broken` are rules that every plan tried would break, or further (then there are no steps); `meanwhile` those broken while
    money is under way.
    """

    trades: tuple[Trade, ...]
    sends: tuple[Send, ...]
    sleeves: tuple[SleeveMove, ...]
    weights: tuple[Weight, ...]
    trading: float
    sending: float
    revalued: float
    equity_before: float
    equity_after: float
    reached: bool
    proven: bool
    broken: tuple[Finding, ...] = ()
    meanwhile: tuple[Finding, ...] = ()
    remedies: tuple[Remedy, ...] = ()

    @property
    def cost(self) -> float:
        """Dollars."""
        return self.trading + self.sending

    @property
    def idle(self) -> bool:
        """True where nothing is to be done."""
        return not self.trades and not self.sends


@dataclass(frozen=True, slots=True, kw_only=True)
class Actions:
    """What is done to the book: trades at once, what is sent then, and trades when it has arrived."""

    first: tuple[Change, ...]
    sent: tuple[Sent, ...]
    last: tuple[Change, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """What a reader is told: the plan, rules broken before and after it (None: nothing is done), and what weights stand on."""

    plan: Plan
    simulated: bool
    broken_before: int
    broken_after: int | None
    notes: tuple[str, ...]
    evidence: Evidence | None


def actions_of(problem: Problem, answer: Answer) -> Actions:
    """Trades in accounts that wait for money come last; of the others cuts come before what grows."""
    sent = [Sent(lever=one, coins=c) for one, c in zip(problem.transfers, answer.sent.tolist(), strict=True) if c > 0.0]
    waiting = {one.lever.target for one in sent if one.lever.target != OUTSIDE}
    first: list[tuple[bool, float, Change]] = []
    last: list[tuple[bool, float, Change]] = []
    for lever, size in zip(problem.trades, answer.scale.tolist(), strict=True):
        if size == 1.0:
            continue
        change = Change(row=lever.row, quantity=quantity_after(problem, lever.row, size), cost=lever.cost(size))
        (last if lever.account in waiting else first).append((size > 1.0, -abs(change.cost), change))
    return Actions(
        first=tuple(one for *_, one in sorted(first, key=lambda one: one[:2])),
        sent=tuple(sent),
        last=tuple(one for *_, one in sorted(last, key=lambda one: one[:2])),
    )


def quantity_after(problem: Problem, row: int, size: float) -> float:
    """The signed quantity at a share of today's: whole lots traded, exact in print."""
    lever = next(one for one in problem.trades if one.row == row)
    assert lever.item.position is not None and lever.item.terms is not None
    held, lot = lever.item.position.quantity, lever.item.terms.contract.lot_size
    if lot <= 0.0 or size <= 0.0:
        return held * size
    traded = in_lots(abs(round((size - 1.0) / lever.lot)), lot)
    return round(held + math.copysign(traded, (size - 1.0) * held), 12)


def plan_of(problem: Problem, answer: Answer, actions: Actions, accounts: Sequence[Account]) -> Plan:
    """The answer in a trader's terms."""
    found, ids = answer.outcome, [one.id for one in accounts]
    return Plan(
        trades=tuple(_trades(problem, actions, ids)),
        sends=tuple(_send(one, ids) for one in actions.sent),
        sleeves=_sleeves(problem, answer),
        weights=_weights(problem, answer, ids),
        trading=found.trading,
        sending=found.sending,
        revalued=found.revalued,
        equity_before=problem.equity,
        equity_after=found.equity,
        reached=found.short <= REACHED * problem.equity,
        proven=answer.proven,
    )


def _trades(problem: Problem, actions: Actions, ids: Sequence[str]) -> list[Trade]:
    levers = {one.row: one for one in problem.trades}
    out = []
    for when, changes in ((1, actions.first), (3, actions.last)):
        for change in changes:
            lever = levers[change.row]
            assert lever.item.position is not None
            before = lever.item.position.quantity
            out.append(
                Trade(
                    when=when, account=ids[lever.account], symbol=lever.item.position.symbol, quantity_before=before,
                    quantity_after=change.quantity, notional=abs(lever.value) * abs(change.quantity / before - 1.0),
                    cost=change.cost, slippage_known=lever.slippage_known,
                )
            )  # fmt: skip
    return out


def _send(one: Sent, ids: Sequence[str]) -> Send:
    lever = one.lever
    fee = lever.fee(one.coins)
    return Send(
        when=2,
        source=lever.source_layer or ids[lever.source],
        target=lever.target_layer or ids[lever.target],
        asset=lever.before.got if lever.before else lever.taken,
        amount=one.coins * lever.changed[0],
        arrives=lever.arrives(one.coins),
        by=lever.way.words,
        fee=fee,
        unknown=tuple(dict.fromkeys(hop.fee.plus for hop in lever.way.hops if hop.fee.plus)),
        median=lever.median,
        p90=lever.p90,
        worst=lever.worst,
        converts=tuple(_converts(one, ids)),
        converting=lever.cost(one.coins) - fee,
    )


def _converts(one: Sent, ids: Sequence[str]) -> Iterator[Convert]:
    lever, landed = one.lever, one.lever.arrives(one.coins)
    if lever.before:
        yield Convert(
            when=2, account=ids[lever.source], asset=lever.before.given, into=lever.before.got, amount=one.coins,
            rate=lever.changed[0],
        )  # fmt: skip
    if lever.after:
        yield Convert(
            when=3, account=ids[lever.target], asset=lever.after.given, into=lever.after.got,
            amount=landed / lever.changed[1], rate=lever.changed[1],
        )  # fmt: skip


def _sleeves(problem: Problem, answer: Answer) -> tuple[SleeveMove, ...]:
    import numpy as np

    before = capital_of(problem, np.ones(len(problem.trades)), np.zeros(problem.accounts.size), 0.0)
    after = answer.outcome
    return tuple(
        SleeveMove(
            name=band.name, target=band.target, least=band.least, most=band.most,
            before=float(before[band.number]) / problem.equity, after=float(after.capital[band.number]) / after.equity,
            missing=float(after.missing[k]),
        )
        for k, band in enumerate(problem.bands)
    )  # fmt: skip


def _weights(problem: Problem, answer: Answer, ids: Sequence[str]) -> tuple[Weight, ...]:
    """Every position's part of its sleeve's size; the sleeve's size itself, over today's, comes last."""
    if not problem.wishes:
        return ()
    ones = np.ones(len(problem.trades))
    *single, whole = problem.wishes
    parts = [
        [size_of(problem, one, ones) for one in single],
        [one.share for one in single],
        [size_of(problem, one, answer.scale) for one in single],
    ]
    before, wanted, after = ([part / (sum(values) or 1.0) for part in values] for values in parts)
    out = []
    for k, one in enumerate(single):
        lever = problem.trades[one.positions[0]]
        assert lever.item.position is not None
        out.append(
            Weight(
                account=ids[lever.account], symbol=lever.item.position.symbol, before=before[k], wanted=wanted[k],
                after=after[k], missing=float(answer.outcome.astray[k]),
            )
        )  # fmt: skip
    size = size_of(problem, whole, ones)
    grown = Weight(
        account="", symbol="size", before=1.0, wanted=whole.share * problem.equity / size,
        after=size_of(problem, whole, answer.scale) / size, missing=float(answer.outcome.astray[-1]),
    )  # fmt: skip
    return (*out, grown)
