"""A drilled crash at a served Hyperliquid and dYdX, ccxt below our adapters: who is guarded lives, who is not is liquidated."""

from __future__ import annotations

import json
from typing import Any

import pytest

from perpbook.model.record import Record, RecordKind
from perpbook.runs.journal import verify
from perpbook.runs.venue_sim import Simulation
from tests.end_to_end.crash import Outcome, a_crash

pytest.importorskip("google.protobuf", reason="ccxt encodes dYdX orders with protobuf: perpbook[live]")
pytestmark = pytest.mark.slow

ACCOUNTS = {"hl-main": "hyperliquid", "dydx-main": "dydx"}


@pytest.fixture(scope="module")
def crash(tmp_path_factory: pytest.TempPathFactory) -> Outcome:
    return a_crash(tmp_path_factory.mktemp("crash"))


def equity(simulation: Simulation, account: str) -> float:
    return simulation.venues[ACCOUNTS[account]].truth.account(account).reported.equity or 0.0


def test_the_account_survives_that_dies_without_the_guard(crash: Outcome) -> None:
    for account, venue in ACCOUNTS.items():
        print(
            f"{account}: {equity(crash.guarded, account):,.2f} with the guard, {equity(crash.bare, account):,.2f} without"
        )
        assert crash.bare.venues[venue].liquidated and equity(crash.bare, account) < 500.0
        assert not crash.guarded.venues[venue].liquidated and equity(crash.guarded, account) > 700.0
        held = crash.guarded.venues[venue].truth.account(account).positions
        assert len(held) == 1 and held[0].quantity > 0.0


def test_every_step_is_in_the_journal_and_in_order(crash: Outcome) -> None:
    closed = [str(one.body["digest"]) for one in crash.of(RecordKind.CLOSED)]
    assert closed
    for digest in closed:
        mine = [one for one in crash.records if one.body.get("digest") == digest or is_answer(one, digest, crash)]
        steps = list(dict.fromkeys(one.kind for one in mine if one.kind is not RecordKind.SEEN))
        assert steps == [
            RecordKind.PROPOSED, RecordKind.APPROVED, RecordKind.INTENDED, RecordKind.ANSWERED, RecordKind.VERIFYING,
            RecordKind.VERIFIED, RecordKind.CLOSED,
        ]  # fmt: skip
        at = {one.kind: one.at_ns for one in reversed(mine)}
        waited = [at[RecordKind.ANSWERED] - at[RecordKind.APPROVED], at[RecordKind.CLOSED] - at[RecordKind.APPROVED]]
        print(f"approval to fill {waited[0] / 1e9:.2f} s, to verified {waited[1] / 1e9:.2f} s")


def test_people_were_told_before_they_were_asked(crash: Outcome) -> None:
    told = next(one.at_ns for one in crash.of(RecordKind.ALERT) if "survival" in kind_of(one))
    proposed = crash.of(RecordKind.PROPOSED)[0].at_ns
    print(f"from the first fall to a proposal {(proposed - crash.fell_ns) / 1e9:.2f} s")
    assert crash.fell_ns < told <= proposed and "proposal.waits" in crash.said and "rule.survival" in crash.said


def test_every_order_makes_a_position_smaller_once(crash: Outcome) -> None:
    requests = [request_of(one) for one in crash.of(RecordKind.INTENDED)]
    ids = [one["client_id"] for one in requests]
    assert requests and len(set(ids)) == len(ids)
    assert all(one["reduce_only"] is True and one["quantity"] < 0.0 for one in requests)
    for account, venue in ACCOUNTS.items():
        trades = crash.guarded.venues[venue].trades[account]
        sent = sum(one["quantity"] for one in requests if one["account"] == account)
        assert trades and sum(one.fill.quantity for one in trades) == pytest.approx(sent)


def test_the_journal_is_whole_and_holds_no_secret(crash: Outcome) -> None:
    assert verify(crash.journal).count == len(crash.records)
    text = crash.said + json.dumps([dict(one.body) for one in crash.records], default=str)
    for keys in crash.guarded.keys.values():
        assert keys[0].secret.removeprefix("0x") not in text


def kind_of(record: Record) -> str:
    alert = record.body["alert"]
    assert isinstance(alert, dict)
    return str(alert["kind"])


def request_of(record: Record) -> dict[str, Any]:
    request = record.body["request"]
    assert isinstance(request, dict)
    return request


def is_answer(record: Record, digest: str, crash: Outcome) -> bool:
    """Whether a record is an answer to an order of a proposal."""
    report = record.body.get("report")
    if record.kind is not RecordKind.ANSWERED or not isinstance(report, dict):
        return False
    mine = {request_of(one)["client_id"] for one in crash.of(RecordKind.INTENDED) if one.body["digest"] == digest}
    return report["client_id"] in mine
