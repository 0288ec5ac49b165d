"""`perpbook exit plan`: what it prints, and what it refuses."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from perpbook.cli.main import app
from perpbook.errors import PlaybookError
from perpbook.examples.catalogue import book_file
from perpbook.execution.exit_plan import plan_from
from perpbook.playbook.load import parse_playbook

RULES = """
schema_version = 1
[liquidity]
max_exit_minutes = 10
[guardrails]
daily_drawdown = 0.05
[leverage.book]
gross = 2
[exit]
triggers = ["leverage.book", "account.margin", "guardrails.daily_drawdown"]
order = ["experimental", "neutral"]
steps = 2
destination = "arbitrum"
"""


def ran(tmp_path: Path, *options: str, rules: str = RULES) -> Any:
    path = tmp_path / "p.toml"
    path.write_text(rules, encoding="utf-8")
    return CliRunner().invoke(app, ["exit", "plan", str(book_file("desk")), str(path), *options])


def data_of(tmp_path: Path, *options: str, rules: str = RULES) -> dict[str, Any]:
    run = ran(tmp_path, "--json", *options, rules=rules)
    assert run.exit_code in (0, 10), run.output
    found: dict[str, Any] = json.loads(run.stdout)["data"]
    return found


def test_the_document_holds_a_plan_that_can_be_gone_on_with(tmp_path: Path) -> None:
    found = data_of(tmp_path)
    plan = plan_from(found["plan"])
    assert len(plan.stages) == 8 and found["seconds"] == 420.0 and found["fees"] == pytest.approx(883.935, abs=1e-3)
    assert found["slippage"]["low"] <= found["slippage"]["high"]
    assert found["depth_unknown"] == ["LINK-USD @ dydx-0", "BTC-PERPETUAL @ deribit-btc"]
    assert {one["rule"]: one["broken"] for one in found["triggers"]} == {
        "leverage.book": True, "account.margin": False, "guardrails.daily_drawdown": None,
    }  # fmt: skip
    assert found["limit"]["status"] == "near" and found["kept"] is True


def test_money_goes_where_the_playbook_says_and_what_has_no_way_says_so(tmp_path: Path) -> None:
    onward = {one["account"]: one for one in data_of(tmp_path)["onward"]}
    assert onward["dydx-0"]["by"] == "dydx-out" and onward["dydx-0"]["dollars"] > 70_000
    assert onward["deribit-btc"]["by"] == "" and "BTC" in onward["deribit-btc"]["why"]


def test_too_slow_or_too_dangerous_is_exit_code_10(tmp_path: Path) -> None:
    assert ran(tmp_path).exit_code == 0
    assert ran(tmp_path, "--pace", "600").exit_code == 10
    told = ran(
        tmp_path,
        "--pace",
        "20000",
        "--volatility",
        "1.5",
        "--budget",
        "0.0001",
        rules=RULES.replace("= 10\n", "= 1e6\n"),
    )
    assert told.exit_code in (0, 10) and "Budget of 0.010%" in told.output
    assert ("NOT KEPT" in told.output) == (told.exit_code == 10)


def test_the_text_names_what_is_not_known(tmp_path: Path) -> None:
    told = " ".join(ran(tmp_path).output.split())
    assert "at least 7 min" in told and "no depth is known of LINK-USD @ dydx-0" in told
    assert "--volatility" in told and "nothing is sent" in told and "dydx-0 is closed together" in told


@pytest.mark.parametrize(
    ("options", "rules", "said"),
    [
        (("--volatility", "much"), RULES, "write a year's volatility"),
        (("--volatility", "nan"), RULES, "the volatility of other assets is nan"),
        (("--volatility", "BTC=0.5"), RULES, "the volatility of ETH is not known"),
        (("--budget", "0.1"), RULES, "needs volatilities"),
        (("--pace", "-1"), RULES, "must be a number not below 0"),
        (("--correlation", "2", "--volatility", "1"), RULES, "lies between 0 and 1"),
        ((), RULES.replace('"arbitrum"', '"atlantis"'), "is no layer that is known"),
    ],
)
def test_what_cannot_be_planned_is_refused(tmp_path: Path, options: tuple[str, ...], rules: str, said: str) -> None:
    run = ran(tmp_path, *options, rules=rules)
    assert run.exit_code == 3 and said in run.stderr


@pytest.mark.parametrize(
    ("section", "said"),
    [
        ('triggers = ["guardrails.weekly_drawdown"]', "is no rule that this playbook sets"),
        ('triggers = ["exit.steps"]', "is no rule that this playbook sets"),
        ('order = ["a", "a"]', "is named twice"),
        ("steps = 0", "greater than 0"),
        ("slippage_max = 1.0", "less than 1"),
    ],
)
def test_an_exit_that_cannot_be_is_refused_with_its_line(section: str, said: str) -> None:
    with pytest.raises(PlaybookError, match=r"p\.toml:3") as caught:
        parse_playbook(f"schema_version = 1\n[exit]\n{section}\n", "p.toml")
    assert said in str(caught.value)


def test_the_check_says_that_it_does_not_judge_the_time_to_flat(tmp_path: Path) -> None:
    path = tmp_path / "p.toml"
    path.write_text(RULES, encoding="utf-8")
    run = CliRunner().invoke(app, ["check", str(book_file("desk")), str(path)])
    assert "liquidity.max_exit_minutes" in " ".join(run.output.split())
