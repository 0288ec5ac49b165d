"""`perpbook options`: from files to words and to JSON, and what it refuses."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from typer.testing import CliRunner

from perpbook.cli.main import app
from perpbook.engine.drill import path_bars
from perpbook.hedging.laying import overlay_of
from perpbook.runs.drill import plan_drill
from perpbook.runs.overlay import lay_overlay
from perpbook.runs.overlay_asked import ALONG_PATHS, overlay_from
from perpbook.runs.overlay_drill import drill_overlay
from tests.unit.option_rows import rows, written

BOOK = """
schema = "book/1"
as_of = "2026-08-07T00:00:00Z"
[[accounts]]
id = "main"
venue = "hyperliquid"
mode = "cross"
collateral = { USDC = 60000.0 }
[[accounts.positions]]
symbol = "BTC"
quantity = 2.0
entry_price = 60000.0
[[markets]]
venue = "hyperliquid"
symbol = "BTC"
mark_price = 60000.0
"""
PLAYBOOK = """
schema_version = 1
name = "grid"
[survival]
moves = [0.15, 0.25]
kinds = ["joint"]
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("options")
    (made / "book.toml").write_text(BOOK, encoding="utf-8")
    (made / "playbook.toml").write_text(PLAYBOOK, encoding="utf-8")
    written(made, rows(wide=0.06))
    return made


def ran(*words: str) -> tuple[int, str]:
    done = CliRunner().invoke(app, ["options", *words], catch_exceptions=False)
    return done.exit_code, done.output


def overlay(folder: Path, *words: str) -> tuple[int, str]:
    start = ("overlay", str(folder / "book.toml"), "--chain", str(folder / "chain.json"), "--depth-share", "0.05")
    return ran(*start, "--kind", "grid", *words)


def test_a_chain_is_told_with_its_errors(folder: Path) -> None:
    code, said = ran("chain", str(folder / "chain.json"))
    assert code == 0 and "settled in the coin" in said and said.count("none") == 3
    code, said = ran("chain", str(folder / "chain.json"), "--expiry", "2026-09-25")
    assert code == 0 and "BTC-25SEP26-54000-P" in said


def test_a_chain_as_json_holds_smiles_and_strikes(folder: Path) -> None:
    code, said = ran("chain", str(folder / "chain.json"), "--expiry", "2026-09-25", "--json")
    document = json.loads(said)
    assert code == 0 and document["schema"] == "options-chain/1"
    data = document["data"]
    assert [one["arbitrage"] for one in data["smiles"]] == ["none"] * 3
    put = next(one for one in data["strikes"] if one["name"] == "BTC-25SEP26-54000-P")
    assert -1.0 < put["premium_adjusted_delta"] < put["delta"] < 0.0


@pytest.fixture(scope="module")
def answer(folder: Path) -> dict[str, Any]:
    futures = ("--paths", "20", "--made-up", "--futures", "student", "--horizon", "12h")
    code, said = overlay(folder, "--max-loss", "0.2", *futures, "--json")
    assert code == 0, said
    found: dict[str, Any] = json.loads(said)["data"]
    return found


def test_an_overlay_keeps_the_limit_beside_holding_less(answer: dict[str, Any]) -> None:
    assert answer["start"] == pytest.approx(60_000.0)
    for one in answer["overlays"]:
        assert max(one["storms"].values()) <= 12_000.0 + 1.0
    less = answer["less"]
    assert less["reached"] and less["scale"] == pytest.approx(12_000.0 / 30_000.0, abs=0.01)
    assert {one["way"].split()[0] for one in answer["ways"]} == {"puts", "spreads", "collars", "hold"}


def test_the_best_overlay_goes_through_a_drills_futures(answer: dict[str, Any]) -> None:
    found = answer["futures"]
    assert found["simulated"] and found["paths"] == 20 and found["horizon_hours"] == 12.0 and found["died"] == 0
    assert found["worst_twentieth"]["with"] < found["worst_twentieth"]["without"]


def test_the_futures_go_under_the_playbook_whose_rules_see_the_overlay(folder: Path, tmp_path: Path) -> None:
    rules = tmp_path / "stop.toml"
    rules.write_text(PLAYBOOK + "[guardrails]\ndaily_drawdown = 0.03\n", encoding="utf-8")
    futures = (
        "--paths",
        "40",
        "--made-up",
        "--futures",
        "student",
        "--horizon",
        "24h",
        "--structure",
        "puts",
        "--seed",
        "3",
    )
    start = ("--max-loss", "0.2", "--playbook", str(rules), *futures, "--with-rules")
    code, said = overlay(folder, *start, "--json")
    assert code == 0, said
    ruled = json.loads(said)["data"]["futures"]["ruled"]
    assert ruled["playbook"] == "grid" and ruled["acted"]["with"] < ruled["acted"]["without"]
    assert ruled["worst_twentieth"]["with"] < ruled["worst_twentieth"]["without"]


