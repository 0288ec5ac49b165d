"""`perpbook hedge`: from a book and a lake to words and to JSON, what it does to accounts, and what it refuses."""

from __future__ import annotations

import json
import re
import shlex
from dataclasses import replace
from io import StringIO
from pathlib import Path

import numpy as np
import pytest
from rich.console import Console
from typer.testing import CliRunner

from perpbook.cli.hedge import app
from perpbook.cli.main import app as program
from perpbook.errors import InputError, MissingData
from perpbook.hedging.plan import HedgePlan, InStorm, Placement
from perpbook.hedging.trust import Again, Part, with_the_rest
from perpbook.history.importing import import_files
from perpbook.history.load import read_settlements
from perpbook.history.recognise import Naming
from perpbook.kernels.types import Floats
from perpbook.model.scenario import Scenario
from perpbook.model.units import HOUR_NS, from_iso
from perpbook.report.hedge_page import effect_figure, hedge_page
from perpbook.report.hedge_tables import tables_of
from perpbook.report.hedge_text import sentences_of, tell_hedge
from perpbook.runs.data import Recipe, open_lake, run_generate
from perpbook.runs.hedge import open_desk, run_hedge
from perpbook.runs.hedge_asked import HedgeAsked
from perpbook.runs.hedge_desk import HedgeDesk, funding_rate, priced
from perpbook.runs.hedge_past import PastAsked, of_venue, read_past
from perpbook.runs.hedge_place import hedged, place, places, put_on
from perpbook.runs.hedge_storms import Weathered, joint_grid, told
from perpbook.tails.estimate import Estimate
from tests.unit.history_lakes import ROOT, real_data

START = from_iso("2024-01-01")

