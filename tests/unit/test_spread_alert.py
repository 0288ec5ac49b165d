"""A held contract's spread against the playbook's alert: in a check, and as an alert."""

from __future__ import annotations

from dataclasses import replace

import pytest

from perpbook.alerts.of_check import alerts_of_findings
from perpbook.examples.catalogue import book_file
from perpbook.model.alert import Severity
from perpbook.model.market import Depth
from perpbook.model.verdict import Finding, Status
from perpbook.playbook.load import parse_playbook
from perpbook.playbook.spread_judge import SPREAD, spread_of
from perpbook.runs.check import check_snapshot, load_all_terms
from perpbook.snapshot import load_snapshot


def found_with(depth: Depth | None, limit: float) -> list[Finding]:
    snapshot = load_snapshot(book_file("directional"))
    quotes = {key: replace(one, depth=depth) for key, one in snapshot.market.quotes.items()}
    playbook = parse_playbook(f"schema_version = 1\n[liquidity]\nspread_alert = {limit}\n", "spread.toml")
    seen = replace(snapshot, market=replace(snapshot.market, quotes=quotes))
    result = check_snapshot(seen, playbook, load_all_terms(snapshot))
    assert not result.verdict.plans
    return [one for one in result.verdict.findings if one.rule == SPREAD]


def book(bid: float, ask: float) -> Depth:
    return Depth(bids=((bid, 5.0),), asks=((ask, 5.0),))


@pytest.mark.parametrize(
    ("depth", "status"),
    [
        (book(99.9, 100.1), Status.OK), (book(99.6, 100.4), Status.NEAR), (book(99.0, 101.0), Status.BREACH),
        (None, Status.NEAR), (Depth(bids=((99.0, 1.0),)), Status.NEAR), (book(101.0, 99.0), Status.NEAR),
    ],
)  # fmt: skip
def test_a_spread_is_inside_near_or_beyond_and_without_a_book_never_inside(depth: Depth | None, status: Status) -> None:
    found = found_with(depth, 0.01)
    assert len(found) == 4 and {one.status for one in found} == {status}
    spread = spread_of(depth)
    assert all(one.measured == (spread or 0.0) and one.limit == 0.01 and one.unit == "share" for one in found)
    assert all(("unknown" in one.sentence) == (spread is None) for one in found)


def test_a_wide_spread_warns_and_wakes_nobody() -> None:
    wide = found_with(book(99.0, 101.0), 0.01)
    (first, *_) = alerts_of_findings(wide, 0.8, 0)
    assert (first.kind, first.severity, first.symbol) == ("market.spread", Severity.WARN, "BTC")
