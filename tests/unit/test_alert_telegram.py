"""Telegram over real HTTP: who is told, whose press counts, and what is refused without a word of what is secret."""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path
from typing import Any, TypeVar

import pytest

from perpbook.alerts.held import Delivery, Part, What
from perpbook.alerts.secret import Secret
from perpbook.alerts.telegram import Acknowledged, Refused, Setup, Telegram, Word
from perpbook.errors import InputError, ProviderError
from perpbook.model.action import ActionKind, Leg, Proposal, RiskView
from perpbook.model.alert import Severity
from perpbook.model.message import Answered
from perpbook.model.units import SECOND_NS
from tests.alerting import START, alert
from tests.telegram_server import TOKEN, Bot, telegram

Found = TypeVar("Found")
RISK = RiskView(equity=1e5, effective=3.0, margin_ratio=0.4, liquidation_move=0.2)
LEG = Leg(account="hl", venue="hyperliquid", symbol="BTC", quantity=-0.5, held=2.0, limit_price=99_000.0)
PROPOSAL = Proposal(
    kind=ActionKind.TRIM, rule="leverage.asset", reason="BTC stands at 3.4x", legs=(LEG,), created_ns=START,
    expires_ns=START + 600 * SECOND_NS, cost_max=40.0, collar=0.01, before=RISK, after=RISK, playbook="p", terms="t",
)  # fmt: skip


def delivery(severity: Severity = Severity.PAGE, what: What = What.NEW, **parts: object) -> Delivery:
    part = Part(id="stale.feed,,BTC", episode=1, what=what, alert=alert("stale.feed", severity, symbol="BTC", **parts))
    return Delivery(channel="phone", what=what, parts=(part,), silent=False, at_ns=START)


class World:
    """A bot API, a bot, and the time."""

    def __init__(self, bot: Bot, folder: Path, users: tuple[int, ...] = (7,), token: str = TOKEN) -> None:
        self.bot, self.now_ns = bot, START
        self.setup = Setup(
            name="phone", token=Secret(token), users=users, memory=folder / "telegram.json", host=bot.url
        )  # fmt: skip

    def run(self, work: Callable[[Telegram], Awaitable[Found]]) -> Found:
        """Something done by a bot that begins with what was remembered, as after a restart."""

        async def whole() -> Found:
            made = Telegram(self.setup, now=lambda: self.now_ns)
            try:
                return await work(made)
            finally:
                await made.close()

        return asyncio.run(whole())

    def ask(self) -> dict[str, str]:
        assert self.run(lambda one: one.ask(PROPOSAL)).ok
        return self.bot.buttons()

    def poll(self) -> tuple[Word, ...]:
        return self.run(lambda one: one.poll(0))


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    with telegram() as bot:
        yield World(bot, tmp_path)


def why(words: tuple[Word, ...]) -> str:
    (word,) = words
    assert isinstance(word, Refused)
    return word.why


@pytest.mark.parametrize(("button", "approve"), [("Approve", True), ("Deny", False)])
def test_a_press_is_an_answer_to_that_proposal_and_takes_the_buttons_away(
    world: World, button: str, approve: bool
) -> None:
    world.bot.press(world.ask()[button])
    said = Answered(digest=PROPOSAL.digest, approve=approve, who="telegram:7", channel="phone", received_ns=START)
    assert world.poll() == (said,)
    (edit,) = world.bot.called("editMessageText")
    assert edit["message_id"] == 1 and "reply_markup" not in edit and "by user 7" in edit["text"]


def test_what_is_asked_names_every_leg_and_what_it_may_cost(world: World) -> None:
    world.ask()
    (asked,) = world.bot.called("sendMessage")
    for words in (PROPOSAL.short, "sell 0.5 BTC in hl, holding 2, at 99000 or better, reduce-only", "at most 40.00"):
        assert words in asked["text"]
    assert "parse_mode" not in asked


def test_a_press_counts_once_even_when_it_comes_again(world: World) -> None:
    data = world.ask()
    world.bot.press(data["Approve"], number=101)
    world.bot.press(data["Approve"], number=101)
    world.bot.press(data["Approve"], number=102)
    world.bot.press(data["Deny"], number=103)
    first, *rest = world.poll()
    assert isinstance(first, Answered)
    assert [why((one,)) for one in rest] == ["this was answered already, or is no longer asked"] * 2
    assert world.poll() == ()


def test_updates_out_of_order_are_taken_in_order(world: World) -> None:
    data = world.ask()
    world.bot.press(data["Deny"], number=105)
    world.bot.press(data["Approve"], number=104)
    first, second = world.poll()
    assert isinstance(first, Answered) and first.approve and isinstance(second, Refused)
    assert world.bot.called("getUpdates")[-1]["offset"] == 0
    world.poll()
    assert world.bot.called("getUpdates")[-1]["offset"] == 106


def test_a_stranger_is_refused_and_told_nothing(world: World, caplog: pytest.LogCaptureFixture) -> None:
    world.bot.press(world.ask()["Approve"], user=666)
    with caplog.at_level(logging.DEBUG):
        assert why(world.poll()) == "a stranger pressed a button"
    assert world.bot.called("answerCallbackQuery") == [] and "666" in caplog.text and TOKEN not in caplog.text
    world.bot.press(world.bot.buttons()["Approve"])
    assert isinstance(world.poll()[0], Answered)


