"""What the guard tells beside rules on prices: signals, drawdowns, accounts, layers, transfers and drills."""

from __future__ import annotations

from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path

import pytest

from perpbook.engine.clock import now_ns
from perpbook.examples.catalogue import book_file
from perpbook.guard.desk import Desk, fold
from perpbook.guard.guard import Guard
from perpbook.guard.signals import Signals
from perpbook.guard.view import Decision, View
from perpbook.model.alert import Alert
from perpbook.model.effect import Effect, Tell, Write
from perpbook.model.message import AccountSeen, BookSeen, MarkSeen, Message
from perpbook.model.units import DAY_NS, SECOND_NS
from perpbook.playbook.load import parse_playbook
from perpbook.runs.check import load_all_terms
from perpbook.runs.guard_beside import Beside, sensitivity_of
from perpbook.runs.guard_decide import Judge
from perpbook.snapshot import load_snapshot
from tests.anvil.written import Written
from tests.laws.guarded import CALM, SETTINGS, Exchange, as_read
from tests.unit.test_health_faces import ask, serve
from tests.unit.test_signals import QUICK, book, mark

BOOK = book_file("directional")


def told(effects: list[Effect]) -> list[tuple[str, bool]]:
    return [(one.alert.kind, one.alert.resolved) for one in effects if isinstance(one, Tell)]


class Watched:
    """A guard that decides on nothing and is told signals; what it wrote."""

    def __init__(self, desk: Desk | None = None, equity: float = 10_000.0) -> None:
        self.before = replace(CALM, equity=equity)
        self.guard = Guard(desk or Desk(), SETTINGS, self._decide, signals=Signals(QUICK))
        self.records = [one.record for one in self.guard.start(1) if isinstance(one, Write)]

    def _decide(self, view: View) -> Decision:
        return Decision(before=self.before)

    def hear(self, *messages: Message) -> list[tuple[str, bool]]:
        effects = [effect for message in messages for effect in self.guard.receive(message)]
        self.records += [one.record for one in effects if isinstance(one, Write)]
        return [one for one in told(effects) if one[0].startswith(("market.", "funding."))]


def test_a_signal_begins_stands_through_decisions_and_ends() -> None:
    watched = Watched()
    assert watched.hear(*(book(k) for k in range(1, 31))) == []
    assert watched.hear(*(book(k, spread=40.0) for k in range(31, 34))) == [("market.spread", False)]
    assert watched.hear(*(book(k, spread=40.0) for k in range(34, 40))) == []
    assert watched.hear(book(40)) == [("market.spread", True)]


def test_what_a_signal_said_stands_on_after_a_restart_until_its_past_says_otherwise() -> None:
    first = Watched()
    first.hear(*(book(k) for k in range(1, 31)), *(book(k, spread=40.0) for k in range(31, 34)))
    again = Watched(fold(as_read(one) for one in first.records))
    assert again.hear(*(book(k) for k in range(34, 53))) == []
    assert again.hear(*(book(k) for k in range(53, 60))) == [("market.spread", True)]


def test_a_day_and_a_week_begin_with_what_the_book_held_and_a_restart_knows_it() -> None:
    watched, monday = Watched(equity=5_000.0), 4 * DAY_NS // SECOND_NS
    watched.hear(mark(monday))
    assert watched.guard.desk.starts == {}
    watched.hear(Exchange().account(monday * SECOND_NS), mark(monday + 40))
    assert watched.guard.desk.starts == {"day": (4, 5_000.0), "week": (1, 5_000.0)}
    watched.before = replace(CALM, equity=4_000.0)
    watched.hear(Exchange().account((monday + 86_400) * SECOND_NS), mark(monday + 86_440))
    assert watched.guard.desk.starts == {"day": (5, 4_000.0), "week": (1, 5_000.0)}
    assert fold(as_read(one) for one in watched.records).starts == watched.guard.desk.starts


def judged(playbook: str, desk: Desk, beside: Beside | None = None) -> tuple[list[Alert], Decision]:
    snapshot = load_snapshot(BOOK)
    at = snapshot.market.as_of_ns
    accounts = {one.id: AccountSeen(account=one, at_ns=at, received_ns=at) for one in snapshot.book.accounts}
    marks = {
        key: MarkSeen(
            venue=key[0], symbol=key[1], at_ns=at, received_ns=at, mark_price=one.mark_price, oracle_price=one.oracle_price
        )
        for key, one in snapshot.market.quotes.items()
    }  # fmt: skip
    books = {
        key: BookSeen(venue=key[0], symbol=key[1], depth=one.depth, at_ns=at, received_ns=at)
        for key, one in snapshot.market.quotes.items()
        if one.depth
    }
    rules, terms = parse_playbook(f"schema_version = 1\n{playbook}", "p.toml"), load_all_terms(snapshot)
    view = View(now_ns=at, accounts=accounts, books=books, marks=marks, unknown=frozenset(), desk=desk)
    decision = Judge(base=snapshot, playbook=rules, terms=terms, beside=beside)(view)
    return list(decision.alerts), decision


