"""`perpbook journal replay` on the journal of a guard that was told of a falling market."""

from __future__ import annotations

import gzip
import hashlib
import json
import shutil
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from perpbook.cli.main import app
from perpbook.guard.desk import Desk
from perpbook.guard.guard import Guard
from perpbook.guard.inputs import Recorder
from perpbook.guard.watch import Watch
from perpbook.journal.database import open_journal
from perpbook.journal.inputs import InputLog
from perpbook.model.effect import Effect, Write
from perpbook.model.market import Snapshot
from perpbook.model.message import AccountSeen, BookSeen, MarkSeen, Message, Wake
from perpbook.model.units import SECOND_NS
from perpbook.runs.check import load_all_terms, read_inputs
from perpbook.runs.guard_begun import begun_of
from perpbook.runs.guard_decide import Judge
from perpbook.runs.guard_settings import settings_of

RUNNER = CliRunner()
EXAMPLE = Path("src/perpbook/examples/directional")
PLAYBOOK = """
schema_version = 1
[leverage.book]
gross = 7.0
[guardrails]
daily_drawdown = 0.02
drawdown_action = "flatten"
"""
AT = 1_795_000_000 * SECOND_NS


def told(snapshot: Snapshot) -> Iterator[Message]:
    """Some seconds in which every price falls by three hundredths, seen every five seconds."""
    for step in range(4):
        at, share = AT + 5 * step * SECOND_NS, 1.0 - 0.01 * step
        for account in snapshot.book.accounts:
            yield AccountSeen(account=account, at_ns=at, received_ns=at)
        for (venue, symbol), one in snapshot.market.quotes.items():
            prices = [None if price is None else price * share for price in (one.mark_price, one.oracle_price)]
            yield MarkSeen(
                venue=venue, symbol=symbol, at_ns=at, received_ns=at, mark_price=prices[0], oracle_price=prices[1]
            )
            if one.depth is not None:
                levels = [
                    tuple((price * share, size) for price, size in side) for side in (one.depth.bids, one.depth.asks)
                ]
                depth = replace(one.depth, bids=levels[0], asks=levels[1])
                yield BookSeen(venue=venue, symbol=symbol, depth=depth, at_ns=at, received_ns=at)
        yield Wake(received_ns=at + SECOND_NS)


def guarded(home: Path) -> None:
    """Guard the example through it, into a journal and a log of inputs."""
    book, rules = home / "book.toml", home / "playbook.toml"
    shutil.copy(EXAMPLE / book.name, book)
    rules.write_text(PLAYBOOK, encoding="utf-8")
    snapshot, playbook = read_inputs(book, rules, market=None, now_ns=None)
    terms = load_all_terms(snapshot)
    settings = settings_of(snapshot, playbook, terms, live=False)
    judge = Judge(base=snapshot, playbook=playbook, terms=terms, watch=Watch())
    place = home / "journal.db"
    with (
        closing(open_journal(place)) as journal,
        closing(InputLog(Path(f"{place}.inputs"), begun_of(book, rules, settings), page=8_000)) as log,
    ):
        core = Recorder(Guard(Desk(), settings, judge, judge.watch), log.keep, log.run, log.fresh_page)

        def keep(effects: list[Effect]) -> None:
            for effect in effects:
                if isinstance(effect, Write):
                    journal.append(effect.record)

        keep(core.start(AT))
        for message in told(snapshot):
            keep(core.receive(message))


