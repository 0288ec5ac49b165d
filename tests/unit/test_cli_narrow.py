"""The program with one command laid out answers as the whole one."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from typer.main import get_command
from typer.testing import CliRunner

from perpbook.cli.main import app, asked_of
from perpbook.cli.narrow import nothing

runner = CliRunner()


@pytest.mark.parametrize(
    "words",
    [
        ("check", "--help"), ("check", "--nothing"), ("version",), ("treasury", "--help"), ("treasury", "plan", "--help"),
        ("funding", "--help"), ("funding",), ("funding", "past"), ("data", "nothing"),
        ("guard", "--help"), ("--nothing",), ("--help",), ("nothing",), (),
    ],
)  # fmt: skip
def test_one_command_laid_out_answers_as_the_whole_program(words: tuple[str, ...]) -> None:
    whole, narrow = runner.invoke(app, list(words)), runner.invoke(asked_of(words), list(words))
    assert (narrow.exit_code, narrow.stdout, narrow.stderr) == (whole.exit_code, whole.stdout, whole.stderr)


def test_only_what_was_asked_for_is_laid_out() -> None:
    assert [one.callback.__name__ for one in asked_of(("check", "x")).registered_commands if one.callback] == ["check"]
    assert not asked_of(("check",)).registered_groups
    assert [one.name for one in asked_of(("treasury",)).registered_groups] == ["treasury"]
    assert len(app.registered_commands) > 1 and app.registered_callback is None
    (guard,) = asked_of(("guard", "run", "--live")).registered_groups
    assert guard.typer_instance and len(guard.typer_instance.registered_commands) == 1


def leaves(one: Any, path: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], Any]]:
    """Every command of a laid-out program, by the words that name it."""
    inner = getattr(one, "commands", None)
    yield from () if inner is not None else ((path, one),)
    for name, command in (inner or {}).items():
        yield from leaves(command, (*path, name))


def test_every_command_laid_out_alone_is_itself() -> None:
    for path, command in leaves(get_command(app)):
        alone = dict(leaves(get_command(asked_of((*path, "--help")))))
        assert alone[path].callback.__wrapped__ is command.callback.__wrapped__, path
        assert len(alone) == 1 or path[0] == "funding"


def test_nothing_of_an_outline_can_run() -> None:
    told = asked_of(("--help",))
    assert {one.callback for one in told.registered_commands} == {nothing}
    assert not any(one.typer_instance.registered_commands for one in told.registered_groups if one.typer_instance)
    assert asked_of(("--nothing", "check")) is app


MONEY = """
from pathlib import Path
from perpbook.examples.catalogue import book_file, playbook_file
text = book_file("desk").read_text().split("[[transfers]]")[0]
Path("book.toml").write_text(text)
Path("playbook.toml").write_text("schema_version = 1\\n[layers]\\nreserves = { arbitrum = 1000 }")
from perpbook.runs.check import run_check
from perpbook.runs.check_money import money_of
assert money_of(run_check(Path("book.toml"), Path("playbook.toml"))).forecasts == ()
"""


def test_a_check_of_money_that_stands_reckons_no_chances(tmp_path: Path) -> None:
    code = f"import sys\n{MONEY}\nprint(*sys.modules)"
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=tmp_path)
    assert not {"scipy", "perpbook.treasury.stuck", "perpbook.scenario.catalogue", "numpy.ma"} & set(run.stdout.split())
