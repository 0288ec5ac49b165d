"""Needs of real books through the command's door: what is short and why, what could go, what is refused."""

from __future__ import annotations

import json
from dataclasses import replace
from functools import lru_cache
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from perpbook.cli.main import app
from perpbook.errors import InputError
from perpbook.model.units import HOUR_NS, SECOND_NS, to_iso
from perpbook.playbook.schema import Layers
from perpbook.runs.treasury_needs import NeedsAsked, wanted_of
from perpbook.runs.treasury_state import StateAsked, state_of
from perpbook.treasury.told import Wanted

EXAMPLE = Path(__file__).parents[2] / "src/perpbook/examples/desk/book.toml"
DESK = EXAMPLE.read_text(encoding="utf-8")

QUICK = ("--made-up", "--draws", "1000", "--transfer-cost", "5")


def ask(*words: str) -> tuple[int, dict[str, Any]]:
    done = CliRunner().invoke(app, ["treasury", *words, "--json"])
    assert done.exception is None or isinstance(done.exception, SystemExit), done.exception
    return done.exit_code, json.loads(done.stdout)


@lru_cache
def desk(*words: str) -> dict[str, Any]:
    """The needs of the example as it is."""
    return ask("needs", str(EXAMPLE), *QUICK, *words)[1]


def book(folder: Path, text: str = DESK) -> str:
    path = folder / "book.toml"
    path.write_text(text, encoding="utf-8")
    return str(path)


def levels(found: dict[str, Any]) -> dict[tuple[str, str], dict[str, Any]]:
    return {(one["place"], one["kind"]): one for one in found["data"]["levels"]}


def test_the_desk_has_no_gas_on_arbitrum_and_money_to_spare() -> None:
    found = desk()
    short = [key for key, one in levels(found).items() if one["short"] > 0.0]
    assert short == [("arbitrum", "gas")]
    tank = levels(found)["arbitrum", "gas"]
    assert [need["place"] for need in found["data"]["needs"]] == ["arbitrum", "arbitrum"]
    assert sum(need["dollars"] for need in found["data"]["needs"]) == pytest.approx(tank["band"]["refill"])
    assert tank["band"]["least"] == pytest.approx(200_000 * 40.881036e-9 * 3_000.0)
    for spare in found["data"]["spares"]:
        assert spare["dollars"] > 0.0 and spare["kept"] >= 0.0 and spare["asset"] != "BTC"


def test_an_account_near_its_end_is_a_critical_need_with_a_deadline(tmp_path: Path) -> None:
    thin = DESK.replace("collateral = { USDC = 70000.0 }", "collateral = { USDC = 9000.0 }")
    _, found = ask("needs", book(tmp_path, thin), *QUICK)
    need = next(one for one in found["data"]["needs"] if one["place"] == "dydx-0" and one["critical"])
    level = levels(found)["dydx-0", "account"]
    assert need["dollars"] == pytest.approx(level["short"]) and 0.0 < need["seconds"] <= level["lead"]["seconds"]
    assert "USDC" in need["assets"] and all(one["place"] != "dydx-0" for one in found["data"]["spares"])


def test_a_longer_lead_in_a_storm_asks_for_more() -> None:
    calm, storm = levels(desk()), levels(desk("--storm", "arbitrum-halt-long"))
    for name in ("hl-main", "dydx-0"):
        assert storm[name, "account"]["lead"]["seconds"] > calm[name, "account"]["lead"]["seconds"]
        assert storm[name, "account"]["band"]["least"] > calm[name, "account"]["band"]["least"]


def test_more_confidence_and_more_buffer_never_ask_for_less() -> None:
    def least(*words: str) -> list[float]:
        return [one["band"]["least"] for (_, kind), one in levels(desk(*words)).items() if kind == "account"]

    usual = least()
    for more in (("--confidence", "0.98"), ("--buffer", "0.1")):
        assert all(one <= two + 1e-6 for one, two in zip(least(*more), usual, strict=True))


def test_what_cannot_be_read_stops_what_is_new(tmp_path: Path) -> None:
    text = DESK + '\n[[unread]]\nwhat = "dydx-chain"\nwhy = "two providers disagree"\n'
    for words in (("status",), ("needs", *QUICK)):
        code, found = ask(words[0], book(tmp_path, text), *words[1:])
        assert code == 30 and found["data"]["may_start"] is False
        assert found["data"]["unread"] == ["dydx-chain: two providers disagree"]
        assert found["data"].get("spares", []) == []


