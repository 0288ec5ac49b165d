"""The audit and the runbook through their commands, and what the book says of how layers are reached."""

from __future__ import annotations

import json
from functools import lru_cache
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from perpbook.cli.main import app
from perpbook.errors import BookError
from perpbook.runs.check import load_all_terms
from perpbook.snapshot import dump_snapshot, load_snapshot
from perpbook.treasury.standing import standing_of

EXAMPLES = Path(__file__).parents[2] / "src/perpbook/examples"
DESK, HEDGED = EXAMPLES / "desk/book.toml", EXAMPLES / "hedged/book.toml"
VOLATILE = ("--volatility", "*=0.7")

ALONE = """
schema = "book/1"
as_of = "2026-11-20T12:00:00Z"

[prices]
USDC = 1.0

[access]
arbitrum = ["one", "two"]

[clouds]
one = "aws"

[[layers]]
layer = "arbitrum"
asset = "USDC"
amount = 1000.0
"""


ONE = """
schema = "book/1"
as_of = "2026-11-20T12:00:00Z"

[prices]
USDC = 1.0

[access]
arbitrum = ["one", "two"]

[[accounts]]
id = "main"
venue = "hyperliquid"
collateral = { USDC = 6000.0 }

[[accounts.positions]]
symbol = "BTC"
quantity = 1.0
entry_price = 90000.0

[[markets]]
venue = "hyperliquid"
symbol = "BTC"
mark_price = 90000.0

[[layers]]
layer = "arbitrum"
asset = "USDC"
amount = 9000.0
"""


def told(*words: str) -> tuple[int, str, str]:
    done = CliRunner().invoke(app, ["treasury", *words], catch_exceptions=False)
    return done.exit_code, done.stdout, done.stderr


@lru_cache(maxsize=8)
def audited(*words: str) -> tuple[int, dict[str, Any]]:
    code, out, _ = told("audit", *words, "--json")
    return code, json.loads(out)["data"]


@lru_cache(maxsize=8)
def steps(when: str, book: Path = DESK) -> tuple[dict[str, Any], ...]:
    code, out, err = told("runbook", str(book), "--when", when, *VOLATILE, "--json")
    assert code == 0, err
    return tuple(json.loads(out)["data"]["steps"])


def test_the_desk_is_not_safe_and_a_few_hundred_dollars_make_it_so() -> None:
    code, data = audited(str(DESK), *VOLATILE)
    broken = {one["name"]: [two["who"] for two in one["breaks"]] for one in data["failures"] if one["breaks"]}
    assert code == 10 and broken == {"Hyperliquid": ["hl-sol"], "Hyperliquid L1": ["hl-sol"]}
    [step] = data["change"]["steps"]
    assert data["change"]["enough"] and data["change"]["safe_after"]
    assert step["target"] == "hl-sol" and 300.0 < step["dollars"] < 600.0


def test_legs_left_alone_are_counted_by_hand() -> None:
    code, data = audited(str(HEDGED), *VOLATILE, "--no-change")
    binance = next(one for one in data["failures"] if one["name"] == "Binance")
    assert code == 10 and data["change"] is None
    assert binance["legs"] == [
        {"asset": "BTC", "net_before": pytest.approx(3 * 90_000 - 3 * 90_020), "net_after": 270_000.0,
         "naked": pytest.approx(269_940.0), "dollars_per_percent": pytest.approx(2_699.4)}
    ]  # fmt: skip
    assert binance["stuck"] == pytest.approx(30_120.0)
    assert binance["cannot_trade"] == ["binance-short"]


def test_the_worst_comes_first() -> None:
    failures = audited(str(DESK), *VOLATILE)[1]["failures"]
    unbroken = [one["damage"] for one in failures if not one["breaks"]]
    assert unbroken == sorted(unbroken, reverse=True) and unbroken[0] > 30_000.0
    usdc = next(one for one in failures if one["name"] == "USDC falls")
    assert usdc["loss"] == pytest.approx(0.1 * (180_000 + 9_000 + 70_000 + 60_000 + 20_000))


def test_what_is_printed_says_who_breaks_by_how_much_and_what_to_change(tmp_path: Path) -> None:
    book = tmp_path / "book.toml"
    book.write_text(ONE)
    code, out, _ = told("audit", str(book), *VOLATILE)
    flat = " ".join(out.split())
    assert code == 10 and "Not N-1 safe" in flat
    assert "Hyperliquid" in flat and "fails: main is liquidated first with a chance of" in flat
    assert "of USDC from Arbitrum One to main by" in flat
    assert "Audited again with it: N-1 safe" in flat and "Nothing is sent." in flat


