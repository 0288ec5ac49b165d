"""Steps of the profit ladder: the guard decides as the backtest's kernel does, and takes none twice."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from perpbook.guard import ladder
from perpbook.guard.case import Case, Phase
from perpbook.guard.desk import Desk
from perpbook.guard.ladder import NOTHING, TAKE_PROFIT, Taken, step_of
from perpbook.guard.view import View, WantedLeg
from perpbook.kernels import state as codes
from perpbook.kernels.decide import decide
from perpbook.kernels.memory import empty_memory, forget
from perpbook.kernels.state import empty_findings, no_proposals
from perpbook.model.account import Account
from perpbook.model.action import ActionKind, Leg, Proposal, Step
from perpbook.model.market import Snapshot
from perpbook.model.message import AccountSeen, MarkSeen
from perpbook.playbook.load import parse_playbook
from perpbook.playbook.words import WORDINGS
from perpbook.runs.check import check_snapshot, load_all_terms, read_inputs
from perpbook.runs.guard_decide import Judge, seen_book
from perpbook.runs.guard_steps import Taking, counted, positions_of, steps_taken, with_step
from tests.laws.guarded import CALM

BOOK = Path("src/perpbook/examples/directional/book.toml")
RULES = parse_playbook(
    "schema_version = 1\n[guardrails]\nslack = 0.0\ntake_profit = [{ gain = 0.05, close = 0.25 }, { gain = 0.2, close = 0.5 }, "
    "{ gain = 0.4, close = 1.0 }]\n",
    "asked",
)
PAIR = ("main", "BTC")
POSITIONS: st.SearchStrategy[list[float]] = st.lists(st.sampled_from((0.9, 1.02, 1.06, 1.1, 1.25, 1.5)), max_size=5)


@pytest.fixture(scope="module")
def judge() -> Judge:
    snapshot, _ = read_inputs(BOOK, None, market=None, now_ns=None)
    return Judge(base=snapshot, playbook=RULES, terms=load_all_terms(snapshot))


def seen(base: Snapshot, accounts: tuple[Account, ...], at: float, desk: Desk) -> View:
    """Prices so many times what positions cost, for those that are long; as far under it for those that are short."""
    now, marks = base.market.as_of_ns, {}
    for account in accounts:
        for one in account.positions:
            price = one.entry_price * (at if one.quantity > 0.0 else 2.0 - at)
            key = (account.venue, one.symbol)
            marks[key] = MarkSeen(
                venue=key[0], symbol=key[1], at_ns=now, received_ns=now, mark_price=price, oracle_price=price,
                index_price=price,
            )  # fmt: skip
    told = {one.id: AccountSeen(account=one, at_ns=now, received_ns=now) for one in accounts}
    return View(now_ns=now, accounts=told, books={}, marks=marks, unknown=frozenset(), desk=desk)


def proposal(legs: tuple[Leg, ...], rule: str = TAKE_PROFIT) -> Proposal:
    return Proposal(
        kind=ActionKind.TRIM, rule=rule, reason="", legs=legs, created_ns=0, expires_ns=1, cost_max=1.0, collar=0.1,
        before=CALM, after=CALM, playbook="", terms="",
    )  # fmt: skip


def case_of(legs: tuple[Leg, ...], rule: str = TAKE_PROFIT) -> Case:
    made = proposal(legs, rule)
    return Case(proposal=made, digest=made.digest, phase=Phase.EXECUTING, since_ns=0)


def leg_of(wanted: WantedLeg, held: float) -> Leg:
    return Leg(
        account=wanted.account, venue="v", symbol=wanted.symbol, quantity=wanted.quantity, held=held, limit_price=1.0,
        step=wanted.step,
    )  # fmt: skip


def carried_out(desk: Desk, accounts: tuple[Account, ...], legs: list[WantedLeg]) -> tuple[Account, ...]:
    """Positions after their legs, and the desk that the guard's records of it make."""
    found = []
    for account in accounts:
        cut = {one.symbol: one for one in legs if one.account == account.id}
        was = {one.symbol: one.quantity for one in account.positions}
        now = {name: held + cut[name].quantity if name in cut else held for name, held in was.items()}
        for name, one in cut.items():
            leg = leg_of(one, was[name])
            ladder.begun(desk.ladders, case_of((leg,)), leg)
            ladder.traded(desk.ladders, leg, leg.quantity)
        ladder.shown(desk.ladders, account.id, was, now, list(cut))
        left = tuple(replace(one, quantity=now[one.symbol]) for one in account.positions if now[one.symbol] != 0.0)
        found.append(replace(account, positions=left))
    return tuple(found)


