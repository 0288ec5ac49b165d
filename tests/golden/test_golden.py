"""Every venue figure we carry is reproduced by the product's own code."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from perpbook.terms.hyperliquid_funding import rule_at
from tests.golden.__main__ import main
from tests.golden.cases import GoldenCase, read_cases
from tests.golden.runner import load_adapters, run_cases

CASES = Path(__file__).parent / "cases"


def carried() -> list[GoldenCase]:
    return [case for file in sorted(CASES.glob("*.json")) for case in read_cases(file)]


def test_every_carried_figure_is_reproduced() -> None:
    assert load_adapters() == []
    cases = carried()
    tally = run_cases(cases)
    assert tally.mismatches == []
    assert not tally.skipped
    assert tally.reproduced.total() + len(tally.puzzles) == len(cases) > 0


def test_a_wrong_figure_does_not_pass(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    case = json.loads((CASES / "dydx.json").read_text())[0]
    case["expected"]["liquidation_price"] *= 1.001
    (tmp_path / "wrong.json").write_text(json.dumps([case]))
    assert main([str(tmp_path)]) == 1
    shown = capsys.readouterr().out
    assert f"mismatch: {case['id']}: liquidation_price: ours 3174.6" in shown
    assert "dydx: 0 of 1 reproduced" in shown


def test_funding_rules_by_date_give_what_hyperliquid_paid() -> None:
    """The dated table knows each legacy rate's rule without being told its clamp or divisor."""
    paid = [case for case in carried() if case.topic == "legacy" and "time_ms" in case.inputs]
    assert len(paid) >= 14
    for case in paid:
        ours = rule_at(case.inputs["time_ms"] * 10**6).rate(case.inputs["premium"])
        assert ours == pytest.approx(case.expected["funding_rate"], rel=case.tolerance.relative), case.id