def test_rules_that_never_act_leave_the_futures_what_the_options_add(folder: Path) -> None:
    asked = overlay_from(
        {
            **ALONG_PATHS, "book": folder / "book.toml", "playbook": folder / "playbook.toml", "chain": [folder / "chain.json"],
            "max_loss": 0.2, "spread": None, "depth_share": 0.05, "min_days": 30.0, "max_days": 400.0, "storms": None,
            "kinds": ["grid"], "structures": ["puts"], "hold": 30.0, "sticky": "delta", "vol_with_spot": 0.5, "at": None,
            "least": "outlay", "cover": None, "lots": None, "paths": 20, "made_up": True, "futures": "student", "horizon": "12h",
            "allow_options": False,
        }
    )  # fmt: skip
    laying = lay_overlay(asked)
    overlay = overlay_of(laying.wanted, laying.chosen[0])
    assert asked.futures is not None
    found = drill_overlay(asked.futures, overlay, ruled=True)
    assert found.ruled is not None and found.ruled.acted == (0, 0)
    assert found.ruled.losses.ended[:, 0] == pytest.approx(found.ended[:, 0])
    bars = path_bars(plan_drill(asked.futures).drill, 7)
    factor, years = bars.close[0, -1:] / bars.open[0, 0], np.array([0.5 / 365.0])
    gained = float(overlay.values({"BTC": factor}, years)[0]) - overlay.outlay
    assert found.ruled.losses.ended[7, 1] == pytest.approx(found.ended[7, 0] - gained, rel=1e-9)


def test_an_overlay_says_what_it_does_not_do(folder: Path) -> None:
    page = folder / "overlay.html"
    code, said = overlay(folder, "--max-loss", "0.3", "--structure", "puts", "--html", str(page))
    written_page = page.read_text(encoding="utf-8")
    assert "Storms without them and with" in written_page and '"payoff": {"data"' in written_page
    flat = " ".join(said.split())
    assert code == 0 and "The cheapest that keeps it: puts" in flat
    assert "Not modelled: margin that a venue asks for options sold" in flat


def test_the_page_warns_of_many_more_coins_than_are_held_as_the_words_do(folder: Path) -> None:
    page = folder / "many.html"
    code, said = overlay(folder, "--max-loss", "0.1", "--structure", "puts", "--html", str(page))
    assert code == 0 and "times the book's BTC: it counts on" in " ".join(said.split())
    assert "times the book&#39;s BTC: it counts on" in page.read_text(encoding="utf-8")


def test_an_account_that_dies_is_not_rescued(folder: Path) -> None:
    levered = folder / "levered.toml"
    levered.write_text(BOOK.replace("60000.0 }", "20000.0 }"), encoding="utf-8")
    start = (
        "overlay",
        str(levered),
        "--playbook",
        str(folder / "playbook.toml"),
        "--chain",
        str(folder / "chain.json"),
    )
    code, said = ran(*start, "--depth-share", "0.05", "--kind", "grid", "--max-loss", "0.5", "--structure", "puts")
    flat = " ".join(said.split())
    assert code == 0 and "do not protect an account from liquidation" in flat and "main in 1 of 4 storms" in flat


def test_a_book_within_its_limit_needs_nothing(folder: Path) -> None:
    code, said = overlay(folder, "--max-loss", "0.9")
    assert code == 0 and "The book keeps the limit" in said


def test_an_overlay_is_a_hedge_as_well(folder: Path) -> None:
    words = (
        str(folder / "book.toml"),
        "--chain",
        str(folder / "chain.json"),
        "--depth-share",
        "0.05",
        "--kind",
        "grid",
    )
    done = CliRunner().invoke(app, ["hedge", "options", *words, "--max-loss", "0.9"], catch_exceptions=False)
    assert done.exit_code == 0 and done.output == overlay(folder, "--max-loss", "0.9")[1]


def test_a_limit_out_of_reach_is_a_breach(folder: Path) -> None:
    code, said = overlay(folder, "--max-loss", "0.05", "--cover", "0.1", "--structure", "puts")
    assert code == 10 and "NO OVERLAY KEEPS IT" in " ".join(said.split()) and "misses it by" in " ".join(said.split())