def test_a_button_made_for_another_user_does_not_count(tmp_path: Path) -> None:
    with telegram() as bot:
        world = World(bot, tmp_path, users=(7, 8))
        world.ask()
        bot.press(bot.buttons(0)["Approve"], user=8)
        assert why(world.poll()) == "this button is somebody else's"
        bot.press(bot.buttons(1)["Approve"], user=8)
        assert isinstance(world.poll()[0], Answered)
        assert [one["chat_id"] for one in bot.called("editMessageText")] == [7, 8]


@pytest.mark.parametrize("place", [0, 3, -1])
def test_an_altered_button_does_not_count(world: World, place: int) -> None:
    data = list(world.ask()["Deny"])
    data[place] = {"d": "a"}.get(data[place], "0" if data[place] != "0" else "1")
    world.bot.press("".join(data))
    assert why(world.poll()) in ("this button was altered", "this was answered already, or is no longer asked")


def test_the_verb_of_a_button_is_bound_to_it(world: World) -> None:
    data = world.ask()
    world.bot.press(f"a{data['Deny'][1:]}")
    world.bot.press(data["Approve"][:18] + data["Deny"][18:])
    assert all(isinstance(one, Refused) for one in world.poll())


def test_a_button_of_another_bot_does_not_count(world: World, tmp_path: Path) -> None:
    from perpbook.alerts.callbacks import Asks, data_of, key_of

    world.ask()
    (ask,) = World(world.bot, tmp_path).run(_asks).open
    data = data_of(key_of(Secret("999:another")), ask, "a")
    assert Asks(open=[ask]).press(key_of(Secret(TOKEN)), data, 7, START).why == "this button was altered"  # type: ignore[union-attr]


async def _asks(bot: Telegram) -> Any:
    return bot._memory.asks


def test_after_its_time_a_press_does_not_count_and_the_buttons_go(world: World) -> None:
    data = world.ask()
    world.now_ns = PROPOSAL.expires_ns
    world.bot.press(data["Approve"])
    assert why(world.poll()) == "this was answered already, or is no longer asked"
    assert "expired" in world.bot.called("editMessageText")[0]["text"]


def test_a_press_at_the_last_moment_of_a_long_poll_is_expired(world: World) -> None:
    from perpbook.alerts.callbacks import Refusal

    data = world.ask()
    found = world.run(_asks).press(b"", data["Approve"], 7, PROPOSAL.expires_ns)
    assert found == Refusal(why="this button was altered")
    from perpbook.alerts.callbacks import key_of

    found = world.run(_asks).press(key_of(Secret(TOKEN)), data["Approve"], 7, PROPOSAL.expires_ns)
    assert found == Refusal(why="this is expired: it counts as denied")


def test_what_was_decided_elsewhere_loses_its_buttons(world: World) -> None:
    data = world.ask()
    world.run(lambda one: one.closed(PROPOSAL.digest, "approved in the terminal"))
    assert "approved in the terminal" in world.bot.called("editMessageText")[0]["text"]
    world.bot.press(data["Deny"])
    assert isinstance(world.poll()[0], Refused)


def test_a_page_has_a_button_that_acknowledges_it(world: World) -> None:
    assert world.run(lambda one: one.send(delivery())).ok
    world.bot.press(world.bot.buttons()["Acknowledge"])
    assert world.poll() == (Acknowledged(key="stale.feed,,BTC", who="telegram:7", received_ns=START),)
    world.run(lambda one: one.send(delivery(Severity.WARN)))
    assert "reply_markup" not in world.bot.called("sendMessage")[-1]


HOSTILE: list[Any] = [
    None, 3, "x", [], {}, {"update_id": "5"}, {"update_id": True}, {"update_id": -1}, {"update_id": 2**70}, {"update_id": 200},
    {"update_id": 201, "callback_query": []}, {"update_id": 202, "callback_query": {"id": 1, "from": {"id": 7}, "data": "a"}},
    {"update_id": 203, "callback_query": {"id": "q", "from": {"id": "7"}, "data": "a.x.y"}},
    {"update_id": 204, "callback_query": {"id": "q", "from": None, "data": "a"}},
    {"update_id": 205, "callback_query": {"id": "q", "from": {"id": 7}, "data": {"a": 1}}},
    {"update_id": 206, "message": {"from": {"id": 7}, "text": "/approve"}},
]  # fmt: skip


def test_nonsense_among_updates_says_nothing_and_stops_nothing(world: World) -> None:
    data = world.ask()
    world.bot.updates += HOSTILE
    world.bot.press(data["Approve"], number=207)
    assert [type(one) for one in world.poll()] == [Answered]


@pytest.mark.parametrize("data", ["", "a", "a..", "x" * 5000, f"a.{'x' * 16}.{'0' * 40}", "a.\n.\x00", "ä.ö.ü"])
def test_a_button_that_is_not_ours_does_not_count(world: World, data: str) -> None:
    world.ask()
    world.bot.press(data)
    assert isinstance(world.poll()[0], Refused)


