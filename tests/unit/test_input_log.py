"""The log of inputs: what goes in comes back exactly, in pages; what was altered is found; nobody waits for it."""

from __future__ import annotations

import gzip
import json
import math
import threading
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from perpbook.errors import BrokenJournal, InputError
from perpbook.guard.funded import AccountFunding, Paid, Rated
from perpbook.guard.inputs import Began, Took
from perpbook.guard.inputs_text import line_of, text_of
from perpbook.guard.turn import Known
from perpbook.journal.inputs import InputLog, lines_of, pages_in
from perpbook.model.message import BookSeen, ExitWord, Kill, KillLevel, MarkSeen, Wake
from tests.laws.guarded import Exchange

AT = 1_795_000_000 * 10**9
BOOK = Exchange().book("BTC", AT)
RATED = Rated(
    at_ns=AT, rate=1e-5, interval_ns=3_600 * 10**9, expected=0.1, whole_ns=1, since_ns=0, asked_ns=AT
)  # fmt: skip
BEGAN = Began(now_ns=AT, records=0, run={"live": False, "book": {"text": "é\n"}})


def took(number: int) -> Took:
    return Took(message=Wake(received_ns=AT + number), now_ns=AT + number, records=number, prices=(BOOK,))


def logged(folder: Path, lines: int, pages: int = 1, **bounds: int) -> None:
    log = InputLog(folder, {}, **bounds)
    for page in range(pages):
        assert log.keep(replace(BEGAN, records=page, known=Known() if page else None))
        assert all([log.keep(took(number)) for number in range(lines)])
    log.close()


def test_what_goes_in_comes_back_in_order(tmp_path: Path) -> None:
    logged(tmp_path, 3, pages=2)
    logged(tmp_path, 1)
    pages = pages_in(tmp_path)
    assert [page.number for page in pages] == [1, 2, 3] and pages[0].began == BEGAN
    assert [type(line) for line in lines_of(pages)] == [Began, Took, Took, Took, Began, Took, Took, Took, Began, Took]
    assert list(lines_of(pages))[1:4] == [took(number) for number in range(3)]


numbers = st.floats() | st.integers() | st.text() | st.none()


@given(price=numbers, at=st.integers(), level=st.sampled_from(KillLevel))
def test_nonsense_comes_back_as_the_nonsense_it_was(price: Any, at: int, level: KillLevel) -> None:
    mark = MarkSeen(venue="hyperliquid", symbol="BTC", at_ns=at, received_ns=at, mark_price=price)
    kill = Kill(level=level, who="é", reason="", received_ns=at)
    for message in (mark, kill, ExitWord(plan="exit", body={"plan": [1, 2.5]}, who="a", received_ns=at)):
        back = line_of(text_of(Took(message=message, now_ns=at, records=1)))
        assert isinstance(back, Took)
        assert repr(back.message) == repr(message) or isinstance(message, ExitWord)
        assert math.isnan(price) if isinstance(price, float) and price != price else back.now_ns == at


def test_everything_that_is_known_comes_back() -> None:
    seen = Exchange(positions={"BTC": 5.0}).account(AT)
    known = Known(
        accounts={"main": seen}, books={("hyperliquid", "BTC"): BOOK}, stale={("dydx", "feed")}, unreconciled={"main"},
        asked={("AskBook", "hyperliquid", "BTC"): AT}, started_ns=AT, decide=True,
        funding={"main": AccountFunding(since_ns=0, at_ns=AT, of={"BTC": Paid(at_ns=AT, paid=2.0)})},
        rates={("hyperliquid", "BTC"): RATED},
    )  # fmt: skip
    assert line_of(text_of(replace(BEGAN, known=known))) == replace(BEGAN, known=known)


def test_a_page_from_before_funding_was_known_is_read() -> None:
    whole = json.loads(text_of(replace(BEGAN, known=Known(started_ns=AT))))
    (number,) = [k for k, one in enumerate(whole["Began"]) if isinstance(one, dict) and "Known" in one]
    fields = whole["Began"][number]["Known"]
    whole["Began"][number]["Known"] = fields[:-2]
    assert line_of(json.dumps(whole)) == replace(BEGAN, known=Known(started_ns=AT))
    whole["Began"][number]["Known"] = [*fields, 1]
    with pytest.raises(BrokenJournal):
        line_of(json.dumps(whole))


def test_the_oldest_pages_go_where_there_is_no_room(tmp_path: Path) -> None:
    logged(tmp_path, 50, pages=6, kept=3_000)
    pages = pages_in(tmp_path)
    assert pages[0].number > 1 and pages[-1].number == 6
    assert sum(path.stat().st_size for path in tmp_path.iterdir()) <= 3_000 + pages[-1].path.stat().st_size
    assert len(list(lines_of(pages))) == 51 * len(pages)


