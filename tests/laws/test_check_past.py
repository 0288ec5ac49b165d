"""`check` with a lake: its rules on funding say of a book what a run's own do that has held it, and it looks at nothing later."""

from __future__ import annotations

import shutil
from dataclasses import replace
from functools import cache
from itertools import permutations
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import polars as pl
import pytest

from benchmarks.drill import example
from perpbook.engine.backtest import Journey
from perpbook.engine.drill import run_drill
from perpbook.history.lake import Lake
from perpbook.history.rows import bars_as_rows
from perpbook.kernels import journal
from perpbook.kernels.state import FUNDING_FLIP
from perpbook.margin.arrays import book_arrays
from perpbook.model.account import Account, Balance, Position
from perpbook.model.bars import Settlements
from perpbook.model.book import Book
from perpbook.model.market import Market, Quote
from perpbook.model.units import DAY_NS, HOUR_NS
from perpbook.model.verdict import Status
from perpbook.playbook.load import parse_playbook
from perpbook.playbook.past import PastFunding
from perpbook.playbook.schema import Playbook
from perpbook.playbook.timed import OF_A_DAY, OF_A_POSITION
from perpbook.runs.check import CheckResult, Recheck, check_snapshot
from perpbook.runs.check_past import KnownPast, read_past_funding, unfit
from perpbook.terms.load import load_terms
from tests.laws.test_funding_rules import START, funded_journey
from tests.runs.futures import paths_are_backtests
from tests.runs.instants import Carried, compare, snapshot_at
from tests.runs.laws import BrokenLaw, Run, travel
from tests.unit.history_lakes import MS, put

IDLE = parse_playbook("schema_version = 1\n[funding]\nflip_after = 1000000\n", "idle")
"""Counts payments, and never acts."""

PAIRS = {"binance": "BTC-USDT", "hyperliquid": "BTC-USDC", "bybit": "BTC-USD"}
BARS = 180
TERMS = load_terms("hyperliquid")


@cache
def held_until(seed: int, bar: int) -> Run:
    """A run in which nothing is traded, that stands right after a bar."""
    run = travel(replace(funded_journey(seed, BARS), playbook=IDLE), until=bar + 1)
    assert not (run.outcome.what[:, 1] == journal.FILL).any()
    return run


def filled(folder: Path, journey: Journey, until_ns: int, *, from_ns: int = START) -> Path:
    """A lake of a journey's hours and settlements in a span."""
    lake, bars = Lake(folder), journey.bars
    closed = bars.open_ns + bars.bar_ns <= until_ns
    for key, settled, row in zip(bars.series, bars.settlements, range(len(bars.series)), strict=True):
        name = f"{key.venue} {PAIRS[key.venue]}"
        put(lake, rows_of(settled, from_ns, until_ns), kind="funding", name=name)
        prices = [getattr(bars, part)[row][closed] for part in ("open", "high", "low", "close")]
        put(lake, bars_as_rows(bars.open_ns[closed], [*prices, np.ones(int(closed.sum()))]), name=name)
    return folder


def rows_of(settled: Settlements, from_ns: int, until_ns: int) -> pl.DataFrame:
    inside = (settled.times_ns >= from_ns) & (settled.times_ns < until_ns)
    return pl.DataFrame(
        {
            "ts": settled.times_ns[inside] // MS,
            "rate": settled.rates[inside],
            "interval_hours": settled.interval_ns[inside] / HOUR_NS,
        }
    )


def at(bar: int) -> int:
    return START + (bar + 1) * HOUR_NS


def read(folder: Path, run: Run, bar: int) -> KnownPast:
    return read_past_funding(folder, snapshot_at(run, bar), run.journey.terms)


def ruled(by: float, rest: str = "") -> Playbook:
    """Every rule on funding, with limits so many times as wide as narrow ones."""
    cap = 1e-4 * by
    caps = f"daily_cap = {cap}\ndaily_cap_asset = {{ default = {cap} }}\ndaily_cap_venue = {{ binance = {cap} }}\n"
    more = f"projected_cap = {cap}\nflip_after = {round(by)}\nexpected_max = {0.02 * by}\nskew_alert = {0.01 * by}\n"
    return parse_playbook(f"schema_version = 1\n[funding]\n{caps}{more}{rest}", f"limits {by:g}")


