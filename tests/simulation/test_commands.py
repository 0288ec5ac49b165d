"""What the page shows can be typed, and a law that breaks is told with the command that breaks it again."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import pytest

from tests.simulation.__main__ import main
from tests.simulation.mutants import MUTANTS

PAGE = (Path(__file__).parents[2] / "docs/guard-simulation.md").read_text(encoding="utf-8")
COMMANDS = [
    shlex.split(line, comments=True)[3:] for line in re.findall(r"^python -m tests\.simulation .*", PAGE, re.MULTILINE)
]
QUICK = [one for one in COMMANDS if "--sweep" not in one and "0:10000" not in one]


@pytest.mark.parametrize("command", QUICK, ids=" ".join)
def test_a_command_of_the_page_runs_and_breaks_no_law(command: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(command) == 0
    assert "wrote run" in capsys.readouterr().out


def test_a_broken_law_is_told_with_the_command_that_breaks_it_again(capsys: pytest.CaptureFixture[str]) -> None:
    with MUTANTS[0].loose():
        assert main(["--seeds", "0:2", "--jobs", "1"]) == 1
        first = capsys.readouterr().out.splitlines()
        assert main(shlex.split(first[1])[3:]) == 1
        assert capsys.readouterr().out.splitlines()[:2] == first[:2]


def test_a_crash_on_purpose_is_in_the_command() -> None:
    from tests.simulation.crash import CrashAt
    from tests.simulation.play import play

    assert play(16, CrashAt(write=3, late=True)).command == "python -m tests.simulation --seeds 16 --crash 3+"
