"""Rules on funding, judged live: the guard says of what venues told what a run's own decision says, and of the rest nothing."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from perpbook.engine import live_funding
from perpbook.engine.live_funding import AFTER_NS, BACK_NS, EVERY_NS, OVERLAP_NS, FundingAsked, funding_beside, next_ns
from perpbook.engine.ports import Capabilities
from perpbook.errors import VenueUnavailable
from perpbook.guard import funded
from perpbook.guard.case import Case, Phase, Ticket
from perpbook.guard.cut import Cuts, Left
from perpbook.guard.desk import Desk, fold
from perpbook.guard.funded import AccountFunding, Paid, Rated, heard, paid_in_row, paid_today, rated
from perpbook.guard.guard import Guard
from perpbook.guard.inputs import Began, Line, Recorder, Took
from perpbook.guard.inputs_text import line_of, text_of
from perpbook.guard.replay import Replay, ends_of
from perpbook.guard.settings import Caps
from perpbook.guard.view import Decision, View
from perpbook.guard.watch import Watch
from perpbook.model.action import ActionKind, Leg, Proposal
from perpbook.model.effect import Write
from perpbook.model.message import (
    AccountSeen,
    BookSeen,
    FundingPayment,
    FundingSeen,
    KillLevel,
    MarkSeen,
    Message,
    RatesSeen,
    SettledRate,
    Wake,
)
from perpbook.model.order import OrderRequest, TimeInForce
from perpbook.model.record import RecordKind
from perpbook.model.units import DAY_NS, HOUR_NS, SECOND_NS
from perpbook.playbook.load import parse_playbook
from perpbook.playbook.schema import Playbook
from perpbook.runs.check import load_all_terms, read_inputs
from perpbook.runs.guard_decide import Judge
from perpbook.runs.guard_funding import asked_of, funding_of
from perpbook.runs.guard_settings import settings_of
from perpbook.runs.paper_state import keeper, kept_funding
from tests.laws.guarded import ACCOUNT, CALM, SETTINGS, VENUE, Exchange, World, as_read, trim
from tests.laws.test_check_past import BAR, BARS, MOMENTS, SEED, at, held_until, rules_of
from tests.laws.test_funding_rules import START
from tests.runs.instants import Carried, compare, snapshot_at
from tests.runs.laws import BrokenLaw, Run

# What venues would have told of a run


def payments(run: Run, account: str, until_ns: int) -> list[FundingPayment]:
    """What an account of the run's book, which trades nothing, received and paid: minus quantity times price times rate."""
    bars, found = run.journey.bars, list[FundingPayment]()
    (mine,) = [one for one in run.journey.book.accounts if one.id == account]
    for column, key in enumerate(bars.series):
        for held in mine.positions if key.venue == mine.venue else ():
            for at_ns, rate in settled(run, column, until_ns):
                price = float(bars.open[column][(at_ns - START) // HOUR_NS])
                size = held.quantity if key.symbol == "BTCUSD" else held.quantity * price
                if rate:
                    one = FundingPayment(symbol=key.symbol, dollars=-size * rate, at_ns=at_ns, quantity=held.quantity)
                    found.append(one)
    return found


def settled(run: Run, column: int, until_ns: int) -> list[tuple[int, float]]:
    one = run.journey.bars.settlements[column]
    return [(int(t), float(r)) for t, r in zip(one.times_ns, one.rates, strict=True) if START <= t < until_ns]


def told(run: Run, until_ns: int, cuts: tuple[int, ...] = ()) -> View:
    """A view of a guard that was told of it all, in pieces that overlap."""
    funding, rates = dict[str, AccountFunding](), dict[tuple[str, str], Rated]()
    for now in (*sorted(cuts), until_ns):
        since = min((one.at_ns for one in funding.values()), default=START - BACK_NS) - HOUR_NS
        for account in run.journey.book.accounts:
            rows = tuple(one for one in payments(run, account.id, now) if one.at_ns >= since)
            seen = FundingSeen(
                venue=account.venue, account=account.id, payments=rows, since_ns=since, at_ns=now, received_ns=now
            )
            found = heard(funding.get(account.id), seen, {})
            assert found is not None
            funding[account.id] = found
        for column, key in enumerate(run.journey.bars.series):
            told = tuple(SettledRate(at_ns=t, rate=r) for t, r in settled(run, column, now) if t >= since)
            name = (key.venue, key.symbol)
            more = rated(
                rates.get(name),
                RatesSeen(venue=key.venue, symbol=key.symbol, rates=told, since_ns=since, at_ns=now, received_ns=now),
            )
            rates |= {name: more} if more is not None else {}
    return View(
        now_ns=until_ns, accounts={}, books={}, marks={}, unknown=frozenset(), desk=Desk(), funding=funding, rates=rates
    )


@pytest.mark.parametrize(("seed", "bar"), MOMENTS)
def test_the_guard_says_of_funding_what_the_run_says(seed: int, bar: int) -> None:
    """Of a book that was held all the time: cost of the day, by asset and venue, and until midnight; payments in a row; what is
    expected; what is to be traded for it."""
    run, rules = held_until(seed, bar), rules_of(seed)
    cuts = (at(bar // 2), at(bar // 2) + 1, at(bar - 9))
    found = funding_of(told(run, at(bar), cuts), snapshot_at(run, bar), rules)
    assert found.past is not None and not found.unknown
    assert compare(run, bar, Carried(past=found.past, playbook=rules)) > 0


def test_the_law_is_awake() -> None:
    run = held_until(SEED, BAR)
    view = told(run, at(BAR))
    name = next(name for name, one in view.funding.items() if any(paid_today(p, view.now_ns) for p in one.of.values()))
    known = view.funding[name]
    more = {symbol: replace(one, paid=one.paid + 0.01) for symbol, one in known.of.items()}
    wrong = replace(view, funding={**view.funding, name: replace(known, of=more)})
    past = funding_of(wrong, snapshot_at(run, BAR), rules_of(SEED)).past
    assert past is not None
    with pytest.raises(BrokenLaw):
        compare(run, BAR, Carried(past=past, playbook=rules_of(SEED)))


@given(cuts=st.lists(st.integers(START + 40 * HOUR_NS, at(BARS - 40)), max_size=4), again=st.booleans())
def test_however_it_is_told_the_same_is_known(cuts: list[int], again: bool) -> None:
    run, until = held_until(SEED, BAR), at(BARS - 40)
    whole = told(run, until)
    pieces = told(run, until, tuple(cuts * (1 + again)))
    assert {name: one.of for name, one in pieces.funding.items()} == {
        name: one.of for name, one in whole.funding.items()
    }
    assert pieces.rates.keys() == whole.rates.keys()
    for name, one in pieces.rates.items():
        assert (one.at_ns, one.rate, one.interval_ns) == (
            whole.rates[name].at_ns, whole.rates[name].rate, whole.rates[name].interval_ns,
        )  # fmt: skip
        assert one.expected == pytest.approx(whole.rates[name].expected, rel=1e-12)


# What is counted of one position


def paid(dollars: list[float], *, turned_ns: int = 0, quantity: float | None = None) -> Paid:
    rows = tuple(
        FundingPayment(symbol="BTC", dollars=one, at_ns=HOUR_NS * (k + 1), quantity=quantity)
        for k, one in enumerate(dollars)
    )
    seen = FundingSeen(
        venue=VENUE, account=ACCOUNT, payments=rows, since_ns=0, at_ns=100 * HOUR_NS, received_ns=100 * HOUR_NS
    )
    found = heard(None, seen, {(ACCOUNT, "BTC"): turned_ns})
    assert found is not None
    return found.of["BTC"]


def test_payments_in_a_row_begin_anew_with_the_position() -> None:
    row = [1.0, -1.0, -1.0, 0.0, -1.0]
    assert paid_in_row(paid(row), 0) == 3 and paid_in_row(paid([-1.0] * 9), 0) == 0
    closed_between = HOUR_NS * 2 + 1
    assert paid_in_row(paid([*row, 1.0, -1.0], turned_ns=closed_between), closed_between) == 1
    assert paid_in_row(paid(row, turned_ns=closed_between), closed_between) == 0
    assert paid_in_row(paid(row), HOUR_NS * 6) == 0


def test_a_position_that_turned_over_begins_anew() -> None:
    before = paid([1.0, -1.0], quantity=2.0)
    after = funded.counted(before, FundingPayment(symbol="BTC", dollars=-1.0, at_ns=3 * HOUR_NS, quantity=-2.0), 0)
    assert (after.in_row, after.received) == (1, False) and paid_in_row(after, 0) == 0


def test_sums_of_settlements_count_for_dollars_and_leave_the_row_unknown_until_one_is_received() -> None:
    def after(before: Paid, *rows: tuple[float, int]) -> Paid:
        for k, (dollars, settlements) in enumerate(rows):
            at_ns = before.at_ns + HOUR_NS * (k < len(rows))
            row = FundingPayment(symbol="BTC", dollars=dollars, at_ns=at_ns, settlements=settlements)
            before = funded.counted(before, row, 0)
        return before

    merged = after(paid([1.0, -1.0]), (-5.0, 24), (-1.0, 1), (-1.0, 1))
    assert (merged.is_part, merged.in_row, merged.received, merged.paid) == (True, 2, True, 7.0)
    known = after(merged, (1.0, 1), (-1.0, 1))
    assert not known.is_part and paid_in_row(known, 0) == 1
    assert after(known, (3.0, 24)).is_part


def test_a_row_that_holds_sums_is_not_judged_in_full_by_name(judge: Judge) -> None:
    asked, symbol = replace(judge, playbook=rules("flip_after = 3")), next(iter(held(judge)))
    view = view_of(judge, {})
    for in_row, broken in ((2, False), (9, True)):
        of = {symbol: Paid(at_ns=NOON - HOUR_NS, in_row=in_row, received=True, is_part=True)}
        known = {name: AccountFunding(since_ns=NOON - BACK_NS, at_ns=NOON, of=of) for name in view.funding}
        decision = asked(replace(view, funding=known))
        assert decision.before is not None and bool(decision.before.broken) == broken
        (told,) = [one for one in decision.alerts if one.kind == "rules.unjudged"]
        assert f"every settlement of {symbol}" in told.sentence


def test_midnight_begins_a_day_and_what_settles_then_is_its_own() -> None:
    one = paid([-1.0] * 24)
    assert (one.at_ns, one.paid) == (DAY_NS, 1.0)
    assert paid_today(paid([-1.0] * 23), DAY_NS - 1) == 23.0 and paid_today(paid([-1.0] * 23), DAY_NS) == 0.0


def test_a_hole_in_rates_is_not_whole_until_it_is_long_ago() -> None:
    times = [*range(1, 40), *range(42, 60)]
    rates = tuple(SettledRate(at_ns=HOUR_NS * k, rate=1e-5) for k in times)
    seen = RatesSeen(venue=VENUE, symbol="BTC", rates=rates, since_ns=0, at_ns=60 * HOUR_NS, received_ns=60 * HOUR_NS)
    found = rated(None, seen)
    assert found is not None and found.whole_ns == 42 * HOUR_NS
    assert rated(found, replace(seen, why="away")) is None


# What the guard does of it

BOOK = Path("src/perpbook/examples/directional/book.toml")
NOON = 20_780 * DAY_NS + 12 * HOUR_NS


def rules(text: str) -> Playbook:
    return parse_playbook(f"schema_version = 1\n[funding]\n{text}\n", "asked")


@pytest.fixture(scope="module")
def judge() -> Judge:
    snapshot, _ = read_inputs(BOOK, None, market=None, now_ns=None)
    return Judge(base=snapshot, playbook=rules("daily_cap = 0.001"), terms=load_all_terms(snapshot))


def view_of(judge: Judge, cost: Mapping[str, float], desk: Desk | None = None) -> View:
    """The directional example at noon. cost : dollars paid at ten o'clock today, by contract."""
    accounts = {one.id: AccountSeen(account=one, at_ns=NOON, received_ns=NOON) for one in judge.base.book.accounts}
    marks = {
        key: MarkSeen(
            venue=key[0], symbol=key[1], at_ns=NOON, received_ns=NOON, mark_price=one.mark_price, oracle_price=one.oracle_price
        )
        for key, one in judge.base.market.quotes.items()
    }  # fmt: skip
    ten = NOON - 2 * HOUR_NS
    of = {symbol: Paid(at_ns=ten, paid=dollars) for symbol, dollars in cost.items()}
    funding = {name: AccountFunding(since_ns=NOON - BACK_NS, at_ns=NOON, of=of) for name in accounts}
    return View(
        now_ns=NOON, accounts=accounts, books={}, marks=marks, unknown=frozenset(), desk=desk or Desk(), funding=funding
    )


def held(judge: Judge) -> dict[str, float]:
    return {one.symbol: one.quantity for one in judge.base.book.accounts[0].positions}


def test_what_paid_too_much_is_cut_once_a_day_and_reduce_only(judge: Judge) -> None:
    symbol, quantity = next(iter(held(judge).items()))
    equity = judge(view_of(judge, {})).before
    assert equity is not None
    view = view_of(judge, {symbol: 0.002 * equity.equity})
    decision = judge(view)
    (wanted,) = decision.wanted
    (leg,) = wanted.legs
    assert wanted.rule == "funding.daily_cap" and leg.symbol == symbol and leg.reduce_only
    assert (
        leg.quantity == pytest.approx(-0.5 * quantity, rel=0.06) and "cost 0.2% of book equity today" in wanted.reason
    )
    assert decision.before is not None and decision.before.broken == wanted.after.broken == ("funding.daily_cap",)
    desk = Desk(funding_cuts=Cuts(done={(leg.account, symbol): NOON // DAY_NS}))
    again = judge(replace(view, desk=desk))
    assert not again.wanted and again.before is not None and again.before.broken == ("funding.daily_cap",)
    yesterday = Desk(funding_cuts=Cuts(done={(leg.account, symbol): NOON // DAY_NS - 1}))
    assert judge(replace(view, desk=yesterday)).wanted == decision.wanted
    for day, part in ((NOON // DAY_NS, 0.25), (NOON // DAY_NS - 1, 1.0)):
        begun = Cuts(left={(leg.account, symbol): Left(day=day, quantity=0.25 * leg.quantity)})
        (rest,) = judge(replace(view, desk=Desk(funding_cuts=begun))).wanted
        assert rest.legs[0].quantity == pytest.approx(part * leg.quantity)


def test_what_a_closed_position_paid_stays_paid(judge: Judge) -> None:
    equity = judge(view_of(judge, {})).before
    assert equity is not None
    symbol = next(iter(held(judge)))
    view = view_of(judge, {symbol: 0.002 * equity.equity})
    account = view.accounts[judge.base.book.accounts[0].id]
    rest = tuple(one for one in account.account.positions if one.symbol != symbol)
    gone = replace(account, account=replace(account.account, positions=rest))
    decision = replace(judge, watch=Watch())(replace(view, accounts={gone.account.id: gone}))
    assert decision.before is not None and "funding.daily_cap" in decision.before.broken and not decision.wanted


BREACHING = """daily_cap = 0.0005
[leverage.book]
gross = 1.5
[leverage.asset]
BTC = 0.5
[guardrails]
take_profit = [{ gain = 0.02, close = 0.25 }]"""


def without(view: View, symbol: str) -> View:
    """The view of a guard whose accounts do not hold a contract."""
    left = {
        name: replace(one, account=replace(
            one.account, positions=tuple(held for held in one.account.positions if held.symbol != symbol)
        ))
        for name, one in view.accounts.items()
    }  # fmt: skip
    return replace(view, accounts=left)


def books_of(judge: Judge) -> list[BookSeen]:
    return [
        BookSeen(venue=key[0], symbol=key[1], depth=one.depth, at_ns=NOON, received_ns=NOON)
        for key, one in judge.base.market.quotes.items()
        if one.depth
    ]


@pytest.mark.parametrize("with_books", [True, False])
def test_a_breaching_book_asks_for_the_same_whatever_closed_positions_paid(judge: Judge, with_books: bool) -> None:
    asked = replace(judge, playbook=rules(BREACHING))
    view = without(view_of(judge, {}), "SOL")
    books = {(one.venue, one.symbol): one for one in books_of(judge) if with_books}
    before = asked(replace(view, books=books))
    after = asked(replace(view, books=books, funding=view_of(judge, {"SOL": 80.0}).funding))
    assert before.wanted and [(one.rule, one.legs) for one in after.wanted] == [
        (one.rule, one.legs) for one in before.wanted
    ]


@pytest.mark.parametrize("paid", [True, False])
def test_a_guard_proposes_whatever_closed_positions_paid(judge: Judge, paid: bool) -> None:
    asked = replace(judge, playbook=rules(BREACHING), watch=Watch())
    view = without(view_of(judge, {}), "SOL")
    guard = Guard(Desk(), settings_of(judge.base, asked.playbook, judge.terms, live=False), asked, asked.watch)
    guard.start(NOON)
    row = FundingPayment(symbol="SOL", dollars=-1.0, at_ns=NOON - HOUR_NS, quantity=900.0)
    for book in books_of(judge):
        guard.receive(book)
    rows, name = (row,) * paid, judge.base.book.accounts[0].id
    seen = funding_seen(NOON, *rows, account=name, venue=judge.base.book.accounts[0].venue)
    told: list[Message] = [*view.marks.values(), seen, *view.accounts.values()]
    for message in (*told, Wake(received_ns=NOON + 30 * SECOND_NS)):
        guard.receive(message)
    assert guard.desk.kill is KillLevel.NONE and guard.desk.cases


def test_an_account_that_is_as_it_was_asks_for_no_look_where_a_closed_position_paid(judge: Judge) -> None:
    watch = Watch()
    view = without(view_of(judge, {"SOL": 80.0}), "SOL")
    replace(judge, watch=watch)(view)
    (seen,) = view.accounts.values()
    assert not watch(replace(seen, received_ns=NOON + 1))
    assert watch(replace(seen, account=replace(seen.account, positions=seen.account.positions[1:])))


def test_what_is_not_told_is_not_judged_by_name_and_what_stands_is_not_over(judge: Judge) -> None:
    view = replace(view_of(judge, {}), funding={})
    asked = replace(
        judge, playbook=rules("daily_cap = 0.001\nprojected_cap = 0.002\nflip_after = 3\nexpected_max = 0.2")
    )
    page = {("rule.funding.daily_cap", "", ""): "page"}
    decision = asked(replace(view, desk=Desk(alerts=page)))
    told = {one.symbol for one in decision.alerts if one.kind == "rules.unjudged"}
    assert told == {f"funding.{one}" for one in ("daily_cap", "projected_cap", "flip_after", "expected_max")}
    assert [one.severity.value for one in decision.alerts if one.key in page] == ["page"]
    assert not asked(replace(view, started_ns=NOON - SECOND_NS)).alerts
    known = asked(replace(view_of(judge, {}), desk=Desk(alerts=page)))
    assert {one.symbol for one in known.alerts if one.kind == "rules.unjudged"} == told - {
        "funding.daily_cap", "funding.flip_after",
    }  # fmt: skip
    assert not [one for one in known.alerts if one.key in page]


def test_what_is_known_of_some_days_alone_is_not_counted_in_a_row(judge: Judge) -> None:
    asked, symbol = replace(judge, playbook=rules("flip_after = 3")), next(iter(held(judge)))
    view = view_of(judge, {})
    paid = {symbol: Paid(at_ns=NOON - HOUR_NS, in_row=9, received=True)}
    for since_ns, broken in ((NOON - BACK_NS, True), (NOON - DAY_NS, False)):
        known = {name: AccountFunding(since_ns=since_ns, at_ns=NOON, of=paid) for name in view.funding}
        decision = asked(replace(view, funding=known))
        assert decision.before is not None and bool(decision.before.broken) == bool(decision.wanted) == broken
        assert broken != any(one.kind == "rules.unjudged" for one in decision.alerts)


def test_what_reaches_farther_back_begins_anew() -> None:
    part = heard(None, funding_seen(NOON, FundingPayment(symbol="BTC", dollars=-1.0, at_ns=NOON - HOUR_NS)), {})
    rows = [FundingPayment(symbol="BTC", dollars=d, at_ns=NOON - h * HOUR_NS) for d, h in ((2.0, 30), (-1.0, 1))]
    whole = heard(part, funding_seen(NOON, *rows, since_ns=NOON - 2 * DAY_NS), {})
    assert whole is not None and (whole.since_ns, whole.of["BTC"].received) == (NOON - 2 * DAY_NS, True)


def test_venues_are_asked_what_the_rules_want(judge: Judge) -> None:
    base = judge.base
    assert not asked_of(base, rules("skew_alert = 0.2"))
    (day,) = asked_of(base, rules("daily_cap = 0.001"))
    assert day.accounts and not day.symbols and not day.in_row
    (turns,) = asked_of(base, rules('flip_after = 3\nresponse = "move"'))
    assert turns.in_row and set(turns.symbols) == {symbol for _, symbol in base.market.quotes} >= set(held(judge))
    closed = replace(base, book=replace(base.book, accounts=(replace(base.book.accounts[0], positions=()),)))
    assert set(asked_of(closed, rules("expected_max = 0.3"))[0].symbols) == set(turns.symbols)
    (rates,) = asked_of(base, rules("expected_max = 0.3"))
    assert not rates.accounts and rates.symbols


# Through the guard


def funding_seen(now_ns: int, *rows: FundingPayment, **given: object) -> FundingSeen:
    made = FundingSeen(
        venue=VENUE, account=ACCOUNT, payments=rows, since_ns=now_ns - DAY_NS, at_ns=now_ns, received_ns=now_ns
    )
    return replace(made, **given)  # type: ignore[arg-type]


def test_a_guard_knows_what_it_was_told_until_it_is_old_or_cannot_be_told() -> None:
    views = list[View]()

    def decide(view: View) -> Decision:
        views.append(view)
        return Decision(before=CALM)

    guard = Guard(Desk(), SETTINGS, decide)
    guard.start(NOON)
    row = FundingPayment(symbol="BTC", dollars=-3.0, at_ns=NOON - HOUR_NS)
    for bad in (replace(row, dollars=float("nan")), replace(row, at_ns=NOON + HOUR_NS), replace(row, at_ns=1)):
        guard.receive(funding_seen(NOON, bad))
    guard.receive(funding_seen(NOON, row, account="somebody"))
    assert not guard.known.funding and not views
    guard.receive(funding_seen(NOON, row))
    assert views[-1].funding[ACCOUNT].of["BTC"].paid == 3.0
    guard.receive(Wake(received_ns=NOON + funded.OLD_NS + 1))
    assert not views[-1].funding
    later = NOON + funded.OLD_NS + 2
    guard.receive(funding_seen(later, since_ns=NOON - HOUR_NS))
    assert views[-1].funding[ACCOUNT].of["BTC"].paid == 3.0
    guard.receive(funding_seen(later + 1, why="away"))
    assert not views[-1].funding


@pytest.mark.parametrize(
    "message",
    [
        funding_seen(NOON, FundingPayment(symbol="BTC", dollars=-3.0, at_ns=NOON, rate=1e-5, quantity=2.0)),
        RatesSeen(
            venue=VENUE,
            symbol="BTC",
            rates=(SettledRate(at_ns=NOON, rate=1e-5),),
            since_ns=0,
            at_ns=NOON,
            received_ns=NOON,
        ),
    ],
)
def test_what_was_told_is_kept_among_the_inputs_exactly(message: Message) -> None:
    line = Took(message=message, now_ns=NOON, records=1)
    assert line_of(text_of(line)) == line


def test_positions_that_begin_or_end_are_remembered_from_the_journal() -> None:
    exchange, desk = Exchange(positions={"BTC": 5.0}), Desk()
    guard = Guard(desk, SETTINGS, lambda view: Decision(before=CALM))
    guard.start(NOON)
    guard.receive(exchange.account(NOON))
    assert not desk.turned
    exchange.positions = {"BTC": 4.0, "ETH": 1.0}
    guard.receive(exchange.account(NOON + 1))
    exchange.positions = {"BTC": -4.0, "ETH": 2.0}
    guard.receive(exchange.account(NOON + 2))
    assert desk.turned == {(ACCOUNT, "ETH"): NOON + 1, (ACCOUNT, "BTC"): NOON + 2}


class CutOnce(World):
    """A guard that cuts a position for its funding unless it was cut today, as the kernel does."""

    def decide(self, view: View) -> Decision:
        today = view.desk.funding_cuts.done.get((ACCOUNT, "BTC")) == view.now_ns // DAY_NS
        return Decision(before=CALM, wanted=() if today else (trim("BTC", -0.5, rule="funding.daily_cap"),))


@pytest.mark.parametrize("fuse", range(0, 30, 2))
def test_a_position_is_cut_once_a_day_over_any_crash(fuse: int) -> None:
    caps = Caps(action=1_500.0, hour=3_000.0, day=5_000.0)
    settings = replace(SETTINGS, arming=False, bands={"funding.daily_cap": caps})
    world = CutOnce(settings=settings, venue=Exchange(positions={"BTC": 5.0}), fuse=fuse)
    world.run(SETTINGS.expiry_ns // SECOND_NS + 90)
    assert world.venue.positions["BTC"] == 4.5
    assert fold(world.journal).funding_cuts == Cuts(done={(ACCOUNT, "BTC"): 0})
    world.now_ns += DAY_NS
    world.run(60)
    assert world.venue.positions["BTC"] == 4.0 and world.shadow.funding_cuts.done == {(ACCOUNT, "BTC"): 1}


class CutInParts(World):
    """A guard whose rule wants half of a position gone, and whose cap of an action is less than that."""

    def decide(self, view: View) -> Decision:
        cuts, pair, day = view.desk.funding_cuts, (ACCOUNT, "BTC"), view.now_ns // DAY_NS
        wanted = max(-0.5 * self.venue.positions["BTC"], cuts.left_on(day).get(pair, -math.inf))
        is_done = cuts.done.get(pair) == day
        return Decision(before=CALM, wanted=() if is_done else (trim("BTC", wanted, rule="funding.daily_cap"),))


def in_parts(fuse: int | None, mood: str = "fill") -> World:
    caps = Caps(action=1_000.0, hour=5_000.0, day=5_000.0)
    settings = replace(SETTINGS, arming=False, caps=caps, bands={"funding.daily_cap": caps})
    venue = Exchange(positions={"BTC": 5.0}, mood=mood)
    world = CutInParts(settings=settings, venue=venue, fuse=fuse)
    world.run(6 * SETTINGS.expiry_ns // SECOND_NS)
    return world


@pytest.mark.parametrize("fuse", [None, *range(0, 60, 6)])
def test_a_cut_that_an_action_may_not_make_whole_is_made_in_parts_and_no_more(fuse: int | None) -> None:
    world = in_parts(fuse)
    assert world.venue.positions["BTC"] == pytest.approx(2.5)
    assert fold(world.journal).funding_cuts == Cuts(done={(ACCOUNT, "BTC"): 0})
    sizes = [leg.quantity for case in fold(world.journal).cases.values() for leg in case.proposal.legs]
    assert len(sizes) >= 3 and min(sizes) > -1.02


def test_a_cut_that_traded_in_part_and_was_not_made_smaller_is_done_at_its_end() -> None:
    proposal = proposal_of(-1.0)
    case = Case(proposal=proposal, digest="d", phase=Phase.EXECUTING, since_ns=0)
    cuts, pair, ticket = Cuts(), (ACCOUNT, "BTC"), ticket_of(-0.4)
    cuts.traded(case, ticket, -0.4)
    assert not cuts.done and cuts.left_on(0) == {pair: pytest.approx(-0.6)}
    case.whole = {pair: -2.5}
    cuts.ended(case, [ticket])
    assert not cuts.done
    case.whole = {}
    cuts.ended(case, [ticket])
    assert cuts == Cuts(done={pair: 0})


def proposal_of(quantity: float) -> Proposal:
    leg = Leg(account=ACCOUNT, venue=VENUE, symbol="BTC", quantity=quantity, held=5.0, limit_price=990.0)
    return Proposal(
        kind=ActionKind.TRIM, rule="funding.daily_cap", reason="", legs=(leg,), created_ns=0, expires_ns=1,
        cost_max=1.0, collar=0.01, before=CALM, after=CALM, playbook="", terms="",
    )  # fmt: skip


def ticket_of(filled: float) -> Ticket:
    request = OrderRequest(
        client_id="c", account=ACCOUNT, venue=VENUE, symbol="BTC", quantity=-1.0, limit_price=990.0,
        time_in_force=TimeInForce.IOC, reduce_only=True,
    )  # fmt: skip
    return Ticket(
        request=request, digest="d", leg=0, part=0, first_ns=0, sent_ns=0, at_ns=0, dollars=1.0, reported=filled
    )  # fmt: skip


def test_what_was_told_of_funding_makes_the_same_records_again() -> None:
    def decide(view: View) -> Decision:
        cost = sum(paid_today(one, view.now_ns) for known in view.funding.values() for one in known.of.values())
        return Decision(before=CALM, wanted=(trim("BTC", -0.01 * cost, rule="funding.daily_cap"),) if cost else ())

    lines, exchange = list[Line](), Exchange(positions={"BTC": 5.0})

    def keep(line: Line) -> bool:
        lines.append(line_of(text_of(line)))
        return True

    core = Recorder(Guard(Desk(), SETTINGS, decide), keep, run={})
    effects = core.start(NOON)
    for message in told_in_order(exchange):
        effects += core.receive(message)
    records = [as_read(one.record) for one in effects if isinstance(one, Write)]
    assert RecordKind.PROPOSED in {one.kind for one in records}
    ends = ends_of([one for one in lines if isinstance(one, Began)], len(records))
    replay = Replay(records, ends, lambda desk, began: Guard(desk, SETTINGS, decide))
    assert len(list(replay.steps(lines))) == len(lines)
    assert replay.result.difference is None and replay.result.same == len(records)


def told_in_order(exchange: Exchange) -> list[Message]:
    row = FundingPayment(symbol="BTC", dollars=-3.0, at_ns=NOON - HOUR_NS)
    return [
        exchange.account(NOON), exchange.book("BTC", NOON), funding_seen(NOON, row), funding_seen(NOON, row),
        funding_seen(NOON + 1, replace(row, at_ns=NOON)), Wake(received_ns=NOON + 300 * SECOND_NS),
        funding_seen(NOON + 301 * SECOND_NS, why="away"), Wake(received_ns=NOON + 400 * SECOND_NS),
    ]  # fmt: skip


def test_what_paper_accounts_paid_is_kept_from_run_to_run(tmp_path: Path) -> None:
    paid = {"main": (FundingPayment(symbol="BTC", dollars=-3.0, at_ns=NOON, rate=1e-5, quantity=2.0),)}
    assert kept_funding(tmp_path, VENUE) == {}
    keeper(tmp_path, VENUE)((), paid)
    assert kept_funding(tmp_path, VENUE) == paid


# Asking

NONE = Capabilities(
    places_orders=False, streams_books=False, streams_account=False, dead_man=False, self_expiring=False,
    finds_by_client_id=False, client_id_letters=32,
)  # fmt: skip


def test_venues_are_asked_a_little_after_the_hour_and_now_and_then() -> None:
    hour = NOON
    assert next_ns(hour, EVERY_NS) == hour + AFTER_NS
    assert next_ns(hour + AFTER_NS, EVERY_NS) == hour + AFTER_NS + EVERY_NS
    assert next_ns(hour + AFTER_NS, HOUR_NS) == hour + HOUR_NS + AFTER_NS
    assert next_ns(hour - SECOND_NS, EVERY_NS) == hour + AFTER_NS


class Told:
    """A venue that tells funding, or is away; notes since when it was asked."""

    name = VENUE
    capabilities = NONE

    def __init__(self) -> None:
        self.now, self.away, self.since = NOON, False, list[int]()

    def clock(self) -> int:
        return self.now

    async def funding(self, account: str, since_ns: int) -> FundingSeen:
        self.since.append(since_ns)
        if self.away:
            raise VenueUnavailable("the venue is away")
        return funding_seen(self.now, account=account, since_ns=since_ns)

    async def rates(self, symbol: str, since_ns: int) -> RatesSeen:
        self.since.append(since_ns)
        hours = range(max(-(-since_ns // HOUR_NS), NOON // HOUR_NS), self.now // HOUR_NS + 1)
        return RatesSeen(
            venue=self.name, symbol=symbol, rates=tuple(SettledRate(at_ns=HOUR_NS * k, rate=1e-5) for k in hours),
            since_ns=since_ns, at_ns=self.now, received_ns=self.now,
        )  # fmt: skip


def test_a_venue_is_asked_for_what_is_new_and_for_all_again_after_it_was_away(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(live_funding, "AGAIN_S", 0.0)
    venue, venues = Told(), dict[str, Any]()

    async def heard_of() -> list[Message]:
        told = funding_beside(FundingAsked(venue=VENUE, accounts=(ACCOUNT,)), venues, venue.clock)
        found, venues[VENUE] = list[Message](), venue
        for away in (False, True, False):
            venue.away = away
            found.append(await anext(told))
            venue.now += HOUR_NS
        await told.aclose()  # type: ignore[attr-defined]
        return found

    first, second, third = asyncio.run(heard_of())
    assert isinstance(second, FundingSeen) and isinstance(first, FundingSeen) and isinstance(third, FundingSeen)
    assert (first.why, second.why, third.why) == ("", "the venue is away", "")
    midnight = NOON // DAY_NS * DAY_NS
    assert venue.since == [midnight, NOON - OVERLAP_NS, NOON - OVERLAP_NS, midnight]


def test_rates_are_asked_for_from_far_back_until_there_are_enough(monkeypatch: pytest.MonkeyPatch) -> None:
    """A contract that began at noon has one rate, then two; from then on what is new is asked for."""
    monkeypatch.setattr(live_funding, "AGAIN_S", 0.0)
    venue = Told()

    async def heard_of() -> Rated | None:
        told = funding_beside(FundingAsked(venue=VENUE, symbols=("NEW",)), {VENUE: venue}, venue.clock)  # type: ignore[dict-item]
        found: Rated | None = None
        for _ in range(4):
            message = await anext(told)
            assert isinstance(message, RatesSeen)
            found = rated(found, message)
            venue.now += HOUR_NS
        await told.aclose()  # type: ignore[attr-defined]
        return found

    found = asyncio.run(heard_of())
    assert found is not None and found.at_ns == NOON + 3 * HOUR_NS
    now = [NOON + HOUR_NS * k for k in range(4)]
    far = live_funding.RATES_NS
    assert venue.since == [now[0] - far, now[1] - far, now[1] - OVERLAP_NS, now[2] - OVERLAP_NS]
