"""Laws of a treasurer in a run: money conserved, nothing before an outage ends, nothing known ahead, idle it changes nothing."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import pytest
from hypothesis import Phase, example, given, settings
from hypothesis import strategies as st

from perpbook.engine.backtest import Journey, Ready, backtest
from perpbook.engine.drive import asked_every, drive
from perpbook.engine.outcome import Outcome
from perpbook.engine.treasured import deaths_by_account
from perpbook.engine.treasurer import Policy, Sent, Treasurer
from perpbook.kernels.sight import free_on
from perpbook.model.account import Account, Balance, Position
from perpbook.model.book import LayerBalance, Transfer
from perpbook.playbook.load import parse_playbook
from perpbook.runs.treasury_given import score_by
from perpbook.scenario.overlay import Absence
from perpbook.scenario.storm import OUTAGES
from perpbook.treasury.courier import Courier, Priced, Sky
from perpbook.treasury.facts_load import packaged_facts
from tests.runs.small import journey_of

FACTS, BARS, HOUR = packaged_facts(), 24, 3_600
FOUND: dict[tuple[str, str, str], tuple[Priced, ...]] = {}
QUICK = (Phase.explicit, Phase.generate)
"""A run takes long: what fails is told as it was drawn."""
NAMES = {
    "layer": ("*", "arbitrum", "base", "hyperliquid-l1"),
    "route": ("*", "across", "cctp"),
    "venue": ("*", "hyperliquid", "binance"),
}


def pair(closes: list[float]) -> Journey:
    """A short and a long in ether, and USDC on two layers."""
    accounts = (
        Account(
            id="short", venue="hyperliquid", layer="hyperliquid-l1", collateral=(Balance(asset="USDC", amount=30_000.0),),
            positions=(Position(symbol="ETH", quantity=-100.0, entry_price=closes[0], leverage=10.0),),
        ),
        Account(
            id="long", venue="binance", layer="binance", collateral=(Balance(asset="USDT", amount=40_000.0),),
            positions=(Position(symbol="ETHUSDT", quantity=100.0, entry_price=closes[0], leverage=10.0),),
        ),
    )  # fmt: skip
    made = journey_of(accounts, {("hyperliquid", "ETH"): closes, ("binance", "ETHUSDT"): closes})
    held = tuple(
        LayerBalance(layer=name, balance=Balance(asset="USDC", amount=dollars))
        for name, dollars in (("arbitrum", 12_000.0), ("base", 9_000.0))
    )
    return replace(made, book=replace(made.book, layers=held))


def treasurer(journey: Journey, away: tuple[Absence, ...] = (), policy: Policy | None = None) -> Treasurer:
    sky = Sky(facts=FACTS, absences=away, horizon=BARS * HOUR)
    accounts = {one.id: one for one in journey.book.accounts}
    courier = Courier(sky=sky, accounts=accounts, terms=journey.terms, score=score_by(7), found=FOUND)
    told = policy or Policy(alarm=0.3, calm=0.12, reserves={"arbitrum": 15_000.0})
    return Treasurer(courier=courier, policy=told, asked=asked_every(BARS, 1))


@st.composite
def skies(draw: st.DrawFn) -> tuple[Absence, ...]:
    out = []
    for _ in range(draw(st.integers(0, 3))):
        where = draw(st.sampled_from(sorted(NAMES)))
        start = draw(st.integers(0, BARS * HOUR - 2))
        end = draw(st.integers(start + 1, BARS * HOUR))
        kind = draw(st.sampled_from(sorted(OUTAGES[where])))
        name = draw(st.sampled_from(NAMES[where]))
        out.append(
            Absence(where=where, name=name, kind=kind, start_step=start, end_step=end, factor=draw(st.floats(1.0, 9.0)))
        )
    return tuple(out)


@st.composite
def walks(draw: st.DrawFn) -> list[float]:
    steps = draw(st.lists(st.floats(-0.03, 0.03), min_size=BARS - 1, max_size=BARS - 1))
    return [3_000.0, *(3_000.0 * np.exp(np.cumsum(steps))).tolist()]


def run(journey: Journey, holder: Treasurer) -> Outcome:
    return drive(journey, None, purse=holder)


def outside(journey: Journey) -> float:
    return sum(one.balance.amount for one in journey.book.layers)


@settings(max_examples=5, deadline=None, phases=QUICK)
@given(walks(), skies())
def test_what_left_is_what_arrived_and_what_is_under_way_and_fees(
    closes: list[float], away: tuple[Absence, ...]
) -> None:
    journey = pair(closes)
    holder = treasurer(journey, away)
    outcome = run(journey, holder)
    amounts = outcome.attribution()
    paid = sum(one.fee + one.gas for one in holder.sent)
    assert -amounts["gas"] <= paid + 1e-6
    from_accounts = sum(one.dollars for one in holder.sent if one.source in ("short", "long"))
    assert amounts["sent"] == pytest.approx(-from_accounts, abs=1e-6)
    there = sum(one.dollars for one in holder.sent if one.due < BARS and one.destination in ("short", "long"))
    assert amounts["arrived"] == pytest.approx(there, abs=1e-6)
    kept = outside(journey) + from_accounts - there - (paid + amounts["gas"])
    assert float(outcome.outside[-1]) == pytest.approx(kept, abs=1e-6)


@settings(max_examples=5, deadline=None, phases=QUICK)
@given(walks(), st.floats(0.15, 0.4))
def test_a_sender_keeps_itself_calm(closes: list[float], alarm: float) -> None:
    journey = pair(closes)
    holder = treasurer(
        journey, policy=Policy(alarm=alarm, calm=alarm / 2.0, reserves={"arbitrum": 15_000.0, "base": 15_000.0})
    )
    outcome = run(journey, holder)
    gone, dead = dict[tuple[str, int], float](), deaths_by_account(outcome)
    for one in holder.sent:
        gone[one.source, one.bar] = gone.get((one.source, one.bar), 0.0) + one.dollars + one.fee + one.gas
    rates = {
        "short": 0.02,
        "long": 0.005,
    }  # Maintenance margin of 100 ETH: Hyperliquid 2 %, Binance no less than 0.5 %.
    for (source, bar), dollars in gone.items():
        if source in rates and bar < dead.get(source, BARS):
            equity = outcome.curve[("short", "long").index(source), bar] - dollars
            assert equity * alarm / 2.0 >= 0.999 * rates[source] * 100.0 * closes[bar]


@settings(max_examples=5, deadline=None, phases=QUICK)
@given(walks(), skies())
def test_nothing_arrives_while_what_it_goes_through_is_away(closes: list[float], away: tuple[Absence, ...]) -> None:
    journey = pair(closes)
    holder = treasurer(journey, away)
    run(journey, holder)
    for one in holder.sent:
        assert one.arrives >= one.left and one.due * HOUR >= min(one.arrives, BARS * HOUR) - 1e-3
        last = one.way.hops[-1]
        for pace in holder.courier.sky.conditions.paces(last):
            assert pace.rate > 0.0 or not pace.start <= one.arrives < pace.end


def under_way(holder: Treasurer, place: str, bar: int) -> float:
    """Dollars that left for a place before a bar's close, do not count there yet, and of which nobody says they are stuck."""
    now = float((bar + 1) * HOUR)
    return sum(
        one.dollars
        for one in holder.sent
        if one.destination == place and one.bar < bar < one.due
        if one.arrives <= now or (now <= one.promised and not holder.courier.stopped(one.way, now))
    )


