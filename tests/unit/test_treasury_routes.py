"""`treasury routes` through its door: which ways, how long, what is told as unknown, what is refused."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from perpbook.cli.main import app
from perpbook.treasury.exit_gas import action_dollars, exit_gas
from perpbook.treasury.facts_load import packaged_facts

ROOT = Path(__file__).parents[2]
DESK = str(ROOT / "src/perpbook/examples/desk/book.toml")


def routes(*words: str) -> dict[str, Any]:
    done = CliRunner().invoke(app, ["treasury", "routes", *words, "--json"], catch_exceptions=False)
    document = json.loads(done.output)
    assert document["schema"] == "treasury-routes/1"
    found: dict[str, Any] = document["data"]
    return found


def by(found: dict[str, Any]) -> dict[str, Any]:
    return {"+".join(one["by"]): one for one in found["ways"]}


def refused(*words: str) -> str:
    done = CliRunner().invoke(app, ["treasury", "routes", *words])
    assert done.exit_code == 3, done.output
    return done.stderr


def test_without_places_every_route_of_the_coin_is_there_and_what_nobody_knows_stays_unknown() -> None:
    found, facts = by(routes()), packaged_facts()
    assert set(found) == {one.id for one in facts.routes.values() if "USDC" in one.assets}
    assert found["lifi"]["seconds"] is None and "seconds.typical" in found["lifi"]["unknown"]
    assert found["across"]["unknown"] == ["fee.dollars", "fee.bps"] and found["across"]["risk"] == "solver"
    assert found["dydx-out"]["most"] == 1_000_000.0
    for one in found.values():
        if one["seconds"]:
            assert one["seconds"]["typical"] <= one["seconds"]["p95"] <= one["seconds"]["p99"]


def test_between_two_places_ways_are_ranked_and_a_storm_makes_them_later() -> None:
    calm = routes("--from", "arbitrum", "--to", "hyperliquid")
    assert set(by(calm)) == {"hyperliquid-cctp-in", "hyperliquid-bridge-in", "across"}
    ends = [one["seconds"]["p95"] for one in calm["ways"]]
    assert ends == sorted(ends)
    storm = by(routes("--from", "arbitrum", "--to", "hyperliquid", "--storm", "arbitrum-halt"))
    for name, one in by(calm).items():
        assert storm[name]["seconds"]["typical"] >= one["seconds"]["typical"] + 7_000.0
    locked = by(routes("--from", "arbitrum", "--to", "hyperliquid", "--storm", "hyperliquid-2025-11-12"))
    assert locked["hyperliquid-bridge-in"]["seconds"]["typical"] >= 1_500.0
    assert locked["across"]["seconds"] == by(calm)["across"]["seconds"]


def test_one_place_alone_gives_what_leaves_it_or_comes_to_it() -> None:
    out = routes("--from", "lighter")
    assert {(one["from"], one["to"]) for one in out["ways"]} == {("lighter", "ethereum"), ("lighter", "arbitrum")}
    into = routes("--to", "dydx", "--most", "50")
    assert {one["to"] for one in into["ways"]} == {"dydx"} and all(len(one["by"]) <= 1 for one in into["ways"])
    assert {name for one in into["ways"] for name in one["by"]} == {"dydx-in", "dydx-fast-in"}


def test_a_book_gives_its_own_places_and_no_isolated_account_takes_money() -> None:
    found = routes(DESK, "--most", "200")
    accounts = {"hl-main", "dydx-0", "binance-1", "deribit-btc"}
    assert {one["to"] for one in found["ways"]} <= accounts
    assert {one["from"] for one in found["ways"]} <= accounts | {"Arbitrum One", "Ethereum"}
    named = routes(DESK, "--from", "arbitrum", "--to", "dydx-0")
    assert {one["by"][-1] for one in named["ways"]} >= {"dydx-in", "dydx-fast-in"}


def test_own_figures_fill_what_is_unknown_and_open_what_was_closed(tmp_path: Path) -> None:
    own = tmp_path / "own.toml"
    own.write_text(
        'schema = "own-facts/1"\nas_of = 2026-11-20\n[routes.lighter-out]\nseconds = { worst = 90000 }\n'
        "[routes.lighter-fast-out]\nfee = { dollars = 2, bps = 0 }\n",
        encoding="utf-8",
    )
    before = routes("--from", "lighter", "--to", "ethereum")
    assert set(by(before)) == {"lighter-fast-out"} and any("lighter-out is left out" in one for one in before["notes"])
    after = routes("--from", "lighter", "--to", "ethereum", "--facts", str(own))
    assert set(by(after)) == {"lighter-fast-out", "lighter-out"} and not after["notes"]
    fast = by(after)["lighter-fast-out"]
    assert (fast["unknown"], fast["fee"]["dollars"]) == ([], 2.0) and "lighter-fast-out: fee.dollars" in fast["own"]


def test_amounts_below_the_least_of_a_route_do_not_go_over_it() -> None:
    found = routes("--from", "arbitrum", "--to", "hyperliquid", "--amount", "4")
    assert "hyperliquid-bridge-in" not in by(found)
    assert any("hyperliquid-bridge-in is left out: it takes 5 dollars" in one for one in found["notes"])


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["--from", "arbitrun"], 'did you mean "arbitrum"'),
        (["--asset", "USDX"], "USD"),
        (["--amount", "-3"], "above 0"),
        (["--amount", "nan"], "above 0"),
        (["--most", "0"], "1 or more"),
        (["--storm", "arbitrum-halt"], "--from and --to"),
        (["--from", "base", "--storm", "gap-down"], "no layer, route or venue away"),
        (["--from", "base", "--storm", "arbitrum-hlt"], "arbitrum-halt"),
        (["--price", "ETH"], "ETH=3000"),
        (["--price", "ETH=-1"], "above 0"),
        (["--facts", "nowhere.toml"], "cannot be read"),
    ],
)
def test_what_makes_no_sense_is_refused_with_the_next_step(words: list[str], told: str) -> None:
    assert told in refused(*words)


def test_the_gas_of_an_exit_is_units_times_fee_times_price_and_never_guessed() -> None:
    layers, prices = packaged_facts().layers, {"ETH": 3_000.0}
    found = exit_gas(layers["ethereum"], prices)
    # 50,000 to approve and 150,000 to burn, at 0.418873577 gwei.
    assert found.dollars["p50"] == pytest.approx(200_000 * 0.418873577e-9 * 3_000.0)
    assert found.above == ("p999",) and found.dollars["p999"] > found.dollars["p99"] > found.dollars["p50"]
    assert exit_gas(layers["ethereum"], {}).dollars == {} and exit_gas(layers["ethereum"], {}).coins
    assert (
        exit_gas(layers["starknet"], prices).coins == {}
        and "the base fee" in exit_gas(layers["starknet"], prices).unknown
    )
    assert exit_gas(layers["hyperliquid-l1"], prices).free
    assert action_dollars(layers["solana"], ["burn"], prices) is None
    assert action_dollars(layers["hyperliquid-l1"], ["burn"], {}) == 0.0


def gas_lake(tmp_path: Path) -> list[str]:
    """Two thousand hours of gas that rises by 0.01 gwei an hour."""
    rows = [f"{1_700_000_000 + 3_600 * hour},{hour / 100},{hour / 100},{hour / 100 + 1}" for hour in range(2_000)]
    text = "unix,basefee_gwei_min,basefee_gwei_median,basefee_gwei_max\n" + "\n".join(rows)
    (tmp_path / "gas.csv").write_text(text, encoding="utf-8")
    words = ["--lake", str(tmp_path / "lake")]
    done = CliRunner().invoke(app, ["data", "import", str(tmp_path / "gas.csv"), "--kind", "gas", *words])
    assert done.exit_code == 0, done.output
    return words


def test_gas_of_ones_own_window_takes_the_place_of_the_year_of_the_facts(tmp_path: Path) -> None:
    lake = gas_lake(tmp_path)
    gas = {one["layer"]: one for one in routes(*lake)["exit_gas"]}
    assert gas["ethereum"]["coins"]["p50"] == pytest.approx(200_000 * 9.995e-9)
    assert gas["ethereum"]["coins"]["p999"] == pytest.approx(200_000 * 19.97e-9, rel=1e-3)
    assert gas["ethereum"]["highest_stands_for"] == [] and "1h of the lake" in gas["ethereum"]["window"]
    assert gas["arbitrum"]["window"] == "2025-02-04..2026-02-06"
    few = {one["layer"]: one for one in routes(*lake, "--gas-since", "2024-01-25")["exit_gas"]}
    # Too few hours for the 99.9 % point: the highest of the window stands for it.
    assert few["ethereum"]["highest_stands_for"] == ["p999"]
    assert few["ethereum"]["coins"]["p999"] == pytest.approx(200_000 * 20.99e-9)
    done = CliRunner().invoke(app, ["treasury", "routes", *lake, "--gas-since", "2030-01-01"])
    assert done.exit_code == 20 and "data import" in done.stderr
    assert "after --gas-since" in refused(*lake, "--gas-since", "2024-01-02", "--gas-until", "2024-01-01")


def test_the_page_fits_a_terminal_and_tells_what_is_not_known() -> None:
    for words in ([], ["--from", "arbitrum", "--to", "hyperliquid", "--price", "ETH=3000"], [DESK]):
        done = CliRunner().invoke(app, ["treasury", "routes", *words], catch_exceptions=False)
        assert done.exit_code == 0 and "Nobody knows" in done.output and "Stuck" in done.output
        assert max(len(line) for line in done.output.splitlines()) <= 100
