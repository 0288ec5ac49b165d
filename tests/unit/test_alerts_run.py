"""The verbs on alerts, from files to messages: one look after another over one journal."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from perpbook.cli.main import app
from perpbook.examples.catalogue import book_file
from tests.telegram_server import TOKEN, telegram

BOOK = book_file("directional")
RULES = """
schema_version = 1
[leverage.account]
gross = {gross}
[alerts]
channels = {{ phone = "telegram:BOT", desk = "console" }}
routes = {{ page = ["phone", "desk"] }}
telegram_users = [7]
resolve_after_minutes = 0
{more}
"""


def asked(folder: Path, *words: str, code: int | None = None) -> Any:
    done = CliRunner().invoke(app, ["alerts", *words, "--json"], catch_exceptions=False)
    assert code is None or done.exit_code == code, done.stdout + done.stderr
    return json.loads(done.stdout)


def look(folder: Path, gross: float, code: int, more: str = "") -> Any:
    (folder / "playbook.toml").write_text(RULES.format(gross=gross, more=more))
    return asked(folder, "run", str(BOOK), str(folder / "playbook.toml"), code=code)["data"]


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PERPBOOK_HOME", str(tmp_path))
    monkeypatch.delenv("BOT", raising=False)


def test_a_look_tells_what_is_new_once_and_then_that_it_is_over(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with telegram() as bot:
        monkeypatch.setenv("BOT", TOKEN)
        monkeypatch.setenv("BOT_API", bot.url)
        first, second, third = look(tmp_path, 1.0, 10), look(tmp_path, 1.0, 10), look(tmp_path, 50.0, 0)
    pages = [one for one in first["standing"] if one["severity"] == "page"]
    assert pages and {one["channel"] for one in first["went"]} >= {"phone"} and second["went"] == []
    assert not [one for one in third["standing"] if one["kind"] == "rule.leverage.account.gross"]
    assert "resolved" in [one["what"] for one in third["went"]]
    assert len(bot.called("sendMessage")) >= 2


def test_when_a_channel_cannot_be_opened_the_next_gets_the_page_and_the_failure_is_told(tmp_path: Path) -> None:
    went = look(tmp_path, 1.0, 21)["went"]
    failed = [one for one in went if not one["ok"]]
    assert failed and all("the token of channel phone is not set" in one["why"] for one in failed)
    assert ("desk", "escalated") in {(one["channel"], one["what"]) for one in went if one["ok"]}


def test_prices_that_are_too_old_page_and_end_nothing(tmp_path: Path) -> None:
    before = look(tmp_path, 1.0, 21)["standing"]
    stale = look(tmp_path, 1.0, 20, more="[data]\nprices_max_age_minutes = 1")
    kinds = [one["kind"] for one in stale["standing"]]
    assert "stale.prices" in kinds and {one["kind"] for one in before} <= {*kinds}
    assert "minutes old" in stale["unjudged"]
    assert "stale.prices" not in [one["kind"] for one in look(tmp_path, 1.0, 10)["standing"]]


def test_an_acknowledged_page_is_remembered_with_who_said_so(tmp_path: Path) -> None:
    look(tmp_path, 1.0, 21)
    assert asked(tmp_path, "ack", code=3)["errors"]
    assert asked(tmp_path, "ack", "nothing-like-it", code=3)["errors"]
    keys = asked(tmp_path, "ack", "--all", "--who", "ann", code=0)["data"]["keys"]
    past = asked(tmp_path, "history", code=0)["data"]
    assert keys and [one["key"] for one in past if one["event"] == "seen" and one["words"] == "by ann"] == keys
    assert {one["event"] for one in past} >= {"page", "failed", "seen"}
    assert look(tmp_path, 1.0, 10)["went"] == []


def test_a_press_on_telegram_acknowledges_and_a_strangers_is_an_alert(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with telegram() as bot:
        monkeypatch.setenv("BOT", TOKEN)
        monkeypatch.setenv("BOT_API", bot.url)
        look(tmp_path, 1.0, 10)
        bot.press(bot.buttons()["Acknowledge"])
        bot.press(bot.buttons()["Acknowledge"], user=666)
        asked(tmp_path, "run", str(BOOK), str(tmp_path / "playbook.toml"), "--listen", code=10)
    past = asked(tmp_path, "history")["data"]
    assert [one["words"] for one in past if one["event"] == "seen"] == ["by telegram:7"]
    assert "telegram.refused,telegram:666" in [one["key"] for one in past]
    assert TOKEN not in json.dumps(past)


def test_routes_name_every_kind_and_say_what_is_off(tmp_path: Path) -> None:
    (tmp_path / "playbook.toml").write_text(RULES.format(gross=1.0, more='modes = { "funding.*" = "off" }'))
    found = asked(tmp_path, "routes", code=0)["data"]
    told = {(one["kind"], one["severity"]): (one["mode"], one["steps"]) for one in found}
    assert told["kill", "page"] == ("on", [["phone"], ["desk"]])
    assert told["funding.skew", "warn"][0] == "off" and told["funding.flip", "page"][0] == "on"


def test_a_test_says_what_came_back(tmp_path: Path) -> None:
    (tmp_path / "playbook.toml").write_text(RULES.format(gross=1.0, more=""))
    found = asked(tmp_path, "test", code=21)["data"]
    assert [(one["channel"], one["ok"]) for one in found] == [("phone", False), ("desk", True)]
    assert asked(tmp_path, "test", "desk", code=0)["data"][0]["why"] == "printed"
    assert "no channel" in asked(tmp_path, "test", "nobody", code=3)["errors"][0]["message"]


def test_another_writer_of_the_journal_is_caught_up_with(tmp_path: Path) -> None:
    from functools import partial

    from perpbook.alerts.routing import routing_of
    from perpbook.alerts.teller import Teller
    from perpbook.journal.database import open_journal
    from tests.alerting import alert

    again = partial(open_journal, tmp_path / "a.db")
    first, second = Teller(routing_of(None), {}, again), Teller(routing_of(None), {}, again)
    first.hear([alert(symbol="A")], stands=True)
    second.hear([alert(symbol="A"), alert(symbol="B")], stands=True)

    first.hear([alert(symbol="B")], stands=True)
    assert first.desk == second.desk and len(first.desk.held) == 2


def test_a_guards_records_are_taken_once_and_its_acknowledged_incident_is_quiet(tmp_path: Path) -> None:
    from functools import partial

    from perpbook.alerts.desk import heard
    from perpbook.alerts.routing import routing_of
    from perpbook.alerts.teller import Teller
    from perpbook.journal.database import open_journal
    from perpbook.model.record import Record, RecordKind
    from tests.alerting import START, alert

    again, page = (
        partial(open_journal, tmp_path / "a.db"),
        alert("incident", sentence="fills differ: see `proposal.ab12`"),
    )
    told = heard(Teller(routing_of(None), {}, again).desk, page, False, START)
    assert told
    teller = Teller(routing_of(None), {}, again)
    for number in (4, 4, 3):
        teller.take("a", number, told)
    assert [one.acknowledged for one in teller.desk.held.values()] == [""]
    seen = Record(kind=RecordKind.ACKNOWLEDGED, at_ns=START, body={"key": "proposal.ab12", "who": "ann"})
    teller.take("a", 5, seen)
    after = Teller(routing_of(None), {}, again)
    assert [one.acknowledged for one in after.desk.held.values()] == ["ann"] and after.desk.taken == {"a": 5}