class SlowDisk(dict[str, object]):
    """What a guard was begun with, which nobody can read until it `goes`."""

    def __init__(self) -> None:
        super().__init__()
        self.reached, self.goes = threading.Event(), threading.Event()

    def items(self) -> Any:
        self.reached.set()
        self.goes.wait()
        return super().items()


def test_a_full_queue_refuses_and_never_waits(tmp_path: Path) -> None:
    log, disk = InputLog(tmp_path, {}, room=3), SlowDisk()
    taken = [log.keep(replace(BEGAN, run=disk))]
    disk.reached.wait()
    taken += [log.keep(took(number)) for number in range(5)]
    disk.goes.set()
    log.close()
    assert taken == [True, True, True, True, False, False]
    assert len(list(lines_of(pages_in(tmp_path)))) == 4


def test_a_page_wants_to_end_once_it_is_long(tmp_path: Path) -> None:
    log = InputLog(tmp_path, {}, page=500)
    assert not log.fresh_page()
    log.keep(BEGAN)
    for number in range(20):
        log.keep(took(number))
    log.close()
    assert log.fresh_page()


def text_in(folder: Path, page: int) -> tuple[Path, list[str]]:
    path = folder / f"{page:06d}.jsonl.gz"
    return path, gzip.decompress(path.read_bytes()).decode().splitlines(keepends=True)


CHANGES: dict[str, Callable[[list[str]], list[str]]] = {
    "altered": lambda rows: [*rows[:3], rows[3].replace("Wake", "Kill"), *rows[4:]],
    "taken out": lambda rows: [*rows[:3], *rows[4:]],
    "put in": lambda rows: [*rows[:3], rows[2], *rows[3:]],
    "swapped": lambda rows: [*rows[:3], rows[4], rows[3], *rows[5:]],
}


@pytest.mark.parametrize("how", CHANGES)
def test_what_was_changed_is_found(tmp_path: Path, how: str) -> None:
    logged(tmp_path, 5)
    path, rows = text_in(tmp_path, 1)
    path.write_bytes(gzip.compress("".join(CHANGES[how](rows)).encode()))
    with pytest.raises(BrokenJournal, match="page 1 of the log of inputs was altered at line 4"):
        list(lines_of(pages_in(tmp_path)))


def test_a_page_between_two_others_is_missed_and_one_cut_short_too(tmp_path: Path) -> None:
    logged(tmp_path, 2, pages=3)
    path, rows = text_in(tmp_path, 2)
    path.write_bytes(gzip.compress("".join(rows[:-1]).encode()))
    with pytest.raises(BrokenJournal, match=r"page 3 .* does not follow page 2"):
        list(lines_of(pages_in(tmp_path)))
    path.unlink()
    with pytest.raises(BrokenJournal, match="page 2 of the log of inputs is missing"):
        pages_in(tmp_path)


def test_a_guard_that_died_leaves_whole_lines_and_the_next_goes_on_from_them(tmp_path: Path) -> None:
    logged(tmp_path, 4)
    path, rows = text_in(tmp_path, 1)
    path.unlink()
    (tmp_path / "000001.jsonl").write_text("".join([*rows[:-1], rows[-1][:30]]), encoding="utf-8")
    assert len(list(lines_of(pages_in(tmp_path)))) == 4
    logged(tmp_path, 1)
    assert [type(line) for line in lines_of(pages_in(tmp_path))] == [Began, Took, Took, Took, Began, Took]


def test_a_page_that_cannot_be_read_keeps_no_guard_from_beginning(tmp_path: Path) -> None:
    logged(tmp_path, 2)
    (tmp_path / "000001.jsonl.gz").write_bytes(b"garbage")
    logged(tmp_path, 3)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["000001.jsonl.gz", "000002.jsonl.gz"]
    with pytest.raises(BrokenJournal, match=r"000001.jsonl.gz .* cannot be read|is no page"):
        pages_in(tmp_path)
    (tmp_path / "000001.jsonl.gz").unlink()
    assert len(list(lines_of(pages_in(tmp_path)))) == 4


@pytest.mark.parametrize("text", ["", "not a page", '{"schema": "inputs/1"}\n'])
def test_what_is_no_page_is_refused(tmp_path: Path, text: str) -> None:
    with pytest.raises(InputError, match="no inputs are kept"):
        pages_in(tmp_path)
    (tmp_path / "000001.jsonl").write_text(text)
    with pytest.raises(BrokenJournal, match="is no page of a log of inputs"):
        pages_in(tmp_path)


def test_a_folder_that_cannot_be_written_stops_the_log_and_not_the_guard(tmp_path: Path) -> None:
    (tmp_path / "inputs").write_text("no folder")
    log = InputLog(tmp_path / "inputs", {})
    log.keep(BEGAN)
    log.close()
    assert "cannot be written" in log.why and not log.keep(took(1))
    assert isinstance(BOOK, BookSeen)
