"""The watch: between two full looks it knows what a full look would find, and it never misses a change of findings."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from perpbook.guard.watch import Watch
from perpbook.guard.watch_range import PROVEN, Look
from perpbook.kernels import state as codes
from perpbook.margin.assessment import Assessment
from perpbook.model.account import Account
from perpbook.model.market import Quote, Snapshot
from perpbook.model.message import AccountSeen, FillSeen, MarkSeen, Stale, Wake
from perpbook.model.order import Fill
from perpbook.playbook.decision import decide_on
from perpbook.playbook.schema import Guardrails, Playbook
from perpbook.playbook.words import status_of
from perpbook.runs.check import assess_under
from tests.laws.strategies import Situation, between, situations
from tests.laws.test_decide import playbooks

moves = between(-0.08, 0.08) | between(-0.004, 0.004)
paths = st.lists(st.tuples(st.integers(0, 20), moves), min_size=2, max_size=8)
guarded = playbooks().flatmap(
    lambda playbook: st.sampled_from((None, 0.02, 0.2)).map(
        lambda cap: playbook if cap is None else replace_guardrails(playbook, cap)
    )
)


def replace_guardrails(playbook: Playbook, cap: float) -> Playbook:
    rails = playbook.guardrails or Guardrails()
    steps = ({"gain": 0.02, "close": 0.5}, {"gain": 0.1, "close": 0.5})
    changed = Guardrails.model_validate({**rails.model_dump(), "daily_drawdown": cap, "take_profit": steps})
    return playbook.model_copy(update={"guardrails": changed})


def full_look(snapshot: Snapshot, found: Situation, playbook: Playbook, start: float | None = None) -> Look:
    assessed = assess_under(snapshot, playbook, found.terms)
    began = max(assessed.assessment.book.equity, 0.0) if start is None else start
    decision = decide_on(assessed, playbook)
    return Look(assessed=assessed, decision=decision, playbook=playbook, now_ns=0, starts=(began, began))


def findings(look: Look) -> set[tuple[int, int, int, str]]:
    """Rule, subject, group of scenarios and status of every finding that the watch promises to keep, and drawdowns."""
    raw, policy = look.decision.raw, look.decision.policy
    out = set()
    for row in range(int(raw.rows[0])):
        code, detail = int(raw.code[row]), int(raw.detail[row])
        if code in PROVEN and raw.limit[row] != float("inf"):
            group = int(policy.group[detail]) if code == codes.SURVIVAL else -1
            status = status_of(float(raw.measured[row]), float(raw.limit[row]), policy.near)
            out.add((code, int(raw.subject[row]), group, status.value))
    equity, start = look.assessed.assessment.book.equity, look.starts[0]
    if start > 0.0 and policy.daily_drawdown < float("inf"):
        lost = max(1.0 - equity / start, 0.0)
        out.add((codes.DAILY_DRAWDOWN, 0, -1, status_of(lost, policy.daily_drawdown, policy.near).value))
    return out


def moved(snapshot: Snapshot, key: tuple[str, str], by: float) -> Snapshot:
    quote = snapshot.market.quotes[key]
    prices: dict[str, Any] = {
        name: None if getattr(quote, name) is None else getattr(quote, name) * (1.0 + by)
        for name in ("mark_price", "oracle_price")
    }
    quotes = {**snapshot.market.quotes, key: replace(quote, **prices)}
    return replace(snapshot, market=replace(snapshot.market, quotes=quotes))


def said(quote: Quote) -> MarkSeen:
    return MarkSeen(
        venue=quote.venue, symbol=quote.symbol, at_ns=1, received_ns=1, mark_price=quote.mark_price,
        oracle_price=quote.oracle_price,
    )  # fmt: skip


@settings(deadline=None, max_examples=25)
@given(situations(), guarded, paths)
def test_the_watch_never_misses_a_change_of_findings(
    found: Situation, playbook: Playbook, path: list[tuple[int, float]]
) -> None:
    snapshot, watch, keys = found.snapshot, Watch(), list(found.snapshot.market.quotes)
    look = full_look(snapshot, found, playbook)
    watch.look(look)
    known = findings(look)
    for number, by in path:
        key = keys[number % len(keys)]
        snapshot = moved(snapshot, key, by)
        due = watch(said(snapshot.market.quotes[key]))
        now = full_look(snapshot, found, playbook, look.starts[0])
        assert due or findings(now) == known, (watch.reach, findings(now) ^ known)
        if due:
            look, known = now, findings(now)
            watch.look(look)


def walked(found: Situation, path: list[tuple[int, float]]) -> tuple[Watch, Assessment]:
    """A watch after a path of prices that it follows, and a full look at its end."""
    playbook = Playbook(schema_version=1)
    snapshot, watch, keys = found.snapshot, Watch(), list(found.snapshot.market.quotes)
    watch.look(full_look(snapshot, found, playbook))
    for number, by in path:
        key = keys[number % len(keys)]
        held = watch.held(*key)
        if held is None or held.followed:
            snapshot = moved(snapshot, key, by)
            watch(said(snapshot.market.quotes[key]))
    return watch, full_look(snapshot, found, playbook).assessed.assessment


@settings(deadline=None, max_examples=50)
@given(situations(), paths)
def test_what_it_adds_up_is_what_a_full_look_measures(found: Situation, path: list[tuple[int, float]]) -> None:
    watch, seen = walked(found, path)
    for number, account in enumerate(seen.accounts):
        scale = 1e-9 * (1.0 + account.notional + abs(account.collateral))
        assert watch.equity(account.id) == pytest.approx(account.summary.equity, abs=scale)
        assert watch.maintenance(account.id) == pytest.approx(account.summary.maintenance_margin, abs=scale)
        assert watch.notionals[number] == pytest.approx(account.notional, abs=scale)
        if account.summary.equity > 1.0:
            assert watch.margin_ratio(account.id) == pytest.approx(account.summary.margin_ratio, rel=1e-6, abs=scale)


@settings(deadline=None, max_examples=25)
@given(situations(), paths)
def test_losses_and_drawdown_are_what_a_full_look_measures(found: Situation, path: list[tuple[int, float]]) -> None:
    watch, seen = walked(found, path)
    scale = 1e-9 * (1.0 + seen.book.notional + abs(seen.book.equity))
    assert watch.book_equity == pytest.approx(seen.book.equity, abs=scale)
    if seen.book.equity > 1.0:
        assert watch.gross_leverage() == pytest.approx(seen.book.gross_leverage, rel=1e-6)
    start = 1.0 + abs(seen.book.equity)
    assert watch.drawdown(start) * start == pytest.approx(start - seen.book.equity, abs=2.0 * scale)
    for venue, symbol in found.snapshot.market.quotes:
        held = watch.held(venue, symbol)
        if held is not None and held.followed:
            mine = [one for one in seen.positions if (one.venue, one.symbol) == (venue, symbol)]
            told = watch.losses(venue, symbol)
            assert [name for name, _ in told] == [one.account for one in mine]
            assert [lost for _, lost in told] == pytest.approx(
                [max(-one.unrealized_pnl, 0.0) for one in mine], abs=scale
            )


@settings(deadline=None, max_examples=30)
@given(situations(), guarded)
def test_prices_that_stand_still_ask_for_nothing(found: Situation, playbook: Playbook) -> None:
    watch = Watch()
    watch.look(full_look(found.snapshot, found, playbook))
    quotes = found.snapshot.market.quotes
    assert not any(watch(said(quote)) for quote in quotes.values())
    assert not any(watch(AccountSeen(account=one, at_ns=1, received_ns=1)) for one in found.accounts)


@settings(deadline=None, max_examples=30)
@given(situations())
def test_what_is_held_elsewise_and_what_is_silent_ask_at_once(found: Situation) -> None:
    watch = Watch(latest_ns=10)
    assert watch(Wake(received_ns=0))
    watch.look(full_look(found.snapshot, found, Playbook(schema_version=1)))
    assert not watch(Wake(received_ns=9)) and watch(Wake(received_ns=10))
    assert watch(Stale(venue="hyperliquid", stream="book:BTC", received_ns=1))
    held = [one for one in found.accounts if one.positions]
    assume(held)
    less: Account = replace(held[0], positions=held[0].positions[1:])
    assert watch(AccountSeen(account=less, at_ns=1, received_ns=1))
    fill = Fill(
        client_id="1", account=less.id, venue=less.venue, symbol="X", trade_id="1", quantity=1.0, price=1.0, fee=0.0,
        time_ns=1,
    )  # fmt: skip
    assert watch(FillSeen(fill=fill, received_ns=1))


def stays(found: Situation, playbook: Playbook, where: list[float]) -> None:
    """Put every price somewhere in its range, and look at the book whole."""
    watch, snapshot = Watch(), found.snapshot
    look = full_look(snapshot, found, playbook)
    watch.look(look)
    for number, key in enumerate(snapshot.market.quotes):
        price = watch.held(*key)
        if price is not None:
            to = price.low + where[number % len(where)] * (price.high - price.low)
            snapshot = moved(snapshot, key, to / price.price - 1.0)
    now = full_look(snapshot, found, playbook, look.starts[0])
    assert findings(now) == findings(look), watch.reach


corners = st.lists(st.sampled_from((0.0, 1.0)) | between(0.0, 1.0), min_size=12, max_size=12)


@settings(deadline=None, max_examples=25)
@given(situations(), guarded, corners)
def test_wherever_prices_stand_in_the_range_a_full_look_finds_the_same(
    found: Situation, playbook: Playbook, where: list[float]
) -> None:
    stays(found, playbook, where)


@pytest.mark.slow
@settings(deadline=None, max_examples=250)
@given(situations(), guarded, corners)
def test_the_range_holds_for_many_books(found: Situation, playbook: Playbook, where: list[float]) -> None:
    stays(found, playbook, where)
