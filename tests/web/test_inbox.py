"""What the page is told, which is the journal's own state; and its words, which reach the guard's core or are refused."""

from __future__ import annotations

import http.client
import json
import sqlite3
from collections.abc import Iterator
from dataclasses import fields
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from perpbook.files.plain import plain
from perpbook.guard.desk import Desk
from perpbook.model.action import Proposal
from perpbook.model.record import RecordKind
from perpbook.report.guard_told import ProposalTold
from perpbook.runs.guard_inbox import Inbox
from perpbook.runs.guard_people import desk_of, proposals_of, status_of
from perpbook.runs.guard_places import GuardPlaces
from tests.web.inboxes import (
    HOSTILE,
    Client,
    Served,
    a_guard,
    a_proposal,
    alert,
    append,
    fill,
    places_in,
    proposed,
    served,
)


@pytest.fixture
def places(tmp_path: Path) -> GuardPlaces:
    return places_in(tmp_path)


@pytest.fixture
def server(places: GuardPlaces) -> Iterator[Served]:
    with served(places) as found:
        yield found


def shown(client: Client) -> Any:
    status, found, _ = client.get("/api/state")
    assert status == 200 and found["schema"] == "guard-web/1"
    return found["data"]["inbox"]


def desk(places: GuardPlaces) -> Desk:
    return desk_of(places)[0]


def test_everything_a_digest_binds_is_told() -> None:
    elsewhere = {"created_ns": "created", "expires_ns": "expires", "before": "risk", "after": "risk"}
    bound = {elsewhere.get(one.name, one.name) for one in fields(Proposal)}
    assert bound <= {one.name for one in fields(ProposalTold)}


def written(step: str, number: int) -> list[tuple[RecordKind, dict[str, object]]]:
    """What a journal gets in one step."""
    one = a_proposal(rule=f"rule.{number}")
    said: dict[str, object] = {"digest": one.digest, "who": "ann", "channel": "cli", "why": "no"}
    steps: dict[str, list[tuple[RecordKind, dict[str, object]]]] = {
        "propose": [proposed(one)],
        "deny": [proposed(one), (RecordKind.DENIED, said)],
        "approve": [proposed(one), (RecordKind.APPROVED, said)],
        "alert": [(RecordKind.ALERT, alert(f"rule.{number}", "warn", "near"))],
        "incident": [(RecordKind.INCIDENT, {"key": str(number), "account": "", "why": "?", "digest": ""})],
        "seen": [(RecordKind.SEEN, {"account": "main", "positions": {"BTC": 1.0}, "digest": ""})],
    }
    return steps[step]


STEPS = st.lists(st.sampled_from(["propose", "deny", "approve", "alert", "incident", "seen"]), max_size=8)


@settings(max_examples=5)
@given(STEPS)
def test_the_inbox_followed_is_the_journal_folded(tmp_path_factory: pytest.TempPathFactory, steps: list[str]) -> None:
    places = places_in(tmp_path_factory.mktemp("follow"))
    fill(places)
    inbox = Inbox(places)
    for number, step in enumerate(steps):
        append(places, *written(step, number))
        found = inbox.look()
        assert not found.problem and found.status == status_of(places)
        every = {one.digest for one in proposals_of(places, every=True)}
        assert {one.digest for one in (*found.proposals, *found.ended)} == every
        assert found.records[0].number == found.status.records


def test_hostile_names_arrive_as_the_data_they_are(server: Served, places: GuardPlaces) -> None:
    one = a_proposal(account=HOSTILE)
    fill(places, one)
    status, text, headers = server.program.ask("GET", "/api/state")
    assert status == 200 and headers["content-type"] == "application/json"
    inbox = text["data"]["inbox"]
    assert inbox["proposals"][0]["legs"][0]["account"] == inbox["incidents"][0]["account"] == HOSTILE
    assert HOSTILE in inbox["status"]["accounts"]


def test_a_proposal_is_told_with_what_it_would_do(server: Served, places: GuardPlaces) -> None:
    one = a_proposal()
    fill(places, one)
    (found,) = shown(server.person())["proposals"]
    assert (found["digest"], found["phase"], found["cost_max"], found["collar"]) == (
        one.digest,
        "proposed",
        60.0,
        0.005,
    )
    assert found["risk"]["effective"] == [8.0, 4.0] and found["broken"] == [["leverage.account.effective"], []]
    assert 0.0 < found["expires_in_s"] <= 600.0 and found["playbook"] == one.playbook
    assert server.program.get(f"/api/proposals/{one.digest}")[1]["data"]["legs"] == found["legs"]


def test_an_approval_reaches_the_guard_and_names_its_channel(server: Served, places: GuardPlaces) -> None:
    one, other = a_proposal(), a_proposal("margin.ratio")
    fill(places, one, other)
    with a_guard(places):
        status, found, _ = server.person().post(f"/api/proposals/{one.digest}/approve")
        assert (status, found["data"]["phase"], found["data"]["channel"]) == (200, "approved", "web")
        assert desk(places).cases[one.digest].channel == "web"
        status, found, _ = server.program.post(f"/api/proposals/{other.digest}/deny")
        assert (status, found["data"]["phase"]) == (200, "denied")
        (under_way,) = shown(server.program)["proposals"]
        assert under_way["digest"] == one.digest


def test_what_the_guard_refuses_is_refused_with_its_reason(server: Served, places: GuardPlaces) -> None:
    ended, unarmed = a_proposal(), a_proposal("margin.ratio")
    fill(places, ended, unarmed)
    append(places, (RecordKind.DENIED, {"digest": ended.digest, "who": "ann", "channel": "cli", "why": "no"}))
    with a_guard(places, arming=True):
        for one, why in ((ended, "it was answered before"), (unarmed, "not armed")):
            status, found, _ = server.program.post(f"/api/proposals/{one.digest}/approve")
            assert status == 409 and why in found["errors"][0]["message"]
    assert {one.phase.value for one in desk(places).cases.values()} == {"denied", "proposed"}


