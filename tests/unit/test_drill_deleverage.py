"""Auto-deleveraging, empty insurance funds and marks away from trades in drills, worked out by hand."""

from __future__ import annotations

from pathlib import Path

import pytest

from perpbook.engine.drill import replay_path
from perpbook.kernels.drill import END, LEAST
from perpbook.kernels.toll import BARE, DEBT, TAKEN
from perpbook.report.drill_measures import measures_of
from perpbook.report.drill_tolls import toll_lines, toll_sentences
from tests.unit.storm_drills import Fallen, account, fall_on, mark

DESK = Path(__file__).parents[2] / "src/perpbook/examples/desk"
GAP = '\n[[price]]\nof = "BTC"\nmove = -0.1\nat = "1h"\n'
EMPTY = 'insurance_empty = ["*"]\n'
BTC = mark("binance", "BTCUSDT", 60_000)
LONG = account("long", "binance", {"USDT": 20_000}, {"BTCUSDT": (10, 60_000)})


def held_at_end(fallen: Fallen, name: str) -> dict[str, float]:
    outcome = replay_path(fallen.plan.drill, 0)
    rows = [(number, row) for number, row in enumerate(outcome.arrangement.rows) if row.terms]
    own = [(number, row) for number, row in rows if outcome.arrangement.accounts[row.account].id == name]
    return {row.symbol: float(outcome.quantities(number)[1][-1]) for number, row in own}


def test_a_debt_is_the_funds_while_it_pays(tmp_path: Path) -> None:
    short = account("short", "binance", {"USDT": 100_000}, {"BTCUSDT": (-6, 60_000)})
    found = fall_on(tmp_path, [LONG, short, BTC], GAP)
    # 20,000 less 10 x 6,000 are a debt of 40,000; the penalty, 1.2 % of 540,000, comes to nobody.
    assert found.toll("long", DEBT) == pytest.approx(40_000) and found.end("long") == 0.0
    assert found.end("short") == 136_000 and found.toll("short", TAKEN) == 0.0
    told = toll_sentences(measures_of(found.found, ("long", "short"), 1.0, {}).tolls, 1)
    assert told == ["long goes bankrupt and leaves its venue a debt of 40,000 of its own coin."]


def test_without_a_fund_winners_are_closed_where_the_loser_is_bankrupt(tmp_path: Path) -> None:
    short = account("short", "binance", {"USDT": 100_000}, {"BTCUSDT": (-6, 60_000)})
    found = fall_on(tmp_path, [LONG, short, BTC], EMPTY + GAP)
    # The long is bankrupt at 60,000 - 20,000 / 10 = 58,000: there the short's 6 are closed, for 6 x 2,000 and not 6 x 6,000.
    assert found.end("short") == pytest.approx(112_000) and held_at_end(found, "short") == {"BTCUSDT": 0.0}
    assert found.toll("short", TAKEN) == pytest.approx(6 * 54_000) and found.toll("short", BARE) == 0.0
    assert found.toll("long", DEBT) == pytest.approx(40_000)


def test_without_a_fund_no_more_is_closed_than_the_loser_held(tmp_path: Path) -> None:
    short = account("short", "binance", {"USDT": 100_000}, {"BTCUSDT": (-16, 60_000)})
    found = fall_on(tmp_path, [LONG, short, BTC], EMPTY + GAP)
    # Of 16, 10 are closed at 58,000 and 6 are still short at 54,000.
    assert found.end("short") == pytest.approx(100_000 + 10 * 2_000 + 6 * 6_000)
    assert held_at_end(found, "short") == {"BTCUSDT": pytest.approx(-6.0)}


def test_other_venues_and_losing_sides_pay_nothing(tmp_path: Path) -> None:
    short = account("short", "hyperliquid", {"USDC": 100_000}, {"BTC": (-6, 60_000)})
    late = account("late", "binance", {"USDT": 100_000}, {"BTCUSDT": (-6, 50_000)})
    parts = [LONG, short, late, BTC, mark("hyperliquid", "BTC", 60_000)]
    found = fall_on(tmp_path, parts, EMPTY + GAP)
    assert found.end("short") == 136_000 and found.end("late") == 100_000 - 6 * 4_000


def taken(folder: Path, venue: str, symbols: tuple[str, str], more: str = "") -> Fallen:
    """A short of 1 BTC from 100,000 on 10,000 and a short of 20 ETH from 4,000 on 80,000, at 90,000 and 3,000: half is taken."""
    coin = "USDT" if venue == "binance" else "USDC"
    parts = [
        account("geared", venue, {coin: 10_000}, {symbols[0]: (-1, 100_000)}),
        account("calm", venue, {coin: 80_000}, {symbols[1]: (-20, 4_000)}),
        mark(venue, symbols[0], 90_000),
        mark(venue, symbols[1], 3_000),
        more,
    ]
    return fall_on(folder, parts, f'\n[[adl]]\nvenue = "{venue}"\nat = "1h"\nshare = 0.5\n')