def test_without_a_volatility_nothing_is_called_safe(tmp_path: Path) -> None:
    book = tmp_path / "book.toml"
    far = HEDGED.read_text().replace('layer = "arbitrum"', 'layer = "base"').replace("quantity = 3.0", "quantity = 0.3")
    book.write_text(far.replace("quantity = -3.0", "quantity = -0.3"))
    code, data = audited(str(book), "--failure", "Binance")
    assert set(data["unknown"]) == {"binance-short"} and "give --volatility" in data["unknown"]["binance-short"]
    assert data["safe"] is None and code == 20


def test_one_failure_alone_is_found_by_its_name() -> None:
    code, data = audited(str(DESK), *VOLATILE, "--failure", "arbitrum one")
    assert [one["name"] for one in data["failures"]] == ["Arbitrum One"] and code == 0
    assert data["failures"][0]["stuck"] == pytest.approx(80_000.0)


BAD = {
    "volatility": (["--volatility", "BTC=60%"], "as a fraction"),
    "asset": (["--volatility", "DOGE=0.6"], "no position in"),
    "correlation": ([*VOLATILE, "--correlation", "1.5"], "from 0 to 1"),
    "failure": ([*VOLATILE, "--failure", "arbitrun one"], "Arbitrum One"),
    "rail": (["--rail", "cctp-fst"], "cctp-fast"),
    "lasting": (["--lasting", "long"], "no length of time"),
    "nothing": (["--lasting", "0h"], "no length of time"),
    "limit": (["--late-max", "1"], "between 0 and 1"),
    "naked": (["--naked-max", "-1"], "above 0"),
    "depeg": (["--depeg", "nan"], "between 0 and 1"),
}


@pytest.mark.parametrize("name", BAD)
def test_bad_options_are_refused_with_the_next_step(name: str) -> None:
    words, hint = BAD[name]
    code, out, err = told("audit", str(DESK), "--no-change", *words)
    assert code == 3 and hint in err and out == ""


def test_a_trapped_leg_is_hedged_where_there_is_margin_for_it() -> None:
    hedge = next(one for one in steps("hyperliquid halted") if one["name"] == "hedge what is trapped")
    legs = {one["symbol"]: one for one in hedge["proposals"]}
    assert set(legs) == {"BTCUSDT", "ETHUSDT"} and all(one["account"] == "binance-1" for one in legs.values())
    snapshot = load_snapshot(DESK)
    terms = load_all_terms(snapshot)
    free = standing_of(snapshot, terms).free["binance-1"]
    assert sum(one["margin"] for one in legs.values()) < free
    assert legs["BTCUSDT"]["quantity"] == pytest.approx(-(540_000 - 2 * 90_020 - 120_000 + 134_316) / 90_020, rel=0.01)
    assert any("SOL" in one and "no account that lives" in one for one in hedge["do"])


def test_hedges_end_when_their_leg_is_written_off_or_comes_back() -> None:
    found = steps("hyperliquid halted")
    opened = {one["symbol"]: one["quantity"] for one in found[2]["proposals"]}
    for last in (found[4], found[5]):
        ended = {one["symbol"]: one["quantity"] for one in last["proposals"] if one["kind"] == "trade"}
        assert ended == {symbol: -quantity for symbol, quantity in opened.items()}


def test_no_pot_is_sent_twice() -> None:
    for when in ("arbitrum halted", "hyperliquid halted", "dydx halted", "deribit halted"):
        sent = [one for step in steps(when) for one in step["proposals"] if one["kind"] == "transfer"]
        from_arbitrum = sum(one["dollars"] for one in sent if one["source"] == "arbitrum")
        assert from_arbitrum <= 60_000.0 and all(one["dollars"] > 0.0 for one in sent)


def test_a_layer_that_halts_traps_no_leg_and_counts_what_is_under_way_as_lost() -> None:
    by = {one["name"]: one for one in steps("arbitrum halted")}
    assert by["hedge what is trapped"]["left_out"] == "no leg is trapped: every account can trade"
    kinds = [one["kind"] for one in by["top up over what is left"]["proposals"]]
    assert "count_as_lost" in kinds and "transfer" in kinds
    routes = [two for one in by["top up over what is left"]["proposals"] for two in one.get("routes", [])]
    assert routes and not any("arbitrum" in one for one in routes)
    assert by["write down, unwind elsewhere"]["proposals"][0]["dollars"] == pytest.approx(80_000.0)