def kernel_cuts(judge: Judge, view: View, memories: dict[tuple[str, str], int]) -> dict[tuple[str, str], float]:
    """What the one decision of the backtest changes of positions, with what it remembers of them."""
    result = check_snapshot(seen_book(judge.base, view), RULES, judge.terms)
    state, policy = result.decision.state, result.decision.policy
    memory, found = empty_memory(state.positions.size), no_proposals(state)
    places = [pair for pair, _ in positions_of(result)]
    memory.steps_taken[:] = [memories.get(pair, 0) for pair in places]
    decide(state, policy, memory, empty_findings(state, policy), found)
    held = {(name, one.symbol): one.quantity for name, of in view.accounts.items() for one in of.account.positions}
    for k, pair in enumerate(places):
        if found.scale[k] == 0.0:
            forget(memory, k)
        memories[pair] = int(memory.steps_taken[k])
    return {pair: -(1.0 - found.scale[k]) * held[pair] for k, pair in enumerate(places) if found.scale[k] < 1.0}


@given(path=POSITIONS)
def test_the_guard_takes_what_the_backtests_decision_takes(judge: Judge, path: list[float]) -> None:
    """Whatever way prices go, as long as what is wanted is carried out at once."""
    accounts, desk, memories = judge.base.book.accounts, Desk(), dict[tuple[str, str], int]()
    for at in path:
        view = seen(judge.base, accounts, at, desk)
        if not any(one.positions for one in accounts):
            return
        legs = [leg for one in judge(view).wanted for leg in one.legs]
        asked = {(leg.account, leg.symbol): leg.quantity for leg in legs}
        assert asked == pytest.approx(kernel_cuts(judge, view, memories), rel=1e-9)
        accounts = carried_out(desk, accounts, legs)


def test_the_rule_is_the_playbooks() -> None:
    assert WORDINGS[codes.TAKE_PROFIT].rule == TAKE_PROFIT


def test_a_position_older_than_the_journal_takes_what_it_reaches_from_then_on(judge: Judge) -> None:
    accounts, desk = judge.base.book.accounts, Desk()
    for one in accounts:
        ladder.shown(desk.ladders, one.id, None, {part.symbol: part.quantity for part in one.positions}, ())
    first = judge(seen(judge.base, accounts, 1.1, desk))
    assert not first.wanted and first.steps and set(first.steps.values()) == {0.05}
    for pair, gain in first.steps.items():
        ladder.looked(desk.ladders, pair, gain)
    again = judge(seen(judge.base, accounts, 1.1, desk))
    assert not again.wanted and not again.steps
    told = {one.symbol for one in again.alerts if one.kind == "unknown.steps"}
    assert told == {part.symbol for one in accounts for part in one.positions}
    assert {
        leg.step.gain for one in judge(seen(judge.base, accounts, 1.25, desk)).wanted for leg in one.legs if leg.step
    } == {0.2}


def begun(quantity: float, traded: float, gain: float = 0.05) -> tuple[ladder.Ladders, Case]:
    """A ladder after a step of which so much was traded."""
    held: ladder.Ladders = {PAIR: NOTHING}
    leg = Leg(
        account="main", venue="v", symbol="BTC", quantity=quantity, held=10.0, limit_price=1.0,
        step=Step(gain=gain, quantity=quantity),
    )  # fmt: skip
    case = case_of((leg,))
    ladder.begun(held, case, leg)
    ladder.traded(held, leg, traded)
    return held, case


