"""The rescue gap of a drill against its closed form, in numbers for a compiled run: `python -m tests.runs.rescue`."""

from __future__ import annotations

import json
import math
import tempfile
from pathlib import Path

from typer.testing import CliRunner

from perpbook.cli.main import app
from perpbook.kernels import jit
from tests.unit.test_rescue import ONE, layer


def closed_form_and_drill_agree(paths: int, step: str) -> None:
    """Deaths within four standard errors; money sent at the alarm within those of what the moment in a step leaves open."""
    with tempfile.TemporaryDirectory() as folder:
        book = Path(folder) / "book.toml"
        book.write_text(ONE + layer("starknet"), encoding="utf-8")
        words = [
            "drill",
            "run",
            str(book),
            "--no-playbook",
            "--made-up",
            "--kind",
            "normal",
            "--shock",
            "4",
            "--horizon",
            "12h",
        ]
        done = CliRunner().invoke(
            app, [*words, "--paths", str(paths), "--step", step, "--json"], catch_exceptions=False
        )
    (gap,) = json.loads(done.output)["data"]["rescue"]
    closed, found, rung = gap["closed_form"], gap["without_playbook"], gap["after_alarm"]
    error = math.sqrt(closed["dies"] * (1.0 - closed["dies"]) / paths)
    assert abs(found["dies"] / paths - closed["dies"]) < 4.0 * error
    said, (low, high) = closed["too_late_after_alarm"], rung["by_moment_in_step"]
    error = math.sqrt(said * (1.0 - said) / rung["rings"])
    assert low - 4.0 * error < said < high + 4.0 * error
    print(f"{step}: dies {found['dies'] / paths:.4f}, closed {closed['dies']:.4f}; after the alarm {rung['share_of_rung']:.4f} "
          f"({low:.4f} to {high:.4f}), closed {said:.4f}")  # fmt: skip


def main() -> None:
    """All of it."""
    for step in ("1m", "5m"):
        closed_form_and_drill_agree(8_000, step)
    print(jit.mode(), "rescue holds")


if __name__ == "__main__":
    main()
