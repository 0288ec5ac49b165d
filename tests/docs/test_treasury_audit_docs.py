"""The page on redundancy shows what the program prints."""

from __future__ import annotations

import shlex
from pathlib import Path

import pytest
from typer.testing import CliRunner

from perpbook.cli.main import app
from tests.docs.test_documents_run import sessions


def test_the_page_shows_what_the_commands_print(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PERPBOOK_HOME", str(tmp_path))
    shown = sessions("docs/treasury-audit.md")
    assert len(shown) == 3
    for command, lines in shown:
        done = CliRunner().invoke(app, shlex.split(command)[1:], catch_exceptions=False)
        assert done.exit_code in (0, 10), done.stderr
        printed = [line.rstrip() for line in done.stdout.splitlines()]
        assert [line for line in lines if line.rstrip() not in printed] == [], done.stdout
