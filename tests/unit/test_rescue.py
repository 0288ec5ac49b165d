"""Rescue through the command's door and from files: what is told, what is refused, what a storm takes."""

from __future__ import annotations

import json
import math
import shutil
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from perpbook.cli.main import app
from perpbook.errors import InputError
from perpbook.margin.assess import assess
from perpbook.report.words import lasting
from perpbook.runs.check import load_all_terms
from perpbook.snapshot import load_snapshot
from perpbook.treasury.facts_load import PACKAGE, load_facts, packaged_facts
from perpbook.treasury.standing import standing_of

DESK = Path(__file__).parents[2] / "src/perpbook/examples/desk/book.toml"

ONE = """
schema = "book/1"
as_of = "2026-11-20T12:00:00Z"

[prices]
USDC = 1.0

[[accounts]]
id = "main"
venue = "hyperliquid"
collateral = { USDC = 10000.0 }

[[accounts.positions]]
symbol = "BTC"
quantity = 1.0
entry_price = 90000.0

[[markets]]
venue = "hyperliquid"
symbol = "BTC"
mark_price = 90000.0
"""


def gaps(*words: str) -> tuple[dict[str, Any], dict[str, Any]]:
    done = CliRunner().invoke(app, ["drill", "run", *words, "--json"], catch_exceptions=False)
    data = json.loads(done.output)["data"]
    return {one["account"]: one for one in data["rescue"]}, data


def book(tmp_path: Path, more: str = "") -> str:
    path = tmp_path / "book.toml"
    path.write_text(ONE + more, encoding="utf-8")
    return str(path)


def layer(name: str, asset: str = "USDC", amount: float = 5000.0) -> str:
    return f'\n[[layers]]\nlayer = "{name}"\nasset = "{asset}"\namount = {amount}\n'


def test_every_fact_is_read_and_every_name_resolves() -> None:
    facts = packaged_facts()
    assert (len(facts.layers), len(facts.routes), len(facts.venues)) == (18, 39, 10)
    assert facts.layer_id("hypercore") == "hyperliquid-l1" and facts.layer_id("nowhere") is None
    assert facts.led_by("noble") == {"noble"} and facts.led_by("optimism") == set()


@pytest.mark.parametrize(
    ("file", "old", "new", "told"),
    [
        ("routes", 'ends = "x"', "", ""),
        ("routes", "typical = 900,", "typical = 9,", "should rise"),
        ("routes", 'to = ["arbitrum"]', 'to = ["arbitrun"]', 'names "arbitrun"'),
        ("layers", 'kind = "base"', 'kind = "base"\ncolour = "red"', "not a key"),
        ("venues", 'layer = "hyperliquid-l1"', "", "one door"),
        ("venues", "schema = ", "scheme = ", "schema"),
        ("layers", 'sources = ["l2beat-linea", "circle-finality"]', 'sources = ["nobody"]', "not among"),
    ],
)
def test_facts_that_are_wrong_are_refused_with_their_place(
    tmp_path: Path, file: str, old: str, new: str, told: str
) -> None:
    for path in PACKAGE.glob("*.toml"):
        shutil.copy(path, tmp_path)
    page = tmp_path / f"{file}.toml"
    text = page.read_text(encoding="utf-8")
    page.write_text(text.replace(old, new, 1), encoding="utf-8")
    if not told:
        assert load_facts(tmp_path) == packaged_facts()
        return
    with pytest.raises(InputError, match=told):
        load_facts(tmp_path)


def test_a_book_without_money_anywhere_has_nothing_to_send(tmp_path: Path) -> None:
    found, _ = gaps(book(tmp_path), "--storm", "gap-down")
    assert found["main"]["best"] is None and "nothing to send" in found["main"]["no_money_because"]


def test_money_that_no_route_brings_or_that_is_too_little_is_told(tmp_path: Path) -> None:
    found, _ = gaps(book(tmp_path, layer("paradex")), "--storm", "gap-down")
    assert "no route brings it" in found["main"]["no_money_because"]
    found, _ = gaps(book(tmp_path, layer("arbitrum", amount=50.0)), "--storm", "gap-down")
    assert "too little" in found["main"]["no_money_because"]
    found, data = gaps(book(tmp_path, layer("arbitrun")), "--storm", "gap-down")
    assert any('"arbitrun"' in one and "arbitrum" in one for one in data["notes"])


def test_a_storm_takes_the_route_and_money_waits_or_goes_another_way(tmp_path: Path) -> None:
    words = [book(tmp_path, layer("arbitrum")), "--storm"]
    calm, _ = gaps(*words, "gap-down")
    assert calm["main"]["best"]["by"] == ["hyperliquid-cctp-in"] and not calm["main"]["storm_takes"]
    # The stock storm closes Arbitrum for two hours from its beginning.
    halted, data = gaps(*words, "gap-down + arbitrum-halt")
    assert halted["main"]["best"]["seconds"]["typical"] > 7_200.0 and "arbitrum halt" in halted["main"]["storm_takes"]
    assert not any("money does not move" in one or "arbitrum" in one for one in data["not_modelled"])
    other, _ = gaps(book(tmp_path, layer("arbitrum") + layer("base")), "--storm", "gap-down + arbitrum-halt")
    assert other["main"]["best"]["from"] == "Base" and other["main"]["best"]["seconds"]["typical"] < 600.0