@pytest.mark.parametrize(
    ("status", "text"),
    [
        (200, b"not json"), (200, b"[]"), (200, b'{"ok":true}'), (200, b'{"ok":false,"result":[]}'),
        (200, b'{"ok":true,"result":{}}'),
        (500, b"<html>"), (409, b'{"ok":false,"description":"Conflict"}'), (302, b""), (200, b'{"ok":"true","result":[]}'),
    ],
)  # fmt: skip
def test_an_answer_that_is_none_is_an_error_and_the_next_poll_goes_on(world: World, status: int, text: bytes) -> None:
    world.bot.press(world.ask()["Approve"])
    world.bot.instead["getUpdates"] = [(status, text)]
    with pytest.raises(ProviderError):
        world.poll()
    assert isinstance(world.poll()[0], Answered)


def test_it_leaves_telegram_alone_for_as_long_as_it_asks(world: World) -> None:
    busy = (429, b'{"ok":false,"parameters":{"retry_after":20}}')
    world.bot.instead["sendMessage"] = [busy]

    async def twice(bot: Telegram) -> list[bool]:
        first, second = await bot.send(delivery()), await bot.send(delivery())
        world.now_ns += 20 * SECOND_NS
        return [first.ok, second.ok, (await bot.send(delivery())).ok]

    assert world.run(twice) == [False, False, True]
    assert len(world.bot.called("sendMessage")) == 2


def test_a_question_waits_where_telegram_asks_it_to(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    waited: list[float] = []

    async def wait(seconds: float) -> None:
        waited.append(seconds)

    monkeypatch.setattr("perpbook.alerts.telegram.asyncio.sleep", wait)
    world.bot.instead["sendMessage"] = [(429, b'{"ok":false,"parameters":{"retry_after":3}}')]
    assert world.run(lambda one: one.ask(PROPOSAL)).ok and waited == [3.0]


def test_a_token_is_in_no_error_log_repr_or_file(
    world: World, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    wrong = "666:WRONGwrongWRONG"
    secretive = World(world.bot, tmp_path / "other", token=wrong)
    world.bot.instead["sendMessage"] = [(400, json.dumps({"ok": False, "description": f"bad {TOKEN}"}).encode())]
    with caplog.at_level(logging.DEBUG):
        told = [secretive.run(lambda one: one.send(delivery())).why, world.run(lambda one: one.ask(PROPOSAL)).why]
        world.ask()
        with pytest.raises(ProviderError) as error:
            secretive.poll()
    kept = world.setup.memory.read_text()
    everything = "".join([*told, str(error.value), repr(error.value), caplog.text, repr(world.setup), kept])
    assert TOKEN not in everything and wrong not in everything and "HTTP 401" in told[0] and "***" in told[1]
    assert world.setup.memory.stat().st_mode & 0o077 == 0


def test_hostile_words_are_one_line_of_plain_text(world: World) -> None:
    world.run(lambda one: one.send(delivery(sentence="x\x00\u202e\n/start <b>" + "y" * 9000)))
    (sent,) = world.bot.called("sendMessage")
    assert (
        len(sent["text"]) < 4096
        and "\x00" not in sent["text"]
        and "\u202e" not in sent["text"]
        and "\n/start" not in sent["text"]
    )


@pytest.mark.parametrize("text", ["", "{}", "[]", '{"schema":"telegram-memory/1","offset":"1","asks":[]}'])
def test_a_memory_that_is_none_is_refused(world: World, text: str) -> None:
    world.setup.memory.write_text(text)
    with pytest.raises(InputError, match="no memory of a Telegram bot"):
        world.poll()


def test_only_https_or_this_machine_is_spoken_to(tmp_path: Path) -> None:
    setup = Setup(name="p", token=Secret(TOKEN), users=(7,), memory=tmp_path / "m", host="http://api.telegram.org")
    with pytest.raises(InputError) as error:
        Telegram(setup)
    assert TOKEN not in str(error.value)


def test_a_proposal_with_a_quarter_of_its_time_left_pages_until_it_is_decided(world: World, tmp_path: Path) -> None:
    from functools import partial

    from perpbook.alerts.routing import routing_of
    from perpbook.alerts.teller import Teller
    from perpbook.journal.database import open_journal

    async def kinds(bot: Telegram) -> list[Any]:
        teller = Teller(
            routing_of(None), {"phone": bot}, partial(open_journal, tmp_path / "a.db"), now=lambda: world.now_ns
        )
        teller.wait(PROPOSAL)
        await teller.ask()
        out: list[Any] = []
        for seconds in (400, 60):
            world.now_ns += seconds * SECOND_NS
            await teller.tell()
            out.append([one.kind for one in teller.desk.standing()])
        await teller.closed(PROPOSAL.digest, "denied in the terminal")
        return [*out, [one.easing.resolved for one in teller.desk.held.values() if one.easing]]

    assert world.run(kinds) == [[], ["proposal.expiring"], [True]]
    assert "denied in the terminal" in world.bot.called("editMessageText")[0]["text"]
