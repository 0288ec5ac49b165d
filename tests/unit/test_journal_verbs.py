"""`perpbook journal` on a journal that was written: what it shows, and what it finds."""

from __future__ import annotations

import json
import sqlite3
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from perpbook.cli.main import app
from perpbook.journal.database import open_journal
from perpbook.model.record import Record, RecordKind

RUNNER = CliRunner()


@pytest.fixture
def written(tmp_path: Path) -> Path:
    place = tmp_path / "journal.db"
    journal = open_journal(place)
    for at, kind in enumerate((RecordKind.RUN, RecordKind.NOTE, RecordKind.KILL), start=1):
        journal.append(Record(kind=kind, at_ns=at * 10**18, body={"who": "me"}))
    journal.close()
    return place


def asked(*words: object) -> Result:
    return RUNNER.invoke(app, ["journal", *map(str, words)])


def test_records_are_shown_with_their_times_and_the_head(written: Path) -> None:
    found = json.loads(asked("show", "--journal", written, "--json").stdout)["data"]
    assert [(one["number"], one["kind"]) for one in found["records"]] == [(1, "run"), (2, "note"), (3, "kill")]
    assert found["records"][0]["at"].startswith("2001-09-09") and found["head"] == found["records"][-1]["digest"]
    few = json.loads(asked("show", "--journal", written, "--kind", "note", "--json").stdout)["data"]["records"]
    assert [one["number"] for one in few] == [2]


def test_a_whole_journal_is_whole_in_its_file_and_exported(written: Path, tmp_path: Path) -> None:
    out = tmp_path / "out.jsonl"
    assert asked("export", out, "--journal", written).exit_code == 0
    for place in (written, out):
        told = asked("verify", place)
        assert told.exit_code == 0 and "Whole." in told.stdout and "3 records" in told.stdout


def test_a_journal_cut_short_lacks_the_digest_that_was_noted(written: Path) -> None:
    head = json.loads(asked("verify", written, "--json").stdout)["data"]["head"]
    assert asked("verify", written, "--head", head[:12]).exit_code == 0
    with sqlite3.connect(written) as raw:
        raw.execute("DROP TRIGGER records_are_kept_DELETE")
        raw.execute("DELETE FROM records WHERE number = 3")
    raw.close()
    assert asked("verify", written).exit_code == 0
    cut = asked("verify", written, "--head", head[:12])
    assert cut.exit_code == 20 and "cut short" in cut.stderr


def test_what_cannot_be_is_refused(written: Path, tmp_path: Path) -> None:
    assert asked("show", "--journal", tmp_path / "none.db").exit_code == 3
    assert asked("show", "--journal", written, "--kind", "trade").exit_code == 3
    assert asked("export", tmp_path / "out.txt", "--journal", written).exit_code == 3
    (tmp_path / "out.jsonl").write_text("mine")
    assert asked("export", tmp_path / "out.jsonl", "--journal", written).exit_code == 3
    assert (tmp_path / "out.jsonl").read_text() == "mine"