def test_a_proposal_that_expired_is_not_approved(server: Served, places: GuardPlaces) -> None:
    one = a_proposal(seconds=0.001)
    fill(places, one)
    with a_guard(places):
        assert server.program.post(f"/api/proposals/{one.digest}/approve")[0] == 409
    assert desk(places).cases[one.digest].phase.value in ("proposed", "expired")


def test_only_the_whole_digest_of_what_was_shown_is_approved(server: Served, places: GuardPlaces) -> None:
    one, other = a_proposal(), a_proposal(seconds=700.0)
    fill(places, one)
    with a_guard(places):
        for digest in (other.digest, one.digest[:12], one.digest.upper(), one.digest + "0", "..%2F" + one.digest):
            assert server.program.post(f"/api/proposals/{digest}/approve")[0] in (400, 404)
    assert desk(places).cases[one.digest].phase.value == "proposed" and not list(places.folder.rglob("*.word"))


def test_without_a_guard_a_word_is_refused_and_not_kept(server: Served, places: GuardPlaces) -> None:
    one = a_proposal()
    fill(places, one)
    for path, body in ((f"/api/proposals/{one.digest}/approve", {}), ("/api/incidents/acknowledge", {"key": "late.1"})):
        status, found, _ = server.program.post(path, body)
        assert status == 409 and "nobody would hear it" in found["errors"][0]["message"]
    assert not list(places.folder.rglob("*.word"))


def test_an_incident_is_acknowledged_by_its_key(server: Served, places: GuardPlaces) -> None:
    fill(places)
    with a_guard(places):
        assert server.program.post("/api/incidents/acknowledge", {"key": "late.2"})[0] == 400
        assert server.program.post("/api/incidents/acknowledge", {"key": "late.1"})[0] == 200
    assert shown(server.program)["incidents"] == []


def test_halting_needs_neither_a_guard_nor_a_journal(server: Served, places: GuardPlaces) -> None:
    assert server.program.post("/api/halt", {"level": "flatten"})[0] == 400
    assert server.program.post("/api/halt", {"level": "flatten", "confirm": "yes"})[0] == 400
    assert not places.halt.exists()
    assert server.program.post("/api/halt", {"level": "pause", "why": "lunch\nflatten"})[0] == 200
    assert places.halt.read_text().startswith("pause ") and places.halt.read_text().endswith(": lunch flatten\n")
    assert server.program.post("/api/halt", {"level": "flatten", "confirm": "flatten"})[0] == 200
    assert shown(server.program)["status"]["halt_flag"] == "flatten"


def altered(places: GuardPlaces, statement: str) -> None:
    """Change a journal as somebody does who means to: the database itself would refuse it."""
    connection = sqlite3.connect(places.journal)
    for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'trigger'").fetchall():
        connection.execute(f"DROP TRIGGER {name}")
    connection.execute(statement)
    connection.commit()
    connection.close()


@pytest.mark.parametrize(
    "statement",
    ["UPDATE records SET body = '{}' WHERE number = 2", "DELETE FROM records WHERE number = 3"],
)
def test_a_journal_that_does_not_hold_is_not_believed(server: Served, places: GuardPlaces, statement: str) -> None:
    fill(places, a_proposal())
    assert server.program.get("/api/journal/verify")[0] == 200
    altered(places, statement)
    inbox = shown(server.program)
    assert "record" in inbox["problem"] and not inbox["proposals"] and not inbox["records"]
    assert server.program.get("/api/journal/verify")[0] == 503


@pytest.mark.parametrize("change", ["cut", "another"])
def test_a_journal_that_is_not_the_one_read_before_is_not_believed(places: GuardPlaces, change: str) -> None:
    fill(places, a_proposal())
    inbox = Inbox(places)
    assert len(inbox.look().proposals) == 1
    if change == "cut":
        altered(places, "DELETE FROM records WHERE number = 6")
    else:
        altered(places, "DELETE FROM records")
        fill(places, a_proposal("another.rule"))
    for _ in range(2):
        found = inbox.look()
        assert found.problem and not found.proposals


def test_before_the_first_record_the_page_says_so(server: Served) -> None:
    assert "there is no journal" in shown(server.program)["problem"]
    assert server.program.get("/api/journal")[0] == 400


def test_the_journal_is_told_as_the_verb_tells_it(server: Served, places: GuardPlaces) -> None:
    fill(places, a_proposal())
    found = server.program.get("/api/journal?last=2")[1]["data"]
    assert [one["number"] for one in found["records"]] == [5, 6] and found["count"] == 6


def test_events_tell_what_is_new_until_the_session_ends(server: Served, places: GuardPlaces) -> None:
    fill(places)
    person = server.person()
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=20)
    connection.request("GET", "/api/events", headers={"Cookie": person.headers["Cookie"]})
    stream = connection.getresponse()
    assert stream.headers.get_content_type() == "text/event-stream"

    def pushed() -> Any:
        line = stream.readline() or pytest.fail("the stream ended")
        stream.readline()
        return json.loads(line.removeprefix(b"data: "))["data"]["inbox"]

    assert pushed()["proposals"] == []
    append(places, proposed(a_proposal()))
    assert len(pushed()["proposals"]) == 1
    person.post("/api/logout")
    assert stream.read() == b""
    connection.close()


def test_what_is_told_is_plain_json(places: GuardPlaces) -> None:
    fill(places, a_proposal())
    assert json.loads(json.dumps(plain(Inbox(places).look()), allow_nan=False))["proposals"]
