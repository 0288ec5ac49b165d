"""What docs/data.md shows is what happens."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import pytest
from typer.testing import CliRunner

from perpbook.cli.main import app
from perpbook.history.lake import KINDS
from tests.unit.history_lakes import ROOT

PAGE = (ROOT / "docs/data.md").read_text(encoding="utf-8")


def blocks(language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", PAGE, re.DOTALL)


def test_the_examples_of_the_page_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PERPBOOK_DATA_LAKE", "lake")
    Path("prices.csv").write_text(blocks("csv")[0], encoding="utf-8")
    printed = ""
    for line in "".join(blocks("console")).splitlines():
        if line.startswith("$ "):
            done = CliRunner().invoke(app, shlex.split(line)[2:])
            assert done.exit_code == 0, done.stderr
            printed = done.stdout
        else:
            assert line in [one.rstrip() for one in printed.splitlines()], printed
    exec(compile(blocks("python")[0], "docs/data.md", "exec"), {})
    assert capsys.readouterr().out.startswith("720 ('SIMULATED prices: no market ever made them',)")


def test_the_page_names_every_kind_and_every_finding() -> None:
    sources = "".join(path.read_text(encoding="utf-8") for path in (ROOT / "src/perpbook/history").glob("*.py"))
    told = set(re.findall(r'Severity\.\w+,\s+(?:code=)?"(\w+)"', sources)) | {
        "conflict",
        "duplicate",
        "drawn_walk",
        "beyond_cap",
        "gap",
    }
    assert len(told) > 15
    assert not [name for name in (*told, *KINDS) if f"`{name}`" not in PAGE]
