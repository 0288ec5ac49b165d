"""The page on the guard's core: its example runs, and its tables name every phase and level."""

from __future__ import annotations

import re
from pathlib import Path

from perpbook.guard.case import Phase
from perpbook.model.message import KillLevel

PAGE = (Path(__file__).parents[2] / "docs" / "guard-core.md").read_text(encoding="utf-8")


def test_the_example_runs() -> None:
    (block,) = re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)
    exec(compile(block, "guard-core.md", "exec"), {})


def test_every_phase_and_level_has_its_row() -> None:
    rows = {word for row in re.findall(r"^\| ([a-z, ]+) \|", PAGE, re.MULTILINE) for word in row.split(", ")}
    assert {phase.value for phase in Phase} <= rows
    assert {level.name.lower() for level in KillLevel if level} <= rows
