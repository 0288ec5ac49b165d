"""The guard's verbs on a journal that was written: how it stands, what waits, and what is refused while nobody listens."""

from __future__ import annotations

import json
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest
from typer.testing import CliRunner

from perpbook.cli.main import app
from perpbook.engine.clock import now_ns
from perpbook.engine.live_owner import owned
from perpbook.files.plain import plain
from perpbook.journal.database import open_journal
from perpbook.model.action import ActionKind, Leg, Proposal, RiskView
from perpbook.model.alert import Alert, Severity
from perpbook.model.message import KillLevel
from perpbook.model.record import Record, RecordKind
from perpbook.report.guard_text import alert_line
from perpbook.runs.guard_people import became, desk_of, proposals_of
from perpbook.runs.guard_places import GuardPlaces, guard_places

RUNNER = CliRunner()
CALM = RiskView(equity=10_000.0, effective=8.0, margin_ratio=0.4, liquidation_move=-0.1, broken=("leverage.account",))
SAFE = RiskView(equity=9_990.0, effective=4.0, margin_ratio=0.2, liquidation_move=-0.2)


def a_proposal() -> Proposal:
    now = now_ns()
    leg = Leg(account="main", venue="hyperliquid", symbol="ETH", quantity=-2.0, held=5.0, limit_price=2_985.0)
    return Proposal(
        kind=ActionKind.TRIM, rule="leverage.account.effective", reason="too near.", legs=(leg,), created_ns=now,
        expires_ns=now + 600 * 10**9, cost_max=60.0, collar=0.005, before=CALM, after=SAFE, playbook="p", terms="t",
    )  # fmt: skip