def test_what_was_not_traded_stays_owed_and_nothing_more(judge: Judge) -> None:
    held, case = begun(-2.5, -1.0)
    ladder.closed(held, case, [])
    held, _ = begun(-2.5, -1.0)
    assert held[PAIR].owed == -1.5 and step_of(held[PAIR], 9.0, 0.0, 1.0) == Step(gain=0.05, quantity=-1.5)
    higher = step_of(held[PAIR], 9.0, 0.2, 0.5)
    assert higher is not None and higher.quantity == pytest.approx(-1.5 - 0.5 * 7.5)
    whole, _ = begun(-2.5, -2.5)
    assert step_of(whole[PAIR], 7.5, 0.0, 1.0) is None


def test_a_step_of_which_nothing_was_traded_is_open_again() -> None:
    held, case = begun(-2.5, 0.0)
    assert held[PAIR].gain == 0.05
    ladder.closed(held, case, [])
    assert held[PAIR] == NOTHING


@pytest.mark.parametrize(("now", "gain", "owed"), [(9.0, 0.05, -1.5), (12.0, 0.05, 0.0), (5.0, 0.05, 0.0)])
def test_somebody_elses_hand_ends_what_is_owed_and_forgets_no_step(now: float, gain: float, owed: float) -> None:
    held, _ = begun(-2.5, -1.0)
    ladder.shown(held, "main", {"BTC": 9.0}, {"BTC": now}, ())
    assert (held[PAIR].gain, held[PAIR].owed) == (gain, owed)


@pytest.mark.parametrize("now", [{}, {"BTC": -3.0}])
def test_a_position_closed_or_turned_starts_its_ladder_again(now: Mapping[str, float]) -> None:
    held, _ = begun(-2.5, -2.5)
    ladder.shown(held, "main", {"BTC": 7.5}, now, ())
    assert PAIR not in held


def test_a_proposal_whose_step_was_taken_since_does_not_begin() -> None:
    held, case = begun(-2.5, -2.5)
    assert ladder.refuses(held, case.proposal) and not ladder.refuses({}, case.proposal)
    rest, other = begun(-2.5, -1.0)
    assert ladder.refuses(rest, other.proposal)
    leg = replace(other.proposal.legs[0], quantity=-1.5, held=9.0)
    assert not ladder.refuses(rest, proposal((leg,)))
    assert not ladder.refuses(held, proposal(case.proposal.legs, "leverage.asset"))


def test_a_higher_rule_that_closes_as_much_takes_the_step() -> None:
    taking = Taking(pair=PAIR, step=Step(gain=0.05, quantity=-2.5), reason="", after=(7.5, 0.0))
    legs = [WantedLeg(account="main", symbol="BTC", quantity=size) for size in (-3.0, -2.0)]
    assert [with_step(leg, (taking,)).step for leg in legs] == [taking.step, None]


@given(gain=st.floats(0.0, 1.0), steps=st.lists(st.floats(0.01, 1.0), unique=True, max_size=4).map(sorted))
def test_steps_are_counted_by_their_gain_whatever_the_playbook_says_now(gain: float, steps: list[float]) -> None:
    taken = counted(Taken(gain=gain), steps)
    assert all(one <= gain for one in steps[:taken]) and all(one > gain for one in steps[taken:])
    assert counted(Taken(gain=None), steps) == len(steps)


def test_steps_are_those_of_the_desk(judge: Judge) -> None:
    desk = Desk(ladders={PAIR: Taken(gain=0.2), ("main", "ETH"): Taken(gain=None)})
    view = seen(judge.base, judge.base.book.accounts, 1.0, desk)
    assert steps_taken(view, RULES) == {PAIR: 2, ("main", "ETH"): 3}
    assert np.isinf(check_snapshot(judge.base, RULES, judge.terms).decision.policy.daily_drawdown)
