"""Ways to stop what a position pays, and carry: tried on small books whose funding is known by hand."""

from __future__ import annotations

import json
import re
import shlex
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

from perpbook.cli.main import app
from perpbook.funding.forecast import Forecast
from perpbook.funding.offsets import Bleeding, Offset, Offsets, Told, plan_offsets
from perpbook.funding.planner import Planner
from perpbook.funding.scan import Candidate, Place, scan
from perpbook.funding.trading import Desk, Money
from perpbook.margin.assess import assess
from perpbook.model.account import Account, Balance, Position
from perpbook.model.bars import Settlements
from perpbook.model.book import Book
from perpbook.model.market import Depth, Market, Quote, Snapshot
from perpbook.model.units import DAY_NS, HOUR_NS, from_iso
from perpbook.report.offsets_page import offsets_page
from perpbook.runs.offsets import held_as
from perpbook.terms.load import load_terms

NOW = from_iso("2026-10-01T00:00:00Z")
PRICE = 60_000.0
TERMS = {venue: load_terms(venue) for venue in ("binance", "hyperliquid")}
HORIZONS = (DAY_NS, 7 * DAY_NS, 14 * DAY_NS, 30 * DAY_NS)
PAGE = (Path(__file__).parents[2] / "docs" / "offsets.md").read_text(encoding="utf-8")
HL, BN = ("hyperliquid", "BTC"), ("binance", "BTCUSDT")


def curve(key: tuple[str, str], yearly: float, width: float = 0.0) -> tuple[Forecast, ...]:
    """A rate a year that stays, give or take `width` a year."""
    return tuple(
        Forecast(
            venue=key[0], symbol=key[1], now_ns=NOW, horizon_ns=horizon, level=0.9, model="last", flip=0.0,
            half_life_ns=None, last_rate=yearly / (365 * 24), interval_ns=HOUR_NS,
            **{name: (yearly + way * width) * horizon / (365 * DAY_NS) for name, way in (("mean", 0), ("low", -1), ("high", 1))},
        )
        for horizon in HORIZONS
    )  # fmt: skip


def desk(long: float = 2.0, hl: float = 50_000.0, bn: float = 50_000.0, depth: Depth | None = None) -> Desk:
    """A long on Hyperliquid, and an account on Binance that holds nothing."""
    own = (Position(symbol="BTC", quantity=long, entry_price=PRICE),) if long else ()
    accounts = (
        Account(id="hl", venue="hyperliquid", collateral=(Balance(asset="USDC", amount=hl),), positions=own),
        Account(id="bn", venue="binance", collateral=(Balance(asset="USDT", amount=bn),)),
    )
    quotes = {
        key: Quote(venue=key[0], symbol=key[1], mark_price=PRICE, oracle_price=PRICE, depth=depth) for key in (HL, BN)
    }
    market = Market(as_of_ns=NOW, source="made", quotes=quotes, simulated=True)
    return Desk(
        snapshot=Snapshot(book=Book(as_of_ns=NOW, source="made", accounts=accounts), market=market), terms=TERMS
    )


def by_hand(source: str, destination: str, dollars: float) -> Money:
    return Money(source=source, destination=destination, dollars=dollars, seconds=600.0, fee=5.0, by="a bridge")


def planner(at: Desk, dear: float = 0.3, cheap: float = 0.1, width: float = 0.05) -> Planner:
    return Planner(desk=at, curves={HL: curve(HL, dear, width), BN: curve(BN, cheap, width)}, send=by_hand, horizon=2)


def plan_of(found: tuple[Bleeding, ...], kind: str) -> Offset:
    return next(one for one in found[0].offsets if one.way.kind == kind)


def test_the_same_elsewhere_saves_the_difference_and_costs_two_trades() -> None:
    found = plan_of(plan_offsets(planner(desk())), "venue")
    fees = sum(TERMS[venue].fees[0].taker_fee_rate + 1e-4 for venue in TERMS)
    assert found.saved.mean == pytest.approx(2 * PRICE * 0.2 * 14 / 365)
    assert found.cost == pytest.approx(2 * PRICE * fees) and found.way.kept == pytest.approx(1.0)
    assert found.net.mean == found.saved.mean - found.cost and found.net.low < found.net.mean < found.net.high
    assert found.break_even_ns == pytest.approx(found.cost / (2 * PRICE * 0.2) * 365 * DAY_NS)


def test_the_course_of_a_way_comes_above_nothing_where_it_pays() -> None:
    for one in plan_offsets(planner(desk()))[0].offsets:
        assert [point.after_ns for point in one.course] == list(HORIZONS)
        assert one.course[2].net == one.net
        paid = [point.after_ns for point in one.course if point.net.mean >= 0.0]
        assert (one.break_even_ns is None) == (not paid)
        assert one.break_even_ns is None or one.break_even_ns <= paid[0]