@pytest.fixture
def proposal(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Proposal:
    """One proposal that waits, in the journal of a guard that does not run."""
    monkeypatch.setenv("PERPBOOK_HOME", str(tmp_path))
    made = a_proposal()
    journal = open_journal(tmp_path / "journal.db")
    for kind, body in (
        (RecordKind.RUN, {"playbook": "p", "terms": "t", "accounts": {"main": "hyperliquid"}}),
        (RecordKind.SEEN, {"account": "main", "positions": {"ETH": 5.0}, "digest": ""}),
        (RecordKind.PROPOSED, {"digest": made.digest, "proposal": plain(made)}),
    ):
        journal.append(Record(kind=kind, at_ns=now_ns(), body=body))
    journal.close()
    return made


def test_what_waits_is_shown_with_what_it_would_do(proposal: Proposal) -> None:
    told = RUNNER.invoke(app, ["approvals", "list"]).stdout
    assert proposal.short in told and "sell 2 ETH on main (of +5) at 2985 or better" in told
    assert "effective leverage 8.00x -> 4.00x" in told and "minutes left" in told


def test_status_tells_that_nobody_watches_and_what_is_held(proposal: Proposal) -> None:
    done = RUNNER.invoke(app, ["guard", "status", "--json"])
    found = json.loads(done.stdout)["data"]
    assert (found["running"], found["waiting"], found["accounts"]) == (False, 1, {"main": {"ETH": 5.0}})


@pytest.mark.parametrize("words", [["approvals", "approve"], ["approvals", "deny"]])
def test_a_word_that_nobody_hears_is_refused_and_not_kept(proposal: Proposal, words: list[str], tmp_path: Path) -> None:
    done = RUNNER.invoke(app, [*words, proposal.digest[:8]])
    assert done.exit_code == 30 and "nobody would hear it" in done.stderr
    assert not list(tmp_path.rglob("*.word"))


@pytest.mark.parametrize("beginning", ["zzzz", "ab"])
def test_a_digest_that_is_none_is_refused(proposal: Proposal, beginning: str) -> None:
    assert RUNNER.invoke(app, ["approvals", "approve", beginning]).exit_code == 3


def test_halting_needs_no_guard_and_keeps_one_from_beginning(proposal: Proposal, tmp_path: Path) -> None:
    assert RUNNER.invoke(app, ["halt", "cancel", "--why", "lunch"]).exit_code == 0
    assert (tmp_path / "guards" / "guard" / "halt").read_text().startswith("cancel ")
    book = Path("src/perpbook/examples/directional/book.toml").resolve()
    begun = RUNNER.invoke(app, ["guard", "run", str(book), "--for", "1s"])
    assert begun.exit_code == 30 and "halt flag is up" in begun.stderr
    assert RUNNER.invoke(app, ["halt", "--resume"]).exit_code == 0
    assert not (tmp_path / "guards" / "guard" / "halt").exists()


@pytest.mark.parametrize("text", ["soon", "8", "-3h", "8d"])
def test_a_length_that_is_none_is_refused(proposal: Proposal, text: str) -> None:
    assert RUNNER.invoke(app, ["guard", "arm", f"--for={text}"]).exit_code == 3


def test_a_guard_that_begins_sees_the_book_and_proposes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PERPBOOK_HOME", str(tmp_path))
    folder = Path("src/perpbook/examples/directional")
    words = ["guard", "run", str(folder / "book.toml"), str(folder / "conservative.toml"), "--for", "3s", "--json"]
    done = RUNNER.invoke(app, words)
    assert done.exit_code == 0, done.stderr
    found = json.loads(RUNNER.invoke(app, ["approvals", "list", "--json"]).stdout)["data"]
    assert {one["phase"] for one in found} == {"proposed"} and any(one["legs"] for one in found)
    kept = json.loads((tmp_path / "guards" / "guard" / "paper-hyperliquid.json").read_text())
    assert kept["accounts"][0]["id"] == "hl-main"


BOOK = """
schema = "book/1"
as_of = "2026-11-20T12:00:00Z"
simulated = true

[[accounts]]
id = "main"
venue = "hyperliquid"
layer = "hyperliquid-l1"
collateral = { USDC = 1000.0 }

[[accounts.positions]]
symbol = "ETH"
quantity = 0.5
entry_price = 3000.0

[[markets]]
venue = "hyperliquid"
symbol = "ETH"
mark_price = 3000.0
"""


def test_flatten_closes_a_book_where_no_guard_runs_and_the_flag_stays(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PERPBOOK_HOME", str(tmp_path))
    book = tmp_path / "book.toml"
    book.write_text(BOOK)
    done = RUNNER.invoke(app, ["halt", "flatten", str(book), "--for", "90s", "--json"])
    found = json.loads(done.stdout)["data"]
    assert (done.exit_code, found["flat"], found["left"], found["running"]) == (0, True, {}, False)
    assert (tmp_path / "guards" / "guard" / "halt").read_text().startswith("flatten ")
    journal = open_journal(tmp_path / "journal.db")
    records = [record for _, record in journal.read()]
    journal.close()
    sent = [one.body["request"] for one in records if one.kind is RecordKind.INTENDED]
    assert all(one["reduce_only"] and one["quantity"] < 0.0 for one in sent) and sent  # type: ignore[index]
    again = RUNNER.invoke(app, ["guard", "run", str(book), "--for", "1s"])
    assert again.exit_code == 30 and "halt flag is up" in again.stderr


def test_flatten_that_is_not_done_in_time_tells_what_is_left(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PERPBOOK_HOME", str(tmp_path))
    book = tmp_path / "book.toml"
    book.write_text(BOOK)
    done = RUNNER.invoke(app, ["halt", "flatten", str(book), "--for", "0.01s"])
    assert done.exit_code == 10 and "Not flat" in done.stdout


@pytest.mark.parametrize("level", ["pause", "cancel"])
def test_only_flatten_takes_a_book(level: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PERPBOOK_HOME", str(tmp_path))
    done = RUNNER.invoke(app, ["halt", level, "book.toml"])
    assert done.exit_code == 3 and "halt flatten" in done.stderr
    assert not (tmp_path / "guards").exists()


def test_a_book_that_cannot_be_read_leaves_the_flag_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PERPBOOK_HOME", str(tmp_path))
    done = RUNNER.invoke(app, ["halt", "flatten", str(tmp_path / "none.toml")])
    assert done.exit_code != 0 and (tmp_path / "guards" / "guard" / "halt").exists()


def more(proposal: Proposal, kind: RecordKind, **body: object) -> GuardPlaces:
    """The journal goes on."""
    places = guard_places()
    with closing(open_journal(places.journal)) as journal:
        journal.append(Record(kind=kind, at_ns=now_ns(), body={"digest": proposal.digest, **body}))
    return places


def test_an_approved_proposal_is_followed_until_it_ends(proposal: Proposal) -> None:
    places = more(proposal, RecordKind.APPROVED, who="ann", channel="cli")
    (approved,) = proposals_of(places, every=True)
    assert approved.phase == "approved"
    more(proposal, RecordKind.ABORTED, why="ETH left its collar")
    ended = became(places, approved)
    assert (ended.phase, ended.why) == ("aborted", "ETH left its collar")
    assert "aborted: ETH left its collar" in RUNNER.invoke(app, ["approvals", "list", "--all"]).stdout


def test_a_switch_that_is_let_go_of_is_not_found_up_by_the_next_guard(proposal: Proposal) -> None:
    places = more(proposal, RecordKind.KILL, level=3, who="halt flag", reason="ann: storm")
    assert RUNNER.invoke(app, ["halt", "--resume", "--why", "calm again"]).exit_code == 0
    desk, _ = desk_of(places)
    assert desk.kill is KillLevel.NONE


def test_a_flag_that_was_raised_before_any_guard_ran_is_taken_down(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PERPBOOK_HOME", str(tmp_path))
    assert RUNNER.invoke(app, ["halt"]).exit_code == 0
    assert RUNNER.invoke(app, ["halt", "--resume"]).exit_code == 0
    assert not (tmp_path / "guards" / "guard" / "halt").exists()


def test_a_guard_that_hangs_is_not_said_to_have_stopped(proposal: Proposal, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("perpbook.runs.guard_people.WAIT_S", 0.2)
    places = guard_places()
    with owned(places.locks, ("main",)):
        assert RUNNER.invoke(app, ["halt"]).exit_code == 30
        more(proposal, RecordKind.KILL, level=1, who="halt flag", reason="root: halted by hand")
        assert RUNNER.invoke(app, ["halt"]).exit_code == 0
        assert RUNNER.invoke(app, ["halt", "cancel"]).exit_code == 30


def test_what_is_over_is_said_once_and_not_loudly() -> None:
    over = Alert(kind="a.b", severity=Severity.PAGE, at_ns=0, sentence="over", account="main", resolved=True)
    assert alert_line(over) == "1970-01-01T00:00:00Z    over: a.b (main)"
    assert alert_line(replace(over, resolved=False, sentence="it is.")).endswith("!! a.b (main): it is.")
