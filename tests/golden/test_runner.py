"""The golden runner counts what it should, and says what it cannot run."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest

from tests.golden import __main__, registry
from tests.golden.compare import Tolerance, agree
from tests.golden.runner import NO_ADAPTER

EXACT = Tolerance(exact=True)
LOOSE = Tolerance(relative=1e-3)


def doubled(given: Mapping[str, Any]) -> Mapping[str, Any]:
    return {"y": 2 * given["x"]}


@pytest.fixture(autouse=True)
def only_doubling(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(registry, "ADAPTERS", [])
    monkeypatch.setattr(__main__, "load_adapters", list)
    registry.adapter("sea", "double", needs={"x"})(doubled)
    registry.adapter("risk", "double", needs={"x"})(doubled)


def case(**change: Any) -> dict[str, Any]:
    plain = {"id": "one", "venue": "sea", "topic": "double", "inputs": {"x": 2}, "expected": {"y": 4}}
    return {**plain, "rtol": 0.0, "reproduced": True, **change}


def run(folder: Path, content: object, capsys: pytest.CaptureFixture[str]) -> tuple[int, str]:
    (folder / "cases.json").write_text(content if isinstance(content, str) else json.dumps(content))
    code = __main__.main([str(folder)])
    shown = capsys.readouterr()
    return code, shown.out + shown.err


def test_a_met_case_counts(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code, shown = run(tmp_path, [case()], capsys)
    assert code == 0
    assert "sea: 1 of 1 reproduced" in shown


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ({"expected": {"y": 5}}, "one: y: ours 4, expected 5"),
        ({"expected": {"z": 4}}, "one: z: ours 'not given', expected 4"),
        ({"inputs": {"w": 2}}, f"one: {NO_ADAPTER}"),
        ({"inputs": {"x": None}}, "one: the adapter raised TypeError"),
    ],
)
def test_a_missed_case_is_shown_and_fails(
    change: dict[str, Any], why: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    code, shown = run(tmp_path, [case(**change), case()], capsys)
    assert code == 1
    assert f"mismatch: {why}" in shown
    assert "sea: 1 of 2 reproduced" in shown


def test_an_open_puzzle_is_shown_but_not_counted(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code, shown = run(tmp_path, [case(reproduced=False, expected={"y": 5}), case()], capsys)
    assert code == 0
    assert "open puzzle, not counted: one: y: ours 4, expected 5" in shown
    assert "sea: 1 of 1 reproduced" in shown


def test_a_set_without_adapter_is_skipped_by_name(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "other.json").write_text(json.dumps({"name": "triple", "cases": [{"inp": {"x": 1}, "out": 3}] * 2}))
    code, shown = run(tmp_path, {"name": "double", "cases": [{"inp": {"x": 1}, "out": {"y": 2}}]}, capsys)
    assert code == 0
    assert "skipped, no adapter: triple (2 cases)" in shown
    assert "risk: 1 of 1 reproduced" in shown


@pytest.mark.parametrize("content", ["{", "3", "[3]", '[{"venue": "sea"}]', '{"cases": [{"inp": {}, "out": {}}]}'])
def test_an_unfit_file_is_one_line_and_fails(content: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code, shown = run(tmp_path, content, capsys)
    assert code == 1
    assert [line for line in shown.splitlines() if line.startswith("error: ")] == [
        line for line in shown.splitlines() if "cases.json" in line
    ]
    assert "cases.json" in shown


def test_nothing_to_run_is_exit_2(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert __main__.main([str(tmp_path / "absent")]) == 2
    assert __main__.main([str(tmp_path)]) == 2
    assert run(tmp_path, [], capsys)[0] == 2
    assert __main__.main([]) == 2


@pytest.mark.parametrize(
    ("ours", "expected", "tolerance", "agreed"),
    [
        (4, 4, EXACT, True),
        (4.0000001, 4, EXACT, False),
        (10**30 + 1, 10**30, EXACT, False),
        (Fraction(1, 2), 0.5, EXACT, True),
        (True, 1, EXACT, False),
        (1, True, EXACT, False),
        ("4", 4, EXACT, False),
        (1.0005, 1.0, LOOSE, True),
        (1.0015, 1.0, LOOSE, False),
        (None, 1.0, LOOSE, False),
        (0.0, None, LOOSE, False),
        (None, None, EXACT, True),
        (math.nan, 1.0, LOOSE, False),
        ([1, 2], [1, 2], EXACT, True),
        ([1], [1, 2], EXACT, False),
        ({"a": 1, "b": 2}, {"a": 1}, EXACT, True),
        (1e-15, 0, LOOSE, True),
        (1e-3, 0, LOOSE, False),
    ],
)
def test_values_agree_within_tolerance(ours: Any, expected: Any, tolerance: Tolerance, agreed: bool) -> None:
    assert agree(ours, expected, tolerance) is agreed