@pytest.mark.parametrize("words", ["BTC", "btc", "BTC @ hl", "BTC@hl"])
def test_a_position_is_named_by_symbol_or_coin_and_account(words: str) -> None:
    assert held_as(desk(), words) == {("hl", "BTC")}
    found = plan_offsets(planner(desk()), only=held_as(desk(), words))
    assert found == plan_offsets(planner(desk())) and plan_offsets(planner(desk()), only=frozenset()) == ()


def test_the_page_draws_ways_carry_and_when_each_pays() -> None:
    (one,) = plan_offsets(planner(desk(bn=100.0), dear=0.3, cheap=0.1))
    told = Told(as_of="2026-10-01T00:00:00Z", horizon_days=14.0, level=0.9, simulated=True, notes=("a <b>note</b>",))
    page = offsets_page(Offsets(told=told, positions=(one,)), "0")
    found = re.search(r'id="figures">(.*?)</script>', page, re.DOTALL)
    assert found and "default-src 'none'" in page and "SIMULATED" in page and "<b>note" not in page
    figures = json.loads(found[1])
    assert set(figures) == {"ways-0", "carry-0", "pays-0"} and all(f'data-figure="{name}"' in page for name in figures)
    as_is, saved, cost, waiting, left = figures["carry-0"]["data"][0]["y"]
    assert as_is < 0.0 and cost <= 0.0 and waiting <= 0.0 and left == pytest.approx(as_is + saved + cost + waiting)
    (marks,) = figures["ways-0"]["data"]
    assert marks["x"] == [offset.net.mean for offset in one.offsets] and "circle-open" in marks["marker"]["symbol"]
    assert [line["y"][0] for line in figures["pays-0"]["data"]] == [-offset.cost for offset in one.offsets]


@pytest.mark.parametrize("kind", ["venue", "hedge", "smaller"])
def test_a_book_is_worth_its_cost_less_after_a_way(kind: str) -> None:
    at = desk()
    found = plan_of(plan_offsets(planner(at)), kind)
    before, after = (
        assess(one, TERMS).assessment.book.equity for one in (at.snapshot, at.after(found.way.trades).snapshot)
    )
    times = 2.0 if kind == "hedge" else 1.0
    assert found.cost == pytest.approx(times * (before - after))


def test_what_saves_nothing_never_pays_for_itself() -> None:
    found = plan_of(plan_offsets(planner(desk(), dear=0.3, cheap=0.3)), "venue")
    assert found.break_even_ns is None and found.net.mean == pytest.approx(-found.cost)
    assert plan_of(plan_offsets(planner(desk(), dear=0.3, cheap=0.29)), "venue").break_even_ns is None


def test_a_short_that_receives_is_left_alone_and_one_that_pays_is_not() -> None:
    assert plan_offsets(planner(desk(long=-2.0))) == ()
    found = plan_offsets(planner(desk(long=-2.0), dear=-0.3, cheap=-0.1))
    assert found[0].yearly == pytest.approx(0.3) and found[0].carry.mean < 0.0
    assert plan_of(found, "venue").saved.mean > 0.0 and plan_of(found, "venue").way.trades[1].quantity == -2.0


def test_liquidations_are_those_of_the_book_after_it() -> None:
    at = desk()
    found = plan_of(plan_offsets(planner(at)), "venue")
    after = {one.id: one for one in assess(at.after(found.way.trades).snapshot, TERMS).assessment.accounts}
    for one in found.dangers:
        assert one.move_after == after[one.account].liquidation_move
    assert [one.account for one in found.dangers] == ["hl", "bn"] and found.dangers[0].move_after is None


def test_margin_that_lacks_is_sent_and_where_there_is_none_the_way_is_refused() -> None:
    sent = plan_of(plan_offsets(planner(desk(bn=1_000.0))), "venue")
    assert sent.money is not None and sent.money.by == "a bridge" and sent.refused == ""
    poor = plan_offsets(planner(desk(bn=100.0), dear=0.1, cheap=0.3))
    assert "bn lacks" in plan_of(poor, "hedge").refused and poor[0].offsets[-1].refused != ""


def test_money_that_the_source_cannot_spare_before_the_trades_is_not_sent() -> None:
    thin = plan_of(plan_offsets(planner(desk(hl=3_500.0, bn=10.0))), "venue")
    assert thin.money is None and "hl has 500 free before the trades" in thin.refused


