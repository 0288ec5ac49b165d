"""A treasury's plan through the command's door: routes in calm and in a storm, both tried; failures; what is refused."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from typer.testing import CliRunner

from perpbook.cli.main import app
from perpbook.treasury.exact import solve
from perpbook.treasury.facts_load import packaged_facts
from perpbook.treasury.greedy import greedy
from perpbook.treasury.network import together, undominated
from perpbook.treasury.pots import Pot
from perpbook.treasury.task import Cut, Failure, Lane, Need, Plan, Spare, Task, transfers_of
from perpbook.treasury.ways import ways_to

DESK = Path(__file__).parents[2] / "src/perpbook/examples/desk/book.toml"
NEEDS = ("--need", "hl-main=20000@30", "--need", "dydx-0=15000@120")


def ask(*words: str, book: Path = DESK) -> tuple[int, dict[str, Any]]:
    done = CliRunner().invoke(app, ["treasury", "plan", str(book), *words, "--json"], catch_exceptions=False)
    return done.exit_code, json.loads(done.output)


def moves(data: dict[str, Any]) -> list[tuple[str, str, str]]:
    return [(one["from"], one["to"], one["over"]) for one in data["moves"]]


def test_a_halt_of_arbitrum_sends_money_another_way_and_both_ways_are_tried() -> None:
    calm = ask("--need", "dydx-0=15000@150", "--no-failures")[1]["data"]
    storm = ask("--need", "dydx-0=15000@150", "--no-failures", "--storm", "arbitrum-halt")[1]["data"]
    assert moves(calm) == [("arbitrum", "dydx-0", "dydx-in")]
    ((source, target, way),) = moves(storm)
    assert (source, target) == ("binance-1", "dydx-0") and "withdrawal to Ethereum" in way
    for found in (calm, storm):
        (need,) = found["needs"]
        assert found["method"] == "exact" and found["promise_kept"] and need["short"] == 0.0
        assert need["in_time"]["draws"] == 10_000 and need["in_time"]["high"] >= 0.95


def test_an_account_with_positions_is_fed_over_two_rails_that_do_not_fail_together() -> None:
    code, document = ask(*NEEDS, "--fee", "hyperliquid-cctp-in=0.2", "--no-reduce")
    data = document["data"]
    ways = {over for _, to, over in moves(data) if to == "hl-main"}
    assert code == 10 and ways == {"hyperliquid-bridge-in", "hyperliquid-cctp-in"}
    left = {one["failure"]: one for one in data["after_failures"]}
    assert left["hyperliquid-bridge"]["short"] == {} and left["Arbitrum One"]["short"] == {
        "hl-main": pytest.approx(20_000)
    }


def test_what_arrives_is_what_is_needed_after_fees() -> None:
    data = ask("--need", "dydx-0=15000@150", "--storm", "arbitrum-halt", "--no-failures")[1]["data"]
    (one,) = data["moves"]
    assert one["arrives_dollars"] == pytest.approx(15_000.0, abs=0.1)
    assert one["cost"] == pytest.approx(5.0 + 5e-4 * one["dollars"]) and data["cost"] == pytest.approx(one["cost"])


def bare_book(tmp_path: Path, price: float) -> Path:
    """The desk with USDC at a price; above its peg with dollars on Arbitrum, else with none there and none under way."""
    text = DESK.read_text().replace("USDC = 1.0\n", f"USDC = {price}\n")
    if price == 1.0:
        first, rest = text.split('[[layers]]\nlayer = "arbitrum"')
        text = first + "[[layers]]" + rest.split("[[layers]]")[1].split("[[transfers]]")[0]
    (tmp_path / "book.toml").write_text(text)
    return tmp_path / "book.toml"


@pytest.mark.parametrize("price", [1.0, 1.01])
def test_every_route_of_a_way_is_given_its_least_in_coins_after_the_fees_before_it(
    tmp_path: Path, price: float
) -> None:
    code, document = ask("--need", "hl-main=3@300", "--no-failures", book=bare_book(tmp_path, price))
    (one,) = document["data"]["moves"]
    assert code == 0 and "hyperliquid-bridge-in" in one["over"]
    assert one["arrives_dollars"] / price >= 5.0 - 1e-9, "the bridge keeps less than 5 USDC for good"
    assert one["from"] == ("binance-1" if price == 1.0 else "arbitrum")


def test_where_money_cannot_do_it_positions_are_reduced_and_otherwise_it_is_missing() -> None:
    words = ("--need", "hl-main=20000@30", "--storm", "arbitrum-halt", "--no-failures")
    code, document = ask(*words)
    (cut,) = document["data"]["reduced"]
    assert code == 0 and cut["place"] == "hl-main" and cut["dollars"] == pytest.approx(20_000)
    code, document = ask(*words, "--no-reduce")
    data = document["data"]
    assert code == 10 and data["needs"][0]["short"] == pytest.approx(20_000) and data["verdict"].startswith("MISSING")
    told = " ".join(data["binds"])
    assert "come too late for 30 minutes" in told and "the fee of hyperliquid-cctp-in-others" in told


def test_an_unknown_fee_carries_nothing_until_it_is_given() -> None:
    words = ("--need", "hl-main=20000@120", "--storm", "arbitrum-halt", "--no-failures", "--no-reduce")
    assert ask(*words)[1]["data"]["moves"] == []
    (move,) = ask(*words, "--fee", "hyperliquid-cctp-in-others=0.2+1bps")[1]["data"]["moves"]
    assert "hyperliquid-cctp-in-others" in move["over"]


def test_own_limits_hold_and_what_one_more_dollar_would_do_is_told() -> None:
    words = ("--need", "hl-main=20000@30", "--no-failures", "--no-reduce", "--cap", "hyperliquid-bridge-in=12000")
    data = ask(*words)[1]["data"]
    assert [one["dollars"] for one in data["moves"]] == [pytest.approx(12_000)]
    assert any(
        "hyperliquid-bridge-in is used up" in one and "would leave 1.00 dollars less missing" in one
        for one in data["binds"]
    )
    capped = ask("--need", "hl-main=20000@30", "--no-failures", "--no-reduce", "--in-flight", "external=5000")[1][
        "data"
    ]
    assert sum(one["dollars"] for one in capped["moves"]) == pytest.approx(5_000)


def test_without_needs_of_its_own_a_plan_serves_what_is_short() -> None:
    data = ask("--made-up")[1]["data"]
    assert {one["place"] for one in data["needs"]} == {"arbitrum"} and data["promise_kept"]
    assert all(one["short"] == 0.0 and one["why"] != "as asked" for one in data["needs"])


def test_the_greedy_plan_says_that_it_is_one() -> None:
    data = ask(*NEEDS, "--greedy")[1]["data"]
    assert (data["method"], data["why"]) == ("greedy", "as asked")
    assert data["cost"] >= ask(*NEEDS)[1]["data"]["cost"] - 0.01


SPLIT = (
    "--keep", "1", "--first", "cost", "--no-failures", "--cap", "cctp-standard=10000", "--fee", "across=0.2",
    "--cap", "across=20000", "--fee", "stargate-taxi=0.5", "--cap", "stargate-taxi=15000",
)  # fmt: skip


def test_transfers_that_a_need_hangs_on_together_are_each_promised_surer() -> None:
    code, document = ask("--need", "base=40000@20", "--need", "dydx-0=15000@45", *SPLIT)
    base, dydx = document["data"]["needs"]
    assert code == 0 and document["data"]["promise_kept"] and base["short"] == dydx["short"] == 0.0
    assert (base["arrivals_promised_at"], dydx["arrivals_promised_at"]) == (pytest.approx(0.975), 0.95)
    mine = [one for one in document["data"]["moves"] if one["to"] == "base"]
    assert {one["over"] for one in mine} == {"cctp-standard", "cctp-fast", "stargate-taxi"}
    assert all(one["in_time"]["high"] >= 0.975 and one["promised_seconds"] <= 1_200.0 for one in mine)
    assert base["in_time"]["draws"] == 10_000 and base["in_time"]["low"] >= 0.95
    one = ask("--need", "base=10000@20", *SPLIT)[1]["data"]
    assert one["arrivals_promised_at"] == 0.95, "one transfer keeps its promise alone"


def test_where_surer_transfers_would_leave_more_missing_the_first_plan_stands_and_its_promise_fails() -> None:
    code, document = ask("--need", "base=40000@7", "--keep", "1", "--no-failures", "--cap", "debridge=20000")
    (need,), told = document["data"]["needs"], document["data"]["verdict"]
    assert code == 10 and need["arrivals_promised_at"] == 0.95 and need["short"] == 0.0
    assert need["in_time"]["high"] < 0.95 and "not with the promised 95.0%" in told


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("--need", "hl-man=20000"), 'did you mean "hl-main"'),
        (("--need", "hl-main"), "PLACE=DOLLARS@MINUTES"),
        (("--need", "hl-main=-5"), "should be dollars above 0"),
        (("--need", "hl-main=1e15"), "should be dollars above 0 and at most"),
        (("--need", "hl-main=nan"), "should be dollars above 0"),
        (("--need", "hl-main=5@0"), "should be minutes above 0"),
        (("--need", "hl-main=5", "--need", "hl-main=6"), "twice"),
        ((*NEEDS, "--storm", "arbitrun-halt"), "arbitrun-halt"),
        ((*NEEDS, "--fee", "acros=1"), 'did you mean "across"'),
        ((*NEEDS, "--fee", "across=-1"), "write ROUTE=DOLLARS+BPSbps"),
        ((*NEEDS, "--cap", "bridge=1"), 'there is no "bridge"'),
        ((*NEEDS, "--in-flight", "dear=1"), 'there is no "dear"'),
        ((*NEEDS, "--probability", "1"), "from 0.5 to below 1"),
        ((*NEEDS, "--keep", "2"), "from 0 to 1"),
        ((*NEEDS, "--first", "luck"), '"time" or "cost"'),
    ],
)
def test_what_is_no_need_and_no_route_is_refused(words: tuple[str, ...], told: str) -> None:
    code, document = ask(*words)
    assert code == 3 and told in document["errors"][0]["message"]


def test_nothing_starts_while_a_transfer_goes_over_a_route_that_does_not_lead_there(tmp_path: Path) -> None:
    where = 'destination = "dydx-0"\n'
    text = DESK.read_text()
    assert text.count(where) == 1
    for route, code in (("hyperliquid-bridge-in", 30), ("dydx-in", 0)):
        (tmp_path / "book.toml").write_text(text.replace(where, f'{where}routes = ["{route}"]\n'))
        done = CliRunner().invoke(app, ["treasury", "status", str(tmp_path / "book.toml"), "--json"])
        data = json.loads(done.output)["data"]
        assert done.exit_code == code and data["may_start"] == (code == 0)
        assert ["does not lead there" in one for one in data["unread"]] == [True] * (code == 30)


def test_a_least_in_dollars_is_not_counted_in_coins_of_a_coin_that_is_no_dollar() -> None:
    moves = ask("--made-up")[1]["data"]["moves"]
    assert moves and all(one["dollars"] < 100.0 for one in moves), "what a gas tank lacks is a few dollars of ether"


def test_nothing_starts_while_something_is_unread(tmp_path: Path) -> None:
    book = tmp_path / "book.toml"
    book.write_text(
        DESK.read_text() + '\n[[unread]]\nwhat = "base"\nwhy = "the node does not answer"\n', encoding="utf-8"
    )
    code, document = ask(*NEEDS, book=book)
    assert code == 30 and "the node does not answer" in document["errors"][0]["message"]


def one_lane(number: int, **changes: Any) -> Lane:
    usual = Lane(
        number=number, spare=0, need=0, words=f"way {number}", fixed=1.0, rate=0.0, least=0.0, most=1e6, seconds=600.0,
        typical=60.0, domains=frozenset({f"rail{number}"}),
    )  # fmt: skip
    return replace(usual, **changes)


def small(*lanes: Lane, **changes: Any) -> Task:
    need = Need(place="main", dollars=10_000.0, seconds=1_800.0, why="", critical=True)
    spare = Spare(place="arbitrum", asset="USDC", dollars=50_000.0)
    return replace(Task(needs=(need,), spares=(spare,), lanes=lanes), **changes)


def test_by_hand_the_quicker_way_goes_first_and_the_cheaper_where_cost_is_first() -> None:
    task = small(one_lane(0, seconds=60.0, rate=0.001), one_lane(1))
    assert np.flatnonzero(solve(task).sent).tolist() == [0]
    cheap = solve(task, first="cost")
    assert np.flatnonzero(cheap.sent).tolist() == [1] and cheap.sent[1] == pytest.approx(10_001.0, abs=0.01)


def test_by_hand_a_second_rail_carries_the_need_again_and_a_cut_waits_for_the_failure() -> None:
    lost = tuple(Failure(name=f"rail{k}", domains=frozenset({f"rail{k}"})) for k in range(2))
    both = solve(small(one_lane(0), one_lane(1), failures=lost))
    assert both.feasible and both.sent == pytest.approx([10_001.0, 10_001.0], abs=0.01)
    cut = Cut(need=0, words="sell", dollars=20_000.0, rate=0.01, seconds=60.0)
    alone = solve(small(one_lane(0), failures=lost, cuts=(cut,)))
    assert alone.feasible and alone.reduced == pytest.approx([0.0])
    assert alone.reduced_after["rail0"] == pytest.approx([10_000.0]) and alone.reduced_after["rail1"] == pytest.approx(
        [0.0]
    )
    gone = solve(small(one_lane(0), failures=(replace(lost[0], places=frozenset({"main"})),)))
    assert gone.feasible, "a place that is lost itself needs nothing"


def filled(*lanes: Lane) -> Task:
    """A need of 10,000 and 5,000 to fill the place up, over the same ways."""
    task = small(*lanes)
    fill = replace(task.needs[0], dollars=5_000.0, critical=False, weight=0.1)
    twins = tuple(replace(one, number=len(lanes) + k, need=1) for k, one in enumerate(lanes))
    both = (*lanes, *twins)
    return replace(task, needs=(*task.needs, fill), lanes=both, together=together(both, (*task.needs, fill)))


@pytest.mark.parametrize("planner", [solve, greedy])
def test_by_hand_a_need_and_its_filling_up_are_one_transfer_with_one_fee(planner: Callable[[Task], Plan]) -> None:
    task = filled(one_lane(0, fixed=30.0, most=15_030.0))
    plan = planner(task)
    (one,) = transfers_of(task, plan)
    assert plan.cost == one.cost == pytest.approx(30.0) and not plan.short.any()
    assert plan.sent == pytest.approx([10_020.0, 5_010.0], abs=0.05) and one.arrives == pytest.approx(
        15_000.0, abs=0.02
    )


def test_by_hand_the_least_and_the_most_of_a_way_are_those_of_the_transfer() -> None:
    plan = solve(filled(one_lane(0, least=14_000.0, most=15_000.0)))
    assert plan.sent.sum() == pytest.approx(15_000.0, abs=0.02) and plan.short == pytest.approx([0.0, 1.0], abs=0.02)
    assert any("the most over way 0 is used up" in one for one in plan.binds)


def test_a_way_that_another_beats_is_left_out() -> None:
    facts = packaged_facts()
    pot = Pot(name="arbitrum", asset="USDC", dollars=1e4, layer="arbitrum")
    way = ways_to(facts, pot, facts.venues["hyperliquid"], "main")[0]
    quick, slow = one_lane(0), one_lane(1, seconds=700.0, domains=frozenset({"rail0", "more"}))
    other = one_lane(2, seconds=700.0)
    found = undominated([(one, way) for one in (slow, quick, other)])
    assert [lane for lane, _ in found] == [quick, other]