def test_an_instant_fall_comes_before_any_money(tmp_path: Path) -> None:
    found, _ = gaps(book(tmp_path, layer("arbitrum")), "--storm", "crash-2020-03-12 + arbitrum-halt")
    late = found["main"]["without_playbook"]
    assert late["dies"] == late["futures"] and 0.0 <= late["share"] <= 1.0
    low, high = late["by_moment_in_step"]
    assert low <= late["share"] <= high


def test_an_unknown_name_in_a_storm_is_told_with_the_nearest(tmp_path: Path) -> None:
    storm = tmp_path / "mine.toml"
    storm.write_text(
        'schema = "storm/1"\nname = "mine"\ntitle = "x"\nhorizon = "2h"\n[[outage]]\nlayer = "arbitrun"\nkind = "halt"\n'
        '[[outage]]\nroute = "cctp"\nkind = "closed"\n',
        encoding="utf-8",
    )
    _, data = gaps(book(tmp_path, layer("arbitrum")), "--storm", str(storm))
    told = " ".join(data["notes"])
    assert 'layer "arbitrun"' in told and 'did you mean "arbitrum"' in told and 'route "cctp"' in told


def test_many_futures_tell_both_reckonings_and_an_override_takes_their_place(tmp_path: Path) -> None:
    words = [book(tmp_path, layer("arbitrum")), "--made-up", "--kind", "normal", "--paths", "30", "--shock", "4"]
    words += ["--horizon", "12h", "--no-playbook"]
    found, data = gaps(*words)
    one = found["main"]
    assert one["closed_form"]["asset"] == "BTC" and one["without_playbook"]["futures"] == 30
    assert one["after_alarm"]["rings"] >= one["without_playbook"]["dies"]
    said = CliRunner().invoke(app, ["drill", "run", *words, "--html", str(tmp_path / "page.html")]).output
    assert "hyperliquid-cctp-in" in said
    assert "Whether money comes in time" in (tmp_path / "page.html").read_text(encoding="utf-8")
    assert not gaps(*words, "--arrives", "main=45m")[0]
    assert gaps(*words)[1]["result"] == data["result"] and gaps(*words)[0] == found


def test_lengths_of_time_are_said_as_people_do() -> None:
    said = [lasting(one) for one in (0.0, 41.0, 580.0, 7_560.0, 4 * 86_400.0, float("inf"))]
    assert said == ["at once", "41 s", "9.7 min", "2.1 h", "4 days", "not before the drill ends"]


def test_a_check_tells_the_gap_where_a_volatility_is_given(tmp_path: Path) -> None:
    words = ["check", book(tmp_path, layer("arbitrum"))]
    done = CliRunner().invoke(app, [*words, "--volatility", "BTC=0.6", "--json"])
    (one,) = json.loads(done.output)["data"]["rescue"]
    calm = one["closed_form"]
    assert one["best"]["from"] == "Arbitrum One" and 0.0 <= calm["too_late"] <= calm["too_late_after_alarm"] < 0.1
    done = CliRunner().invoke(app, [*words, "--volatility", "BTC=3", "--json"])
    wild = json.loads(done.output)["data"]["rescue"][0]["closed_form"]["too_late_after_alarm"]
    assert wild > calm["too_late_after_alarm"]
    assert "Rescue, if BTC moves 60%" in CliRunner().invoke(app, [*words, "--volatility", "BTC=0.6"]).output
    assert "rescue" not in json.loads(CliRunner().invoke(app, [*words, "--json"]).output)["data"]
    for wrong, told in (("BTC=60", "as a fraction"), ("BTC=x", "as a fraction"), ("ETH=0.6", "lives by alone")):
        refused = CliRunner().invoke(app, [*words, "--volatility", wrong])
        assert refused.exit_code == 3 and told in " ".join(refused.output.split())


def test_standing_is_what_an_assessment_says() -> None:
    snapshot = load_snapshot(DESK)
    terms = load_all_terms(snapshot)
    found, standing = assess(snapshot, terms).assessment.accounts, standing_of(snapshot, terms)
    for number, one in enumerate(found):
        assert standing.free[one.id] == pytest.approx(one.summary.free_collateral)
        assert standing.equity[number] == pytest.approx(one.summary.equity)
        falls = [None if math.isnan(move) else move for move in standing.moves[number].tolist()]
        assert falls == [one.move_down, one.move_up]
        assert standing.rings(0.1)[number] == (one.summary.margin_ratio >= 0.0999)
