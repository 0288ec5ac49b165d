"""Funding that served venues settled reaches the guard through their own clients, and is judged."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import aclosing
from dataclasses import replace
from typing import Any

import pytest

from perpbook.engine.clock import now_ns
from perpbook.engine.live_funding import funding_beside
from perpbook.guard.desk import Desk
from perpbook.guard.guard import Guard
from perpbook.guard.view import Decision, View
from perpbook.model.book import Book
from perpbook.model.market import Market, Quote, Snapshot
from perpbook.model.message import AccountSeen, FundingSeen, MarkSeen, Message, RatesSeen
from perpbook.playbook.load import parse_playbook
from perpbook.runs.guard_decide import Judge
from perpbook.runs.guard_funding import asked_of
from perpbook.runs.guard_settings import settings_of
from perpbook.simulation.happened import Settled
from perpbook.terms.load import load_terms
from tests.contract.carriers import LIVE, Carrier, carrier, slowly
from tests.contract.test_cards import settled
from tests.dialects.served import Served, served

pytest.importorskip("google.protobuf", reason="ccxt encodes dYdX orders with protobuf: perpbook[live]")
RULES = parse_playbook(
    "schema_version = 1\n[funding]\ndaily_cap = 1e-6\nprojected_cap = 1e-6\nflip_after = 2\nexpected_max = 0.001\n",
    "asked",
)


@pytest.fixture(scope="module")
def venues() -> Iterator[Served]:
    with served(*LIVE) as one:
        yield one


@pytest.mark.parametrize("name", slowly(LIVE, "bybit", "okx"))
def test_a_guard_judges_what_venues_settled(venues: Served, name: str) -> None:
    one = carrier(name, venues)
    for rows in venues.venues[name].rates.values():
        interval = one.truth.terms.funding.interval_ns
        rows[:0] = [replace(rows[0], at_ns=rows[0].at_ns - number * interval) for number in range(80, 0, -1)]
    told = one.play(lambda venue: heard(one, venue))
    assert {type(message) for message in told} == {FundingSeen, RatesSeen} and not any(m.why for m in told)
    views, judge = list[View](), Judge(base=book(one), playbook=RULES, terms={name: load_terms(name)})

    def decide(view: View) -> Decision:
        views.append(view)
        return judge(view)

    guard = Guard(Desk(), settings_of(judge.base, RULES, judge.terms, live=False), decide)
    guard.start(now_ns())
    for message in (*shown(one), *told):
        guard.receive(message)
    decision = judge(replace(views[-1], started_ns=0))
    assert not [alert for alert in decision.alerts if alert.kind in ("rules.unjudged", "stale.prices")]
    rules = {f"funding.{key}" for key in ("daily_cap", "projected_cap", "flip_after", "expected_max")}
    assert decision.before is not None and set(decision.before.broken) == rules
    assert decision.wanted
    assert all(leg.symbol == one.btc and leg.quantity < 0.0 for wanted in decision.wanted for leg in wanted.legs)


async def heard(one: Carrier, venue: Any) -> list[Any]:
    """What a venue tells when it is asked for the first time, of payments that turned on the long."""
    settled(one, 100)
    rows = one.truth._bucket(one.account).settled
    rows[:] = [
        replace(row, cash=-row.cash * (-1.0 if number > 20 else 1.0) * weight(row)) for number, row in enumerate(rows)
    ]
    (asked,) = asked_of(book(one), RULES)
    found = []
    async with aclosing(funding_beside(asked, {one.venue: venue}, now_ns)) as told:  # type: ignore[type-var]
        async for message in told:
            found.append(message)
            if len(found) == 3:
                return found
    return found


def weight(row: Settled) -> float:
    """The long's payments count double."""
    return 2.0 if row.quantity > 0.0 else 1.0


def book(one: Carrier) -> Snapshot:
    now, account = now_ns(), one.truth.account(one.account)
    quotes = {
        (one.venue, symbol): Quote(venue=one.venue, symbol=symbol, mark_price=one.truth.prices(symbol).mark)
        for symbol in one.truth.symbols
    }
    return Snapshot(
        book=Book(as_of_ns=now, source="served", accounts=(account,)),
        market=Market(as_of_ns=now, source="served", quotes=quotes, simulated=True),
    )


def shown(one: Carrier) -> list[Message]:
    """Prices and the account."""
    now = now_ns()
    marks = [
        MarkSeen(
            venue=one.venue, symbol=name, at_ns=now, received_ns=now, mark_price=one.truth.prices(name).mark,
            oracle_price=one.truth.prices(name).mark, index_price=one.truth.prices(name).mark,
        )
        for name in one.truth.symbols
    ]  # fmt: skip
    return [*marks, AccountSeen(account=one.truth.account(one.account), at_ns=now, received_ns=now)]
