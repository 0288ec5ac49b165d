"""Who tells a guard's alerts: buttons that approve exactly one proposal, nothing lost by a kill, one message twice at most."""

from __future__ import annotations

import asyncio
import json
import logging
import os
import signal
from collections import Counter
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from perpbook.alerts.routing import routing_of
from perpbook.alerts.teller import Teller
from perpbook.engine.clock import now_ns
from perpbook.engine.ports import Journal
from perpbook.files.plain import plain
from perpbook.journal.database import DatabaseJournal, open_journal
from perpbook.model.action import Proposal
from perpbook.model.alert import Alert, Severity
from perpbook.model.message import Answered
from perpbook.model.record import Record, RecordKind
from perpbook.model.units import SECOND_NS
from perpbook.playbook.alerts_section import Alerts
from perpbook.runs.alerts import teller_of
from perpbook.runs.guard_follow import SHOWN, STOP, Charge, Follower
from perpbook.runs.guard_places import GuardPlaces
from perpbook.runs.guard_teller import TellerProcess
from perpbook.runs.guard_words import read_word
from tests.telegram_server import TOKEN, Bot, telegram
from tests.unit.test_alert_channels import KEY, Receiver
from tests.unit.test_guard_verbs import a_proposal

PLAYBOOK = """\
schema_version = 1
name = "told"

[alerts]
channels = { hook = "webhook:HOOK", phone = "telegram:PHONE" }
routes = { page = ["hook + phone"], warn = ["hook"], info = ["hook"] }
telegram_users = [7]
"""
RULES = Alerts.model_validate(
    {
        "channels": {"hook": "webhook:HOOK", "phone": "telegram:PHONE"},
        "routes": {"page": ("hook + phone",), "warn": ("hook",), "info": ("hook",)},
        "telegram_users": (7,),
    }
)


@dataclass
class Guarded:
    """A guard's journal that this test writes, and who is told of it."""

    folder: Path
    hook: Receiver
    bot: Bot
    clock: list[int] = field(default_factory=lambda: [0])

    def __post_init__(self) -> None:
        self.places = GuardPlaces(folder=self.folder / "guards" / "guard", journal=str(self.folder / "journal.db"))
        self.playbook = self.folder / "playbook.toml"
        self.playbook.write_text(PLAYBOOK)
        self.journal: DatabaseJournal = open_journal(self.places.journal)
        self.write(RecordKind.RUN, playbook="p", terms="t", accounts={"main": "hyperliquid"})

    def write(self, kind: RecordKind, **body: object) -> None:
        self.journal.append(Record(kind=kind, at_ns=now_ns(), body=plain(body)))

    def alert(self, kind: str, severity: Severity = Severity.WARN, **parts: Any) -> None:
        sentence = parts.pop("sentence", f"{kind} is so")
        self.write(
            RecordKind.ALERT, alert=Alert(kind=kind, severity=severity, at_ns=now_ns(), sentence=sentence, **parts),
            stands=False,
        )  # fmt: skip

    def propose(self) -> Proposal:
        made = a_proposal()
        self.write(RecordKind.PROPOSED, digest=made.digest, proposal=made)
        self.alert("proposal.waits", Severity.PAGE, proposal=made.digest)
        return made

    def told(self) -> list[str]:
        """Kinds that the webhook got, in order; of those at once each."""
        return [one["kind"] for _, body in self.hook.got for one in json.loads(body)["alerts"]]

    def follow(self, *, looks: int = 1, hears: bool = False, why: str = "", again: str = "") -> None:
        """A process's life, in this one: it begins, looks, and ends; `why` the guard did, "" for a kill of this one alone."""

        async def life() -> None:
            teller, unopened = teller_of(RULES, self.places.alerts, SHOWN)
            assert not unopened
            for one in (teller, *teller._bots()):
                one._now = lambda: now_ns() + self.clock[0]  # type: ignore[attr-defined]
            charge = Charge(places=self.places, playbook=self.playbook, after=1, again=again)
            follower = Follower(teller, charge, open_journal(self.places.journal))
            try:
                follower.begin()
                for _ in range(looks):
                    await follower.look()
                if hears:
                    await follower.hear()
                if why:
                    await follower.last(why)
            finally:
                await teller.close()

        asyncio.run(life())

    def words(self) -> list[Any]:
        return [read_word(path) for path in sorted(self.places.words.glob("*.word"))]

    def questions(self) -> list[dict[str, Any]]:
        """Messages that carry Approve; a page about the same proposal may come before or after."""
        return [one for one in self.bot.called("sendMessage") if "Approve" in json.dumps(one)]

    def button(self, word: str) -> str:
        """What a button of the first question carries."""
        rows = self.questions()[0]["reply_markup"]["inline_keyboard"]
        return next(str(one["callback_data"]) for row in rows for one in row if one["text"] == word)

    def asked(self) -> list[str]:
        """Titles of questions."""
        return [one["text"].splitlines()[0] for one in self.questions()]


