"""Every verb of the treasury takes the same options, and what was seen of layers' health closes their ways."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from perpbook.cli.main import app
from perpbook.engine.clock import now_ns
from perpbook.health.clocks import Memory
from perpbook.health.judge import LayerMemory
from perpbook.model.health import State
from perpbook.model.units import SECOND_NS
from perpbook.runs.treasury_health import _remember
from perpbook.treasury.conditions import Conditions
from perpbook.treasury.facts_load import packaged_facts

EXAMPLES = Path(__file__).parents[2] / "src/perpbook/examples"
DESK = EXAMPLES / "desk/book.toml"
NEED = ("plan", "--need", "dydx-0=9000@200", "--no-failures", "--no-reduce")


def ask(verb: str, *words: str, book: Path = DESK) -> tuple[int, dict[str, Any]]:
    done = CliRunner().invoke(app, ["treasury", verb, str(book), *words, "--json"], catch_exceptions=False)
    return done.exit_code, json.loads(done.output)


def seen(folder: Path, state: State, *, ago: float = 30.0, layer: str = "arbitrum") -> tuple[str, str]:
    """A memory in which a layer's newest block stood so, as options."""
    moment = now_ns() - round(ago * SECOND_NS)
    grace = now_ns() + 3_600 * SECOND_NS if state is State.RECOVERING else 0
    well = Memory(state=State.OK, known=State.OK, since_ns=moment, seen_ns=moment)
    head = Memory(state=state, known=state, since_ns=moment, seen_ns=moment, grace_until_ns=grace)
    _remember(folder / "seen.json", {layer: LayerMemory(clocks={"head": head, "access": well})})
    return ("--health", str(folder / "seen.json"))


def test_a_layer_that_was_seen_well_keeps_its_ways(tmp_path: Path) -> None:
    calm, well = ask(*NEED)[1]["data"], ask(*NEED, *seen(tmp_path, State.OK))[1]["data"]
    assert calm["moves"] and well["moves"] == calm["moves"]
    assert any("health was looked at of Arbitrum One" in one for one in well["notes"])


@pytest.mark.parametrize(
    ("state", "told"),
    [
        (State.HALTED, "Arbitrum One is halted"),
        (State.ROLLED_BACK, "Arbitrum One is rolled back"),
        (State.RECOVERING, "nothing out of it until its grace is over"),
        (State.UNKNOWN, "nobody can be believed"),
    ],
)
def test_a_plan_sends_nothing_over_a_layer_that_is_away(tmp_path: Path, state: State, told: str) -> None:
    data = ask(*NEED, *seen(tmp_path, state))[1]["data"]
    assert not any("arbitrum" in (one["from"], one["to"]) for one in data["moves"])
    assert any(told in one for one in data["notes"])


def test_what_was_seen_long_ago_is_not_known_and_nothing_remembered_is_refused(tmp_path: Path) -> None:
    old = seen(tmp_path, State.OK, ago=1_000.0)
    assert "is unknown, last seen 1,0" in " ".join(ask(*NEED, *old)[1]["data"]["notes"])
    assert ask(*NEED, *old, "--last", "2000")[1]["data"]["moves"] == ask(*NEED)[1]["data"]["moves"]
    for words in (("--health", str(tmp_path / "none.json")), (*old, "--last", "0")):
        assert ask("status", *words)[0] == 3


def test_ways_and_needs_know_of_a_halt(tmp_path: Path) -> None:
    halted = seen(tmp_path, State.HALTED)
    words = ("routes", "--from", "arbitrum", "--to", "hyperliquid")
    calm, closed = (ask(*words, *more)[1]["data"]["ways"] for more in ((), halted))
    assert any(one["arrives"] for one in calm) and not any(one["arrives"] for one in closed)
    notes = ask("needs", "--made-up", *halted)[1]["data"]["notes"]
    assert any("Arbitrum One is halted" in one for one in notes)


@pytest.mark.parametrize("verb", ["status", "needs", "plan", "routes", "audit", "runbook", "economics", "report"])
def test_own_facts_are_one_file_for_every_verb(tmp_path: Path, verb: str) -> None:
    file = tmp_path / "mine.toml"
    file.write_text('schema = "own-facts/1"\nas_of = 2026-11-20\n[routes.nowhere]\n')
    more = {"needs": ["--made-up"], "plan": list(NEED[1:]), "runbook": ["--when", "arbitrum halted"]}
    more["economics"] = ["--volatility", "BTC=0.6"]
    code, found = ask(verb, *more.get(verb, []), "--facts", str(file))
    assert code == 3 and "nowhere" in json.dumps(found["errors"])


def test_an_audit_in_a_storm_is_worse_than_in_calm_and_says_so() -> None:
    words = ("audit", "--volatility", "*=0.7", "--no-change", "--failure", "Hyperliquid")
    (_, calm), (_, storm) = ask(*words), ask(*words, "--storm", "arbitrum-halt")
    before, after = (json.dumps(one["data"]) for one in (calm, storm))
    assert before != after and 'of the storm \\"arbitrum-halt\\"' in after


def test_two_conditions_at_once_keep_what_has_no_end() -> None:
    facts = packaged_facts()
    from perpbook.scenario.overlay import Absence

    def away(name: str, end: int, steps: int) -> Conditions:
        one = Absence(where="layer", name=name, kind="halt", start_step=0, end_step=end, factor=1.0)
        return Conditions(facts=facts, absences=(one,), steps=steps)

    both = away("base", 10, 10).plus(away("arbitrum", 50, 100))
    assert both.steps == 100 and [one.end_step for one in both.absences] == [100, 50]


def test_a_tank_is_of_the_coin_that_the_playbook_names(tmp_path: Path) -> None:
    rules = tmp_path / "playbook.toml"
    rules.write_text('schema_version = 1\n[layers]\ngas = { arbitrum = 2 }\ngas_coins = { arbitrum = "USDC" }\n')
    levels = ask("needs", str(rules), "--made-up")[1]["data"]["levels"]
    (tank,) = [one for one in levels if one["kind"] == "gas" and one["place"] == "arbitrum"]
    assert tank["assets"] == ["USDC"] and tank["why"] == "the playbook keeps 2 USDC there"