def test_money_sent_lets_the_opened_account_live_through_the_move() -> None:
    at = desk(bn=1_000.0)
    found = plan_of(plan_offsets(planner(at)), "venue")
    assert found.money is not None and not any(one.dies for one in found.dangers)
    waiting = assess(at.after((), (), found.money).snapshot, TERMS).assessment
    assert waiting.accounts[0].summary.free_collateral >= 0.0
    assert found.dangers[0].move_waiting == waiting.accounts[0].liquidation_move


def test_a_way_that_an_account_dies_of_stands_behind_one_that_none_does() -> None:
    found = plan_offsets(planner(desk(bn=8_000.0)))[0].offsets
    kinds = [one.way.kind for one in found]
    assert found[0].net.mean < plan_of((plan_offsets(planner(desk(bn=8_000.0)))[0],), "venue").net.mean
    assert kinds.index("smaller") < kinds.index("venue") and any(one.dies for one in found[-1].dangers)


@pytest.mark.parametrize("kind", ["venue"])
def test_money_without_a_route_leaves_the_way_refused(kind: str) -> None:
    lost = replace(
        planner(desk(bn=1_000.0)), send=lambda one, other, sum_: Money(source=one, destination=other, dollars=sum_)
    )
    found = plan_of(plan_offsets(lost), kind)
    assert found.money is None and "no route from hl is known" in found.refused


def test_a_venue_that_takes_coins_lets_a_long_be_held_as_coins() -> None:
    at = desk(long=0.0)
    own = replace(at.account("bn"), positions=(Position(symbol="BTCUSDT", quantity=1.0, entry_price=PRICE),))
    book = replace(at.snapshot.book, accounts=(at.account("hl"), own))
    found = plan_offsets(planner(replace(at, snapshot=replace(at.snapshot, book=book)), dear=0.05, cheap=0.2))
    spot = plan_of(found, "spot")
    assert spot.way.coins != () and spot.refused == "" and spot.way.kept == 1.0
    assert spot.way.coins[0].dollars == pytest.approx(-spot.way.trades[0].quantity * PRICE)
    assert 0.0 < spot.way.coins[0].dollars < 50_000.0 and spot.saved.mean > 0.0
    assert spot.cost == pytest.approx(spot.way.coins[0].dollars * 2.0 * (1e-3 + 1e-4))
    assert any("dated futures" in one for one in found[0].missing)


def test_depth_that_is_known_is_paid_for() -> None:
    deep = Depth(bids=((59_900.0, 1.0), (59_700.0, 5.0)), asks=((60_100.0, 1.0), (60_300.0, 5.0)))
    found = plan_of(plan_offsets(planner(desk(depth=deep))), "venue")
    fees = sum(TERMS[venue].fees[0].taker_fee_rate for venue in TERMS)
    assert found.cost == pytest.approx(2 * PRICE * fees + 2 * (100.0 + 300.0)) and found.assumed == ()


def test_what_pays_and_keeps_the_direction_stands_first() -> None:
    kinds = [one.way.kind for one in plan_offsets(planner(desk()))[0].offsets]
    assert kinds[0] == "venue" and set(kinds[1:]) == {"hedge", "smaller"}
    assert plan_offsets(planner(desk(), cheap=0.3))[0].offsets[-1].way.kind == "venue"


# Carry


def history(hours: int, recent: float) -> Settlements:
    """A hundred days of a rate that wanders by the day, and of another one for the last three."""
    times = NOW - HOUR_NS * np.arange(100 * 24, 0, -hours, dtype=np.int64)
    rates = 1e-5 * (1.0 + np.sin(np.arange(times.size) * hours / 24.0))
    rates[times >= NOW - 3 * DAY_NS] = recent
    return Settlements(times_ns=times, rates=rates, interval_ns=np.full(times.size, hours * HOUR_NS))


def scanned(at: Desk, dollars: float = 20_000.0) -> tuple[Candidate, ...]:
    places = [Place(account="hl", symbol="BTC", asset="BTC"), Place(account="bn", symbol="BTCUSDT", asset="BTC")]
    return scan(planner(at), places, dollars, {HL: history(1, 1e-4), BN: history(8, 1e-5)})


def test_carry_is_long_the_cheap_and_short_the_dear() -> None:
    pair = next(one for one in scanned(desk(long=0.0)) if one.kind == "venues")
    assert [(leg.account, leg.dollars > 0) for leg in pair.legs] == [("bn", True), ("hl", False)]
    assert pair.receive.mean == pytest.approx(20_000 * 0.2 * 14 / 365, rel=1e-3)
    assert pair.cost == pytest.approx(2 * 20_000 * sum(TERMS[v].fees[0].taker_fee_rate + 1e-4 for v in TERMS), rel=1e-3)
    assert pair.net.mean == pair.receive.mean - pair.cost and pair.yearly == pytest.approx(
        pair.net.mean / 20_000 * 365 / 14
    )
    assert pair.z_score is not None and pair.z_score > 3.0 and pair.capacity is None