@pytest.mark.parametrize(("venue", "symbols"), [("binance", ("BTCUSDT", "ETHUSDT")), ("hyperliquid", ("BTC", "ETH"))])
def test_the_first_in_the_queue_are_closed_first(tmp_path: Path, venue: str, symbols: tuple[str, str]) -> None:
    # 10 % of gain at 90,000 / 20,000 = 4.5 times is 0.45; 25 % at 60,000 / 100,000 = 0.6 times is 0.15. By price 1.11 x 4.5 = 5
    # and 1.33 x 0.6 = 0.8. Half of the winners' 150,000 is 75,000: all of it is the geared one's.
    found = taken(tmp_path, venue, symbols)
    assert found.toll("geared", TAKEN) == pytest.approx(75_000) and found.toll("calm", TAKEN) == 0.0
    assert held_at_end(found, "geared") == {symbols[0]: pytest.approx(-1 + 75 / 90)}
    assert found.end("geared") == pytest.approx(20_000) and found.end("calm") == 100_000


def test_a_venue_without_a_queue_takes_the_share_of_everyone(tmp_path: Path) -> None:
    found = taken(tmp_path, "dydx", ("BTC-USD", "ETH-USD"))
    assert found.toll("geared", TAKEN) == pytest.approx(45_000)
    assert found.toll("calm", TAKEN) == pytest.approx(30_000)


def test_what_the_taken_leg_leaves_alone_is_told(tmp_path: Path) -> None:
    hedge = account("hedge", "hyperliquid", {"USDC": 50_000}, {"BTC": (0.5, 90_000)}) + mark(
        "hyperliquid", "BTC", 90_000
    )
    found = taken(tmp_path, "binance", ("BTCUSDT", "ETHUSDT"), hedge)
    # 75,000 of the short's 90,000 are closed; its other leg is a long of 45,000, of which 15,000 are left with one.
    assert found.toll("geared", BARE) == pytest.approx(30_000)
    measures = measures_of(found.found, ("geared", "calm", "hedge"), 1.0, {})
    assert "75,000 of exposure that wins there; 30,000 of it leaves" in toll_sentences(measures.tolls, 1)[0]
    names = [name for name, _ in toll_lines([measures.tolls], 1)]
    assert names == ["winners closed by venues", "of which left another leg alone"]


def test_what_marks_kill_is_closed_where_it_trades(tmp_path: Path) -> None:
    parts = [
        account("main", "hyperliquid", {"USDC": 3_600}, {"BTC": (1, 60_000)}),
        mark("hyperliquid", "BTC", 60_000),
    ]
    found = fall_on(tmp_path, parts, '\n[[mark]]\nof = "BTC"\ndeviation = -0.05\nat = "1h"\nlasts = "1h"\n')
    # At a mark of 57,000 600 are left where 57,000 x 1.25 % = 712.5 are needed; the order fills at 60,000 and pays 0.045 %.
    assert found.died("main") and found.end("main") == pytest.approx(3_600 - 60_000 * 0.00045)
    assert replay_path(found.plan.drill, 0).attribution()["slippage"] == pytest.approx(3_000)


def test_marks_above_trades_kill_shorts_alike(tmp_path: Path) -> None:
    parts = [
        account("main", "hyperliquid", {"USDC": 3_600}, {"BTC": (-1, 60_000)}),
        mark("hyperliquid", "BTC", 60_000),
    ]
    found = fall_on(tmp_path, parts, '\n[[mark]]\nof = "BTC"\ndeviation = 0.05\nat = "1h"\nlasts = "1h"\n')
    assert found.died("main") and found.end("main") == pytest.approx(3_600 - 60_000 * 0.00045)


def test_an_empty_fund_changes_nothing_where_nobody_is_bankrupt(tmp_path: Path) -> None:
    short = account("short", "binance", {"USDT": 100_000}, {"BTCUSDT": (-6, 60_000)})
    calm = account("long", "binance", {"USDT": 90_000}, {"BTCUSDT": (10, 60_000)})
    one, other = (fall_on(tmp_path, [calm, short, BTC], said + GAP) for said in ("", EMPTY))
    assert (one.found.figures == other.found.figures).all() and (other.found.tolls == 0.0).all()


@pytest.mark.parametrize(
    "storm", ["crash-2025-10-10", "flash-crash + insurance-empty + winners-taken", "oracle-low + gap-down + usdc-088"]
)
def test_no_dollar_is_lost_or_made_in_a_desks_storm(tmp_path: Path, storm: str) -> None:
    # A replay checks account by account that start, profit, funding and every cost make the end.
    text = (DESK / "book.toml").read_text(encoding="utf-8")
    found = fall_on(tmp_path, [text.split("simulated = true", 1)[1]], storm, hours=6)
    outcome = replay_path(found.plan.drill, 0)
    assert outcome.equity[-1] == pytest.approx(found.found.figures[0, END], rel=1e-12)
    assert outcome.equity.min() == pytest.approx(found.found.figures[0, LEAST], rel=1e-12)
