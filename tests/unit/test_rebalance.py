"""Rebalances of books small enough to reason about."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from io import StringIO
from pathlib import Path

import pytest
import typer
from rich.console import Console
from typer.testing import CliRunner, Result

from perpbook.allocation.apply import Change, traded
from perpbook.allocation.evidence import Track
from perpbook.allocation.levers import CHANGE_COST
from perpbook.allocation.problem import Wish
from perpbook.cli.rebalance import rebalance
from perpbook.examples.catalogue import book_file, playbook_file
from perpbook.model.account import MarginMode
from perpbook.model.book import Unread
from perpbook.report.rebalance_page import rebalance_page
from perpbook.report.rebalance_text import proposals_document, steps_of, tell_rebalance, unshown, verdict_of
from perpbook.runs.rebalance import Rebalance, rebalance_of, strained
from perpbook.tails.estimate import Estimate
from tests.unit.rebalance_books import ASKED, SLEEVES, TERMS, checked, coarse, laid, rebalanced, two_sleeves, with_layer
from tests.unit.sizing_books import account, snapshot, some_depth

APP = typer.Typer()
APP.command()(rebalance)

PAIR = """
schema_version = 1
[[capital.sleeves]]
name = "hl"
target = 0.5
venues = ["hyperliquid"]
[[capital.sleeves]]
name = "bn"
target = 0.3
venues = ["binance"]
[[capital.sleeves]]
name = "reserve"
target = 0.2
[rebalance]
drift = 0.04
minimum_trade = 250
"""

APART = snapshot(
    account("hl", "hyperliquid", 70_000, ("BTC", 0.5)), account("bn", "binance", 20_000, ("BTCUSDT", -0.5))
)


def said(found: Rebalance) -> str:
    out = StringIO()
    tell_rebalance(Console(file=out, width=200), found.told)
    return out.getvalue()


def test_money_moves_between_accounts_of_one_sleeve_each_and_no_position_changes() -> None:
    found = rebalanced(with_layer(APART, 10_000), PAIR)
    plan = found.plan
    assert plan.reached and plan.proven and not plan.trades
    assert {one.source for one in plan.sends} == {"hl"}
    assert sum(one.amount for one in plan.sends) == pytest.approx(16_000, abs=20)
    assert [one.after for one in plan.sleeves] == pytest.approx([0.54, 0.26, 0.2], abs=0.041)
    assert found.after is not None and found.after.verdict.status.value == "ok"


def test_the_band_is_the_drift_around_the_target_within_least_and_most() -> None:
    bands = laid(APART, PAIR.replace("target = 0.3", "target = 0.3\nmin = 0.28\nmax = 0.9")).bands
    assert [(one.least, one.most) for one in bands] == [
        pytest.approx(pair) for pair in ((0.46, 0.54), (0.28, 0.34), (0.16, 0.24))
    ]
    plain = laid(APART, PAIR.partition("[rebalance]")[0]).bands
    assert [(one.least, one.most) for one in plain] == [(0.0, 1.0)] * 3


def test_a_sleeve_that_shares_an_account_is_brought_down_by_trading() -> None:
    book = two_sleeves(80_000, ("BTC", 0.5), ("SOL", 400.0), layer=30_000)
    plan = rebalanced(book, SLEEVES, asked=replace(ASKED, transfers=False)).plan
    assert plan.reached and {one.symbol for one in plan.trades} <= {"BTC", "SOL"} and not plan.sends
    assert max(one.after for one in plan.sleeves if one.name == "others") <= 0.25 + 1e-6


def test_no_money_moves_while_something_cannot_be_read() -> None:
    assert rebalanced(with_layer(APART, 10_000), PAIR).plan.sends
    book = with_layer(APART, 10_000)
    blind = replace(book, book=replace(book.book, unread=(Unread(what="starknet", why="its RPC is silent"),)))
    found = rebalanced(blind, PAIR)
    assert not found.plan.sends and "while something is unread: starknet" in found.notes[-1]


def test_trades_below_the_minimum_are_left_out() -> None:
    book = two_sleeves(80_000, ("BTC", 0.5), ("SOL", 200.0), layer=30_000)
    text = SLEEVES.replace("drift = 0.05", "drift = 0.005\nminimum_trade = 20000")
    plan = rebalanced(book, text).plan
    assert all(one.notional >= 20_000 * (1 - 1e-9) for one in plan.trades)
    assert all(one.amount >= 20_000 * (1 - 1e-9) for one in plan.sends)


def test_without_a_minimum_in_the_playbook_no_dust_is_traded_or_sent() -> None:
    problem = laid(with_layer(APART, 10_000), PAIR.replace("minimum_trade = 250", ""))
    assert problem.minimum == 50.0 and problem.transfers and min(one.least for one in problem.transfers) >= 50.0
    assert laid(APART, PAIR).minimum == 250.0


def test_an_account_that_breaks_a_rule_of_its_own_gives_nothing_away() -> None:
    text = PAIR + "[survival]\nmoves = [0.15]\n"
    book = snapshot(
        account("hl", "hyperliquid", 70_000, ("BTC", 9.0)), account("bn", "binance", 20_000, ("BTCUSDT", -0.5))
    )
    assert strained(checked(book, text)) == ("hl",)
    found = rebalanced(book, text)
    assert not [one for one in found.plan.sends if one.source == "hl"]
    assert not found.plan.reached and found.plan.remedies


def test_an_isolated_account_gives_nothing_and_may_be_given_to() -> None:
    alone = replace(account("alone", "hyperliquid", 30_000, ("SOL", 100.0)), mode=MarginMode.ISOLATED, parent="hl")
    book = with_layer(replace(APART, book=replace(APART.book, accounts=(*APART.book.accounts, alone))), 10_000)
    levers = laid(book, PAIR).transfers
    assert levers and not [one for one in levers if one.source == 2] and [one for one in levers if one.target == 2]


def test_coins_with_a_price_of_their_own_stay_where_they_are() -> None:
    book = with_layer(with_layer(APART, 5.0, "ethereum", "ETH"), 100.0)
    book = replace(book, market=replace(book.market, asset_prices={"ETH": 3_100.0}))
    assert {one.taken for one in laid(book, PAIR.replace("minimum_trade = 250", "")).transfers} <= {"USDC", "USDT"}


def test_where_money_may_not_come_no_plan_sends_it() -> None:
    text = PAIR + "[venues]\nshares = { binance = 0.205 }\n"
    plan = rebalanced(with_layer(APART, 10_000), text).plan
    assert not plan.reached and "a larger venues.max_share" in [one.what for one in plan.remedies if one.enough]
    assert "bn is $5,500 short of its band" in verdict_of(plan) and not plan.trades


def test_fresh_money_that_is_named_is_enough() -> None:
    book = two_sleeves(90_000, ("BTC", 0.5), ("SOL", 20.0))
    asked = replace(ASKED, trades=False, transfers=False)
    text = "\n".join(line for line in SLEEVES.splitlines() if "target" not in line) + "\n"
    text = text.replace('"reserve"', '"reserve"\nmin = 0.3')
    found = rebalanced(book, text, asked=asked)
    money = next(one for one in found.plan.remedies if one.dollars)
    assert money.enough and money.what == "fresh money in the reserve"
    assert money.dollars == pytest.approx(90_000 * 0.3 / 0.7)
    again = rebalanced(with_layer(book, money.dollars + 1.0), text, asked=asked)
    assert again.plan.reached and again.plan.idle


def test_what_waits_for_money_comes_last() -> None:
    text = PAIR + "[survival]\nmoves = [0.1]\n"
    book = with_layer(
        snapshot(
            account("hl", "hyperliquid", 70_000, ("BTC", 0.5)), account("bn", "binance", 6_000, ("BTCUSDT", -0.3))
        ),
        10_000,
    )
    before = checked(book, text)
    wishes = (Wish(positions=(1,), share=0.5, slack=0.01), Wish(positions=(0, 1), share=1.1, slack=0.2))
    found = rebalance_of(before, TERMS, ASKED, wishes)
    steps = steps_of(found.plan)
    assert found.plan.reached and [one.when for one in found.plan.trades] == [3]
    assert steps[0].startswith("then: send") and steps[-1].startswith("when money has arrived: sell")
    assert found.plan.weights[0].missing == 0.0


@pytest.mark.parametrize(("price", "least"), [(0.9, 0.1), (1.0, 0.0), (1.1, 0.0)])
def test_a_coin_changed_into_another_goes_at_their_prices_less_the_cost(price: float, least: float) -> None:
    book = replace(APART, market=replace(APART.market, asset_prices={"USDC": price}))
    text = (
        PAIR.replace("target = 0.5", "target = 0.56")
        .replace("target = 0.3", "target = 0.42")
        .replace("target = 0.2", "")
    )
    found = rebalanced(book, text, asked=replace(ASKED, trades=False))
    send = next(one for one in found.plan.sends if one.target == "bn")
    (changed,) = send.converts
    assert (changed.account, changed.asset, changed.into, changed.when) == ("bn", "USDC", "USDT", 3)
    assert (
        send.arrives
        == pytest.approx(send.amount * price * (1 - CHANGE_COST))
        == pytest.approx(changed.amount * changed.rate)
    )
    assert send.converting == pytest.approx(send.amount * (least + price * CHANGE_COST)) and send.fee == 0.0
    assert "when money has arrived: convert" in steps_of(found.plan)[-1]
    assert "sending and converting" in verdict_of(found.plan)
    plan, after = found.plan, found.after
    assert after is not None and plan.equity_before - plan.cost + plan.revalued == pytest.approx(
        after.assessment.book.equity
    )


def test_weights_that_were_worse_are_said_to_be() -> None:
    def track(name: str, low: float, high: float) -> Track:
        less = Estimate(value=(low + high) / 2, low=low, high=high, points=90)
        return Track(name=name, shortfall=less, volatility=0.5, mean=0.1, less=less)

    told = unshown([track("equal", -0.0064, -0.0005), track("held", -0.001, 0.002), track("cvar", 0.001, 0.002)])
    assert told[0].startswith("WORSE in the tail than weights equal") and "below zero" in told[0]
    assert told[1].startswith("Not shown to lose less in the tail than weights held") and len(told) == 2


def test_what_a_coin_off_par_counts_for_elsewhere_is_told_and_is_no_cost() -> None:
    book = with_layer(snapshot(account("bn", "binance", 50_000, ("BTCUSDT", 0.1))), 50_000, asset="USDT")
    book = replace(book, market=replace(book.market, asset_prices={"USDT": 0.99}))
    found = rebalanced(book, PAIR.replace("target = 0.5", "target = 0.0").replace("target = 0.3", "target = 0.7"))
    assert found.after is not None and found.plan.sends and found.plan.revalued > 100.0
    plan, after = found.plan, found.after.assessment.book.equity
    assert plan.equity_before - plan.cost + plan.revalued == pytest.approx(after, rel=1e-9)


def test_what_grows_is_entered_at_the_price_now_and_equity_falls_by_the_cost() -> None:
    book = snapshot(
        account("hl", "hyperliquid", 9_000, ("BTC", 0.1)),
        account("coin", "deribit", 1.0, ("BTC-PERPETUAL", -20_000.0), coin="BTC"),
    )
    entries = [
        replace(one, positions=tuple(replace(p, entry_price=80_000.0) for p in one.positions))
        for one in book.book.accounts
    ]
    book = replace(book, book=replace(book.book, accounts=tuple(entries)))
    before = checked(book)
    arrays = before.assessed.arrays
    held = [(row, arrays.items[row].position) for row in arrays.positions()]
    changes = [Change(row=row, quantity=one.quantity * 1.5, cost=10.0) for row, one in held if one]
    after = checked(replace(book, book=traded(book.book, arrays, changes)))
    assert after.assessment.book.equity == pytest.approx(before.assessment.book.equity - 20.0, rel=1e-12)
    linear, inverse = (one.positions[0].entry_price for one in after.snapshot.book.accounts)
    assert linear == pytest.approx((0.1 * 80_000 + 0.05 * 90_000) / 0.15)
    assert inverse == pytest.approx(30_000 / (20_000 / 80_000 + 10_000 / 90_010))


def test_slippage_is_paid_level_by_level_both_ways() -> None:
    depths = {("hyperliquid", "SOL"): some_depth(140.0, 10_000.0)}
    lever = laid(two_sleeves(80_000, ("BTC", 0.5), ("SOL", 400.0), depths=depths)).trades[1]
    fee = 400 * 140 * TERMS["hyperliquid"].fees[0].taker_fee_rate
    tenth = 0.1 * 400 * 140
    assert lever.slippage_known and lever.cost(0.9) == pytest.approx(0.1 * fee + tenth * 5e-4)
    assert lever.cost(1.1) == pytest.approx(lever.cost(0.9)) and lever.cost(0.2) > 8 * lever.cost(0.9)
    assert lever.cost(1.0) == 0.0


def test_lots_are_whole_and_written_exactly() -> None:
    book = two_sleeves(80_000, ("BTC", 0.5), ("SOL", 400.0), layer=30_000)
    plan = rebalanced(book, terms=coarse({"SOL": 7.0}), asked=replace(ASKED, transfers=False)).plan
    sold = [400.0 - one.quantity_after for one in plan.trades if one.symbol == "SOL"]
    assert sold and sold[0] / 7.0 == round(sold[0] / 7.0)


def test_a_book_in_its_bands_is_told_so_and_exits_with_0() -> None:
    rules = playbook_file("hedged", "conservative")
    run = CliRunner().invoke(APP, [str(book_file("hedged")), "--playbook", str(rules), "--json"])
    document = json.loads(run.stdout)
    assert run.exit_code == 0 and document["schema"] == "rebalance/1" and document["data"]["trades"] == []
    assert document["data"]["verdict"] == "Every sleeve is inside its band: nothing to do."


def test_the_text_says_what_is_not_counted() -> None:
    text = said(rebalanced(with_layer(APART, 10_000), PAIR))
    assert "1. then: send" in text and "99 in 100 within" in text and "not counted: gas" in text
    assert "assessed again after the plan: 0 rules broken, 0 before, none anew or further" in text


def asked_of_the_desk(*options: str) -> Result:
    rules = playbook_file("desk", "conservative")
    return CliRunner().invoke(APP, [str(book_file("desk")), "--playbook", str(rules), *options])


def test_proposals_are_written_in_the_order_to_act_and_not_in_a_dry_run(tmp_path: Path) -> None:
    out = tmp_path / "steps.json"
    dry = asked_of_the_desk("--out", str(out), "--dry-run")
    assert dry.exit_code == 10 and "2 steps would be written" in dry.stdout and not out.exists()
    run = asked_of_the_desk("--out", str(out))
    assert run.exit_code == 10 and "Wrote 2 steps as proposals" in " ".join(run.stdout.split())
    found = json.loads(out.read_text(encoding="utf-8"))
    sent, changed = found["steps"]
    assert (found["schema"], found["simulated"], found["reached"]) == ("proposals/1", True, True)
    assert (sent["kind"], sent["source"], changed["kind"]) == ("transfer", "hl-main", "convert")
    assert changed["amount"] * changed["rate"] == pytest.approx(sent["arrives"])


def test_a_proposed_trade_is_the_change_of_its_position() -> None:
    book = two_sleeves(80_000, ("BTC", 0.5), ("SOL", 400.0), layer=30_000)
    found = rebalanced(book, SLEEVES, asked=replace(ASKED, transfers=False))
    for one, step in zip(found.plan.trades, proposals_document(found.told, {})["steps"], strict=True):
        assert step["quantity"] == pytest.approx(one.quantity_after - one.quantity_before)
        assert step["reduce_only"] == (abs(one.quantity_after) < abs(one.quantity_before))


def test_the_page_draws_sleeves_moves_and_trades_and_tells_them_without() -> None:
    for found, drawn in (
        (rebalanced(with_layer(APART, 10_000), PAIR), {"sleeves", "moves"}),
        (rebalanced(two_sleeves(80_000, ("BTC", 0.5), ("SOL", 400.0), layer=30_000), SLEEVES), {"sleeves", "trades"}),
    ):
        page = rebalance_page(found.told, {"book": "b", "as_of": "now", "playbook": ""}, "0")
        held = re.search(r'id="figures">(.*?)</script>', page, re.DOTALL)
        assert held and "default-src 'none'" in page and verdict_of(found.plan) in page
        figures = json.loads(held[1])
        assert drawn <= set(figures) and all(f'data-figure="{name}"' in page for name in figures)
        assert page.count("<li>") >= len(steps_of(found.plan))
        *_, before, after = figures["sleeves"]["data"]
        assert before["x"] == [one.before for one in found.plan.sleeves]
        assert after["x"] == [one.after for one in found.plan.sleeves]


def test_the_page_of_what_cannot_be_done_says_what_would_help() -> None:
    found = rebalanced(with_layer(APART, 10_000), PAIR + "[venues]\nshares = { binance = 0.205 }\n")
    page = rebalance_page(found.told, {"book": "b", "as_of": "now", "playbook": ""}, "0")
    assert "What would help" in page and "a larger venues.max_share" in page


@pytest.mark.parametrize(
    ("options", "told"),
    [
        (["--weights", "kelly"], "choose target, risk-parity, cvar, cvar-parity, equal"),
        (["--sleeve", "majors"], "--sleeve is about weights"),
        (["--draws", "5"], "--draws is about weights"),
        (["--level", "7", "--bar", "xx"], "--bar, --level are about weights"),
        (["--half-spread", "3"], "a half spread of 3 does not do"),
        (["--weights", "equal", "--sleeve", "nine"], "the playbook has neutral, reserve"),
    ],
)
def test_what_makes_no_sense_is_refused(options: list[str], told: str) -> None:
    rules = playbook_file("hedged", "conservative")
    run = CliRunner().invoke(APP, [str(book_file("hedged")), "--playbook", str(rules), *options])
    assert run.exit_code == 3 and told in run.stderr


def test_a_playbook_without_sleeves_is_refused() -> None:
    run = CliRunner().invoke(APP, [str(book_file("hedged"))])
    assert run.exit_code == 3 and "the playbook has no sleeves" in run.stderr