def test_a_drawdown_is_measured_from_what_the_day_began_with_and_is_not_judged_without() -> None:
    playbook = "[guardrails]\ndaily_drawdown = 0.1\nweekly_drawdown = 0.9\n"
    day = load_snapshot(BOOK).market.as_of_ns // DAY_NS
    found, decision = judged(playbook, Desk())
    assert not found and decision.before is not None
    lost = Desk(starts={"day": (day, 2.0 * decision.before.equity), "week": (0, 1e12)})
    (alert,), after = judged(playbook, lost)
    assert alert.measured == pytest.approx(0.5) and alert.severity.value == "page"
    assert after.before is not None and after.before.broken == ("guardrails.daily_drawdown",)
    assert judged(playbook, Desk(starts={"day": (day - 1, 1e12)}))[0] == []


def test_accounts_past_the_marks_of_the_playbook_are_told() -> None:
    found, _ = judged("[alerts]\nmargin_ratio = 0.01\nliquidation_move = 0.9\n", Desk())
    assert {(one.kind, one.severity.value) for one in found} == {("margin.ratio", "page"), ("liquidation.move", "page")}


def beside_of(folder: Path, more: str = "", playbook: str = "") -> Beside:
    (folder / "book.toml").write_text(BOOK.read_text(encoding="utf-8") + more, encoding="utf-8")
    return Beside(
        base=load_snapshot(folder / "book.toml"), playbook=parse_playbook(f"schema_version = 1\n{playbook}", "p.toml"),
        book=folder / "book.toml", health=folder / "health.json", shelf=folder / "drills",
    )  # fmt: skip


SENT = """
[[transfers]]
asset = "USDC"
amount = 500.0
source = "base"
destination = "hl-main"
arrives = 2026-01-01T00:00:00Z
"""


def test_a_drill_that_was_never_taken_is_overdue_and_late_money_is_late(tmp_path: Path) -> None:
    beside = beside_of(tmp_path, SENT, '[drill]\ncadence = "weekly"\n')
    now = beside.base.market.as_of_ns + 400 * DAY_NS
    assert {one.kind for one in beside(now)} == {"drill.overdue", "bridge.late"}
    (tmp_path / "book.toml").write_text(BOOK.read_text(encoding="utf-8"), encoding="utf-8")
    assert {one.kind for one in beside(now + 59 * SECOND_NS)} == {"drill.overdue", "bridge.late"}
    assert {one.kind for one in beside(now + 60 * SECOND_NS)} == {"drill.overdue"}
    assert {one.kind for one in judged("", Desk(), beside)[0]} == {"drill.overdue"}


def test_layers_are_told_where_somebody_watches_them_and_what_cannot_be_read_is_not_well(tmp_path: Path) -> None:
    beside = beside_of(tmp_path)
    assert beside(1) == ()
    (tmp_path / "health.json").write_text("{", encoding="utf-8")
    (found,) = beside(2 + 60 * SECOND_NS)
    assert (found.kind, found.severity.value) == ("layer.health", "warn") and "cannot be read" in found.sentence


def test_a_layer_that_halted_pages_and_one_seen_too_long_ago_is_unknown(tmp_path: Path) -> None:
    beside, start = beside_of(tmp_path), now_ns()
    with ExitStack() as stack:
        chain = Written(behind=600.0)
        ask(*serve(stack, chain, chain), "--memory", str(beside.health))
    halted, old = beside(start), beside(start + DAY_NS)
    assert [(one.kind, one.symbol, one.severity.value) for one in halted] == [("layer.health", "arbitrum", "page")]
    assert [one.severity.value for one in old] == ["warn"] and "unknown" in old[0].sentence


def test_how_unusual_is_the_playbooks() -> None:
    rules = parse_playbook("schema_version = 1\n[alerts]\nunusual = 9\n", "p.toml").alerts
    assert (sensitivity_of(rules).high, sensitivity_of(rules).low) == (9.0, 4.5)
    assert sensitivity_of(None).high == 6.0