def sent_to(holder: Treasurer, place: str, bar: int) -> float:
    return sum(one.dollars for one in holder.sent if one.bar == bar and one.destination == place)


RISE = [3_000.0 * (1.0 + 0.006 * bar) for bar in range(BARS)]


@settings(max_examples=4, deadline=None, phases=QUICK)
@example(RISE, ())
@example(RISE, (Absence(where="layer", name="base", kind="halt", start_step=9_000, end_step=BARS * HOUR, factor=1.0),))
@given(walks(), skies())
def test_nothing_is_sent_twice(closes: list[float], away: tuple[Absence, ...]) -> None:
    journey = pair(closes)
    holder = treasurer(journey, away)
    outcome = run(journey, holder)
    there = 12_000.0
    for bar in range(min(deaths_by_account(outcome).get("short", BARS), BARS - 1)):
        # Hyperliquid's maintenance margin of 100 ETH is 2 %; calm is 0.12; arbitrum is to hold 15,000.
        missing = 0.02 * 100.0 * closes[bar] / 0.12 - outcome.curve[0, bar] - under_way(holder, "short", bar)
        assert sent_to(holder, "short", bar) <= max(missing, 0.0) + 1e-6
        there += sum(one.dollars for one in holder.sent if one.destination == "arbitrum" and one.due == bar)
        short = 15_000.0 - there - under_way(holder, "arbitrum", bar)
        assert sent_to(holder, "arbitrum", bar) <= max(short, 0.0) + 1e-6
        there -= sum(
            one.dollars + one.fee + one.gas for one in holder.sent if one.source == "arbitrum" and one.bar == bar
        )


def before(sent: list[Sent], bar: int) -> list[tuple[object, ...]]:
    return [
        (one.bar, one.source, one.destination, one.dollars, one.fee, one.way.words) for one in sent if one.bar <= bar
    ]


