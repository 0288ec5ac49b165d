"""What the guard tells beside rules on prices: signals, accounts, layers, transfers and drills."""

from __future__ import annotations

import asyncio
import pickle
from collections.abc import Collection
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from perpbook.engine.clock import now_ns
from perpbook.examples.catalogue import book_file
from perpbook.guard.desk import Desk, fold
from perpbook.guard.guard import Guard
from perpbook.guard.inputs import Began, Line, Recorder
from perpbook.guard.inputs_text import line_of, text_of
from perpbook.guard.replay import Replay, ends_of
from perpbook.guard.signalling import Key
from perpbook.guard.signals import Signals
from perpbook.guard.view import Decision, View
from perpbook.model.alert import Alert
from perpbook.model.effect import Effect, Notice, Tell, Write
from perpbook.model.message import AccountSeen, BookSeen, MarkSeen, Message
from perpbook.model.record import RecordKind
from perpbook.model.units import DAY_NS
from perpbook.playbook.load import parse_playbook
from perpbook.runs.check import load_all_terms
from perpbook.runs.guard_beside import Beside, beside_the_book, sensitivity_of
from perpbook.runs.guard_decide import Judge
from perpbook.snapshot import load_snapshot
from tests.anvil.written import Written
from tests.laws.guarded import CALM, SETTINGS, as_read
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
        effects = [effect for message in messages for effect in self._heard(message)]
        self.records += [one.record for one in effects if isinstance(one, Write)]
        return [one for one in told(effects) if one[0].startswith(("market.", "funding."))]

    def _heard(self, message: Message) -> list[Effect]:
        """What a message wants done, what is noticed by it told in its turn."""
        found = self.guard.receive(message)
        return found + [more for one in found if isinstance(one, Notice) for more in self._heard(one.noticed)]


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


def judged(playbook: str, desk: Desk) -> tuple[list[Alert], Decision]:
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
    decision = Judge(base=snapshot, playbook=rules, terms=terms)(view)
    return list(decision.alerts), decision


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
    assert {one.kind for one in beside(now)} == {"drill.overdue"}


def test_what_is_beside_the_book_reaches_the_guard_and_ends_after_a_restart_too(tmp_path: Path) -> None:
    beside, guard = beside_of(tmp_path, SENT), Watched()
    now = beside.base.market.as_of_ns + 400 * DAY_NS

    async def first(standing: Collection[Key]) -> Message:
        return await anext(beside_the_book(beside, lambda: standing, lambda: now))

    assert told(guard.guard.receive(asyncio.run(first(())))) == [("bridge.late", False)]
    guard.hear(mark(30))
    assert [key[0] for key in guard.guard.desk.alerts] == ["bridge.late"]
    (tmp_path / "book.toml").write_text(BOOK.read_text(encoding="utf-8"), encoding="utf-8")
    again = Watched(guard.guard.desk)
    assert told(again.guard.receive(asyncio.run(first(tuple(again.guard.desk.alerts))))) == [("bridge.late", True)]


def test_layers_are_told_where_somebody_watches_them_and_what_cannot_be_read_is_not_well(tmp_path: Path) -> None:
    beside = beside_of(tmp_path)
    assert beside(1) == ()
    (tmp_path / "health.json").write_text("{", encoding="utf-8")
    (found,) = beside(2)
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


def test_a_replay_without_signals_writes_what_a_guard_with_signals_wrote() -> None:
    lines: list[Line] = []
    watched = Watched()
    watched.guard = Guard(Desk(), SETTINGS, watched._decide, signals=Signals(QUICK))
    core = Recorder(watched.guard, lambda line: not lines.append(line), {})  # type: ignore[func-returns-value]
    effects = core.start(1)
    for message in (*(book(k) for k in range(1, 31)), *(book(k, spread=40.0) for k in range(31, 36)), book(36)):
        told = core.receive(message)
        effects += told + [more for one in told if isinstance(one, Notice) for more in core.receive(one.noticed)]
    records = [as_read(one.record) for one in effects if isinstance(one, Write)]
    began = [one for one in lines if isinstance(one, Began)]
    replay = Replay(records, ends_of(began, len(records)), lambda desk, _: Guard(desk, SETTINGS, watched._decide))
    for _ in replay.steps([line_of(text_of(one)) for one in lines]):
        pass
    assert replay.result.difference is None and replay.result.same == len(records) and not replay.result.gaps
    alerts: list[Any] = [one.body["alert"] for one in records if one.kind is RecordKind.ALERT]
    assert [one["kind"] for one in alerts].count("market.spread") == 2


@given(st.lists(st.tuples(st.booleans(), st.sampled_from([1.0, 40.0])), min_size=30, max_size=60))
@settings(max_examples=15)
def test_a_rehearsal_changes_nothing(told: list[tuple[bool, float]]) -> None:
    """Whatever was told before, and however often: what is newest is gone through, what is older is not."""
    one, other = Watched(), Watched()
    messages: list[Message] = []
    for k, (is_book, spread) in enumerate(told, 1):
        messages.append(book(k, spread=spread) if is_book else mark(k))
        assert one.hear(messages[-1]) == other.hear(messages[-1])
        for again in messages[-3:] + messages[:2]:
            other.guard.rehearse(again)
    assert one.records == other.records and one.guard.known == other.guard.known
    assert pickle.dumps(one.guard._signals) == pickle.dumps(other.guard._signals)