def rules_of(seed: int) -> Playbook:
    """A seed's own rules, narrow ones, or wide ones."""
    own = funded_journey(seed, BARS).playbook
    assert own is not None
    return (own, ruled(1.0, 'response = "move"\npayback_days = 60\n'), ruled(9.0, 'response = "rotate"\n'))[seed % 3]


MOMENTS = [(seed, bar) for seed in range(8) for bar in (79 + 3 * seed, 120 + 5 * seed, 175 - seed)]


@pytest.mark.parametrize(("seed", "bar"), MOMENTS)
def test_check_says_of_rates_what_the_run_says(tmp_path: Path, seed: int, bar: int) -> None:
    run, rules = held_until(seed, bar), rules_of(seed)
    known = read(filled(tmp_path, run.journey, at(bar)), run, bar)
    assert not [one.why for one in known.sources if one.why]
    assert compare(run, bar, Carried(past=known, playbook=rules)) > 0


def test_every_rule_on_rates_is_broken_and_kept_somewhere() -> None:
    told: dict[bool, set[str]] = {True: set(), False: set()}
    for seed, bar in MOMENTS[1::3]:
        run = held_until(seed, bar)
        with TemporaryDirectory() as folder:
            known = read(filled(Path(folder), run.journey, at(bar)), run, bar)
        found = check_snapshot(snapshot_at(run, bar), rules_of(seed), run.journey.terms, with_plans=False, past=known)
        for one in found.verdict.findings:
            told[one.status is Status.BREACH].add(one.rule)
    for rules in told.values():
        assert {f"funding.{name}" for name in (*OF_A_DAY, *OF_A_POSITION)} <= rules


SEED, BAR = 4, 100


def test_what_settles_later_changes_nothing(tmp_path: Path) -> None:
    run = held_until(SEED, BAR)
    cut = read(filled(tmp_path / "cut", run.journey, at(BAR)), run, BAR)
    whole = read(filled(tmp_path / "whole", run.journey, at(BARS)), run, BAR)
    assert whole == cut and None not in cut.past


def test_a_settlement_at_the_books_time_is_still_to_come() -> None:
    bar = next(bar for bar in range(80, 120) if at(bar) % (8 * HOUR_NS) == 0 and at(bar) % DAY_NS)
    run = held_until(SEED, bar)
    with TemporaryDirectory() as folder:
        known = read(filled(Path(folder), run.journey, at(BARS)), run, bar)
    assert all(one.settled_ns is not None and one.settled_ns < at(bar) for one in known.sources)
    assert compare(run, bar, Carried(past=known, playbook=rules_of(SEED))) > 0


def test_the_law_is_awake(tmp_path: Path) -> None:
    run = held_until(SEED, BAR)
    folder = filled(tmp_path, run.journey, at(BAR))
    rows = rows_of(run.journey.bars.settlements[1], START, at(BAR))
    put(Lake(folder), rows.tail(30).with_columns(pl.col("rate") + 1e-6), kind="funding", name="hyperliquid BTC-USDC")
    with pytest.raises(BrokenLaw):
        compare(run, BAR, Carried(past=read(folder, run, BAR), playbook=rules_of(SEED)))


# What the lake cannot say


def spoilt(rows: pl.DataFrame, how: str) -> pl.DataFrame:
    """Hourly settlements that are of no use."""
    if how == "is absent":
        return rows.head(0)
    if how.startswith("ends at"):
        return rows.head(rows.height - 3)
    if how.startswith("begins at"):
        return rows.tail(40)
    if how.startswith("has a hole"):
        return pl.concat([rows.head(rows.height - 20), rows.tail(18)])
    if how.startswith("has intervals"):
        return rows.with_columns(pl.lit(0.0).alias("interval_hours"))
    return rows.with_columns(pl.lit(0.5 if how.startswith("has a rate") else float("nan")).alias("rate"))


WHYS = {
    "is absent": "has no funding of hyperliquid BTC", "ends at": "ends at 2024-03-05T06:00:00Z, more than 2 intervals",
    "begins at": "begins at 2024-03-03T18:00:00Z, less than 3 days", "has a hole": "has a hole after 2024-03-04T13:00:00Z",
    "has a rate": "has a rate of 50.00%", "has intervals": "has intervals that are none", "is broken": "is not a number",
}  # fmt: skip