BOOK = """
schema = "book/1"
as_of = "2026-11-20T12:00:00Z"
simulated = true
[prices]
BTC = 90000.0
ETH = 3000.0
[betas]
ETH = 1.1
[[accounts]]
id = "hl"
venue = "hyperliquid"
collateral = {{ USDC = {collateral} }}
[[accounts.positions]]
symbol = "ETH"
quantity = 100.0
entry_price = 3000.0
leverage = 20
[[accounts]]
id = "bin"
venue = "binance"
collateral = {{ USDT = 60000.0 }}
[[accounts.positions]]
symbol = "BTCUSDT"
quantity = 0.5
entry_price = 90000.0
[[markets]]
venue = "hyperliquid"
symbol = "ETH"
mark_price = 3000.0
funding_rate = 0.00001
[[markets]]
venue = "binance"
symbol = "BTCUSDT"
mark_price = 90000.0
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("hedge")
    recipe = Recipe(assets=2, venues=("binance",), start_ns=START, days=60.0, bar_ns=HOUR_NS, seed=3)
    run_generate(made / "lake", recipe, now_ns=START)
    (made / "book.toml").write_text(BOOK.format(collateral=40_000.0), encoding="utf-8")
    (made / "poor.toml").write_text(BOOK.format(collateral=15_050.0), encoding="utf-8")
    return made


def asked(folder: Path, book: str = "book.toml", method: str = "delta") -> HedgeAsked:
    past = PastAsked(lake=folder / "lake", bar_ns=4 * HOUR_NS)
    return HedgeAsked(book=folder / book, playbook=None, past=past, method=method, storms=("historic",))


@pytest.fixture(scope="module")
def desk(folder: Path) -> HedgeDesk:
    return open_desk(asked(folder)).desk


@pytest.fixture(scope="module")
def plan(folder: Path) -> HedgePlan:
    return run_hedge(asked(folder))


def at(plan: HedgePlan, where: str, mode: str) -> Placement:
    return next(one for one in plan.placements if (one.where, one.mode) == (where, mode))


def test_a_book_hedged_with_its_own_assets_is_left_with_nothing(plan: HedgePlan) -> None:
    assert [one.asset for one in plan.parts] == ["ETH", "BTC"] and all(one.kept for one in plan.parts)
    assert [one.hedged for one in plan.exposures] == pytest.approx([0.0, 0.0], abs=1e-6)
    assert plan.chosen is not None and plan.chosen.shortfall == pytest.approx(0.0, abs=1e-6)
    assert not [one for one in plan.storms if "loses more" in one.fails]


def test_a_hedge_elsewhere_does_not_protect_the_account_that_dies_first(plan: HedgePlan) -> None:
    before = plan.unhedged.first_move
    assert plan.unhedged.first == "hl" and before is not None
    assert at(plan, "bin", "cross").protected == pytest.approx(before)
    here = at(plan, "hl", "cross")
    assert here.kind == "same account" and (here.protected is None or abs(here.protected) > 2 * abs(before))
    assert at(plan, "hl", "isolated").legs == () or at(plan, "hl", "isolated").protected != here.protected


def test_an_account_without_room_takes_the_part_that_fits_and_says_what_it_lacks(folder: Path) -> None:
    desk = open_desk(asked(folder, "poor.toml")).desk
    where = next(one for one in places(desk, {"BTC": -200_000.0}) if one.name == "hl" and not one.isolated)
    found = place(desk, where, "delta")
    assert found.fits < 0.2 and found.lacking > 1_000.0
    assert all(one.free_collateral >= -1e-6 for one in found.accounts)
    apart = place(desk, replace(where, isolated=True), "delta")
    assert apart.fits <= found.fits


def test_a_hedge_within_an_isolated_account_is_the_trade_that_is_gone_through_storms(folder: Path) -> None:
    apart = BOOK.format(collateral=40_000.0).replace('id = "hl"', 'id = "hl"\nmode = "isolated"\nparent = "main"')
    main = '[[accounts]]\nid = "main"\nvenue = "hyperliquid"\ncollateral = { USDC = 40000.0 }\n'
    (folder / "apart.toml").write_text(apart + main, encoding="utf-8")
    desk = open_desk(asked(folder, "apart.toml")).desk
    inside, beside = (
        place(
            desk, next(one for one in places(desk, {"ETH": -300_000.0}) if (one.name, one.isolated) == which), "delta"
        )
        for which in (("hl", False), ("main", True))
    )
    assert (inside.mode, inside.isolated) == ("isolated", False) and (beside.mode, beside.isolated) == (
        "isolated",
        True,
    )
    accounts = {one.id: one for one in put_on(desk, inside).book.accounts}
    assert set(accounts) == {"hl", "bin", "main"} and not accounts["hl"].positions
    assert "main-hedge-ETH" in [one.id for one in put_on(desk, beside).book.accounts]


def test_a_short_is_paid_a_positive_rate_and_a_long_pays_it(desk: HedgeDesk) -> None:
    one = priced(desk, desk.account("hl"), "ETH")
    assert one is not None and one.quote.funding_rate == 0.00001
    hours = desk.horizon_ns / one.venue.funding.interval_ns
    assert funding_rate(desk, one) == pytest.approx(0.00001 * hours) and hours == 4.0
    of_late = replace(one, quote=replace(one.quote, funding_rate=None))
    assert funding_rate(replace(desk, funding={"ETH": 2e-6}), of_late) == pytest.approx(8e-6)
    own = {"ETH": 2e-6, of_venue("hyperliquid", "ETH"): 3e-6, of_venue("binance", "ETH"): 4e-6}
    assert funding_rate(replace(desk, funding=own), of_late) == pytest.approx(12e-6)
    where = next(one for one in places(desk, {"ETH": -30_000.0}) if one.name == "hl" and not one.isolated)
    (short,) = place(desk, where, "delta").legs
    (long,) = place(desk, replace(where, wanted={("hl", "ETH"): 30_000.0}), "delta").legs
    assert short.funding == pytest.approx(-1.2, rel=1e-3) and long.funding == pytest.approx(1.2, rel=1e-3)


def test_funding_of_late_is_each_venues_own(tmp_path: Path) -> None:
    recipe = Recipe(seed=1, assets=2, venues=("binance", "hyperliquid"), start_ns=START, days=60, bar_ns=4 * HOUR_NS)
    run_generate(tmp_path / "lake", recipe, now_ns=0)
    lake = open_lake(tmp_path / "lake")
    end = START + 50 * 24 * HOUR_NS
    found = read_past(PastAsked(lake=tmp_path / "lake", bar_ns=4 * HOUR_NS, until_ns=end), ("BTC", "ETH")).funding
    for venue in ("binance", "hyperliquid"):
        (held,) = lake.held("funding", venue, "ETH-*")
        past = read_settlements(lake, held, start_ns=end - 720 * HOUR_NS, end_ns=end)
        assert found[of_venue(venue, "ETH")] == pytest.approx(past.rates.sum() / 720.0)
    assert found["ETH"] == pytest.approx(found["binance ETH"])


def test_money_is_only_moved_and_paid_out_for_costs(desk: HedgeDesk) -> None:
    for where in places(desk, {"BTC": -20_000.0}):
        found = place(desk, where, "delta")
        if found.legs:
            equity = sum(one.equity for one in found.accounts)
            assert equity == pytest.approx(desk.before.assessment.book.equity - found.cost, abs=1e-6)
    assert hedged(desk, where, []) == desk.before.snapshot


def test_least_shortfall_is_sought_anew_in_every_place_and_told(folder: Path) -> None:
    run = CliRunner().invoke(
        app, ["plan", str(folder / "book.toml"), "--lake", str(folder / "lake"), "--bar", "4h", "--against", "BTC",
              "--storms", "historic", "--turnover", "50000", "--html", str(folder / "page.html"), "--json"],
    )  # fmt: skip
    assert run.exit_code in (0, 10), run.stderr
    document = json.loads(run.stdout)
    data = document["data"]
    assert document["schema"] == "hedge-plan/1" and document["ok"]
    assert data["chosen"]["shortfall"] < data["unhedged"]["shortfall"]
    assert sum(abs(one["dollars"]) for one in data["chosen"]["legs"]) <= 50_000.0
    assert {one["name"] for one in data["sets"]} == {"base", "tail", "broken"}
    assert {one["kind"] for one in data["storms"]} == {"grid", "historic"}
    assert data["counted"]["storms"] == sum(one["kind"] == "historic" for one in data["storms"])
    assert any("storms gone through" in one for one in data["sentences"])
    page = (folder / "page.html").read_text(encoding="utf-8")
    assert "What to hedge" in page and '"nets": {"data"' in page


def test_the_report_is_told_within_a_hundred_columns(plan: HedgePlan) -> None:
    out = StringIO()
    tell_hedge(Console(file=out, width=100), plan)
    said = out.getvalue()
    assert "SIMULATED history" in said and "Prices are examples" in said and "Where it might sit" in said
    assert max(len(line) for line in said.splitlines()) <= 100
    assert "survival grid" in said and "Margin of every account with the hedge" in said


def test_the_page_draws_how_the_hedge_works_calm_against_tail_beside_gaussian_moves(plan: HedgePlan) -> None:
    assert plan.quality is not None
    seen = replace(plan.quality.calm_correlation, estimate=Estimate(value=0.6, low=0.4, high=0.7, points=90), null=0.5)
    tails = tuple(replace(one, correlation=seen, unhedged=seen) for one in plan.quality.tails)
    drawn = effect_figure(replace(plan, quality=replace(plan.quality, tails=tails)))
    assert drawn is not None
    measured, gaussian = drawn["data"]
    assert measured["y"][:3] == [
        "correlation, calm",
        "correlation, it falls hardest",
        "correlation, it rallies hardest",
    ]
    assert measured["x"][1:5] == [0.6] * 4 and gaussian["x"][1:5] == [0.5] * 4
    assert measured["error_x"]["array"][1] == pytest.approx(0.1)
    assert measured["error_x"]["arrayminus"][1] == pytest.approx(0.2)


def test_the_page_holds_every_table_and_trusts_no_name(plan: HedgePlan) -> None:
    storm = replace(plan.storms[-2], storm="<b>bad</b>", felt=True, change_without=-5_000.0)
    page = hedge_page(replace(plan, storms=(*plan.storms, storm)))
    assert "SIMULATED" in page and "fetches nothing" in page and "<b>bad</b>" not in page
    for name in ("sets", "calm", "storms"):
        assert f'data-figure="{name}"' in page
    assert page.count("<table>") == len(list(tables_of(plan)))


def test_what_the_book_is_is_reported_without_a_hedge(folder: Path) -> None:
    found = run_hedge(asked(folder, method="report"))
    assert found.chosen is None and not found.parts and not found.storms
    assert any("of BTC by its moves" in one for one in sentences_of(found))


def test_a_storm_fails_where_the_hedge_kills_or_loses_more() -> None:
    calm = Weathered(change=-100.0, start=10_000.0, dies=())
    worse, dead = Weathered(change=-300.0, start=9_990.0, dies=()), Weathered(change=50.0, start=9_990.0, dies=("a",))
    assert told("x", "historic", calm, worse).fails == "loses more"
    assert told("x", "historic", calm, dead).fails == "kills a"
    gained = Weathered(change=900.0, start=10_000.0, dies=("a",))
    assert not told("x", "historic", gained, dead).fails


def test_the_answer_counts_storms_gone_through_and_the_grid(plan: HedgePlan) -> None:
    failed = InStorm(storm="all +5%", kind="grid", dies=("hl",), fails="kills hl", felt=True)
    unfaced = InStorm(storm="crash", kind="historic", not_faced="no bars")
    nothing = [*sentences_of(replace(plan, storms=(unfaced, failed, replace(failed, fails="", dies=()))))][-1]
    assert nothing.startswith("NO storm could be gone through")
    assert nothing.endswith("It FAILS in 1 of the 2 moves of the survival grid, and kills hl in 1 of those.")
    held = InStorm(storm="fall", kind="historic", felt=True)
    some = [*sentences_of(replace(plan, storms=(unfaced, held)))][-1]
    assert some.startswith(
        "Of 1 storms gone through 1 touch the book, 1 (crash) could not be gone through; the hedge fails in none"
    )
    assert '<p class="lead">NO storm' in hedge_page(replace(plan, storms=(unfaced,)))


@pytest.mark.parametrize(
    ("rest", "sold", "kept"), [(0.0, -5_000.0, True), (5_100.0, 100.0, False), (2_000.0, -3_000.0, True)]
)
def test_an_exact_leg_stays_unless_the_others_cancel_it(rest: float, sold: float, kept: bool) -> None:
    def rest_of(counts: Floats) -> float:
        return rest + 4_000.0 * (float(counts[:50].sum()) / 50.0 - 1.0)

    rng = np.random.Generator(np.random.SFC64(1))
    again = Again(draws=200, mean_block=1.0)
    first, second = with_the_rest({"SOL": -5_000.0, "BTC": 900.0}, ("ETH",), rest_of, 100, again, rng)
    assert first.dollars == pytest.approx(sold) and first.kept is kept and first.own == -5_000.0
    assert (second.low, second.high, second.kept) == (900.0, 900.0, True)


def test_why_an_exact_leg_is_cancelled_is_said(plan: HedgePlan) -> None:
    part = Part(asset="SOL", dollars=100.0, low=-90.0, high=290.0, kept=False, own=-5_000.0, others=("BTC", "ETH"))
    (said,) = sentences_of(replace(plan, chosen=None, parts=(part,)))
    assert "holds +$5,000 of SOL, and BTC and ETH come to -$5,100" in said and "name BTC and ETH in --against" in said


def test_both_books_are_assessed_in_one_grid() -> None:
    def grid(name: str, **moves: float) -> Scenario:
        return Scenario(name=name, kind="broken", size=-0.1, moves=moves)

    before = [grid("all", BTC=-0.1), grid("broken", BTC=-0.1)]
    after = [grid("all", BTC=-0.1, ETH=-0.1), grid("broken", BTC=0.1, ETH=-0.1), grid("ETH", ETH=-0.1)]
    found = {one.name: dict(one.moves) for one in joint_grid(before, after)}
    assert found == {
        "all": {"BTC": -0.1, "ETH": -0.1},
        "broken": {"BTC": -0.1, "ETH": -0.1},
        "broken, hedged book": {"BTC": 0.1, "ETH": -0.1},
        "ETH": {"ETH": -0.1},
    }


def test_least_variance_takes_away_what_moves_with_it(folder: Path) -> None:
    found = run_hedge(replace(asked(folder, method="variance"), against=("BTC",)))
    (part,) = found.parts
    assert part.kept and part.high < 0.0
    assert found.sets[0].least_variance["BTC"] == pytest.approx(part.dollars, rel=0.05)
    assert found.sets[0].hedged < found.sets[0].without


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"method": "magic"}, "choose one of delta, variance, cvar"),
        ({"against": ("BTC", "BTC")}, "twice"),
        ({"against": ("NOTACOIN",)}, "no account of this book can hold"),
        ({"tail": 0.9}, "0.025 is the worst fortieth"),
        ({"turnover": -1.0}, "above 0"),
        ({"storms": ("nice",)}, "no such kind"),
        ({"storms": ("grid",)}, "the survival grid is assessed always; choose from historic, synthetic, incident"),
    ],
)
def test_nonsense_is_one_clear_error(folder: Path, change: dict[str, object], said: str) -> None:
    with pytest.raises(InputError, match=said):
        run_hedge(replace(asked(folder), **change))  # type: ignore[arg-type]


def test_a_coin_without_a_past_needs_one_like_it(folder: Path) -> None:
    priced = folder / "sol.toml"
    priced.write_text(
        BOOK.format(collateral=40_000.0).replace("ETH = 3000.0", "ETH = 3000.0\nSOL = 138.0"), encoding="utf-8"
    )
    with_sol = replace(asked(folder), book=priced, against=("SOL",))
    with pytest.raises(MissingData, match="SOL"):
        open_desk(with_sol)
    found = open_desk(replace(with_sol, past=replace(with_sol.past, like={"SOL": "ETH"})))
    assert "ETH's past stands in for SOL's" in found.notes
    with pytest.raises(InputError, match="not among"):
        open_desk(replace(with_sol, past=replace(with_sol.past, like={"DOGE": "ETH"})))


@pytest.mark.parametrize("files", [("book.toml",), ("hedged.toml", "band.toml")])
def test_what_the_page_shows_is_what_happens(
    files: tuple[str, ...], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    parts = (ROOT / "docs/hedging.md").read_text(encoding="utf-8").split("## When one leg is gone")
    page = parts[len(files) - 1]
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PERPBOOK_DATA_LAKE", "lake")
    for name, text in zip(files, re.findall(r"```toml\n(.*?)```", page, re.DOTALL), strict=True):
        Path(name).write_text(text, encoding="utf-8")
    (shown,) = re.findall(r"```console\n(.*?)```", page, re.DOTALL)
    printed = ""
    for line in shown.splitlines():
        if line.startswith("$ "):
            done = CliRunner().invoke(program, shlex.split(line)[2:])
            assert done.exit_code in (0, 10), done.stderr
            printed = done.stdout
        else:
            assert line in [one.rstrip() for one in printed.splitlines()], printed


@pytest.mark.slow
def test_the_example_desk_on_real_history(tmp_path: Path) -> None:
    files = [real_data() / "candles" / "binance_perp_1h.parquet"]
    import_files(files, open_lake(tmp_path), Naming(), now_ns=START, tell=lambda step, number, total: None)
    book = ROOT / "src/perpbook/examples/desk"
    past = PastAsked(lake=tmp_path, since_ns=from_iso("2022-06-26"), until_ns=from_iso("2025-09-01"))
    found = run_hedge(
        HedgeAsked(book=book / "book.toml", playbook=book / "conservative.toml", past=past, storms=("historic",))
    )
    assert found.facts["rows"] == 1_162 and all(one.kept for one in found.parts)
    assert found.chosen is not None and found.chosen.where == "hl-main"
    assert found.chosen.shortfall < 0.4 * found.unhedged.shortfall
    assert [one.storm for one in found.failures] == ["crash-2021-05-19"]
    assert found.chosen.protected == pytest.approx(found.unhedged.first_move)