def test_coins_outside_accounts_are_of_the_book(folder: Path) -> None:
    layered = folder / "layered.toml"
    layer = '[prices]\nBTC = 60000.0\n[[layers]]\nlayer = "bitcoin"\nasset = "BTC"\namount = 4.0\n[[accounts]]'
    short = BOOK.replace("[[accounts]]", layer, 1).replace("quantity = 2.0", "quantity = -2.0")
    layered.write_text(short, encoding="utf-8")
    start = (
        "overlay",
        str(layered),
        "--playbook",
        str(folder / "playbook.toml"),
        "--chain",
        str(folder / "chain.json"),
    )
    code, said = ran(*start, "--depth-share", "0.05", "--kind", "grid", "--max-loss", "0.05", "--json")
    data = json.loads(said)["data"]
    assert code == 0 and data["start"] == pytest.approx(300_000.0)
    assert max(one["loss"] for one in data["storms"]) == pytest.approx(2.0 * 60_000.0 * 0.25, rel=0.01)
    bought = [leg["option"] for one in data["overlays"] for leg in one["legs"] if leg["coins"] > 0.0]
    assert bought and all(name.endswith("-P") for name in bought)
    assert not any("left out" in note for note in data["notes"])


def overlay_of_another_time(folder: Path, moment: str, *words: str) -> tuple[int, str]:
    """The book as of another moment against the same chain."""
    later = folder / "later.toml"
    later.write_text(BOOK.replace("2026-08-07T00:00:00Z", moment), encoding="utf-8")
    start = ("overlay", str(later), "--playbook", str(folder / "playbook.toml"), "--chain", str(folder / "chain.json"))
    code, said = ran(
        *start, "--depth-share", "0.05", "--kind", "grid", "--max-loss", "0.3", "--structure", "puts", *words
    )
    return code, " ".join(said.split())


@pytest.mark.parametrize("moment", ["2026-08-08T00:00:01Z", "2026-08-05T23:59:59Z", "2026-12-01T00:00:00Z"])
def test_a_chain_of_another_day_is_refused(folder: Path, moment: str) -> None:
    code, said = overlay_of_another_time(folder, moment)
    assert code == 3 and "2026-08-07T00:00:00" in said and moment[:19] in said and "--at chooses" in said


def test_time_to_expiry_is_from_the_books_moment(folder: Path) -> None:
    words = ("--min-days", "49", "--max-days", "60", "--hold", "30")
    assert overlay_of_another_time(folder, "2026-08-07T00:00:00Z", *words)[0] == 0
    code, said = overlay_of_another_time(folder, "2026-08-07T12:00:00Z", *words)
    assert code == 3 and "has no option on BTC that ends in 49 to 60 days" in said


@pytest.mark.parametrize(
    ("words", "told"),
    [(("--max-loss", "1.5"), "share of the book's equity"), (("--max-loss", "0.3", "--structure", "straddles"), "no structure"),
     (("--max-loss", "0.3", "--hold", "60"), "raise --min-days"), (("--max-loss", "0.3", "--sticky", "skew"), "delta or strike"),
     (("--max-loss", "0.3", "--lot", "BTC=x"), "BTC=0.1"), (("--max-loss", "0.3", "--storm", "crash"), "leave --kind out"),
     (("--max-loss", "0.3", "--paths", "5"), "--paths 20"), (("--max-loss", "0.3", "--with-rules"), "--with-rules is of a drill"),
     (("--max-loss", "0.3", "--horizon", "banana"), "--horizon is of a drill's futures"),
     (("--max-loss", "0.3", "--futures", "nonsense"), "--futures is of a drill's futures"),
     (("--max-loss", "0.3", "--step", "7q"), "--step is of"), (("--max-loss", "0.3", "--seed", "2"), "--seed is of"),
     (("--max-loss", "0.3", "--lake", "."), "--lake is of"), (("--max-loss", "0.3", "--made-up"), "--made-up is of"),
     (("--max-loss", "0.3", "--paths", "50", "--horizon", "60d"), "outlives"),
     (("--max-loss", "0.3", "--min-days", "0.02", "--hold", "0"), "raise --min-days, or choose storms"),
     (("--max-loss", "0.3", "--least", "time"), "cannot be least"), (("--max-loss", "0.3", "--at", "2026-08-07"), "one moment")],
)  # fmt: skip
def test_what_cannot_be_is_refused(folder: Path, words: tuple[str, ...], told: str) -> None:
    code, said = overlay(folder, *words)
    assert code == 3 and told in " ".join(said.split())