@pytest.fixture(scope="module")
def kept(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("kept")
    guarded(folder)
    return folder


@pytest.fixture
def home(kept: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy that may be spoilt."""
    monkeypatch.setenv("PERPBOOK_HOME", str(tmp_path))
    shutil.copytree(kept, tmp_path, dirs_exist_ok=True)
    return tmp_path


def replayed(home: Path, *words: str, code: int = 0) -> dict[str, Any]:
    done = RUNNER.invoke(app, ["journal", "replay", str(home / "journal.db"), *words, "--json"])
    assert done.exit_code == code, done.output
    document = json.loads(done.stdout)
    return document["data"] or {"error": document["errors"][0]["message"]}


def records_of(home: Path) -> list[Any]:
    with closing(open_journal(home / "journal.db")) as journal:
        return [record for _, record in journal.read()]


def proposals_of(home: Path) -> list[tuple[int, Any]]:
    return [(number, one) for number, one in enumerate(records_of(home), start=1) if one.kind.value == "proposed"]


def test_a_replay_makes_the_same_records(home: Path) -> None:
    found = replayed(home)
    assert found["is_same"] and found["same"] == len(records_of(home)) and not found["gaps"]
    assert found["pages"] > 1 and found["looks"] >= 4 and proposals_of(home)
    said = RUNNER.invoke(app, ["journal", "replay", str(home / "journal.db")]).stdout
    assert "The same decisions." in said


def test_a_proposal_names_its_look_and_comes_of_it_again(home: Path) -> None:
    number, record = proposals_of(home)[-1]
    found = replayed(home, "--proposal", record.body["digest"][:10])["look"]
    assert found["number"] == number and found["same"] and found["look"] == found["again"] == record.body["look"]
    assert found["proposal"] == record.body["proposal"] and found["alerts"] and found["equity"] > 0.0
    said = RUNNER.invoke(app, ["journal", "replay", str(home / "journal.db"), "--proposal", record.body["digest"][:10]])
    assert "The same proposal." in said.stdout and record.body["look"][:12] in said.stdout


@pytest.mark.parametrize(("beginning", "why"), [("abc", "four letters"), ("zzzzzz", "0 proposals begin")])
def test_a_proposal_that_is_none_is_refused(home: Path, beginning: str, why: str) -> None:
    assert why in replayed(home, "--proposal", beginning, code=3)["error"]


def test_a_replay_ends_where_it_is_told_to(home: Path) -> None:
    first, _ = proposals_of(home)[0]
    whole, short = replayed(home)["messages"], replayed(home, "--until", str(first))
    assert short["is_same"] and first <= short["same"] < len(records_of(home)) and short["messages"] < whole
    assert replayed(home, "--until", "2026-11-18T11:07:00Z")["messages"] <= whole
    assert "--until" in replayed(home, "--until", "noon", code=3)["error"]


def pages_in(home: Path) -> list[Path]:
    return sorted((home / "journal.db.inputs").glob("*.gz"))


def rewrite(home: Path, change: Callable[[str], str]) -> None:
    """Change what the guard was told, and put the chain in order again, as somebody would who can write there."""
    digest = ""
    for path in pages_in(home):
        rows = [row.partition(" ")[2] for row in gzip.decompress(path.read_bytes()).decode().splitlines()]
        head = json.loads(rows[0])
        digest = digest or head["previous"]
        texts = [json.dumps({**head, "previous": digest}), *map(change, rows[1:])]
        out = []
        for text in texts:
            digest = hashlib.sha256(f"{digest}{text}".encode()).hexdigest()
            out.append(f"{digest} {text}\n")
        path.write_bytes(gzip.compress("".join(out).encode()))


def test_other_inputs_make_other_records_and_the_first_is_shown(home: Path) -> None:
    rewrite(home, lambda text: text.replace('{"Balance":["USDC",60000.0]}', '{"Balance":["USDC",40000.0]}'))
    found = replayed(home, code=20)
    assert not found["is_same"] and found["number"] > 1 and found["kept"] and found["made"] != found["kept"]
    said = RUNNER.invoke(app, ["journal", "replay", str(home / "journal.db")])
    assert f"DIFFERENT at record {found['number']}" in said.stdout and "  journal  " in said.stdout


def test_a_line_that_was_altered_breaks_the_chain(home: Path) -> None:
    path = pages_in(home)[0]
    path.write_bytes(gzip.compress(gzip.decompress(path.read_bytes()).replace(b"MarkSeen", b"BookSeen", 1)))
    assert "page 1 of the log of inputs was altered" in replayed(home, code=20)["error"]


def test_pages_that_were_rotated_away_are_told(home: Path) -> None:
    pages_in(home)[0].unlink()
    found = replayed(home)
    (gap,) = found["gaps"]
    assert gap["first"] == 1 and "rotated away" in gap["why"]
    assert found["same"] + gap["last"] == len(records_of(home))
    number, record = proposals_of(home)[0]
    if number <= gap["last"]:
        assert "rotated away" in replayed(home, "--proposal", record.body["digest"], code=3)["error"]


def test_without_inputs_nothing_is_claimed(home: Path) -> None:
    shutil.rmtree(home / "journal.db.inputs")
    assert "no inputs are kept" in replayed(home, code=3)["error"]


def test_another_playbook_says_what_it_would_have_wanted(home: Path) -> None:
    other = home / "other.toml"
    other.write_text("schema_version = 1\n[leverage]\nbook = { gross = 0.1 }\n", encoding="utf-8")
    found = replayed(home, "--playbook", str(other))
    assert found["is_same"] and {one["rule"] for one in found["instead"]} == {"leverage.book.gross"}
    assert found["as_run"] and {one["rule"] for one in found["as_run"]} != {"leverage.book.gross"}
    said = RUNNER.invoke(app, ["journal", "replay", str(home / "journal.db"), "--playbook", str(other)]).stdout
    assert "would have wanted:" in said and "as if the other had not traded" in " ".join(said.split())


def test_a_guard_that_cannot_be_made_again_is_refused(home: Path) -> None:
    rewrite(home, lambda text: text.replace("gross = 7.0", "gross = 6.0"))
    assert "make other settings now" in replayed(home, code=3)["error"]
