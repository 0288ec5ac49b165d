"""`perpbook web`: it says where it is and how to come in; and an approval through it moves a paper guard that runs."""

from __future__ import annotations

import contextlib
import json
import os
import re
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from perpbook.cli.main import app
from perpbook.examples.catalogue import book_file, playbook_file
from perpbook.model.record import RecordKind
from perpbook.runs.guard_places import GuardPlaces
from perpbook.runs.journal import reading
from tests.web.inboxes import Client, places_in, served

RUNNER = CliRunner()


def test_the_verb_tells_where_it_is_and_ends(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PERPBOOK_HOME", str(tmp_path))
    done = RUNNER.invoke(app, ["web", "--for", "0.1s", "--allow-actions", "--json"])
    found = json.loads(done.stdout)
    assert found["schema"] == "web/1" and found["data"]["allow_actions"] is True
    assert re.fullmatch(r"http://127\.0\.0\.1:\d+/#login=[\w-]{43}", found["data"]["login"])
    assert Path(found["data"]["token_file"]).parent == tmp_path / "guards" / "guard"
    assert not Path(found["data"]["token_file"]).exists()


def test_for_people_it_says_that_it_only_shows(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PERPBOOK_HOME", str(tmp_path))
    assert "it only shows (--allow-actions)" in RUNNER.invoke(app, ["web", "--for", "0.1s"]).stdout


@pytest.mark.parametrize("words", [["--port", "PORT"], ["--for", "soon"]])
def test_what_cannot_be_is_one_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, words: list[str]) -> None:
    monkeypatch.setenv("PERPBOOK_HOME", str(tmp_path))
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = str(taken.getsockname()[1])
        done = RUNNER.invoke(app, ["web", *(port if word == "PORT" else word for word in words)])
    assert done.exit_code == 3 and done.stderr.startswith("error: ") and "http" not in done.stdout


def start(places: GuardPlaces) -> subprocess.Popen[str]:
    """A paper guard of the directional example, in a process of its own."""
    command = [
        sys.executable, "-m", "perpbook", "guard", "run", str(book_file("directional")),
        str(playbook_file("directional", "conservative")), "--journal", places.journal, "--for", "60s",
    ]  # fmt: skip
    environment = os.environ | {"PERPBOOK_GUARD": str(places.folder.parent)}
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, env=environment)


def until(client: Client, found: Any, guard: subprocess.Popen[str]) -> Any:
    """What `found` finds in the inbox, as soon as it does."""
    for _ in range(150):
        seen = found(client.get("/api/state")[1]["data"]["inbox"])
        if seen:
            return seen
        assert guard.poll() is None, guard.communicate()[0]
        threading.Event().wait(0.2)
    raise AssertionError("it did not come")


@contextlib.contextmanager
def a_paper_guard(places: GuardPlaces) -> Iterator[subprocess.Popen[str]]:
    guard = start(places)
    try:
        yield guard
    finally:
        guard.send_signal(signal.SIGINT)
        guard.communicate(timeout=20)


@pytest.mark.slow
def test_an_approval_through_the_page_trims_a_book_that_is_guarded(tmp_path: Path) -> None:
    places = places_in(tmp_path)
    with a_paper_guard(places) as guard, served(places) as server:
        person = server.person()
        digest = until(
            person, lambda inbox: next((one["digest"] for one in inbox["proposals"] if one["legs"]), ""), guard
        )
        status, found, _ = person.post(f"/api/proposals/{digest}/approve")
        assert status == 200, found
        ended = until(person, lambda inbox: [one for one in inbox["ended"] if one["digest"] == digest], guard)
        assert ended[0]["phase"] == "closed" and ended[0]["channel"] == "web"
        assert person.post("/api/halt", {"level": "pause"})[0] == 200
        until(person, lambda inbox: inbox["status"]["kill"] == "pause", guard)
    with reading(places.journal) as journal:
        sent = [one.body for _, one in journal.read() if one.kind is RecordKind.INTENDED]
    assert sent and all(one["digest"] == digest for one in sent)