@pytest.fixture
def guarded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Guarded]:
    receiver = Receiver()
    with telegram() as bot:
        for name, value in {
            "PERPBOOK_HOME": str(tmp_path), "HOOK": receiver.url, "HOOK_SECRET": KEY, "PHONE": TOKEN, "PHONE_API": bot.url,
        }.items():  # fmt: skip
            monkeypatch.setenv(name, value)
        yield Guarded(tmp_path, receiver, bot)
    receiver.server.shutdown()
    receiver.server.server_close()


def test_a_press_approves_the_proposal_it_was_made_for_and_no_other(guarded: Guarded) -> None:
    first = guarded.propose()
    guarded.follow()
    guarded.propose()
    guarded.follow()
    guarded.bot.press(guarded.button("Approve"))
    guarded.follow(hears=True)
    (word,) = guarded.words()
    assert isinstance(word, Answered) and (word.digest, word.approve) == (first.digest, True)
    assert (word.who, word.channel) == ("telegram:7", "phone")
    assert len(guarded.asked()) == 2


def test_a_stranger_and_a_button_pressed_twice_are_refused_and_logged_without_secrets(
    guarded: Guarded, caplog: pytest.LogCaptureFixture
) -> None:
    guarded.propose()
    guarded.follow()
    data = guarded.button("Deny")
    guarded.bot.press(data, user=666)
    guarded.bot.press(data)
    guarded.bot.press(data)
    with caplog.at_level(logging.DEBUG):
        guarded.follow(hears=True)
        guarded.follow()
    assert [word.approve for word in guarded.words()] == [False]
    assert guarded.told().count("telegram.refused") == 2
    assert "a stranger pressed a button" in caplog.text and "answered already" in caplog.text
    assert not any(secret in caplog.text for secret in (TOKEN, KEY, data))


def test_a_press_after_its_time_counts_for_nothing(guarded: Guarded) -> None:
    guarded.propose()
    guarded.follow()
    guarded.bot.press(guarded.button("Approve"))
    guarded.clock[0] = 700 * SECOND_NS
    guarded.follow(hears=True)
    assert guarded.words() == [] and "expired" in guarded.bot.called("editMessageText")[0]["text"]


def test_a_decided_proposal_is_asked_and_paged_for_no_longer(guarded: Guarded) -> None:
    made = guarded.propose()
    guarded.clock[0] = 500 * SECOND_NS
    guarded.follow()
    assert set(guarded.told()) == {"proposal.waits", "proposal.expiring"}
    guarded.write(RecordKind.APPROVED, digest=made.digest, who="ann", channel="cli")
    guarded.follow()
    before = len(guarded.told())
    guarded.clock[0] += 7200 * SECOND_NS
    guarded.follow(looks=2)
    assert guarded.told()[before:] == ["proposal.expiring"]
    assert json.loads(guarded.hook.got[-1][1])["what"] == "resolved"
    assert any("approved" in one["text"] for one in guarded.bot.called("editMessageText"))


def test_who_was_away_when_a_proposal_came_is_asked_when_back(guarded: Guarded) -> None:
    guarded.bot.instead["sendMessage"] = [(502, b"")] * 4
    made = guarded.propose()
    guarded.follow()
    guarded.bot.instead.clear()
    guarded.follow()
    assert guarded.asked()[-1].startswith(f"Proposal {made.short}")
    count = len(guarded.asked())
    guarded.follow(looks=3)
    assert len(guarded.asked()) == count


class Died(Exception):
    """As a kill -9 would end it."""


class Dying:
    """A journal whose writer dies before, or just after, a write."""

    def __init__(self, journal: Journal, left: int, *, kept: bool) -> None:
        self.journal, self.left, self.kept = journal, left, kept

    def read(self, after: int = 0) -> Any:
        return self.journal.read(after)

    def append(self, record: Record) -> int:
        self.left -= 1
        if self.left == 0:
            if self.kept:
                self.journal.append(record)
            raise Died
        return self.journal.append(record)