def test_a_tank_is_filled_for_the_dearest_fee_of_the_window_that_is_asked_for(tmp_path: Path) -> None:
    rows = [f"{to_iso(1_700_000_000 * SECOND_NS + hour * HOUR_NS)},{hour / 100}" for hour in range(2_000)]
    (tmp_path / "gas.csv").write_text("\n".join(["date,gwei", *rows]), encoding="utf-8")
    lake = ("--lake", str(tmp_path / "lake"))
    words = ["data", "import", str(tmp_path / "gas.csv"), "--kind", "gas", "--venue", "arbitrum", *lake]
    assert CliRunner().invoke(app, words).exit_code == 0
    found = ask("needs", str(EXAMPLE), *QUICK, *lake, "--bar", "4h", "--gas-since", "2023-11-20")[1]
    tank = levels(found)["arbitrum", "gas"]
    # 0.01 gwei more every hour, from the 122nd on: the 99.9 % point lies 1.877 hours before the last.
    assert tank["band"]["least"] == pytest.approx(200_000 * 19.97123e-9 * 3_000.0)
    told = [one for one in found["data"]["notes"] if "base fees on" in one]
    assert len(told) == 1 and "Arbitrum One" in told[0] and "2023-11-20..2024-02-06, 1h of the lake" in told[0]


@pytest.mark.parametrize(
    ("words", "code", "told"),
    [
        ((), 20, "there is no lake"),
        (("--made-up", "--confidence", "1.2"), 3, "--confidence"),
        (("--made-up", "--confidence", "0.9999"), 3, "--draws 100000 at least"),
        (("--made-up", "--bar", "1m"), 3, "wider --bar"),
        (("--made-up", "--buffer", "-1"), 3, "--buffer"),
        (("--made-up", "--opportunity", "0"), 3, "--opportunity"),
        (("--made-up", "--transfer-cost", "-3"), 3, "--transfer-cost"),
        (("--made-up", "--gas-since", "2024-01-01"), 20, "has no gas of any layer"),
        (("--made-up", "--gas-until", "soon"), 3, "no ISO time"),
        (("--made-up", "--storm", "flash-crash"), 3, "takes no layer"),
        (("--made-up", "--storm", "nonsense"), 3, "there is no storm"),
    ],
)
def test_what_cannot_be_done_is_refused_with_the_next_step(
    tmp_path: Path, words: tuple[str, ...], code: int, told: str
) -> None:
    found, answer = ask("needs", book(tmp_path), "--lake", str(tmp_path / "no lake"), *words)
    assert (found, answer["ok"]) == (code, False)
    assert told in answer["errors"][0]["message"]


def test_the_status_says_where_everything_is_and_when_the_rest_comes(tmp_path: Path) -> None:
    text = DESK.replace('arrives = "2026-11-20T12:20:00Z"', 'departed = "2026-11-20T11:50:00Z"\nroute = "dydx-in"')
    code, found = ask("status", book(tmp_path, text))
    assert code == 0 and found["data"]["may_start"]
    flight = found["data"]["flights"][0]
    assert flight["gone_seconds"] == 600.0 and 0.0 < flight["typical_seconds"] < flight["p95_seconds"]
    virtual = sum(one["virtual"] for one in found["data"]["holdings"])
    assert virtual == pytest.approx(found["data"]["total"])
    said = CliRunner().invoke(app, ["treasury", "status", book(tmp_path, text)]).stdout
    assert "gone for 10 min" in said and "stuck with a chance of" in said


def test_the_words_fit_a_hundred_columns_and_give_reasons() -> None:
    done = CliRunner().invoke(app, ["treasury", "needs", str(EXAMPLE), *QUICK])
    said = done.stdout
    assert done.exit_code == 10
    assert max(map(len, said.splitlines())) <= 100
    for part in ("SHORT: $24.53 in arbitrum's gas tank.", "SIMULATED", "What could go", "wanted within", "else"):
        assert part in said


def kept(folder: Path, **layers: object) -> Wanted:
    """The needs of the desk without a lake, under a playbook that keeps something on layers."""
    state = StateAsked(book=Path(book(folder)))
    found = state_of(state, now_ns=None, terms_folders=())
    rules = found.playbook.model_copy(update={"layers": Layers(**layers)})  # type: ignore[arg-type]
    return wanted_of(replace(found, playbook=rules), NeedsAsked(state=state))


def test_what_the_playbook_keeps_needs_no_lake(tmp_path: Path) -> None:
    found = kept(tmp_path, reserves={"arbitrum": 70_000.0}, gas={"ethereum": 12.0})
    short = {(one.place, one.kind): one.short for one in found.levels}
    assert short["arbitrum", "layer"] == pytest.approx(10_000.0)
    assert short["ethereum", "gas"] == pytest.approx(6_000.0)
    assert not any(kind == "account" for _, kind in short)
    assert any("what accounts need is not reckoned" in note for note in found.notes)
    assert found.spares == (), "nothing of accounts whose needs nobody has reckoned"


def test_a_layer_that_nobody_knows_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r'reserves names "arbitrun".*arbitrum'):
        kept(tmp_path, reserves={"arbitrun": 1.0})
