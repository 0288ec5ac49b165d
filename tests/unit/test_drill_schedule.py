"""Drills on schedule: what is due, what a check says of it, what changed since, and that the shelf forgets nothing."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest
from typer.testing import CliRunner

from perpbook.cli.main import app
from perpbook.engine.kupiec import kupiec_p
from perpbook.model.drill_record import BookThen, DrillRecord, FuturesSide, HeldThen, StormFound, StormSide
from perpbook.model.units import DAY_NS, from_iso
from perpbook.model.verdict import Status
from perpbook.playbook.drill_judge import judge_drill
from perpbook.playbook.schedule import next_due
from perpbook.playbook.schema import Drills
from perpbook.report.drill_history import fan_test, storm_changes
from perpbook.runs.drill_shelf import is_same_book, moved_since

DESK = Path(__file__).parents[2] / "src/perpbook/examples/desk"
RULES = """
schema_version = 1
name = "drilled"
[drill]
storms = ["gap-down"]
paths = 100
horizon = "1h"
max_storms = {most}
"""

SIDE = FuturesSide(
    paths=1000, dies=10, low=0.005, high=0.018, shortfall=0.08, median=0.0, worst=0.3, first="main",
    fan=((0.9, 0.8), (0.95, 0.9), (1.0, 1.0)),
)  # fmt: skip
BOOK = BookThen(
    path="/books/book.toml", accounts=("main", "side"), equity=100.0, as_of_ns=0, simulated=False,
    positions=(HeldThen(account="main", symbol="BTC", quantity=2.0, notional=200.0),),
)  # fmt: skip
RECORD = DrillRecord(
    taken_ns=from_iso("2026-11-23T00:10:00Z"), folder="", result="abc", version="0", book=BOOK, playbook="p", horizon="7d",
    kind="bootstrap", seed=1, step_ns=DAY_NS, history_simulated=False, levels=(0.01, 0.05, 0.5), alone_side=SIDE,
    playbook_side=None,
    storms=(StormFound(storm="gap-down", playbook=None, alone=StormSide(dies=("main",), loss=0.4)),),
)  # fmt: skip


def said(*words: str) -> tuple[int, str]:
    done = CliRunner().invoke(app, list(words), catch_exceptions=False)
    return done.exit_code, " ".join(done.output.split())


@pytest.fixture
def book(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("PERPBOOK_DRILLS", str(tmp_path / "shelf"))
    path = tmp_path / "book.toml"
    path.write_text((DESK / "book.toml").read_text(encoding="utf-8"), encoding="utf-8")
    (tmp_path / "playbook.toml").write_text(RULES.format(most=9), encoding="utf-8")
    return path


def test_a_book_that_was_never_drilled_is_a_breach_everywhere(book: Path) -> None:
    code, text = said("check", str(book), "--html", str(book.with_suffix(".html")))
    assert code == 10 and "never drilled" in text and "none was ever gone through" in text
    assert "never drilled" in book.with_suffix(".html").read_text(encoding="utf-8")
    code, text = said("check", str(book), "--json")
    verdict = json.loads(text)["data"]["verdict"]
    assert (code, verdict["status"], verdict["drill"]["last_ns"]) == (10, "breach", None)


def test_a_drill_is_done_once_kept_compared_and_found_by_check(book: Path) -> None:
    code, text = said("drill", "schedule", str(book), "--made-up")
    assert code == 0 and "of 100 futures" in text and "Kept in" in text
    assert "10 ETH on ethereum are left out of equity" in text
    code, text = said("drill", "schedule", str(book), "--made-up")
    assert code == 0 and "Nothing is due" in text
    assert said("check", str(book))[0] == 0
    before = sorted((book.parent / "shelf").iterdir())
    moved = book.read_text(encoding="utf-8").replace("quantity = 500.0", "quantity = 560.0")
    book.write_text(moved, encoding="utf-8")
    (book.parent / "playbook.toml").write_text(RULES.format(most=0), encoding="utf-8")
    code, text = said("drill", "schedule", str(book), "--made-up", "--now")
    assert code == 10 and "1 of 1 storms kill an account" in text and "in the drill before" in text
    after = sorted((book.parent / "shelf").iterdir())
    assert set(before) < set(after) and len(after) == 2
    code, text = said("drill", "report", str(book), "--history")
    assert code == 0 and text.count("BREACH") == 2 and "SIMULATED" in text
    code, text = said("drill", "report", str(before[0]), "--html", str(book.with_suffix(".html")))
    assert (
        code == 0 and "futures of" in text and "worst futures" in book.with_suffix(".html").read_text(encoding="utf-8")
    )


def test_a_storm_nobody_knows_is_a_problem_of_the_playbook(book: Path) -> None:
    rules = book.parent / "playbook.toml"
    rules.write_text(RULES.format(most=0).replace("gap-down", "tea-time"), encoding="utf-8")
    for words in (["playbook", "validate", str(rules)], ["check", str(book)]):
        code, text = said(*words)
        assert code == 3 and "drill.storms[0]" in text and "tea-time" in text


def test_status_and_crontab_run_nothing(book: Path) -> None:
    code, text = said("drill", "schedule", str(book), "--status")
    assert code == 10 and "never drilled" in text
    code, text = said("drill", "schedule", str(book), "--crontab", "--made-up")
    assert code == 0 and text.startswith("CRON_TZ=UTC 0 0 * * 1 ") and str(book) in text and text.endswith("--made-up")
    assert not (book.parent / "shelf").exists()


@pytest.mark.parametrize(
    ("rules", "told"),
    [
        ("schema_version = 1", "asks for no drill"),
        ('schema_version = 1\n[drill]\nstorms = ["tea-time"]', "drill.storms[0]"),
        ('schema_version = 1\n[drill]\nhorizon = "7 weeks"', "write hours or days"),
        ("schema_version = 1\n[drill]\npaths = 500\nmax_shortfall = 0.1", "800 or more"),
    ],
)
def test_rules_that_cannot_be_drilled_are_refused(book: Path, rules: str, told: str) -> None:
    (book.parent / "playbook.toml").write_text(rules, encoding="utf-8")
    code, text = said("drill", "schedule", str(book), "--made-up")
    assert code == 3 and told in text


@pytest.mark.parametrize(
    ("at", "status"),
    [
        ("2026-11-29T23:59:00Z", Status.OK),
        ("2026-11-30T00:00:00Z", Status.NEAR),
        ("2026-11-30T00:09:00Z", Status.NEAR),
        ("2026-11-30T00:11:00Z", Status.BREACH),
    ],
)
def test_a_drill_is_near_once_due_and_a_breach_once_older_than_the_cadence(at: str, status: Status) -> None:
    found = judge_drill(Drills(), RECORD, near=0.8, now_ns=from_iso(at))
    assert [one.status for one in found] == [status]


def test_a_cadence_is_read_in_its_zone_over_a_change_of_clocks() -> None:
    due = next_due("weekly", "Europe/Zurich", from_iso("2026-10-24T12:00:00Z"))
    assert (due.at_ns, due.length_ns) == (from_iso("2026-10-25T23:00:00Z"), 7 * DAY_NS + DAY_NS // 24)


@pytest.mark.parametrize(
    ("limits", "statuses"),
    [
        ({"max_chance": 0.02}, [Status.OK]),
        ({"max_chance": 0.015}, [Status.NEAR]),
        ({"max_chance": 0.005}, [Status.BREACH]),
        ({"max_shortfall": 0.2}, [Status.OK]),
        ({"max_shortfall": 0.07}, [Status.BREACH]),
        ({"max_storms": 0}, [Status.BREACH]),
        ({"max_storms": 5}, [Status.OK]),
    ],
)
def test_results_are_held_against_their_limits(limits: dict[str, float], statuses: list[Status]) -> None:
    found = judge_drill(Drills.model_validate(limits), RECORD, near=0.8, now_ns=RECORD.taken_ns)
    assert [one.status for one in found[1:]] == statuses


def test_a_stricter_limit_is_never_easier() -> None:
    order = {Status.OK: 0, Status.NEAR: 1, Status.BREACH: 2}
    limits = [0.1, 0.02, 0.015, 0.0125, 0.01, 0.005, 0.0]
    found = [judge_drill(Drills(max_chance=one), RECORD, near=0.8, now_ns=RECORD.taken_ns)[1] for one in limits]
    assert [order[one.status] for one in found] == sorted(order[one.status] for one in found)


def test_a_book_is_known_by_its_file_or_by_name_and_accounts() -> None:
    assert is_same_book(RECORD, Path("/books/book.toml"), ["other"])
    assert is_same_book(RECORD, Path("/moved/book.toml"), ["side", "main"])
    assert not is_same_book(RECORD, Path("/moved/book.toml"), ["main"])
    assert not is_same_book(RECORD, Path("/books/other.toml"), ["main", "side"])


def test_what_moved_is_what_was_traded_over_what_was_held() -> None:
    def now(*held: HeldThen) -> BookThen:
        return replace(BOOK, positions=held)

    half = HeldThen(account="main", symbol="BTC", quantity=1.0, notional=150.0)
    assert moved_since(BOOK, BOOK) == 0.0
    assert moved_since(BOOK, now(half)) == pytest.approx(0.5)
    assert moved_since(BOOK, now()) == pytest.approx(1.0)
    assert moved_since(BOOK, now(replace(half, quantity=-2.0, notional=300.0))) == pytest.approx(2.0)


def test_a_storm_that_kills_anew_is_said() -> None:
    now = replace(
        RECORD, storms=(StormFound(storm="gap-down", playbook=None, alone=StormSide(dies=("main",), loss=0.5)),)
    )
    (change,) = storm_changes(now, RECORD, "playbook")
    assert change.more == pytest.approx(0.1) and change.before == StormSide(dies=("main",), loss=0.4)


def test_equity_under_the_fan_is_counted_and_kupiec_is_the_textbooks() -> None:
    # 5 failures in 50 trials at 5 %: the ratio of likelihoods is 2.0654, its p-value 0.1507 (chi-squared, one degree).
    after = replace(RECORD, book=replace(BOOK, as_of_ns=2 * DAY_NS, equity=89.0))
    assert fan_test([RECORD, after]).below == 1
    assert fan_test([RECORD, replace(after, book=replace(after.book, equity=91.0))]).below == 0
    assert fan_test([RECORD, replace(after, book=replace(after.book, as_of_ns=9 * DAY_NS))]).trials == 0
    assert kupiec_p(5, 50, 0.05) == pytest.approx(0.1507, abs=2e-4)
    assert kupiec_p(0, 19, 0.05) is None and kupiec_p(5, 100, 0.05) == pytest.approx(1.0)
