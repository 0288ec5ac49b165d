"""The page on `venue-sim`: its program runs and prints what it says."""

from __future__ import annotations

import contextlib
import io
import re
import shutil
from pathlib import Path

import pytest

import perpbook.examples

PAGE = Path(__file__).parents[2] / "docs" / "guard-venue-sim.md"


def test_the_program_of_the_page_prints_what_it_shows(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    page = PAGE.read_text(encoding="utf-8")
    program, shown = re.findall(r"```python\n(.*?)```.*?```text\n(.*?)```", page, re.DOTALL)[0]
    shutil.copy(Path(perpbook.examples.__file__).parent / "directional" / "book.toml", tmp_path / "book.toml")
    monkeypatch.chdir(tmp_path)
    with contextlib.redirect_stdout(io.StringIO()) as out:
        exec(compile(program, PAGE.name, "exec"), {})
    assert out.getvalue() == shown