@pytest.mark.parametrize("how", WHYS)
def test_what_the_lake_cannot_say_is_left_unjudged_by_name(tmp_path: Path, how: str) -> None:
    run = held_until(SEED, BAR)
    folder = filled(tmp_path, run.journey, at(BAR))
    shutil.rmtree(folder / "funding" / "venue=hyperliquid")
    rows = spoilt(rows_of(run.journey.bars.settlements[1], START, at(BAR)), how)
    if rows.height:
        put(Lake(folder), rows, kind="funding", name="hyperliquid BTC-USDC")
    known, rules = read(folder, run, BAR), ruled(1.0)
    found = check_snapshot(snapshot_at(run, BAR), rules, run.journey.terms, with_plans=False, past=known)
    (told,) = [one.message for one in found.assessment.cautions if one.code == "history"]
    assert WHYS[how] in told and "funding.daily_cap" in told and "of hyperliquid BTC funding.flip_after" in told
    judged = {(one.rule, one.subject) for one in found.verdict.findings}
    assert not {rule for rule, _ in judged} & {f"funding.{name}" for name in OF_A_DAY}
    assert ("funding.expected_max", "BTCUSDT @ binance") in judged
    assert ("funding.expected_max", "BTC @ hyperliquid") not in judged


def test_an_empty_lake_leaves_every_rule_unjudged(tmp_path: Path) -> None:
    run, rules = held_until(SEED, BAR), ruled(1.0)
    found = check_snapshot(
        snapshot_at(run, BAR), rules, run.journey.terms, with_plans=False, past=read(tmp_path / "none", run, BAR)
    )
    told = [one.message for one in found.assessment.cautions if one.code == "history"]
    assert len(told) == 1 and all(f"funding.{name}" in told[0] for name in (*OF_A_DAY, *OF_A_POSITION))
    assert "perpbook data import" in told[0] and "data pull binance BTC --kinds funding" in told[0]
    assert not [one for one in found.verdict.findings if one.rule != "funding.skew_alert"]