def die_at(guarded: Guarded, write: int, *, kept: bool) -> bool:
    """A process that dies at its so-manieth write; whether it came to that."""

    async def life() -> None:
        channels = teller_of(RULES, guarded.places.alerts)[0]._channels
        again = partial(open_journal, guarded.places.alerts)
        teller = Teller(routing_of(RULES), channels, lambda: Dying(again(), write, kept=kept))
        charge = Charge(places=guarded.places, playbook=guarded.playbook, after=1)
        try:
            follower = Follower(teller, charge, open_journal(guarded.places.journal))
            follower.begin()
            await follower.look()
        finally:
            await teller.close()

    with suppress(Died):
        asyncio.run(life())
        return False
    return True


@pytest.mark.parametrize("kept", [True, False])
@pytest.mark.parametrize("write", range(1, 7))
def test_whenever_it_dies_nothing_is_lost_and_one_message_comes_twice_at_most(
    guarded: Guarded, write: int, kept: bool
) -> None:
    kinds = ["stale.feed", "order.refused", "armed"]
    for kind in kinds:
        guarded.alert(kind)
    assert die_at(guarded, write, kept=kept)
    guarded.follow(looks=2)
    counts = Counter(guarded.told())
    assert set(counts) == set(kinds) and sum(counts.values()) <= len(kinds) + 1


def test_one_journal_does_not_hide_another(guarded: Guarded) -> None:
    for number in range(5):
        guarded.alert("stale.feed", sentence=f"number {number}")
    guarded.follow()
    beside = guarded.folder / "beside"
    beside.mkdir()
    other = Guarded(beside, guarded.hook, guarded.bot)
    assert other.places.alerts == guarded.places.alerts
    other.alert("armed")
    other.follow()
    assert guarded.told().count("armed") == 1


def test_a_guard_that_fails_is_told_and_that_it_is_back(guarded: Guarded) -> None:
    guarded.follow(why=STOP)
    assert guarded.told() == []
    guarded.follow(why="BrokenJournal")
    assert guarded.told() == ["guard.down"]
    guarded.follow()
    guarded.clock[0] = 600 * SECOND_NS
    guarded.follow()
    said = [json.loads(body)["what"] for _, body in guarded.hook.got]
    assert guarded.told() == ["guard.down"] * 2 and said == ["new", "resolved"]


def test_an_acknowledgement_from_a_terminal_is_heard_while_it_runs(guarded: Guarded) -> None:
    from perpbook.runs.alerts import acknowledge

    guarded.alert("kill", Severity.PAGE)

    async def life() -> str:
        teller, _ = teller_of(RULES, guarded.places.alerts)
        follower = Follower(
            teller,
            Charge(places=guarded.places, playbook=guarded.playbook, after=1),
            open_journal(guarded.places.journal),
        )
        await follower.look()
        acknowledge(guarded.places.alerts, None, "ann")
        await follower.look()
        await teller.close()
        return next(iter(teller.desk.held.values())).acknowledged

    assert asyncio.run(life()) == "ann"


class Ears:
    """The guard's console."""

    def __init__(self) -> None:
        self.heard: list[Alert] = []

    async def tell(self, alert: Alert) -> None:
        self.heard.append(alert)


@pytest.mark.slow
def test_a_process_that_is_killed_is_begun_again_and_says_so_everywhere(guarded: Guarded) -> None:
    ears = Ears()

    async def until(kind: str) -> None:
        async with asyncio.timeout(60.0):
            while kind not in guarded.told():
                await asyncio.sleep(0.1)

    async def life(process: TellerProcess) -> None:
        watching = asyncio.create_task(process.watch(ears))
        guarded.alert("stale.feed")
        await until("stale.feed")
        os.kill(process.pid, signal.SIGKILL)
        guarded.alert("armed")
        await until("armed")
        await until("teller.down")
        watching.cancel()

    with (
        pytest.raises(ZeroDivisionError),
        TellerProcess(Charge(places=guarded.places, playbook=guarded.playbook, after=1)) as process,
    ):
        asyncio.run(life(process))
        raise ZeroDivisionError
    assert [one.kind for one in ears.heard] == ["teller.down"]
    counts = Counter(guarded.told())
    assert counts["guard.down"] == counts["armed"] == 1 and sum(counts.values()) <= 5
