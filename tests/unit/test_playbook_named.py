"""One manner of naming a playbook: after the book. The options of before still work, are not shown, and not beside it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from typer.main import get_command
from typer.testing import CliRunner

from perpbook.cli.main import app
from perpbook.examples.catalogue import book_file

BOOK = str(book_file("hedged"))
TRADE = ("whatif", "close 10% BTC @ hl-long")


def ask(*words: str) -> tuple[int, str]:
    done = CliRunner().invoke(app, list(words))
    assert done.exception is None or isinstance(done.exception, SystemExit), done.exception
    return done.exit_code, done.output


@pytest.mark.parametrize(
    "words",
    [
        (*TRADE, BOOK),
        ("rebalance", BOOK),
        ("hedge", "plan", BOOK),
        ("hedge", "report", BOOK),
        ("hedge", "options", BOOK, "--max-loss", "0.3"),
        ("options", "overlay", BOOK, "--max-loss", "0.3"),
    ],
)
def test_a_playbook_is_named_once_in_its_place_or_by_the_option_of_before(
    tmp_path: Path, words: tuple[str, ...]
) -> None:
    broken = tmp_path / "rules.toml"
    broken.write_text("schema = 5\n")
    place, option = ask(*words, str(broken)), ask(*words, "--playbook", str(broken))
    assert place == option and place[0] == 3
    code, out = ask(*words, str(broken), "--playbook", str(broken))
    assert code == 3 and "the playbook is named twice" in out and "leave --playbook out" in out


def test_a_trade_takes_its_book_in_the_same_manner() -> None:
    place, option = ask(*TRADE, BOOK), ask(*TRADE, "--book", BOOK)
    assert place == option and place[0] in (0, 10)
    code, out = ask(*TRADE, BOOK, "--book", BOOK)
    assert code == 3 and "the book is named twice" in out


def shown(command: Any, name: str = "perpbook") -> list[tuple[str, Any]]:
    """Every command with its name."""
    inner = getattr(command, "commands", {})
    return [one for word in inner for one in shown(inner[word], f"{name} {word}")] if inner else [(name, command)]


def test_every_command_that_takes_a_playbook_takes_it_after_the_book() -> None:
    for name, command in shown(get_command(app)):
        places = [one.name for one in command.params if one.param_type_name == "argument"]
        options = [word for one in command.params if not getattr(one, "hidden", False) for word in one.opts]
        if "playbook" in places and "book" in places:
            assert places.index("playbook") == places.index("book") + 1, name
        assert "--playbook" not in options or name == "perpbook demo", name