def test_series_are_fit_or_not_by_their_times() -> None:
    times = START + HOUR_NS * np.arange(100, dtype=np.int64)
    past = Settlements(times_ns=times, rates=np.full(100, 1e-5), interval_ns=np.full(100, HOUR_NS))
    last = int(times[-1])
    assert [unfit(past, last + minutes * HOUR_NS // 60) == "" for minutes in (1, 119, 120, 121)] == [
        True,
        True,
        True,
        False,
    ]
    every = [np.delete(np.arange(100), hole) for hole in ([10], [90], [90, 91])]
    holed = [Settlements(times_ns=times[k], rates=past.rates[k], interval_ns=past.interval_ns[k]) for k in every]
    assert [unfit(one, last + 1) == "" for one in holed] == [True, False, False]


# What the rules ask


def checked(rules: str) -> CheckResult:
    """Seed 1's book: short 2 BTC on Binance, long 1 on Hyperliquid, short 30,000 dollars on Bybit. The last is dear; the
    day has cost it and the long."""
    run = held_until(1, BAR)
    with TemporaryDirectory() as folder:
        known = read(filled(Path(folder), run.journey, at(BAR)), run, BAR)
    playbook = parse_playbook(f"schema_version = 1\n[funding]\n{rules}", "asked")
    return check_snapshot(snapshot_at(run, BAR), playbook, run.journey.terms, past=known)


@pytest.mark.parametrize(("response", "moved"), [("close", False), ("rotate", True), ("move", True)])
def test_what_is_dear_is_asked_to_go_as_a_run_would_trade_it(response: str, moved: bool) -> None:
    found = checked(f'expected_max = 0.02\nresponse = "{response}"\npayback_days = 100\n')
    held = {one.symbol: one for one in found.assessment.positions}
    asked = {one.symbol: one for one in found.verdict.asked}
    assert set(asked) == {"BTCUSD", *(["BTCUSDT"] if moved else [])}
    assert (asked["BTCUSD"].quantity_before, asked["BTCUSD"].quantity_after) == (-30_000.0, 0.0)
    assert (asked["BTCUSD"].rule, asked["BTCUSD"].notional) == ("funding.expected_max", 30_000.0)
    if moved:
        more = asked["BTCUSDT"].quantity_after - held["BTCUSDT"].quantity
        assert more * held["BTCUSDT"].mark_price == pytest.approx(-30_000.0, rel=1e-12)
        assert asked["BTCUSDT"].rule == "funding.response" and asked["BTCUSDT"].fees > 0.0


def test_a_cut_is_whole_lots_of_what_the_cap_leaves() -> None:
    found = checked("daily_cap_venue = { bybit = 1e-7 }\n")
    (one,), (cap,) = found.verdict.asked, [one for one in found.verdict.findings if one.status is Status.BREACH]
    assert one.rule == cap.rule == "funding.daily_cap_venue"
    keep = 0.95 * cap.limit / cap.measured
    assert 30_000.0 * keep - 1.0 <= -one.quantity_after <= 30_000.0 * keep


@pytest.mark.parametrize("venue", ["binance", "hyperliquid", "bybit"])
def test_what_was_paid_today_stays_paid_when_what_paid_it_is_closed(venue: str) -> None:
    found = checked(f"daily_cap_venue = {{ {venue} = 1e-9 }}\n")
    arrays = found.assessed.arrays
    (row,) = [row for row in arrays.positions() if arrays.accounts[arrays.items[row].account].venue == venue]
    recheck = Recheck(found.snapshot, found.playbook, held_until(1, BAR).journey.terms, found.assessed, found.past)
    (before,), (after,) = found.verdict.findings, recheck.findings({row: (0.0, 0.0)})
    assert after.rule == "funding.daily_cap_venue" and after.measured == pytest.approx(before.measured, rel=1e-9)
    assert (before.measured > 0.0) == (venue != "binance")


def test_what_is_closed_may_stand_in_any_margin_mode() -> None:
    sleeves = '[capital]\nsleeves = [{ name = "all", venues = ["binance", "hyperliquid", "bybit"] }]\n'
    found = checked(f'daily_cap = 0.5\n{sleeves}[margin]\nisolated = ["all"]\n')
    recheck = Recheck(found.snapshot, found.playbook, held_until(1, BAR).journey.terms, found.assessed, found.past)
    row = found.assessed.arrays.positions()[0]
    told = [
        [one.subject for one in every if one.rule == "margin.mode"]
        for every in (found.verdict.findings, recheck.findings({row: (0.0, 0.0)}))
    ]
    assert len(told[0]) == 3 and set(told[1]) == set(told[0]) - {"BTCUSDT @ binance"}


# What drills begin with


def test_futures_count_on_from_what_was_paid_before() -> None:
    """No thirty hours have thirty payments after a receipt in them; after twenty-nine, the first payment is one too many."""
    drill = example(3, steps=30)
    playbook = parse_playbook("schema_version = 1\n[funding]\nflip_after = 29\n", "drill")
    nothing = replace(drill.journey, playbook=playbook, due=None)
    known = PastFunding(paid=0.0, yearly=0.0, expected=0.0, due=0.0, paid_in_row=29.0, received=True)
    held = sum(len(one.positions) for one in nothing.book.accounts)
    counted = replace(drill, journey=replace(nothing, past=(known,) * held))
    paths_are_backtests(counted, range(3))
    acted, idle = run_drill(counted, threads=1), run_drill(replace(drill, journey=nothing), threads=1)
    assert acted.rules[FUNDING_FLIP, 1] == drill.paths and not idle.rules[FUNDING_FLIP].any()


def test_what_is_known_of_a_position_stays_with_it_whatever_order_an_account_lists_it_in() -> None:
    """Rows of the arrays go by column, and columns by who held a contract first: another account may list them otherwise."""
    names = ("BTC", "ETH", "SOL")
    for order in permutations(names):
        held = [[Position(symbol=name, quantity=1.0, entry_price=100.0) for name in one] for one in (names, order)]
        accounts = tuple(
            Account(
                id=f"a{k}", venue="hyperliquid", collateral=(Balance(asset="USDC", amount=1e6),), positions=tuple(one)
            )
            for k, one in enumerate(held)
        )
        quotes = {
            ("hyperliquid", n): Quote(venue="hyperliquid", symbol=n, mark_price=100.0, oracle_price=100.0)
            for n in names
        }
        market = Market(as_of_ns=START, source="law", quotes=quotes)
        arrays = book_arrays(Book(as_of_ns=START, source="law", accounts=accounts), market, {"hyperliquid": TERMS})
        of_book = [(one.id, position.symbol) for one in accounts for position in one.positions]
        items = [arrays.items[row] for row in arrays.positions()]
        assert arrays.by_row(of_book) == [(f"a{item.account}", item.position.symbol) for item in items if item.position]