def test_how_unusual_a_pair_is_is_told_as_of_the_forecasts() -> None:
    places = [Place(account="hl", symbol="BTC", asset="BTC"), Place(account="bn", symbol="BTCUSDT", asset="BTC")]
    base, pasts = planner(desk(long=0.0)), {HL: history(1, 1e-4), BN: history(8, 1e-5)}
    earlier = {key: tuple(replace(one, now_ns=NOW - 4 * DAY_NS) for one in curve) for key, curve in base.curves.items()}
    now, then = (scan(replace(base, curves=curves), places, 20_000.0, pasts) for curves in (base.curves, earlier))
    scores = [next(one.z_score for one in found if one.kind == "venues") for found in (now, then)]
    assert scores[0] is not None and scores[0] > 3.0 and (scores[1] is None or scores[1] < 3.0)


def test_legs_die_apart() -> None:
    pair = next(one for one in scanned(desk(long=0.0, hl=2_700.0)) if one.kind == "venues")
    long, short = pair.legs
    assert (long.dies, short.dies) == (False, True) and short.ratio_up > 1.0 > short.ratio_down


def test_coins_against_a_short_stand_in_one_account_and_cost_its_cash() -> None:
    spot = next(one for one in scanned(desk(long=0.0)) if one.kind == "spot")
    assert spot.legs[0].coins and {leg.account for leg in spot.legs} == {"bn"} and spot.refused == ""
    dear = next(one for one in scanned(desk(long=0.0), 60_000.0) if one.kind == "spot")
    assert "of cash to buy the coins" in dear.refused or "of initial margin" in dear.refused


def test_capacity_is_the_thinner_side() -> None:
    deep = Depth(bids=((60_000.0, 1.0),), asks=((60_000.0, 3.0),))
    pair = next(one for one in scanned(desk(long=0.0, depth=deep)) if one.kind == "venues")
    assert pair.capacity == pytest.approx(60_000.0)


# The page


def test_the_page_shows_what_is_printed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PERPBOOK_DATA_LAKE", "lake")
    book = re.search(r"```toml\n(.*?)```", PAGE, re.DOTALL)
    assert book
    Path("book.toml").write_text(book[1], encoding="utf-8")
    quotes = re.search(r"```csv\n(.*?)```", PAGE, re.DOTALL)
    assert quotes
    Path("dated.csv").write_text(quotes[1], encoding="utf-8")
    for block in re.findall(r"```console\n\$ (.*?)```", PAGE, re.DOTALL):
        for command, *lines in (part.splitlines() for part in block.split("\n$ ")):
            run = CliRunner().invoke(app, shlex.split(command)[1:])
            assert run.exit_code == 0, run.stderr
            printed = [line.rstrip() for line in run.stdout.splitlines()]
            assert [line for line in lines if line.rstrip() not in printed] == [], run.stdout


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--part", "1"], "no part of a position"),
        (["--least", "nan"], "dollars over the horizon"),
        (["--half-spread", "0.5"], "fraction of price"),
        (["X"], 'holds no "X": it holds BTCUSDT @ main'),
        (["BTC @ second"], 'holds no "BTC @ second"'),
        (["book.toml"], "a book file goes with --book"),
    ],
)
def test_an_option_that_means_nothing_is_refused(
    options: list[str], message: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    made = re.search(r"```toml\n(.*?)```", PAGE, re.DOTALL)
    assert made
    Path("book.toml").write_text(made[1], encoding="utf-8")
    run = CliRunner().invoke(app, ["funding", "offset", "--lake", "lake", *options])
    assert run.exit_code == 3 and message in run.stderr


def test_a_named_position_without_known_funding_is_not_said_to_cost_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    made = re.search(r"```toml\n(.*?)```", PAGE, re.DOTALL)
    assert made
    held = "quantity = 1.5, entry_price = 90000.0 }"
    book = made[1].replace(held, held + ', { symbol = "ETHUSDT", quantity = 1.0, entry_price = 3000.0 }')
    priced = '[[markets]]\nvenue = "binance"\nsymbol = "ETHUSDT"\nmark_price = 3000.0\n'
    Path("book.toml").write_text(book + priced, encoding="utf-8")
    lake = ["--lake", "lake"]
    span = ["--venues", "binance", "--start", "2026-08-01", "--days", "112", "--bar", "8h"]
    CliRunner().invoke(app, ["data", "generate", "--assets", "1", *span, *lake])
    run = CliRunner().invoke(app, ["funding", "offset", "ETH", "--horizon", "1d", *lake])
    assert run.exit_code == 20 and "no funding of ETH can be forecast" in run.stderr