def test_after_a_hack_the_other_legs_are_unwound_at_once() -> None:
    by = {one["name"]: one for one in steps("binance hacked")}
    last = by["write down, unwind elsewhere"]
    assert last["from_seconds"] == 0.0 and "counts as lost" in by["hedge what is trapped"]["left_out"]
    [trade] = [one for one in last["proposals"] if one["kind"] == "trade"]
    assert (trade["account"], trade["symbol"], trade["reduce_only"]) == ("hl-main", "BTC", True)
    assert trade["quantity"] == pytest.approx(-2.0 * 90_020 / 90_000, abs=2e-5)


@pytest.mark.parametrize(
    "when",
    ["arbitrum unreachable", "starknet rolled back", "Deribit frozen", "cctp-fast closed", "USDC has been depegged"],
)
def test_every_kind_of_incident_has_a_ladder(when: str) -> None:
    found = steps(when)
    assert found[0]["name"] == "wait" and len(found) == 6
    assert all(one["do"] or one["left_out"] for one in found)


def test_a_coin_that_fell_is_not_sent() -> None:
    sent = [two for one in steps("USDC has been depegged") for two in one["proposals"] if two["kind"] == "transfer"]
    assert all(one["asset"] != "USDC" for one in sent)


@pytest.mark.parametrize(
    "when, hint", [("arbitrun halted", "arbitrum"), ("arbitrum", "like"), ("usdc halted", "frozen or fallen")]
)
def test_an_incident_that_says_nothing_is_refused(when: str, hint: str) -> None:
    code, out, err = told("runbook", str(DESK), "--when", when)
    assert code == 3 and hint in err and out == ""


def test_proposals_are_written_in_their_order(tmp_path: Path) -> None:
    path = tmp_path / "steps.json"
    code, out, _ = told("runbook", str(DESK), "--when", "hyperliquid halted", *VOLATILE, "--out", str(path))
    written = json.loads(path.read_text())
    assert code == 0 and "Nothing is sent" in out and "Out of reach: $214,900, 36% of the book." in out
    assert [one["number"] for one in written["steps"]] == list(range(1, len(written["steps"]) + 1))
    assert written["schema"] == "proposals/1" and {"trade", "block"} <= {one["kind"] for one in written["steps"]}


def loaded(folder: Path, text: str) -> Any:
    path = folder / "book.toml"
    path.write_text(text)
    return load_snapshot(path)


def test_access_is_read_and_written_back(tmp_path: Path) -> None:
    snapshot = loaded(tmp_path, ALONE)
    [access] = snapshot.book.access
    assert (access.layer, access.providers, access.clouds) == ("arbitrum", ("one", "two"), ("aws", ""))
    assert loaded(tmp_path, dump_snapshot(snapshot)).book.access == snapshot.book.access


@pytest.mark.parametrize(
    "old, new, hint",
    [
        ('["one", "two"]', "[]", "own-node"),
        ('["one", "two"]', '["one", "one"]', "each once"),
        ('["one", "two"]', '["one", 2]', "quotes"),
        ('["one", "two"]', '"one"', "brackets"),
        ('one = "aws"', 'onne = "aws"', 'mean "one"'),
        ('one = "aws"', "one = 3", "quotes"),
    ],
)
def test_a_slip_in_access_is_named_with_a_next_step(tmp_path: Path, old: str, new: str, hint: str) -> None:
    with pytest.raises(BookError) as caught:
        loaded(tmp_path, ALONE.replace(old, new))
    assert hint in " ".join(str(one) for one in caught.value.problems)


def test_a_book_without_accounts_is_safe_and_its_provider_is_named_in_the_runbook(tmp_path: Path) -> None:
    loaded(tmp_path, ALONE)
    book = tmp_path / "book.toml"
    code, data = audited(str(book))
    assert (
        code == 0
        and data["safe"] is True
        and {one["name"] for one in data["failures"]} >= {"Arbitrum One", "provider one"}
    )
    second = steps("arbitrum halted", book)[1]
    assert second["proposals"][0] == {
        "kind": "read_through", "layer": "arbitrum", "provider": "two", "instead_of": "one",
    }  # fmt: skip