@settings(max_examples=5, deadline=None, phases=QUICK)
@given(walks(), walks(), skies(), skies(), st.integers(0, BARS - 2))
def test_nothing_that_comes_later_changes_what_was_done(
    closes: list[float], other: list[float], away: tuple[Absence, ...], later: tuple[Absence, ...], bar: int
) -> None:
    now = (bar + 1) * HOUR
    turned = closes[: bar + 1] + [closes[bar] * one / other[bar] for one in other[bar + 1 :]]
    begun = tuple(one for one in away if one.start_step < now)
    changed = tuple(one if one.end_step <= now else replace(one, end_step=now + 1) for one in begun)
    new = tuple(replace(one, start_step=one.start_step + now, end_step=one.end_step + now) for one in later)
    first, second = treasurer(pair(closes), away), treasurer(pair(turned), (*changed, *new))
    run(pair(closes), first)
    run(pair(turned), second)
    assert before(first.sent, bar) == before(second.sent, bar)


@settings(max_examples=5, deadline=None, phases=QUICK)
@given(walks())
def test_one_that_never_acts_changes_not_a_bit(closes: list[float]) -> None:
    journey = pair(closes)
    idle = run(journey, treasurer(journey, policy=Policy(alarm=0.999_999, calm=0.999)))
    plain = backtest(journey)
    if not idle.attribution()["arrived"]:
        assert np.array_equal(idle.curve, plain.curve) and np.array_equal(idle.what, plain.what)
        assert np.array_equal(idle.figures, plain.figures, equal_nan=True)


def of_one(law: Any) -> Any:
    """A law of one example."""
    return law.hypothesis.inner_test


@pytest.mark.slow
@settings(max_examples=20, deadline=None, phases=QUICK)
@given(walks(), walks(), skies(), skies(), st.integers(0, BARS - 2), st.floats(0.15, 0.4))
def test_all_of_it_holds_in_many_markets(
    closes: list[float],
    other: list[float],
    away: tuple[Absence, ...],
    later: tuple[Absence, ...],
    bar: int,
    alarm: float,
) -> None:
    of_one(test_what_left_is_what_arrived_and_what_is_under_way_and_fees)(closes, away)
    of_one(test_a_sender_keeps_itself_calm)(closes, alarm)
    of_one(test_nothing_arrives_while_what_it_goes_through_is_away)(closes, away)
    of_one(test_nothing_is_sent_twice)(closes, away)
    of_one(test_nothing_that_comes_later_changes_what_was_done)(closes, other, away, later, bar)
    of_one(test_one_that_never_acts_changes_not_a_bit)(closes)


@dataclass(slots=True, kw_only=True)
class Watched(Treasurer):
    """What the rules see free on Arbitrum after each look."""

    free: list[float] = field(default_factory=list)

    def look(self, ready: Ready, bar: int) -> None:
        Treasurer.look(self, ready, bar)
        body, layer = ready.body, ready.arrangement.layers.index("arbitrum")
        self.free.append(free_on(body.outside, body.under_way, body.moving, layer))


def with_promises(journey: Journey) -> Journey:
    """2,000 on the first layer locked, 500 kept for fees, 1,000 promised to it; its playbook keeps 15,000 there."""
    first, *others = journey.book.layers
    fees = LayerBalance(layer="arbitrum", balance=Balance(asset="USDC", amount=500.0), gas=True)
    coming = Transfer(asset="USDC", amount=1_000.0, source="bank", destination="arbitrum")
    book = replace(journey.book, layers=(replace(first, locked=2_000.0), fees, *others), transfers=(coming,))
    rules = parse_playbook("schema_version = 1\n[layers]\nreserves = { arbitrum = 15000 }", "by hand")
    return replace(journey, book=book, playbook=rules)


@settings(max_examples=10, deadline=None, phases=QUICK)
@given(walks(), skies())
def test_what_the_rules_see_on_a_layer_is_what_was_there_came_and_left_and_none_of_it_twice(
    closes: list[float], away: tuple[Absence, ...]
) -> None:
    journey = with_promises(pair(closes))
    plain = treasurer(journey, away)
    holder = Watched(courier=plain.courier, policy=plain.policy, asked=plain.asked)
    run(journey, holder)
    for bar, free in enumerate(holder.free):
        sent = [one for one in holder.sent if one.bar <= bar]
        came = sum(one.dollars for one in sent if one.destination == "arbitrum")
        left = sum(one.dollars + one.fee + one.gas for one in sent if one.source == "arbitrum")
        there = sum(one.dollars for one in sent if one.destination == "arbitrum" and one.due <= bar)
        assert free == pytest.approx(11_000.0 + came - left, abs=1e-6)
        assert left <= 10_000.0 + there + 1e-6
    kept = [one.dollars for one in holder.sent if one.why == "reserve" and one.bar == 0]
    assert sum(kept) <= 4_000.0 + 1e-6
