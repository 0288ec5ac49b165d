"""The page on `venue-sim`: its program runs and prints what it says."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from pathlib import Path

import perpbook.examples

PAGE = Path(__file__).parents[2] / "docs" / "guard-venue-sim.md"


def test_the_program_of_the_page_prints_what_it_shows(tmp_path: Path) -> None:
    page = PAGE.read_text(encoding="utf-8")
    program, shown = re.findall(r"```python\n(.*?)```.*?```text\n(.*?)```", page, re.DOTALL)[0]
    shutil.copy(Path(perpbook.examples.__file__).parent / "directional" / "book.toml", tmp_path / "book.toml")
    words = [sys.executable, "-c", program]
    run = subprocess.run(words, cwd=tmp_path, capture_output=True, text=True, check=False, timeout=90)
    assert run.stdout == shown, run.stderr
